import { numberBetween } from "../base/check.ts";
import { allow, denyBy } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import { ownField } from "../base/own.ts";
import { builtIn } from "./built-in.ts";
import { limitText, type PolicyField } from "./limit-text.ts";

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
  return minConfidenceOf(least, undefined);
}

/** The same, for a field of a policy. */
export function minConfidenceOf(least: number, field: PolicyField | undefined): Guard {
  const limit = numberBetween("minConfidence()", "least", least, 0, 1);
  const reason = `The answer is not confident enough: ${limitText("minConfidence", limit, field)}`;
  return builtIn("minConfidence", ["post_model_call"], ({ payload }) => {
    if (typeof payload !== "object" || payload === null) return allow();
    const confidence = ownField(payload as { confidence?: unknown }, "confidence");
    if (confidence === undefined) return allow();
    return typeof confidence === "number" && confidence >= limit && confidence <= 1
      ? allow()
      : denyBy("minConfidence", "low_confidence", reason, { least: limit });
  });
}
