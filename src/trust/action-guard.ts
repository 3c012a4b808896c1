import { functionOf, ownOptions, wholeNumber } from "../base/check.ts";
import { made } from "../base/copy.ts";
import type { DecisionCode } from "../base/decision.ts";
import { type CapabilityMatching, isHierarchical } from "./covers.ts";
import { MAX_SCORE } from "./read-profile.ts";
import { factsOf, judge, misnamed, registerJudge, scoreOf, type Verdict } from "./judge.ts";
import { compilePlans } from "./compile-rules.ts";
import type { ActionGuard, ActionResult, AgentProfile } from "./agent.ts";

export type { ActionGuard, ActionResult } from "./agent.ts";

class Result implements ActionResult {
  readonly allowed: boolean;
  readonly agentDid: string;
  readonly action: string;
  readonly reason: string;
  readonly code: DecisionCode;
  readonly trustScore: number;
  readonly timestamp: number;

  constructor(verdict: Verdict, did: string, action: string, score: number, timestamp: number) {
    this.allowed = verdict.code === "";
    this.agentDid = did;
    this.action = action;
    this.reason = verdict.reason;
    this.code = verdict.code;
    this.trustScore = score >= 0 ? score : 0;
    this.timestamp = timestamp;
  }

  toJSON(): object {
    return { ...this };
  }
}

const WHERE = "actionGuard()";
const KEYS = [
  "minTrustScore",
  "sensitiveActions",
  "blockedActions",
  "requiredCapabilities",
  "capabilityMatching",
  "clock",
] as const;

/**
 * Makes the gate that says who may act: it judges an agent's status, trust and capabilities for an action.
 *
 * The first rule that fails decides: the action is blocked; the agent has no well-formed DID; its status is not exactly
 * `"active"`; its score is below the action's threshold (`sensitiveActions`, else `minTrustScore`; a score on the
 * threshold passes, and a threshold of an action may be lower than the global one); it lacks a capability, of
 * `requiredCapabilities` for that action or of the call's own list. Names are compared exactly, except that a name
 * which differs from a configured one only by letter case, compatibility form or invisible characters is blocked with
 * it, and needs at least its threshold and capabilities.
 *
 * An action is called as tools are: letters, digits and `_ . : / -`, after `model:` any printable ASCII. Another name
 * is blocked: in a letter that only looks like another one it would get round every list.
 *
 * `check` never throws for what it is shown. A profile is usually one of {@linkcode agentProfile}, but any object of
 * that shape is judged, field by field, each read once: a score that is not a whole number from 0 to 1000, capabilities
 * that are no array of strings, or an action that is no string of 1 to 512 characters denies. Required capabilities
 * that are no list of strings, or hold an empty one, deny; `null` is no list asked for. A profile of another copy of
 * the package is nobody's. Reasons name no capability that was missing.
 *
 * Defaults: `minTrustScore` 500, nothing sensitive, nothing blocked, nothing required, `capabilityMatching` `"exact"`
 * (`"hierarchical"`: as in {@linkcode capabilityCovers}), `clock` `Date.now` (ms since the epoch). Options are copied.
 *
 * Denies with `action_blocked`, `identity_unverified`, `agent_not_active`, `trust_too_low` or `missing_capabilities`.
 *
 * @throws {TypeError} If an option is unknown or of the wrong type, or names what cannot be an action; the message says
 *   which.
 * @throws {RangeError} If a threshold is no whole number from 0 to 1000 (`NaN` above all, which nothing is below), or a
 *   number stands where none belongs.
 * @example Usage
 * ```ts
 * import { actionGuard, agentProfile } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const guard = actionGuard({ minTrustScore: 500, sensitiveActions: { deploy: 900 }, blockedActions: ["drop_database"] });
 * const agent = agentProfile({ did: "did:agentmesh:deployer", name: "Deployer", trustScore: 750 });
 * assert.equal(guard.check(agent, "search").allowed, true);
 * assert.equal(guard.check(agent, "deploy").code, "trust_too_low");
 * assert.equal(guard.check(agent, "DROP_DATABASE").code, "action_blocked");
 * ```
 */
export function actionGuard(options: {
  minTrustScore?: number;
  sensitiveActions?: Readonly<Record<string, number>>;
  blockedActions?: readonly string[];
  requiredCapabilities?: Readonly<Record<string, readonly string[]>>;
  capabilityMatching?: CapabilityMatching;
  clock?: () => number;
} = {}): ActionGuard {
  const {
    minTrustScore = 500,
    sensitiveActions = {},
    blockedActions = [],
    requiredCapabilities = {},
    capabilityMatching = "exact",
    clock = () => Date.now(),
  } = ownOptions(WHERE, options, KEYS);
  wholeNumber(WHERE, "minTrustScore", minTrustScore, 0, MAX_SCORE);
  const planOf = compilePlans(WHERE, { minTrustScore, sensitiveActions, blockedActions, requiredCapabilities });
  const hierarchical = isHierarchical(WHERE, capabilityMatching);
  functionOf(WHERE, "clock", clock);

  const guard: ActionGuard = Object.freeze(made({
    check(agent: AgentProfile, action: string, required?: readonly string[]): ActionResult {
      const facts = factsOf(agent);
      const score = scoreOf(facts);
      const verdict = misnamed(action) ?? judge(planOf(action), facts, score, action, required, hierarchical);
      return new Result(verdict, facts.did, typeof action === "string" ? action : "", score, clock());
    },
  }));
  registerJudge(guard, (agent, action) => {
    const facts = factsOf(agent);
    return misnamed(action) ?? judge(planOf(action), facts, scoreOf(facts), action, undefined, hierarchical);
  });
  return guard;
}
