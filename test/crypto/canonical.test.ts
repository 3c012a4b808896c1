import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/crypto/canonical.ts";

describe("canonicalJson()", () => {
  test("agrees with RFC 8785, when it is the example of its section 3.2.2", () => {
    const input = JSON.parse(String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`) as unknown;
    expect(canonicalJson(input)).toBe(
      String
        .raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test("sorts keys by UTF-16 units, when they are those of RFC 8785 section 3.2.3", () => {
    const input = { "\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7 };
    expect(Object.values(JSON.parse(canonicalJson(input)) as object)).toEqual([4, 2, 6, 7, 1, 5, 3]);
  });

  test("writes the same text, whatever order the keys were set in", () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const turned = JSON.parse(
        JSON.stringify(value),
        (_, item: unknown) =>
          typeof item === "object" && item !== null && !Array.isArray(item)
            ? Object.fromEntries(Object.entries(item).reverse())
            : item,
      ) as unknown;
      fc.pre(!JSON.stringify(value).includes("__proto__"));
      return canonicalJson(value) === canonicalJson(turned);
    }));
  });

  test("keeps what it wrote, whatever the data", () => {
    fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      fc.pre(!JSON.stringify(value).includes("__proto__"));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }));
  });

  const cycle: unknown[] = [];
  cycle.push(cycle);
  test.each([
    ["NaN", { a: NaN }],
    ["an infinity", [Infinity]],
    ["undefined", { a: undefined }],
    ["a hole", [, 1]],
    ["a function", { toJSON: () => 1 }],
    ["a symbol", [Symbol("a")]],
    ["a key that is a symbol", { [Symbol("a")]: 1 }],
    ["a bigint", [1n]],
    ["half a surrogate pair", ["\ud83d"]],
    ["half a surrogate pair in a key", { "\udc00": 1 }],
    ["a date", [new Date(0)]],
    ["a map", { a: new Map() }],
    ["a cycle", cycle],
    ["a __proto__ key", JSON.parse('{"__proto__":{"admin":true}}')],
    ["33 levels", JSON.parse("[".repeat(34) + "]".repeat(34))],
    ["too many characters", ["x".repeat(300_000)]],
    ["too many items", new Array(300_000).fill(0)],
    ["a key that is too long", { ["x".repeat(300_000)]: 1 }],
  ])("throws a TypeError, when the data holds %s", (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  test("takes 32 levels, a half pair joined, and objects without prototype", () => {
    expect(canonicalJson(JSON.parse("[".repeat(33) + "]".repeat(33)))).toHaveLength(66);
    expect(canonicalJson(Object.assign(Object.create(null), { a: "\ud83d\ude00", b: -0 }))).toBe(
      '{"a":"\ud83d\ude00","b":0}',
    );
  });
});
