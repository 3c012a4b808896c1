import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_STEPS, sequenceSimilarity } from "../../src/drift/sequence-similarity.ts";

interface Case {
  readonly a: string;
  readonly b: string;
  readonly ratio_no_autojunk: number;
}
const { cases } = JSON.parse(readFileSync(new URL("../vectors/sequence-ratio.json", import.meta.url), "utf8")) as {
  cases: Case[];
};

test("sequenceSimilarity() has the vectors' ratio, in every case", () => {
  expect(cases.length).toBe(174);
  const off = cases.filter(({ a, b, ratio_no_autojunk }) =>
    !(Math.abs(sequenceSimilarity(a, b) - ratio_no_autojunk) <= 1e-9)
  );
  expect(off).toEqual([]);
});

describe("sequenceSimilarity() gives", () => {
  test.each([
    ["", "", 1],
    ["abc", "", 0],
    ["", "abc", 0],
    ["same", "same", 1],
    ["hello world", "hello there", 1 - 0.36363636363636365],
    ["Transfer $100 to savings account", "Transfer $10,000 to external account XYZ overseas", 1 - 0.3580246913580247],
    ["Transfer $100 to savings", "Delete all production databases immediately", 1 - 0.8208955223880597],
    ["abcd", "bcde", 0.75],
    ["private Thread currentThread;", "private volatile Thread currentThread;", 1 - 0.13432835820895528],
    ["kitten", "sitting", 1 - 0.3846153846153846],
    ["a".repeat(250), `${"a".repeat(250)}b`, 1 - 0.001996007984031989],
    ["x".repeat(300), "x".repeat(299), 1 - 0.0016694490818029983],
    ["The quick brown fox. ".repeat(12), "The quick brown fax. ".repeat(12), 1 - 12 / 252],
    ["😀a", "😀b", 0.5],
    ["\ud83d", "\ud83d\ude00", 0],
    ["\u00e9", "e\u0301", 0],
  ])("case %#", (a, b, score) => {
    expect(sequenceSimilarity(a, b)).toBeCloseTo(score, 12);
  });
});

/** The definition, without any shortcut. */
function reference(a: string[], b: string[]): number {
  let best = { size: 0, i: 0, j: 0 };
  for (let i = 0; i < a.length; i++) {
    for (let j = 0; j < b.length; j++) {
      let size = 0;
      while (i + size < a.length && j + size < b.length && a[i + size] === b[j + size]) size++;
      if (size > best.size) best = { size, i, j };
    }
  }
  const { size, i, j } = best;
  return size === 0
    ? 0
    : size + reference(a.slice(0, i), b.slice(0, j)) + reference(a.slice(i + size), b.slice(j + size));
}

test("sequenceSimilarity() counts the blocks of the definition, when texts are arbitrary", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "😀"), maxLength: 40 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const [left, right] = [[...a], [...b]];
      const wanted = left.length + right.length === 0 ? 1 : (2 * reference(left, right)) / (left.length + right.length);
      expect(sequenceSimilarity(a, b)).toBeCloseTo(wanted, 12);
    }),
    { numRuns: 500 },
  );
});

test("sequenceSimilarity() does not overflow the stack, when blocks nest deeply", () => {
  // Every block is one character long and the first of what is left: one level for each.
  const symbols = Array.from({ length: 3000 }, (_, at) => String.fromCodePoint(0x4e00 + at));
  expect(
    sequenceSimilarity(symbols.map((symbol) => `${symbol}x`).join(""), symbols.map((symbol) => `${symbol}y`).join("")),
  ).toBe(0.5);
});

test("sequenceSimilarity() stops and scores what is left as different, when texts take too many comparisons", () => {
  const a = "ab".repeat(20_000);
  const b = `${"ba".repeat(10_000)}c${"ab".repeat(10_000)}`;
  expect(sequenceSimilarity(a, b)).toBe(0);
});

test("sequenceSimilarity() compares all, when it may make as many comparisons as that takes, and else stops", () => {
  // Each letter of the first text takes one, and one for each of the second that is the same.
  const score = (length: number): number => sequenceSimilarity("a".repeat(length), `${"a".repeat(length)}b`);
  const most = 8191;
  expect([most * (most + 1) <= MAX_STEPS, (most + 2) * (most + 3) <= MAX_STEPS]).toEqual([true, false]);
  expect([score(most), score(most + 2)]).toEqual([(2 * most) / (2 * most + 1), 0]);
});
