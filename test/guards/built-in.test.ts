import { describe, expect, test } from "vitest";
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
