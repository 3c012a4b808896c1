import { checkStages, type Guard, stagesOf } from "../base/guard.ts";
import type { Stage } from "../base/request.ts";
import { askSafely } from "./ask-guard.ts";
import { around, checkGuard, inherit } from "./guard-traits.ts";

/**
 * Lets a guard judge only at the stages named, of those that are its own.
 *
 * @throws {TypeError} If a stage is unknown, `guard` is not a function, or no stage is left at which it would judge.
 * @example Usage
 * ```ts
 * import { blockPatterns, createKernel, onStage } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [onStage(["output"], blockPatterns(["secret"]))] }).session({ agentId: "a" });
 * assert.equal((await session.check({ stage: "input", name: "execute", payload: "secret" })).allowed, true);
 * assert.equal((await session.check({ stage: "output", name: "execute", payload: "secret" })).allowed, false);
 * ```
 */
export function onStage(stages: readonly Stage[], guard: Guard): Guard {
  checkGuard("onStage()", "guard", guard);
  const judging = common("onStage()", checkStages("onStage()", stages), guard);
  return inherit(
    around("onStage", guard, (request, context, taking) => askSafely(guard, request, context, taking), judging),
    [guard],
    false,
  );
}

/** The stages that both name. A guard that could never judge is a mistake. */
export function common(where: string, stages: readonly Stage[], guard: Guard): readonly Stage[] {
  const both = stages.filter((stage) => stagesOf(guard)?.includes(stage) ?? true);
  if (both.length === 0) throw new TypeError(`Cannot build ${where}: the guard judges at none of ${stages.join(", ")}`);
  return Object.freeze(both);
}
