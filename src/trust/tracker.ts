import { functionOf, knownKeys, show as shown, wholeNumber, wrong } from "../check.ts";
import type { StateStore } from "../state/store.ts";
import { Profile } from "./cell.ts";
import { MAX_SCORE } from "./facts.ts";
import { Counted, History, type TrustOutcome, type TrustRecord } from "./history.ts";
import { type Kept, Ledger } from "./ledger.ts";
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
  /** Reads the agent's score from the store and shows it; answers it. Not readable: 0. */
  load(agent: AgentProfile): Promise<number>;
  /**
   * Waits until every outcome recorded so far is in the store; rejects with what went wrong there since the last time.
   */
  flush(): Promise<void>;
}

const WHERE = "trustTracker()";
const KEYS = [
  "reward",
  "penalty",
  "violationPenalty",
  "historyLimit",
  "callMemory",
  "decay",
  "store",
  "clock",
  "onError",
];
const DAY_MS = 86_400_000;

/**
 * Makes a tracker: it rewards success a little, penalizes failure a lot, and remembers.
 *
 * `record…` is synchronous, answers the new score (0 to 1000, clamped) and shows it on that very profile; it takes only
 * profiles of
 * {@linkcode agentProfile}. The last `historyLimit` outcomes are kept (0: none). A `callId` must be unique among all
 * calls of the
 * agent, so a session's own id belongs into it: the first outcome of a call counts, repetitions do not, and a worse one
 * counts too (a known id
 * spares a second reward, never a penalty). At least the last `callMemory` ids are known, at most twice as many.
 *
 * `decay` lets trust fall with idle time: `score - floor(perDay * idle days)`, but not below `towards`; idle time
 * begins with the
 * last outcome or `load`, and never runs backwards, whatever the clock does. The profile shows the score of the moment.
 *
 * With a `store`, scores outlive the process, under `trust:` and the DID. Outcomes are written soon after they are
 * recorded, added to what is in
 * the store then, and only if nobody else wrote meanwhile, so that several processes may track one agent; after the
 * write the profile shows
 * the stored score. `load` first: an agent that the store knows begins there with its score of the store, one that it
 * does not know keeps its own. An
 * entry that is damaged, or a store that fails, means 0, never the score an agent began with. Such errors go to
 * `onError` at once and
 * are thrown by the next `flush`; what could not be written is kept and tried again with the next outcome or `flush`
 * (and so counts again where the
 * store wrote it and then failed to say so).
 *
 * Defaults: `reward` 10, `penalty` 50, `violationPenalty` as `penalty` (whole numbers from 0 to 1000), `historyLimit`
 * 1000, `callMemory`
 * 10000, no decay, no store, `clock` `Date.now` (ms since the epoch).
 *
 * @throws {TypeError} If an option is unknown or of the wrong type; `record…` and `load`: if the agent is no profile,
 *   or the action or
 * call id no string.
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
  knownKeys(WHERE, options, KEYS);
  const { reward = 10, penalty = 50, violationPenalty = penalty, historyLimit = 1000, callMemory = 10_000 } = options;
  const { store, clock = () => Date.now(), onError } = options;
  const gain = wholeNumber(WHERE, "reward", reward, 0, MAX_SCORE);
  const loss = -wholeNumber(WHERE, "penalty", penalty, 0, MAX_SCORE);
  const breach = -wholeNumber(WHERE, "violationPenalty", violationPenalty, 0, MAX_SCORE);
  const history = new History(wholeNumber(WHERE, "historyLimit", historyLimit, 0, 1_000_000));
  const counted = new Counted(wholeNumber(WHERE, "callMemory", callMemory, 0, 1_000_000));
  functionOf(WHERE, "clock", clock);
  if (onError !== undefined) functionOf(WHERE, "onError", onError);
  const decayed = decayOf(options.decay as TrustDecay | undefined);

  let latest = 0;
  // Time never runs backwards here, or a clock that was set back would keep scores from falling; NaN is no time.
  const now = (): number => {
    const time = clock();
    if (time > latest && time < Infinity) latest = time;
    return latest;
  };
  const falling = new WeakSet<Profile>();
  // One function for all profiles: what differs between them, score and time, is the profile's own.
  const fallen = decayed === undefined ? undefined : (score: number, at: number): number => decayed(score, at, now());
  const show = (agent: Profile, score: number, at: number): void => {
    if (fallen === undefined) return Profile.move(agent, score);
    falling.add(agent);
    Profile.move(agent, score, fallen, at);
  };
  const ledger = store === undefined ? undefined : new Ledger({
    store: storeOf(store),
    now,
    decayed: ({ score, at }: Kept, time: number): number => (decayed === undefined ? score : decayed(score, at, time)),
    show: (agent: Profile, { score, at }: Kept): void => show(agent, score, at),
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
      if (!counted.first(profile.did, callId, outcome)) return Profile.score(profile);
    }
    const timestamp = now();
    const before = Profile.score(profile);
    const newScore = Math.max(0, Math.min(MAX_SCORE, before + shift));
    show(profile, newScore, timestamp);
    history.add(profile.did, action, outcome, newScore, timestamp);
    ledger?.add(profile, before, shift, timestamp);
    return newScore;
  };

  return Object.freeze({
    recordSuccess: (agent: AgentProfile, action: string, callId?: string): number =>
      record(agent, action, "success", gain, callId),
    recordFailure: (agent: AgentProfile, action: string, callId?: string): number =>
      record(agent, action, "failure", loss, callId),
    recordViolation: (agent: AgentProfile, action: string, callId?: string): number =>
      record(agent, action, "violation", breach, callId),
    history: (did?: string): readonly TrustRecord[] => history.list(did),
    async load(agent: AgentProfile): Promise<number> {
      const profile = profileOf(agent);
      await ledger?.load(profile);
      // Idle time begins here for an agent that is new, and goes on for one that is not: loading again must not keep
      // trust up.
      if (decayed !== undefined && !falling.has(profile)) show(profile, profile.trustScore, now());
      return profile.trustScore;
    },
    async flush(): Promise<void> {
      await ledger?.flush();
    },
  });
}

function profileOf(agent: AgentProfile): Profile {
  if (Profile.is(agent)) return agent;
  throw new TypeError("An agent whose trust is tracked must be made by agentProfile()");
}

function storeOf(store: StateStore): StateStore {
  if (
    typeof store !== "object" || store === null || typeof store.read !== "function" || typeof store.put !== "function"
  ) {
    throw wrong(WHERE, "store", "a state store with read() and put()", store);
  }
  return store;
}

function decayOf(decay: TrustDecay | undefined): ((score: number, at: number, now: number) => number) | undefined {
  if (decay === undefined) return undefined;
  knownKeys(WHERE, decay, ["perDay", "towards"]);
  const { perDay, towards = 500 } = decay;
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
