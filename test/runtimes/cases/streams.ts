/** Streams and signals: async iterables, web streams, breaks, cancels and aborts. */
import * as sallyport from "../../../mod.ts";
import { agent, type Case, codeOf, errorOf, open, same, toolCall, turn, until } from "./kit.ts";

const options = {
  stage: "output",
  name: "execute",
  textOf: (part: string) => part,
  withText: (_: string, text: string) => text,
} as const;
const patterns = { policy: { blockedPatterns: ["secret word"] } };

async function* parts(texts: readonly string[], ended: () => void = () => {}): AsyncGenerator<string> {
  try {
    for (const text of texts) yield await Promise.resolve(text);
  } finally {
    ended();
  }
}

function web(
  texts: readonly string[],
  cancelled: (reason: unknown) => void = () => {},
  close = true,
): ReadableStream<string> {
  const left = [...texts];
  return new ReadableStream<string>({
    async pull(controller): Promise<void> {
      await turn();
      const text = left.shift();
      if (text !== undefined) controller.enqueue(text);
      else if (close) controller.close();
      else await new Promise(() => {});
    },
    cancel: cancelled,
  });
}

async function read(session: sallyport.Session, source: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const part of session.stream(source, options)) text += part;
  return text;
}

/** The cases, in order. */
export const streamCases: readonly Case[] = [
  {
    name: "a stream is held until the whole text is judged",
    async run(): Promise<void> {
      same(await read(open(patterns), parts(["high ", "at ", "noon"])), "high at noon");
      same(await codeOf(read(open(patterns), parts(["the sec", "ret wo", "rd"]))), "blocked_pattern");
    },
  },
  {
    name: "a web ReadableStream is a source like any other",
    async run(): Promise<void> {
      same(await read(open(patterns), web(["high ", "at ", "noon"])), "high at noon");
      same(await codeOf(read(open(patterns), web(["the sec", "ret wo", "rd"]))), "blocked_pattern");
    },
  },
  {
    name: "a governed stream goes on into a web stream, through TransformStream and Response",
    async run(): Promise<void> {
      const bytes = web(["hi ", "Zoë ", "😀"]).pipeThrough(
        new TransformStream<string, Uint8Array>({
          transform: (text, out) => out.enqueue(new TextEncoder().encode(text)),
        }),
      );
      const decoder = new TextDecoder();
      const governed = open().stream(bytes, {
        stage: "output",
        name: "execute",
        textOf: (part: Uint8Array) => decoder.decode(part, { stream: true }),
        withText: (_: Uint8Array, text: string) => new TextEncoder().encode(text),
      });
      const iterator = governed[Symbol.asyncIterator]();
      const out = new ReadableStream<Uint8Array>({
        async pull(controller): Promise<void> {
          const { done, value } = await iterator.next();
          if (done === true) controller.close();
          else controller.enqueue(value);
        },
      });
      same(await new Response(out).text(), "hi Zoë 😀");
    },
  },
  {
    name: "a character that two parts share is judged whole",
    async run(): Promise<void> {
      const [high = "", low = ""] = "😀".split("");
      same(
        await codeOf(read(open({ policy: { blockedPatterns: ["x😀y"] } }), parts(["x", high, low, "y"]))),
        "blocked_pattern",
      );
      same(await read(open(), parts([high, low])), "😀");
    },
  },
  {
    name: "a transformed text stands in the stream's first part",
    async run(): Promise<void> {
      same(
        await read(
          open({ guards: [sallyport.redactPatterns(["secret word"], "***")] }),
          web(["a sec", "ret word", " b"]),
        ),
        "a *** b",
      );
    },
  },
  {
    name: "a break before the first part, or after it, ends the act once and cancels the source",
    async run(): Promise<void> {
      for (const reads of [0, 1]) {
        let cancelled = false;
        const session = open({ guards: [sallyport.maxConcurrent(1)] });
        const act = await session.begin({ stage: "pre_model_call", name: "m", payload: {} });
        const source = reads === 0
          ? web(["a"], () => void (cancelled = true))
          : parts(["a", "b"], () => void (cancelled = true));
        const iterator = session.stream(source, { ...options, stage: "post_model_call", act })[Symbol.asyncIterator]();
        for (let n = 0; n < reads; n++) await iterator.next();
        await iterator.return?.();
        await until(() => cancelled, `the source is let go after ${reads} reads`);
        same(
          (await session.begin({ stage: "pre_model_call", name: "m", payload: {} })).decision.effect,
          "allow",
          "the place is free",
        );
      }
    },
  },
  {
    name: "a source that fails gives its own error, and spends the act",
    async run(): Promise<void> {
      const boom = new Error("boom");
      const source = new ReadableStream<string>({ pull: (controller) => controller.error(boom) });
      same((await errorOf(read(open(), source))) === boom, true, "the same error");
    },
  },
  {
    name: "a stream whose source hangs ends with the session, and lets the source go",
    async run(): Promise<void> {
      let cancelled = false;
      const session = open();
      const reading = codeOf(
        read(session, {
          [Symbol.asyncIterator]: () => ({
            next: () => new Promise<never>(() => {}),
            return: async () => ((cancelled = true), { done: true as const, value: undefined }),
          }),
        }),
      );
      await turn();
      await session.close();
      same(await reading, "session_killed");
      await until(() => cancelled, "the source is let go");
    },
  },
  {
    name: "a stream ends when its act's signal is aborted",
    async run(): Promise<void> {
      const session = open();
      const controller = new AbortController();
      const act = await session.begin({ stage: "pre_model_call", name: "m", payload: {}, signal: controller.signal });
      const governed = session.stream(web(["a"], undefined, false), { ...options, stage: "post_model_call", act });
      const iterator = governed[Symbol.asyncIterator]();
      const reading = errorOf(iterator.next());
      await turn(5);
      const reason = new Error("stopped");
      controller.abort(reason);
      same((await reading) === reason, true, "the abort's reason");
    },
  },
  {
    name: "an act that resolves to a stream is refused: nobody would judge it",
    async run(): Promise<void> {
      same(await codeOf(open().run("hi", () => web(["a"]) as unknown as string)), "ungoverned_method");
      same(
        await codeOf(open().model({ model: "m", request: {} }, () => parts(["a"]) as unknown as string)),
        "ungoverned_method",
      );
    },
  },
  {
    name: "an abort and a kill reach the act through its signal",
    async run(): Promise<void> {
      const kernel = sallyport.createKernel();
      const own = new AbortController();
      for (const stop of [(): void => own.abort(new Error("stopped")), (): void => kernel.kill("portable")]) {
        const session = kernel.session({
          ...agent,
          signal: own.signal.aborted ? new AbortController().signal : own.signal,
        });
        let aborted = false;
        await session.tool(toolCall(), (_, signal) =>
          new Promise((_done, fail) => {
            signal.addEventListener("abort", () => {
              aborted = true;
              fail(signal.reason);
            }, { once: true });
            setTimeout(stop, 1);
          })).catch(() => {});
        same(aborted, true, "the signal");
      }
    },
  },
  {
    name: "AbortSignal.timeout() and AbortSignal.any() work as an act's signal",
    async run(): Promise<void> {
      const hang = (_: unknown, signal: AbortSignal): Promise<never> =>
        new Promise((_done, fail) => signal.addEventListener("abort", () => fail(signal.reason), { once: true }));
      const signal = AbortSignal.any([AbortSignal.timeout(10), new AbortController().signal]);
      const error = await errorOf(open().tool({ ...toolCall(), signal }, hang));
      same((error as { name?: unknown }).name, "TimeoutError");
    },
  },
  {
    name: "a signal that was aborted before reaches the act as aborted",
    async run(): Promise<void> {
      const reason = new Error("before");
      const seen = await open().tool(
        { ...toolCall(), signal: AbortSignal.abort(reason) },
        (_, signal) => [signal.aborted, signal.reason === reason],
      ).catch((error: unknown) => [true, error === reason]);
      same(seen, [true, true]);
    },
  },
  {
    name: "closing a parent stops its children, and a child passes its parent's guards first",
    async run(): Promise<void> {
      const parent = open({ policy: { deniedTools: ["rm"] } });
      const child = parent.child({ agentId: "child" });
      same([
        await codeOf(child.tool({ name: "rm", arguments: {} }, () => 1)),
        await codeOf(child.tool(toolCall(), () => 1)),
      ], ["tool_not_allowed", "allowed"]);
      await parent.close();
      same([await codeOf(child.tool(toolCall(), () => 1)), child.context.signal.aborted], ["session_killed", true]);
    },
  },
];
