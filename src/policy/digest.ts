import { canonicalText } from "./order.ts";
import type { GovernancePolicy, PolicyInit } from "./policy.ts";

/** The fields by which a policy allows, asks or denies, sorted. */
export const DECIDING_FIELDS: readonly (keyof PolicyInit)[] = Object.freeze(
  [
    "allowedTools",
    "backpressureThreshold",
    "blockedPatterns",
    "confidenceThreshold",
    "deniedTools",
    "maxConcurrent",
    "maxTokens",
    "maxToolCalls",
    "requireHumanApproval",
    "rules",
    "timeoutMs",
    "trustedTools",
    "untrustedTools",
  ] as const,
);

/** Fields that are left out where they are empty: the digest of a policy without them is what it was before them. */
const MAY_BE_LEFT_OUT: readonly (keyof PolicyInit)[] = ["rules", "trustedTools", "untrustedTools"];

/**
 * Returns everything in a policy that decides, as canonical JSON text: what a digest of the policy is made of.
 *
 * Keys are sorted, lists are sorted sets, patterns stand as their canonical keys, and an absent `allowedTools` is
 * absent, as are rules, trusted and untrusted tools where there are none: two policies with one text decide alike.
 * `name`, `version`, `driftThreshold`, `logAllCalls` and `checkpointFrequency` do not decide and are left out.
 *
 * @example Usage
 * ```ts
 * import { definePolicy, policyText } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const text = policyText(definePolicy({ allowedTools: ["b", "a"] }));
 * assert.equal(text, policyText(definePolicy({ name: "other", allowedTools: ["a", "b", "a"] })));
 * assert.notEqual(text, policyText(definePolicy({ allowedTools: [] })));
 * ```
 */
export function policyText(policy: GovernancePolicy): string {
  const isSaid = (name: keyof PolicyInit): boolean =>
    !MAY_BE_LEFT_OUT.includes(name) || (policy[name] as readonly unknown[]).length > 0;
  return canonicalText(policy, DECIDING_FIELDS.filter(isSaid));
}
