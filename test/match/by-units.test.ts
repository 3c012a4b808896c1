import fc from "fast-check";
import { expect, test } from "vitest";
import { ByUnits } from "../../src/match/by-units.ts";
import { foldText, foldWhole, plainText, plainWhole } from "../../src/match/fold.ts";

// White space, dropped and composing characters, marks that change places, letters of which a word may have two scripts.
const PIECES = [" ", "  ", "\n", "\u00a0", "\u3000", "\u2028", "\u0085", "a", "B", "ß", "ẞ", "ı", "İ", "ŉ", "ς", "Σ"]
  .concat(["é", "e\u0301", "a\u0338", "=\u0338", "п", "Р", "о", "ѕ", "ρ", "α", "ο", "օ", "֎", "՛", "\u0383", "·", "中"])
  .concat(["。", "，", "ｆ", "Ａ", "ﾞ", "ｶ", "각", "\u1100", "\u1161", "\u11a8", "ￛ", "\u200b", "\u00ad", "\0", "\x07"])
  .concat(["\u0301", "\u0307", "\u0345", "\u0334", "\u05b0", "\u0651", "क", "\u093c", "ि", "\u094d", "\u09be", "ক"])
  .concat(["ก", "\u0e34", "\u0e48", "\u0e33", "…", "½", "ﬁ", "²", "´", "𝐚", "🅰", "😀", "\ud800", "\udc00", "ᴀ", "ɑ"])
  .concat(["٣", "—", "−", "_", "1", "%41", "\\", "Å", "K", "\ufeff", "\ufdd0", "\ufffd", "ᾳ", "ΐ", "ſ", "ǆ", "’"]);
const texts = fc.string({
  unit: fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...PIECES) },
    { weight: 1, arbitrary: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) },
  ),
  maxLength: 12,
});

test("foldText() and plainText() answer as for the whole text, when parts of it are mapped unit by unit", () => {
  fc.assert(
    fc.property(texts, fc.constantFrom("", "é ", "a\u0301 "), (text, before) => {
      const whole = before + text;
      expect(plainText<string>(whole)).toBe(plainWhole<string>(whole));
      if (/[^\0-\x7f\ufffd]/.test(whole)) expect(foldText<string>(whole)).toBe(foldWhole<string>(whole, false));
    }),
    { numRuns: 5000 },
  );
});

test.each<readonly [string, string]>([
  ["letters", "Мы собрали отчёт о росте продаж. "],
  ["words in two scripts", "Пришли pаssword мне, "],
  ["words that are mapped as a whole", "e\u0301te\u0301 cafe\u0301 "],
  ["characters that grow", "ﬁ…½ "],
  ["characters in a row that depend on each other", "e\u0301a\u0338"],
  ["white space", "é \n\u3000 "],
  ["dropped characters", "\u200b\u00ad"],
  ["marks", "é" + "\u0e34".repeat(50)],
])("foldText() answers as for the whole text, when %s are many", (_, text) => {
  for (const length of [8190, 8191, 8192, 8193, 30_000]) {
    const many = text.repeat(Math.ceil(length / text.length)).slice(0, length);
    expect(foldText<string>(many)).toBe(foldWhole<string>(many, false));
    expect(plainText<string>(many)).toBe(plainWhole<string>(many));
  }
});

test("foldText() answers undefined, when a text would grow too much", () => {
  expect(foldText<string>("\ufdfa".repeat(70_000))).toBeUndefined();
  expect(foldText<string>(`é${"\ufdfa\u0301".repeat(70_000)}`)).toBeUndefined();
});

test("map() takes every character for one that depends on others, when any character composes with it", () => {
  const alone = new ByUnits({
    whole: (text) => text.normalize("NFC"),
    formsOf: () => "",
    folds: false,
    mostOf: (length) => length * 3,
  });
  for (let unit = 0; unit < 0x10000; unit++) {
    const parts = String.fromCharCode(unit).normalize("NFD");
    if (parts.length < 2) continue;
    expect(alone.map(`x${parts}`)).toBe(`x${parts}`.normalize("NFC"));
    expect(alone.map(parts)).toBe(parts.normalize("NFC"));
  }
});
