import { describe, expect, test } from "vitest";
import { capabilitiesOf, isText, isTime, ownFields } from "../../src/trust/fields.ts";

describe("ownFields()", () => {
  test("reads each field once, when all are known", () => {
    let reads = 0;
    const fields = ownFields({
      get a() {
        return ++reads;
      },
      b: undefined,
    }, ["a", "b", "c"]);
    expect(fields).toEqual({ a: 1, b: undefined });
    expect([fields?.["a"], reads, "c" in (fields as object)]).toEqual([1, 1, false]);
  });

  test("reads nothing inherited, when a prototype has the fields", () => {
    expect(ownFields(Object.create({ a: 1 }), ["a"])?.["a"]).toBeUndefined();
    expect(ownFields({}, ["toString"])?.["toString"]).toBeUndefined();
  });

  test.each([
    ["an unknown field", { b: 1 }],
    ["a hidden field", Object.defineProperty({}, "b", { value: 1 })],
    ["a symbol", { [Symbol("a")]: 1 }],
    ["a __proto__", JSON.parse('{"__proto__":1}')],
    ["an array", []],
    ["null", null],
    ["text", "a"],
    ["a getter that throws", {
      get a(): never {
        throw new Error("no");
      },
    }],
  ])("answers undefined, when it has or is %s", (_, value) => {
    expect(ownFields(value, ["a"])).toBeUndefined();
  });
});

test.each([
  [0, true],
  [1.8e12, true],
  [-1, false],
  [0.5, false],
  [NaN, false],
  [Infinity, false],
  [2 ** 53, false],
  ["1", false],
  [1n, false],
  [null, false],
  [undefined, false],
  [new Date(0), false],
])(
  "isTime() judges what is a time, when it is %o",
  (value, wanted) => expect(isTime(value)).toBe(wanted),
);

test.each([
  ["a", true],
  ["é 日本 👍", true],
  ["", false],
  ["xxxx xxxxx", true],
  ["xxxx xxxxxx", false],
  ["a\n", false],
  ["a\u001b[31m", false],
  ["a\u0085", false],
  ["a\u2028", false],
  ["a\u2029", false],
  ["a\u202eb", false],
  ["a\u2066b", false],
  ["a\u200bb", false],
  ["a\u00adb", false],
  ["a\ufeffb", false],
  ["a\u3164b", false],
  ["a\u{e0041}b", false],
  ["a\u2800b", false],
  [" ", false],
  ["\u00a0\u2003\u3000", false],
  ["a b", true],
  [" a ", true],
  ["\u00a0-", true],
  ["مرحبا", true],
  ["שלום", true],
  ["Ünïcode", true],
  ["नमस्ते", true],
  ["Ağrı 🤖", true],
  [1, false],
])(
  "isText() judges what is safe to log, when it is %o",
  (value, wanted) => expect(isText(value, 10)).toBe(wanted),
);

test("isText() answers false, when half of a surrogate pair stands alone", () => {
  expect(isText("\ud83d", 10)).toBe(false);
});

describe("capabilitiesOf()", () => {
  test("copies and freezes, when all are text", () => {
    const source = ["read", "write:*"];
    const copy = capabilitiesOf(source);
    source.push("admin");
    expect(copy).toEqual(["read", "write:*"]);
    expect(Object.isFrozen(copy)).toBe(true);
  });

  test.each([
    ["text", "read,admin"],
    ["not all text", ["read", 1]],
    ["an empty one", [""]],
    ["a long one", ["x".repeat(257)]],
    ["too many", new Array(257).fill("a")],
    ["holes", [, "a"]],
    ["nothing", undefined],
    [
      "a proxy that throws",
      new Proxy([], {
        get: () => {
          throw new Error("no");
        },
      }),
    ],
  ])("answers undefined, when it is %s", (_, value) => {
    expect(capabilitiesOf(value)).toBeUndefined();
  });
});
