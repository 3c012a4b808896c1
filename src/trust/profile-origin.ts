import type { StateStore } from "../state/store.ts";
import type { Kept } from "./profile-merge.ts";
import { Profile } from "./profile-object.ts";
import type { AgentProfile } from "./agent.ts";

/** What a store kept of an agent, when a profile was read from there or written there. */
export interface Version {
  readonly kept: Kept;
  /** The store's own name for it; `undefined` where the store did not say. */
  readonly version: string | undefined;
}

type Origin = ReadonlyMap<StateStore, Version>;

/**
 * Of which versions profiles come. Kept under the profile and under its list and its record, which belong to no other:
 * what is made of `{ ...profile }` still holds one of them, and so says itself where it comes from.
 */
const origins = new WeakMap<object, Origin>();

/** The version in a store that a profile was made from; `undefined` where nobody can tell. */
export function originOf(profile: AgentProfile, store: StateStore): Version | undefined {
  return origins.get(profile)?.get(store);
}

/** Notes what a profile is in a store from now on. */
export function setOrigin(profile: AgentProfile, store: StateStore, version: Version): void {
  note(profile, new Map(origins.get(profile)).set(store, version));
}

/** Has a new profile come from where the parts that it was made from do, unless they contradict each other. */
export function inheritOrigin(profile: AgentProfile, capabilities: unknown, metadata: unknown): void {
  const one = partOf(capabilities), other = partOf(metadata);
  const origin = one === undefined || one === other ? other : other === undefined ? one : undefined;
  if (origin !== undefined) note(profile, origin);
}

function partOf(value: unknown): Origin | undefined {
  return typeof value === "object" && value !== null ? origins.get(value) : undefined;
}

function note(profile: AgentProfile, origin: Origin): void {
  origins.set(profile, origin);
  // The list of a profile that was made by hand is its maker's, who may use it for others too.
  if (Profile.is(profile)) origins.set(profile.capabilities, origin).set(profile.metadata, origin);
}
