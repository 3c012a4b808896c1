import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import { TimeQueue } from "../../src/state/time-queue.ts";

afterEach(() => void vi.unstubAllGlobals());

test("first and earliest are those of a sorted list, whatever is added, lowered, delayed and removed", () => {
  const step = fc.record({
    do: fc.constantFrom("add", "add", "lower", "delay", "remove"),
    id: fc.nat({ max: 40 }),
    time: fc.integer({ min: 0, max: 30 }),
  });
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
    const queue = new TimeQueue();
    const naive = new Map<number, number>();
    for (const { do: what, id, time } of steps) {
      if (what === "add") {
        queue.add(id, time);
        if (!naive.has(id)) naive.set(id, time);
      } else if (what === "lower") {
        queue.lower(id, time);
        const own = naive.get(id);
        if (own !== undefined && time < own) naive.set(id, time);
      } else if (naive.size > 0) {
        const { first, earliest } = queue;
        expect(naive.get(first)).toBe(earliest);
        if (what === "remove") {
          queue.removeFirst();
          naive.delete(first);
        } else {
          queue.delayFirst(earliest + time);
          naive.set(first, earliest + time);
        }
      }
      expect([queue.size, queue.earliest]).toEqual([naive.size, Math.min(...naive.values())]);
    }
  }));
});

test.each([["Int32Array"], ["Float64Array"]])(
  "add() changes nothing, when there is no memory for a longer %s",
  (name) => {
    const queue = new TimeQueue();
    vi.stubGlobal(name, function fail(): never {
      throw new RangeError("Array buffer allocation failed");
    });
    expect(() => queue.add(15, 15)).toThrow(RangeError);
    vi.unstubAllGlobals();
    for (let id = 15; id >= 0; id--) queue.add(id, id);
    const found: number[] = [];
    for (; queue.size > 0; queue.removeFirst()) found.push(queue.first, queue.earliest);
    expect(found).toEqual(Array.from({ length: 32 }, (_, i) => i >> 1));
  },
);
