// What does trust cost? The gate against the same four rules written by hand; the tracker against reading and writing a Map, and against
// a tracker written by hand, which also keeps a dated record of each outcome. The first line of each part is x1.
// Run: npx esbuild bench/trust.ts --bundle --platform=node --format=esm --outfile=dist/bench-trust.mjs && node dist/bench-trust.mjs (or any runtime that reads TypeScript)
import { allow } from "../src/decision.ts";
import { trustGate } from "../src/guards/trust-gate.ts";
import { actionGuard } from "../src/trust/action-guard.ts";
import { agentProfile } from "../src/trust/profile.ts";
import { trustTracker } from "../src/trust/tracker.ts";

const ROUNDS = 15;
const CALLS = 200_000;
let sink = 0;

interface Cost {
  /** Of the fastest round: other work on the machine only ever adds. A round is long enough to pay for the garbage it makes. */
  readonly best: number;
  readonly median: number;
}

/** Nanoseconds of a call. Rounds of all contestants alternate, so that a busy machine slows each of them alike. */
function measure(contestants: Readonly<Record<string, (i: number) => unknown>>): [string, Cost][] {
  const runs = Object.entries(contestants).map(([name, run]) => ({ name, run, times: [] as number[] }));
  for (let round = -3; round < ROUNDS; round++) {
    for (const { run, times } of runs) {
      const start = performance.now();
      for (let i = 0; i < CALLS; i++) if (run(i) !== undefined) sink++;
      if (round >= 0) times.push(((performance.now() - start) * 1e6) / CALLS);
    }
  }
  return runs.map(({ name, times }) => {
    times.sort((a, b) => a - b);
    return [name, { best: times[0] as number, median: times[ROUNDS >> 1] as number }];
  });
}

function print(title: string, costs: readonly [string, Cost][]): void {
  const base = costs[0]?.[1] as Cost;
  console.log(title);
  for (const [name, { best, median }] of costs) {
    const [fast, usual] = [`${best.toFixed(1).padStart(9)} ns   x${(best / base.best).toFixed(2)}`, `${median.toFixed(1)} ns, x${(median / base.median).toFixed(2)}`];
    console.log(`  ${name.padEnd(24)}${fast}   (median ${usual})`);
  }
}

const options = { minTrustScore: 500, sensitiveActions: { delete_record: 800 }, blockedActions: ["drop_table"] };
const fields = { did: "did:agentmesh:a1", name: "Alpha", capabilities: ["read", "write"], trustScore: 700 } as const;
const profiles = Array.from({ length: 8 }, (_, i) => agentProfile({ ...fields, did: `did:agentmesh:a${i}` }));
const plain = profiles.map((profile) => ({ ...profile }));
const actions = ["search", "read_file", "query", "summarize"];
const required = ["read"];

const sensitive = new Map(Object.entries(options.sensitiveActions));
const blocked = new Set(options.blockedActions);
function byHand(agent: (typeof plain)[number], action: string, wanted: readonly string[] = []): object {
  const answer = (allowed: boolean, reason: string) => ({ allowed, agentDid: agent.did, action, reason, trustScore: agent.trustScore, timestamp: Date.now() });
  if (blocked.has(action)) return answer(false, `Action '${action}' is blocked by policy`);
  if (agent.status !== "active") return answer(false, `Agent status is '${agent.status}'`);
  const threshold = sensitive.get(action) ?? options.minTrustScore;
  if (agent.trustScore < threshold) return answer(false, `Trust score ${agent.trustScore} below threshold ${threshold}`);
  if (!wanted.every((one) => agent.capabilities.includes(one))) return answer(false, "Missing capabilities");
  return answer(true, "");
}

const guard = actionGuard(options);
const gate = trustGate(guard);
const contexts = profiles.map((agent) => ({ agent })) as unknown as Parameters<typeof gate>[1][];
const requests = actions.map((name) => ({ stage: "pre_tool_call", name, payload: {}, callId: "#1", metadata: {} }) as const);
const taking = { dry: false, take: () => {} };
if (gate(requests[0] as (typeof requests)[0], contexts[0] as (typeof contexts)[0], taking) !== allow()) throw new Error("The gate must allow here");

const nth = <T>(list: readonly T[], i: number): T => list[i % list.length] as T;
const check = measure({
  hand: (i) => byHand(nth(plain, i), nth(actions, i), required),
  guard: (i) => guard.check(nth(profiles, i), nth(actions, i), required),
  "guard, look-alike": (i) => guard.check(nth(plain, i), nth(actions, i), required),
  "gate in a kernel": (i) => gate(nth(requests, i), nth(contexts, i), taking),
});

const scores = new Map(profiles.map(({ did, trustScore }) => [did, trustScore]));
function mapByHand(i: number): number {
  const { did } = nth(profiles, i);
  const score = Math.max(0, Math.min(1000, (scores.get(did) as number) + (i & 1 ? 10 : -50)));
  scores.set(did, score);
  return score;
}

/** What a tutorial has you write; the list is emptied at a thousand, since it would otherwise measure the memory. */
class TrackerByHand {
  readonly #scores = new Map(profiles.map(({ did, trustScore }) => [did, trustScore]));
  #history: object[] = [];

  recordSuccess(agent: { readonly did: string }, action: string): number {
    return this.#record(agent.did, action, "success", Math.min(1000, (this.#scores.get(agent.did) as number) + 10));
  }

  recordFailure(agent: { readonly did: string }, action: string): number {
    return this.#record(agent.did, action, "failure", Math.max(0, (this.#scores.get(agent.did) as number) - 50));
  }

  #record(did: string, action: string, outcome: string, newScore: number): number {
    this.#scores.set(did, newScore);
    if (this.#history.length === 1000) this.#history = [];
    this.#history.push({ did, action, outcome, newScore, timestamp: Date.now() });
    return newScore;
  }
}

const hand = new TrackerByHand();
const tracker = trustTracker();
const falling = trustTracker({ decay: { perDay: 1 } });
const update = measure({
  map: mapByHand,
  "clock alone": () => Date.now(),
  hand: (i) => (i & 1 ? hand.recordSuccess(nth(profiles, i), "search") : hand.recordFailure(nth(profiles, i), "search")),
  tracker: (i) => (i & 1 ? tracker.recordSuccess(nth(profiles, i), "search") : tracker.recordFailure(nth(profiles, i), "search")),
  "tracker, with decay": (i) => (i & 1 ? falling.recordSuccess(nth(profiles, i), "search") : falling.recordFailure(nth(profiles, i), "search")),
  "tracker, with call id": (i) => tracker.recordSuccess(nth(profiles, i), "search", `call-${i}`),
});

print("check one action", check);
print("record one outcome, against a Map read and written", update);
print("record one outcome, against a tracker by hand", update.filter(([name]) => name === "hand" || name.startsWith("tracker")));
if (sink === 0) throw new Error("Nothing was measured");
