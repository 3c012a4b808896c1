import fc from "fast-check";
import { expect, test } from "vitest";
import {
  AMPERSAND,
  ANY_SIGN,
  BACKSLASH,
  BASE64,
  BEYOND_ASCII,
  BLANKS,
  CONTROL,
  HEX,
  PERCENT,
  SIGNS,
  signsOf,
  WIDE_SIGNS,
} from "../../src/match/signs.ts";

test.each([
  ["100%", PERCENT],
  ["a&b", AMPERSAND],
  ["a\\b", BACKSLASH],
  ["a\tb", CONTROL],
  ["a\x7fb", CONTROL],
  ["aé", BEYOND_ASCII],
  ["a  b", BLANKS],
  ["726d202d", HEX],
  ["please summarise the quarterly report", 0],
  ["/workspace/project/src/index.ts", 0],
  [" a b ", 0],
  ["", 0],
])("signsOf() sees the sign of %j, when the text shows it", (text, sign) => {
  expect(signsOf(text, SIGNS)).toBe(sign);
});

test("signsOf() sees base64 of any text in ASCII, when it stands among other words at any place", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(..." abcXYZ0189-/.:;~\n"), minLength: 8, maxLength: 30 }),
      fc.string({ unit: fc.constantFrom("x", "Q", "/", "9"), maxLength: 5 }),
      (text, before) => {
        const seen = signsOf(`${before}${btoa(text)}`, SIGNS);
        expect(seen & BASE64).toBe(BASE64);
      },
    ),
    { numRuns: 300 },
  );
});

test("signsOf() sees base64 of other text, when the wide table is used", () => {
  const text = "5a+G56CB";
  expect(signsOf(text, SIGNS) & BASE64).toBe(0);
  expect(signsOf(text, WIDE_SIGNS) & BASE64).toBe(BASE64);
});

test("ANY_SIGN holds no bit of a single character's place in a run, when a word is harmless", () => {
  expect(SIGNS[97]! & ANY_SIGN & ~(BASE64 | HEX)).toBe(0);
});
