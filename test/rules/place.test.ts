import { describe, expect, test } from "vitest";
import { find, PlaceError, readPlace } from "../../src/rules/place.ts";

const at = (place: string, value: unknown) => {
  const { values, isUnknown } = find(readPlace(place), value);
  return isUnknown ? [...values, "unknown"] : values;
};

describe("places", () => {
  test.each<[string, unknown, unknown[]]>([
    ["to", { to: "a" }, ["a"]],
    ["message.to", { message: { to: "a" } }, ["a"]],
    ["to", { to: null }, []],
    ["to", { to: undefined }, []],
    ["to", {}, []],
    ["to.x", {}, []],
    ["to", { To: "a" }, ["unknown"]],
    ["to", { to: "a", TO: "b" }, ["a", "unknown"]],
    ["to.0", { to: ["a", "b"] }, ["a"]],
    ["to.2", { to: ["a", "b"] }, []],
    ["to.length", { to: ["a", "b"] }, [2]],
    ["to.length", { to: "a😀" }, [3]],
    ["to.length", { to: { length: 9 } }, [9]],
    ["to.length", { to: 7 }, ["unknown"]],
    ["to.0", { to: { 0: "key" } }, ["key"]],
    ["to.x", { to: ["a"] }, ["unknown"]],
    ["to.x", { to: "text" }, ["unknown"]],
    ["to.x", { to: new Map([["x", 1]]) }, ["unknown"]],
    ["to.*", { to: ["a", "b"] }, ["a", "b"]],
    ["to.*", { to: "a" }, ["a"]],
    ["to.*", { to: [] }, []],
    ["to.*", { to: [null, "a"] }, ["a"]],
    ["to.*.mail", { to: [{ mail: "a" }, { mail: "b" }] }, ["a", "b"]],
    ["to.*.mail", { to: [{ mail: "a" }, "b"] }, ["a", "unknown"]],
    ["**.url", { a: { url: 1 }, b: [{ url: 2, c: { url: 3 } }], url: 4 }, [4, 1, 2, 3]],
    ["**.url", { a: "url", b: [1, new Date(0)] }, []],
    ["**.url", { a: { URL: 1 } }, ["unknown"]],
    ["**.url", { a: new Map([["url", 1]]) }, ["unknown"]],
    ["**.url.host", { a: { url: { host: 1 } }, b: { url: "text" } }, [1, "unknown"]],
    ["a\\.b", { "a.b": 1 }, [1]],
    ["\\not", { not: 1 }, [1]],
    ["\\$x", { $x: 1 }, [1]],
    ["\\*", { "*": 1 }, [1]],
    ["\\0", ["a"], ["unknown"]],
    ["constructor", {}, []],
    ["__proto__", {}, []],
  ])("%s of %j is %j", (place, value, wanted) => expect(at(place, value)).toEqual(wanted));

  test("$payload is the payload itself, and what follows is in it", () => {
    expect(readPlace("$payload.to")).toMatchObject({ fact: "$payload", steps: [{ key: "to" }] });
  });

  test.each(["", ".", "a.", ".a", "a..b", "**", "a.**", "**.*", "**.**.a", "$nobody", "a\\"])(
    "%j is no place",
    (text) => expect(() => readPlace(text)).toThrow(PlaceError),
  );
});
