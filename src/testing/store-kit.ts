import { functionOf, ownOptions, wrong } from "../base/check.ts";
import type { StateStore, TakeRequest, TakeResult } from "../state/store.ts";
import { type ConformanceCase, holds, same } from "./conformance.ts";

export type { ConformanceCase } from "./conformance.ts";

/** How a store is tested. */
export interface StoreKitOptions {
  /**
   * Makes the store, or another connection to it; called for every case. What earlier cases left in it does not matter.
   */
  readonly create: () => StateStore | Promise<StateStore>;
  /**
   * Lets that much real time pass. For stores that expire by their own clock; absent: only the `now` that the kit
   * passes moves on.
   */
  readonly elapse?: (ms: number) => Promise<void>;
  /** How long the kit's windows and lives are, in ms: a number above 0, by default 1000. */
  readonly spanMs?: number;
}

const WHERE = "storeKit()";
let runs = 0;
// A store never lets time run backwards, so no case may begin before the last one ended.
let latest = 0;

interface Bench {
  readonly store: StateStore;
  /** A key that no other case has. */
  readonly key: string;
  readonly spanMs: number;
  now(): number;
  pass(ms: number): Promise<void>;
  take(fields?: Partial<TakeRequest>, key?: string): Promise<TakeResult>;
}

/**
 * Lists what a state store must do, as cases for any test runner: atomicity, versions, expiry, windows, giving back,
 * hostile keys.
 *
 * Each case uses keys of its own, so that a shared store need not be empty.
 *
 * @throws {TypeError} If an option is unknown or wrong.
 * @example Usage
 * ```ts
 * import { memoryStore } from "@sallyport/sallyport";
 * import { storeKit } from "@sallyport/sallyport/testing";
 * import assert from "node:assert/strict";
 *
 * const cases = storeKit({ create: () => memoryStore() });
 * for (const { run } of cases) await run(); // with a test runner: for (const { title, run } of cases) test(title, run);
 * assert.ok(cases.length > 10);
 * ```
 */
export function storeKit(options: StoreKitOptions): readonly ConformanceCase[] {
  const { create, elapse, spanMs = 1000 } = ownOptions(WHERE, options, ["create", "elapse", "spanMs"]);
  functionOf(WHERE, "create", create);
  if (elapse !== undefined) functionOf(WHERE, "elapse", elapse);
  if (!(typeof spanMs === "number" && spanMs > 0 && spanMs < Infinity)) {
    throw wrong(WHERE, "spanMs", "a number above 0", spanMs);
  }
  return CASES.map(([title, check]) => ({
    title,
    async run(): Promise<void> {
      const store = await create();
      const key = `kit ${Date.now()} ${++runs} ${title}`;
      let now = Math.max(latest, Date.now());
      await check({
        store,
        key,
        spanMs,
        now: () => now,
        async pass(ms: number): Promise<void> {
          await elapse?.(ms);
          latest = now += ms;
        },
        take: async (fields = {}, other = key) =>
          await store.take(other, { amount: 1, max: 2, windowMs: spanMs, now, ...fields }),
      });
    },
  }));
}

const PARALLEL = 20;
const many = async <T>(count: number, act: (index: number) => T | Promise<T>): Promise<T[]> =>
  await Promise.all(Array.from({ length: count }, async (_, index) => await act(index)));
const FIRST = undefined;

const CASES: readonly (readonly [title: string, check: (bench: Bench) => Promise<void>])[] = [
  ["has a name that is not empty", async ({ store }) => {
    holds("name", typeof store.name === "string" && store.name !== "");
  }],
  ["read() answers undefined, when nothing was written", async ({ store, key, now }) => {
    same("entry", await store.read(key, now()), undefined);
  }],
  ["put() writes and read() answers, when there was no entry", async ({ store, key, now }) => {
    for (const [index, value] of ["", "text", '{"a":[1]}', "\u0000 \u{1f600} é\n", "x".repeat(70_000)].entries()) {
      const own = `${key} ${index}`;
      same("written", await store.put(own, value, { ifVersion: FIRST, now: now() }), true);
      const entry = await store.read(own, now());
      same("value", entry?.value, value);
      holds("version is a string", typeof entry?.version === "string");
    }
  }],
  ["put() writes nothing, when there is an entry and none was read", async ({ store, key, now }) => {
    await store.put(key, "old", { ifVersion: FIRST, now: now() });
    same("written", await store.put(key, "new", { ifVersion: FIRST, now: now() }), false);
    same("value", (await store.read(key, now()))?.value, "old");
  }],
  ["put() writes nothing, when there is no entry and one was read", async ({ store, key, now }) => {
    await store.put(key, "other", { ifVersion: FIRST, now: now() });
    const version = (await store.read(key, now()))?.version;
    same("written", await store.put(`${key}/2`, "new", { ifVersion: version, now: now() }), false);
    same("entry", await store.read(`${key}/2`, now()), undefined);
  }],
  ["put() changes the version, when it writes the same value again", async ({ store, key, now }) => {
    await store.put(key, "a", { ifVersion: FIRST, now: now() });
    const first = (await store.read(key, now()))?.version;
    same("written", await store.put(key, "a", { ifVersion: first, now: now() }), true);
    holds("another version", (await store.read(key, now()))?.version !== first);
    same("written with the old version", await store.put(key, "b", { ifVersion: first, now: now() }), false);
  }],
  ["put() writes once, when many write at once", async ({ store, key, now }) => {
    const written = await many(
      PARALLEL,
      async (index) => await store.put(key, String(index), { ifVersion: FIRST, now: now() }),
    );
    same("writers", written.filter((one) => one).length, 1);
    same("value", (await store.read(key, now()))?.value, String(written.indexOf(true)));
  }],
  ["put() loses no write, when many read and write", async ({ store, key, now }) => {
    await many(8, async () => {
      for (let tries = 0; tries < 1000; tries++) {
        const entry = await store.read(key, now());
        if (await store.put(key, String(Number(entry?.value ?? 0) + 1), { ifVersion: entry?.version, now: now() })) {
          return;
        }
      }
      throw new Error("A writer was refused a thousand times");
    });
    same("count", (await store.read(key, now()))?.value, "8");
  }],
  ["read() answers undefined, when the entry's time is over", async ({ store, key, now, spanMs, pass }) => {
    await store.put(key, "a", { ifVersion: FIRST, now: now(), ttlMs: spanMs });
    same("before", (await store.read(key, now()))?.value, "a");
    await pass(spanMs);
    same("after", await store.read(key, now()), undefined);
    same("written anew", await store.put(key, "b", { ifVersion: FIRST, now: now() }), true);
    await pass(spanMs);
    same("kept without ttl", (await store.read(key, now()))?.value, "b");
  }],
  ["take() takes up to max, when called again and again", async ({ take }) => {
    const results = [await take(), await take(), await take()];
    same("taken", results.map((one) => one.taken), [true, true, false]);
    same("remaining", results.map((one) => one.remaining), [1, 0, 0]);
    holds("receipts differ", results[0]?.receipt !== results[1]?.receipt && results[0]?.receipt !== "");
  }],
  ["take() takes whole amounts or nothing, when amounts differ", async ({ take }) => {
    same("7 of 10", (await take({ amount: 7, max: 10 })).taken, true);
    same("4 of 3", (await take({ amount: 4, max: 10 })).taken, false);
    same("3 of 3", (await take({ amount: 3, max: 10 })).taken, true);
  }],
  ["take() only looks, when the amount is 0", async ({ take }) => {
    const looks = [await take({ amount: 0 }), await take({ amount: 0 })];
    same("looks", looks.map((one) => [one.taken, one.remaining]), [[true, 2], [true, 2]]);
  }],
  ["take() refuses, when max is 0", async ({ take }) => {
    same("taken", (await take({ max: 0 })).taken, false);
  }],
  ["take() never passes max, when many take at once", async ({ take }) => {
    const results = await many(PARALLEL, () => take({ max: 7 }));
    same("taken", results.filter((one) => one.taken).length, 7);
    same("receipts", new Set(results.filter((one) => one.taken).map((one) => one.receipt)).size, 7);
  }],
  ["take() counts for ever, when there is no window", async ({ store, key, now, spanMs, pass }) => {
    const take = async (): Promise<boolean> => (await store.take(key, { amount: 1, max: 1, now: now() })).taken;
    same("first", await take(), true);
    await pass(spanMs * 2);
    same("later", await take(), false);
  }],
  ["take() slides its window, when time passes", async ({ take, spanMs, pass }) => {
    await take();
    await pass(spanMs / 2);
    await take();
    await pass(spanMs / 4);
    same("within both", (await take()).taken, false);
    await pass(spanMs / 4);
    same("the first is over", (await take()).taken, true);
    same("the second is not", (await take()).taken, false);
  }],
  ["take() says nothing wrong about when to come back, when it refuses", async ({ take, spanMs }) => {
    await take({ max: 1 });
    const { retryAfterMs } = await take({ max: 1 });
    holds("retryAfterMs", retryAfterMs === undefined || (retryAfterMs > 0 && retryAfterMs <= spanMs));
  }],
  ["take() frees nothing, when the clock stands still or runs back", async ({ take, now, spanMs }) => {
    await take();
    await take();
    for (const back of [0, 1, spanMs, spanMs * 1000]) {
      same(`back by ${back}`, (await take({ now: now() - back })).taken, false);
    }
  }],
  ["take() counts apart, when windows differ", async ({ take, store, key, now, spanMs }) => {
    await take({ max: 1 });
    same("another window", (await take({ max: 1, windowMs: spanMs * 2 })).taken, true);
    same("no window", (await store.take(key, { amount: 1, max: 1, now: now() })).taken, true);
    same("the same window", (await take({ max: 1 })).taken, false);
  }],
  ["giveBack() frees what was taken, once, when called twice", async ({ store, key, take }) => {
    const first = await take();
    await take();
    await store.giveBack(key, first.receipt);
    await store.giveBack(key, first.receipt);
    same("remaining", (await take({ amount: 0 })).remaining, 1);
  }],
  ["giveBack() changes nothing, when the receipt is unknown or another key's", async ({ store, key, take }) => {
    const { receipt } = await take();
    for (const unknown of ["", "none", "0", "-1", "NaN", "1/2", `${receipt}0`, "__proto__"]) {
      await store.giveBack(key, unknown);
    }
    await take({}, `${key}/2`);
    await store.giveBack(`${key}/2`, receipt);
    same("remaining", [(await take({ amount: 0 })).remaining, (await take({ amount: 0 }, `${key}/2`)).remaining], [
      1,
      1,
    ]);
  }],
  ["giveBack() leaves what is kept, when it is less or more than was taken", async ({ store, key, take }) => {
    const { receipt } = await take({ amount: 4, max: 10 });
    await store.giveBack(key, receipt, 1);
    await store.giveBack(key, receipt);
    same("kept 1", (await take({ amount: 0, max: 10 })).remaining, 9);
    const second = await take({ amount: 2, max: 10 });
    await store.giveBack(key, second.receipt, 50);
    same("kept 50", (await take({ amount: 0, max: 10 })).remaining, 0);
    same("nothing fits", (await take({ max: 10 })).taken, false);
  }],
  ["giveBack() settles for good, when there is no window", async ({ store, key, now }) => {
    const take = async (amount: number): Promise<TakeResult> => await store.take(key, { amount, max: 10, now: now() });
    const { receipt } = await take(4);
    await store.giveBack(key, receipt, 6);
    await store.giveBack(key, receipt);
    same("remaining", (await take(0)).remaining, 4);
  }],
  ["keys are told apart, when they are hostile or alike", async ({ store, key, now, take }) => {
    const keys = [
      "__proto__",
      "constructor",
      "a:b",
      "a",
      ":b",
      "*",
      "A",
      "é",
      "e\u0301",
      " ",
      "\u0000",
      "x".repeat(1000),
    ].map((end) => `${key}|${end}`);
    for (const one of keys) same(`take ${one.slice(-12)}`, (await take({ max: 1 }, one)).taken, true);
    for (const one of keys) {
      same(`put ${one.slice(-12)}`, await store.put(one, one, { ifVersion: FIRST, now: now() }), true);
    }
    for (const one of keys) same(`read ${one.slice(-12)}`, (await store.read(one, now()))?.value, one);
  }],
];
