import { type Capacity, KeySlots } from "./key-slots.ts";
import { grown, TimeQueue } from "./time-queue.ts";

export type { Capacity } from "./key-slots.ts";

/** Answered instead of a place: the limit does not allow it. */
export const REFUSED = 0;
/** Answered instead of a place: there is no room for another key. */
export const FULL = -1;

const NONE = -1, INDEX_SIZE = 2 ** 27, TURNS = 2 ** 26;

// A record's links, side by side: its key's slot, its neighbours under the key, and which taking it serves.
const SLOT = 0, NEXT = 1, PREVIOUS = 2, TURN = 3, LINKS = 4;
// A record's figures, and a slot's ends of its list.
const TIME = 0, AMOUNT = 1, FIGURES = 2;
const OLDEST = 0, NEWEST = 1, ENDS = 2;

/**
 * Counts what was taken under many keys: exactly, within a sliding window or for ever.
 *
 * Every taking in the window has a record, in columns of numbers instead of objects: a million keys must cost neither a
 * million objects nor the collector's time. Records hang in their key's list, oldest first; one that has expired is
 * reused by a later taking of its key, one that was given back by anybody. Keys wait in a queue, by a time that is
 * never later than their newest taking: whoever is first is dropped, if nothing of it counts, else delayed, some with
 * every call. So a taking of a known key leaves the queue alone, and a key that counts is never dropped.
 */
export class LimitTable {
  readonly windowMs: number;
  readonly #joins: boolean;
  readonly #keys: KeySlots;
  /** The slots of keys, and for a while of some that were dropped. */
  readonly #queue = new TimeQueue();
  #used = new Float64Array(8);
  #ends = new Int32Array(8 * ENDS);
  #links = new Int32Array(8 * LINKS);
  #figures = new Float64Array(8 * FIGURES);
  #count = 0;
  #free = NONE;
  #latest = -Infinity;

  /**
   * `windowMs` is `Infinity` for limits that count for ever.
   *
   * With `joins`, takings of one time share a record, and what counts for ever has none: a burst keeps no more than a
   * record a ms. Whoever joins gives each taking back at most once, and says how much it was; whoever does not asks for
   * a receipt.
   */
  constructor(windowMs: number, capacity: Capacity, joins = false) {
    this.windowMs = windowMs;
    this.#keys = new KeySlots(capacity);
    this.#joins = joins;
  }

  /** How many keys count. */
  get size(): number {
    return this.#keys.size;
  }

  /**
   * Takes at least 1; answers the place where it is counted, above 0, {@linkcode REFUSED} or {@linkcode FULL}. `now` is
   * a finite number.
   */
  take(key: string, amount: number, max: number, now: number): number {
    this.#advance(now);
    const known = this.#keys.find(key);
    // What fits beside the expired fits without them: only a refusal needs to know them all.
    const found = known !== undefined && (this.#used[known] as number) <= max - amount
      ? known + 1
      : this.#findRoom(key, known, amount, max);
    if (found <= 0) return found;
    const slot = found - 1, at = this.#joins ? this.#join(slot, amount) : this.#add(slot, amount);
    this.#used[slot] = (this.#used[slot] as number) + amount;
    return at + 1;
  }

  /** The place of a key where the amount fits, once what has expired is dropped, or of a new one. */
  #findRoom(key: string, slot: number | undefined, amount: number, max: number): number {
    if (slot === undefined) return amount > max ? REFUSED : this.#hasRoom() ? this.#addKey(key) + 1 : FULL;
    this.#expire(slot, max - amount);
    if ((this.#used[slot] as number) <= max - amount) return slot + 1;
    this.#dropIfIdle(slot);
    return REFUSED;
  }

  /** Tells takings at one place apart, for {@linkcode leave}: a small integer. */
  turnOf(place: number): number {
    return this.#joins && this.windowMs === Infinity ? 0 : (this.#links[(place - 1) * LINKS + TURN] as number);
  }

  /**
   * A number that nobody else gets for the taking at this place. It may be too large for a small integer: asked for
   * only where needed.
   */
  receiptOf(place: number): number {
    return this.turnOf(place) * INDEX_SIZE + place;
  }

  /** What may still be taken under a key, or {@linkcode FULL}. */
  room(key: string, max: number, now: number): number {
    this.#advance(now);
    const slot = this.#keys.find(key);
    if (slot === undefined) return this.#hasRoom() ? max : FULL;
    this.#expire(slot, -1);
    const used = this.#used[slot] as number;
    this.#dropIfIdle(slot);
    return Math.max(0, max - used);
  }

  /**
   * In how many ms `amount` would fit, if nobody takes meanwhile; `undefined`: never. Asked after a call that gave the
   * time.
   */
  retryAfterMs(key: string, amount: number, max: number): number | undefined {
    const slot = this.#keys.find(key);
    if (slot === undefined || amount > max || this.windowMs === Infinity) return undefined;
    let used = this.#used[slot] as number;
    for (
      let at = this.#ends[slot * ENDS + OLDEST] as number;
      at !== NONE;
      at = this.#links[at * LINKS + NEXT] as number
    ) {
      used -= this.#figures[at * FIGURES + AMOUNT] as number;
      if (used + amount <= max) {
        return Math.max(0, (this.#figures[at * FIGURES + TIME] as number) + this.windowMs - this.#latest);
      }
    }
    return undefined;
  }

  /**
   * Puts `keep` in the place of a taking, for good, and uses up its receipt; ignores one that is unknown, used up or
   * another key's.
   */
  giveBack(key: string, receipt: number, keep: number): void {
    const at = (receipt % INDEX_SIZE) - 1, turn = Math.floor(receipt / INDEX_SIZE);
    if (!(at >= 0 && at < this.#count) || turn !== this.#links[at * LINKS + TURN]) return;
    if (this.#replace(key, at, this.#figures[at * FIGURES + AMOUNT] as number, keep)) {
      this.#links[at * LINKS + TURN] = (turn + 1) & (TURNS - 1);
    }
  }

  /** Puts `keep` in the place of `amount` that joined others; ignores what has expired meanwhile. */
  leave(key: string, place: number, turn: number, amount: number, keep: number): void {
    const at = place - 1;
    if (this.windowMs !== Infinity) {
      if (this.#links[at * LINKS + TURN] === turn) this.#replace(key, at, amount, keep);
    } else if (this.#keys.isOf(at, key)) {
      this.#used[at] = (this.#used[at] as number) + keep - amount;
      this.#dropIfIdle(at);
    }
  }

  /** Whether the record goes on. */
  #replace(key: string, at: number, amount: number, keep: number): boolean {
    const figures = this.#figures, figure = at * FIGURES, slot = this.#links[at * LINKS + SLOT] as number;
    if (slot === NONE || !this.#keys.isOf(slot, key) || this.#hasExpired(at)) return false;
    this.#used[slot] = (this.#used[slot] as number) + keep - amount;
    // What counts for ever needs a record only until it is settled.
    const rest = (figures[figure + AMOUNT] as number) - amount + (this.windowMs === Infinity ? 0 : keep);
    if (rest > 0) {
      figures[figure + AMOUNT] = rest;
      return true;
    }
    this.#unlink(slot, at);
    this.#dropIfIdle(slot);
    return false;
  }

  /** Drops every key of which nothing counts. */
  sweep(now: number): void {
    this.#advance(now);
    while (this.#sweepOne());
  }

  /** A few keys at a time: no call pays for all. */
  #advance(now: number): void {
    if (now > this.#latest) this.#latest = now;
    if (this.#latest - this.#queue.earliest >= this.windowMs && this.#sweepOne()) this.#sweepOne();
  }

  /** Looks at the first key of the queue, if all of it may have expired: drops it or delays it. */
  #sweepOne(): boolean {
    if (!(this.#latest - this.#queue.earliest >= this.windowMs)) return false;
    const slot = this.#queue.first, end = slot * ENDS, newest = this.#ends[end + NEWEST] as number;
    if (newest !== NONE) {
      if (!this.#hasExpired(newest)) {
        this.#queue.delayFirst(this.#figures[newest * FIGURES + TIME] as number);
        return true;
      }
      // All of its records at once, however many: that they have expired shows in their time.
      this.#links[newest * LINKS + NEXT] = this.#free;
      this.#free = this.#ends[end + OLDEST] as number;
      this.#dropKey(slot);
    }
    this.#queue.removeFirst();
    return true;
  }

  #hasRoom(): boolean {
    while (!this.#keys.hasRoom && this.#sweepOne());
    return this.#keys.hasRoom;
  }

  /** Drops what has expired of a key, oldest first, while more than `most` is used. */
  #expire(slot: number, most: number): void {
    const end = slot * ENDS + OLDEST;
    for (
      let at = this.#ends[end] as number;
      at !== NONE && this.#hasExpired(at) && (this.#used[slot] as number) > most;
      at = this.#ends[end] as number
    ) {
      this.#used[slot] = (this.#used[slot] as number) - (this.#figures[at * FIGURES + AMOUNT] as number);
      this.#unlink(slot, at);
    }
  }

  #hasExpired(at: number): boolean {
    return this.#latest - (this.#figures[at * FIGURES + TIME] as number) >= this.windowMs;
  }

  #addKey(key: string): number {
    const slot = this.#keys.next, size = this.#used.length;
    // Whatever may fail for want of memory comes before anything changes.
    if (slot === size) {
      const ends = grown(this.#ends, new Int32Array(size * 2 * ENDS));
      this.#used = grown(this.#used, new Float64Array(size * 2));
      this.#ends = ends;
    }
    if (this.#free === NONE) this.#addRecord();
    this.#used[slot] = 0;
    this.#ends[slot * ENDS + OLDEST] = NONE;
    this.#ends[slot * ENDS + NEWEST] = NONE;
    if (this.windowMs !== Infinity) this.#queue.add(slot, this.#latest);
    this.#keys.add(key);
    return slot;
  }

  #dropIfIdle(slot: number): void {
    if (
      this.#ends[slot * ENDS + OLDEST] === NONE && !(this.windowMs === Infinity && (this.#used[slot] as number) > 0)
    ) this.#dropKey(slot);
  }

  #dropKey(slot: number): void {
    this.#ends[slot * ENDS + NEWEST] = NONE;
    this.#keys.drop(slot);
  }

  /** Where takings of this time are counted already, or are from now on. */
  #join(slot: number, amount: number): number {
    if (this.windowMs === Infinity) return slot;
    const figures = this.#figures, newest = this.#ends[slot * ENDS + NEWEST] as number, figure = newest * FIGURES;
    if (newest === NONE || figures[figure + TIME] !== this.#latest) return this.#add(slot, amount);
    figures[figure + AMOUNT] = (figures[figure + AMOUNT] as number) + amount;
    return newest;
  }

  #add(slot: number, amount: number): number {
    const ends = this.#ends,
      end = slot * ENDS,
      oldest = ends[end + OLDEST] as number,
      newest = ends[end + NEWEST] as number;
    let at: number;
    if (oldest !== newest && this.#hasExpired(oldest)) {
      at = this.#takeOldest(slot, oldest, newest);
    } else {
      if (this.#free === NONE) this.#addRecord();
      at = this.#free;
      this.#free = this.#links[at * LINKS + NEXT] as number;
      this.#links[at * LINKS + SLOT] = slot;
    }
    const links = this.#links, link = at * LINKS;
    links[link + NEXT] = NONE;
    links[link + PREVIOUS] = newest;
    links[link + TURN] = ((links[link + TURN] as number) + 1) & (TURNS - 1);
    if (newest === NONE) ends[end + OLDEST] = at;
    else links[newest * LINKS + NEXT] = at;
    ends[end + NEWEST] = at;
    this.#figures[at * FIGURES + TIME] = this.#latest;
    this.#figures[at * FIGURES + AMOUNT] = amount;
    return at;
  }

  /**
   * Takes an expired record out, to be used anew; another one that has expired goes too, so that they never pile up.
   */
  #takeOldest(slot: number, oldest: number, newest: number): number {
    const links = this.#links, figures = this.#figures;
    let at = oldest, used = (this.#used[slot] as number) - (figures[at * FIGURES + AMOUNT] as number);
    let next = links[at * LINKS + NEXT] as number;
    if (next !== newest && this.#hasExpired(next)) {
      this.#release(at);
      at = next;
      used -= figures[at * FIGURES + AMOUNT] as number;
      next = links[at * LINKS + NEXT] as number;
    }
    this.#used[slot] = used;
    this.#ends[slot * ENDS + OLDEST] = next;
    links[next * LINKS + PREVIOUS] = NONE;
    return at;
  }

  #unlink(slot: number, at: number): void {
    const links = this.#links, ends = this.#ends, link = at * LINKS, end = slot * ENDS;
    const next = links[link + NEXT] as number, previous = links[link + PREVIOUS] as number;
    if (previous === NONE) ends[end + OLDEST] = next;
    else links[previous * LINKS + NEXT] = next;
    if (next === NONE) ends[end + NEWEST] = previous;
    else links[next * LINKS + PREVIOUS] = previous;
    // It idles sooner than the queue may think.
    if (next === NONE && previous !== NONE) this.#queue.lower(slot, this.#figures[previous * FIGURES + TIME] as number);
    this.#release(at);
  }

  #release(at: number): void {
    this.#links[at * LINKS + SLOT] = NONE;
    this.#links[at * LINKS + NEXT] = this.#free;
    this.#free = at;
  }

  /** Adds a free record. */
  #addRecord(): void {
    const at = this.#count, size = this.#figures.length / FIGURES;
    if (at === size) {
      if (size >= INDEX_SIZE / 2) throw new RangeError("Too many takings are remembered at once");
      const links = grown(this.#links, new Int32Array(size * 2 * LINKS));
      this.#figures = grown(this.#figures, new Float64Array(size * 2 * FIGURES));
      this.#links = links;
    }
    this.#count++;
    this.#release(at);
  }
}
