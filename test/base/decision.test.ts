import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  allow,
  amend,
  type Decision,
  type Deny,
  deny,
  denyBy,
  escalate,
  escalationsIn,
  guardError,
  isThenable,
  joinEscalations,
  readAnswer,
  readDecision,
  transform,
  warn,
} from "../../src/base/decision.ts";

describe("the words", () => {
  test("allow() is always the same frozen object, when it is called again", () => {
    expect(allow()).toBe(allow());
    expect(allow()).toEqual({ effect: "allow", allowed: true });
    expect(Object.isFrozen(allow())).toBe(true);
  });

  test.each([
    ["warn()", warn("w", "why"), { effect: "allow", allowed: true, warnings: [{ code: "w", reason: "why" }] }],
    ["deny()", deny("c", "why"), { effect: "deny", allowed: false, code: "c", reason: "why" }],
    ["deny() with details", deny("c", "why", 0), {
      effect: "deny",
      allowed: false,
      code: "c",
      reason: "why",
      details: 0,
    }],
    ["transform()", transform([1], "why"), { effect: "transform", allowed: true, payload: [1], reason: "why" }],
    ["transform() to nothing", transform(undefined, "why"), {
      effect: "transform",
      allowed: true,
      payload: undefined,
      reason: "why",
    }],
    ["escalate()", escalate("why"), { effect: "escalate", allowed: false, code: "approval_required", reason: "why" }],
    ["escalate() with a code", escalate("why", "payment"), {
      effect: "escalate",
      allowed: false,
      code: "payment",
      reason: "why",
    }],
  ] as [string, Decision, unknown][])(
    "%s is a frozen decision with exactly its fields, when it is called",
    (_, decision, fields) => {
      expect(decision).toStrictEqual(fields);
      expect(Object.isFrozen(decision)).toBe(true);
      expect(decision.warnings === undefined || Object.isFrozen(decision.warnings)).toBe(true);
      expect(readDecision(decision)).toBe(decision);
    },
  );
});

describe("readDecision()", () => {
  const DENIED = {
    effect: "deny",
    allowed: false,
    code: "guard_error",
    reason: 'Guard "g" failed, so the request was denied',
    guard: "g",
    details: expect.any(Error),
  };

  test.each([
    ["allow", { effect: "allow", allowed: true }],
    ["deny", { effect: "deny", allowed: false, code: "c", reason: "r" }],
    ["deny with details", { effect: "deny", allowed: false, code: "c", reason: "r", details: { x: 1 } }],
    ["transform", { effect: "transform", allowed: true, payload: 1, reason: "r" }],
    ["escalate", { effect: "escalate", allowed: false, code: "c", reason: "r" }],
    ["escalate with a payload", { effect: "escalate", allowed: false, code: "c", reason: "r", payload: 1 }],
  ])("readDecision() copies, stamps and freezes, when a guard made %s by hand", (effect, by) => {
    const read = readDecision({ ...by, unknown: "dropped" }, "g");
    expect(read).toStrictEqual(effect === "allow" ? by : { ...by, guard: "g" });
    expect(Object.isFrozen(read)).toBe(true);
    expect(readDecision({ ...by }, undefined)).toStrictEqual(by);
  });

  test("readDecision() keeps the leaf's guard, when a combinator reads what a part answered", () => {
    const read = readDecision(readDecision(deny("c", "r"), "leaf"), "outer");
    expect((read as { guard?: string }).guard).toBe("leaf");
    expect(readDecision(read, "outer")).toBe(read);
  });

  test("readDecision() stamps warnings that name no guard, when a guard warned", () => {
    const warnings = [{ code: "a", reason: "r" }, { code: "b", reason: "r", guard: "leaf" }];
    expect(readDecision({ effect: "allow", allowed: true, warnings }, "g").warnings).toEqual([{
      code: "a",
      reason: "r",
      guard: "g",
    }, { code: "b", reason: "r", guard: "leaf" }]);
    expect(readDecision({ effect: "allow", allowed: true, warnings: [] }, "g")).toStrictEqual({
      effect: "allow",
      allowed: true,
    });
  });

  const hostile: [string, unknown][] = [
    ["nothing", undefined],
    ["null", null],
    ["true", true],
    ["a word", "allow"],
    ["a number", 1],
    ["a function", () => allow()],
    ["a symbol", Symbol("allow")],
    ["an array", [allow()]],
    ["no effect", { allowed: true }],
    ["an object's own idea of a string", { effect: new String("allow"), allowed: true }],
    ["another case", { effect: "Allow", allowed: true }],
    ["spaces", { effect: "allow ", allowed: true }],
    ["a Kelvin sign", { effect: "bloc\u212A", allowed: false, code: "c", reason: "r" }],
    ["a zero width space", { effect: "all\u200Bow", allowed: true }],
    ["a look-alike letter", { effect: "\u0430llow", allowed: true }],
    ["a fullwidth word", { effect: "\uFF41\uFF4C\uFF4C\uFF4F\uFF57", allowed: true }],
    ["a list of effects", { effect: ["allow"], allowed: true }],
    ["the effect of something every object has", { effect: "constructor", allowed: true }],
    ["allow that is not allowed", { effect: "allow", allowed: false }],
    ["allow without allowed", { effect: "allow" }],
    ["allow with a truthy allowed", { effect: "allow", allowed: 1 }],
    ["deny that is allowed", { effect: "deny", allowed: true, code: "c", reason: "r" }],
    ["escalate that is allowed", { effect: "escalate", allowed: true, code: "c", reason: "r" }],
    ["transform that is not allowed", { effect: "transform", allowed: false, payload: 1, reason: "r" }],
    ["transform without payload", { effect: "transform", allowed: true, reason: "r" }],
    ["deny without code", { effect: "deny", allowed: false, reason: "r" }],
    ["deny with an empty code", { effect: "deny", allowed: false, code: "", reason: "r" }],
    ["deny without reason", { effect: "deny", allowed: false, code: "c" }],
    ["a guard that is no name", { effect: "deny", allowed: false, code: "c", reason: "r", guard: 5 }],
    ["escalate with a code that is no string", { effect: "escalate", allowed: false, code: 7, reason: "r" }],
    ["warnings that are no list", { effect: "allow", allowed: true, warnings: "w" }],
    ["a warning that is nothing", { effect: "allow", allowed: true, warnings: [null] }],
    ["a warning without reason", { effect: "allow", allowed: true, warnings: [{ code: "c" }] }],
    ["a warning of a guard without a name", {
      effect: "allow",
      allowed: true,
      warnings: [{ code: "c", reason: "r", guard: 1 }],
    }],
    ["an effect that cannot be read", {
      get effect(): never {
        throw new Error("x");
      },
      allowed: true,
    }],
    [
      "a Proxy that throws",
      new Proxy({}, {
        get() {
          throw new Error("x");
        },
      }),
    ],
    [
      "a Proxy that was revoked",
      (() => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      })(),
    ],
  ];
  test.each(hostile)("readDecision() denies with guard_error, when it is given %s", (_, answer) => {
    expect(readDecision(answer, "g")).toStrictEqual(DENIED);
  });

  test.each<[unknown, string]>([
    [undefined, "A guard must answer a decision, and answered undefined"],
    [null, "A guard must answer a decision, and answered null"],
    ["yes", 'A guard must answer a decision, and answered "yes"'],
    [[], "A guard must answer a decision, and answered an array of 0"],
    [{ effect: "maybe" }, 'A decision\'s effect must be allow, deny, transform or escalate, and is "maybe"'],
    [{ effect: "allow" }, 'A decision with effect "allow" must have allowed true, and has undefined'],
    [{ effect: "deny", allowed: true }, 'A decision with effect "deny" must have allowed false, and has true'],
    [{ ...allow(), warnings: {} }, "A decision's warnings must be an array of { code, reason }"],
    [{ ...allow(), warnings: [{ reason: "r" }] }, "A decision's warnings must be an array of { code, reason }"],
    [{ effect: "deny", allowed: false, code: "c" }, "A decision's reason must be a string, and is undefined"],
    [{ ...deny("c", "r"), guard: 5 }, "A decision's guard must be a string, and is 5"],
    [{ ...deny("c", "r"), code: "" }, 'A decision\'s code must be a string, and is ""'],
    [{ effect: "transform", allowed: true, reason: "r" }, "A transform must have a payload"],
  ])("readDecision() says what is wrong, when it is given %j", (answer, message) => {
    expect((readDecision(answer) as Deny).details).toEqual(new TypeError(message));
  });

  test("readDecision() reads no details of what goes on, and names no guard that it does not know", () => {
    const changed = readDecision({ ...transform(1, "r"), details: 1 });
    expect(changed).toStrictEqual({ effect: "transform", allowed: true, payload: 1, reason: "r" });
    const warned = readDecision({ ...allow(), warnings: [{ code: "c", reason: "r" }] });
    expect(warned.warnings).toStrictEqual([{ code: "c", reason: "r" }]);
  });

  test("denyBy() names its guard, and has details where there are some", () => {
    expect([denyBy("g", "timeout", "r"), denyBy("g", "timeout", "r", 1)]).toStrictEqual([
      { effect: "deny", allowed: false, code: "timeout", reason: "r", guard: "g" },
      { effect: "deny", allowed: false, code: "timeout", reason: "r", guard: "g", details: 1 },
    ]);
  });

  test("readDecision() never allows, when any value is made up", () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true, withMap: true, withSparseArray: true }), (value) => {
      expect(readDecision(value, "g").effect).toBe("deny");
    }));
  });

  test("readDecision() reads every field once, when getters answer differently each time", () => {
    const reads: Record<string, number> = {};
    const changing = new Proxy({}, {
      get: (_, key) => {
        const count = (reads[String(key)] = (reads[String(key)] ?? 0) + 1);
        const first: Record<string, unknown> = {
          effect: "deny",
          allowed: false,
          code: "c",
          reason: "r",
          guard: "leaf",
          details: "d",
          warnings: undefined,
        };
        const later: Record<string, unknown> = { effect: "allow", allowed: true };
        return (count === 1 ? first : later)[String(key)];
      },
      has: () => true,
    });
    expect(readDecision(changing, "g")).toStrictEqual({
      effect: "deny",
      allowed: false,
      code: "c",
      reason: "r",
      guard: "leaf",
      details: "d",
    });
    expect(Object.values(reads).every((count) => count === 1)).toBe(true);
  });

  test("readDecision() keeps what it read, when the answer is changed afterwards", () => {
    const answer = { effect: "deny", allowed: false, code: "c", reason: "r" };
    const read = readDecision(answer, "g");
    Object.assign(answer, { effect: "allow", allowed: true });
    expect(read).toMatchObject({ effect: "deny", code: "c" });
    expect(() => Object.assign(read, { effect: "allow" })).toThrow(TypeError);
  });
});

describe("readAnswer()", () => {
  test.each([
    ["at once", allow(), allow()],
    ["later", Promise.resolve(deny("c", "r")), { effect: "deny", allowed: false, code: "c", reason: "r", guard: "g" }],
    ["by a thenable", { then: (yes: (value: unknown) => void) => yes(allow()) }, allow()],
  ])("readAnswer() reads what came %s", async (_, answer, expected) => {
    expect(await readAnswer(answer, "g")).toEqual(expected);
  });

  test("readAnswer() makes no promise, when the answer is there", () => {
    expect(readAnswer(allow(), "g")).toBe(allow());
    expect(readAnswer("nonsense", "g")).toMatchObject({ code: "guard_error" });
  });
});

describe("isThenable()", () => {
  test.each([
    [Promise.resolve(), true],
    [{ then() {} }, true],
    [Object.assign(() => {}, { then() {} }), true],
    [{ then: true }, false],
    [null, false],
    [undefined, false],
    [1, false],
    ["then", false],
    [() => {}, false],
  ])("isThenable() tells what await would wait for, when it is given %s", (value, expected) => {
    expect(isThenable(value)).toBe(expected);
  });
});

describe("guardError(), amend()", () => {
  test("guardError() keeps the cause in details only, when a guard failed", () => {
    const cause = new Error("a secret");
    expect(guardError("g", cause)).toStrictEqual({
      effect: "deny",
      allowed: false,
      code: "guard_error",
      reason: 'Guard "g" failed, so the request was denied',
      details: cause,
      guard: "g",
    });
    expect(guardError(undefined, cause)).not.toHaveProperty("guard");
  });

  test("amend() copies, replaces and freezes, and leaves the original, when fields are given", () => {
    const original = deny("c", "r");
    expect(amend(original, { reason: "s" })).toStrictEqual({ effect: "deny", allowed: false, code: "c", reason: "s" });
    expect(original.reason).toBe("r");
    expect(Object.isFrozen(amend(original, {}))).toBe(true);
  });

  test("amend() stands for the same escalations, when the original was joined", () => {
    const parts = [escalate("a"), escalate("b")];
    expect(escalationsIn(amend(joinEscalations(escalate("a; b"), parts), { reason: "x" }))).toBe(parts);
  });
});
