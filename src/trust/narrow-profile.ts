import { Profile } from "./profile-object.ts";
import { inCommon } from "./covers.ts";
import type { AgentProfile } from "./profile.ts";

/**
 * The profile under which one agent acts for another: no capability, no score and no status better than either's.
 *
 * Its score follows both: a tracker that moves one of them moves it.
 */
export function narrowProfile(outer: AgentProfile, inner: AgentProfile): AgentProfile {
  const { did, name, metadata } = inner;
  const score = (): number => Math.min(outer.trustScore, inner.trustScore);
  const narrowed = new Profile({
    did,
    name,
    capabilities: inCommon(outer.capabilities, inner.capabilities, true),
    trustScore: score(),
    status: outer.status === "active" ? inner.status : outer.status,
    metadata,
  });
  Profile.narrow(narrowed, inner, score);
  return narrowed;
}
