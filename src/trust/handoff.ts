import { functionOf, isWhole, ownOptions, wholeNumber } from "../base/check.ts";
import type { DecisionCode } from "../base/decision.ts";
import { type CapabilityMatching, inCommon, isHierarchical, missing } from "./covers.ts";
import { isSameAgent } from "../crypto/did.ts";
import { type Facts, factsIn, MAX_SCORE } from "./read-profile.ts";
import { requirementsOf } from "./fields.ts";
import { ALLOWED, lacking, nobody, notActive, tooLow, type Verdict } from "./judge.ts";
import type { AgentProfile } from "./profile.ts";

/** Whether one agent may hand a task to another, and with which capabilities. */
export interface HandoffResult {
  /** The answer. */
  readonly allowed: boolean;
  /** Who hands over; empty when that was no DID. */
  readonly fromDid: string;
  /** Who takes over; empty when that was no DID. */
  readonly toDid: string;
  /** For people; empty when allowed. */
  readonly reason: string;
  /**
   * `action_blocked`, `identity_unverified`, `agent_not_active`, `trust_too_low`, `missing_capabilities`, or empty when
   * allowed.
   */
  readonly code: DecisionCode;
  /** What both hold, sorted; nothing when denied. Who takes over may use these and no others. */
  readonly capabilities: readonly string[];
  /** How many hand-offs there are with this one, for the next one's `depth`; as given when denied. */
  readonly depth: number;
  /** When, in ms since the epoch. */
  readonly timestamp: number;
  /** Plain data. */
  toJSON(): object;
}

const WHERE = "checkHandoff()";
const KEYS = ["from", "to", "depth", "maxDepth", "minTrust", "capabilities", "capabilityMatching", "clock"] as const;

/**
 * Judges whether one agent may hand a task to another.
 *
 * Trust is mutual: both must have a well-formed DID and be active, with a score of at least `minTrust`. Nobody hands
 * over to themselves. `depth` is the number of hand-offs so far, 0 for the first; at `maxDepth` none is left, and one
 * that is no whole number denies, since it may come from a message. What is handed over is what both hold, so a chain
 * of hand-offs only ever narrows if each agent's profile carries what it was handed; `capabilities` are those the task
 * needs, and all must be among them.
 *
 * Defaults: `depth` 0, `maxDepth` 5 (whole, 0 to 16), `minTrust` 500 (0 to 1000), `capabilities` none,
 * `capabilityMatching` `"exact"`, `clock` `Date.now` (ms since the epoch).
 *
 * Denies with `action_blocked` (too deep, or to oneself), `identity_unverified`, `agent_not_active`, `trust_too_low` or
 * `missing_capabilities`.
 *
 * @throws {TypeError} If an option is unknown or of the wrong type, or a profile is of another copy of the package.
 * @throws {RangeError} If `maxDepth` or `minTrust` is out of its range, or a number stands where none belongs.
 * @example Usage
 * ```ts
 * import { agentProfile, checkHandoff } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const from = agentProfile({ did: "did:agentmesh:triage", name: "Triage", capabilities: ["read", "refund"], trustScore: 800 });
 * const to = agentProfile({ did: "did:agentmesh:billing", name: "Billing", capabilities: ["refund", "invoice"], trustScore: 700 });
 * const result = checkHandoff({ from, to, capabilities: ["refund"] });
 * assert.equal(result.allowed, true);
 * assert.deepEqual(result.capabilities, ["refund"]);
 * assert.equal(result.depth, 1);
 * ```
 */
export function checkHandoff(options: {
  from: AgentProfile;
  to: AgentProfile;
  depth?: number;
  maxDepth?: number;
  minTrust?: number;
  capabilities?: readonly string[];
  capabilityMatching?: CapabilityMatching;
  clock?: () => number;
}): HandoffResult {
  const own = ownOptions(WHERE, options, KEYS);
  const {
    depth = 0,
    maxDepth = 5,
    minTrust = 500,
    capabilities = [],
    capabilityMatching = "exact",
    clock = () => Date.now(),
  } = own;
  wholeNumber(WHERE, "maxDepth", maxDepth, 0, 16);
  wholeNumber(WHERE, "minTrust", minTrust, 0, MAX_SCORE);
  const wanted = requirementsOf(WHERE, "capabilities", capabilities);
  const hierarchical = isHierarchical(WHERE, capabilityMatching);
  functionOf(WHERE, "clock", clock);

  const from = factsIn(WHERE, "from", own.from), to = factsIn(WHERE, "to", own.to);
  let verdict = depthOf(depth, maxDepth) ?? part("from", from, minTrust) ?? part("to", to, minTrust);
  if (verdict === undefined && isSameAgent(from.did, to.did)) {
    verdict = { code: "action_blocked", reason: "An agent cannot hand off to itself" };
  }
  const common = verdict === undefined
    ? inCommon(from.capabilities as string[], to.capabilities as string[], hierarchical)
    : NONE;
  const count = verdict === undefined ? missing(common, wanted, hierarchical) : 0;
  if (count > 0) verdict = lacking(count, wanted.length);
  const { code, reason } = verdict ?? ALLOWED;
  const allowed = code === "";
  const data = {
    allowed,
    fromDid: from.did,
    toDid: to.did,
    reason,
    code,
    capabilities: allowed ? common : NONE,
    depth: allowed ? depth + 1 : depth,
    timestamp: clock(),
  };
  return Object.freeze({ ...data, toJSON: (): object => ({ ...data, capabilities: [...data.capabilities] }) });
}

const NONE: readonly string[] = Object.freeze([]);

function depthOf(depth: unknown, maxDepth: number): Verdict | undefined {
  return isWhole(depth, 0, maxDepth - 1)
    ? undefined
    : { code: "action_blocked", reason: `No hand-off is left: at most ${maxDepth} may follow each other` };
}

/** Why one of the two may not take part. */
function part(side: "from" | "to", { did, status, score, capabilities }: Facts, minTrust: number): Verdict | undefined {
  const name = side === "from" ? "The agent that hands over" : "The agent that takes over";
  const why = did === ""
    ? nobody()
    : status !== "active"
    ? notActive(status)
    : !(score >= minTrust)
    ? tooLow(score, minTrust)
    : capabilities === undefined
    ? {
      code: "missing_capabilities",
      reason: "Missing capabilities: what it holds is no list of strings that are not empty",
    }
    : undefined;
  return why === undefined ? undefined : { code: why.code, reason: `${name}: ${why.reason}` };
}
