import { isScore } from "./read-profile.ts";

/** What a score means, in a word. */
export type TrustTier = "untrusted" | "probationary" | "standard" | "trusted" | "verified";

/**
 * Names the tier of a score: `probationary` from 300, `standard` from 500, `trusted` from 700, `verified` from 900, and
 * below 300 `untrusted`.
 *
 * Anything but a whole number from 0 to 1000 is `untrusted`. A label for people and dashboards: gates compare scores.
 *
 * @example Usage
 * ```ts
 * import { trustTier } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.equal(trustTier(500), "standard");
 * assert.equal(trustTier(Number.NaN), "untrusted");
 * ```
 */
export function trustTier(score: number): TrustTier {
  if (!isScore(score) || score < 300) return "untrusted";
  if (score < 500) return "probationary";
  if (score < 700) return "standard";
  return score < 900 ? "trusted" : "verified";
}
