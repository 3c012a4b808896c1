import { describe, expect, test } from "vitest";
import { allow, type Decision, deny, warn } from "../../src/base/decision.ts";
import { checkStages, defineGuard, type Guard, named, nameOf } from "../../src/base/guard.ts";
import type { Stage } from "../../src/base/request.ts";
import { ask, context, request, taking } from "../helpers.ts";

describe("defineGuard()", () => {
  test.each([false, true])("defineGuard() stamps its name, when check denies (later: %s)", async (later) => {
    const answer = deny("c", "r");
    const guard = defineGuard({ name: "g", check: () => (later ? Promise.resolve(answer) : answer) });
    expect(await ask(guard)).toEqual({ effect: "deny", allowed: false, code: "c", reason: "r", guard: "g" });
  });

  test("defineGuard() stamps warnings and passes a plain allowance as it is", async () => {
    expect(ask(defineGuard({ name: "g", check: () => allow() }))).toBe(allow());
    expect(ask(defineGuard({ name: "g", check: () => warn("w", "r") }))).toEqual({
      effect: "allow",
      allowed: true,
      warnings: [{ code: "w", reason: "r", guard: "g" }],
    });
  });

  test.each([undefined, "allow", { effect: "allow" }, Promise.resolve("allow")])(
    "defineGuard() denies with guard_error, when check answers %s",
    async (answer) => {
      expect(await ask(defineGuard({ name: "g", check: () => answer as Decision }))).toMatchObject({
        effect: "deny",
        code: "guard_error",
        guard: "g",
      });
    },
  );

  test("defineGuard() leaves errors to whoever asks, when check throws or rejects", async () => {
    const boom = new Error("boom");
    expect(() =>
      ask(defineGuard({
        name: "g",
        check: () => {
          throw boom;
        },
      }))
    ).toThrow(boom);
    await expect(ask(defineGuard({ name: "g", check: () => Promise.reject(boom) }))).rejects.toBe(boom);
  });

  test("defineGuard() hands request, context and taking to check, as they are", () => {
    const input = [request(), context(), taking()] as const;
    let seen: unknown[] = [];
    defineGuard({
      name: "g",
      check: (...given) => {
        seen = given;
        return allow();
      },
    })(...input);
    expect(seen.every((one, index) => one === input[index])).toBe(true);
  });

  test("defineGuard() makes a frozen guard that keeps its stages, when the list is changed afterwards", () => {
    const stages: Stage[] = ["input"];
    const guard = defineGuard({ name: "g", stages, check: () => allow() });
    stages.push("output");
    expect([guard.guardName, guard.name, guard.stages]).toEqual(["g", "g", ["input"]]);
    expect(() => Object.assign(guard, { stages: [] })).toThrow(TypeError);
    expect(defineGuard({ name: "g", check: () => allow() }).stages).toBeUndefined();
  });

  test.each([
    [{ name: "" }, '"name" must be a string that is not empty, and is ""'],
    [{ name: 5 }, '"name" must be a string that is not empty, and is 5'],
    [{ check: "allow" }, '"check" must be a function, and is "allow"'],
    [{ stages: [] }, '"stages" must be an array of at least one stage, and is an array of 0'],
    [{ stages: "input" }, '"stages" must be an array of at least one stage, and is "input"'],
    [
      { stages: ["input", "inputs"] },
      '"stages[1]" must be one of agent_startup, input, pre_model_call, post_model_call, pre_tool_call, post_tool_call, output, agent_shutdown, and is "inputs"',
    ],
  ])("defineGuard() throws a TypeError, when it is given %j", (fields, message) => {
    expect(() => defineGuard({ name: "g", check: () => allow(), ...fields } as never)).toThrow(
      new TypeError(`Cannot build defineGuard(): ${message}`),
    );
  });

  test.each([undefined, null, "g"])("defineGuard() throws a TypeError, when it is given %s", (value) => {
    expect(() => defineGuard(value as never)).toThrow(
      new TypeError(
        `Cannot build defineGuard(): "guard" must be an object, and is ${
          typeof value === "string" ? '"g"' : String(value)
        }`,
      ),
    );
  });
});

describe("names", () => {
  test.each([
    [Object.assign(() => allow(), { guardName: "own" }), "own"],
    [function plain() {
      return allow();
    }, "plain"],
    [(() => () => allow())(), "anonymous"],
    [Object.defineProperty(() => allow(), "name", { value: 5 }), "anonymous"],
    [Object.assign(() => allow(), { guardName: "" }), "anonymous"],
  ] as [Guard, string][])("nameOf() is the guard's own name, else its function's: case %#", (guard, expected) => {
    expect(nameOf(guard)).toBe(expected);
  });

  test("named() and checkStages() freeze what they give", () => {
    expect(Object.isFrozen(named((() => allow()) as Guard, "g", undefined))).toBe(true);
    expect(Object.isFrozen(checkStages("x()", ["input"]))).toBe(true);
  });
});

test("defineGuard() says what it does not know, and shows a guard's name and stages as fields of it", () => {
  const check = (): Decision => allow();
  expect(() => defineGuard({ name: "g", check, stage: "input" } as never)).toThrow(
    'Cannot build defineGuard(): "stage" must be one of the known options (name, stages, check), and is "input"',
  );
  expect(Object.keys(defineGuard({ name: "g", check, stages: ["input"] }))).toEqual(["guardName", "stages"]);
  expect(Object.keys(defineGuard({ name: "g", check }))).toEqual(["guardName"]);
});
