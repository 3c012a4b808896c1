import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { dropMarks, foldText } from "../../src/match/fold.ts";

test.each([
  ["zero width", "r\u200bm\u2060 \ufeff-r\u00adf", "rm -rf"],
  ["control characters", "r\0m\x1b \x7f-rf\x9f", "rm -rf"],
  ["white space", "rm\t\r\n \u00a0\u0085\u2003-rf", "rm -rf"],
  ["fullwidth", "ｄｒｏｐ　ｔａｂｌｅ", "drop table"],
  ["mathematical letters", "\u{1d41d}\u{1d42b}\u{1d428}\u{1d429}", "drop"],
  ["circled letters", "ⓡⓜ", "rm"],
  ["Kelvin sign", "\u212aill", "kill"],
  ["dotted capital I", "F\u0130LE", "file"],
  ["dotless i", "f\u0131le", "f\u0131le"],
  ["lone surrogates", "r\ud800m\udc00 \udfff\ud801-rf \u{1f600}", "rm -rf \u{1f600}"],
  ["long s", "pa\u017fsword", "password"],
  ["sharp s", "Straße", "strasse"],
  ["capital sharp s", "STRAẞE", "strasse"],
  ["final sigma", "ΣΑΣ", "σασ"],
  ["tag characters", "a\u{e0072}b", "ab"],
  ["bidi controls", "rm \u202e-rf\u202c", "rm -rf"],
  ["variation selector", "\u2764\ufe0f", "\u2764"],
  ["Hangul filler", "r\u3164m", "rm"],
  ["annotation marks", "r\ufff9m", "rm"],
  ["dashes", "rm \u2011rf \u2014 \u2212", "rm -rf - -"],
])("foldText() folds %s, when they disguise a text", (_, text, folded) => {
  expect(foldText(text)).toBe(folded);
});

test("foldText() folds upper, lower and folded letters alike, when any character has them", () => {
  const unequal: string[] = [];
  for (let code = 0; code < 0x110000; code++) {
    if (code >= 0xd800 && code < 0xe000) continue;
    const letter = String.fromCodePoint(code);
    const lower = letter.toLowerCase(), upper = letter.toUpperCase();
    // The dotless i has the capital of another letter.
    if ((lower === letter && upper === letter) || letter === "ı") continue;
    const folded = foldText(letter);
    if ([lower, upper, folded ?? ""].some((form) => foldText(form) !== folded)) unequal.push(code.toString(16));
  }
  expect(unequal).toEqual([]);
});

test("foldText() keeps letters with a mark built in, when they are written as one character", () => {
  expect(foldText<string>("Passé")).toBe("passé");
  expect(foldText(dropMarks<string>("Passé"))).toBe("passé");
});

test("dropMarks() drops marks that stand alone, when they follow a letter", () => {
  expect(foldText(dropMarks<string>("pa\u0301ss\u0336word"))).toBe("password");
});

test("foldText() composes across its pieces, when a mark falls on the border of one", () => {
  expect(foldText(`${"x".repeat(4095)}é${"y".repeat(10)}`.normalize("NFD"))).toBe(
    `${"x".repeat(4095)}é${"y".repeat(10)}`,
  );
});

test("foldText() answers nothing, when the text would grow beyond three times its length", () => {
  expect(foldText<string>("\ufdfa".repeat(200_000))).toBeUndefined();
});

test("foldText() folds, when a short text grows more than three times", () => {
  expect(foldText<string>("\ufdfa")?.length).toBe(18);
});

test("foldText() sorts no long run of marks, when a hundred thousand are out of order", () => {
  const normalize = vi.spyOn(String.prototype, "normalize");
  try {
    expect(foldText(`a${"\u0301\u0323".repeat(100_000)}`)?.length).toBeLessThan(40);
    // The cost grows with the square of a run's length.
    expect(Math.max(...normalize.mock.contexts.map((text) => String(text).length))).toBeLessThan(40);
  } finally {
    normalize.mockRestore();
  }
});

test("foldText() changes nothing, when a text is folded", () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom("a", "B", " ", "\t", "ß", "İ", "é", "e\u0301", "д", "раy", "ｆ", "\u200b", "Σ", "ﬁ", "Ⅷ"),
      }),
      (text) => {
        const folded = foldText(text)!;
        expect(foldText(folded)).toBe(folded);
      },
    ),
    { numRuns: 300 },
  );
});
