import { expect, test } from "vitest";
import { collectTexts, MAX_DEPTH, MAX_NODES, MAX_UNITS } from "../../src/match/collect.ts";

class Box {
  readonly content = "inside";
}
const cycle: Record<string, unknown> = { a: "x" };
cycle["self"] = cycle;

test.each<readonly [string, unknown, readonly string[], readonly string[]]>([
  ["plain data", { a: ["x", { b: "y" }], c: 1, d: true, e: null, f: undefined, g: 2n }, [
    "a",
    "b",
    "c",
    "d",
    "e",
    "f",
    "g",
  ], ["x", "y", "1", "2"]],
  ["a string", "x", [], ["x"]],
  ["a Map", new Map<unknown, unknown>([["k", "v"], [{ o: "p" }, "q"]]), ["k", "o"], ["v", "p", "q"]],
  ["a Set", new Set(["v", ["w"]]), [], ["v", "w"]],
  ["an instance", new Box(), ["content"], ["inside"]],
  ["bytes", new TextEncoder().encode("héllo"), [], ["héllo"]],
  ["a buffer", new TextEncoder().encode("hello").buffer, [], ["hello"]],
  ["a view of a part", new DataView(new TextEncoder().encode("hello").buffer, 1, 3), [], ["ell"]],
  ["a boxed string", Object.assign(new String("hey"), { extra: "x" }), ["extra"], ["hey", "x"]],
  ["a boxed number", new Number(5), [], ["5"]],
  ["symbols", { [Symbol("key")]: Symbol("value"), bare: Symbol() }, ["bare", "key"], ["", "value"]],
  ["a hidden property", Object.defineProperty({}, "h", { value: "x", enumerable: false }), ["h"], ["x"]],
  ["a property of a list", Object.assign(["x"], { extra: "y" }), ["extra"], ["x", "y"]],
  ["a cycle", cycle, ["a", "self"], ["x"]],
  ["functions", { f: () => "x" }, ["f"], []],
])("collectTexts() finds keys and values, when the payload is or has %s", (_, payload, keys, leaves) => {
  expect(collectTexts(payload)).toEqual({ keys, leaves, capped: false });
});

test("collectTexts() finds the name, message and cause of an error", () => {
  // Some runtimes give errors properties of their own, such as a line: they come on top.
  const { keys, leaves, capped } = collectTexts(new TypeError("broken", { cause: "why" }));
  expect([keys.slice(0, 2), leaves.slice(0, 3), capped]).toEqual([
    ["message", "cause"],
    ["TypeError", "broken", "why"],
    false,
  ]);
});

function nested(depth: number): unknown {
  let value: unknown = "x";
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

test("collectTexts() is capped, when a payload is one level too deep", () => {
  expect(collectTexts(nested(MAX_DEPTH + 1)).capped).toBe(false);
  expect(collectTexts(nested(MAX_DEPTH + 2)).capped).toBe(true);
});

test("collectTexts() is capped, when a payload has one value too many", () => {
  expect(collectTexts(new Array(MAX_NODES - 1).fill(1)).capped).toBe(false);
  expect(collectTexts(new Array(MAX_NODES).fill(1)).capped).toBe(true);
});

test("collectTexts() is capped, when its texts are one unit too long together", () => {
  const half = "x".repeat(MAX_UNITS / 2);
  expect(collectTexts([half, half]).capped).toBe(false);
  expect(collectTexts([half, half, "x"]).capped).toBe(true);
  expect(collectTexts(new Uint8Array(MAX_UNITS + 1)).capped).toBe(true);
});

test("collectTexts() throws what a getter throws, when a property cannot be read", () => {
  expect(() =>
    collectTexts({
      get x(): string {
        throw new Error("no");
      },
    })
  ).toThrow("no");
});
