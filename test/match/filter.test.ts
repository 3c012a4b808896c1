import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_NODES, MAX_UNITS } from "../../src/match/collect.ts";
import { createFilter, type Filter } from "../../src/match/filter.ts";
import { KnownKeys } from "../../src/match/known-keys.ts";
import { compileMatcher, NO_MATCH } from "../../src/match/matcher.ts";
import { readPattern } from "../../src/match/patterns.ts";
import type { Source } from "../../src/match/program.ts";
import { SIGNS } from "../../src/match/signs.ts";
import type { BlockedPattern } from "../../src/policy/policy.ts";
import { capsOf, Fault, lastMet, snapshot } from "../../src/snapshot/snapshot.ts";

const regex = (pattern: string): BlockedPattern => ({ pattern, type: "regex" });
const glob = (pattern: string): BlockedPattern => ({ pattern, type: "glob" });

function filterOf(patterns: readonly BlockedPattern[]): Filter | undefined {
  const sources = patterns.flatMap((pattern, index): Source[] => {
    const read = readPattern(pattern);
    return "nodes" in read ? read.nodes.map((part) => ({ ...part, index })) : [];
  });
  return createFilter(sources, SIGNS, new KnownKeys());
}

const FIVE = ["password", "drop table", regex("rm\\s+-rf"), regex("\\b\\d{3}-\\d{2}-\\d{4}\\b"), glob("*secret_key*")];
const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

describe("passes()", () => {
  test.each<readonly [string, unknown]>([
    ["an object of arguments", {
      path: "/srv/data/q3.csv",
      options: { limit: 200, tags: ["finance", "draft"] },
      note: "list the three largest",
      dry: false,
    }],
    ["line ends and indents", { code: "if (x) {\r\n\t  return [\n    1,\n  ];\n}\n\n", more: "  and\n" }],
    ["words in lines", "some\nof\nthese\nwords\n"],
    ["rows of numbers of three digits", "253 045 604 737"],
    ["hexadecimal over two values", ["72 6d", "20 2d"]],
    ["a number that would be hexadecimal as text", { id: 1726364650 }],
    ["numbers of any kind", [0, -1, 1.5, NaN, 9_999_999_999, 1e21]],
    ["nothing", undefined],
    ["an empty text", ["", { a: "" }]],
    ["a null prototype", Object.assign(Object.create(null) as object, { a: "x" })],
    ["as deep as may be", nested(65)],
  ])("is true, when the payload is %s", (_, payload) => {
    expect(filterOf(FIVE)!.passes(payload)).toBe(true);
  });

  test("is true, when dates, times and rows of numbers have the form of hexadecimal", () => {
    const payload = {
      at: "2026-11-29T11:43:04.123Z",
      log: "20:15:30 22:33:14 26.11.29 2026 11 29",
      row: "20 15 30 14 55",
    };
    expect(filterOf(["password"])!.passes(payload)).toBe(true);
    expect(filterOf(["password"])!.passes([payload, "20:15:30 password"])).toBe(false);
  });

  test("is true, when the payload has the beginning of a match", () => {
    for (const text of ["the passw", "drop", "a rm -", "123-4 is", "secre", "crypt"]) {
      expect(filterOf(FIVE)!.passes({ text })).toBe(true);
    }
  });

  test.each<readonly [string, unknown]>([
    ["a match", "the PassWord is"],
    ["a match at the end", "my secret_key"],
    ["a match in a key", { deep: [{ my_password: 1 }] }],
    ["a match over values", { cmd: "rm", args: ["-rf"] }],
    ["a match over values and an empty one", ["drop", "", "table"]],
    ["a match over a number", ["123-45-", "6789", "123-45-6789"]],
    ["a percent sign", "a%b"],
    ["an ampersand", "a&b"],
    ["a backslash", "a\\b"],
    ["a control character", "a\0b"],
    ["a character outside ASCII at an even place", "é"],
    ["a character outside ASCII at an odd place", "aéa"],
    ["a character outside ASCII at the end", "aaé"],
    ["hexadecimal", "726d202d"],
    ["hexadecimal with blanks", "72 6d 20 2d"],
    ["hexadecimal with colons, among others", "a:72:6d:20:2d:72"],
    ["hexadecimal with prefixes", "0x72, 0x6d, 0x20, 0x2d"],
    ["base64", btoa("rm -rf")],
    ["base64 in short lines", "cm0g\nLXJm"],
    ["hexadecimal in short lines", "726\nd20\n2d7"],
    ["hexadecimal in odd groups", "726 d20 2d7"],
    ["base64 in a key", { [btoa("rm -rf")]: 1 }],
    ["a function", () => 0],
    ["a bigint", 1n],
    ["too deep", nested(66)],
    ["too many values", new Array(MAX_NODES + 1).fill(true)],
    ["too many empty values", new Array(MAX_NODES + 1).fill("")],
    ["too much text", ["x".repeat(MAX_UNITS), "y"]],
    ["too much text in a key", { ["x".repeat(MAX_UNITS + 1)]: 1 }],
  ])("is false, when the payload is or has %s", (_, payload) => {
    expect(filterOf(FIVE)!.passes(payload)).toBe(false);
  });

  test("is false for a blank between two values, when it is the last of what is wanted", () => {
    expect(filterOf([regex("\\n ")])!.passes(["\n", "a"])).toBe(false);
    expect(filterOf([regex("\\n ")])!.passes(["\n", 1])).toBe(false);
    expect(filterOf([regex("\\n ")])!.passes(["a", "\n"])).toBe(true);
  });

  test.each<readonly [string, unknown]>([
    ["as it stands", "a b c"],
    ["in a folded string", "A \r\n\tb\nC"],
    ["in a folded key", { "a\vb\n\nc": 1 }],
    ["over values", ["a", "b", "c"]],
    ["over values with blanks of their own", ["a \n", "\n\n", "  b", " c"]],
    ["over a value of nothing but a blank", ["a", " ", "b c"]],
    ["over blanks at the end of one value", ["a  ", "b\f", "c"]],
  ])("is false, when the payload has what a pattern with blanks wants %s", (_, payload) => {
    expect(filterOf(["a b c"])!.passes(payload)).toBe(false);
    expect(filterOf(["a b c"])!.passes(["a", "b", payload])).toBe(false);
    expect(filterOf(["a b d"])!.passes(payload)).toBe(true);
  });

  test("is false for a match over the digits of a number, when other values are joined to it", () => {
    expect(filterOf(["q 42 q"])!.passes(["q", 42, "q"])).toBe(false);
    expect(filterOf(["xq 42"])!.passes(["xq", 42])).toBe(false);
    expect(filterOf(["xyzq -1.5"])!.passes(["xyzq", -1.5])).toBe(false);
  });

  test("is false, when the texts of keys that it knows are what is too much", () => {
    const filter = filterOf(FIVE)!;
    const row = { ["k".repeat(64)]: true };
    expect(filter.passes([row])).toBe(true);
    expect(filter.passes(["x".repeat(MAX_UNITS - 64 * 1000), ...new Array<unknown>(1001).fill(row)])).toBe(false);
  });

  test("counts what it read as steps, when it passes and when it does not", () => {
    const filter = filterOf(FIVE)!;
    filter.passes("x".repeat(1000));
    const once = filter.steps;
    expect(once).toBeGreaterThanOrEqual(1000);
    filter.passes(["x".repeat(1000), "password"]);
    expect(filter.steps).toBeGreaterThanOrEqual(once + 1000);
  });
});

test.each<readonly [string, readonly BlockedPattern[], boolean]>([
  ["a few words", FIVE, true],
  ["an empty match", ["password", regex("x*")], false],
  ["an empty match between boundaries", [regex("^$")], false],
  ["any character", [glob("?????????")], false],
  ["one letter", ["e"], false],
  ["two short words", ["qz", "zq"], true],
  ["a short word beside long ones", [...FIVE, "zq"], true],
  [
    "more words than can be told apart",
    "apple bread candy dough elbow flour grape honey icing jelly knife lemon mango noodle olive peach quince radish salad toast"
      .split(" "),
    false,
  ],
  ["many rare words", Array.from({ length: 65 }, (_, i) => `qzqzqz${i}`), false],
  ["only what is outside ASCII", ["密码"], true],
])("createFilter() makes one where it is worth it, when the patterns have %s", (_, patterns, isMade) => {
  expect(filterOf(patterns) !== undefined).toBe(isMade);
});

/** A pattern that never matches, and makes a matcher do without a filter. */
const NEVER: BlockedPattern = { regexp: /(?!)/ };

const piece = fc.constantFrom(
  "x",
  "q",
  "z",
  "j",
  "xq",
  "qz",
  "\\d",
  "\\s",
  "\\s+",
  " ",
  "\\n",
  "-",
  "[xq]",
  "[^a-p ]",
  "(z|jx)",
  "(xq|j)?",
  "z{2,3}",
  "q+",
  "\\b",
  "\\B",
  "^",
  "$",
  "(x{0,2}j)*",
  "1",
);
const pattern = fc.oneof(
  fc.string({ unit: fc.constantFrom("x", "q", "z", "j", "Q", " ", "-", "1", "\n"), minLength: 2, maxLength: 8 }),
  fc.array(piece, { minLength: 2, maxLength: 7 }).map((pieces) => regex(pieces.join(""))),
  fc.array(fc.constantFrom("x", "q", "z", "j", "?", "*", "[xq]", "[!a-p]", " "), { minLength: 2, maxLength: 7 }).map((
    pieces,
  ) => glob(pieces.join(""))),
);
const hex = (text: string): string => Array.from(text, (c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
const letters = fc.string({
  unit: fc.constantFrom("x", "q", "z", "j", "X", "Q", " ", "-", "1", "\n", "\t", "  ", "xq", "qz", "zj"),
  maxLength: 9,
});
const leaf = fc.oneof(
  { weight: 12, arbitrary: letters },
  { weight: 2, arbitrary: fc.constantFrom(0, 1, 11, 101, -1, 1.5, true, null, undefined) },
  { weight: 1, arbitrary: letters.map((text) => btoa(text)) },
  { weight: 1, arbitrary: letters.map((text) => btoa(`${text}${text}${text}`).replace(/.{12}/g, "$&\n  ")) },
  { weight: 1, arbitrary: letters.map((text) => btoa(`${text}${text}${text}`).replace(/.{8}/g, "$& ")) },
  {
    weight: 2,
    arbitrary: fc.tuple(letters, fc.constantFrom(1, 2, 3, 4, 5, 7), fc.constantFrom("\n", "\r\n", "\n\n  ", "\r> "))
      .map(([text, length, end]) =>
        btoa(`${text}${text}`).replace(new RegExp(`.{${length}}`, "g"), (line) => line + end)
      ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(letters, fc.constantFrom(1, 3, 5, 7), fc.constantFrom("\n", " ", ", ")).map((
      [text, length, end],
    ) => hex(`${text}${text}`).replace(new RegExp(`.{${length}}`, "g"), (line) => line + end)),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(letters, fc.constantFrom("", " ", ":", ",", ", ", "\n", "\r\n", " 0x", "0x", "\\x", " \\x"))
      .map(([text, between]) =>
        Array.from(text, (c) => between + c.charCodeAt(0).toString(16).padStart(2, "0")).join("")
      ),
  },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom("71", "7a", "78", "786a", "20", "7", "a", " ", ":", ", ", "0x", "2026", "-"), {
      maxLength: 14,
    }).map((pieces) => pieces.join("")),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("%71", "&#113;", "\\x71", "ｑ", "q\u200bz", "é", new Map([["q", "z"]]), {
      [Symbol("q")]: "z",
    }),
  },
);
const payload = fc.letrec<{ value: unknown; list: unknown[]; record: Record<string, unknown> }>((tie) => ({
  value: fc.oneof({ depthSize: "small" }, leaf, tie("list"), tie("record")),
  list: fc.array(tie("value"), { maxLength: 4 }),
  record: fc.dictionary(letters, tie("value"), { maxKeys: 3 }),
})).value;

test("search() answers the same with a filter and without, when patterns and payloads are random", () => {
  let passed = 0;
  fc.assert(
    fc.property(
      fc.array(pattern, { minLength: 1, maxLength: 4 }),
      fc.array(payload, { minLength: 1, maxLength: 6 }),
      (patterns, payloads) => {
        const filter = filterOf(patterns);
        const matcher = compileMatcher(patterns, "test()");
        const bare = compileMatcher([...patterns, NEVER], "test()");
        return payloads.every((value) => {
          const wanted = bare.search(value);
          if (matcher.search(value) !== wanted) return false;
          const isPlain = !(snapshot(value, capsOf("input"), false) instanceof Fault) && lastMet() === "json";
          const passes = isPlain && filter?.passes(value) === true;
          if (passes) passed++;
          return !isPlain || (matcher.search(value, true) === wanted && (!passes || wanted === NO_MATCH));
        });
      },
    ),
    { numRuns: 400 },
  );
  expect(passed).toBeGreaterThan(100);
});
