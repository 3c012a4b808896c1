/** Answered instead of a receipt: the limit does not allow it. */
export const REFUSED = 0;
/** Answered instead of a receipt: there is no room for another key. */
export const FULL = -1;

/** How many keys may still come; tables that belong together share one. */
export interface Capacity {
  left: number;
}

const NONE = -1;
const INDEX_SIZE = 2 ** 27;
const TURNS = 2 ** 26;

// A record's links, side by side: its key's slot, its neighbours under the key and among all, and which taking it serves.
const SLOT = 0, NEXT = 1, PREVIOUS = 2, LATER = 3, EARLIER = 4, TURN = 5, LINKS = 6;
// A record's figures, and a slot's ends of its list.
const TIME = 0, AMOUNT = 1, FIGURES = 2;
const OLDEST = 0, NEWEST = 1, ENDS = 2;

/**
 * Counts what was taken under many keys: exactly, within a sliding window or for ever.
 *
 * Every taking in the window has a record, in columns of numbers instead of objects: a million keys must cost neither a
 * million objects nor the collector's time. Records hang in two lists, oldest first: their key's, and that of all keys,
 * by which keys whose takings have all expired are dropped, some with every call. A key that counts is never dropped.
 * A record that was given back is reused, so that taking and giving back for ever needs no room.
 */
export class LimitTable {
  readonly windowMs: number;
  readonly #capacity: Capacity;
  readonly #slots = new Map<string, number>();
  readonly #keys: string[] = [];
  #used = new Float64Array(8);
  #ends = new Int32Array(8 * ENDS);
  #slotCount = 0;
  #freeSlot = NONE;

  #links = new Int32Array(8 * LINKS);
  #figures = new Float64Array(8 * FIGURES);
  #size = 8;
  #count = 0;
  #free = NONE;
  #first = NONE;
  #last = NONE;
  #latest = -Infinity;
  /** When the oldest taking of all expires: most calls need not look further. */
  #due = Infinity;

  /** `windowMs` is `Infinity` for limits that count for ever. */
  constructor(windowMs: number, capacity: Capacity) {
    this.windowMs = windowMs;
    this.#capacity = capacity;
  }

  /** The latest time that a caller has named. */
  get latest(): number {
    return this.#latest;
  }

  /** How many keys count. */
  get size(): number {
    return this.#slots.size;
  }

  /**
   * Takes at least 1; answers the place of its record, above 0, {@linkcode REFUSED} or {@linkcode FULL}. `now` is a finite number.
   *
   * With `joins`, takings of one time share a record: a burst costs little and keeps no more than a record a ms. Whoever joins
   * gives each taking back at most once, with the time that {@linkcode latest} says now and how much it was; whoever does not
   * asks for a receipt.
   */
  take(key: string, amount: number, max: number, now: number, joins = false): number {
    this.#advance(now);
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      if (amount > max) return REFUSED;
      if (!this.#hasRoom()) return FULL;
      slot = this.#addKey(key);
    } else if ((this.#used[slot] as number) + amount > max) {
      // What fits beside the expired fits without them: only a refusal needs to know them all.
      this.#expire(slot);
      if ((this.#used[slot] as number) + amount > max) {
        this.#dropIfIdle(slot);
        return REFUSED;
      }
    }
    const newest = this.#ends[slot * ENDS + NEWEST] as number;
    const joined = joins && newest !== NONE && this.#figures[newest * FIGURES + TIME] === this.#latest;
    if (joined) this.#figures[newest * FIGURES + AMOUNT] = (this.#figures[newest * FIGURES + AMOUNT] as number) + amount;
    this.#used[slot] = (this.#used[slot] as number) + amount;
    return (joined ? newest : this.#add(slot, amount)) + 1;
  }

  /** A number that nobody else gets for the taking at this place. It may be too large for a small integer: asked for only where needed. */
  receiptOf(place: number): number {
    return (this.#links[(place - 1) * LINKS + TURN] as number) * INDEX_SIZE + place;
  }

  /** What may still be taken under a key, or {@linkcode FULL}. */
  room(key: string, max: number, now: number): number {
    this.#advance(now);
    const slot = this.#slots.get(key);
    if (slot === undefined) return this.#hasRoom() ? max : FULL;
    this.#expire(slot);
    const used = this.#used[slot] as number;
    this.#dropIfIdle(slot);
    return Math.max(0, max - used);
  }

  /** In how many ms `amount` would fit, if nobody takes meanwhile; `undefined`: never. Asked after a call that gave the time. */
  retryAfterMs(key: string, amount: number, max: number): number | undefined {
    const slot = this.#slots.get(key);
    if (slot === undefined || amount > max || this.windowMs === Infinity) return undefined;
    let used = this.#used[slot] as number;
    let at = this.#ends[slot * ENDS + OLDEST] as number;
    while (at !== NONE) {
      used -= this.#figures[at * FIGURES + AMOUNT] as number;
      if (used + amount <= max) break;
      at = this.#links[at * LINKS + NEXT] as number;
    }
    return at === NONE ? undefined : Math.max(0, (this.#figures[at * FIGURES + TIME] as number) + this.windowMs - this.#latest);
  }

  /** Puts `keep` in the place of a taking, for good, and uses up its receipt; ignores one that is unknown, used up or another key's. */
  giveBack(key: string, receipt: number, keep: number): void {
    const at = (receipt % INDEX_SIZE) - 1;
    if (!(at >= 0 && at < this.#count) || Math.floor(receipt / INDEX_SIZE) !== this.#links[at * LINKS + TURN]) return;
    if (this.#settle(key, at, this.#figures[at * FIGURES + AMOUNT] as number, keep)) this.#nextTurn(at);
  }

  /** Puts `keep` in the place of `amount` that joined others at a time; ignores what has expired meanwhile. */
  leave(key: string, place: number, time: number, amount: number, keep: number): void {
    if (this.#figures[(place - 1) * FIGURES + TIME] === time) this.#settle(key, place - 1, amount, keep);
  }

  /** Whether the record goes on. */
  #settle(key: string, at: number, amount: number, keep: number): boolean {
    const slot = this.#links[at * LINKS + SLOT] as number;
    if (slot === NONE || this.#keys[slot] !== key) return false;
    this.#used[slot] = (this.#used[slot] as number) + keep - amount;
    // What counts for ever needs a record only until it is settled.
    const rest = (this.#figures[at * FIGURES + AMOUNT] as number) - amount + (this.windowMs === Infinity ? 0 : keep);
    if (rest > 0) {
      this.#figures[at * FIGURES + AMOUNT] = rest;
      return true;
    }
    this.#unlink(at);
    this.#dropIfIdle(slot);
    return false;
  }

  /** Drops every taking that has expired, and the keys that have no other. */
  sweep(now: number): void {
    if (now > this.#latest) this.#latest = now;
    while (this.#sweepOne());
  }

  /** Drops two at a time: more than one call can add, so that what has expired never piles up, and no call pays for all. */
  #advance(now: number): void {
    if (now > this.#latest) this.#latest = now;
    if (this.#due <= this.#latest && this.#sweepOne()) this.#sweepOne();
  }

  /** Drops the oldest taking of all, if it has expired: the first in both of its lists. */
  #sweepOne(): boolean {
    if (this.#due > this.#latest) return false;
    const links = this.#links, ends = this.#ends, at = this.#first, link = at * LINKS;
    const slot = links[link + SLOT] as number, next = links[link + NEXT] as number, later = links[link + LATER] as number;
    this.#used[slot] = (this.#used[slot] as number) - (this.#figures[at * FIGURES + AMOUNT] as number);
    ends[slot * ENDS + OLDEST] = next;
    if (next === NONE) ends[slot * ENDS + NEWEST] = NONE;
    else links[next * LINKS + PREVIOUS] = NONE;
    if (later === NONE) this.#last = NONE;
    else links[later * LINKS + EARLIER] = NONE;
    this.#begin(later);
    this.#release(at);
    if (next === NONE) this.#dropIfIdle(slot);
    return true;
  }

  #hasRoom(): boolean {
    if (this.#capacity.left <= 0) this.sweep(this.#latest);
    return this.#capacity.left > 0;
  }

  /** Drops what has expired of one key, if the sweep has not come so far. */
  #expire(slot: number): void {
    if (this.#due > this.#latest) return;
    for (;;) {
      const at = this.#ends[slot * ENDS + OLDEST] as number;
      if (at === NONE || this.#latest - (this.#figures[at * FIGURES + TIME] as number) < this.windowMs) return;
      this.#used[slot] = (this.#used[slot] as number) - (this.#figures[at * FIGURES + AMOUNT] as number);
      this.#unlink(at);
    }
  }

  #addKey(key: string): number {
    let slot = this.#freeSlot;
    if (slot === NONE) {
      slot = this.#slotCount++;
      if (slot === this.#used.length) {
        this.#used = grow(this.#used, new Float64Array(slot * 2));
        this.#ends = grow(this.#ends, new Int32Array(slot * 2 * ENDS));
      }
    } else {
      this.#freeSlot = this.#ends[slot * ENDS + OLDEST] as number;
    }
    this.#keys[slot] = key;
    this.#used[slot] = 0;
    this.#ends[slot * ENDS + OLDEST] = NONE;
    this.#ends[slot * ENDS + NEWEST] = NONE;
    this.#slots.set(key, slot);
    this.#capacity.left--;
    return slot;
  }

  #dropIfIdle(slot: number): void {
    if (this.#ends[slot * ENDS + OLDEST] !== NONE || (this.#used[slot] as number) > 0) return;
    this.#slots.delete(this.#keys[slot] as string);
    this.#keys[slot] = "";
    this.#ends[slot * ENDS + OLDEST] = this.#freeSlot;
    this.#freeSlot = slot;
    this.#capacity.left++;
  }

  #add(slot: number, amount: number): number {
    let at = this.#free;
    if (at === NONE) {
      if (this.#count === this.#size) this.#grow();
      at = this.#count++;
    } else {
      this.#free = this.#links[at * LINKS + NEXT] as number;
    }
    const links = this.#links, ends = this.#ends;
    const link = at * LINKS, end = slot * ENDS + NEWEST;
    const newest = ends[end] as number, last = this.#last;
    links[link + SLOT] = slot;
    links[link + NEXT] = NONE;
    links[link + PREVIOUS] = newest;
    links[link + LATER] = NONE;
    links[link + EARLIER] = last;
    if (newest === NONE) ends[slot * ENDS + OLDEST] = at;
    else links[newest * LINKS + NEXT] = at;
    ends[end] = at;
    this.#figures[at * FIGURES + TIME] = this.#latest;
    this.#figures[at * FIGURES + AMOUNT] = amount;
    if (last === NONE) this.#begin(at);
    else links[last * LINKS + LATER] = at;
    this.#last = at;
    return at;
  }

  #unlink(at: number): void {
    const links = this.#links, ends = this.#ends;
    const link = at * LINKS;
    const end = (links[link + SLOT] as number) * ENDS;
    const next = links[link + NEXT] as number, previous = links[link + PREVIOUS] as number;
    const later = links[link + LATER] as number, earlier = links[link + EARLIER] as number;
    if (previous === NONE) ends[end + OLDEST] = next;
    else links[previous * LINKS + NEXT] = next;
    if (next === NONE) ends[end + NEWEST] = previous;
    else links[next * LINKS + PREVIOUS] = previous;
    if (later === NONE) this.#last = earlier;
    else links[later * LINKS + EARLIER] = earlier;
    if (earlier === NONE) this.#begin(later);
    else links[earlier * LINKS + LATER] = later;
    this.#release(at);
  }

  #release(at: number): void {
    this.#links[at * LINKS + SLOT] = NONE;
    this.#links[at * LINKS + NEXT] = this.#free;
    this.#free = at;
    this.#nextTurn(at);
  }

  /** Makes a record the oldest of all. */
  #begin(at: number): void {
    this.#first = at;
    this.#due = at === NONE ? Infinity : (this.#figures[at * FIGURES + TIME] as number) + this.windowMs;
  }

  /** From now on the receipt is unknown. */
  #nextTurn(at: number): void {
    this.#links[at * LINKS + TURN] = ((this.#links[at * LINKS + TURN] as number) + 1) & (TURNS - 1);
  }

  #grow(): void {
    this.#size *= 2;
    if (this.#size > INDEX_SIZE / 2) throw new RangeError("Too many takings are remembered at once");
    this.#links = grow(this.#links, new Int32Array(this.#size * LINKS));
    this.#figures = grow(this.#figures, new Float64Array(this.#size * FIGURES));
  }
}

function grow<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
