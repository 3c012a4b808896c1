import { describe, expect, test } from "vitest";
import { all } from "../../src/combine/all.ts";
import { any } from "../../src/combine/any.ts";
import { failOpen } from "../../src/combine/fail-open.ts";
import { not } from "../../src/combine/not.ts";
import { when } from "../../src/combine/when.ts";
import { allow, type Decision, deny, escalate, transform, warn } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import { answering, ask } from "../helpers.ts";

const BROKEN = ["guard_error", "guard_timeout", "store_unavailable", "audit_unavailable"];

describe("failOpen()", () => {
  test.each(BROKEN.flatMap((code) => [[code, false], [code, true]] as const))(
    "failOpen() allows with a warning, when the guard denies with %s (later: %s)",
    async (code, later) => {
      expect(await ask(failOpen(answering("g", deny(code, "Broken"), later)))).toEqual({
        effect: "allow",
        allowed: true,
        warnings: [{ code, reason: "Broken", guard: "g" }],
      });
    },
  );

  test.each([
    ["throws", () => {
      throw new Error("x");
    }],
    ["rejects", () => Promise.reject(new Error("x"))],
    ["answers nonsense", () => ({})],
  ])("failOpen() allows with a warning, when the guard %s", async (_, fail) => {
    expect(await ask(failOpen(Object.assign(fail as unknown as Guard, { guardName: "g" })))).toEqual({
      effect: "allow",
      allowed: true,
      warnings: [{ code: "guard_error", reason: 'Guard "g" failed, so the request was denied', guard: "g" }],
    });
  });

  test("failOpen() names the guard that broke, when it stands in another", async () => {
    const guard = failOpen(when(() => true, answering("g", deny("guard_error", "Broken"))));
    expect((await ask(guard)).warnings).toEqual([{ code: "guard_error", reason: "Broken", guard: "g" }]);
  });

  test.each([
    ["allow", allow()],
    ["allow with a warning", warn("w", "w")],
    ["deny", deny("tool_not_allowed", "No")],
    ["deny with a code like a broken one", deny("guard_error ", "No")],
    ["deny with payload_not_plain", deny("payload_not_plain", "No")],
    ["escalate", escalate("?", "guard_error")],
    ["transform", transform({}, "guard_error")],
  ] as [string, Decision][])("failOpen() answers as the guard, when it answers %s", async (_, answer) => {
    const inner = answering("g", answer);
    expect(await ask(failOpen(inner))).toEqual(await ask(when(() => true, inner)));
  });

  test("failOpen() keeps the guard's warnings, when it opens", async () => {
    const answer: Decision = {
      effect: "deny",
      allowed: false,
      code: "guard_error",
      reason: "x",
      warnings: [{ code: "w", reason: "w" }],
    };
    expect((await ask(failOpen(answering("g", answer)))).warnings?.map(({ code }) => code)).toEqual([
      "w",
      "guard_error",
    ]);
  });

  test("failOpen() keeps its warning in all(), when other guards judge", async () => {
    const flaky = failOpen(answering("g", deny("store_unavailable", "Down")));
    expect(await ask(all(flaky, answering("yes", allow())))).toMatchObject({
      effect: "allow",
      warnings: [{ code: "store_unavailable", guard: "g" }],
    });
    expect(await ask(all(flaky, answering("no", deny("no", "No"))))).toMatchObject({
      code: "no",
      warnings: [{ code: "store_unavailable" }],
    });
  });

  test("failOpen() keeps a warning of a second look, when the guard breaks only then", async () => {
    let looks = 0;
    const flaky: Guard = Object.assign(
      (() => {
        if (++looks === 2) throw new Error("x");
        return allow();
      }) as Guard,
      { guardName: "g" },
    );
    expect((await ask(all(failOpen(flaky), answering("t", transform({}, "r"))))).warnings).toMatchObject([{
      code: "guard_error",
      guard: "g",
    }]);
  });

  const part = (): Guard => answering("g", allow());
  test.each([
    ["all()", () => all(part(), part())],
    ["any()", () => any(part())],
    ["when() around all()", () => when(() => true, all(part()))],
    ["not() around when() around any()", () => not(when(() => true, any(part())), "r")],
  ])("failOpen() throws, when its guard is %s", (_, build) => {
    expect(() => failOpen(build())).toThrow(
      new TypeError('Cannot build failOpen(): "guard" must be a single guard, and is made of several'),
    );
  });

  test("failOpen() has its guard's stages, and throws, when it is given no guard", () => {
    expect(failOpen(defineGuard({ name: "g", stages: ["input"], check: () => allow() })).stages).toEqual(["input"]);
    expect(() => failOpen(null as unknown as Guard)).toThrow(
      new TypeError('Cannot build failOpen(): "guard" must be a guard, and is null'),
    );
  });
});
