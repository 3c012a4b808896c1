import { describe, expect, test } from "vitest";
import { all } from "../../src/combine/all.ts";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow } from "../../src/base/decision.ts";
import { requireApproval } from "../../src/guards/require-approval.ts";
import { ask, context, request, taking } from "../helpers.ts";

const ASKED = {
  effect: "escalate",
  allowed: false,
  code: "approval_required",
  reason: "A person must approve this tool call",
  guard: "requireApproval",
};

describe("requireApproval()", () => {
  test.each(
    [
      ["every tool", undefined, "anything", true],
      ["names", ["pay", "Delete"], "pay", true],
      ["names", ["pay", "Delete"], "PAY", true],
      ["names", ["pay", "Delete"], "delete", true],
      ["names", ["pay"], "payment", false],
      ["names", ["pay"], "toString", false],
      ["names", ["__proto__"], "__proto__", true],
      ["a predicate", (): boolean => true, "x", true],
      ["a predicate", (): boolean => false, "x", false],
    ] as const,
  )("requireApproval() given %s (%o) asks about %s: %s", async (_, tools, name, asked) => {
    expect(await ask(requireApproval(tools), { name })).toEqual(asked ? ASKED : allow());
  });

  test("requireApproval() shows request and context to the predicate", () => {
    const seen: unknown[] = [];
    const [about, where] = [request({ payload: { amount: 5 } }), context()];
    requireApproval((r, c) => (seen.push(r, c), false))(about, where, taking());
    expect(seen[0]).toBe(about);
    expect(seen[1]).toBe(where);
  });

  test.each([
    ["throws", () => {
      throw new Error("x");
    }],
    ["answers nothing", () => undefined],
    ["answers 0", () => 0],
    ["answers a promise", () => Promise.resolve(false)],
  ])("requireApproval() denies in its place, when the predicate %s", async (how, predicate) => {
    const decision = await ask(all(requireApproval(predicate as unknown as () => boolean)));
    expect(decision).toMatchObject({ effect: "deny", code: "guard_error", guard: "requireApproval" });
    expect(String((decision as { details: unknown }).details)).toMatch(
      how === "throws"
        ? /^Error: x$/
        : "TypeError: The predicate of requireApproval() must answer true or false, and answered ",
    );
  });

  test("requireApproval() keeps its names, when the list is changed afterwards", () => {
    const names = ["pay"];
    const guard = requireApproval(names);
    names[0] = "other";
    expect(ask(guard, { name: "pay" })).toEqual(ASKED);
  });

  test("requireApproval() judges before tool calls only, and never writes unless a predicate might", () => {
    for (const guard of [requireApproval(), requireApproval(() => true)]) {
      expect(guard.stages).toEqual(["pre_tool_call"]);
    }
    expect([isReadOnly(requireApproval()), isReadOnly(requireApproval(["a"])), isReadOnly(requireApproval(() => true))])
      .toEqual([true, true, false]);
  });

  test.each([
    [[], '"tools" must name at least one tool, and is an empty list'],
    ["pay", '"tools" must be an array of strings, and is "pay"'],
    [true, '"tools" must be an array of strings, and is true'],
    [["pay", 5], '"tools[1]" must be a string, and is 5'],
    [["pay now"], '"tools[0]" must be 1 to 128 letters, digits and _ . : / - *, and is "pay now"'],
  ])("requireApproval() throws a TypeError, when it is given %j", (tools, message) => {
    expect(() => requireApproval(tools as string[])).toThrow(
      new TypeError(`Cannot build requireApproval(): ${message}`),
    );
  });
});
