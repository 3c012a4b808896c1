import type { Linked } from "../base/linked.ts";
import type { Phase } from "./engine.ts";

/** An act, as far as it can be around others. */
export interface Nesting {
  readonly phase: Phase;
  readonly inside: Nesting | undefined;
  readonly payload: unknown;
  readonly changed: boolean;
}

/** The act whose function runs right now, up to where it first waits: what begins meanwhile is inside it. */
let current: Nesting | undefined;
/** The signals that acts have to themselves: what is begun with one is inside that act. */
const links = new WeakMap<AbortSignal, { readonly act: Nesting; readonly linked: Linked }>();

/** The act that another one, which begins now with this signal of its own, is known to be inside of. */
export function actAround(signal: AbortSignal | undefined): Nesting | undefined {
  // One that is over stands for the nearest around it: whatever else it was inside of need not be kept.
  let at = current ?? (signal === undefined ? undefined : links.get(signal)?.act);
  while (at?.phase === "over") at = at.inside;
  return at;
}

/** Runs a function of an act: what it begins before it first waits is known to be inside the act. */
export function inside<T>(
  act: Nesting,
  // deno-lint-ignore no-explicit-any -- it gets what the act was called with, which only the caller knows
  run: (payload: any, signal: AbortSignal, changed: boolean) => T,
  signal: AbortSignal,
): T {
  const outer = current;
  current = act;
  try {
    return run(act.payload, signal, act.changed);
  } finally {
    current = outer;
  }
}

/** Remembers that a signal is an act's own. */
export function keepLink(act: Nesting, linked: Linked): void {
  links.set(linked.signal, { act, linked });
}

/** What a signal of an act's own follows others by. */
export function linkOf(signal: AbortSignal | undefined): Linked | undefined {
  return signal === undefined ? undefined : links.get(signal)?.linked;
}
