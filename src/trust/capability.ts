import { type CapabilityMatching, covers, holds, inCommon, isHierarchical, missing } from "./covers.ts";
import { capabilityOf, requirementsOf } from "./fields.ts";
import { factsIn } from "./read-profile.ts";
import type { AgentProfile } from "./profile.ts";

export type { CapabilityMatching } from "./covers.ts";

/**
 * Tells whether holding one capability means holding another, when capabilities are hierarchical.
 *
 * A capability covers itself. `read:*` covers whatever lies below `read`, however deep (`read:db`, `read:db:users`),
 * and neither `read` itself nor `readonly:db`. `*` covers everything. An asterisk anywhere else is a letter like any
 * other, and a narrow capability never covers a broader one. A partial order: reflexive, antisymmetric and transitive.
 * Letter case counts.
 *
 * @throws {TypeError} If either is no string, or empty.
 * @example Usage
 * ```ts
 * import { capabilityCovers } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.equal(capabilityCovers("read:*", "read:db:users"), true);
 * assert.equal(capabilityCovers("read:*", "readonly:db"), false);
 * ```
 */
export function capabilityCovers(held: string, wanted: string): boolean {
  const where = "capabilityCovers()";
  return covers(capabilityOf(where, "held", held), capabilityOf(where, "wanted", wanted));
}

/**
 * Tells whether an agent holds a capability, compared exactly.
 *
 * A malformed agent holds nothing: a string is no list, so `"read,admin"` holds nothing, and neither does a list with
 * an empty string in it.
 *
 * @throws {TypeError} If the capability is no string, or empty: that is a mistake, and no question; or the
 *   agent is of another copy of the package.
 * @example Usage
 * ```ts
 * import { agentProfile, hasCapability } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const agent = agentProfile({ did: "did:agentmesh:a1", name: "Alpha", capabilities: ["read"] });
 * assert.equal(hasCapability(agent, "read"), true);
 * assert.equal(hasCapability(agent, "write"), false);
 * ```
 */
export function hasCapability(agent: AgentProfile, capability: string): boolean {
  const wanted = capabilityOf("hasCapability()", "capability", capability);
  return holds(factsIn("hasCapability()", "agent", agent).capabilities ?? [], wanted, false);
}

/**
 * Tells whether an agent holds every one of some capabilities, compared exactly. An empty list is held by everybody.
 *
 * A malformed agent holds nothing.
 *
 * @throws {TypeError} If what is required is no array, or one of it no string or empty; or the agent is of another copy
 *   of the package.
 * @example Usage
 * ```ts
 * import { agentProfile, hasAllCapabilities } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const agent = agentProfile({ did: "did:agentmesh:a1", name: "Alpha", capabilities: ["read", "write"] });
 * assert.equal(hasAllCapabilities(agent, ["read", "write"]), true);
 * assert.equal(hasAllCapabilities(agent, ["read", "deploy"]), false);
 * ```
 */
export function hasAllCapabilities(agent: AgentProfile, required: readonly string[]): boolean {
  const wanted = requirementsOf("hasAllCapabilities()", "required", required);
  const held = factsIn("hasAllCapabilities()", "agent", agent).capabilities;
  return held !== undefined && missing(held, wanted, false) === 0;
}

/**
 * Tells whether an agent holds at least one of some capabilities, compared exactly. Of an empty list nobody does.
 *
 * A malformed agent holds nothing.
 *
 * @throws {TypeError} If what is required is no array, or one of it no string or empty; or the agent is of another copy
 *   of the package.
 * @example Usage
 * ```ts
 * import { agentProfile, hasAnyCapability } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const agent = agentProfile({ did: "did:agentmesh:a1", name: "Alpha", capabilities: ["read"] });
 * assert.equal(hasAnyCapability(agent, ["read", "write"]), true);
 * assert.equal(hasAnyCapability(agent, []), false);
 * ```
 */
export function hasAnyCapability(agent: AgentProfile, required: readonly string[]): boolean {
  const wanted = requirementsOf("hasAnyCapability()", "required", required);
  const held = factsIn("hasAnyCapability()", "agent", agent).capabilities;
  return held !== undefined && missing(held, wanted, false) < wanted.length;
}

/**
 * Answers the capabilities that two holders have in common, sorted and each once.
 *
 * With `"hierarchical"`, the narrower of two that meet: `read:*` and `read:db` have `read:db` in common. Never more
 * than either side holds. Default `"exact"`.
 *
 * @throws {TypeError} If either side is no array of strings, or one of them is empty.
 * @example Usage
 * ```ts
 * import { commonCapabilities } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(commonCapabilities(["read:*", "deploy"], ["read:db"], "hierarchical"), ["read:db"]);
 * ```
 */
export function commonCapabilities(
  left: readonly string[],
  right: readonly string[],
  matching: CapabilityMatching = "exact",
): readonly string[] {
  const where = "commonCapabilities()";
  const ours = requirementsOf(where, "left", left), theirs = requirementsOf(where, "right", right);
  return inCommon(ours, theirs, isHierarchical(where, matching));
}
