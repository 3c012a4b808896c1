import { isSameProfile, type Kept } from "./profile-merge.ts";

const MOST_VERSIONS = 8;
const MOST_AGENTS = 4096;

/** The versions that were seen in one store, of each agent: what a profile may come from that does not say it. */
export class Versions {
  /** `undefined`: more of them than are remembered. */
  readonly #seen = new Map<string, readonly Kept[] | undefined>();
  #hasForgotten = false;

  /** Notes one; `isFirst`: the store kept none of this agent before. */
  add(key: string, kept: Kept, isFirst: boolean): void {
    const before = this.of(key) ?? (isFirst ? [] : undefined);
    this.#seen.delete(key);
    if (this.#seen.size >= MOST_AGENTS) {
      this.#seen.delete(this.#seen.keys().next().value as string);
      this.#hasForgotten = true;
    }
    const isKnown = before?.some((one) => isSameProfile(one, kept)) === true;
    const isFull = before === undefined || before.length >= MOST_VERSIONS;
    this.#seen.set(key, isKnown ? before : isFull ? undefined : [...before, kept]);
  }

  /** All that were seen of an agent; `undefined` where some of them may be forgotten. */
  of(key: string): readonly Kept[] | undefined {
    return this.#seen.has(key) ? this.#seen.get(key) : this.#hasForgotten ? undefined : [];
  }
}
