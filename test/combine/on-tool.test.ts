import { describe, expect, test } from "vitest";
import { onTool } from "../../src/combine/on-tool.ts";
import { allow, type Deny, deny, escalate } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import type { Stage } from "../../src/base/request.ts";
import { answering, ask } from "../helpers.ts";

const no = (): Guard => answering("no", deny("no", "No"));
const at = (stages: readonly Stage[]): Guard => defineGuard({ name: "g", stages, check: () => deny("no", "No") });

describe("onTool() chooses tools", () => {
  test.each(
    [
      ["a name", "rm", "rm", false],
      ["a name", "rm", "ls", true],
      ["a name of another case", "rm", "RM", true],
      ["names", ["rm", "mv"], "mv", false],
      ["names", ["rm", "mv"], "cp", true],
      ["a predicate", (name: string) => name.startsWith("r"), "rm", false],
      ["a predicate", (name: string) => name.startsWith("r"), "ls", true],
      ["the name of something every object has", ["rm"], "constructor", true],
      ["the name of something every object has", ["__proto__"], "__proto__", false],
    ] as const,
  )("onTool() given %s (%s) lets %s pass: %s", async (_, names, name, passes) => {
    expect((await ask(onTool(names, no()), { name })).allowed).toBe(passes);
  });

  test.each([false, true])("onTool() answers as the guard, when the tool is named (later: %s)", async (later) => {
    expect(await ask(onTool("t", answering("g", escalate("?"), later)), { name: "t" })).toEqual({
      effect: "escalate",
      allowed: false,
      code: "approval_required",
      reason: "?",
      guard: "g",
    });
    expect(await ask(onTool(() => true, answering("g", escalate("?"), later)), { name: "t" })).toMatchObject({
      effect: "escalate",
      guard: "g",
    });
  });

  test.each([
    ["throws", () => {
      throw new Error("x");
    }],
    ["answers nothing", () => undefined],
    ["answers 1", () => 1],
    ["answers a promise", () => Promise.resolve(false)],
  ])("onTool() denies with the reason and does not ask, when the predicate %s", async (how, predicate) => {
    const inner = answering("g", allow());
    const decision = await ask(onTool(predicate as never, inner));
    expect(decision).toMatchObject({ effect: "deny", code: "guard_error", guard: "g" });
    expect(String((decision as Deny).details)).toMatch(
      how === "throws" ? /^Error: x$/ : "TypeError: The predicate of onTool() must answer true or false, and answered ",
    );
    expect(inner.asked).toEqual([]);
  });

  test("onTool() keeps its names, when the list is changed afterwards", async () => {
    const names = ["rm"];
    const guard = onTool(names, no());
    names[0] = "ls";
    expect((await ask(guard, { name: "rm" })).allowed).toBe(false);
  });
});

describe("onTool() has stages", () => {
  test.each(
    [
      [undefined, ["pre_tool_call", "post_tool_call"]],
      [["input", "pre_tool_call"], ["pre_tool_call"]],
      [["post_tool_call"], ["post_tool_call"]],
    ] as const,
  )("onTool() judges, of %j, at %j", (stages, expected) => {
    expect(onTool("t", stages === undefined ? no() : at(stages)).stages).toEqual(expected);
  });

  test("onTool() throws, when the guard judges no tools", () => {
    expect(() => onTool("t", at(["input"]))).toThrow(
      new TypeError("Cannot build onTool(): the guard judges at none of pre_tool_call, post_tool_call"),
    );
  });

  test.each([
    [[], '"names" must be a name, names or a function, and is an array of 0'],
    [["a", 5], '"names[1]" must be a string, and is 5'],
    [5, '"names" must be an array of strings, and is 5'],
    [undefined, '"names" must be an array of strings, and is undefined'],
  ])("onTool() throws, when the names are %j", (names, message) => {
    expect(() => onTool(names as never, no())).toThrow(`Cannot build onTool(): ${message}`);
  });

  test("onTool() throws, when it is given no guard", () => {
    expect(() => onTool("t", undefined as unknown as Guard)).toThrow(
      new TypeError('Cannot build onTool(): "guard" must be a guard, and is undefined'),
    );
  });
});

test("onTool() denies with guard_error and leaves no rejection unhandled, when the predicate is async and fails", async () => {
  const guard = onTool(
    (async () => {
      throw new Error("x");
    }) as never,
    answering("g", allow()),
  );
  expect(await ask(guard)).toMatchObject({ code: "guard_error" });
});
