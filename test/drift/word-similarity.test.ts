import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_COMPARED_WORDS, wordSimilarity } from "../../src/drift/word-similarity.ts";

/** The definition, by the textbook's table. */
function reference(a: string, b: string): number {
  const left = a.split(/\s+/u).filter((word) => word !== "");
  const right = b.split(/\s+/u).filter((word) => word !== "");
  if (left.length + right.length === 0) return 1;
  let above = new Array<number>(right.length + 1).fill(0);
  for (const word of left) {
    const row = [0];
    right.forEach((other, at) => row.push(word === other ? above[at]! + 1 : Math.max(above[at + 1]!, row[at]!)));
    above = row;
  }
  return (2 * above[right.length]!) / (left.length + right.length);
}

/** A repeatable run of numbers below `below`. */
function numbers(seed: number, below: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
}

const vocabulary = Array.from(
  { length: 66 },
  (_, at) => `${"abcdefghijklmnopqrstuvwxyz".slice(at % 20, (at % 20) + 2 + (at % 9))}${at % 7}`,
);

function salad(characters: number, seed: number): string[] {
  const next = numbers(seed, vocabulary.length);
  const words: string[] = [];
  for (let length = 0; length < characters; length += words.at(-1)!.length + 1) words.push(vocabulary[next()]!);
  return words;
}

describe("wordSimilarity() scores", () => {
  test.each([
    ["", "", 1],
    [" \n", "\t", 1],
    ["a", "", 0],
    ["", "a", 0],
    ["a", "b", 0],
    ["a", "A", 0],
    ["same text", "same text", 1],
    ["  same\ttext ", "same text", 1],
    ["a b c", "a x c", 2 / 3],
    ["a b c", "b", 0.5],
    ["foo", "foobar", 0],
    ["foo", "foo bar", 2 / 3],
    ["bar", "foo bar", 2 / 3],
    ["xbar", "ybar", 0],
    ["a xbar b", "a ybar b", 2 / 3],
    ["x x", "x x x", 0.8],
    ["a b", "b a", 0.5],
    ["a\u00a0b\u3000c\u2003d\ufeffe\u2028f\u1680g\u202fh\u205fi\u2029j", "a b c d e f g h i j", 1],
    ["naïve 数据 🙂", "naïve 数据 🙃", 2 / 3],
    ["toString constructor __proto__", "__proto__ constructor toString", 1 / 3],
  ])("%j against %j: %d", (a, b, score) => {
    expect(wordSimilarity(a, b)).toBeCloseTo(score, 12);
  });
});

test("wordSimilarity() has the score of the textbook's table, when texts are short", () => {
  const text = fc.array(fc.constantFrom("a", "b", "ab", " ", "  ", "\n", "ba"), { maxLength: 40 }).map((parts) =>
    parts.join("")
  );
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(wordSimilarity(a, b)).toBeCloseTo(reference(a, b), 12);
    }),
    { numRuns: 500 },
  );
});

test.each([2, 3, 20, 200])(
  "wordSimilarity() has the score of the textbook's table, when long texts have %d different words",
  (distinct) => {
    const word = fc.nat(distinct - 1).map((n) => `w${n}`);
    const text = fc.array(word, { minLength: 60, maxLength: 260, size: "max" }).map((words) => words.join(" "));
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(wordSimilarity(a, b)).toBeCloseTo(reference(a, b), 12);
      }),
      { numRuns: 60 },
    );
  },
);

test("wordSimilarity() is symmetric, from 0 to 1, and 1 only for the same words", () => {
  const text = fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 80 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(text, text, (a, b) => {
      const score = wordSimilarity(a, b);
      expect(wordSimilarity(b, a)).toBe(score);
      expect(score >= 0 && score <= 1).toBe(true);
      expect(score === 1).toBe(a === b);
    }),
  );
});

test.each([200, 2000, 20_000])(
  "wordSimilarity() scores 0.9 within 0.02, when a tenth of the words of %d characters is changed",
  (characters) => {
    const words = salad(characters, 7);
    const changed = words.map((word, at) => (at % 10 === 5 ? `changed${at}` : word));
    expect(Math.abs(wordSimilarity(words.join(" "), changed.join(" ")) - 0.9)).toBeLessThanOrEqual(0.0201);
  },
);

test.each([200, 2000, 20_000])(
  "wordSimilarity() stays below 0.3, when %d characters are of the same words in another order",
  (characters) => {
    expect(wordSimilarity(salad(characters, 7).join(" "), salad(characters, 8).join(" "))).toBeLessThan(0.3);
  },
);

test.each([100, 250, 280, 1000])(
  "wordSimilarity() carries over limbs in which a word does not occur, when it is at both ends of %d places",
  (places) => {
    // Each "x" of b runs a carry from the first limb on, and the second one over all that lies between.
    const a = ["x", ...new Array<string>(places - 2).fill("y"), "x"].join(" ");
    const b = ["z", "x", "y", "x", "z", "x", "y", "y", "x", "x", "z"].join(" ");
    expect(wordSimilarity(a, b)).toBeCloseTo(reference(a, b), 12);
  },
);

test("wordSimilarity() has the score of the textbook's table, when a word stands in bursts with gaps of every length between", () => {
  const burst = (most: number): fc.Arbitrary<string> =>
    fc.tuple(fc.constantFrom("x", "x y", "x x z", "y x"), fc.nat(most)).map(([words, gap]) =>
      `${words} ${"- ".repeat(gap)}`
    );
  const text = (most: number): fc.Arbitrary<string> =>
    fc.array(burst(most), { minLength: 3, maxLength: 6, size: "max" }).map((bursts) => bursts.join(""));
  fc.assert(
    fc.property(text(310), text(3), (a, b) => {
      expect(wordSimilarity(a, b)).toBeCloseTo(reference(a, b), 12);
    }),
    { numRuns: 100 },
  );
});

/** Different words of one length whose sums of 31 ^ n * code are the same. */
const alike = (bits: number): string[] =>
  Array.from(
    { length: 2 ** bits },
    (_, n) => Array.from({ length: bits }, (_, at) => ((n >> at) % 2 === 1 ? "Aa" : "BB")).join(""),
  );

test("wordSimilarity() tells words apart, when they are made to share a hash", () => {
  const word = fc.constantFrom(...alike(5));
  const text = fc.array(word, { minLength: 30, maxLength: 120, size: "max" }).map((words) => words.join(" "));
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(wordSimilarity(a, b)).toBeCloseTo(reference(a, b), 12);
    }),
    { numRuns: 100 },
  );
});

test("wordSimilarity() tells words apart, when one starts or ends as the other, or differs in a lone surrogate or control character", () => {
  const word = fc.constantFrom(
    "a",
    "aa",
    "aaa",
    "ab",
    "ba",
    "\ud800",
    "\udc00",
    "\ufffd",
    "\ud83d\ude42",
    "\0",
    "\0\0",
    "\u0085",
    "\u200b",
    "a\ud800",
    "\u0161",
    "\u0261",
  );
  const text = fc.array(word, { maxLength: 60 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(wordSimilarity(a, b)).toBeCloseTo(reference(a, b), 12);
    }),
    { numRuns: 300 },
  );
});

test("wordSimilarity() is exact, when only what lies between long equal ends differs", () => {
  const ends = new Array<string>(MAX_COMPARED_WORDS + 10).fill("w").map((word, at) => word + at);
  const a = [...ends, "one", "two", ...ends].join(" ");
  const b = [...ends, "one", "three", ...ends].join(" ");
  expect(wordSimilarity(a, b)).toBeCloseTo((2 * (2 * ends.length + 1)) / (2 * (2 * ends.length + 2)), 12);
});

test("wordSimilarity() counts words as changed, when they lie past those that are compared", () => {
  const words = Array.from({ length: MAX_COMPARED_WORDS + 1000 }, (_, at) => `w${at}`);
  const same = ["the", "same", "on", "both", "sides"];
  const a = [...same, "start-a", ...words, "end-a", ...same].join(" ");
  const b = [...same, "start-b", ...words, "end-b", ...same].join(" ");
  expect(wordSimilarity(a, b)).toBeCloseTo((MAX_COMPARED_WORDS - 1 + 10) / (words.length + 2 + 10), 12);
});

test("wordSimilarity() compares no more words than its bound, when hostile texts have very many short words", () => {
  const next = numbers(3, 26);
  const letters = (count: number): string =>
    Array.from({ length: count }, () => String.fromCharCode(97 + next())).join(" ");
  // Of random letters, three in ten are in common: many more than the bound, if all were compared.
  expect(wordSimilarity(letters(MAX_COMPARED_WORDS), letters(MAX_COMPARED_WORDS))).toBeGreaterThan(0.3);
  expect(wordSimilarity(letters(300_000), letters(300_000)) * 300_000).toBeLessThan(MAX_COMPARED_WORDS);
});

test("wordSimilarity() tells all words apart, when hostile texts have very many of one hash", () => {
  const words = alike(14);
  expect(wordSimilarity(`a ${words.join(" ")} a`, `b ${words.toReversed().join(" ")} b`)).toBeLessThan(0.001);
});
