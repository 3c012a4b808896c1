/**
 * What does trust cost? The gate against the same four rules written by hand; the tracker against reading and writing a
 * Map, and against a
 * tracker written by hand, which also keeps a dated record of each outcome.
 */
import {
  actionGuard,
  agentProfile,
  type ExecutionContext,
  type GovernedRequest,
  type Taking,
  trustGate,
  trustTracker,
} from "../mod.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { readEffect } from "./harness/scenario.ts";

/** An agent by its index, and what it does. */
interface Step {
  readonly agent: number;
  readonly action: string;
  readonly isGood: boolean;
}

const options = { minTrustScore: 500, sensitiveActions: { delete_record: 800 }, blockedActions: ["drop_table"] };
const fields = { did: "did:agentmesh:a1", name: "Alpha", capabilities: ["read", "write"], trustScore: 700 } as const;
const profiles = Array.from({ length: 8 }, (_, at) => agentProfile({ ...fields, did: `did:agentmesh:a${at}` }));
const plain = profiles.map((profile) => ({ ...profile }));
const actions = ["search", "read_file", "query", "summarize"];
const required = ["read"];
const nth = <T>(list: readonly T[], at: number): T => list[at % list.length] as T;
const inputs: readonly Step[] = profiles.map((_, at) => ({
  agent: at,
  action: nth(actions, at),
  isGood: at % 2 === 1,
}));

const sensitive = new Map(Object.entries(options.sensitiveActions));
const blocked = new Set(options.blockedActions);
function byHand(agent: (typeof plain)[number], action: string, wanted: readonly string[]): object {
  const answer = (allowed: boolean, reason: string) => ({
    allowed,
    agentDid: agent.did,
    action,
    reason,
    trustScore: agent.trustScore,
    timestamp: Date.now(),
  });
  if (blocked.has(action)) return answer(false, `Action '${action}' is blocked by policy`);
  if (agent.status !== "active") return answer(false, `Agent status is '${agent.status}'`);
  const threshold = sensitive.get(action) ?? options.minTrustScore;
  if (agent.trustScore < threshold) {
    return answer(false, `Trust score ${agent.trustScore} below threshold ${threshold}`);
  }
  if (!wanted.every((one) => agent.capabilities.includes(one))) return answer(false, "Missing capabilities");
  return answer(true, "");
}

const guard = actionGuard(options);
const gate = trustGate(guard);
const contexts = profiles.map((agent) => ({ agent })) as unknown as ExecutionContext[];
const requests = new Map(
  [...actions, "drop_table", "delete_record"].map((
    name,
  ) => [name, { stage: "pre_tool_call", name, payload: {}, callId: "#1", metadata: {} } as GovernedRequest]),
);
const taking: Taking = { dry: false, take: () => {} };
const isAllowed = (answer: unknown): boolean => (answer as { allowed: boolean }).allowed;

await ask<Step, boolean>({
  title: "an action checked",
  cases: [[nth(inputs, 1), true], [{ agent: 0, action: "drop_table", isGood: true }, false], [{
    agent: 3,
    action: "delete_record",
    isGood: true,
  }, false]],
  inputs,
  against: "by hand",
  contestants: {
    "by hand": { run: ({ agent, action }) => byHand(nth(plain, agent), action, required), read: isAllowed },
    "actionGuard": { run: ({ agent, action }) => guard.check(nth(profiles, agent), action, required), read: isAllowed },
    "actionGuard, a profile made by hand": {
      run: ({ agent, action }) => guard.check(nth(plain, agent), action, required),
      read: isAllowed,
    },
    "trustGate in a kernel": {
      run: ({ agent, action }) => gate(requests.get(action) as GovernedRequest, nth(contexts, agent), taking),
      read: (answer) => readEffect(answer) === "allow",
    },
  },
});

const scores = new Map(profiles.map(({ did, trustScore }) => [did, trustScore]));
function mapAlone({ agent, isGood }: Step): number {
  const { did } = nth(profiles, agent);
  const score = Math.max(0, Math.min(1000, (scores.get(did) as number) + (isGood ? 10 : -50)));
  scores.set(did, score);
  return score;
}

/** What a tutorial has you write; the list is emptied at a thousand, since it would otherwise measure the memory. */
class TrackerByHand {
  readonly #scores = new Map(profiles.map(({ did, trustScore }) => [did, trustScore]));
  #history: object[] = [];

  record(did: string, action: string, isGood: boolean): number {
    const newScore = Math.max(0, Math.min(1000, (this.#scores.get(did) as number) + (isGood ? 10 : -50)));
    this.#scores.set(did, newScore);
    if (this.#history.length === 1000) this.#history = [];
    this.#history.push({ did, action, outcome: isGood ? "success" : "failure", newScore, timestamp: Date.now() });
    return newScore;
  }
}

const hand = new TrackerByHand();
const tracked = (tracker: ReturnType<typeof trustTracker>): Contestant<Step, number> => ({
  run: (
    { agent, action, isGood },
  ) => (isGood
    ? tracker.recordSuccess(nth(profiles, agent), action)
    : tracker.recordFailure(nth(profiles, agent), action)),
});
await ask<Step, number>({
  title: "an outcome recorded",
  // In order, from 700: each contestant has agents of its own, or scores of its own.
  cases: [[{ agent: 1, action: "search", isGood: true }, 710], [{ agent: 1, action: "search", isGood: false }, 660], [{
    agent: 2,
    action: "search",
    isGood: false,
  }, 650]],
  inputs,
  against: "a tracker by hand",
  contestants: {
    "a Map read and written": { run: mapAlone },
    "a tracker by hand": { run: ({ agent, action, isGood }) => hand.record(nth(profiles, agent).did, action, isGood) },
    "trustTracker": tracked(trustTracker()),
  },
});
