import { describe, expect, test } from "vitest";
import * as sallyport from "../../mod.ts";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow, denyBy } from "../../src/base/decision.ts";
import type { Stage } from "../../src/base/request.ts";
import { builtIn } from "../../src/guards/built-in.ts";
import { context, RecordingTaking, request } from "../helpers.ts";

describe("builtIn()", () => {
  test("is the check itself, with a name, stages and the mark of one that only reads", () => {
    const stages: Stage[] = ["input"];
    const check = () => allow();
    const guard = builtIn("calm", stages, check);
    stages.push("output");
    expect([guard, guard.name, guard.guardName, guard.stages, isReadOnly(guard), Object.isFrozen(guard.stages)])
      .toEqual([check, "calm", "calm", ["input"], true, true]);
  });

  test("answers denials that carry its name, when it is asked by hand", () => {
    const guard = builtIn("strict", ["input"], () => denyBy("strict", "action_blocked", "No"));
    expect(guard(request(), context(), new RecordingTaking())).toEqual({
      effect: "deny",
      allowed: false,
      code: "action_blocked",
      reason: "No",
      guard: "strict",
    });
  });
});

const { actionGuard, costBudget, timeLimit, tokenBudget, trustGate, validateArguments } = sallyport;
const { blockPatterns, contentHash, noLoops, pinTools, redactPatterns } = sallyport;

test.each<[string, sallyport.Guard]>([
  ["allowTools", sallyport.allowTools([])],
  ["blockPatterns", blockPatterns(["x"])],
  ["contentHash", contentHash({})],
  ["costBudget", costBudget(1, { estimateUsd: 1 })],
  ["denyTools", sallyport.denyTools([])],
  ["maxConcurrent", sallyport.maxConcurrent(1)],
  ["maxPayload", sallyport.maxPayload({ bytes: 1 })],
  ["maxToolCalls", sallyport.maxToolCalls(1)],
  ["minConfidence", sallyport.minConfidence(0.5)],
  ["noLoops", noLoops({ repeats: 1 })],
  ["pinTools", pinTools({})],
  ["rateLimit", sallyport.rateLimit({ max: 1, windowMs: 1 })],
  ["rateLimit", sallyport.rateLimit({ max: 1, windowMs: 1, stages: ["input"] })],
  ["redactPatterns", redactPatterns(["x"])],
  ["requireApproval", sallyport.requireApproval(["x"])],
  ["timeLimit", timeLimit(1)],
  ["tokenBudget", tokenBudget(1)],
  ["trustGate", trustGate(actionGuard())],
  ["validateArguments", validateArguments({})],
])("%s() makes a guard of that name", (name, guard) => {
  expect([guard.guardName, guard.name]).toEqual([name, name]);
});
