import { describe, expect, test } from "vitest";
import { amend, deny, escalate, guardError } from "../../src/base/decision.ts";
import { isPolicyViolation, PolicyViolationError, violation } from "../../src/base/errors.ts";

describe("PolicyViolationError", () => {
  test("PolicyViolationError denies with action_blocked, when only a reason is given", () => {
    const error = new PolicyViolationError("Not now");
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.message, error.reason, error.code, error.stage, error.cause]).toEqual([
      "PolicyViolationError",
      "Not now",
      "Not now",
      "action_blocked",
      "input",
      undefined,
    ]);
    expect(error.decision).toEqual({ effect: "deny", allowed: false, code: "action_blocked", reason: "Not now" });
    expect(["guard" in error, "approval" in error, "cause" in error]).toEqual([false, false, false]);
  });

  test("PolicyViolationError keeps code and cause, when they are given", () => {
    const cause = new Error("x");
    const error = new PolicyViolationError("r", { code: "drift_exceeded", cause });
    expect([error.code, error.cause, error.decision]).toEqual(["drift_exceeded", cause, {
      effect: "deny",
      allowed: false,
      code: "drift_exceeded",
      reason: "r",
    }]);
  });
});

describe("toJSON()", () => {
  test("toJSON() is what may leave the process: no cause, no details and no decision", () => {
    const plain = violation("input", deny("action_blocked", "No", { secret: 1 }));
    expect(JSON.parse(JSON.stringify(plain))).toEqual({
      name: "PolicyViolationError",
      code: "action_blocked",
      reason: "No",
      stage: "input",
    });
    expect(Object.keys(plain.toJSON())).toEqual(["name", "code", "reason", "stage"]);
    const approval = { id: "q" } as never;
    const asked = violation("pre_tool_call", amend(escalate("Sure?"), { approval, guard: "g" }));
    expect(asked.toJSON()).toMatchObject({ code: "approval_required", guard: "g", approval });
  });
});

describe("violation()", () => {
  test("violation() carries the whole decision, when a gate denied", () => {
    const decision = amend(deny("tool_not_allowed", "No", { allowed: ["a"] }), { guard: "allowTools" });
    const error = violation("pre_tool_call", decision);
    expect([error.code, error.reason, error.guard, error.stage, error.decision, error.cause]).toEqual([
      "tool_not_allowed",
      "No",
      "allowTools",
      "pre_tool_call",
      decision,
      undefined,
    ]);
    expect(error.decision).toBe(decision);
  });

  test("violation() has the guard's failure as its cause, when a guard failed", () => {
    const cause = new Error("boom");
    expect(violation("input", guardError("g", cause)).cause).toBe(cause);
    expect("cause" in violation("input", guardError("g", "boom"))).toBe(false);
  });

  test("violation() carries the question, when nobody was there to answer it", () => {
    const approval = { id: "q" } as never;
    const error = violation("pre_tool_call", amend(escalate("Sure?", "payment"), { approval }));
    expect([error.code, error.approval, error.decision.effect]).toEqual(["approval_required", approval, "escalate"]);
  });
});

describe("isPolicyViolation()", () => {
  const brand = "sallyport.PolicyViolationError";
  test.each([
    ["one of ours", new PolicyViolationError("r"), true],
    ["one of another copy", Object.assign(new Error("r"), { "~brand": brand, code: "c", reason: "r" }), true],
    ["another error", new Error("r"), false],
    ["another error with a code and a reason", Object.assign(new Error("r"), { code: "c", reason: "r" }), false],
    ["nothing", undefined, false],
    ["one by name only", Object.assign(new Error("r"), { name: "PolicyViolationError" }), false],
    ["a brand without a code", { "~brand": brand, reason: "r" }, false],
    ["a brand without a reason", { "~brand": brand, code: "c" }, false],
    ["null", null, false],
    ["text", brand, false],
    [
      "a Proxy that throws",
      new Proxy({}, {
        get() {
          throw new Error("x");
        },
      }),
      false,
    ],
  ])("isPolicyViolation() of %s", (_, error, expected) => {
    expect(isPolicyViolation(error)).toBe(expected);
  });
});
