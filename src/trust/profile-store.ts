import { jsonText, memberOf, ownField, pickOwn } from "../base/own.ts";
import { functionOf, ownOptions, wrong } from "../base/check.ts";
import { refuseOtherCopy } from "../base/copy.ts";
import type { StateEntry, StateStore } from "../state/store.ts";
import { canonicalAgentKey } from "../crypto/did.ts";
import { isSameProfile, type Kept, keptOf, mergeProfiles } from "./profile-merge.ts";
import { Profile } from "./profile-object.ts";
import { originOf, setOrigin, type Version } from "./profile-origin.ts";
import { Versions } from "./profile-versions.ts";
import { type AgentProfile, agentProfile } from "./profile.ts";

/** Keeps profiles in a store, so that they survive a restart. */
export interface ProfileStore {
  /**
   * Keeps what a profile changed since the one that it was made from, and answers the profile as it is kept now.
   *
   * `from` is what it was made from. Absent: what the profile itself says, which was loaded from this store, saved
   * there or made of `{ ...profile }` of one that was. One that says nothing of the kind, since both its capabilities
   * and its metadata are new, changes what is the same whichever version it was made from of those that were seen here;
   * where that makes a difference, `save` rejects and asks for `from`. Of an agent of which nothing was seen here it
   * only adds.
   *
   * What others saved meanwhile stays: capabilities and fields of the metadata that they added or removed, their name,
   * the points by which they moved the score. `revoked` is final, and a suspension is lifted only by a profile that was
   * made `from` that very suspended one. A profile that was narrowed for a child session is saved as it was before.
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
 * Several processes may save at once: each change is put into what is there then, and none is lost. In one process the
 * saves of an agent go one after the other. A profile is kept under the one name of its agent ({@linkcode
 * canonicalAgentKey}).
 *
 * `save` rejects where the store fails, the entry is damaged, it changes with every try, or nobody can tell what the
 * profile was made from; `load` where the entry is damaged.
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
  const { versions, turns } = placeOf(store);
  const parse = (key: string, value: string): AgentProfile => {
    const profile = agentProfile(JSON.parse(value) as AgentProfile);
    if (keyOf(profile.did) !== key) {
      throw new TypeError(`The store "${store.name}" keeps another profile under ${key}`);
    }
    return profile;
  };
  const write = async (given: AgentProfile, { copy, source, candidates }: Claimed): Promise<AgentProfile> => {
    const ours = keptOf(copy);
    const key = keyOf(ours.did);
    const made = source ?? originOf(given, store) ?? originOf(copy, store);
    const bases = made !== undefined && keyOf(made.kept.did) === key ? [made.kept] : candidates;
    for (let tries = 0; tries < TRIES; tries++) {
      const entry = await store.read(key);
      const current = entry === undefined ? undefined : keptOf(parse(key, ownField(entry, "value") ?? ""));
      const { version } = pickOwn(entry as StateEntry, ["version"]);
      const mayLift = source !== undefined && current !== undefined &&
        (source.version === undefined ? isSameProfile(source.kept, current) : source.version === version);
      const text = jsonText(current === undefined ? ours : mergedOf(bases, ours, current, mayLift));
      if ((await store.put(key, text, { ifVersion: version, now: clock() })) !== true) continue;
      // Read anew, so that what is answered shares no part with what was given.
      const kept = parse(key, text);
      const now = keptOf(kept);
      versions.add(key, now, current === undefined);
      setOrigin(given, store, { kept: ours, version: undefined });
      setOrigin(kept, store, { kept: now, version: undefined });
      return kept;
    }
    throw new Error(`The profile of ${ours.did} could not be kept in store "${store.name}": it changes all the time`);
  };
  return Object.freeze({
    async save(given: AgentProfile, options: { readonly from?: AgentProfile } = {}): Promise<AgentProfile> {
      const { from } = ownOptions("save()", options, ["from"]);
      refuseOtherCopy("save()", "profile", given);
      refuseOtherCopy("save()", "from", from);
      // One that was narrowed for a child session says what holds there, and not what the agent is.
      const profile = Profile.is(given) ? Profile.principal(given) : given;
      // Checked and copied at once: whoever holds one that was made by hand may change it while the store is asked.
      const copy = agentProfile(keptOf(profile));
      const key = keyOf(copy.did);
      const source = from === undefined
        ? undefined
        : originOf(from, store) ?? { kept: keptOf(agentProfile(keptOf(from))), version: undefined };
      if (source !== undefined && keyOf(source.kept.did) !== key) {
        throw wrong("save()", "from", "a profile of the same agent", source.kept.did);
      }
      const candidates = versions.of(key);
      // By turns: the second save of a profile changes what it changed since the first.
      return turns.run(key, () => write(profile, { copy, source, candidates }));
    },
    async load(did: string): Promise<AgentProfile | undefined> {
      const key = keyOf(did);
      const entry = await store.read(key);
      if (entry === undefined) return undefined;
      const { value = "", version } = pickOwn(entry, ["value", "version"]);
      const profile = parse(key, value);
      const kept = keptOf(profile);
      setOrigin(profile, store, { kept, version });
      versions.add(key, kept, false);
      return profile;
    },
  });
}

/** What a profile says that is to be saved, and what that may have been made from. */
interface Claimed {
  /** The profile as it was when it was given. */
  readonly copy: AgentProfile;
  readonly source: Version | undefined;
  readonly candidates: readonly Kept[] | undefined;
}

/** What is to be kept; throws where that depends on which of several versions the profile was made from. */
function mergedOf(bases: readonly Kept[] | undefined, ours: Kept, current: Kept, mayLift: boolean): Kept {
  if (bases === undefined) throw unclear(ours.did);
  // Nothing was ever seen of it: all that this one says is new, and nothing is taken away.
  const from = bases.length === 0 ? [{ ...ours, capabilities: [], status: "active" as const, metadata: {} }] : bases;
  const [first, ...others] = from.map((base) => mergeProfiles(base, ours, current, mayLift)).reverse();
  if (others.some((other) => !isSameProfile(first as Kept, other))) throw unclear(ours.did);
  return first as Kept;
}

function unclear(did: string): Error {
  return new Error(
    `The profile of ${did} may have been made from more than one version, and what it changed differs: give "from", ` +
      "the profile that it was made from, or what load() answers now to replace that",
  );
}

/** What all profile stores of a store share in this process. */
interface Place {
  readonly versions: Versions;
  readonly turns: Turns;
}

const places = new WeakMap<StateStore, Place>();

function placeOf(store: StateStore): Place {
  let place = places.get(store);
  if (place === undefined) places.set(store, place = { versions: new Versions(), turns: new Turns() });
  return place;
}

/** One job after the other, for each key. */
class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  run<T>(key: string, job: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const mine = before === undefined ? job() : before.then(job, job);
    this.#last.set(key, mine);
    const done = (): void => {
      if (this.#last.get(key) === mine) this.#last.delete(key);
    };
    mine.then(done, done);
    return mine;
  }
}

function keyOf(did: string): string {
  return jsonText(["profile", canonicalAgentKey(did)]);
}
