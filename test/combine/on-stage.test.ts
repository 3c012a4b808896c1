import { describe, expect, test } from "vitest";
import { onStage } from "../../src/combine/on-stage.ts";
import { all } from "../../src/combine/all.ts";
import { allow, deny, transform } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import type { Stage } from "../../src/base/request.ts";
import { answering, ask } from "../helpers.ts";

const no = (stages?: readonly Stage[]): Guard =>
  stages === undefined
    ? answering("no", deny("no", "No"))
    : defineGuard({ name: "no", stages, check: () => deny("no", "No") });

describe("onStage()", () => {
  test.each(
    [
      [["input", "output"], undefined, ["input", "output"]],
      [["input", "output"], ["output", "pre_tool_call"], ["output"]],
    ] as const,
  )("onStage() judges at the stages of both, when it is given %j and the guard has %j", (given, stages, expected) => {
    expect(onStage(given, no(stages)).stages).toEqual(expected);
  });

  test.each([false, true])("onStage() answers as the guard, when it is asked (later: %s)", async (later) => {
    expect(await ask(onStage(["pre_tool_call"], answering("g", transform(1, "r"), later)))).toEqual({
      effect: "transform",
      allowed: true,
      payload: 1,
      reason: "r",
      guard: "g",
    });
  });

  test("onStage() is absent from all(), when the stage is another", async () => {
    const both = all(onStage(["output"], no()), answering("yes", allow()));
    expect((await ask(both, { stage: "input" })).allowed).toBe(true);
    expect((await ask(both, { stage: "output" })).allowed).toBe(false);
  });

  test.each([
    [
      ["Input"],
      no(),
      `"stages[0]" must be one of agent_startup, input, pre_model_call, post_model_call, pre_tool_call, post_tool_call, output, agent_shutdown, and is "Input"`,
    ],
    [[], no(), '"stages" must be an array of at least one stage, and is an array of 0'],
    ["input", no(), '"stages" must be an array of at least one stage, and is "input"'],
    [["input"], undefined, '"guard" must be a guard, and is undefined'],
  ])("onStage() throws, when it is given %j", (stages, guard, message) => {
    expect(() => onStage(stages as never, guard as Guard)).toThrow(new TypeError(`Cannot build onStage(): ${message}`));
  });

  test("onStage() throws, when no stage is left", () => {
    expect(() => onStage(["input"], no(["output"]))).toThrow(
      new TypeError("Cannot build onStage(): the guard judges at none of input"),
    );
  });

  test("onStage() keeps its stages, when the list is changed afterwards", () => {
    const stages: Stage[] = ["input"];
    const guard = onStage(stages, no());
    stages[0] = "output";
    expect(guard.stages).toEqual(["input"]);
  });
});
