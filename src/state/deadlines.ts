/** Something that is over at a time. */
export interface Deadline {
  readonly key: string;
  /** In ms since the epoch. */
  readonly expiresAt: number;
}

/**
 * Finds what has expired without looking at the rest: a binary heap, soonest first.
 *
 * What was replaced meanwhile stays in it until its time comes, or until most of the heap is such.
 */
export class Deadlines<T extends Deadline> {
  readonly #isCurrent: (item: T) => boolean;
  #heap: T[] = [];

  constructor(isCurrent: (item: T) => boolean) {
    this.#isCurrent = isCurrent;
  }

  /** How many are waited for, replaced ones included. */
  get size(): number {
    return this.#heap.length;
  }

  /** Adds one; `current` is about how many there are that were not replaced. */
  add(item: T, current: number): void {
    if (this.#heap.length >= 2 * current + 16) {
      // A list in order is a heap.
      this.#heap = this.#heap.filter(this.#isCurrent).sort((a, b) => a.expiresAt - b.expiresAt);
    }
    const heap = this.#heap;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((heap[parent] as T).expiresAt <= item.expiresAt) break;
      heap[at] = heap[parent] as T;
      at = parent;
    }
    heap[at] = item;
  }

  /** Takes out one that has expired and was not replaced. */
  takeExpired(now: number): T | undefined {
    for (let item = this.#heap[0]; item !== undefined && item.expiresAt <= now; item = this.#heap[0]) {
      this.#removeFirst();
      if (this.#isCurrent(item)) return item;
    }
    return undefined;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const moved = heap.pop() as T;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as T).expiresAt < (heap[child] as T).expiresAt) child++;
      if ((heap[child] as T).expiresAt >= moved.expiresAt) break;
      heap[at] = heap[child] as T;
      at = child;
    }
    heap[at] = moved;
  }
}
