import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/state/memory-store.ts";
import type { StateEntry, StateStore, TakeResult } from "../../src/state/store.ts";
import { storeKit, type StoreKitOptions } from "../../src/testing/store-kit.ts";
import { later } from "../guards/session-context.ts";

/** The titles of the cases that a store does not pass. */
async function failures(options: StoreKitOptions): Promise<readonly string[]> {
  const failed: string[] = [];
  for (const { title, run } of storeKit(options)) await run().catch(() => failed.push(title));
  return failed;
}

/** A memory store with some methods replaced. */
function spoilt(change: (store: StateStore) => Partial<StateStore>): StateStore {
  const store = memoryStore();
  const bound: StateStore = {
    name: store.name,
    read: (...args) => store.read(...args),
    put: (...args) => store.put(...args),
    take: (...args) => store.take(...args),
    giveBack: (...args) => store.giveBack(...args),
  };
  return { ...bound, ...change(bound) };
}

describe("storeKit()", () => {
  test("passes a store that answers later, when it is right", async () => {
    expect(await failures({ create: () => later(memoryStore()) })).toEqual([]);
  });

  test("lets real time pass, when it is told how", async () => {
    const passed: number[] = [];
    expect(
      await failures({
        create: () => Promise.resolve(memoryStore()),
        spanMs: 40,
        elapse: async (ms) => void passed.push(ms),
      }),
    ).toEqual([]);
    expect(passed).toContain(40);
  });

  const read = async (store: StateStore, key: string): Promise<StateEntry | undefined> => await store.read(key);
  const SPOILT: readonly (readonly [string, string, (store: StateStore) => Partial<StateStore>])[] = [
    ["has no name", "has a name", () => ({ name: "" })],
    [
      "finds what was never written",
      "read() answers undefined, when nothing",
      () => ({ read: () => ({ value: "", version: "0" }) }),
    ],
    [
      "keeps other text",
      "put() writes and read()",
      (store) => ({ put: (key, value, options) => store.put(key, value.trim(), options) }),
    ],
    [
      "overwrites blindly",
      "put() writes nothing, when there is an entry",
      (store) => ({
        put: async (key, value, options) =>
          await store.put(key, value, { ...options, ifVersion: (await read(store, key))?.version }),
      }),
    ],
    ["creates whatever was read", "put() writes nothing, when there is no entry", (store) => ({
      put: async (key, value, options) =>
        await store.put(
          key,
          value,
          (await read(store, key)) === undefined ? { ...options, ifVersion: undefined } : options,
        ),
    })],
    ["has the value for a version", "put() changes the version", (store) => {
      const versioned = async (key: string): Promise<StateEntry | undefined> => {
        const entry = await store.read(key);
        return entry && { value: entry.value, version: entry.value };
      };
      return {
        read: versioned,
        put: async (key, value, options) => {
          const entry = await store.read(key);
          return entry?.value === options.ifVersion &&
            await store.put(key, value, { ...options, ifVersion: entry?.version });
        },
      };
    }],
    ["checks and writes in two steps", "put() writes once", (store) => ({
      put: async (key, value, options) => {
        const fits = (await read(store, key))?.version === options.ifVersion;
        await Promise.resolve();
        return fits &&
          await store.put(key, value, { ...options, ifVersion: (store.read(key) as StateEntry | undefined)?.version });
      },
    })],
    [
      "forgets no entry",
      "read() answers undefined, when the entry's time",
      (store) => ({ put: (key, value, { ifVersion, now }) => store.put(key, value, { ifVersion, now }) }),
    ],
    [
      "takes without limit",
      "take() takes up to max",
      (store) => ({ take: (key, wanted) => store.take(key, { ...wanted, max: 1e9 }) }),
    ],
    [
      "takes one at a time",
      "take() takes whole amounts",
      (store) => ({ take: (key, wanted) => store.take(key, { ...wanted, amount: Math.min(1, wanted.amount) }) }),
    ],
    [
      "takes when it looks",
      "take() only looks",
      (store) => ({ take: (key, wanted) => store.take(key, { ...wanted, amount: Math.max(1, wanted.amount) }) }),
    ],
    [
      "takes 0 for no limit",
      "take() refuses, when max is 0",
      (store) => ({ take: (key, wanted) => store.take(key, { ...wanted, max: wanted.max || 1e9 }) }),
    ],
    ["counts in two steps", "take() never passes max", (store) => ({
      take: async (key, wanted) => {
        const { remaining } = await store.take(key, { ...wanted, amount: 0 });
        await Promise.resolve();
        if (remaining < wanted.amount) return { taken: false, receipt: "", remaining };
        return {
          ...(await store.take(key, { ...wanted, max: 1e9 })),
          remaining: remaining - wanted.amount,
        } as TakeResult;
      },
    })],
    [
      "forgets what has no window",
      "take() counts for ever",
      (store) => ({ take: (key, wanted) => store.take(key, { windowMs: 1000, ...wanted }) }),
    ],
    [
      "has fixed windows",
      "take() slides",
      (store) => ({ take: (key, wanted) => store.take(key, { ...wanted, now: wanted.now - wanted.now % 1000 }) }),
    ],
    [
      "counts for ever",
      "take() slides",
      (store) => ({
        take: (key, wanted) => store.take(key, { amount: wanted.amount, max: wanted.max, now: wanted.now }),
      }),
    ],
    [
      "says to come back in the past",
      "take() says nothing wrong",
      (store) => ({ take: async (key, wanted) => ({ ...(await store.take(key, wanted)), retryAfterMs: -1 }) }),
    ],
    [
      "believes a clock that runs back",
      "take() frees nothing",
      (store) => ({
        take: (key, wanted) => store.take(`${key} ${Math.floor(wanted.now / 1e6)}`, { ...wanted, now: 0 }),
      }),
    ],
    [
      "counts all windows together",
      "take() counts apart",
      (store) => ({ take: (key, wanted) => store.take(key, { ...wanted, windowMs: 1000 }) }),
    ],
    ["gives back twice", "giveBack() frees what was taken, once", (store) => {
      const back = new Map<string, string[]>();
      return {
        take: async (key, wanted) => {
          const result = await store.take(key, wanted);
          if (result.taken) back.set(key, [...(back.get(key) ?? []), result.receipt]);
          return result;
        },
        giveBack: async (key, receipt, keep) => await store.giveBack(key, back.get(key)?.pop() ?? receipt, keep),
      };
    }],
    ["gives nothing back", "giveBack() frees what was taken", () => ({ giveBack: () => undefined })],
    [
      "cannot keep more",
      "giveBack() leaves what is kept",
      (store) => ({ giveBack: (key, receipt, keep = 0) => store.giveBack(key, receipt, Math.min(1, keep)) }),
    ],
    ["settles what has no window once more", "giveBack() settles for good", (store) => {
      const taken = new Map<string, number>();
      return {
        take: async (key, wanted) => {
          const own = wanted.windowMs === undefined ? { ...wanted, max: wanted.max - (taken.get(key) ?? 0) } : wanted;
          return await store.take(key, own);
        },
        giveBack: async (key, receipt, keep) => {
          await store.giveBack(key, receipt, keep);
          taken.set(key, (taken.get(key) ?? 0) + 1);
        },
      };
    }],
    [
      "ignores case",
      "keys are told apart",
      (store) => ({ take: (key, wanted) => store.take(key.toLowerCase(), wanted) }),
    ],
    [
      "normalises",
      "keys are told apart",
      (store) => ({
        put: (key, value, options) => store.put(key.normalize("NFC"), value, options),
        read: (key) => store.read(key.normalize("NFC")),
      }),
    ],
  ];

  test.each(SPOILT)("fails a store that %s, in the case %j", async (_what, title, change) => {
    expect((await failures({ create: () => spoilt(change) })).filter((one) => one.startsWith(title))).toHaveLength(1);
  });

  test("fails another key's receipt, when a store takes it", async () => {
    const failed = await failures({
      create: () =>
        spoilt((store) => {
          const owners = new Map<string, string>();
          return {
            take: async (key, wanted) => {
              const result = await store.take(key, wanted);
              if (result.taken) owners.set(result.receipt, key);
              return result;
            },
            giveBack: async (_key, receipt, keep) => await store.giveBack(owners.get(receipt) ?? "", receipt, keep),
          };
        }),
    });
    expect(failed).toEqual(["giveBack() changes nothing, when the receipt is unknown or another key's"]);
  });

  test("has titles that differ, when all are listed", () => {
    const titles = storeKit({ create: () => memoryStore() }).map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  test.each([
    [{}, '"create" must be a function'],
    [{ create: 7 }, '"create" must be a function'],
    [{ create: memoryStore, elapse: 5 }, '"elapse" must be a function'],
    [{ create: memoryStore, spanMs: 0 }, '"spanMs" must be'],
    [{ create: memoryStore, spanMs: NaN }, '"spanMs" must be'],
    [{ create: memoryStore, wait: 1 }, '"wait" must be one of the known options'],
  ])("throws, when it is built with %j", (options, message) => {
    expect(() => storeKit(options as never)).toThrow(`Cannot build storeKit(): ${message}`);
  });
});
