import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readJsonText } from "../../src/policy/json-text.ts";

test("readJsonText() reads what JSON.parse reads, when the text is JSON", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(undefined, 1, "\t"), (value, space) => {
      const text = JSON.stringify(value, null, space);
      expect(readJsonText(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 500 },
  );
});

test("readJsonText() refuses what JSON.parse refuses, and reads the same else, when the text is nearly JSON", () => {
  const broken = fc.tuple(
    fc.json({ maxDepth: 2 }),
    fc.nat(),
    fc.constantFrom("", ",", "}", "]", '"', "\\", "0", "-", " ", "e", ":", "\u0000", "\u00a0"),
  ).map(([text, at, part]) => {
    const cut = at % (text.length + 1);
    return text.slice(0, cut) + part + text.slice(cut + 1);
  });
  fc.assert(
    fc.property(broken, (text) => {
      let wanted: unknown;
      try {
        wanted = JSON.parse(text);
      } catch {
        expect(() => readJsonText(text)).toThrow(SyntaxError);
        return;
      }
      let read: unknown;
      try {
        read = readJsonText(text);
      } catch (error) {
        expect((error as Error).message).toContain("a key that stands once");
        return;
      }
      expect(read).toEqual(wanted);
    }),
    { numRuns: 2000 },
  );
});

describe("readJsonText() says where", () => {
  test.each([
    ["", "a value was wanted at line 1, column 1"],
    ["nul", "a value was wanted at line 1, column 1"],
    ["{} x", "the end was wanted at line 1, column 4"],
    ['{\n  "a": 1,\n}', "a key in double quotes was wanted at line 3, column 1"],
    ["{a: 1}", "a key in double quotes was wanted at line 1, column 2"],
    ['{"a" 1}', '":" was wanted at line 1, column 6'],
    ['{"a": 1 "b"}', '"," or "}" was wanted at line 1, column 9'],
    ["[1 2]", '"," or "]" was wanted at line 1, column 4'],
    ["[1,]", "a value was wanted at line 1, column 4"],
    ["[01]", '"," or "]" was wanted at line 1, column 3'],
    ['{"a": {"b": 1, "\\u0062": 2}}', "a key that stands once was wanted at line 1, column 16"],
    ['"a\nb"', "a value was wanted at line 1, column 1"],
    ["[".repeat(70), "nesting of at most 64 was wanted at line 1, column 66"],
  ])("%j", (text, message) => {
    expect(() => readJsonText(text)).toThrow(message);
  });
});

test("readJsonText() passes over a byte order mark", () => {
  expect(readJsonText("\ufeff {}")).toEqual({});
});

test("readJsonText() makes __proto__ a key like any other", () => {
  const read = readJsonText('{"__proto__": {"maxTokens": 1}}') as object;
  expect(Object.keys(read)).toEqual(["__proto__"]);
  expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
});

test("readJsonText() does not overflow the stack, when a string is very long", () => {
  const text = JSON.stringify('a"\\\n'.repeat(500_000));
  expect(readJsonText(text)).toBe(JSON.parse(text));
});
