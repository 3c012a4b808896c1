const MAX_KEYS = 512;
const MAX_KEY = 64;
const MAX_PLACES = 256;

/** The keys of payloads recur, so those in which nothing matches are remembered: a few, and short ones. */
export class KnownKeys {
  readonly #clean = new Set<string>();
  // The same call comes again with other values: its keys are compared with the last one's before they are looked up.
  readonly #last: string[] = [];
  #places = 0;

  /** Begins a payload. */
  begin(): void {
    this.#places = 0;
  }

  /** Whether nothing matches in the payload's next key. */
  knows(key: string): boolean {
    const last = this.#last;
    const at = this.#places++;
    if (at < last.length && last[at] === key) return true;
    if (!this.#clean.has(key)) return false;
    this.#expect(key, at);
    return true;
  }

  /** Remembers the key that was asked about last. */
  add(key: string): void {
    if (key.length > MAX_KEY) return;
    if (this.#clean.size === MAX_KEYS) this.#clean.clear();
    this.#clean.add(key);
    this.#expect(key, this.#places - 1);
  }

  #expect(key: string, at: number): void {
    if (at <= this.#last.length && at < MAX_PLACES) this.#last[at] = key;
  }
}
