import { expect, test } from "vitest";
import { fakeClock } from "../../src/testing/fake-clock.ts";

test("fakeClock() stands still and moves as told, when it is read", () => {
  const clock = fakeClock(5);
  expect([clock(), clock(), clock.advance(10), clock()]).toEqual([5, 5, 15, 15]);
});

test("fakeClock() starts at 0, when it is given no time", () => {
  expect(fakeClock()()).toBe(0);
});

test.each([-1, 0, NaN, Infinity])("set() makes it show %s, when told so", (time) => {
  const clock = fakeClock(7);
  clock.set(time);
  expect(clock()).toBe(time);
});
