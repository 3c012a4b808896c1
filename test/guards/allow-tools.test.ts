import { describe, expect, test } from "vitest";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow } from "../../src/base/decision.ts";
import { allowTools } from "../../src/guards/allow-tools.ts";
import { ask } from "../helpers.ts";

const DENIED = {
  effect: "deny",
  allowed: false,
  code: "tool_not_allowed",
  reason: "This tool is not allowed",
  guard: "allowTools",
  details: { allowed: ["search", "read_file"] },
};

describe("allowTools()", () => {
  test.each(["search", "read_file"])("allowTools() allows, when the tool is %s of the list", (name) => {
    expect(ask(allowTools(["search", "read_file"]), { name })).toBe(allow());
  });

  test.each([
    "delete",
    "Search",
    "SEARCH",
    "search ",
    " search",
    "search\u200B",
    "se\u0430rch",
    "search\n",
    "",
    "searc",
    "searchx",
    "toString",
    "constructor",
    "hasOwnProperty",
    "__proto__",
    "search\u0000",
    ["search"],
    { toString: () => "search" },
    undefined,
    null,
    0,
  ])("allowTools() denies, when the tool is %j", (name) => {
    expect(ask(allowTools(["search", "read_file"]), { name: name as string })).toEqual(DENIED);
  });

  test("allowTools() denies every tool, when the list is empty", () => {
    for (const name of ["anything", "", "__proto__"]) {
      expect(ask(allowTools([]), { name })).toMatchObject({ code: "tool_not_allowed" });
    }
  });

  test.each(["__proto__", "constructor", "a.b/c:d-e_F9", "x".repeat(128)])(
    "allowTools() takes the name %s like any other, when it is listed",
    (name) => {
      expect(ask(allowTools([name]), { name })).toBe(allow());
      expect(ask(allowTools([name]), { name: "toString" })).toMatchObject({ allowed: false });
    },
  );

  test("allowTools() keeps its list, when the array or the details are changed afterwards", () => {
    const names = ["search"];
    const guard = allowTools(names);
    names.push("delete");
    const first = ask(guard, { name: "delete" }) as { details?: { allowed: string[] } };
    first.details?.allowed.push("delete");
    expect(ask(guard, { name: "delete" })).toMatchObject({ details: { allowed: ["search"] } });
  });

  test("allowTools() judges before tool calls only, and never writes", () => {
    expect(allowTools([]).stages).toEqual(["pre_tool_call"]);
    expect(isReadOnly(allowTools([]))).toBe(true);
  });

  test.each([
    ["search", '"names" must be an array of strings, and is "search"'],
    [undefined, '"names" must be an array of strings, and is undefined'],
    [["a", 5], '"names[1]" must be a string, and is 5'],
    [["a", "b c"], '"names[1]" must be 1 to 128 letters, digits and _ . : / - *, and is "b c"'],
    [[""], '"names[0]" must be 1 to 128 letters, digits and _ . : / - *, and is ""'],
    [["?"], '"names[0]" must be 1 to 128 letters, digits and _ . : / - *, and is "?"'],
    [["x".repeat(129)], '"names[0]" must be 1 to 128'],
  ])("allowTools() throws a TypeError, when the names are %j", (names, message) => {
    expect(() => allowTools(names as string[])).toThrow(TypeError);
    expect(() => allowTools(names as string[])).toThrow(`Cannot build allowTools(): ${message}`);
  });
});
