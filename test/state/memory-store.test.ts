import { describe, expect, test } from "vitest";
import { memoryStore } from "../../src/state/memory-store.ts";
import { storeKit } from "../../src/testing/store-kit.ts";

const now = 1000;

describe("memoryStore() conforms to the contract of stores", () => {
  const shared = memoryStore();
  for (const { title, run } of storeKit({ create: () => shared })) test(title, run);
});

describe("memoryStore()", () => {
  test("answers at once, when it is asked anything", () => {
    const store = memoryStore();
    expect([store.put("a", "1", { ifVersion: undefined, now }), store.read("a")?.value, store.read("b")]).toEqual([
      true,
      "1",
      undefined,
    ]);
    expect(store.take("a", { amount: 1, max: 1, now })).toEqual({
      taken: true,
      receipt: expect.any(String),
      remaining: 0,
    });
    expect(store.giveBack("a", "")).toBeUndefined();
  });

  test("has the name it is given, else memory", () => {
    expect([memoryStore().name, memoryStore({ name: "limits" }).name]).toEqual(["memory", "limits"]);
  });

  test("refuses a new key by an error and keeps the old ones, when all of them count", () => {
    const store = memoryStore({ maxKeys: 3, name: "small" });
    store.put("a", "1", { ifVersion: undefined, now });
    store.put("b", "1", { ifVersion: undefined, now, ttlMs: 100 });
    store.take("c", { amount: 1, max: 1, windowMs: 100, now });
    const full = 'The store "small" has no room for another key: it keeps 3, and all of them count';
    expect(() => store.put("d", "1", { ifVersion: undefined, now: now + 99 })).toThrow(full);
    expect(() => store.take("d", { amount: 1, max: 1, now: now + 99 })).toThrow(full);
    expect(() => store.take("d", { amount: 0, max: 1, now: now + 99 })).toThrow(full);
    expect([store.size, store.read("a")?.value, store.read("b")?.value]).toEqual([3, "1", "1"]);
    expect(store.put("a", "2", { ifVersion: store.read("a")?.version, now })).toBe(true);
  });

  test("makes room by dropping what has expired, of entries and of limits, when it is full", () => {
    const store = memoryStore({ maxKeys: 2 });
    store.put("a", "1", { ifVersion: undefined, now, ttlMs: 100 });
    store.take("b", { amount: 1, max: 1, windowMs: 100, now });
    expect(store.take("c", { amount: 1, max: 1, now: now + 100 }).taken).toBe(true);
    expect(store.put("d", "1", { ifVersion: undefined, now: now + 100 })).toBe(true);
    expect([store.size, store.read("a"), store.read("d")?.value]).toEqual([2, undefined, "1"]);
  });

  test("drops expired entries without being full, when others are written", () => {
    const store = memoryStore();
    for (let i = 0; i < 100; i++) store.put(`old ${i}`, "1", { ifVersion: undefined, now, ttlMs: 1 });
    for (let i = 0; i < 50; i++) store.put(`new ${i}`, "1", { ifVersion: undefined, now: now + 1 });
    expect(store.size).toBe(50);
  });

  test("revives no entry, when the clock runs back", () => {
    const store = memoryStore();
    store.put("a", "1", { ifVersion: undefined, now, ttlMs: 10 });
    store.read("a", now + 10);
    expect([store.read("a", now), store.read("a")]).toEqual([undefined, undefined]);
  });

  test("changes nothing behind its back, when an entry that was read is written to", () => {
    const store = memoryStore();
    store.put("a", "1", { ifVersion: undefined, now });
    Object.assign(store.read("a") as object, { value: "2" });
    expect(store.read("a")?.value).toBe("1");
  });

  test.each([NaN, Infinity, -Infinity, undefined, "0"])("refuses a time of %s, whatever is asked", (time) => {
    const store = memoryStore();
    const bad = time as number;
    expect(() => store.take("a", { amount: 1, max: 1, now: bad })).toThrow(RangeError);
    expect(() => store.put("a", "1", { ifVersion: undefined, now: bad })).toThrow(RangeError);
    if (time !== undefined) expect(() => store.read("a", bad)).toThrow(RangeError);
    expect(store.size).toBe(0);
  });

  test.each([
    ["amount", -1],
    ["amount", 0.5],
    ["amount", NaN],
    ["amount", "1"],
    ["max", -1],
    ["max", NaN],
    ["max", undefined],
    ["max", Infinity],
    ["windowMs", 0],
    ["windowMs", -1],
    ["windowMs", NaN],
    ["windowMs", "x"],
  ])("take() throws and takes nothing, when %s is %s", (field, value) => {
    const store = memoryStore();
    expect(() => store.take("a", { amount: 1, max: 1, now, [field]: value })).toThrow(
      new RegExp(`^"${field}" must be`),
    );
    expect(store.size).toBe(0);
  });

  test.each([-1, 0.5, NaN, Infinity])("giveBack() throws, when %s is kept", (keep) => {
    expect(() => memoryStore().giveBack("a", "1", keep)).toThrow(RangeError);
  });

  test.each([undefined, null, 7, {}, ["a"]])("throws, when the key is %j", (key) => {
    const store = memoryStore();
    expect(() => store.read(key as string)).toThrow(TypeError);
    expect(() => store.put(key as string, "1", { ifVersion: undefined, now })).toThrow(TypeError);
    expect(() => store.take(key as string, { amount: 1, max: 1, now })).toThrow(TypeError);
  });

  test("put() throws, when the value is no string or the time to live is none", () => {
    const store = memoryStore();
    expect(() => store.put("a", 7 as never, { ifVersion: undefined, now })).toThrow(
      "A store keeps strings, and was given 7",
    );
    for (const ttlMs of [-1, NaN]) {
      expect(() => store.put("a", "1", { ifVersion: undefined, now, ttlMs })).toThrow(RangeError);
    }
  });

  test.each([
    [
      { maxKeys: 0 },
      RangeError,
      'Cannot build memoryStore(): "maxKeys" must be a whole number from 1 to 16777216, and is 0',
    ],
    [{ maxKeys: NaN }, RangeError, '"maxKeys" must be'],
    [{ maxKeys: "9" }, TypeError, '"maxKeys" must be'],
    [{ name: "" }, TypeError, '"name" must be'],
    [{ size: 1 }, TypeError, '"size" must be one of the known options'],
    [null, TypeError, '"options" must be an object'],
  ])("throws, when it is built with %j", (options, type, message) => {
    expect(() => memoryStore(options as never)).toThrow(type as typeof TypeError);
    expect(() => memoryStore(options as never)).toThrow(message as string);
  });
});
