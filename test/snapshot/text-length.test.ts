import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { textLength } from "../../src/snapshot/text-length.ts";

describe("textLength()", () => {
  test.each([
    ["abc", 3],
    ["", 0],
    ["😀", 2],
    [5, 0],
    [null, 0],
    [undefined, 0],
    [true, 0],
    [["ab", ["c"], 1], 3],
    [{ key: "ab", other: { deep: ["cd"] } }, 4],
    [[], 0],
  ])("textLength() counts the strings of %j, keys not included", (value, expected) => {
    expect(textLength(value)).toBe(expected);
  });

  test("textLength() counts an object as often as it stands there, when it is no cycle", () => {
    const one = { a: "xy" };
    expect(textLength([one, one])).toBe(4);
  });

  test("textLength() counts each object once and ends, when there is a cycle", () => {
    const self: Record<string, unknown> = { a: "abc", list: ["de"] };
    self["self"] = self;
    (self["list"] as unknown[]).push(self, self);
    expect(textLength(self)).toBe(5);
  });

  test("textLength() counts each object once and ends, when there are too many ways to it", () => {
    let value: unknown = ["ab"];
    for (let i = 0; i < 60; i++) value = [value, value];
    expect(textLength(value)).toBe(2);
  });

  test("textLength() counts no more than 1000 levels, when there are 100,000", () => {
    let value: unknown = "deep";
    for (let i = 0; i < 100_000; i++) value = { text: "x", value };
    expect(textLength(value)).toBe(1000);
  });

  test("textLength() is the length of all strings joined, when the data is any of JSON", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      const texts: string[] = [];
      JSON.stringify(value, (_key, one: unknown) => {
        if (typeof one === "string") texts.push(one);
        return one;
      });
      expect(textLength(value)).toBe(texts.join("").length);
    }));
  });
});
