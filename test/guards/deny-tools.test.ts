import { describe, expect, test } from "vitest";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow } from "../../src/base/decision.ts";
import { denyTools } from "../../src/guards/deny-tools.ts";
import { ask } from "../helpers.ts";

const DENIED = {
  effect: "deny",
  allowed: false,
  code: "tool_not_allowed",
  reason: "This tool is denied",
  guard: "denyTools",
};

describe("denyTools()", () => {
  test.each(["delete", "Delete", "DELETE", "drop_Table", "__proto__", "Constructor"])(
    "denyTools() denies, when the tool is %s",
    (name) => {
      expect(ask(denyTools(["Delete", "drop_table", "__proto__", "constructor"]), { name })).toEqual(DENIED);
    },
  );

  test.each(["search", "delet", "deletes", "toString", "hasOwnProperty"])(
    "denyTools() allows, when the tool is %s",
    (name) => {
      expect(ask(denyTools(["delete"]), { name })).toBe(allow());
    },
  );

  test("denyTools() allows every tool, when the list is empty", () => {
    expect(ask(denyTools([]), { name: "anything" })).toBe(allow());
  });

  test("denyTools() keeps its list, when the array is changed afterwards", () => {
    const names = ["delete"];
    const guard = denyTools(names);
    names.pop();
    expect(ask(guard, { name: "delete" })).toEqual(DENIED);
  });

  test("denyTools() judges before tool calls only, and never writes", () => {
    expect(denyTools([]).stages).toEqual(["pre_tool_call"]);
    expect(isReadOnly(denyTools([]))).toBe(true);
  });

  test.each([
    ["delete", '"names" must be an array of strings, and is "delete"'],
    [[5], '"names[0]" must be a string, and is 5'],
    [["delete "], '"names[0]" must be 1 to 128 letters, digits and _ . : / - *, and is "delete "'],
  ])("denyTools() throws a TypeError, when the names are %j", (names, message) => {
    expect(() => denyTools(names as string[])).toThrow(new TypeError(`Cannot build denyTools(): ${message}`));
  });
});
