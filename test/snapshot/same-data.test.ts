import { describe, expect, test } from "vitest";
import { capsOf, DEFAULT_CAPS, limitsOf, readLimits } from "../../src/snapshot/caps.ts";
import { cut, plainText, sameData } from "../../src/snapshot/same-data.ts";
import { STAGES } from "../../src/base/request.ts";

const error = (fields: object, message = "m", kind: new (message: string) => Error = Error): Error =>
  Object.assign(new kind(message), fields, { stack: undefined });
const binary = (...bytes: number[]): Uint8Array => new Uint8Array(bytes);

/** Data of which no two are the same, each with its text. */
const DATA: readonly (readonly [() => unknown, string])[] = [
  [() => undefined, "undefined"],
  [() => null, "null"],
  [() => true, "true"],
  [() => 0, "0"],
  [() => -0, "-0"],
  [() => NaN, "NaN"],
  [() => -Infinity, "-Infinity"],
  [() => 7, "7"],
  [() => 7n, "7n"],
  [() => "7", '"7"'],
  [() => "\ud800", '"\\ud800"'],
  [() => [], "[]"],
  [() => [undefined], "[undefined]"],
  [() => new Array(1), "[hole]"],
  [() => [1, 2], "[1,2]"],
  [() => [1, [2]], "[1,[2]]"],
  [() => ({}), "{}"],
  [() => ({ a: undefined }), '{"a":undefined}'],
  [() => ({ b: undefined }), '{"b":undefined}'],
  [() => ({ b: 1, a: 2 }), '{"a":2,"b":1}'],
  [() => ({ 0: 1, 1: 2 }), '{"0":1,"1":2}'],
  [() => new Date(0), 'Date("1970-01-01T00:00:00.000Z")'],
  [() => new Date(1), 'Date("1970-01-01T00:00:00.001Z")'],
  [() => "1970-01-01T00:00:00.000Z", '"1970-01-01T00:00:00.000Z"'],
  [() => new URL("https://a.example/"), 'URL("https://a.example/")'],
  [() => new URL("https://b.example/"), 'URL("https://b.example/")'],
  [() => /a/g, 'RegExp("a","g")'],
  [() => /b/g, 'RegExp("b","g")'],
  [() => /a/i, 'RegExp("a","i")'],
  [() => new Map(), "Map{}"],
  [() => new Map<unknown, unknown>([["a", 1], [2, "b"]]), 'Map{"a"=>1,2=>"b"}'],
  [() => new Map<unknown, unknown>([[2, "b"], ["a", 1]]), 'Map{2=>"b","a"=>1}'],
  [() => new Set(), "Set{}"],
  [() => new Set(["a", 1]), 'Set{"a",1}'],
  [() => new Set([1, "a"]), 'Set{1,"a"}'],
  [() => binary(), 'Uint8Array("")'],
  [() => binary(97), 'Uint8Array("a")'],
  [() => binary(255, 1), "Uint8Array(ff01)"],
  [() => binary(255, 2), "Uint8Array(ff02)"],
  [() => binary(255, 1, 2), "Uint8Array(ff0102)"],
  [() => binary(255, 1).buffer, "ArrayBuffer(ff01)"],
  [() => new DataView(binary(255, 1).buffer), "DataView(ff01)"],
  [() => new Int8Array([-1, 1]), "Int8Array(ff01)"],
];

describe("plainText() and sameData()", () => {
  test.each(DATA)("plainText() writes data so that it can be told apart (%#)", (make, text) => {
    expect(plainText(make())).toBe(text);
  });

  test("sameData() holds of data that has the same text, and of no other", () => {
    const left = DATA.map(([make]) => make()), right = DATA.map(([make]) => make());
    for (const [i, a] of left.entries()) {
      expect(right.flatMap((b, j) => (sameData(a, b) ? [j] : [])), plainText(a)).toEqual([i]);
      expect(right.flatMap((b, j) => (sameData({ x: [a] }, { x: [b] }) ? [j] : [])), plainText(a)).toEqual([i]);
    }
  });

  test("sameData() compares objects by their own keys, in any order, whatever they inherit", () => {
    const bare = (fields: object): object => Object.assign(Object.create(null) as object, fields);
    expect([
      sameData({ a: 1, b: 2 }, { b: 2, a: 1 }),
      sameData(bare({ a: 1 }), { a: 1 }),
      sameData({ a: 1 }, bare({ a: 1 })),
      sameData({ toString: undefined }, { other: undefined }),
      sameData({ a: 1, b: 2 }, { a: 1 }),
      sameData({ a: 1 }, { a: 1, b: 2 }),
      sameData({ a: 1 }, null),
      sameData(null, { a: 1 }),
      sameData("a", ["a"]),
      sameData(["a"], "a"),
    ]).toEqual([true, true, true, false, false, false, false, false, false, false]);
  });

  test("sameData() and plainText() tell errors apart by kind and fields", () => {
    const errors = [
      () => error({}),
      () => error({}, "other"),
      () => error({}, "m", TypeError),
      () => error({ code: 1 }),
      () => error({ code: 2 }),
      () => error({ other: 1 }),
    ];
    const left = errors.map((make) => make()), right = errors.map((make) => make());
    expect(left.map((a) => right.flatMap((b, j) => (sameData(a, b) ? [j] : [])))).toEqual(
      errors.map((_, i) => [i]),
    );
    expect(new Set(left.map((one) => plainText(one))).size).toBe(errors.length);
    expect(plainText(error({ b: 1, a: [2] }))).toMatch(
      /^Error\{"name":"Error","message":"m",(?:.*,)?"a":\[2\],"b":1\}$/,
    );
  });

  test("what is not plain is only the same as itself", () => {
    const [one, other] = [new WeakMap(), new WeakMap()];
    expect([sameData(one, one), sameData(one, other), sameData(() => 1, () => 1)]).toEqual([true, false, false]);
  });

  test.each([
    ["abc", 3, '"abc"'],
    ["abcd", 3, '"abc… (1 more characters)"'],
    [binary(255, 1, 2), 3, "Uint8Array(ff0102)"],
    [binary(255, 1, 2), 2, "Uint8Array(ff01… (1 more bytes))"],
    [{ a: [new Map([["abcd", "efgh"]])] }, 2, '{"a":[Map{"ab… (2 more characters)"=>"ef… (2 more characters)"}]}'],
  ])("plainText() of %o with at most %i tells what it cuts", (value, longest, text) => {
    expect(plainText(value, longest)).toBe(text);
  });

  test("cut() leaves a text that is not longer", () => {
    expect([cut("abc", 3), cut("abc", 2), cut("", 0)]).toEqual(["abc", "ab… (1 more characters)", ""]);
  });
});

describe("caps", () => {
  test("capsOf() is the model's, the tool's or the run's, by the gate", () => {
    expect(STAGES.map((stage) => capsOf(stage).option)).toEqual([
      "limits.run",
      "limits.run",
      "limits.model",
      "limits.model",
      "limits.tool",
      "limits.tool",
      "limits.run",
      "limits.run",
    ]);
  });

  test("readLimits() replaces what is given and keeps the rest", () => {
    expect(readLimits("x()", undefined)).toBe(DEFAULT_CAPS);
    const caps = readLimits("x()", { tool: { bytes: 1, depth: 2, nodes: 3, binaryBytes: 4 }, model: { depth: 1000 } });
    expect(limitsOf(caps.tool)).toEqual({ bytes: 1, depth: 2, nodes: 3, binaryBytes: 4 });
    expect(limitsOf(caps.model)).toEqual({ ...limitsOf(DEFAULT_CAPS.model), depth: 1000 });
    expect(caps.run).toBe(DEFAULT_CAPS.run);
    expect([caps, caps.tool, limitsOf(caps.run)].map((one) => Object.isFrozen(one))).toEqual([true, true, true]);
    expect(caps.tool.option).toBe("limits.tool");
  });

  test.each([
    [{ tools: {} }, 'Cannot build x().limits: "tools" must be one of the known options (run, tool, model)'],
    [{ run: { chars: 1 } }, 'Cannot build x().limits.run: "chars" must be one of the known options'],
    [{ run: { depth: 1001 } }, 'Cannot build x().limits.run: "depth" must be a whole number from 0 to 1000'],
    [{ tool: { nodes: 1e7 + 1 } }, 'Cannot build x().limits.tool: "nodes" must be a whole number from 0 to 10000000'],
    [{ model: { bytes: -1 } }, 'Cannot build x().limits.model: "bytes" must be a whole number >= 0, and is -1'],
    [5, 'Cannot build x().limits: "options" must be an object, and is 5'],
  ])("readLimits() throws, when it is given %j", (limits, message) => {
    expect(() => readLimits("x()", limits)).toThrow(message);
  });
});
