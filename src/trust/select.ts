import { ownOptions, wholeNumber, wrong } from "../base/check.ts";
import { type CapabilityMatching, isHierarchical, missing } from "./covers.ts";
import { factsIn, MAX_SCORE } from "./read-profile.ts";
import { requirementsOf } from "./fields.ts";
import type { AgentProfile } from "./profile.ts";

const WHERE = "selectAgents()";

/**
 * Chooses the agents that may do a task, the most trusted first.
 *
 * Only active agents with a well-formed DID, a score of at least `minTrust` and every one of `capabilities` are
 * answered, the very objects that were given; agents of equal trust stay in their order, and malformed ones are left
 * out. Each score is read once. The answer is a new array and grants nothing: the gate judges again when one of them
 * acts.
 *
 * Defaults: no capabilities, `minTrust` 500 (as the gate's; 0 to 1000), `capabilityMatching` `"exact"`.
 *
 * @throws {TypeError} If `agents` is no array, one of them is of another copy of the package, or an option is of the
 *   wrong type.
 * @throws {RangeError} If `minTrust` is no whole number from 0 to 1000, or a number stands where none belongs.
 * @example Usage
 * ```ts
 * import { agentProfile, selectAgents } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const novice = agentProfile({ did: "did:agentmesh:n", name: "Novice", capabilities: ["write"], trustScore: 550 });
 * const expert = agentProfile({ did: "did:agentmesh:e", name: "Expert", capabilities: ["write"], trustScore: 900 });
 * assert.deepEqual(selectAgents([novice, expert], { capabilities: ["write"] }), [expert, novice]);
 * ```
 */
export function selectAgents<A extends AgentProfile>(
  agents: readonly A[],
  options: { capabilities?: readonly string[]; minTrust?: number; capabilityMatching?: CapabilityMatching } = {},
): A[] {
  if (!Array.isArray(agents)) throw wrong(WHERE, "agents", "an array of agent profiles", agents);
  const own = ownOptions(WHERE, options, ["capabilities", "minTrust", "capabilityMatching"]);
  // Defaults stand for what was left out, never for `null`: that is a list or a number that failed to load.
  const { capabilities = [], minTrust = 500, capabilityMatching = "exact" } = own;
  const wanted = requirementsOf(WHERE, "capabilities", capabilities);
  wholeNumber(WHERE, "minTrust", minTrust, 0, MAX_SCORE);
  const hierarchical = isHierarchical(WHERE, capabilityMatching);
  return (agents as readonly A[])
    .map((agent, index) => ({ agent, facts: factsIn(WHERE, `agents[${index}]`, agent) }))
    .filter(({ facts: { did, status, score, capabilities: held } }) =>
      did !== "" && status === "active" && score >= minTrust && held !== undefined &&
      missing(held, wanted, hierarchical) === 0
    )
    .sort((one, other) => other.facts.score - one.facts.score)
    .map(({ agent }) => agent);
}
