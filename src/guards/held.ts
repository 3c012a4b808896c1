import type { ExecutionContext } from "../context.ts";
import type { GovernedRequest } from "../request.ts";
import type { Owner, Taken } from "../taking.ts";

/** What one act has taken from one limit, under a key. Not derived: an object made by two constructors costs more. */
export class Held implements Taken {
  declare readonly owner: Owner;
  declare readonly isSettled: boolean;
  /** 0 once it was given back or settled. */
  declare amount: number | undefined;
  declare next: Taken | undefined;
  declare readonly key: string;
  declare readonly context: ExecutionContext;
  /** Where the limit has it: a record in this process, a receipt of a store. */
  declare readonly place: number;
  declare readonly turn: number;
  declare readonly receipt: string;
  /** Until it is given back. */
  declare isOpen: boolean;
  declare depth: number;
  /** What the act had taken before. */
  declare below: Held | undefined;

  constructor(
    owner: Owner,
    isSettled: boolean,
    amount: number,
    key: string,
    context: ExecutionContext,
    place: number,
    turn: number,
    receipt: string,
  ) {
    this.owner = owner;
    this.isSettled = isSettled;
    // As every taking's: a field of numbers alone makes an object of each one that is not small.
    this.amount = undefined;
    this.amount = amount;
    this.next = undefined;
    this.key = key;
    this.context = context;
    this.place = place;
    this.turn = turn;
    this.receipt = receipt;
    this.isOpen = true;
    this.depth = 1;
    this.below = undefined;
  }
}

// On the request, and not beside it: a transform's copy of it keeps the mark, and a WeakMap costs ten times the limit
// itself.
const HELD: unique symbol = Symbol("sallyport.held");
const MOST = 256;
interface Marked {
  [HELD]?: Held | undefined;
}

/**
 * Whether an act has taken from a limit under this key in the context of another session.
 *
 * A child passes its parent's guards and then its own, often the same ones: where both count under one key, an act
 * counts once.
 * To be asked with a session's own request and context only: whoever makes them by hand may use one for many acts.
 */
export function isHeld(by: object, key: string, request: GovernedRequest, context: ExecutionContext): boolean {
  for (let held = (request as Marked)[HELD]; held !== undefined; held = held.below) {
    if (held.isOpen && held.owner === by && held.key === key && held.context !== context) return true;
  }
  return false;
}

/** Remembers on its request what an act has taken. A request that nothing can be written on is not marked. */
export function mark(request: GovernedRequest, held: Held): void {
  // A session never shows a request twice; whoever does is counted anew, and must not make the list longer and longer.
  const last = (request as Marked)[HELD];
  if (last !== undefined && last.depth < MOST) {
    held.depth = last.depth + 1;
    held.below = last;
  }
  try {
    (request as Marked)[HELD] = held;
  } catch {
    // Counted twice rather than never.
  }
}
