import { ownOptions, wholeNumber } from "../base/check.ts";
import { type Deny, denyHere } from "../base/decision.ts";
import { canonicalAgentKey } from "../crypto/did.ts";
import { factsIn, MAX_SCORE } from "./read-profile.ts";
import type { AgentProfile } from "./profile.ts";

/** What the verifier itself knows about an agent, and what it asks of it. */
export interface StandingOptions {
  /**
   * The verifier's own record of the agent. Its DID must name the key that is proven, its status `active` and its score
   * a whole number from 0 to 1000. Absent: nothing is known, and only the proof counts.
   */
  readonly agent?: AgentProfile | undefined;
  /**
   * The least trust score, 0 to 1000. Without `agent` it denies: an unknown agent has no score. Default: none is asked
   * for.
   */
  readonly minTrustScore?: number | undefined;
}

/** The keys of {@linkcode StandingOptions}. */
export const STANDING = ["agent", "minTrustScore"] as const;

/**
 * Judges an agent's record before any signature: identity, then status, then score. Answers `undefined` where nothing
 * speaks against it.
 */
export async function judgeStanding(
  where: string,
  did: string | undefined,
  options: StandingOptions,
): Promise<Deny | undefined> {
  const { agent, minTrustScore } = ownOptions(where, options, STANDING);
  const least = minTrustScore === undefined
    ? undefined
    : wholeNumber(where, "minTrustScore", minTrustScore, 0, MAX_SCORE);
  if (agent === undefined) {
    return least === undefined
      ? undefined
      : denyHere("trust_too_low", "The agent is unknown, so it has no trust score");
  }
  const facts = factsIn(where, "agent", agent);
  if (did === undefined || canonicalAgentKey(facts.did) !== did) {
    return denyHere("identity_unverified", "The agent is not the one that is on record");
  }
  if (facts.status !== "active") return denyHere("agent_not_active", "The agent is not active");
  // Written so that NaN, which a malformed score has become, denies.
  if (!(facts.score >= (least ?? 0))) return denyHere("trust_too_low", "The agent's trust score is too low");
  return undefined;
}
