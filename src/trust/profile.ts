// Who may act: profiles, scores, action guard, identities, cards, challenges, delegations.

import { ownOptions, stringList, wholeNumber, wrong } from "../base/check.ts";
import { refuseOtherCopy } from "../base/copy.ts";
import { bare } from "../base/own.ts";
import { capsOf, Fault, lastMet, snapshot, takeTwin } from "../snapshot/snapshot.ts";
import type { AgentProfile, AgentStatus } from "./agent.ts";
import { Profile } from "./profile-object.ts";
import { inheritOrigin } from "./profile-origin.ts";
import { isDid, MAX_SCORE } from "./read-profile.ts";
import { isText } from "./fields.ts";

export type { AgentProfile, AgentStatus } from "./agent.ts";

const WHERE = "agentProfile()";
const KEYS = ["did", "name", "capabilities", "trustScore", "status", "metadata"] as const;
const STATUSES: readonly unknown[] = ["active", "suspended", "revoked"];

/**
 * Makes an agent's profile: who it is, what it may do and how far it is trusted.
 *
 * The profile is frozen and everything in it is a copy, deeply; only a {@linkcode trustTracker} moves `trustScore`, and
 * the same object then shows the new score. A well-formed DID of any method is taken (`did:agentmesh:…`, `did:key:…`,
 * `did:web:…`; at most 512 characters, no segment `__proto__`); the whole DID is the agent's key. A profile *states*
 * who somebody is and proves nothing: see `verifyIdentity`. Only own properties of `init` are read.
 *
 * Defaults: no capabilities, `trustScore` 500, `status` `"active"`, empty `metadata`. Names and capabilities are 1 to
 * 256 characters without control, bidirectional and invisible ones.
 *
 * @throws {TypeError} If a field is malformed, or unknown: a misspelt `trustScore` would otherwise mean 500. If `init`
 *   is a profile of another copy of the package.
 * @throws {RangeError} If `trustScore` is no whole number from 0 to 1000, or a number stands where none belongs.
 * @example Usage
 * ```ts
 * import { agentProfile } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const deployer = agentProfile({ did: "did:agentmesh:deployer", name: "Deployer", capabilities: ["deploy"] });
 * assert.equal(deployer.trustScore, 500);
 * assert.equal(deployer.status, "active");
 * ```
 */
export function agentProfile(init: {
  did: string;
  name: string;
  capabilities?: readonly string[];
  trustScore?: number;
  status?: AgentStatus;
  metadata?: Readonly<Record<string, unknown>>;
}): AgentProfile {
  // What a class or a polluted prototype says is nobody's claim.
  refuseOtherCopy(WHERE, "init", init);
  const isObject = typeof init === "object" && init !== null && !Array.isArray(init);
  const own = ownOptions(WHERE, isObject ? bare(init) : init, KEYS);
  const { did, name, trustScore = 500, status = "active" } = own;
  if (!isDid(did)) throw wrong(WHERE, "did", "a DID such as did:agentmesh:deployer", did);
  if (!isText(name, 256)) {
    throw wrong(
      WHERE,
      "name",
      "a string of 1 to 256 characters without control, bidirectional and invisible ones",
      name,
    );
  }
  if (!STATUSES.includes(status)) throw wrong(WHERE, "status", "active, suspended or revoked", status);
  const profile = new Profile({
    did,
    name,
    capabilities: capabilitiesOf(own.capabilities),
    trustScore: wholeNumber(WHERE, "trustScore", trustScore, 0, MAX_SCORE),
    status: status as AgentStatus,
    metadata: metadataOf(own.metadata),
  });
  inheritOrigin(profile, own.capabilities, own.metadata);
  return profile;
}

function capabilitiesOf(value: unknown): readonly string[] {
  if (value === undefined) return Object.freeze([]);
  const list = stringList(WHERE, "capabilities", value);
  list.forEach((capability, index) => {
    if (!isText(capability, 256)) {
      throw wrong(
        WHERE,
        `capabilities[${index}]`,
        "a string of 1 to 256 characters without control, bidirectional and invisible ones",
        capability,
      );
    }
  });
  return Object.freeze(list);
}

function metadataOf(value: unknown): Readonly<Record<string, unknown>> {
  if (value === undefined) return Object.freeze({});
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(WHERE, "metadata", "an object", value);
  }
  const read = snapshot(value, capsOf("input"), true);
  const isSoft = lastMet() === "soft";
  const copy = takeTwin();
  if (read instanceof Fault) {
    throw new TypeError(`Cannot build ${WHERE}: "metadata" must be plain data, and has ${read.what} at ${read.path}`);
  }
  if (isSoft) throw wrong(WHERE, "metadata", "data that can be frozen, without dates, maps or bytes", value);
  return copy as Readonly<Record<string, unknown>>;
}
