import type { ExecutionContext } from "../context.ts";
import type { GovernedRequest } from "../request.ts";

/** That one act has taken from one limit. */
export interface Held {
  readonly by: object;
  readonly key: string;
  readonly context: ExecutionContext;
  isOpen: boolean;
  readonly depth: number;
  readonly next: Held | undefined;
}

// On the request, and not beside it: a transform's copy of it keeps the mark, and a WeakMap costs ten times the limit itself.
const HELD: unique symbol = Symbol("sallyport.held");
const MOST = 256;
interface Marked {
  [HELD]?: Held | undefined;
}

/**
 * Whether an act has taken from a limit under this key in the context of another session.
 *
 * A child passes its parent's guards and then its own, often the same ones: where both count under one key, an act counts once.
 * To be asked with a session's own request and context only: whoever makes them by hand may use one for many acts.
 */
export function isHeld(by: object, key: string, request: GovernedRequest, context: ExecutionContext): boolean {
  for (let held = (request as Marked)[HELD]; held !== undefined; held = held.next) {
    if (held.isOpen && held.by === by && held.key === key && held.context !== context) return true;
  }
  return false;
}

/** Remembers that an act has taken; close it when that is given back. A request that nothing can be written on is not marked. */
export function hold(by: object, key: string, request: GovernedRequest, context: ExecutionContext): Held | undefined {
  // A session never shows a request twice; whoever does is counted anew, and must not make the list longer and longer.
  const last = (request as Marked)[HELD];
  const next = last !== undefined && last.depth < MOST ? last : undefined;
  const held: Held = { by, key, context, isOpen: true, depth: next === undefined ? 1 : next.depth + 1, next };
  try {
    (request as Marked)[HELD] = held;
  } catch {
    return undefined;
  }
  return held;
}
