import { pickOwn } from "../base/own.ts";
import type { Awaitable, StateStore } from "../state/store.ts";

/** The challenges that wait for an answer, by nonce. Each can be spent once. */
export interface PendingChallenges {
  /** Keeps one; `false` if there is no room. */
  add(nonce: string, text: string, now: number, expiresAt: number): Awaitable<boolean>;
  /**
   * Finds one that is not spent: its text, and how to spend it. Spending answers `false` if somebody else was first.
   */
  find(nonce: string): Awaitable<{ readonly text: string; spend(now: number): Awaitable<boolean> } | undefined>;
}

/** Keeps challenges in this process. At `max` it takes no new one: none that is in force is ever pushed out. */
export function pendingInMemory(max: number): PendingChallenges {
  const waiting = new Map<string, { readonly text: string; readonly expiresAt: number }>();
  return {
    add(nonce: string, text: string, now: number, expiresAt: number): boolean {
      // They all live equally long, so those that lapsed are the first ones.
      for (const [old, entry] of waiting) {
        if (now < entry.expiresAt) break;
        waiting.delete(old);
      }
      if (waiting.size >= max) return false;
      waiting.set(nonce, { text, expiresAt });
      return true;
    },
    find(nonce: string): { readonly text: string; spend(): boolean } | undefined {
      const entry = waiting.get(nonce);
      return entry && { text: entry.text, spend: (): boolean => waiting.delete(nonce) };
    },
  };
}

/** Stands where a challenge was, and is the text of none. */
const SPENT = "spent";

/** Keeps challenges in a store, so that one process can ask and another judge the answer. */
export function pendingInStore(store: Pick<StateStore, "read" | "put">): PendingChallenges {
  return {
    async add(nonce: string, text: string, now: number, expiresAt: number): Promise<boolean> {
      return await store.put(`challenge:${nonce}`, text, { ifVersion: undefined, now, ttlMs: expiresAt - now }) ===
        true;
    },
    async find(nonce: string): Promise<{ readonly text: string; spend(now: number): Promise<boolean> } | undefined> {
      const entry = await store.read(`challenge:${nonce}`);
      if (entry === undefined) return undefined;
      const { value = "", version } = pickOwn(entry, ["value", "version"]);
      return {
        text: value,
        // The mark outlives the challenge, since its time to live starts anew.
        spend: async (now: number): Promise<boolean> =>
          await store.put(`challenge:${nonce}`, SPENT, { ifVersion: version, now, ttlMs: 3_600_000 }) === true,
      };
    },
  };
}
