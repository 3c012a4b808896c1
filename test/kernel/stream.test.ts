import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import {
  type Act,
  allow,
  createKernel,
  defineGuard,
  escalate,
  maxConcurrent,
  type ReadableParts,
  redactPatterns,
  type Session,
  type StreamOptions,
  transform,
} from "../../mod.ts";

type Part = { readonly text?: string; readonly channel?: string; readonly tokens?: number };
const options = (more: Partial<StreamOptions<Part>> = {}): StreamOptions<Part> => ({
  stage: "output",
  name: "execute",
  textOf: (part) => part.text,
  withText: (part, text) => ({ ...part, text }),
  ...more,
});
async function* from(parts: readonly Part[], released?: () => void): AsyncGenerator<Part> {
  try {
    for (const part of parts) yield part;
  } finally {
    released?.();
  }
}
const letters = (text: string, more: object = {}): Part[] => [...text].map((char) => ({ text: char, ...more }));
async function read(
  session: Session,
  parts: AsyncIterable<Part> | ReadableParts<Part>,
  more: Partial<StreamOptions<Part>> = {},
): Promise<{ parts: Part[]; error: unknown }> {
  const seen: Part[] = [];
  try {
    for await (const part of session.stream(parts, options(more))) seen.push(part);
    return { parts: seen, error: undefined };
  } catch (error) {
    return { parts: seen, error };
  }
}

describe("stream()", () => {
  test("gives every part, in order, when the whole text is allowed", async () => {
    const parts = [{ text: "a" }, { tokens: 1 }, { text: "b" }];
    expect(await read(createKernel().session({ agentId: "a" }), from(parts))).toEqual({ parts, error: undefined });
  });

  test("gives no part at all, when forbidden text stands anywhere, split over parts", async () => {
    const session = createKernel({ policy: { blockedPatterns: ["secret"] } }).session({ agentId: "a" });
    for (const stage of ["output", "post_model_call", "post_tool_call"] as const) {
      const { parts, error } = await read(session, from(letters(`${"x".repeat(50)} SECRET ${"y".repeat(100)}`)), {
        stage,
      });
      expect(parts).toEqual([]);
      expect(error).toMatchObject({ code: "blocked_pattern", stage });
    }
  });

  test("judges each channel by itself, and both", async () => {
    const session = createKernel({ policy: { blockedPatterns: ["secret"] } }).session({ agentId: "a" });
    const mixed = [...letters("harmless", { channel: "0" }), ...letters("secret", { channel: "1" })];
    const interleaved = mixed.toSorted(() => 0).map((_, i) => mixed[(i * 5) % mixed.length] as Part);
    expect(interleaved).toHaveLength(mixed.length);
    const channelOf = (part: Part): string => part.channel ?? "";
    expect((await read(session, from(mixed), { channelOf })).error).toMatchObject({ code: "blocked_pattern" });
  });

  test("puts a transformed text in the channel's first text part", async () => {
    const session = createKernel({ guards: [redactPatterns(["secret"], "***")] }).session({ agentId: "a" });
    const { parts } = await read(session, from([{ tokens: 1 }, ...letters("a secret b")]));
    expect(parts.map((part) => part.text ?? "").join("")).toBe("a *** b");
    const two = await read(
      session,
      from([...letters("a secret", { channel: "x" }), ...letters("fine", { channel: "y" })]),
      { channelOf: (part) => part.channel ?? "", stage: "post_model_call" },
    );
    expect(two.parts.filter((part) => part.channel === "x").map((part) => part.text).join("")).toBe("a ***");
    expect(two.parts.filter((part) => part.channel === "y").map((part) => part.text).join("")).toBe("fine");
  });

  test("fails, when a guard changes the text to something that is no text", async () => {
    const session = createKernel({
      guards: [defineGuard({ name: "odd", stages: ["output"], check: () => transform({ n: 1 }, "odd") })],
    }).session({ agentId: "a" });
    expect((await read(session, from(letters("abc")))).error).toBeInstanceOf(TypeError);
  });

  const modelAct = async (session: Session) =>
    await session.begin({ stage: "pre_model_call", name: "m", payload: { messages: [] } });

  test("ends its act once, with the text and the last usage", async () => {
    const session = createKernel().session({ agentId: "a" });
    const act = await modelAct(session);
    await read(session, from([{ text: "hi", tokens: 1 }, { tokens: 5 }]), {
      stage: "post_model_call",
      act,
      usageOf: ({ tokens }) => tokens === undefined ? undefined : { totalTokens: tokens },
    });
    expect(session.context).toMatchObject({ totalTokens: 5, modelCallCount: 1 });
  });

  test("fails its act and keeps the estimate, when the source fails", async () => {
    const session = createKernel({ policy: { maxTokens: 1000 } }).session({ agentId: "a" });
    const act = await session.begin({ stage: "pre_model_call", name: "m", payload: "x".repeat(2400) });
    const boom = new Error("boom");
    const { error } = await read(
      session,
      (async function* () {
        yield { text: "a" };
        throw boom;
      })(),
      { stage: "post_model_call", act },
    );
    expect(error).toBe(boom);
    expect((await session.begin({ stage: "pre_model_call", name: "m", payload: "x".repeat(2400) })).decision)
      .toMatchObject({ code: "token_budget_exceeded" });
  });

  test.each([["before the first part", 0], ["after it", 1]])(
    "ends its act and lets the source go, when the consumer leaves %s",
    async (_what, reads) => {
      const session = createKernel({ guards: [maxConcurrent(1)] }).session({ agentId: "a" });
      const act = await modelAct(session);
      let released = false;
      const source = {
        [Symbol.asyncIterator]: () => ({
          ...from(letters("abc")),
          next: (() => {
            const inner = from(letters("abc"));
            return () => inner.next();
          })(),
          return: async () => {
            released = true;
            return { done: true as const, value: undefined };
          },
        }),
      };
      const iterator = session.stream(source, options({ stage: "post_model_call", act }))[Symbol.asyncIterator]();
      for (let i = 0; i < reads; i++) await iterator.next();
      await iterator.return?.();
      if (reads === 0) expect(released).toBe(true);
      expect((await modelAct(session)).decision.allowed).toBe(true);
    },
  );

  test("stops waiting for a source that hangs, when the session is closed or the consumer leaves", async () => {
    const session = createKernel().session({ agentId: "a" });
    const hangs = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const reading = read(session, hangs);
    await Promise.resolve();
    session.close();
    expect((await reading).error).toMatchObject({ code: "session_killed" });
    const other = createKernel().session({ agentId: "a" });
    const iterator = other.stream(hangs, options())[Symbol.asyncIterator]();
    const pending = iterator.next().catch((error: unknown) => (error as Error).name);
    await iterator.return?.();
    expect(await pending).toBe("AbortError");
  });

  test.each<[string, unknown, object]>([
    ["parts that are no stream", [], {}],
    ["an unknown stage", from([]), { stage: "input" }],
    ["holdBack, which needs the whole", from([]), { holdBack: 5 }],
    ["no textOf", from([]), { textOf: undefined }],
  ])("throws, when given %s", (_what, parts, more) => {
    expect(() => createKernel().session({ agentId: "a" }).stream(parts as never, options(more as never))).toThrow(
      TypeError,
    );
  });
});

test("stream() tells and records an escalation as a denial, when it has no act", async () => {
  const told: string[] = [];
  const records: string[] = [];
  const asks = defineGuard({ name: "asks", stages: ["output"], check: () => escalate("Let it out?") });
  const kernel = createKernel({
    guards: [asks],
    plugins: [{
      name: "keeps",
      setup: (host) => host.sink({ name: "keeps", write: (record) => void records.push(record.kind) }),
    }],
  });
  kernel.on("policy_violation", ({ code }) => void told.push(code));
  const { parts, error } = await read(kernel.session({ agentId: "tester" }), from(letters("text")));
  expect([parts, told, records]).toEqual([[], ["approval_required"], ["decision"]]);
  expect(error).toMatchObject({ code: "approval_required", decision: { effect: "deny" } });
});

test("stream() reads nothing, when its act was denied", async () => {
  let read_ = 0;
  const session = createKernel({ policy: { deniedTools: ["rm"] } }).session({ agentId: "tester" });
  const act = await session.begin({ stage: "pre_tool_call", name: "rm", payload: {} });
  const source = (async function* (): AsyncGenerator<Part> {
    read_++;
    yield {};
  })();
  expect((await read(session, source, { stage: "post_tool_call", name: "rm", act })).error).toMatchObject({
    code: "tool_not_allowed",
  });
  expect(read_).toBe(0);
});

describe("the act of a stream", () => {
  const tool = (more: Partial<StreamOptions<Part>> = {}) => ({ stage: "post_tool_call" as const, name: "t", ...more });
  const begin = (session: Session, more: object = {}) =>
    Promise.resolve(session.begin({ stage: "pre_tool_call", name: "t", payload: {}, ...more }));
  /** A source that says whether it was read, and let go. */
  function source(parts: readonly Part[] = [{ text: "a" }]) {
    const log: string[] = [];
    const iterator = {
      next: async () => {
        log.push("read");
        const value = parts[log.length - 1];
        return value === undefined ? { done: true as const, value: undefined } : { done: false as const, value };
      },
      return: async () => {
        log.push("let go");
        return { done: true as const, value: undefined };
      },
    };
    return { log, [Symbol.asyncIterator]: () => iterator };
  }
  const open = () => createKernel().session({ agentId: "a" });

  test.each<[string, (session: Session) => unknown, string]>([
    ["has ended", async (session) => {
      const act = await begin(session);
      await act.end("text");
      return act;
    }, "the act is over"],
    ["has failed", async (session) => {
      const act = await begin(session);
      await act.fail(new Error("down"));
      return act;
    }, "the act is over"],
    ["was cancelled", async (session) => {
      const act = await begin(session);
      act.cancel();
      return act;
    }, "the act is over"],
    ["has a stream that is read", async (session) => {
      const act = await begin(session);
      const first = session.stream(source(), options(tool({ act })))[Symbol.asyncIterator]();
      await first.next();
      return act;
    }, "the act has a stream already"],
    ["has a stream that nobody reads yet", async (session) => {
      const act = await begin(session);
      session.stream(source(), options(tool({ act })));
      return act;
    }, "the act has a stream already"],
    ["had a stream", async (session) => {
      const act = await begin(session);
      await read(session, source(), tool({ act }));
      return act;
    }, "the act has a stream already"],
    ["is another session's", () => begin(open()), "another session's"],
    ["is its parent's", (session) => {
      parents.set(session, session.child());
      return begin(session);
    }, "another session's"],
    ["is of another gate", (session) => begin(session, { stage: "pre_model_call" }), "ends at post_model_call"],
    ["was made by hand", () => ({ decision: { allowed: true }, signal: new AbortController().signal }), '"act"'],
    ["is a wrapped one", async (session) => Object.create(await begin(session)), '"act"'],
    ["is nothing", () => null, '"act"'],
  ])("is refused and its source let go, when it %s", async (_what, make, message) => {
    const session = open();
    const act = (await make(session)) as Act;
    const from = source();
    expect(() => (parents.get(session) ?? session).stream(from, options(tool({ act })))).toThrow(message);
    expect(() => (parents.get(session) ?? session).stream(source(), options(tool({ act })))).toThrow(TypeError);
    expect(from.log).toEqual(["let go"]);
  });
  const parents = new WeakMap<Session, Session>();

  test("stays as it was, when it was refused at another gate, and can be streamed at its own", async () => {
    const session = open();
    const act = await begin(session);
    expect(() => session.stream(source(), options({ stage: "output", act }))).toThrow("ends at post_tool_call");
    expect((await read(session, source(), tool({ act }))).parts).toEqual([{ text: "a" }]);
    expect(session.context.toolCallCount).toBe(1);
  });

  test("ends under its own name, whatever name the stream was given", async () => {
    const kernel = createKernel();
    const names: string[] = [];
    kernel.on("call_completed", ({ name }) => void names.push(name));
    const session = kernel.session({ agentId: "a" });
    await read(session, source(), tool({ name: "other", act: await begin(session) }));
    expect(names).toEqual(["t"]);
  });

  test("lets nothing go on, when somebody else ends it with another text meanwhile", async () => {
    const session = createKernel({ policy: { blockedPatterns: ["secret"] } }).session({ agentId: "a" });
    const act = await begin(session);
    const from = source([{ text: "sec" }, { text: "ret" }]);
    const reading = read(session, from, tool({ act }));
    await act.end("harmless");
    const { parts, error } = await reading;
    expect(parts).toEqual([]);
    expect(error).toMatchObject({ code: "action_blocked", reason: "The act was ended before its stream was" });
    expect(from.log.at(-1)).toBe("let go");
  });

  test.each<[string, (session: Session, act: Act) => unknown, object]>([
    ["it is cancelled", (_session, act) => act.cancel(), { code: "action_blocked" }],
    ["its session is closed", (session) => session.close(), { code: "session_killed" }],
  ])("lets the source go and nothing go on, when %s while it is streamed", async (_how, stop, wanted) => {
    const session = open();
    const act = await begin(session);
    let released = false;
    const hangs = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise<never>(() => {}),
        return: async () => {
          released = true;
          return { done: true as const, value: undefined };
        },
      }),
    };
    const reading = read(session, hangs, tool({ act }));
    await Promise.resolve();
    stop(session, act);
    expect(await reading).toMatchObject({ parts: [], error: wanted });
    expect(released).toBe(true);
  });

  test("is told as what stopped it, when its session was closed before", async () => {
    const session = open();
    const act = await begin(session);
    void session.close();
    const from = source();
    expect((await read(session, from, tool({ act }))).error).toMatchObject({ code: "session_killed" });
    expect(from.log).toEqual(["let go"]);
  });

  test("waits on, when a person has not approved it yet, and can be streamed once one has", async () => {
    const session = createKernel({ policy: { requireHumanApproval: ["t"] } }).session({ agentId: "a" });
    const act = await begin(session, { approval: "return" });
    expect((await read(session, source(), tool({ act }))).error).toMatchObject({ code: "approval_required" });
    await act.resume(true);
    expect((await read(session, source(), tool({ act }))).parts).toEqual([{ text: "a" }]);
  });

  test("leaves nothing at its signal, once its stream is over", async () => {
    const session = open();
    for (const more of [{}, { act: await begin(session) }]) await read(session, source(), tool(more));
    expect(getEventListeners(session.context.signal, "abort")).toEqual([]);
  });
});

describe("a ReadableStream", () => {
  const stream = (parts: readonly Part[], cancelled?: (reason: unknown) => void) => {
    let at = 0;
    return new ReadableStream<Part>({
      pull(controller) {
        const part = parts[at++];
        if (part === undefined) controller.close();
        else controller.enqueue(part);
      },
      cancel: cancelled ?? (() => undefined),
    }, { highWaterMark: 0 });
  };
  /** As in a runtime whose streams are no async iterables. */
  const bare = (of: ReadableStream<Part>) => ({ getReader: () => of.getReader() });

  test.each([["as it is", (of: ReadableStream<Part>) => of], ["that is no async iterable", bare]])(
    "is read to its end, and cancelled where nobody reads on, when it is one %s",
    async (_how, made) => {
      const session = createKernel({ policy: { blockedPatterns: ["secret"] } }).session({ agentId: "a" });
      const parts = letters("fine");
      expect(await read(session, made(stream(parts)))).toEqual({ parts, error: undefined });
      expect((await read(session, made(stream(letters("a secret"))))).error).toMatchObject({
        code: "blocked_pattern",
      });
      let cancelled = 0;
      const iterator = session.stream(made(stream(parts, () => cancelled++)), options())[Symbol.asyncIterator]();
      await iterator.return?.();
      expect(cancelled).toBe(1);
      const broken = options({ textOf: () => ({}) as never });
      const reading = session.stream(made(stream(parts, () => cancelled++)), broken)[Symbol.asyncIterator]();
      await expect(reading.next()).rejects.toThrow("textOf() must answer a string or undefined");
      await new Promise((resolve) => setImmediate(resolve));
      expect(cancelled).toBe(2);
    },
  );
});

test.each<[string, Partial<StreamOptions<Part>>]>([
  ["textOf", { textOf: (async () => "secret") as never }],
  ["textOf, that rejects", { textOf: (() => Promise.reject(new Error("late"))) as never }],
  ["channelOf", { channelOf: (async () => "a") as never }],
])("stream() lets nothing go on, when %s answers later", async (_what, more) => {
  const session = createKernel().session({ agentId: "a" });
  const { parts, error } = await read(session, from([{ text: "a" }]), more);
  expect([parts, error]).toEqual([[], expect.any(TypeError)]);
});

test("stream() counts no usage and ends no process, when usageOf answers later", async () => {
  const session = createKernel().session({ agentId: "a" });
  const act = await session.begin({ stage: "pre_model_call", name: "m", payload: "hi" });
  const usageOf = (() => Promise.reject(new Error("late"))) as never;
  expect((await read(session, from([{ text: "a" }]), { stage: "post_model_call", act, usageOf })).error).toBe(
    undefined,
  );
  expect(session.context.totalTokens).toBe(0);
});

describe("an error of a stream's source", () => {
  const options = {
    stage: "post_tool_call",
    name: "t",
    textOf: String,
    withText: (_: string, text: string) => text,
  } as const;
  const reading = async (message: string): Promise<unknown> => {
    const session = createKernel({ policy: { blockedPatterns: ["hunter2"] } }).session({ agentId: "a" });
    const act = await session.begin({ stage: "pre_tool_call", name: "t", payload: {} });
    const source = (async function* (): AsyncGenerator<string> {
      yield "one";
      throw new Error(message);
    })();
    try {
      for await (const part of session.stream(source, { ...options, act })) throw new Error(`delivered ${part}`);
    } catch (error) {
      return error;
    }
    return undefined;
  };

  test("is judged as that of every act, when the stream is an act's", async () => {
    expect(await reading("the password is hunter2")).toMatchObject({ code: "blocked_pattern" });
    expect(await reading("the disk is full")).toMatchObject({ name: "Error", message: "the disk is full" });
  });
});

describe("what was judged is what goes on", () => {
  const later = defineGuard({
    name: "later",
    stages: ["output"],
    check: async () => (await Promise.resolve(), allow()),
  });

  test("a part that is plain data is copied when it comes, so that nothing changes it while a guard thinks", async () => {
    const part = { text: "fine", nested: { tokens: 1 } };
    const changing = defineGuard({
      name: "changing",
      stages: ["output"],
      check: async () => {
        await Promise.resolve();
        part.text = "secret";
        part.nested.tokens = 2;
        return allow();
      },
    });
    const session = createKernel({ guards: [changing] }).session({ agentId: "a" });
    const { parts, error } = await read(session, from([part]));
    expect({ parts, error }).toEqual({ parts: [{ text: "fine", nested: { tokens: 1 } }], error: undefined });
  });

  test("the text of a part is that of its copy: what it answers when it is asked again is read by nobody", async () => {
    let reads = 0;
    const part = {
      get text() {
        return ++reads === 1 ? "fine" : "secret";
      },
    };
    const session = createKernel({ policy: { blockedPatterns: ["secret"] } }).session({ agentId: "a" });
    expect((await read(session, from([part]))).parts).toEqual([{ text: "fine" }]);
  });

  test("a part of a class goes on as it is, and is denied where its text has changed meanwhile", async () => {
    class Delta {
      text = "fine";
    }
    const [honest, changed] = [new Delta(), new Delta()];
    const kernel = createKernel({ guards: [later] });
    const denials: unknown[] = [];
    kernel.on("policy_violation", ({ code }) => denials.push(code));
    expect((await read(kernel.session({ agentId: "a" }), from([honest]))).parts[0]).toBe(honest);
    const source = from([changed], () => (changed.text = "secret"));
    const { parts, error } = await read(kernel.session({ agentId: "a" }), source);
    expect(parts).toEqual([]);
    expect(error).toMatchObject({ code: "payload_not_plain", stage: "output" });
    expect(denials).toEqual(["payload_not_plain"]);
  });

  test("who ends the act by hand while its stream flows has denied the rest of it, with a code", async () => {
    const session = createKernel().session({ agentId: "a" });
    const act = await session.begin({ stage: "pre_model_call", name: "m", payload: { messages: [] } });
    async function* parts(): AsyncGenerator<Part> {
      yield { text: "a" };
      await act.end({ content: "b", toolCalls: [], finishReason: "stop" });
      yield { text: "c" };
    }
    const { parts: seen, error } = await read(session, parts(), { stage: "post_model_call", act });
    expect(seen).toEqual([]);
    expect(error).toMatchObject({ name: "PolicyViolationError", code: "action_blocked", stage: "post_model_call" });
  });
});
