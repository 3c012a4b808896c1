import type { StateEntry, StateStore } from "../../src/state/store.ts";

/** A store for tests: what it holds is open, and each of its two methods can be made to misbehave. */
export interface MemoryStore extends StateStore {
  readonly entries: Map<string, StateEntry>;
  onRead: ((key: string) => void | Promise<void>) | undefined;
  onPut: ((key: string) => unknown) | undefined;
}

/** Makes one. `onPut` may answer something else than the store would. */
export function memoryStore(): MemoryStore {
  let version = 0;
  const entries = new Map<string, StateEntry>();
  const unused = (): never => {
    throw new Error("Trust takes from no limit");
  };
  const store: MemoryStore = {
    name: "memory",
    entries,
    onRead: undefined,
    onPut: undefined,
    take: unused,
    giveBack: unused,
    async read(key) {
      await store.onRead?.(key);
      return entries.get(key);
    },
    async put(key, value, { ifVersion }) {
      const answer = await store.onPut?.(key);
      if (answer !== undefined) return answer as boolean;
      if (entries.get(key)?.version !== ifVersion) return false;
      entries.set(key, { value, version: String(++version) });
      return true;
    },
  };
  return store;
}
