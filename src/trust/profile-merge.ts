import { jsonText, pickOwn } from "../base/own.ts";
import { MAX_SCORE } from "./read-profile.ts";
import type { AgentProfile, AgentStatus } from "./agent.ts";

/** What is kept of a profile. */
export type Kept = { readonly [K in keyof AgentProfile]: AgentProfile[K] };

/** What a profile says now. */
export function keptOf(profile: AgentProfile): Kept {
  const { did, name, capabilities, trustScore, status, metadata } = pickOwn(profile, PARTS) as AgentProfile;
  return { did, name, capabilities, trustScore, status, metadata };
}

const PARTS = ["did", "name", "capabilities", "trustScore", "status", "metadata"] as const;
const STRICTNESS: Readonly<Record<AgentStatus, number>> = { active: 0, suspended: 1, revoked: 2 };

/**
 * Puts what `ours` changed since `base` into `current`, which somebody else may have written meanwhile.
 *
 * Each change is kept for itself: a capability that one added and one that another removed, points that both moved the
 * score by, single fields of the metadata. Where both changed the same, the later one stands, but for the status: a
 * revocation is final, and a suspension is lifted only where `mayLift` says that whoever lifts it has seen it.
 */
export function mergeProfiles(base: Kept, ours: Kept, current: Kept, mayLift: boolean): Kept {
  const status = statusOf(base.status, ours.status, current.status, mayLift);
  // Nobody has written meanwhile: what was saved stands, in its own order.
  if (isSame(base, current)) return { ...ours, did: current.did, status };
  const removed = new Set(base.capabilities.filter((one) => !ours.capabilities.includes(one)));
  const added = ours.capabilities.filter((one) => !base.capabilities.includes(one));
  return {
    did: current.did,
    name: ours.name === base.name ? current.name : ours.name,
    capabilities: [...new Set([...current.capabilities.filter((one) => !removed.has(one)), ...added])],
    trustScore: Math.max(0, Math.min(MAX_SCORE, current.trustScore + ours.trustScore - base.trustScore)),
    status,
    metadata: mergeFields(base.metadata, ours.metadata, current.metadata),
  };
}

function statusOf(base: AgentStatus, ours: AgentStatus, current: AgentStatus, mayLift: boolean): AgentStatus {
  // Not changed here: what somebody else made of it stands.
  if (ours === base) return current;
  return mayLift && current !== "revoked" ? ours : stricter(current, ours);
}

function stricter(one: AgentStatus, other: AgentStatus): AgentStatus {
  return STRICTNESS[one] >= STRICTNESS[other] ? one : other;
}

type Fields = Readonly<Record<string, unknown>>;

function mergeFields(base: Fields, ours: Fields, current: Fields): Fields {
  const merged = new Map(Object.entries(current));
  for (const key of new Set([...Object.keys(base), ...Object.keys(ours)])) {
    if (isSame(own(base, key), own(ours, key))) continue;
    if (Object.hasOwn(ours, key)) merged.set(key, ours[key]);
    else merged.delete(key);
  }
  return Object.fromEntries(merged);
}

function own(fields: Fields, key: string): unknown {
  return Object.hasOwn(fields, key) ? fields[key] : undefined;
}

/** Whether two say the same, in whatever order. */
export function isSameProfile(one: Kept, other: Kept): boolean {
  const names = new Set([...Object.keys(one.metadata), ...Object.keys(other.metadata)]);
  return one.name === other.name && one.trustScore === other.trustScore && one.status === other.status &&
    isSame([...one.capabilities].sort(), [...other.capabilities].sort()) &&
    [...names].every((name) => isSame(own(one.metadata, name), own(other.metadata, name)));
}

function isSame(one: unknown, other: unknown): boolean {
  return jsonText(one) === jsonText(other);
}
