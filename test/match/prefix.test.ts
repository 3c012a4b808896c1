import fc from "fast-check";
import { expect, test } from "vitest";
import { both, MAX_PREFIX, prefixOf, shareOf } from "../../src/match/prefix.ts";
import { parseRegex } from "../../src/match/syntax.ts";

/** Which of a few characters can stand at each place. */
function places(source: string): string[] {
  const { length, bits } = prefixOf(parseRegex(source));
  return Array.from(
    { length },
    (_, i) => Array.from("abcxyz1 ").filter((c) => (bits[c.charCodeAt(0)]! >> i) & 1).join(""),
  );
}

test.each<readonly [string, readonly string[]]>([
  ["abc", ["a", "b", "c"]],
  ["abcxyz1", ["a", "b", "c", "x", "y", "z"]],
  ["a|xy", ["ax"]],
  ["(a|xy)bc", ["ax", "by", "bc"]],
  ["a?b?c", ["abc"]],
  ["a*bcx", ["ab", "abc", "abcx"]],
  ["a{2}b", ["a", "a", "b"]],
  ["(ab){1,2}c", ["a", "b", "ac"]],
  ["(a?){3}xyz", ["ax", "axy", "axyz"]],
  ["(a?){9}x", ["ax"]],
  ["\\bab\\B", ["a", "b"]],
  ["^$", []],
  ["a*", []],
  ["a密|bc", ["ab", "c"]],
  ["[^\\s\\S]b", ["", "", "", "", "", ""]],
])("prefixOf() tells what can stand at each place, when the pattern is %s", (source, wanted) => {
  expect(places(source)).toEqual(wanted);
});

test("prefixOf() tells it for repeats nested as deep as may be, which would never end if each were passed twice", () => {
  expect(places(`${"(".repeat(50)}a${"*)".repeat(50)}*bc`)).toEqual(["ab", "abc"]);
});

const node = fc.letrec<{ node: string; term: string }>((tie) => ({
  term: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom("a", "b", "x", "[ab]", "[^a]", "\\b", "1"),
    tie("node").map((n) => `(${n})`),
    fc.tuple(tie("node"), fc.constantFrom("*", "+", "?", "{2}", "{1,3}", "{2,}")).map(([n, q]) => `(${n})${q}`),
  ),
  node: fc.oneof(
    { depthSize: "small" },
    fc.array(tie("term"), { minLength: 1, maxLength: 4 }).map((t) => t.join("")),
    fc.tuple(tie("term"), tie("node")).map(([a, b]) => `${a}|${b}`),
  ),
})).node;

test("prefixOf() tells of every match, when a regex and a text are random", () => {
  fc.assert(
    fc.property(node, fc.string({ unit: fc.constantFrom("a", "b", "x", "1"), maxLength: 6 }), (source, text) => {
      const { length, bits } = prefixOf(parseRegex(source));
      const whole = new RegExp(`^(?:${source.replaceAll("\\b", "")})$`, "i");
      return !whole.test(text) ||
        (length <= text.length &&
          Array.from(text.slice(0, length)).every((c, i) => ((bits[c.charCodeAt(0)]! >> i) & 1) === 1));
    }),
    { numRuns: 1000 },
  );
});

test("both() tells what either does, when it is asked about two patterns", () => {
  const { length, bits } = both(prefixOf(parseRegex("ab")), prefixOf(parseRegex("xyz")));
  expect([length, bits[97], bits[98], bits[120], bits[121]]).toEqual([2, 1, 2, 1, 2]);
});

test("shareOf() is smaller, when more characters are told or they are rarer", () => {
  const share = (source: string): number => shareOf(prefixOf(parseRegex(source)));
  expect(share("x*")).toBe(1);
  expect(share("\\w\\w")).toBeLessThan(share("\\w"));
  expect(share("q")).toBeLessThan(share("e"));
  expect(share("a".repeat(MAX_PREFIX + 1))).toBe(share("a".repeat(MAX_PREFIX)));
});
