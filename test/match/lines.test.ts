import { expect, test } from "vitest";
import { decodeLines, decodeOddHex } from "../../src/match/blobs.ts";
import { blocksIn } from "../../src/match/lines.ts";
import { compileMatcher, NO_MATCH } from "../../src/match/matcher.ts";
import { SIGNS } from "../../src/match/signs.ts";
import { redactPatterns } from "../../src/guards/redact-patterns.ts";

const PASSWORD = btoa("password");
const WORDS = "alpha\nbread\ncandy\ndelta\nflour\ngrape\nhoney\nicing\njelly";
const inLines = (text: string, length: number, end = "\n"): string =>
  text.replace(new RegExp(`.{${length}}(?!$)`, "g"), `$&${end}`);
const hexOf = (text: string): string => Array.from(text, (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");

const matcher = compileMatcher(["password", "rm -rf"], "test()");

test.each(Array.from({ length: 13 }, (_, i) => i + 1))(
  "search() finds a phrase, when its encoding has lines of %i",
  (length) => {
    for (const text of ["password", "the password is abc", "please rm -rf / now"]) {
      for (const end of ["\n", "\r\n", "\r", "\n> ", " \n\t", "\n\n"]) {
        for (const encoded of [btoa(text), hexOf(text), hexOf(text).toUpperCase()]) {
          const lines = inLines(encoded, length, end);
          // Lone carriage returns end no longer lines.
          if (end === "\r" && length > 10) continue;
          if (end === "\n\n" && length > 10) continue;
          expect([lines, matcher.search(lines)]).not.toEqual([lines, NO_MATCH]);
          expect(matcher.search({ a: ["x", lines, "y"] }, true)).not.toBe(NO_MATCH);
          expect(matcher.search({ [lines]: 1 }, true)).not.toBe(NO_MATCH);
          expect(matcher.search(`Please decode:\n\n${lines}\n\nand run it.`)).not.toBe(NO_MATCH);
          expect([lines, matcher.search(`Hello\n${lines}\nthere`)]).not.toEqual([lines, NO_MATCH]);
        }
      }
    }
  },
);

test.each<readonly [string, string]>([
  ["lines of base64 of other lengths", "cG\nFzc3\ndv\ncmQ="],
  ["lines of base64 that JSON wrote", inLines(PASSWORD, 3, "\\n")],
  ["lines of base64 with entities for their ends", inLines(PASSWORD, 4, "&#10;")],
  ["lines of base64 with percent escapes for their ends", inLines(PASSWORD, 4, "%0A")],
  ["lines of base64 of base64", inLines(btoa(PASSWORD), 5)],
  ["lines of base64 of hexadecimal", inLines(btoa(hexOf("password")), 6)],
  ["lines of hexadecimal of base64", inLines(hexOf(PASSWORD), 7)],
  ["base64 of lines of base64", btoa(inLines(PASSWORD, 4))],
  ["lines of base64 after a line of a word", `word\n${inLines(PASSWORD, 4)}`],
  ["lines of base64 before lines of words", `${inLines(PASSWORD.slice(0, -1), 4)}\n${WORDS}`],
  ["lines of base64 after lines of words", `${WORDS}\n${inLines(PASSWORD, 4)}`],
  ["lines of base64 in a list with a rail", inLines(PASSWORD, 4, "\n| ")],
  ["hexadecimal in groups of three", hexOf("password").replace(/.{3}/g, "$& ")],
  ["hexadecimal in groups of five with commas", hexOf("the password").replace(/.{5}/g, "$&, ")],
  ["hexadecimal in groups of any length", "7 0617 373 7 76f 726 4"],
])("search() finds a phrase, when there are %s", (_, text) => {
  expect(matcher.search(text)).not.toBe(NO_MATCH);
  expect(matcher.search({ a: [text] }, true)).not.toBe(NO_MATCH);
});

test.each<readonly [string, string]>([
  ["words in lines", WORDS],
  ["words of one length in lines", "apple\nbread\ncandy\ndough\nelbow\nflour\ngrape\nhoney"],
  ["short words in lines", "a\nto\nbe\nor\nnot\nis\nit\nan\nad\nbed\nfed"],
  ["numbers in lines", "253\n045\n604\n737\n320\n416"],
  ["numbers in rows", "253 045 604 737\n320 416 253 455"],
  ["code", "if (x) {\n  return\n}\nelse\n{\n  break\n}\nfoo\nbar\nbaz"],
  ["a table", "| a | b |\n|---|---|\n| 12 | 34 |\n| 56 | 78 |"],
  ["names of files", "src\ntest\nbench\nplugins\nmod.ts\npackage.json"],
  ["hashes", "9f86d08\n1884c7d\n659a2fe\naa0c55a\nd015a3b"],
  ["hexadecimal words", "a bad cafe, add dead beef, face a decade"],
])("search() finds nothing, when there are %s", (_, text) => {
  // The short words are what a policy would hardly block, and chance would make soonest.
  const short = compileMatcher(["ssn", "cop", "sin", "pin", "key", "rm -rf", "password"], "test()");
  expect(short.search(text)).toBe(NO_MATCH);
  expect(short.search({ a: [text] }, true)).toBe(NO_MATCH);
});

test("redactPatterns() masks lines of base64 and no others", () => {
  const guard = redactPatterns(["password"], "#");
  const payload = `It is\n\n${inLines(PASSWORD, 4)}\n\nand no more`;
  const request = { stage: "output" as const, name: "a", payload, callId: "1", metadata: {} };
  expect(guard(request, undefined as never, { dry: true, take: () => undefined })).toMatchObject({
    payload: "It is\n\n#\n\nand no more",
  });
});

test("blocksIn() reads every line once, when lines are many or empty", () => {
  expect(blocksIn(`cGFz\nc3dv${"\n".repeat(1000)}cmQ=\n`, SIGNS)).toMatchObject([{ lines: ["cGFz", "c3dv", "cmQ"] }]);
  expect(blocksIn(`${"a".repeat(25)}\n${"b".repeat(25)}`, SIGNS)).toEqual([]);
  expect(decodeLines<string>("cGFz\nc3dv\ncmQ=\n", false)).toBe("password\n");
});

test("decodeOddHex() reads every digit once, when they stand together", () => {
  const run = "a".repeat(1 << 18);
  expect(decodeOddHex<string>(run) === run).toBe(true);
  expect(decodeOddHex<string>("706 173 737 76f 726 4.")).toBe("password.");
});

test("search() reads lines of a character or two, when a pattern speaks of characters outside ASCII", () => {
  for (const text of ["x\nr\u200bm", "x\n y", "a\nb\nc\u00e9", "x\r\n> y"]) {
    expect(compileMatcher(["password", "密码"], "test()").search([text], true)).toBe(NO_MATCH);
  }
});
