import { jsonText, memberOf, ownField, pickOwn } from "../base/own.ts";
import { functionOf, ownOptions, wrong } from "../base/check.ts";
import { refuseOtherCopy } from "../base/copy.ts";
import type { StateEntry, StateStore } from "../state/store.ts";
import { canonicalAgentKey } from "../crypto/did.ts";
import { type Kept, keptOf, mergeProfiles } from "./profile-merge.ts";
import { type AgentProfile, agentProfile } from "./profile.ts";

/** Keeps profiles in a store, so that they survive a restart. */
export interface ProfileStore {
  /**
   * Keeps what a profile changed since the one that it was made from, and answers the profile as it is kept now.
   *
   * `from` is what it was made from. Absent: the profile itself, where it was loaded from this store or saved there
   * before, else what was loaded last, else what is kept now. What others saved meanwhile stays: capabilities and
   * fields of the metadata that they added or removed, their name, the points by which they moved the score. `revoked`
   * is final, and a suspension is lifted only by a profile that was made `from` the suspended one.
   */
  save(profile: AgentProfile, options?: { readonly from?: AgentProfile }): Promise<AgentProfile>;
  /** Reads the profile of an agent, by either DID of its key; `undefined` where none was kept. */
  load(did: string): Promise<AgentProfile | undefined>;
}

const WHERE = "profileStore()";
const TRIES = 8;

/**
 * Keeps profiles in a store of state: in memory, or wherever the store keeps them.
 *
 * What is read is validated like any other profile, and must be the one of the DID that was asked for: a damaged entry
 * is an error, and never a default. Scores that a `trustTracker` keeps are its own: `tracker.load(profile)` puts them
 * into a profile that was read.
 *
 * Several processes may save at once: each change is put into what is there then, and none is lost. A profile is kept
 * under the one name of its agent ({@linkcode canonicalAgentKey}).
 *
 * `save` rejects where the store fails, the entry is damaged, or it changes with every try; `load` where the entry is
 * damaged.
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
  const { store, clock = Date.now } = ownOptions(WHERE, options, ["store", "clock"]);
  for (const method of ["read", "put"] as const) {
    functionOf(WHERE, `store.${method}`, memberOf(store, method));
  }
  functionOf(WHERE, "clock", clock);
  const seen = seenIn(store);
  /** What was loaded last: what a profile that is made anew was made from, as far as can be told. */
  const loaded = new Map<string, Kept>();
  const parse = (key: string, value: string): AgentProfile => {
    const profile = agentProfile(JSON.parse(value) as AgentProfile);
    if (keyOf(profile.did) !== key) {
      throw new TypeError(`The store "${store.name}" keeps another profile under ${key}`);
    }
    return profile;
  };
  return Object.freeze({
    async save(profile: AgentProfile, options: { readonly from?: AgentProfile } = {}): Promise<AgentProfile> {
      const { from } = ownOptions("save()", options, ["from"]);
      refuseOtherCopy("save()", "profile", profile);
      refuseOtherCopy("save()", "from", from);
      // Checked and copied at once: whoever holds a profile that was made by hand may change it while the store is asked.
      const ours = keptOf(agentProfile(keptOf(profile)));
      const key = keyOf(ours.did);
      const source = from === undefined ? undefined : seen.get(from) ?? keptOf(agentProfile(keptOf(from)));
      if (source !== undefined && keyOf(source.did) !== key) {
        throw wrong("save()", "from", "a profile of the same agent", source.did);
      }
      let base = source ?? seen.get(profile) ?? loaded.get(key);
      for (let tries = 0; tries < TRIES; tries++) {
        const entry = await store.read(key);
        const current = entry === undefined ? undefined : keptOf(parse(key, ownField(entry, "value") ?? ""));
        const { version } = pickOwn(entry as StateEntry, ["version"]);
        base ??= current;
        const kept = agentProfile(
          base === undefined || current === undefined ? ours : mergeProfiles(base, ours, current, source !== undefined),
        );
        if ((await store.put(key, jsonText(kept), { ifVersion: version, now: clock() })) !== true) {
          // Two that were both the first: all that this one says is new.
          base ??= { ...ours, capabilities: [], status: "active", metadata: {} };
          continue;
        }
        seen.set(profile, ours);
        seen.set(kept, keptOf(kept));
        return kept;
      }
      throw new Error(`The profile of ${ours.did} could not be kept in store "${store.name}": it changes all the time`);
    },
    async load(did: string): Promise<AgentProfile | undefined> {
      const key = keyOf(did);
      const entry = await store.read(key);
      if (entry === undefined) return undefined;
      const profile = parse(key, ownField(entry, "value") ?? "");
      const kept = keptOf(profile);
      seen.set(profile, kept);
      if (loaded.size >= MOST_LOADED) loaded.clear();
      loaded.set(key, kept);
      return profile;
    },
  });
}

const seenBy = new WeakMap<StateStore, WeakMap<AgentProfile, Kept>>();
const MOST_LOADED = 1024;

/**
 * What a profile said when it was loaded from a store or saved there: what it changed since is what it changes. Of
 * another store that says nothing.
 */
function seenIn(store: StateStore): WeakMap<AgentProfile, Kept> {
  let seen = seenBy.get(store);
  if (seen === undefined) seenBy.set(store, seen = new WeakMap());
  return seen;
}

function keyOf(did: string): string {
  return jsonText(["profile", canonicalAgentKey(did)]);
}
