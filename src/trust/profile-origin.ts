import type { StateStore } from "../state/store.ts";
import { isSameProfile, type Kept } from "./profile-merge.ts";
import { Profile } from "./profile-object.ts";
import type { AgentProfile } from "./profile.ts";

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

const MOST_VERSIONS = 8;
const MOST_AGENTS = 4096;

/** The versions that were seen in one store, of each agent: what a profile may come from that does not say it. */
export class Versions {
  /** `undefined`: more of them than are remembered. */
  readonly #seen = new Map<string, readonly Kept[] | undefined>();
  #hasForgotten = false;

  /** Notes one; `isFirst`: the store kept none of this agent before. */
  add(key: string, kept: Kept, isFirst: boolean): void {
    const before = this.of(key) ?? (isFirst ? [] : undefined);
    this.#seen.delete(key);
    if (this.#seen.size >= MOST_AGENTS) {
      this.#seen.delete(this.#seen.keys().next().value as string);
      this.#hasForgotten = true;
    }
    const isKnown = before?.some((one) => isSameProfile(one, kept)) === true;
    const isFull = before === undefined || before.length >= MOST_VERSIONS;
    this.#seen.set(key, isKnown ? before : isFull ? undefined : [...before, kept]);
  }

  /** All that were seen of an agent; `undefined` where some of them may be forgotten. */
  of(key: string): readonly Kept[] | undefined {
    return this.#seen.has(key) ? this.#seen.get(key) : this.#hasForgotten ? undefined : [];
  }
}
