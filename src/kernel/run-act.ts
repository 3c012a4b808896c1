import type { ActImpl } from "./act.ts";
import { inside } from "./nesting.ts";
import { type Decision, type Deny, deny, denyHere, isThenable } from "../base/decision.ts";
import { violation } from "../base/errors.ts";
import { memberOf } from "../base/own.ts";
import { passesUnjudged } from "./scope.ts";
import { RESPONSE } from "./runtime.ts";
import type { EngineAct } from "./engine.ts";
import type { View, Write } from "./types.ts";
import { Linked } from "../base/linked.ts";
import type { TokenUsage } from "../base/request.ts";
import { ignoreFailure } from "../base/taking.ts";
import { emitDenial } from "./report.ts";

/** What an act comes to, once it has begun. */
export function runBegun<T>(
  begun: ActImpl | Promise<ActImpl>,
  // deno-lint-ignore no-explicit-any -- see below
  run: (payload: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
  usageOf: ((response: T) => TokenUsage | undefined) | undefined,
  view: View<T> | undefined,
  write: Write | undefined,
): Promise<T> {
  // One promise where it began at once: an async verb around the async act would make three.
  return isThenable(begun)
    ? (begun as Promise<ActImpl>).then((act) => runAct(act, run, usageOf, view, write))
    : runAct(begun as ActImpl, run, usageOf, view, write);
}

/**
 * Runs an act that was let through, and gives what its response gate lets through. Small, so that little has to wait
 * with it.
 */
async function runAct<T>(
  act: ActImpl,
  // deno-lint-ignore no-explicit-any -- the act gets what it was called with, which only the caller knows
  run: (payload: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
  usageOf: ((response: T) => TokenUsage | undefined) | undefined,
  view: View<T> | undefined,
  write: Write | undefined,
): Promise<T> {
  const signal = admitted(act);
  if (write !== undefined) prepare(act, write);
  let value: T;
  try {
    value = await (act.scope.core.interceptor === undefined
      ? inside(act, run, signal)
      : (intercepted(act, run) as Promise<T>));
  } catch (error) {
    return await failed(act, error);
  }
  return responded(act, value, usageOf, view);
}

/** Makes of what the gate let through what the act works on; where that fails, the act is denied and has never run. */
function prepare(act: ActImpl, write: Write): void {
  try {
    act.payload = atOnce("The write() of an act", write(act.payload, act.changed));
  } catch (error) {
    const denial = unwritten(error, "What the act works on could not be made of what was judged");
    emitDenial(act.scope, act, denial);
    act.cancel(denial);
    throw violation(act.stage, denial);
  }
}

/** What becomes of a changed payload that cannot be put back. An error with a code and a reason says it itself. */
function unwritten(error: unknown, otherwise: string): Deny {
  const { code, reason } = (error ?? {}) as { code?: unknown; reason?: unknown };
  return typeof code === "string" && typeof reason === "string"
    ? deny(code, reason, error)
    : denyHere("guard_error", otherwise, error);
}

/** The signal of an act that may run; throws where it may not. */
function admitted(act: ActImpl): AbortSignal {
  const { decision, scope } = act;
  if (!decision.allowed) {
    if (decision.effect === "escalate") {
      emitDenial(scope, act, decision);
      act.cancel();
    }
    throw act.abortReason(decision) ?? violation(act.stage, decision);
  }
  if (act.phase !== "running") {
    throw violation(act.stage, scope.halted() ?? denyHere("session_killed", "The act is over"));
  }
  const { signal } = act;
  if (signal.aborted) {
    act.cancel();
    throw signal.reason;
  }
  const mistake = act.viewMistake();
  if (mistake !== undefined && !scope.core.isShadow) {
    emitDenial(scope, act, mistake);
    act.cancel(mistake);
    throw violation(act.stage, mistake);
  }
  return signal;
}

/** The act has run: its response gate. */
function responded<T>(
  act: ActImpl,
  value: T,
  usageOf: ((response: T) => TokenUsage | undefined) | undefined,
  view: View<T> | undefined,
): T | Promise<T> {
  if (isStream(value)) {
    return stopped(
      act,
      denyHere("ungoverned_method", "A stream passes the gates only through begin() and stream()"),
      value,
    );
  }
  let seen: unknown = value;
  let usage: TokenUsage | undefined;
  try {
    usage = usageOf?.(value);
    if (view !== undefined) seen = atOnce("A view's read()", view.read(value));
  } catch (error) {
    return stopped(act, denyHere("guard_error", "The response could not be read", error), value);
  }
  act.writeBack = view === undefined ? plainOnly : (act, payload) => {
    try {
      act.result = atOnce("A view's write()", view.write(value, payload));
      return undefined;
    } catch (error) {
      return unwritten(error, "The view could not write a changed response back");
    }
  };
  const after = act.respond(seen, false, usage);
  if (!isThenable(after)) return released(act, value, after as Decision, view);
  if (view !== undefined) keep(act, value, view);
  return (after as Promise<Decision>).then((late) => released(act, value, late, view));
}

/** Has the view keep what is being judged; where that fails, nobody waits for the judgement. */
function keep<T>(act: ActImpl, value: T, view: View<T>): void {
  try {
    const own = memberOf(view, "keep");
    if (own !== undefined) atOnce("A view's keep()", own.call(view, value));
  } catch (error) {
    act.stop(deny("guard_error", "The response could not be kept while it is judged", error));
  }
}

/** What a guard made of a response that is not plain data has no place where it could go. */
function plainOnly(act: EngineAct): Deny | undefined {
  return act.isPlain ? undefined : denyHere(
    "payload_not_plain",
    "A guard changed a response that is not plain data, and there is no view to write it back",
  );
}

/** What the response gate lets through. */
function released<T>(act: ActImpl, value: T, decision: Decision, view: View<T> | undefined): T {
  if (!decision.allowed) throw act.abortReason(decision) ?? violation(RESPONSE[act.stage], decision);
  if (decision.effect === "transform" && view === undefined) return decision.payload as T;
  return view === undefined || decision.effect === "transform" ? (act.result as T) : value;
}

/** What is there already: a promise would go on while nobody has judged what it comes to. */
function atOnce<V>(what: string, value: V): V {
  if (!isThenable(value)) return value;
  ignoreFailure(value);
  throw new TypeError(`${what} must answer at once, and answered a promise`);
}

/** Runs the act inside the kernel's interceptors; an interceptor can't run it twice, or on anything else. */
function intercepted(
  act: ActImpl,
  // deno-lint-ignore no-explicit-any -- as above
  run: (payload: any, signal: AbortSignal, changed: boolean) => unknown,
): Promise<unknown> {
  const { context, core } = act.scope;
  let called = false;
  const once = async (own?: AbortSignal): Promise<unknown> => {
    if (called) throw new TypeError("An interceptor called next() a second time");
    called = true;
    // An interceptor may have waited, or have answered already: nothing runs that was stopped meanwhile.
    const { signal } = act;
    for (const one of own === undefined ? [signal] : [signal, own]) if (one.aborted) throw one.reason;
    if (act.phase !== "running") throw new TypeError("An interceptor called next() after the act was over");
    const mistake = act.viewMistake();
    if (mistake !== undefined && !core.isShadow) throw violation(act.stage, mistake);
    if (own === undefined || own === signal) return await inside(act, run, signal);
    const linked = new Linked([signal, own]);
    try {
      return await inside(act, run, linked.signal);
    } finally {
      linked.release();
    }
  };
  const next = (own?: AbortSignal): Promise<unknown> => {
    const result = once(own);
    // An interceptor need not wait for it: what fails then must not end the process.
    ignoreFailure(result);
    return result;
  };
  return Promise.resolve(core.interceptor?.(act.request as NonNullable<typeof act.request>, next, context));
}

/** The act threw: judged like a response, unless it was stopped further in. */
export async function failed(act: ActImpl, error: unknown): Promise<never> {
  const isPast = passesUnjudged(error, act.signal);
  const decision = await act.fail(error);
  if (isPast) throw error;
  if (!decision.allowed) throw act.abortReason(decision) ?? violation(RESPONSE[act.stage], decision);
  if (decision.effect === "transform") throw new Error(messageIn(decision.payload));
  throw error;
}

/** The message of a changed error: what a guard gave, where that is text. */
function messageIn(payload: unknown): string {
  const message: unknown = typeof payload === "object" && payload !== null && Object.hasOwn(payload, "message")
    ? (payload as { message: unknown }).message
    : payload;
  return typeof message === "string" ? message : "";
}

/**
 * The library itself stops an act that has run: it is spent, told once, and nothing of it goes on, unless the kernel
 * only watches.
 */
function stopped<T>(act: ActImpl, denial: Deny, value: T): T {
  const { scope } = act;
  act.withhold(denial);
  if (scope.core.isShadow && scope.halted() === undefined) return value;
  release(value);
  throw violation(RESPONSE[act.stage], denial);
}

function isStream(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  try {
    const one = value as { getReader?: unknown; [Symbol.asyncIterator]?: unknown };
    return typeof memberOf(one, Symbol.asyncIterator) === "function" ||
      typeof memberOf(one, "getReader") === "function";
  } catch {
    // Whether it would go on after the gate can't be told.
    return true;
  }
}

/** Lets go of a stream that nobody will read. */
function release(value: unknown): void {
  void (async () => {
    if (!isStream(value)) return;
    const one = value as { cancel?: () => unknown; return?: () => unknown };
    await (memberOf(one, "cancel") ?? memberOf(one, "return"))?.call(value);
  })().catch(() => undefined);
}
