import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { digestOf, plainText, render } from "../../src/approval/digest.ts";

describe("plainText()", () => {
  test.each([
    [{ b: 1, a: [true, null] }, '{"a":[true,null],"b":1}'],
    [[undefined, NaN, -0, 0, Infinity], "[undefined,NaN,-0,0,Infinity]"],
    ["\ud800", '"\\ud800"'],
  ])("writes %j", (value, text) => {
    expect(plainText(value)).toBe(text);
  });

  test("is equal exactly where the data is, whatever the order of its keys", () => {
    const data = fc.object({
      values: [
        fc.string(),
        fc.double(),
        fc.boolean(),
        fc.constantFrom(null, undefined, -0, 0, NaN, "undefined", "NaN"),
      ],
      maxDepth: 2,
    });
    const turned = (value: unknown): unknown => {
      if (typeof value !== "object" || value === null) return value;
      return Array.isArray(value)
        ? value.map(turned)
        : Object.fromEntries(Object.entries(value).reverse().map(([key, item]) => [key, turned(item)]));
    };
    fc.assert(fc.property(data, data, (a, b) => {
      expect(plainText(turned(a))).toBe(plainText(a));
      expect(plainText(a) === plainText(b)).toBe(isDeepStrictEqual(a, b));
    }));
  });
});

describe("digestOf()", () => {
  test("differs by label and by data", async () => {
    const digests = await Promise.all([digestOf("a", 1), digestOf("a", 2), digestOf("b", 1), digestOf("a", "1")]);
    expect(new Set(digests).size).toBe(4);
    expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("render()", () => {
  test("shows nothing invisible, and nothing that turns the writing direction", () => {
    expect(render("pay", { to: "a\u202eb\u200bc\u00a0d\n\u{e0041}" })).toBe(
      'pay {"to":"a\\u{202e}b\\u{200b}c\\u{a0}d\\n\\u{e0041}"}',
    );
  });

  test("tells every cut", () => {
    expect(render("pay", { note: "x".repeat(500) })).toContain("… (100 more characters)");
    const long = render("pay", Array.from({ length: 100 }, () => "y".repeat(400)));
    expect(long.length).toBeLessThan(8100);
    expect(long).toMatch(/… \(\d+ more characters\)$/);
  });
});
