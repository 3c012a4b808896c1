import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { driftOf, textOf } from "../../src/drift/drift-of.ts";
import { wordSimilarity } from "../../src/drift/word-similarity.ts";

describe("driftOf()", () => {
  test("driftOf() answers one minus the similarity at once, when the measure does", () => {
    expect(driftOf(wordSimilarity, "a b c d", "a b c x")).toBe(0.25);
  });

  test("driftOf() shows the measure the baseline first", () => {
    const seen: string[][] = [];
    driftOf((a, b) => (seen.push([a, b]), 1), "baseline", "output");
    expect(seen).toEqual([["baseline", "output"]]);
  });

  test("driftOf() answers later, when the measure does", async () => {
    const drift = driftOf(() => Promise.resolve(0.75), "a", "b");
    expect(drift).toBeInstanceOf(Promise);
    expect(await drift).toBe(0.25);
  });

  test.each([[0, 1], [1, 0]])("driftOf() takes %d", (similarity, drift) => {
    expect(driftOf(() => similarity, "a", "b")).toBe(drift);
  });

  test.each([[Number.NaN], [-0.001], [1.001], [Number.POSITIVE_INFINITY], [undefined], [null], ["0.5"], [true], [{}], [{
    valueOf: () => 0.5,
  }]])("driftOf() throws a TypeError, when the measure answers %s", async (answer) => {
    expect(() => driftOf(() => answer as number, "a", "b")).toThrow(TypeError);
    await expect(driftOf(() => Promise.resolve(answer as number), "a", "b")).rejects.toThrow(TypeError);
  });

  test("driftOf() says what came", () => {
    expect(() => driftOf(() => Number.NaN, "a", "b")).toThrow("A similarity must be a number from 0 to 1, and is NaN");
  });

  test("driftOf() passes on what the measure throws or rejects with", async () => {
    const error = new Error("no model");
    expect(() =>
      driftOf(
        () => {
          throw error;
        },
        "a",
        "b",
      )
    ).toThrow(error);
    await expect(driftOf(() => Promise.reject(error), "a", "b")).rejects.toBe(error);
  });
});

describe("textOf()", () => {
  const cycle: { text: string; self?: unknown } = { text: "once" };
  cycle.self = [cycle];
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  test.each<[string, unknown, string]>([
    ["a string", "as  it\nis", "as  it\nis"],
    ["an empty string", "", ""],
    ["a number", 42, "42"],
    ["a bigint", 10n, "10"],
    ["null", null, ""],
    ["undefined", undefined, ""],
    ["a boolean", true, ""],
    ["a symbol", Symbol("s"), ""],
    ["a function", () => "no", ""],
    ["leaves in order, without keys", { z: "one", a: ["two", { k: 3 }], m: null, y: "four" }, "one two 3 four"],
    ["integer keys first, as JavaScript orders them", { b: "last", 1: "first" }, "first last"],
    ["an object with toJSON", { text: "seen", toJSON: () => "forged" }, "seen"],
    ["an object with toString", { text: "seen", toString: () => "forged" }, "seen"],
    ["an accessor", {
      get text() {
        throw new Error("run");
      },
      other: "seen",
    }, "seen"],
    ["an own __proto__ key", JSON.parse('{"__proto__": "own"}'), "own"],
    ["inherited properties", Object.create({ text: "inherited" }), ""],
    [
      "a class instance",
      new (class {
        text = "seen";
      })(),
      "seen",
    ],
    ["bytes that are no text", { bytes: Uint8Array.of(255, 254), text: "seen" }, "seen"],
    ["bytes that are text", { bytes: new TextEncoder().encode("read"), text: "seen" }, "read seen"],
    ["a map, a set, an error, a date and a URL", [
      new Map([["key", "item"]]),
      new Set(["one"]),
      new Error("why"),
      new Date(0),
      new URL("https://a.example/"),
    ], "key item one Error why 1970-01-01T00:00:00.000Z https://a.example/"],
    ["a hole in an array", [, "after"], "after"], // oxlint-disable-line no-sparse-arrays
    ["a revoked proxy", [revoked.proxy, "after"], "after"],
    ["a proxy that throws", [
      "before",
      new Proxy({ a: 1 }, {
        ownKeys() {
          throw new Error("no");
        },
      }),
      "after",
    ], "before after"],
  ])("textOf() reads %s", (_, payload, text) => {
    expect(textOf(payload)).toBe(text);
  });

  test("textOf() ends, when a payload holds itself", () => {
    expect(textOf(cycle)).toBe(new Array(32).fill("once").join(" "));
  });

  test("textOf() leaves out what lies deeper than 64 levels", () => {
    const nest = (levels: number): unknown => (levels === 0 ? "deep" : [nest(levels - 1)]);
    expect(textOf(nest(64))).toBe("deep");
    expect(textOf(nest(65))).toBe("");
  });

  test("textOf() leaves out what lies behind the first 100 000 values", () => {
    expect(textOf([new Array(99_997).fill(true), "last", "out"])).toBe("last");
  });

  test("textOf() ends soon, when one large object stands in many places", () => {
    let reads = 0;
    const large = new Proxy(Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`key${at}`, true])), {
      getOwnPropertyDescriptor(target, key) {
        reads++;
        return Reflect.getOwnPropertyDescriptor(target, key);
      },
    });
    const inner = new Array(1000).fill(large);
    expect(textOf([inner, inner])).toBe("");
    // One to list a key and one to read it: of at most five such objects, not of two thousand.
    expect(reads).toBeGreaterThan(100_000);
    expect(reads).toBeLessThanOrEqual(2 * 5 * 20_000);
  });

  test("textOf() ends soon, when an array is very long and empty", () => {
    expect(textOf(new Array(4_000_000_000))).toBe("");
  });

  test("textOf() holds every string of a JSON value", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const strings: string[] = [];
        JSON.stringify(
          value,
          (
            _,
            item: unknown,
          ) => (typeof item === "string" || typeof item === "number" ? (strings.push(String(item)), item) : item),
        );
        expect(textOf(value)).toBe(strings.join(" "));
      }),
    );
  });
});
