import { expect, test } from "vitest";
import { isBeyondAscii, lookAlike, unmask } from "../../src/match/look-alikes.ts";

test.each([
  ["a Cyrillic letter in a Latin word", "dr\u043ep table", "drop table"],
  ["a Greek letter in a Latin word", "p\u03b1ssw\u03bfrd", "password"],
  ["a Cyrillic capital in a Latin word", "\u0420assword", "Password"],
  ["an Armenian letter in a Latin word", "dr\u0585p", "drop"],
  ["small capitals", "ᴅʀᴏᴘ", "drop"],
  ["letters in squares", "\u{1f141}\u{1f13c}", "rm"],
  ["digits of another script", "\u0661\u0662\u0663-\u0967\u0968", "123-12"],
  ["slashes", "a\u2215b\u2044c", "a/b/c"],
])("unmask() writes %s as Latin, when it stands for it", (_, text, plain) => {
  expect(unmask<string>(text)).toBe(plain);
});

test.each([
  ["a Russian word", "пароль"],
  ["a Russian word of look-alikes alone", "\u0440\u043e\u0440"],
  ["a Greek word", "αλφα"],
  ["a word of two scripts with a letter that looks like none", "d\u043e\u0441ы"],
  ["a dotless i", "s\u0131n\u0131f"],
  ["a Russian word next to a Latin one", "\u0440\u043e\u0440 music"],
])("unmask() keeps %s, when nothing shows a disguise", (_, text) => {
  expect(unmask<string>(text)).toBe(text);
});

test("isBeyondAscii() tells a text with any other character, when it looks like ASCII", () => {
  expect(isBeyondAscii("plain \n text\x7f")).toBe(false);
  expect(isBeyondAscii("a\u0080")).toBe(true);
});

test("lookAlike() tells what a character looks like, when nothing stands beside it", () => {
  expect(["о", "ı", "\u0661", "x", "ы"].map(lookAlike)).toEqual(["o", "i", "1", undefined, undefined]);
});
