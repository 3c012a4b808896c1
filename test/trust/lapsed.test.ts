import { expect, test, vi } from "vitest";

type Lapsed = typeof import("../../src/trust/lapsed.ts");

/** The module anew: what it remembers is the process's. */
async function fresh(): Promise<Lapsed["hasLapsed"]> {
  vi.resetModules();
  return (await import("../../src/trust/lapsed.ts")).hasLapsed;
}

test("hasLapsed() remembers what was dead once, and nothing else", async () => {
  const hasLapsed = await fresh();
  expect([hasLapsed("a", 10, 9), hasLapsed("a", 10, 10), hasLapsed("a", 10, 9)]).toEqual([false, true, true]);
  // Another thing, or the same one with another end.
  expect([hasLapsed("b", 10, 9), hasLapsed("a", 11, 9)]).toEqual([false, false]);
});

test("hasLapsed() takes no time for the end, and remembers nothing of it", async () => {
  const hasLapsed = await fresh();
  expect([hasLapsed("a", 10, NaN), hasLapsed("a", 10, 9)]).toEqual([true, false]);
});

test("hasLapsed() forgets none that is dead, however many come", async () => {
  const hasLapsed = await fresh();
  hasLapsed("first", 10, 10);
  // As many as anybody likes to show: what they say of themselves is no later than the clock.
  for (let i = 0; i < 30_000; i++) hasLapsed(`x${i}`, 1 + (i % 50), 50);
  expect([hasLapsed("first", 10, 5), hasLapsed("x0", 1, 0), hasLapsed("new", 51, 50)]).toEqual([true, true, false]);
});
