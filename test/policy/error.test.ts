import { describe, expect, test } from "vitest";
import { isPolicyError, PolicyError } from "../../src/policy/error.ts";

describe("PolicyError", () => {
  test("PolicyError says what was wanted and what came, when there is one mistake", () => {
    expect(new PolicyError("definePolicy()", [{ path: "maxTokens", wanted: "a whole number >= 1", got: 0 }]).message)
      .toBe('Cannot build definePolicy(): "maxTokens" must be a whole number >= 1, and is 0');
  });

  test("PolicyError has a line for each mistake, when there are several", () => {
    const mistakes = [{ path: "a", wanted: "x", got: 0 }, { path: "", wanted: "a plain object", got: null }];
    expect(new PolicyError("definePolicy()", mistakes).message).toBe(
      'Cannot build definePolicy(): 2 mistakes\n  "a" must be x, and is 0\n  "policy" must be a plain object, and is null',
    );
  });

  test("PolicyError keeps its message short and its mistakes whole, when there are very many", () => {
    const error = new PolicyError(
      "definePolicy()",
      Array.from({ length: 25 }, (_, at) => ({ path: `a[${at}]`, wanted: "x", got: "y".repeat(1000) })),
    );
    expect(error.message.split("\n")).toHaveLength(22);
    expect(error.message).toContain("and 5 more");
    expect(error.message.length).toBeLessThan(3000);
    expect(error.mistakes).toHaveLength(25);
  });

  test("PolicyError shortens a path, when a key is very long", () => {
    expect(new PolicyError("x", [{ path: "k".repeat(500), wanted: "a known field", got: 1 }]).message.length)
      .toBeLessThan(200);
  });

  test("PolicyError is a TypeError with a code, a name and frozen mistakes", () => {
    const error = new PolicyError("x", [{ path: "a", wanted: "b", got: 1 }]);
    expect(error).toBeInstanceOf(TypeError);
    expect([error.code, error.name]).toEqual(["invalid_policy", "PolicyError"]);
    expect(Object.isFrozen(error.mistakes) && Object.isFrozen(error.mistakes[0])).toBe(true);
  });
});

test.each<[string, unknown, boolean]>([
  ["one", new PolicyError("x", []), true],
  ["one of another copy of the package", { "~brand": "sallyport.PolicyError" }, true],
  ["another TypeError", new TypeError("x"), false],
  ["null", null, false],
  ["a string", "sallyport.PolicyError", false],
])("isPolicyError() tells %s", (_, error, yes) => {
  expect(isPolicyError(error)).toBe(yes);
});
