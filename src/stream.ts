import type { Act } from "./act.ts";
import { functionOf, wrong } from "./check.ts";
import { goOn } from "./combine/ask.ts";
import { type Decision, deny } from "./decision.ts";
import { Draft } from "./draft.ts";
import { violation } from "./errors.ts";
import type { Passage } from "./passage.ts";
import type { Stage, TokenUsage } from "./request.ts";
import { DRY } from "./taking.ts";
import { concludeOnce, tellDenial } from "./tell.ts";

/** How a stream's parts carry text. */
export interface StreamOptions<T> {
  /** The gate that judges the text. */
  stage: "post_model_call" | "post_tool_call" | "output";
  /** The run's action, the model's id or the tool's name. */
  name: string;
  /**
   * The act that the stream is the result of: ended, once, with the text and the usage. Absent: the text is only
   * checked.
   */
  act?: Act | undefined;
  /** The text of a part; `undefined` for a part without. */
  textOf(part: T): string | undefined;
  /** The part with another text. */
  withText(part: T, text: string): T;
  /** Which of several texts a part belongs to, such as a choice or a block. Default: one for all. */
  channelOf?(part: T): string;
  /** The usage that a part reports; the last one counts. */
  usageOf?(part: T): TokenUsage | undefined;
  /** Not built yet: parts are held until the whole text was judged, so anything but `undefined` is refused. */
  holdBack?: number;
}

/**
 * Holds a stream's parts until its whole text was judged, channel by channel; then lets them go in order.
 *
 * A transformed text stands in the first text part of its channel, and the others of that channel are empty. With one
 * channel
 * the gate sees the text itself, with several an object of texts; at `post_model_call` as `{ content, toolCalls: [],
 * finishReason: "" }`.
 * A stream that fails fails the act; a consumer that stops early, or an abort, ends it and cancels the source.
 */
export function governStream<T>(
  passage: Passage,
  parts: AsyncIterable<T>,
  options: StreamOptions<T>,
): AsyncIterable<T> {
  const where = "stream()";
  if (typeof (parts as Partial<AsyncIterable<T>> | null)?.[Symbol.asyncIterator] !== "function") {
    throw wrong(where, "parts", "an async iterable", parts);
  }
  if (!["post_model_call", "post_tool_call", "output"].includes(options.stage)) {
    throw wrong(where, "stage", "post_model_call, post_tool_call or output", options.stage);
  }
  if (options.holdBack !== undefined) {
    throw new TypeError(
      'Cannot build stream(): "holdBack" must be absent, because the whole text is judged before any of it goes on',
    );
  }
  for (const field of ["textOf", "withText"] as const) functionOf(where, field, options[field]);
  const left = new AbortController();
  const signal = AbortSignal.any([options.act?.signal ?? passage.signal, left.signal]);
  const source = parts[Symbol.asyncIterator]();
  const inner = held(passage, source, { ...options }, signal);
  let isBegun = false;
  const outer: AsyncIterableIterator<T, void, undefined> = {
    [Symbol.asyncIterator]: () => outer,
    next: () => {
      isBegun = true;
      return inner.next();
    },
    return: async () => {
      left.abort();
      // A generator that was never asked has no `finally` to run.
      if (!isBegun) await letGo(source, options.act, signal.reason);
      await inner.return();
      return { done: true, value: undefined };
    },
  };
  return outer;
}

/** Cancels a source that nobody reads on, without waiting for it, and ends the act that it is the result of. */
async function letGo(source: AsyncIterator<unknown>, act: Act | undefined, reason: unknown): Promise<void> {
  void (async () => await source.return?.())().catch(() => undefined);
  await act?.fail(reason);
}

async function* held<T>(
  passage: Passage,
  source: AsyncIterator<T>,
  options: StreamOptions<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const { act, stage, name } = options;
  const queue: { readonly part: T; readonly channel: string | undefined }[] = [];
  const texts = new Map<string, string>();
  let usage: TokenUsage | undefined;
  let isEnded = false;
  try {
    if (act !== undefined && !act.decision.allowed) throw violation(stage, act.decision);
    for (;;) {
      const { done, value: part } = await untilAborted(source.next(), signal);
      if (done === true) break;
      usage = options.usageOf?.(part) ?? usage;
      const text = options.textOf(part);
      const channel = text === undefined ? undefined : options.channelOf?.(part) ?? "";
      if (channel !== undefined) texts.set(channel, (texts.get(channel) ?? "") + text);
      queue.push({ part, channel });
    }
    isEnded = true;
    const whole = texts.size > 1 ? Object.fromEntries(texts) : texts.values().next().value ?? "";
    const payload = stage === "post_model_call" ? { content: whole, toolCalls: [], finishReason: "" } : whole;
    const decision =
      await (act === undefined ? judgeOnce(passage, stage, name, payload, usage) : act.end(payload, usage));
    if (!decision.allowed) throw violation(stage, decision);
    const changed = decision.effect === "transform"
      ? textsIn(
        stage === "post_model_call" ? (decision.payload as { content?: unknown } | null)?.content : decision.payload,
        texts,
      )
      : undefined;
    for (const { part, channel } of queue) {
      if (changed === undefined || channel === undefined) yield part;
      else {
        yield options.withText(part, changed.get(channel) ?? "");
        changed.delete(channel);
      }
    }
  } catch (error) {
    if (!isEnded) await act?.fail(error);
    throw error;
  } finally {
    if (!isEnded) await letGo(source, act, signal.reason);
  }
}

/** The changed texts by channel; a guard that gave something else than texts has broken the stream. */
function textsIn(payload: unknown, texts: ReadonlyMap<string, string>): Map<string, string> {
  const changed = new Map<string, string>();
  for (const channel of texts.keys()) {
    const text = texts.size > 1 ? (payload as Record<string, unknown> | null)?.[channel] : payload;
    if (typeof text !== "string") throw new TypeError("A guard changed a stream's text to something that is no text");
    changed.set(channel, text);
  }
  return changed;
}

function judgeOnce(
  passage: Passage,
  stage: Stage,
  name: string,
  payload: unknown,
  usage: TokenUsage | undefined,
): Decision | Promise<Decision> {
  const started = passage.tick();
  const asked = new Draft(stage, name, payload, passage.nextCallId(), undefined, usage);
  return goOn(passage.judge(asked, passage.gate(stage), DRY), (decision): Decision => {
    const final = concludeOnce(passage, asked, decision, started);
    if (final.effect !== "escalate") return final;
    // As at every response gate: nobody is asked about what is there already.
    tellDenial(passage, asked, final);
    return deny("approval_required", final.reason);
  });
}

/** The next part, or the abort's reason, whichever comes first. */
function untilAborted<T>(next: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    Promise.resolve(next).then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
