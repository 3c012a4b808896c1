import fc from "fast-check";
import { expect, test } from "vitest";
import { type Deadline, Deadlines } from "../../src/state/deadlines.ts";

test("takeExpired() answers all that has expired and is current, soonest first, whatever was added", () => {
  const item = fc.record({ key: fc.constantFrom("a", "b", "c", "d", "e"), expiresAt: fc.integer({ min: 0, max: 20 }) });
  fc.assert(fc.property(fc.array(item, { maxLength: 60 }), fc.integer({ min: 0, max: 20 }), (items, now) => {
    const current = new Map<string, Deadline>();
    const deadlines = new Deadlines<Deadline>((one) => current.get(one.key) === one);
    for (const one of items) {
      current.set(one.key, one);
      deadlines.add(one, current.size);
    }
    const found: Deadline[] = [];
    for (let one = deadlines.takeExpired(now); one !== undefined; one = deadlines.takeExpired(now)) found.push(one);
    const wanted = [...current.values()].filter((one) => one.expiresAt <= now);
    expect(found.map((one) => one.expiresAt)).toEqual(wanted.map((one) => one.expiresAt).sort((a, b) => a - b));
    expect(new Set(found)).toEqual(new Set(wanted));
  }));
});

test("add() keeps the heap small, when the same key is replaced for ever", () => {
  let latest: Deadline | undefined;
  const deadlines = new Deadlines<Deadline>((one) => one === latest);
  for (let i = 0; i < 10_000; i++) deadlines.add(latest = { key: "a", expiresAt: 1e6 - i }, 1);
  expect(deadlines.size).toBeLessThanOrEqual(18);
  expect(deadlines.takeExpired(1e6)).toBe(latest);
});
