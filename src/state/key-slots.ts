/** How many keys may still come; tables that belong together share one. */
export interface Capacity {
  left: number;
}

/** Gives each key a small number of its own, and that of a dropped key to another one. */
export class KeySlots {
  readonly #capacity: Capacity;
  readonly #slots = new Map<string, number>();
  readonly #keys: string[] = [];
  readonly #free: number[] = [];

  constructor(capacity: Capacity) {
    this.#capacity = capacity;
  }

  /** How many keys there are. */
  get size(): number {
    return this.#slots.size;
  }

  get hasRoom(): boolean {
    return this.#capacity.left > 0;
  }

  /** The number of the next key. */
  get next(): number {
    const free = this.#free;
    return free.length === 0 ? this.#keys.length : (free[free.length - 1] as number);
  }

  find(key: string): number | undefined {
    return this.#slots.get(key);
  }

  /** Whether a number is this key's. */
  isOf(slot: number, key: string): boolean {
    return this.#keys[slot] === key;
  }

  add(key: string): void {
    const slot = this.next;
    // First what may fail: a map has a greatest size.
    this.#slots.set(key, slot);
    this.#keys[slot] = key;
    this.#free.pop();
    this.#capacity.left--;
  }

  drop(slot: number): void {
    this.#slots.delete(this.#keys[slot] as string);
    this.#keys[slot] = "";
    this.#free.push(slot);
    this.#capacity.left++;
  }
}
