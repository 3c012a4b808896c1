import { functionOf, knownKeys } from "../check.ts";
import type { StateStore } from "../state/store.ts";
import { type AgentProfile, agentProfile } from "./profile.ts";

/** Keeps profiles in a store, so that they survive a restart. */
export interface ProfileStore {
  /** Keeps a profile as it is now, in place of what was kept under its DID. */
  save(profile: AgentProfile): Promise<void>;
  /** Reads the profile of a DID; `undefined` where none was kept. */
  load(did: string): Promise<AgentProfile | undefined>;
}

const WHERE = "profileStore()";
const TRIES = 8;

/**
 * Keeps profiles in a store of state: in memory, or wherever the store keeps them.
 *
 * What is read is validated like any other profile, and must be the one of the DID that was asked for: a damaged entry
 * is an error, and
 * never a default. Scores that a `trustTracker` keeps are its own: `tracker.load(profile)` puts them into a profile
 * that was read.
 *
 * `save` rejects where the store fails, or the entry changes with every try; `load` where the entry is damaged.
 *
 * @throws {TypeError} If the store is none, or an option is unknown.
 * @example Usage
 * ```ts
 * import { agentProfile, memoryStore, profileStore } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const profiles = profileStore({ store: memoryStore() });
 * await profiles.save(agentProfile({ did: "did:agentmesh:ada", name: "Ada", capabilities: ["read"] }));
 * assert.deepEqual((await profiles.load("did:agentmesh:ada"))?.capabilities, ["read"]);
 * assert.equal(await profiles.load("did:agentmesh:bob"), undefined);
 * ```
 */
export function profileStore(options: { readonly store: StateStore; readonly clock?: () => number }): ProfileStore {
  knownKeys(WHERE, options, ["store", "clock"]);
  const { store, clock = Date.now } = options;
  for (const method of ["read", "put"] as const) {
    functionOf(WHERE, `store.${method}`, (store as Partial<StateStore> | null | undefined)?.[method]);
  }
  functionOf(WHERE, "clock", clock);
  return Object.freeze({
    async save(profile: AgentProfile): Promise<void> {
      const { did, name, capabilities, trustScore, status, metadata } = profile;
      const text = JSON.stringify(agentProfile({ did, name, capabilities, trustScore, status, metadata }));
      const key = keyOf(did);
      for (let tries = 0; tries < TRIES; tries++) {
        const entry = await store.read(key);
        if ((await store.put(key, text, { ifVersion: entry?.version, now: clock() })) === true) return;
      }
      throw new Error(`The profile of ${did} could not be kept in store "${store.name}": it changes all the time`);
    },
    async load(did: string): Promise<AgentProfile | undefined> {
      const entry = await store.read(keyOf(did));
      if (entry === undefined) return undefined;
      const profile = agentProfile(JSON.parse(entry.value) as AgentProfile);
      if (profile.did !== did) {
        throw new TypeError(`The store "${store.name}" keeps another profile under ${JSON.stringify(did)}`);
      }
      return profile;
    },
  });
}

function keyOf(did: string): string {
  return JSON.stringify(["profile", did]);
}
