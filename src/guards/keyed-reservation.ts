import type { ExecutionContext } from "../base/context.ts";
import type { Taking } from "../base/guard.ts";
import { shadowed } from "../base/own.ts";
import { type Owner, type Reservation, Reservations } from "../base/taking.ts";

/** What one act has taken from one limit, under a key. Not derived: an object made by two constructors costs more. */
export class KeyedReservation implements Reservation {
  declare readonly owner: Owner;
  declare readonly isSettled: boolean;
  /** 0 once it was given back or settled. */
  declare amount: number | undefined;
  declare next: Reservation | undefined;
  declare readonly key: string;
  declare readonly context: ExecutionContext;
  /** Where the limit has it: a record in this process, a receipt of a store. */
  declare readonly place: number;
  declare readonly turn: number;
  declare readonly receipt: string;
  /** Until it is given back. */
  declare isOpen: boolean;
  static {
    shadowed(this.prototype, [
      "owner",
      "isSettled",
      "amount",
      "next",
      "key",
      "context",
      "place",
      "turn",
      "receipt",
      "isOpen",
    ]);
  }

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
  }
}

/**
 * Whether an act has taken from a limit under this key in the context of another session.
 *
 * A child passes its parent's guards and then its own, often the same ones: where both count under one key, an act
 * counts once.
 */
export function isHeld(by: Owner, key: string, taking: Taking, context: ExecutionContext): boolean {
  return Reservations.find<KeyedReservation>(
    taking,
    by,
    (held) => held.isOpen && held.key === key && held.context !== context,
  ) !==
    undefined;
}
