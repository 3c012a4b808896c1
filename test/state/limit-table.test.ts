import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { FULL, LimitTable, REFUSED } from "../../src/state/limit-table.ts";

const table = (windowMs = 1000, left = 100, joins = false): LimitTable => new LimitTable(windowMs, { left }, joins);
const joining = (windowMs = 1000): LimitTable => table(windowMs, 100, true);

describe("LimitTable", () => {
  afterEach(() => void vi.unstubAllGlobals());

  test("take() answers places that are above 0 and differ, when it takes", () => {
    const limits = table();
    const places = [limits.take("a", 1, 3, 0), limits.take("a", 1, 3, 0), limits.take("b", 1, 3, 0)];
    expect(new Set(places).size).toBe(3);
    expect(Math.min(...places)).toBeGreaterThan(0);
  });

  test("take() refuses, when the amount does not fit", () => {
    const limits = table();
    expect(limits.take("a", 3, 4, 0)).toBeGreaterThan(0);
    expect([limits.take("a", 2, 4, 0), limits.room("a", 4, 0)]).toEqual([REFUSED, 1]);
  });

  test("take() keeps no key, when it refuses", () => {
    const limits = table();
    expect([limits.take("a", 5, 4, 0), limits.size]).toEqual([REFUSED, 0]);
    limits.take("b", 1, 1, 0);
    expect([limits.take("b", 2, 1, 1000), limits.size]).toEqual([REFUSED, 0]);
  });

  test("take() frees a taking, when exactly its window has passed", () => {
    const limits = table();
    limits.take("a", 1, 1, 500);
    expect([limits.take("a", 1, 1, 1499), limits.take("a", 1, 1, 1500) > 0]).toEqual([REFUSED, true]);
  });

  test("take() frees a key's own takings, when those of many others have expired before and are not dropped yet", () => {
    const limits = table();
    for (let i = 0; i < 20; i++) limits.take(`old ${i}`, 1, 1, 0);
    limits.take("a", 1, 2, 1);
    limits.take("a", 1, 2, 2);
    expect([limits.take("a", 2, 2, 1001), limits.room("b", 1, 1001), limits.take("a", 2, 2, 1002) > 0]).toEqual([
      REFUSED,
      1,
      true,
    ]);
  });

  test("take() drops keys that have expired, some with each call, when others take", () => {
    const limits = table(1000, 1000);
    for (let i = 0; i < 100; i++) limits.take(`old ${i}`, 1, 1, 0);
    for (let i = 0; i < 50; i++) limits.take(`new ${i}`, 1, 1, 1000);
    expect(limits.size).toBe(50);
  });

  test("take() drops the key that has been idle, when it had been busy long after others came", () => {
    const limits = table(1000, 2);
    limits.take("a", 1, 9, 0);
    limits.take("b", 1, 9, 10);
    limits.take("a", 1, 9, 500);
    expect([
      limits.take("c", 1, 9, 1009),
      limits.take("c", 1, 9, 1010) > 0,
      limits.room("a", 9, 1010),
      limits.take("d", 1, 9, 1499),
      limits.take("d", 1, 9, 1500) > 0,
    ]).toEqual([FULL, true, 8, FULL, true]);
  });

  test("take() drops a key as soon as nothing of it counts, when its newest taking was given back", () => {
    const limits = table(1000, 1);
    limits.take("a", 1, 9, 0);
    limits.take("a", 1, 9, 100);
    const newest = limits.receiptOf(limits.take("a", 1, 9, 900));
    expect(limits.take("b", 1, 9, 1000)).toBe(FULL);
    limits.giveBack("a", newest, 0);
    expect([limits.take("b", 1, 9, 1099), limits.take("b", 1, 9, 1100) > 0]).toEqual([FULL, true]);
  });

  test("take() lets go of what has expired, two records with each call, when a burst was long ago", () => {
    const limits = table(1000);
    const places = Array.from({ length: 20 }, () => limits.take("a", 1, 99, 0));
    limits.take("a", 1, 99, 500);
    for (let i = 0; i < 10; i++) places.push(limits.take("a", 1, 99, 1000 + i));
    // What was dropped serves another key.
    for (let i = 0; i < 10; i++) places.push(limits.take("b", 1, 99, 1009));
    expect([new Set(places).size, limits.room("a", 99, 1009), limits.room("b", 99, 1009)]).toEqual([20, 88, 89]);
  });

  test("giveBack() ignores the receipt of what has expired, when its key has come back meanwhile", () => {
    for (const joins of [false, true]) {
      const limits = table(1000, 100, joins);
      const places = [0, 1, 2].map((now) => limits.take("a", 1, 9, now));
      const [receipts, turns] = [
        places.map((place) => limits.receiptOf(place)),
        places.map((place) => limits.turnOf(place)),
      ];
      limits.sweep(2000);
      limits.take("a", 5, 9, 2000);
      places.forEach((
        place,
        i,
      ) => (joins
        ? limits.leave("a", place, turns[i] as number, 1, 0)
        : limits.giveBack("a", receipts[i] as number, 0))
      );
      expect(limits.room("a", 9, 2000)).toBe(4);
    }
  });

  test.each([["Int32Array"], ["Float64Array"]])(
    "take() changes nothing, when there is no memory for a longer %s",
    (name) => {
      for (const windowMs of [1000, Infinity]) {
        const limits = table(windowMs, 1000);
        let failed = 0;
        const counts = new Map<string, number>();
        // Records and keys must not run out together.
        for (let i = 0; i < 3; i++) limits.take("first", 1, 9, 0);
        for (let i = 0; i < 100; i++) {
          const key = `k${i % 60}`, size = limits.size;
          vi.stubGlobal(name, function fail(): never {
            throw new RangeError("Array buffer allocation failed");
          });
          let place = 0;
          try {
            place = limits.take(key, 1, 3, 0);
          } catch {
            failed++;
            expect(limits.size).toBe(size);
          }
          vi.unstubAllGlobals();
          if (place === 0) place = limits.take(key, 1, 3, 0);
          expect(place).toBeGreaterThan(0);
          counts.set(key, (counts.get(key) ?? 0) + 1);
          for (const [one, count] of counts) expect(limits.room(one, 3, 0)).toBe(3 - count);
        }
        expect(failed).toBeGreaterThan(1);
        limits.sweep(5000);
        expect(limits.size).toBe(windowMs === Infinity ? 61 : 0);
      }
    },
  );

  test("take() is FULL for a new key and open for old ones, when every key counts", () => {
    const limits = table(1000, 2);
    limits.take("a", 1, 2, 0);
    limits.take("b", 1, 2, 0);
    expect([limits.take("c", 1, 2, 999), limits.room("c", 2, 999), limits.take("a", 1, 2, 999) > 0]).toEqual([
      FULL,
      FULL,
      true,
    ]);
  });

  test("take() drops idle keys to make room, and never one that counts", () => {
    const limits = table(1000, 3);
    limits.take("a", 1, 1, 0);
    limits.take("b", 1, 1, 1);
    limits.take("busy", 1, 1, 600);
    for (const key of ["c", "d"]) expect(limits.take(key, 1, 1, 1001)).toBeGreaterThan(0);
    expect([limits.take("e", 1, 1, 1001), limits.take("busy", 1, 1, 1001), limits.size]).toEqual([FULL, REFUSED, 3]);
  });

  test("take() makes room for a new key, when the idle one before it had many takings", () => {
    const limits = table(1000, 1);
    for (let i = 0; i < 10; i++) limits.take("a", 1, 10, 0);
    expect([limits.take("b", 1, 1, 999), limits.take("b", 1, 1, 1000) > 0]).toEqual([FULL, true]);
  });

  test("take() uses the latest time, when the clock runs back", () => {
    const limits = table();
    limits.take("a", 1, 1, 5000);
    expect([limits.take("a", 1, 1, 0), limits.retryAfterMs("a", 1, 1)]).toEqual([REFUSED, 1000]);
  });

  test("retryAfterMs() says when enough has expired, when amounts differ", () => {
    const limits = table();
    limits.take("a", 1, 10, 0);
    limits.take("a", 6, 10, 100);
    limits.take("a", 3, 10, 200);
    expect([1, 2, 7, 8, 10].map((amount) => limits.retryAfterMs("a", amount, 10))).toEqual([800, 900, 900, 1000, 1000]);
    expect([
      limits.retryAfterMs("a", 11, 10),
      limits.retryAfterMs("none", 1, 10),
      table(Infinity).retryAfterMs("a", 1, 1),
    ]).toEqual([undefined, undefined, undefined]);
  });

  test("retryAfterMs() is undefined, when what is kept for ever does not leave room", () => {
    const limits = table(Infinity);
    limits.take("a", 1, 1, 0);
    expect(limits.retryAfterMs("a", 1, 1)).toBeUndefined();
  });

  test("giveBack() ignores a receipt, when its record serves another taking", () => {
    const limits = table();
    const first = limits.receiptOf(limits.take("a", 1, 1, 0));
    limits.giveBack("a", first, 0);
    limits.take("a", 1, 1, 0);
    limits.giveBack("a", first, 0);
    expect(limits.room("a", 1, 0)).toBe(0);
  });

  test.each([0, -1, 1.5, NaN, Infinity, 2 ** 27, 2 ** 40, 999])(
    "giveBack() ignores %s, when no taking has that receipt",
    (receipt) => {
      const limits = table();
      limits.take("a", 1, 1, 0);
      limits.giveBack("a", receipt, 0);
      expect(limits.room("a", 1, 0)).toBe(0);
    },
  );

  test("giveBack() makes the receipt unknown, when something is kept", () => {
    const limits = table();
    const receipt = limits.receiptOf(limits.take("a", 4, 10, 0));
    limits.giveBack("a", receipt, 2);
    limits.giveBack("a", receipt, 0);
    expect([limits.room("a", 10, 0), limits.room("a", 10, 1000)]).toEqual([8, 10]);
  });

  test("giveBack() needs no room, when taking and giving back goes on for ever", () => {
    const limits = table(Infinity, 1);
    for (let i = 0; i < 10_000; i++) limits.giveBack("a", limits.receiptOf(limits.take("a", 1, 1, 0)), 0);
    expect([limits.size, limits.room("a", 1, 0)]).toEqual([0, 1]);
  });

  test("take() joins takings of one time in one record, when it joins", () => {
    const limits = joining();
    const places = [
      limits.take("a", 1, 9, 0),
      limits.take("a", 2, 9, 0),
      limits.take("b", 1, 9, 0),
      limits.take("a", 3, 9, 1),
    ];
    expect([places[0] === places[1], new Set(places).size]).toEqual([true, 3]);
    const [place = 0, second = 0] = places;
    const turn = limits.turnOf(place);
    limits.leave("a", place, turn, 1, 0);
    expect(limits.room("a", 9, 1)).toBe(4);
    limits.leave("a", second, turn, 2, 1);
    expect([limits.room("a", 9, 1), limits.room("a", 9, 1000), limits.room("a", 9, 1001)]).toEqual([5, 6, 9]);
  });

  test("leave() changes nothing, when the taking has expired and its place serves another one", () => {
    const limits = joining();
    const place = limits.take("a", 1, 9, 0);
    const turn = limits.turnOf(place);
    expect(limits.take("a", 1, 9, 1000)).toBe(place);
    limits.leave("a", place, turn, 1, 0);
    expect(limits.room("a", 9, 1000)).toBe(8);
  });

  test("leave() changes nothing, when the place is another key's by now", () => {
    const limits = joining();
    const place = limits.take("a", 1, 9, 0);
    const turn = limits.turnOf(place);
    limits.leave("a", place, turn, 1, 0);
    expect(limits.take("b", 1, 9, 0)).toBe(place);
    limits.leave("a", place, limits.turnOf(place), 1, 0);
    expect([limits.room("a", 9, 0), limits.room("b", 9, 0)]).toEqual([9, 8]);
  });

  test("leave() keeps what counts for ever, when takings that joined are settled one by one", () => {
    const limits = joining(Infinity);
    const places = [1, 2, 3].map((amount) => limits.take("a", amount, 20, 0));
    places.forEach((place, i) => limits.leave("a", place, limits.turnOf(place), i + 1, i === 1 ? 0 : 5));
    expect([limits.room("a", 20, 0), limits.size]).toEqual([10, 1]);
  });

  test("size grows past every column's first length, when there are many keys", () => {
    const limits = table(1000, 1000);
    for (let round = 0; round < 3; round++) for (let i = 0; i < 300; i++) limits.take(`k${i}`, 1, 2, 0);
    expect(limits.size).toBe(300);
    expect(Array.from({ length: 300 }, (_, i) => limits.room(`k${i}`, 2, 0)).every((room) => room === 0)).toBe(true);
  });

  test("decides like a list of takings, whatever is taken, given back and kept", () => {
    const step = fc.record({
      do: fc.constantFrom("take", "take", "take", "give", "keep", "room"),
      key: fc.constantFrom("a", "b", "c"),
      amount: fc.integer({ min: 1, max: 4 }),
      pick: fc.nat({ max: 30 }),
      move: fc.integer({ min: -5, max: 12 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.constantFrom(10, 25, Infinity),
        fc.boolean(),
        (steps, windowMs, joins) => {
          const max = 6;
          const limits = table(windowMs, 100, joins);
          const naive: {
            key: string;
            amount: number;
            time: number;
            place: number;
            turn: number;
            receipt: number;
            known: boolean;
          }[] = [];
          let clock = 0;
          let latest = -Infinity;
          for (const { do: what, key, amount, pick, move } of steps) {
            clock += move;
            const used = (): number =>
              naive.filter((one) => one.key === key && latest - one.time < windowMs).reduce(
                (sum, one) => sum + one.amount,
                0,
              );
            if (what === "take" || what === "room") latest = Math.max(latest, clock);
            if (what === "take") {
              const fits = used() + amount <= max;
              const place = limits.take(key, amount, max, clock);
              expect(place > 0).toBe(fits);
              if (!fits) {
                const wait = limits.retryAfterMs(key, amount, max);
                if (wait !== undefined) {
                  expect(
                    naive.filter((one) => one.key === key && latest + wait - one.time < windowMs).reduce(
                      (sum, one) => sum + one.amount,
                      0,
                    ) + amount,
                  ).toBeLessThanOrEqual(max);
                }
              } else {naive.push({
                  key,
                  amount,
                  time: latest,
                  place,
                  turn: limits.turnOf(place),
                  receipt: limits.receiptOf(place),
                  known: true,
                });}
            } else if (what === "room") {
              expect(limits.room(key, max, clock)).toBe(Math.max(0, max - used()));
            } else {
              const one = naive[pick % Math.max(1, naive.length)];
              if (one === undefined) continue;
              // Reservations that joined are given back once.
              if (joins && !one.known) {
                continue;
              }
              const keep = what === "keep" ? amount : 0;
              if (joins) limits.leave(one.key, one.place, one.turn, one.amount, keep);
              else limits.giveBack(one.key, one.receipt, keep);
              // An expired one may or may not be known still: it no longer counts.
              if (one.known && latest - one.time < windowMs) one.amount = keep;
              one.known = false;
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
