import { expect, test } from "vitest";
import { patternKey, patternMistake } from "../../src/match/patterns.ts";
import type { BlockedPattern } from "../../src/policy/policy.ts";

test.each([
  ["a substring", "rm -rf"],
  ["a typed substring", { pattern: "x", type: "substring" }],
  ["a regex", { pattern: "rm\\s+-rf", type: "regex" }],
  ["a regex that matches everything", { pattern: ".*", type: "regex" }],
  ["a glob", { pattern: "*.exe", type: "glob" }],
  ["a glob of a star", { pattern: "*", type: "glob" }],
  ["a RegExp", { regexp: /(.+)\1/ }],
])("patternMistake() finds nothing, when the pattern is %s", (_, pattern) => {
  expect(patternMistake(pattern)).toBeUndefined();
});

test.each<readonly [string, unknown, RegExp, unknown]>([
  ["empty", "", /not empty/, ""],
  ["an empty regex", { pattern: "", type: "regex" }, /not empty/, ""],
  ["a number", 42, /a string, \{ pattern, type \} or \{ regexp \}/, 42],
  ["null", null, /a string/, null],
  ["a list", ["a"], /a string/, ["a"]],
  ["a bare RegExp", /^(a+)+$/, /a string/, /^(a+)+$/],
  ["without a type", { pattern: "a" }, /type of substring, regex, glob/, undefined],
  ["of a type that is none", { pattern: "a", type: "toString" }, /type of/, "toString"],
  ["without a pattern", { type: "glob" }, /string as pattern/, undefined],
  ["with a key too many", { pattern: "a", type: "glob", flags: "i" }, /without a key "flags"/, {
    pattern: "a",
    type: "glob",
    flags: "i",
  }],
  ["both", { pattern: "a", type: "glob", regexp: /a/ }, /a string/, { pattern: "a", type: "glob", regexp: /a/ }],
  ["a regexp that is none", { regexp: "a" }, /with a RegExp/, "a"],
  [
    "a back-reference",
    { pattern: "(.+)\\1", type: "regex" },
    /at position 4: a pattern without back-references was wanted/,
    "(.+)\\1",
  ],
  ["unbalanced", { pattern: "((", type: "regex" }, /at position 1/, "(("],
  ["a wrong glob", { pattern: "a[", type: "glob" }, /at position 1/, "a["],
  [
    "repeated too often",
    { pattern: "((a{100}){100}){100}", type: "regex" },
    /at position 0: a pattern that needs at most 10000 states/,
    "((a{100}){100}){100}",
  ],
  [
    "nothing repeated too often",
    { pattern: "((((){1000}){1000}){1000}){1000}", type: "regex" },
    /at most 10000 states/,
    "((((){1000}){1000}){1000}){1000}",
  ],
  ["too long", "x".repeat(10_001), /at most 10000 characters/, "x".repeat(10_001)],
])("patternMistake() says what was wanted, when the pattern is %s", (_, pattern, wanted, got) => {
  expect(patternMistake(pattern)).toEqual({ wanted: expect.stringMatching(wanted), got });
});

test.each<readonly [string, BlockedPattern, BlockedPattern, boolean]>([
  ["literals in another case", "DROP Table", "drop table", true],
  ["a literal and its typed form", "drop table", { pattern: "Drop  Table", type: "substring" }, true],
  ["literals of other words", "drop table", "drop tables", false],
  ["literals of blanks", " ", "  ", false],
  ["globs in another case", { pattern: "*.EXE", type: "glob" }, { pattern: "**.exe", type: "glob" }, true],
  ["globs with other classes", { pattern: "[A-z]", type: "glob" }, { pattern: "[a-z]", type: "glob" }, false],
  ["globs with a bracket in a class", { pattern: "A[]B]C", type: "glob" }, { pattern: "a[]B]c", type: "glob" }, true],
  ["a regex and a glob", { pattern: "a", type: "regex" }, { pattern: "a", type: "glob" }, false],
  ["regexes that mean opposites", { pattern: "\\D", type: "regex" }, { pattern: "\\d", type: "regex" }, false],
  ["RegExps that differ in state", { regexp: /a/gi }, { regexp: /a/iy }, true],
  ["RegExps that differ in case", { regexp: /a/i }, { regexp: /a/ }, false],
])("patternKey() tells %s apart or not, when they are compared", (_, a, b, same) => {
  expect(patternKey(a) === patternKey(b)).toBe(same);
});
