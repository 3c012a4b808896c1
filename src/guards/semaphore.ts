import type { ExecutionContext } from "../base/context.ts";
import { allow, type Decision, type Deny, denyBy } from "../base/decision.ts";
import type { Taking } from "../base/guard.ts";
import { hasTaken, hold, type Owner, Reservation, Reservations, type Taker } from "../base/taking.ts";

const ALLOW = allow();

/** How long nobody may have left before the act that has waited longest goes on, where it might wait for itself. */
const PATIENCE_MS = 250;

/** How much a place of an act counts that runs a function of the caller's: others may begin in it. */
const FUNCTION = 1;

/** What an act has beside a place of its own: one in the queue, or that of an act around it. */
class Place extends Reservation {
  /** The place that it stands in: of an act around it, which waits for it meanwhile. */
  lender: Reservation | undefined = undefined;
  /** While it is in the queue: who waits, and where the answer goes. */
  waiting: { readonly taker: Taker | undefined; readonly answer: (decision: Decision) => void } | undefined = undefined;
}

/**
 * Places for acts of one kind in one session: some run, some wait their turn, the rest are refused. Acts inside acts
 * are let in as `maxConcurrent` says.
 */
export class Semaphore implements Owner {
  readonly #atOnce: number;
  readonly #max: number;
  readonly #refuse: () => Deny;
  readonly #queue: Set<Place> = new Set();
  /** By the place that is lent: who runs in it. Made when one is, since every session has three of these. */
  #lent: Map<Reservation, Place> | undefined;
  readonly #stop: () => void;
  /** What those who wait listen to: once for all of them. */
  #signal: AbortSignal | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running = 0;
  /** How many of those run a function of the caller's. */
  #functions = 0;

  /** Up to `atOnce` run, and those beyond wait until `max` are in. */
  constructor(atOnce: number, max: number, refuse: () => Deny) {
    this.#atOnce = atOnce;
    this.#max = max;
    this.#refuse = refuse;
    this.#stop = () => {
      for (const place of [...this.#queue]) this.#leave(place);
    };
  }

  /** Gives a place, now or as soon as it is the act's turn. The signal is asked for only by who has to wait. */
  enter(taking: Taking, context: ExecutionContext): Decision | Promise<Decision> {
    if (this.#running >= this.#atOnce) return this.#enterLate(taking, context);
    if (!taking.dry) this.#take(taking);
    return ALLOW;
  }

  #enterLate(taking: Taking, context: ExecutionContext): Decision | Promise<Decision> {
    const isFull = this.#running + this.#queue.size >= this.#max;
    if (taking.dry) return !isFull || hasTaken(taking, this) ? ALLOW : this.#refuse();
    const taker = Reservations.takerOf(taking);
    const lender = this.#lenderOf(taker);
    if (lender !== undefined) {
      const place = new Place(this, true, countOf(taker));
      this.#borrow(place, lender);
      hold(taking, place);
      return ALLOW;
    }
    if (isFull) return this.#refuse();
    const own = context.signal;
    if (own.aborted) return stopped();
    this.#listen(own);
    return new Promise((answer) => {
      const place = new Place(this, true, countOf(taker));
      place.waiting = { taker, answer };
      this.#queue.add(place);
      hold(taking, place);
      this.#watch();
    });
  }

  /** A place is free again. */
  giveBack(taken: Reservation): void {
    if (taken instanceof Place) {
      if (taken.waiting !== undefined) return this.#leave(taken);
      if (taken.lender !== undefined) {
        this.#lent?.delete(taken.lender);
        taken.lender = undefined;
        return this.#next(true);
      }
    }
    const heir = this.#lent?.get(taken);
    if (heir !== undefined) {
      // It has ended before the act that stands in its place, whose own that is from now on.
      this.#lent?.delete(taken);
      heir.lender = undefined;
    }
    this.#count(-1, taken.amount);
    if (heir !== undefined) this.#count(1, heir.amount);
    else if (this.#queue.size > 0) this.#next(false);
  }

  /** The same: an act that has ended needs its place no more. */
  settle(taken: Reservation): void {
    this.giveBack(taken);
  }

  #take(taking: Taking): void {
    const taken = new Reservation(this, true, countOf(Reservations.takerOf(taking)));
    this.#count(1, taken.amount);
    hold(taking, taken);
    if (this.#queue.size > 0) this.#watch();
  }

  #count(by: 1 | -1, functions = 0): void {
    this.#running += by;
    this.#functions += by * functions;
  }

  /** The place of an act around this one, in which nobody stands yet. */
  #lenderOf(taker: Taker | undefined): Reservation | undefined {
    let lender: Reservation | undefined;
    taker?.findAround((around, isKnown) => {
      lender = Reservations.find<Reservation>(
        around.takings,
        this,
        (taken) => this.#lent?.has(taken) !== true && mayLend(taken, isKnown),
      );
      return lender !== undefined;
    });
    return lender;
  }

  #borrow(place: Place, lender: Reservation): void {
    place.lender = lender;
    (this.#lent ??= new Map()).set(lender, place);
  }

  /** Out of the queue without a place. */
  #leave(place: Place): void {
    this.#answer(place, stopped());
    this.#rest();
  }

  #answer(place: Place, decision: Decision): void {
    const { waiting } = place;
    place.waiting = undefined;
    this.#queue.delete(place);
    waiting?.answer(decision);
  }

  #admit(place: Place): void {
    this.#count(1, place.amount);
    this.#answer(place, ALLOW);
  }

  /** Those that have waited longest go. With `isReturned`, a place that was lent may be lent again. */
  #next(isReturned: boolean): void {
    for (const place of this.#queue) {
      if (this.#running < this.#atOnce) {
        this.#admit(place);
        continue;
      }
      if (!isReturned) break;
      const lender = this.#lenderOf(place.waiting?.taker);
      if (lender === undefined) continue;
      this.#borrow(place, lender);
      this.#answer(place, ALLOW);
    }
    this.#unwatch();
    this.#rest();
  }

  /** Goes on watching as long as anybody waits. */
  #rest(): void {
    if (this.#queue.size > 0) return this.#watch();
    this.#unwatch();
    this.#listen(undefined);
  }

  #watch(): void {
    if (this.#functions === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      for (const place of this.#queue) {
        this.#admit(place);
        break;
      }
      this.#rest();
    }, PATIENCE_MS);
  }

  #unwatch(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #listen(signal: AbortSignal | undefined): void {
    if (signal === this.#signal) return;
    this.#signal?.removeEventListener("abort", this.#stop);
    this.#signal = signal;
    signal?.addEventListener("abort", this.#stop);
  }
}

/** One in the queue is no place, and one that is lent is lent on only to who is known to be inside: else without end. */
function mayLend(taken: Reservation, isKnown: boolean): boolean {
  return !(taken instanceof Place) || (taken.waiting === undefined && (isKnown || taken.lender === undefined));
}

function countOf(taker: Taker | undefined): number {
  return taker?.isFunction === true ? FUNCTION : 0;
}

function stopped(): Deny {
  return denyBy("maxConcurrent", "concurrency_limit", "The act was stopped while it waited for its turn");
}
