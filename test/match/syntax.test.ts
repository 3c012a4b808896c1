import { expect, test } from "vitest";
import { parseGlob, parseRegex, PatternError } from "../../src/match/syntax.ts";

function mistakeOf(read: () => unknown): readonly [number, string] {
  try {
    read();
  } catch (error) {
    if (error instanceof PatternError) return [error.position, error.message];
    throw error;
  }
  return [-1, "accepted"];
}

test.each(
  [
    ["((", 1, /closed/],
    ["a)", 1, /opened/],
    ["(a", 0, /closed/],
    ["x(.+)\\1", 5, /back-references/],
    ["(?<n>a)\\k<n>", 7, /back-references/],
    ["ab(?=c)", 2, /look-around/],
    ["(?!c)", 0, /look-around/],
    ["(?<=c)", 0, /look-around/],
    ["(?<!c)", 0, /look-around/],
    ["(?i)a", 0, /without flags/],
    ["(?P<n>a)", 0, /without flags/],
    ["(?>a)", 0, /without flags/],
    ["*a", 0, /something to repeat/],
    ["a|+", 2, /something to repeat/],
    ["{2}", 0, /something to repeat/],
    ["a++", 2, /possessive/],
    ["a{2}+", 4, /possessive/],
    ["a**", 2, /repeat of a repeat/],
    ["a+?{2}", 3, /repeat of a repeat/],
    ["^*", 0, /not a boundary/],
    ["a\\b+", 1, /not a boundary/],
    ["a{3,2}", 1, /first number is not above/],
    ["a{1001}", 1, /at most 1000/],
    ["a{0,1001}", 1, /at most 1000/],
    ["a{,5}", 1, /first number/],
    ["[", 0, /closed/],
    ["[a", 0, /closed/],
    ["[]", 0, /at least one/],
    ["[^]", 0, /at least one/],
    ["x[z-a]", 2, /backwards/],
    ["[[:alpha:]]", 1, /without/],
    ["\\", 0, /after the backslash/],
    ["a\\p{L}", 1, /one of the escapes/],
    ["\\A", 0, /one of the escapes/],
    ["\\cA", 0, /one of the escapes/],
    ["\\01", 0, /one of the escapes/],
    ["\\xZZ", 0, /an escape/],
    ["\\u{110000}", 0, /an escape/],
    ["\\u12", 0, /an escape/],
    ["[\\B]", 1, /one of the escapes/],
    [`${"(".repeat(102)}a${")".repeat(102)}`, 101, /nested at most 100/],
  ] as const,
)("parseRegex() refuses %j at position %i, when it is not of the subset", (source, position, wanted) => {
  const [at, message] = mistakeOf(() => parseRegex(source));
  expect([at, message]).toEqual([position, expect.stringMatching(wanted)]);
});

test.each([
  "a{",
  "a{x}",
  "{",
  "}",
  "]",
  "a{1",
  "[\\w-.]",
  "[a-\\d]",
  "[\\b]",
  "(?<name>a)",
  "(?:a)",
  "a{2,}?",
  "\\.\\/\\-",
  "\\u{1F600}",
  "[^a]",
  "()",
  "a||b",
])(
  "parseRegex() reads %j, when ECMAScript does",
  (source) => {
    expect(mistakeOf(() => parseRegex(source))).toEqual([-1, "accepted"]);
  },
);

test.each(
  [
    ["a[bc", 1, /closed/],
    ["[]", 0, /closed/],
    ["[z-a]", 0, /backwards/],
  ] as const,
)("parseGlob() refuses %j at position %i, when a class is wrong", (source, position, wanted) => {
  expect(mistakeOf(() => parseGlob(source))).toEqual([position, expect.stringMatching(wanted)]);
});

test("parseGlob() makes one star of several, when they stand together", () => {
  expect(parseGlob("a***b")).toHaveLength(3);
});
