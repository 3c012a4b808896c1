import { memberOf } from "../base/own.ts";
import { functionOf, ownOptions, show as shown, wholeNumber, wrong } from "../base/check.ts";
import { made, refuseOtherCopy } from "../base/copy.ts";
import type { StateStore } from "../state/store.ts";
import { Profile, Score } from "./profile-object.ts";
import { canonicalAgentKey } from "../crypto/did.ts";
import { MAX_SCORE } from "./read-profile.ts";
import { Counted, History, type TrustOutcome, type TrustRecord } from "./history.ts";
import { type Account, type Kept, Ledger } from "./score-store.ts";
import type { AgentProfile } from "./profile.ts";

export type { TrustOutcome, TrustRecord } from "./history.ts";

/** How trust falls while nothing is heard of an agent. */
export interface TrustDecay {
  /** Points that are lost in a day, evenly: a number above 0, at most 1000. */
  readonly perDay: number;
  /**
   * Where the fall ends: a whole number from 0 to 1000, default 500. A score at or below it stays: nobody gains trust
   * by waiting.
   */
  readonly towards?: number;
}

/** Learns from outcomes: the only one who moves scores. */
export interface TrustTracker {
  /**
   * Rewards; answers the new score, which `agent.trustScore` shows from then on. With `callId`, a call is rewarded
   * once.
   */
  recordSuccess(agent: AgentProfile, action: string, callId?: string): number;
  /** Penalizes a failure. With `callId`, a call fails once. */
  recordFailure(agent: AgentProfile, action: string, callId?: string): number;
  /** Penalizes the breach of a rule. With `callId`, a call breaks rules once. */
  recordViolation(agent: AgentProfile, action: string, callId?: string): number;
  /** The last outcomes, oldest first, of one agent or of all; frozen copies. */
  history(did?: string): readonly TrustRecord[];
  /**
   * Shows on a profile what is known of its agent, here and in the store; answers it. Not readable: 0. A session does
   * it when it opens.
   */
  load(agent: AgentProfile): Promise<number>;
  /**
   * Waits until every outcome recorded so far is in the store; rejects with what went wrong there since the last time.
   */
  flush(): Promise<void>;
}

const WHERE = "trustTracker()";
const KEYS = [
  "reward",
  "rewards",
  "penalty",
  "violationPenalty",
  "historyLimit",
  "callMemory",
  "decay",
  "store",
  "clock",
  "onError",
] as const;
const DAY_MS = 86_400_000;
/** Agents whose scores are kept; beyond it, whoever was met first is forgotten. */
const MOST_AGENTS = 1_048_576;

/**
 * Makes a tracker: it rewards success a little, penalizes failure a lot, and remembers.
 *
 * `record…` is synchronous, answers the new score (0 to 1000, clamped) and shows it on that very profile; it takes only
 * profiles of {@linkcode agentProfile}. The last `historyLimit` outcomes are kept (0: none). A `callId` must be unique
 * among all calls of the agent, so a session's own id belongs into it: the first outcome of a call counts, repetitions
 * do not, and a worse one counts too (a known id spares a second reward, never a penalty). At least the last
 * `callMemory` ids are known, at most twice as many.
 *
 * `decay` lets trust fall with idle time: `score - floor(perDay * idle days)`, but not below `towards`; idle time
 * begins with the last outcome or `load`, and never runs backwards, whatever the clock does. The profile shows the
 * score of the moment.
 *
 * With a `store`, scores outlive the process, under `trust:` and the DID. Outcomes are written soon after they are
 * recorded, added to what is in the store then, and only if nobody else wrote meanwhile, so that several processes may
 * track one agent; after the write the profile shows the stored score. `load` first: an agent that the store knows
 * begins there with its score of the store, one that it does not know keeps its own. An entry that is damaged, or a
 * store that fails, means 0, never the score an agent began with. Such errors go to `onError` at once and are thrown by
 * the next `flush`; what could not be written is kept and tried again with the next outcome or `flush` (and so counts
 * again where the store wrote it and then failed to say so).
 *
 * A tracker cannot see what an outcome was worth: forty-five calls that do nothing take an agent from 450 to 900, as
 * forty-five good ones do. `rewards` says what success of single actions is worth, by their exact names: 0 for those
 * that anybody can succeed in, more for those that mean something; `reward` is for all others.
 *
 * Scores are kept by agent, under the one name of its key: a session, and `load`, show on any profile of an agent what
 * is known of it. A profile that neither has seen goes on from its own score. At most 1048576 agents are known; beyond
 * it, whoever was met first begins anew.
 *
 * Defaults: `reward` 10, `penalty` 50, `violationPenalty` as `penalty` (whole numbers from 0 to 1000), `historyLimit`
 * 1000, `callMemory` 10000, no decay, no store, `clock` `Date.now` (ms since the epoch).
 *
 * @throws {TypeError} If an option is unknown or of the wrong type; `record…` and `load`: if the agent is no profile,
 *   or the action or call id no string.
 * @throws {RangeError} If a number is out of its range; `NaN` and `Infinity` always are.
 * @example Usage
 * ```ts
 * import { agentProfile, trustTracker } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const agent = agentProfile({ did: "did:agentmesh:a1", name: "Alpha" });
 * const tracker = trustTracker({ reward: 10, penalty: 50 });
 * assert.equal(tracker.recordSuccess(agent, "search"), 510);
 * assert.equal(tracker.recordFailure(agent, "search"), 460);
 * assert.equal(agent.trustScore, 460);
 * assert.deepEqual(tracker.history(agent.did).map(({ outcome }) => outcome), ["success", "failure"]);
 * ```
 */
export function trustTracker(options: {
  reward?: number;
  rewards?: Readonly<Record<string, number>>;
  penalty?: number;
  violationPenalty?: number;
  historyLimit?: number;
  callMemory?: number;
  // The contract says no more than `object`; what is wrong in it throws.
  decay?: TrustDecay | object;
  store?: StateStore;
  clock?: () => number;
  onError?: (error: Error) => void;
} = {}): TrustTracker {
  const own = ownOptions(WHERE, options, KEYS);
  const { reward = 10, penalty = 50, violationPenalty = penalty, historyLimit = 1000, callMemory = 10_000 } = own;
  const { store, clock = () => Date.now(), onError } = own;
  const gain = wholeNumber(WHERE, "reward", reward, 0, MAX_SCORE);
  const gains = rewardsOf(own.rewards);
  const loss = -wholeNumber(WHERE, "penalty", penalty, 0, MAX_SCORE);
  const breach = -wholeNumber(WHERE, "violationPenalty", violationPenalty, 0, MAX_SCORE);
  const history = new History(wholeNumber(WHERE, "historyLimit", historyLimit, 0, 1_000_000));
  const counted = new Counted(wholeNumber(WHERE, "callMemory", callMemory, 0, 1_000_000));
  functionOf(WHERE, "clock", clock);
  if (onError !== undefined) functionOf(WHERE, "onError", onError);
  const decayed = decayOf(own.decay as TrustDecay | undefined);

  let latest = 0;
  // Time never runs backwards here, or a clock that was set back would keep scores from falling; NaN is no time.
  const now = (): number => {
    const time = clock();
    if (time > latest && time < Infinity) latest = time;
    return latest;
  };
  const falling = new WeakSet<Score>();
  // One function for all profiles: what differs between them, score and time, is the profile's own.
  const fallen = decayed === undefined ? undefined : (score: number, at: number): number => decayed(score, at, now());
  const show = (score: Score, value: number, at: number): void => {
    score.value = value;
    if (fallen === undefined) return;
    falling.add(score);
    score.at = at;
    score.read = fallen;
  };
  const accounts = new Map<string, Account>();
  const account = (key: string, score: Score): Account => {
    if (accounts.size >= MOST_AGENTS) accounts.delete(accounts.keys().next().value as string);
    const made = { key, score };
    accounts.set(key, made);
    return made;
  };
  /** The agent behind a profile, which from now on shows what is known of it. */
  const meet = (profile: Profile): Account => {
    const key = canonicalAgentKey(profile.did);
    const known = accounts.get(key) ?? account(key, Profile.cell(profile));
    if (known.score !== Profile.cell(profile)) Profile.share(profile, known.score);
    return known;
  };
  const move = (score: Score, shift: number, timestamp: number): number => {
    const value = Math.max(0, Math.min(MAX_SCORE, score.now + shift));
    show(score, value, timestamp);
    return value;
  };
  const ledger = store === undefined ? undefined : new Ledger({
    store: storeOf(store),
    now,
    decayed: ({ score, at }: Kept, time: number): number => (decayed === undefined ? score : decayed(score, at, time)),
    show: (score: Score, kept: Kept): void => show(score, kept.score, kept.at),
    onError,
  });

  const record = (
    agent: AgentProfile,
    action: string,
    outcome: TrustOutcome,
    shift: number,
    callId: string | undefined,
  ): number => {
    const profile = profileOf(agent);
    if (typeof action !== "string") {
      throw new TypeError(`An outcome's action must be a string, and is ${shown(action)}`);
    }
    if (callId !== undefined) {
      if (typeof callId !== "string" || callId === "") {
        throw new TypeError(`An outcome's callId must be a string that is not empty, and is ${shown(callId)}`);
      }
    }
    const key = canonicalAgentKey(profile.did);
    let known = ledger === undefined ? accounts.get(key) : meet(profile);
    const score = Profile.cell(profile);
    const before = score.now;
    if (callId !== undefined && !counted.first(key, callId, outcome)) return before;
    const timestamp = now();
    const newScore = move(score, shift, timestamp);
    // A profile that was never met goes on from its own score, and what was learnt from it is known of its agent too.
    known ??= account(key, new Score(before));
    if (known.score !== score) move(known.score, shift, timestamp);
    history.add(profile.did, action, outcome, newScore, timestamp);
    ledger?.add(known, before, shift, timestamp);
    return newScore;
  };

  const learn = (agent: AgentProfile): Account => {
    const account = meet(profileOf(agent));
    const { score } = account;
    // Idle time begins here for an agent that is new, and goes on for one that is not: loading again must not keep
    // trust up.
    if (decayed !== undefined && !falling.has(score)) show(score, score.now, now());
    return account;
  };
  const tracker: TrustTracker = Object.freeze(made({
    recordSuccess: (agent: AgentProfile, action: string, callId?: string): number =>
      record(agent, action, "success", gains?.get(action) ?? gain, callId),
    recordFailure: (agent: AgentProfile, action: string, callId?: string): number =>
      record(agent, action, "failure", loss, callId),
    recordViolation: (agent: AgentProfile, action: string, callId?: string): number =>
      record(agent, action, "violation", breach, callId),
    history: (did?: string): readonly TrustRecord[] => history.list(did),
    async load(agent: AgentProfile): Promise<number> {
      await ledger?.load(meet(profileOf(agent)));
      return learn(agent).score.now;
    },
    async flush(): Promise<void> {
      await ledger?.flush();
    },
  }));
  // Without a store nothing has to be waited for, and a session's first act need not wait either.
  if (ledger === undefined) atOnce.set(tracker, learn);
  return tracker;
}

const atOnce = new WeakMap<TrustTracker, (agent: AgentProfile) => unknown>();

/** Has a profile show what a tracker knows of its agent; answers at once where the tracker can. */
export function meetBy(tracker: TrustTracker, agent: AgentProfile): unknown {
  const learn = atOnce.get(tracker);
  if (learn !== undefined) return learn(agent);
  // A tracker that was written elsewhere may keep its scores where nobody has to ask.
  return typeof tracker.load === "function" ? tracker.load(agent) : undefined;
}

function profileOf(agent: AgentProfile): Profile {
  if (Profile.is(agent)) return Profile.principal(agent);
  refuseOtherCopy(WHERE, "agent", agent);
  throw new TypeError("An agent whose trust is tracked must be made by agentProfile()");
}

function storeOf(store: StateStore): StateStore {
  if (
    typeof store !== "object" || store === null || typeof memberOf(store, "read") !== "function" ||
    typeof memberOf(store, "put") !== "function"
  ) {
    throw wrong(WHERE, "store", "a state store with read() and put()", store);
  }
  return store;
}

/** What success is worth by action; `undefined` where all actions are worth the same. */
function rewardsOf(rewards: unknown): ReadonlyMap<string, number> | undefined {
  if (rewards === undefined) return undefined;
  const isPlain = typeof rewards === "object" && rewards !== null &&
    Object.prototype.toString.call(rewards) === "[object Object]";
  // A Map would look empty, and reward what was meant to be worth nothing.
  if (!isPlain) throw wrong(WHERE, "rewards", "a plain object of action names and points", rewards);
  return new Map(
    Object.entries(rewards).map((
      [action, points],
    ) => [action, wholeNumber(WHERE, `rewards.${action}`, points, 0, MAX_SCORE)]),
  );
}

function decayOf(decay: TrustDecay | undefined): ((score: number, at: number, now: number) => number) | undefined {
  if (decay === undefined) return undefined;
  const { perDay, towards = 500 } = ownOptions(WHERE, decay, ["perDay", "towards"]);
  if (typeof perDay !== "number" || !(perDay > 0 && perDay <= MAX_SCORE)) {
    throw wrong(WHERE, "decay.perDay", `a number above 0 and up to ${MAX_SCORE}`, perDay);
  }
  wholeNumber(WHERE, "decay.towards", towards, 0, MAX_SCORE);
  // From the base and in one step: what is less than a point is neither lost nor taken twice, however often the score
  // is read.
  return (
    score,
    at,
    now,
  ) => (score <= towards ? score : Math.max(towards, score - Math.floor((perDay * Math.max(0, now - at)) / DAY_MS)));
}
