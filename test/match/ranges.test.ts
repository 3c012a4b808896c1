import { expect, test } from "vitest";
import { addRange, merged } from "../../src/match/ranges.ts";

test("addRange() joins what a later, longer range overlaps, when several lie in it", () => {
  const ranges: [number, number][] = [];
  for (const [from, end] of [[0, 2], [3, 4], [5, 6], [1, 7]] as const) addRange(ranges, from, end);
  expect(ranges).toEqual([[0, 7]]);
});

test("addRange() keeps ranges apart, when they only touch", () => {
  const ranges: [number, number][] = [[0, 2]];
  addRange(ranges, 2, 4);
  expect(ranges).toEqual([[0, 2], [2, 4]]);
});

test("addRange() adds nothing, when a range is empty", () => {
  const ranges: [number, number][] = [];
  addRange(ranges, 3, 3);
  expect(ranges).toEqual([]);
});

test("merged() orders and joins ranges, when they come from several sources", () => {
  expect(merged([[8, 9], [0, 3], [2, 5]])).toEqual([[0, 5], [8, 9]]);
});
