import type { ActImpl } from "./act.ts";
import { actOf } from "./act-handle.ts";
import { functionOf, ownOptions, show, wrong } from "../base/check.ts";
import { goOn } from "../combine/ask-guard.ts";
import { failed } from "./run-act.ts";
import { RESPONSE } from "./runtime.ts";
import { type Decision, deny, denyHere, isThenable } from "../base/decision.ts";
import { GateRequest } from "../base/gate-request.ts";
import { type PolicyViolationError, violation } from "../base/errors.ts";
import { Linked } from "../base/linked.ts";
import { bare, memberOf, ownField } from "../base/own.ts";
import type { Scope } from "./scope.ts";
import type { Came } from "./engine.ts";
import type { ReadableParts, StreamOptions } from "./types.ts";
import type { Stage, TokenUsage } from "../base/request.ts";
import { Fault, snapshot } from "../snapshot/snapshot.ts";
import { DRY, ignoreFailure } from "../base/taking.ts";
import { emitDenial, reportOnce } from "./report.ts";
import { readUsage } from "../base/usage.ts";
import { untilStopped } from "./waiting.ts";

const OPTIONS = ["stage", "name", "act", "textOf", "withText", "channelOf", "usageOf", "holdBack"] as const;

/** A part that waits for the judgement. */
interface Waiting<T> {
  readonly part: T;
  readonly channel: string | undefined;
  /** The text that was read of it, where the part is the source's own, since it cannot be copied. */
  readonly text: string | undefined;
}

/**
 * Holds a stream's parts until its whole text was judged, channel by channel; then lets them go in order.
 *
 * A transformed text stands in the first text part of its channel, and the others of that channel are empty. With one
 * channel the gate sees the text itself, with several an object of texts; at `post_model_call` as
 * `{ content, toolCalls: [], finishReason: "" }`. Parts that are plain data go on as copies, made when they came; others
 * by reference, and deny with `payload_not_plain` where their text is another one by then. A stream that fails fails the act; a consumer that stops early, or an
 * abort, ends it and cancels the source.
 */
export function governStream<T>(
  scope: Scope,
  parts: AsyncIterable<T> | ReadableParts<T>,
  given: StreamOptions<T>,
): AsyncIterable<T> {
  const where = "stream()";
  const source = sourceOf<T>(parts);
  if (source === undefined) throw wrong(where, "parts", "an async iterable or a ReadableStream", parts);
  let act: ActImpl | undefined;
  let options: StreamOptions<T>;
  try {
    options = ownOptions(where, given, OPTIONS);
    act = checked(where, scope, options);
  } catch (error) {
    letGo(source);
    throw error;
  }
  const left = new AbortController();
  const inner = held(scope, source, options, act, left.signal);
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
      if (!isBegun) await leave(source, act, left.signal.reason);
      await inner.return();
      return { done: true, value: undefined };
    },
  };
  return outer;
}

/** What the parts come from; nothing is read yet. */
function sourceOf<T>(parts: unknown): AsyncIterator<T> | undefined {
  if (typeof parts !== "object" || parts === null) return undefined;
  const iterate = memberOf(parts as AsyncIterable<T>, Symbol.asyncIterator);
  if (typeof iterate === "function") return iterate.call(parts);
  if (typeof memberOf(parts as ReadableParts<T>, "getReader") !== "function") return undefined;
  const reader = (parts as ReadableParts<T>).getReader();
  return {
    next: async () => {
      const { done, value } = await reader.read();
      return done ? { done: true, value: undefined } : { done: false, value: value as T };
    },
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

const RESPONSES: readonly string[] = ["post_model_call", "post_tool_call", "output"];

/** Checks the options; answers the act that the stream is the result of, which is its only stream from now on. */
function checked<T>(where: string, scope: Scope, options: StreamOptions<T>): ActImpl | undefined {
  const { stage, act: handle, holdBack } = options;
  if (!RESPONSES.includes(stage)) throw wrong(where, "stage", "post_model_call, post_tool_call or output", stage);
  if (holdBack !== undefined) {
    throw new TypeError(
      'Cannot build stream(): "holdBack" must be absent, because the whole text is judged before any of it goes on',
    );
  }
  for (const field of ["textOf", "withText"] as const) functionOf(where, field, options[field]);
  for (const field of ["channelOf", "usageOf"] as const) {
    if (options[field] !== undefined) functionOf(where, field, options[field]);
  }
  if (handle === undefined) return undefined;
  const act = actOf(handle);
  if (act === undefined) throw wrong(where, "act", "an act that begin() answered", handle);
  const refused = (why: string): TypeError => new TypeError(`Cannot build stream(): the act ${why}`);
  if (act.scope !== scope) throw refused("is another session's");
  if (RESPONSE[act.stage] !== stage) throw refused(`ends at ${RESPONSE[act.stage]}, and not at ${stage}`);
  // What was denied, or stopped meanwhile, is told as what it is to whoever reads.
  if (!act.decision.allowed || scope.halted() !== undefined) return act;
  if (act.paired?.isStreamed === true) throw refused("has a stream already");
  if (act.phase !== "running") throw refused("is over");
  if (act.paired !== undefined) act.paired.isStreamed = true;
  return act;
}

/** Cancels a source that nobody reads on, without waiting for it. */
function letGo(source: AsyncIterator<unknown>): void {
  void (async () => await source.return?.())().catch(() => undefined);
}

/** The same, and ends the act that it is the result of. */
async function leave(source: AsyncIterator<unknown>, act: ActImpl | undefined, reason: unknown): Promise<void> {
  letGo(source);
  if (act?.paired !== undefined) act.paired.isGivenUp = true;
  await act?.fail(reason);
}

async function* held<T>(
  scope: Scope,
  source: AsyncIterator<T>,
  options: StreamOptions<T>,
  act: ActImpl | undefined,
  left: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const linked = new Linked([act?.signal ?? scope.signal, left]);
  const { signal } = linked;
  const { stage, name } = options;
  const { caps } = scope.gate(stage);
  const queue: Waiting<T>[] = [];
  const texts = new Map<string, string>();
  const came: Came = { texts, usage: undefined };
  if (act?.paired !== undefined) act.paired.came = came;
  let isEnded = false;
  try {
    for (;;) {
      if (act !== undefined) mustRun(act, stage);
      const { done, value } = await untilAborted(source.next(), signal);
      if (done === true) break;
      // What is judged is what goes on, whatever happens to the source's own meanwhile.
      const copy = snapshot(value, caps, false);
      const isOwn = !(copy instanceof Fault);
      const part = isOwn ? copy as T : value;
      came.usage = readUsage(options.usageOf?.(part)) ?? came.usage;
      const text = textIn("textOf", options.textOf(part));
      const channel = text === undefined ? undefined : textIn("channelOf", options.channelOf?.(part)) ?? "";
      if (channel !== undefined) texts.set(channel, (texts.get(channel) ?? "") + text);
      queue.push({ part, channel, text: isOwn ? undefined : text });
    }
    if (act !== undefined) mustRun(act, stage);
    isEnded = true;
    const { usage } = came;
    const whole = texts.size > 1 ? Object.fromEntries(texts) : texts.values().next().value ?? "";
    const payload = stage === "post_model_call" ? { content: whole, toolCalls: [], finishReason: "" } : whole;
    const decision =
      await (act === undefined ? judgeOnce(scope, stage, name, payload, usage) : act.end(payload, usage));
    if (!decision.allowed) throw act?.abortReason(decision) ?? violation(stage, decision);
    const changed = decision.effect === "transform"
      ? textsIn(
        stage === "post_model_call"
          ? ownField((decision.payload ?? {}) as { content?: unknown }, "content")
          : decision.payload,
        texts,
      )
      : undefined;
    for (const { part, channel, text } of queue) {
      if (text !== undefined && options.textOf(part) !== text && !scope.core.isShadow) {
        throw swapped(scope, options, act);
      }
      if (changed === undefined || channel === undefined) yield part;
      else {
        yield options.withText(part, changed.get(channel) ?? "");
        changed.delete(channel);
      }
    }
  } catch (error) {
    if (!isEnded && act !== undefined) await failed(act, error);
    throw error;
  } finally {
    linked.release();
    if (!isEnded) await leave(source, act, signal.reason);
  }
}

/** Throws unless an act runs on: what was denied, stopped or ended by somebody else has no stream. */
function mustRun(act: ActImpl, stage: Stage): void {
  if (!act.decision.allowed) throw act.abortReason(act.decision) ?? violation(stage, act.decision);
  const halted = act.scope.halted();
  if (halted !== undefined) throw violation(stage, halted);
  if (act.phase !== "running") {
    const denial = denyHere("action_blocked", "The act was ended before its stream was");
    emitDenial(act.scope, { stage, name: act.name, callId: act.callId }, denial);
    throw violation(stage, denial);
  }
}

/** The end of a stream one of whose parts, which cannot be copied, has another text than the one that was judged. */
function swapped<T>(scope: Scope, { stage, name }: StreamOptions<T>, act: ActImpl | undefined): PolicyViolationError {
  const denial = denyHere(
    "payload_not_plain",
    "A part of a stream changed after it was judged; give parts of plain data",
  );
  emitDenial(scope, { stage, name: act?.name ?? name, callId: act?.callId ?? scope.nextCallId() }, denial);
  return violation(stage, denial);
}

/** A text that is there at once: what comes later would go on unjudged. */
function textIn(field: string, text: unknown): string | undefined {
  if (text === undefined || typeof text === "string") return text;
  if (isThenable(text)) ignoreFailure(text);
  throw new TypeError(`A stream's ${field}() must answer a string or undefined, and answered ${show(text)}`);
}

/** The changed texts by channel; a guard that gave something else than texts has broken the stream. */
function textsIn(payload: unknown, texts: ReadonlyMap<string, string>): Map<string, string> {
  const changed = new Map<string, string>();
  for (const channel of texts.keys()) {
    const text = texts.size > 1 ? ownField((payload ?? {}) as Record<string, unknown>, channel) : payload;
    if (typeof text !== "string") throw new TypeError("A guard changed a stream's text to something that is no text");
    changed.set(channel, text);
  }
  return changed;
}

function judgeOnce(
  scope: Scope,
  stage: Stage,
  name: string,
  payload: unknown,
  usage: TokenUsage | undefined,
): Decision | Promise<Decision> {
  const started = scope.tick();
  const asked = new GateRequest(stage, name, payload, scope.nextCallId(), undefined, usage);
  const judged = scope.judge(asked, scope.gate(stage), DRY);
  const answer = isThenable(judged)
    ? untilStopped(scope, undefined, judged as Promise<Decision>, (denial): Decision => denial)
    : judged;
  return goOn(answer, (decision): Decision => {
    const final = reportOnce(scope, asked, decision, started);
    if (final.effect !== "escalate") return final;
    // As at every response gate: nobody is asked about what is there already.
    emitDenial(scope, asked, final);
    return deny("approval_required", final.reason);
  });
}

/** The next part, or the abort's reason, whichever comes first. */
function untilAborted<T>(next: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, bare({ once: true }));
    Promise.resolve(next).then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
