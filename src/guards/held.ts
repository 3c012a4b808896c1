import { type ExecutionContext, SessionContext } from "../context.ts";
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
 * Only sessions' own contexts and requests are trusted with that: a context made by hand always counts.
 */
export function isHeld(by: object, key: string, request: GovernedRequest, context: ExecutionContext): boolean {
  for (let held = (request as Marked)[HELD]; held !== undefined; held = held.next) {
    if (held.isOpen && held.by === by && held.key === key && held.context !== context) return SessionContext.stateOf(context) !== undefined;
  }
  return false;
}

/** Remembers that an act has taken; close it when that is given back. */
export function hold(by: object, key: string, request: GovernedRequest, context: ExecutionContext): Held | undefined {
  if (SessionContext.stateOf(context) === undefined || !Object.isExtensible(request)) return undefined;
  // A session never shows a request twice; whoever does, by hand, is counted anew and does not make the list longer and longer.
  const last = (request as Marked)[HELD];
  const next = last !== undefined && last.depth < MOST ? last : undefined;
  return ((request as Marked)[HELD] = { by, key, context, isOpen: true, depth: next === undefined ? 1 : next.depth + 1, next });
}
