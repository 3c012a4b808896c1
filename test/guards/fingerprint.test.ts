import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprint } from "../../src/guards/fingerprint.ts";
import { canonicalJson } from "../../src/crypto/canonical.ts";

/** The same data with the keys of every object in reverse order. */
function reversed(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(reversed);
  return Object.fromEntries(Object.entries(value).reverse().map(([key, item]) => [key, reversed(item)]));
}
const plain = fc.jsonValue({ maxDepth: 4 }).map((value) =>
  JSON.parse(JSON.stringify(value).replaceAll("__proto__", "proto")) as unknown
);

test("fingerprint() is a whole number of at most 53 bits and ignores the order of keys, whatever the data", () => {
  fc.assert(fc.property(plain, (value) => {
    const print = fingerprint(value);
    expect(Number.isSafeInteger(print) && print >= 0).toBe(true);
    expect(fingerprint(reversed(value))).toBe(print);
  }));
});

test("fingerprint() tells data apart, whatever they are", () => {
  fc.assert(fc.property(plain, plain, (a, b) => {
    expect(fingerprint(a) === fingerprint(b)).toBe(
      canonicalJson(JSON.parse(JSON.stringify(a))) === canonicalJson(JSON.parse(JSON.stringify(b))),
    );
  }));
});

test("fingerprint() tells values apart, when they only look alike", () => {
  const values = [
    undefined,
    null,
    "",
    "null",
    "undefined",
    0,
    "0",
    false,
    "false",
    1,
    "1",
    true,
    [],
    {},
    [[]],
    [{}],
    ["a", "b"],
    ["ab"],
    ["ab", ""],
    ["", "ab"],
    { a: "b" },
    { ab: "" },
    { a: undefined },
    { a: null },
    ["a", ["b"]],
    [["a"], "b"],
    [["a", "b"]],
    { a: { b: 1 } },
    { a: 1, b: 1 },
    NaN,
    Infinity,
    "\u0000",
    "\u0000\u0000",
    "a",
    "A",
    "é",
    "e\u0301",
    ["a\u0004", "b"],
    ["a", "\u0004b"],
    1e21,
    "1e21",
    7n,
    "7",
    -1,
    "-1",
  ];
  expect(new Set(values.map(fingerprint)).size).toBe(values.length);
});

test("fingerprint() tells kinds beyond JSON apart by what they hold, and knows them again", () => {
  const error = (fields: object, message = "x"): Error => Object.assign(new Error(message), fields);
  const bytes = (...values: number[]): Uint8Array => new Uint8Array(values);
  const values: readonly (() => unknown)[] = [
    () => [],
    () => [undefined],
    () => new Array(1),
    () => new Array(2),
    () => new Date(0),
    () => new Date(1),
    () => "1970-01-01T00:00:00.000Z",
    () => new URL("https://a.example/"),
    () => new URL("https://b.example/"),
    () => "https://a.example/",
    () => /a/,
    () => /a/i,
    () => "/a/",
    () => new Map(),
    () => new Map([["a", 1]]),
    () => new Map([["a", 2]]),
    () => new Set(),
    () => new Set(["a"]),
    () => new Set([["a", 1]]),
    () => error({}),
    () => error({}, "y"),
    () => error({ code: 1 }),
    () => error({ other: 1 }),
    () => new TypeError("x"),
    () => bytes(),
    () => bytes(255),
    () => bytes(254),
    () => bytes(255, 255),
    () => bytes(255).buffer,
    () => new Int8Array([-1]),
    () => new DataView(bytes(255).buffer),
    () => new Uint16Array([0xffff]),
  ];
  const prints = values.map((make) => fingerprint(make()));
  expect(new Set(prints).size).toBe(values.length);
  expect(values.map((make) => fingerprint(make()))).toEqual(prints);
});

test("fingerprint() spreads well, when texts differ by one letter or number", () => {
  const prints = Array.from({ length: 100_000 }, (_, i) => fingerprint(["search", { q: `page ${i}` }]));
  expect(new Set(prints).size).toBe(prints.length);
});
