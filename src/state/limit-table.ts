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
  #oldest = new Int32Array(8);
  #newest = new Int32Array(8);
  #slotCount = 0;
  #freeSlot = NONE;

  #time = new Float64Array(8);
  #amount = new Float64Array(8);
  #slot = new Int32Array(8);
  #next = new Int32Array(8);
  #previous = new Int32Array(8);
  #later = new Int32Array(8);
  #earlier = new Int32Array(8);
  #turn = new Uint32Array(8);
  #count = 0;
  #free = NONE;
  #first = NONE;
  #last = NONE;
  #latest = -Infinity;

  /** `windowMs` is `Infinity` for limits that count for ever. */
  constructor(windowMs: number, capacity: Capacity) {
    this.windowMs = windowMs;
    this.#capacity = capacity;
  }

  /** How many keys count. */
  get size(): number {
    return this.#slots.size;
  }

  /** Takes at least 1; answers the receipt, {@linkcode REFUSED} or {@linkcode FULL}. `now` is a finite number. */
  take(key: string, amount: number, max: number, now: number): number {
    this.#tick(now);
    let slot = this.#slots.get(key);
    if (slot !== undefined) {
      this.#expire(slot);
      if ((this.#used[slot] as number) + amount > max) {
        this.#dropIfIdle(slot);
        return REFUSED;
      }
    } else {
      if (amount > max) return REFUSED;
      if (!this.#hasRoom()) return FULL;
      slot = this.#addKey(key);
    }
    return this.#add(slot, amount);
  }

  /** What may still be taken under a key, or {@linkcode FULL}. */
  room(key: string, max: number, now: number): number {
    this.#tick(now);
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
    let at = this.#oldest[slot] as number;
    while (at !== NONE) {
      used -= this.#amount[at] as number;
      if (used + amount <= max) break;
      at = this.#next[at] as number;
    }
    return at === NONE ? undefined : Math.max(0, (this.#time[at] as number) + this.windowMs - this.#latest);
  }

  /** Puts `keep` in the place of a taking, for good; ignores receipts that are unknown, used up or another key's. */
  giveBack(key: string, receipt: number, keep: number): void {
    const at = (receipt % INDEX_SIZE) - 1;
    if (!(at >= 0 && at < this.#count) || Math.floor(receipt / INDEX_SIZE) !== this.#turn[at] as number) return;
    const slot = this.#slot[at] as number;
    if (slot === NONE || this.#keys[slot] !== key) return;
    this.#used[slot] = (this.#used[slot] as number) + keep - (this.#amount[at] as number);
    this.#amount[at] = keep;
    if (keep > 0 && this.windowMs !== Infinity) {
      this.#nextTurn(at);
    } else {
      this.#unlink(at);
      this.#dropIfIdle(slot);
    }
  }

  /** Drops every taking that has expired, and the keys that have no other. */
  sweep(now: number): void {
    if (now > this.#latest) this.#latest = now;
    while (this.#sweepOne());
  }

  #tick(now: number): void {
    if (now > this.#latest) this.#latest = now;
    // Two at a time: more than one call can add, so that what has expired never piles up, and no call pays for all.
    if (this.#sweepOne()) this.#sweepOne();
  }

  #sweepOne(): boolean {
    const at = this.#first;
    if (at === NONE || !this.#isExpired(at)) return false;
    const slot = this.#slot[at] as number;
    this.#drop(at, slot);
    this.#dropIfIdle(slot);
    return true;
  }

  #hasRoom(): boolean {
    if (this.#capacity.left <= 0) this.sweep(this.#latest);
    return this.#capacity.left > 0;
  }

  #isExpired(at: number): boolean {
    return this.#latest - (this.#time[at] as number) >= this.windowMs;
  }

  #expire(slot: number): void {
    for (let at = this.#oldest[slot] as number; at !== NONE && this.#isExpired(at); at = (this.#oldest[slot] as number)) this.#drop(at, slot);
  }

  #drop(at: number, slot: number): void {
    this.#used[slot] = (this.#used[slot] as number) - (this.#amount[at] as number);
    this.#unlink(at);
  }

  #addKey(key: string): number {
    let slot = this.#freeSlot;
    if (slot === NONE) {
      slot = this.#slotCount++;
      if (slot === this.#used.length) {
        this.#used = grow(this.#used, new Float64Array(slot * 2));
        this.#oldest = grow(this.#oldest, new Int32Array(slot * 2));
        this.#newest = grow(this.#newest, new Int32Array(slot * 2));
      }
    } else {
      this.#freeSlot = this.#oldest[slot] as number;
    }
    this.#keys[slot] = key;
    this.#used[slot] = 0;
    this.#oldest[slot] = NONE;
    this.#newest[slot] = NONE;
    this.#slots.set(key, slot);
    this.#capacity.left--;
    return slot;
  }

  #dropIfIdle(slot: number): void {
    if ((this.#oldest[slot] as number) !== NONE || (this.#used[slot] as number) > 0) return;
    this.#slots.delete(this.#keys[slot] as string);
    this.#keys[slot] = "";
    this.#oldest[slot] = this.#freeSlot;
    this.#freeSlot = slot;
    this.#capacity.left++;
  }

  #add(slot: number, amount: number): number {
    let at = this.#free;
    if (at === NONE) {
      at = this.#count;
      if (at === this.#time.length) this.#growRecords(at * 2);
      this.#count++;
    } else {
      this.#free = this.#next[at] as number;
    }
    const newest = this.#newest[slot] as number;
    const last = this.#last;
    this.#time[at] = this.#latest;
    this.#amount[at] = amount;
    this.#slot[at] = slot;
    this.#next[at] = NONE;
    this.#previous[at] = newest;
    this.#later[at] = NONE;
    this.#earlier[at] = last;
    if (newest === NONE) this.#oldest[slot] = at;
    else this.#next[newest] = at;
    if (last === NONE) this.#first = at;
    else this.#later[last] = at;
    this.#newest[slot] = at;
    this.#last = at;
    this.#used[slot] = (this.#used[slot] as number) + amount;
    return (this.#turn[at] as number) * INDEX_SIZE + at + 1;
  }

  #unlink(at: number): void {
    const slot = this.#slot[at] as number;
    const next = (this.#next[at] as number), previous = this.#previous[at] as number;
    const later = (this.#later[at] as number), earlier = this.#earlier[at] as number;
    if (previous === NONE) this.#oldest[slot] = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#newest[slot] = previous;
    else this.#previous[next] = previous;
    if (earlier === NONE) this.#first = later;
    else this.#later[earlier] = later;
    if (later === NONE) this.#last = earlier;
    else this.#earlier[later] = earlier;
    this.#slot[at] = NONE;
    this.#next[at] = this.#free;
    this.#free = at;
    this.#nextTurn(at);
  }

  /** From now on the receipt is unknown. */
  #nextTurn(at: number): void {
    this.#turn[at] = ((this.#turn[at] as number) + 1) % TURNS;
  }

  #growRecords(size: number): void {
    if (size > INDEX_SIZE / 2) throw new RangeError("Too many takings are remembered at once");
    this.#time = grow(this.#time, new Float64Array(size));
    this.#amount = grow(this.#amount, new Float64Array(size));
    this.#slot = grow(this.#slot, new Int32Array(size));
    this.#next = grow(this.#next, new Int32Array(size));
    this.#previous = grow(this.#previous, new Int32Array(size));
    this.#later = grow(this.#later, new Int32Array(size));
    this.#earlier = grow(this.#earlier, new Int32Array(size));
    this.#turn = grow(this.#turn, new Uint32Array(size));
  }
}

function grow<T extends Float64Array | Int32Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
