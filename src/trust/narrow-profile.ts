import { commonCapabilities } from "./capability.ts";
import { Profile } from "./cell.ts";
import { type AgentProfile, agentProfile } from "./profile.ts";

/**
 * The profile under which one agent acts for another: no capability, no score and no status better than either's.
 *
 * Its score follows both: a tracker that moves one of them moves it.
 */
export function narrowProfile(outer: AgentProfile, inner: AgentProfile): AgentProfile {
  const { did, name, metadata } = inner;
  const narrowed = agentProfile({
    did,
    name,
    capabilities: commonCapabilities(outer.capabilities, inner.capabilities, "hierarchical"),
    trustScore: Math.min(outer.trustScore, inner.trustScore),
    status: outer.status === "active" ? inner.status : outer.status,
    metadata,
  });
  Profile.move(narrowed as Profile, narrowed.trustScore, () => Math.min(outer.trustScore, inner.trustScore));
  return narrowed;
}
