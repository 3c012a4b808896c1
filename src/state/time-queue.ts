const NONE = -1;

/** Small integers and the time by which each waits, at most once, earliest first: a heap in columns of numbers. */
export class TimeQueue {
  /** The earliest time; `Infinity`, where nobody waits. */
  earliest: number = Infinity;
  #ids = new Int32Array(8);
  #times = new Float64Array(8);
  #length = 0;
  /** Where each waits, by its number. */
  #places = new Int32Array(8).fill(NONE);

  /** How many wait. */
  get size(): number {
    return this.#length;
  }

  /** Who waits by the earliest time. */
  get first(): number {
    return this.#ids[0] as number;
  }

  /** Lets one wait by a time; one that waits already goes on to do so by its own. */
  add(id: number, time: number): void {
    while (id >= this.#places.length) this.#grow();
    if (this.#places[id] === NONE) this.#rise(this.#length++, id, time);
  }

  /** Lets one wait by this time, if it waits by a later one. */
  lower(id: number, time: number): void {
    const place = this.#places[id] as number;
    if (place !== NONE && time < (this.#times[place] as number)) this.#rise(place, id, time);
  }

  /** Lets the first wait by a later time. */
  delayFirst(time: number): void {
    this.#sink(this.first, time);
  }

  removeFirst(): void {
    this.#places[this.first] = NONE;
    const last = --this.#length;
    if (last > 0) this.#sink(this.#ids[last] as number, this.#times[last] as number);
    else this.earliest = Infinity;
  }

  /** Puts one at a place, or nearer to the first where those before it wait by a later time. */
  #rise(from: number, id: number, time: number): void {
    const ids = this.#ids, times = this.#times;
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((times[parent] as number) <= time) break;
      this.#put(at, ids[parent] as number, times[parent] as number);
      at = parent;
    }
    this.#put(at, id, time);
    this.earliest = times[0] as number;
  }

  /** Puts one first, or farther where others wait by an earlier time. */
  #sink(id: number, time: number): void {
    const ids = this.#ids, times = this.#times, length = this.#length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= length) break;
      if (child + 1 < length && (times[child + 1] as number) < (times[child] as number)) child++;
      if ((times[child] as number) >= time) break;
      this.#put(at, ids[child] as number, times[child] as number);
      at = child;
    }
    this.#put(at, id, time);
    this.earliest = times[0] as number;
  }

  #put(at: number, id: number, time: number): void {
    this.#ids[at] = id;
    this.#times[at] = time;
    this.#places[id] = at;
  }

  #grow(): void {
    const size = this.#places.length;
    const ids = grown(this.#ids, new Int32Array(size * 2)), times = grown(this.#times, new Float64Array(size * 2));
    this.#places = grown(this.#places, new Int32Array(size * 2).fill(NONE, size));
    this.#ids = ids;
    this.#times = times;
  }
}

/** Fills the longer column with what is in the shorter one. */
export function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
