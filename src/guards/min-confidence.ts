import { numberBetween } from "../check.ts";
import { allow, denyBy } from "../decision.ts";
import type { Guard } from "../guard.ts";
import { builtIn } from "./built-in.ts";

/**
 * Denies a model's answer that states less confidence than asked for.
 *
 * Looks at `confidence` of a `post_model_call` payload. An answer that states none passes: most models do not; one that
 * states something other than a number from 0 to 1 is denied.
 * Denies with `low_confidence`.
 *
 * @param least From 0 to 1.
 * @throws {RangeError | TypeError} If `least` is anything else.
 * @example Usage
 * ```ts
 * import { createKernel, minConfidence } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [minConfidence(0.8)] }).session({ agentId: "a" });
 * const payload = { content: "Perhaps", toolCalls: [], finishReason: "stop", confidence: 0.4 };
 * const decision = await session.check({ stage: "post_model_call", name: "m", payload });
 * assert.equal(decision.effect === "deny" && decision.code, "low_confidence");
 * ```
 */
export function minConfidence(least: number): Guard {
  const limit = numberBetween("minConfidence()", "least", least, 0, 1);
  return builtIn("minConfidence", ["post_model_call"], ({ payload }) => {
    if (typeof payload !== "object" || payload === null) return allow();
    const { confidence } = payload as { confidence?: unknown };
    if (confidence === undefined) return allow();
    return typeof confidence === "number" && confidence >= limit && confidence <= 1
      ? allow()
      : denyBy("minConfidence", "low_confidence", "The answer is not confident enough", { least: limit });
  });
}
