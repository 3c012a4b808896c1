// What does trust cost? The gate against the same four rules written by hand, the tracker against reading and writing a Map.
// Run: npx esbuild bench/trust.ts --bundle --platform=node --format=esm --outfile=dist/bench-trust.mjs && node dist/bench-trust.mjs (or any runtime that reads TypeScript)
import { allow } from "../src/decision.ts";
import { trustGate } from "../src/guards/trust-gate.ts";
import { actionGuard } from "../src/trust/action-guard.ts";
import { agentProfile } from "../src/trust/profile.ts";
import { trustTracker } from "../src/trust/tracker.ts";

const ROUNDS = 15;
const CALLS = 200_000;
let sink = 0;

/** Median nanoseconds of a call. Rounds of all contestants alternate, so that a busy machine slows each of them alike. */
function measure(contestants: Readonly<Record<string, (i: number) => unknown>>): Record<string, number> {
  const names = Object.keys(contestants);
  const times = new Map<string, number[]>(names.map((name) => [name, []]));
  for (let round = -3; round < ROUNDS; round++) {
    for (const name of names) {
      const run = contestants[name] as (i: number) => unknown;
      const start = performance.now();
      for (let i = 0; i < CALLS; i++) if (run(i) !== undefined) sink++;
      if (round >= 0) times.get(name)?.push(((performance.now() - start) * 1e6) / CALLS);
    }
  }
  return Object.fromEntries(names.map((name) => [name, (times.get(name) as number[]).sort((a, b) => a - b)[ROUNDS >> 1] as number]));
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
const tracker = trustTracker();
const falling = trustTracker({ decay: { perDay: 1 } });
const update = measure({
  map: (i) => {
    const { did } = nth(profiles, i);
    const score = Math.max(0, Math.min(1000, (scores.get(did) as number) + (i & 1 ? 10 : -10)));
    scores.set(did, score);
    return score;
  },
  tracker: (i) => (i & 1 ? tracker.recordSuccess : tracker.recordFailure)(nth(profiles, i), "search"),
  "tracker, with decay": (i) => (i & 1 ? falling.recordSuccess : falling.recordFailure)(nth(profiles, i), "search"),
  "tracker, with call id": (i) => tracker.recordSuccess(nth(profiles, i), "search", `call-${i}`),
});

for (const [title, results] of [["check one action", check], ["record one outcome", update]] as const) {
  const base = Object.values(results)[0] as number;
  console.log(title);
  for (const [name, ns] of Object.entries(results)) console.log(`  ${name.padEnd(24)}${ns.toFixed(1).padStart(9)} ns   x${(ns / base).toFixed(2)}`);
}
if (sink === 0) throw new Error("Nothing was measured");
