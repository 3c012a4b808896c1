import { describe, expect, test } from "vitest";
import { compileMatcher, NO_MATCH } from "../../src/match/matcher.ts";
import type { BlockedPattern } from "../../src/policy/policy.ts";

const PATTERNS: readonly BlockedPattern[] = ["rm -rf", "password", { pattern: "drop\\s+table", type: "regex" }];
const matcher = compileMatcher(PATTERNS, "test()");
const hex = (text: string): string[] => Array.from(text, (c) => c.charCodeAt(0).toString(16).padStart(2, "0"));
const secret = "please rm -rf / now";

test.each<readonly [string, string]>([
  ["a decimal entity with noughts before it", "&#0000112;assword"],
  ["a long decimal entity with noughts before it", `&#${"0".repeat(40)}112;assword`],
  ["a hexadecimal entity with noughts before it", "&#x00000070;assword"],
  ["a hexadecimal entity without its semicolon", "&#x0072m -rf"],
  ["a named entity of a letter", "&pscr;assword &Popf;"],
  ["a named entity of a look-alike", "passw&omicron;rd"],
  ["a named entity without its semicolon", "rm&nbsp-rf"],
  ["a named entity in capitals without its semicolon", "rm&shy &AMPnbsp;-rf"],
  ["a named entity that shows nothing", "pass&ZeroWidthSpace;word"],
  ["a long named entity of a blank", "rm&NonBreakingSpace;-rf"],
  ["an entity of a dash of Windows", "rm &#150;rf"],
  ["a point escape with noughts before it", "\\u{0000000070}assword"],
  ["a unit escape of Java with more than one u", "\\uuu0070assword"],
  ["a byte escape in braces", "\\x{70}assword"],
  ["an octal escape with a nought before it", "\\0160assword"],
  ["a percent escape of a unit", "%u0070assword"],
  ["a percent escape of a percent sign of a unit", "%25u0070assword"],
  ["a backslash before a letter that has a meaning of its own", "r\\m -r\\f"],
  ["a backslash before every letter", "\\r\\m\\ \\-\\r\\f"],
  ["a backslash before a backslash in JSON", "r\\\\m -r\\\\f"],
  ["an escape of a shell in quotes", "$'\\x72m' -rf"],
  ["quotes in a word beside a backslash", "r\\m '-r''f'"],
  ["a plus for a blank beside a percent sign of its token", "a=rm+-rf%21"],
  ["hexadecimal with colons", hex("rm -rf").join(":")],
  ["hexadecimal with blanks", hex("rm -rf").join(" ")],
  ["hexadecimal with blanks in capitals", hex("rm -rf").join(" ").toUpperCase()],
  ["hexadecimal with commas and blanks", hex("rm -rf").join(", ")],
  ["hexadecimal with commas", hex("rm -rf").join(",")],
  ["hexadecimal in lines", hex("rm -rf").join("\n")],
  ["hexadecimal in pairs of bytes", "726d 202d 7266"],
  ["hexadecimal in threes of bytes", "726d20 2d7266"],
  ["hexadecimal in uneven groups", "72 6d20 2d 7266"],
  ["hexadecimal with a prefix at each byte", hex("rm -rf").map((byte) => `0x${byte}`).join(" ")],
  ["hexadecimal with a prefix and commas", hex("rm -rf").map((byte) => `0x${byte}`).join(", ")],
  ["hexadecimal with a prefix and nothing else", hex("rm -rf").map((byte) => `0x${byte}`).join("")],
  ["byte escapes with blanks", hex("rm -rf").map((byte) => `\\x${byte}`).join(" ")],
  ["hexadecimal that wraps", "7061\n7373776f\n7264"],
  ["base64 that wraps, in short lines", "cGxlYXNlIHJt\nIC1yZiAvIG5v\ndw=="],
  ["base64 that wraps inside the phrase and ends in a short line", "YWJjZGVmIHBh\nc3N3\nb3Jk"],
  ["base64 in indented lines", "  cGxlYXNlIHBh\n  c3N3b3JkIG5v\n  dw=="],
  ["base64 in groups with blanks", "cGxlYXNlIHBh c3N3b3JkIG5v dw=="],
  ["base64 of it in a data URL", `data:text/plain;base64,${btoa(secret)}`],
  ["base64url of it", btoa(secret).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")],
  ["base64 with an invisible character in it", `cGFzc\u200b3dvcmQ=`],
  ["base64 in full-width letters", "ｃＧＦｚｃ３ｄｖｃｍＱ="],
  ["an escape in full-width characters", "％７０assword"],
  ["an entity with an invisible character in it", "&#1\u200b12;assword"],
  ["base64 of which another alignment is text as well", `${btoa("abc").slice(0, 1)}${btoa(secret)}`],
  ["base64 as a part of a path", "https://example.com/x/cGFzc3dvcmQ/y"],
  ["hexadecimal of base64", hex(btoa(secret)).join("")],
  ["base64 of hexadecimal", btoa(hex(secret).join(""))],
  ["a percent escape of an escape beside base64 of something", `aGVsbG8gd29ybGQh %2570assword`],
  ["a lone lead surrogate in a word", "pass\ud800word"],
  ["a lone trail surrogate in a word", "pass\udc00word"],
  ["a lone surrogate in a phrase", "rm \udfff-rf"],
  ["an escape of a lone surrogate", "pass\\ud800word"],
  ["two lone surrogates in the wrong order", "pass\udc00\ud800word"],
])("search() finds a phrase, when it is disguised by %s", (_, text) => {
  expect(matcher.search(text)).not.toBe(NO_MATCH);
  expect(matcher.search({ deep: [text] }, true)).not.toBe(NO_MATCH);
  expect(matcher.search({ [text]: 1 }, true)).not.toBe(NO_MATCH);
});

test.each<readonly [string, string]>([
  ["an entity of another character", "&#0000113;assword"],
  ["an entity that is none", "&passcr;word &#x110000;"],
  ["a number with noughts", "0000112 assword"],
  ["a path of Windows", "C:\\rpm\\-srf\\table"],
  ["a plus in another token", "rm+-rf %21"],
  ["a date and a time", "2026-11-29T11:43:04 20:15:30"],
  ["addresses of network cards", "72:6d:30:2d:72:66 and 00:1A:2B:3C:4D:5E"],
  ["numbers in a row", "25 30 45 60 72 66 20"],
  ["words in a row that base64 could have", "decoding aGVsbG8gd29ybGQh please decode"],
  ["UUIDs", "123e4567-e89b-12d3-a456-426614174000 6ba7b810-9dad-11d1-80b4-00c04fd430c8"],
])("search() finds nothing, when there is %s", (_, text) => {
  expect(matcher.search(text)).toBe(NO_MATCH);
  expect(matcher.search({ deep: [text] }, true)).toBe(NO_MATCH);
});

describe("letters that only look alike", () => {
  test.each<readonly [string, BlockedPattern, string, boolean]>([
    ["a dotless i of Turkish", "sin", "s\u0131n\u0131f", false],
    ["a dotless i in mathematical italics", "sin", "s\u{1d6a4}n", false],
    ["a dotted capital I of Turkish", "istanbul", "\u0130stanbul", true],
    ["a sharp s by two", "strasse", "Stra\u00dfe", true],
    ["two s by a sharp s", "stra\u00dfe", "STRASSE", true],
    ["two s by a capital sharp s", "STRA\u1e9eE", "strasse", true],
    ["a sharp s by a capital sharp s", "stra\u00dfe", "STRA\u1e9eE", true],
    ["two s by a sharp s of a regex", { pattern: "stra\u00dfe\\b", type: "regex" }, "Die STRASSE", true],
    ["a sharp s by a capital one of a regex", { pattern: "stra\u1e9ee\\b", type: "regex" }, "die stra\u00dfe", true],
    ["two s by a class of a regex", { pattern: "stra[x\u00df]e", type: "regex" }, "STRASSE", true],
    ["two s by a sharp s of a glob", { pattern: "*stra\u00dfe*", type: "glob" }, "Die STRASSE hier", true],
    ["a letter by a full-width one of a regex", { pattern: "\uff52m\\s", type: "regex" }, "rm -rf", true],
    ["a letter by a full-width one of a class", { pattern: "[\uff52]m\\s", type: "regex" }, "rm -rf", true],
    ["a class that leaves a letter out", { pattern: "^[^k]$", type: "regex" }, "\u212a", true],
    ["a word of Cyrillic letters that look Latin", "cop", "\u0441\u043e\u0440", false],
    ["a word of Greek letters that look Latin", "tok", "\u03c4\u03bf\u03ba", false],
    ["a word of Cyrillic letters beside a Latin one", "cop", "\u0441\u043e\u0440 video", false],
    ["a Cyrillic letter in a Latin word", "copy", "\u0441opy", true],
    ["a Greek letter in a word with a letter of Latin beyond ASCII", "\u00e9\u00e8o", "\u00e9\u00e8\u03bf", true],
  ])("search() answers as it reads, when a text has %s", (_, pattern, text, isFound) => {
    expect(compileMatcher([pattern], "test()").search(text) === 0).toBe(isFound);
  });
});
