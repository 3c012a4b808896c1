import { ownField, pickOwn } from "../base/own.ts";
import { randomText } from "../crypto/bytes.ts";
import type { StateEntry, StateStore } from "../state/store.ts";
import type { ReadGrant } from "./read-grant.ts";

/** Kept this much longer than the grants, in ms: a clock that is set back by less revives none. */
const DAY = 86_400_000;
/** What stands where a question was answered, and the act then did not run. */
const FREE = "free";

/** One question lets one act run, however many people answered it. */
function keyOf({ digest, id }: ReadGrant): string {
  // Text by text: an array could be given one form for all by whoever changes the prototype of everything.
  return `["grant",${JSON.stringify(digest)},${JSON.stringify(id)}]`;
}

/** Whether the question that a grant answers has let an act run before. */
export async function isSpent(store: StateStore, grant: ReadGrant, now: number): Promise<boolean> {
  const entry = await store.read(keyOf(grant), now);
  return entry !== undefined && ownField(entry, "value") !== FREE;
}

/** Grants that were spent for one act. */
export interface Spent {
  /** For an act that did not run after all. What cannot be given back stays spent. */
  giveBack(): Promise<void>;
}

const NOTHING: Spent = { giveBack: async () => {} };

/**
 * Spends grants, all or none; why not where one cannot be: what was spent until then is given back.
 */
export async function spend(store: StateStore, grants: readonly ReadGrant[], now: number): Promise<Spent | string> {
  if (grants.length === 0) return NOTHING;
  if (!grants.every(({ expiresAt }) => now < expiresAt)) return "a grant has expired";
  const mark = `spent ${randomText(12)}`;
  const ttlMs = Math.max(...grants.map(({ expiresAt }) => Math.ceil(expiresAt - now))) + DAY;
  // In order, so that of two who want the same ones, one gets them all.
  const keys = [...new Set(grants.map(keyOf))].sort();
  const done: string[] = [];
  const giveBack = async (): Promise<void> => {
    for (const key of done.splice(0)) {
      try {
        const entry = await store.read(key, now);
        const { value, version } = pickOwn(entry as StateEntry, ["value", "version"]);
        if (value === mark) await store.put(key, FREE, { ifVersion: version, now, ttlMs });
      } catch {
        // Nobody is there to tell: it stays spent, which is the safe side.
      }
    }
  };
  let failure = "a grant was used before";
  try {
    for (const key of keys) {
      const entry = await store.read(key, now);
      const { value, version } = pickOwn(entry as StateEntry, ["value", "version"]);
      if (entry !== undefined && value !== FREE) break;
      // Before it is written: a store that fails may have written all the same.
      done.push(key);
      if ((await store.put(key, mark, { ifVersion: version, now, ttlMs })) !== true) break;
      if (done.length === keys.length) return { giveBack };
    }
  } catch {
    failure = "whether a grant was used before is unknown";
  }
  await giveBack();
  return failure;
}
