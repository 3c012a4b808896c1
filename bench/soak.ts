// What do limits keep? A million agents' rate limits in bytes each, and ten million calls whose memory must not grow.
// Run: npm run bench -- soak (restarts itself with --expose-gc); SOAK_CALLS shortens it; fails when a promise is
// broken.
import { execFileSync } from "node:child_process";
import { memoryUsage } from "node:process";
import { SessionContext, SessionState } from "../src/base/context.ts";
import { maxConcurrent } from "../src/guards/max-concurrent.ts";
import { maxToolCalls } from "../src/guards/max-tool-calls.ts";
import { noLoops } from "../src/guards/no-loops.ts";
import { rateLimit } from "../src/guards/rate-limit.ts";
import type { GovernancePolicy } from "../src/policy/policy.ts";
import type { GovernedRequest } from "../src/base/request.ts";
import { memoryStore } from "../src/state/memory-store.ts";
import { Reservations } from "../src/base/taking.ts";
import { record, type Verdict } from "./harness/record.ts";

const AGENTS = 1_000_000;
const CALLS = Number(process.env["SOAK_CALLS"] ?? 10_000_000);
const MOST_BYTES_PER_AGENT = 150;
/**
 * How much the heap may grow in the second half of the soak, in bytes a call: less than one pointer in eighty calls.
 */
const MOST_BYTES_PER_CALL = 0.1;

const collect = (globalThis as { gc?: () => void }).gc;
if (collect === undefined) {
  execFileSync(process.execPath, ["--expose-gc", ...process.execArgv, ...process.argv.slice(1)], { stdio: "inherit" });
  process.exit();
}
/** What the process keeps, in bytes: the heap, and the columns of numbers outside of it. */
function kept(): number {
  for (let i = 0; i < 3; i++) collect?.();
  const { heapUsed, arrayBuffers } = memoryUsage();
  return heapUsed + arrayBuffers;
}
const verdicts: Verdict[] = [];
const check = (what: string, found: number, most: number, unit: string): void =>
  void verdicts.push({ of: what, unit, found, most });

const state = new SessionState(0);
const sessionOf = (agentKey: string, sessionId: string, own = state): SessionContext =>
  new SessionContext({
    agentId: "a",
    agentKey,
    sessionId,
    agent: undefined,
    policy: { name: "soak" } as GovernancePolicy,
    metadata: {},
    state: own,
  }, new AbortController());
const request = (name: string, payload: unknown): GovernedRequest => ({
  stage: "pre_tool_call",
  name,
  payload,
  callId: "#1",
  metadata: {},
});

// One call of each of a million agents. The keys themselves are there before, whoever holds them.
const keys = Array.from({ length: AGENTS }, (_, i) => `did:agentmesh:${i.toString(36)}`);
const seen = new Set(keys); // hashed, as keys in use are
const call = request("search", {});
const limit = rateLimit({ max: 60, windowMs: 60_000, by: ({ name }) => name });
const context = sessionOf("did:agentmesh:soak", "s");
const before = kept();
for (let i = 0; i < AGENTS; i++) limit({ ...call, name: keys[i] as string }, context, new Reservations());
const bytes = (kept() - before) / AGENTS;
check(`rate limits of ${AGENTS} agents`, bytes, MOST_BYTES_PER_AGENT, "B");
// In use until here, and right: what nobody needs any more would not be counted.
for (let i = 1; i <= 60; i++) {
  const isAllowed =
    (limit({ ...call, name: keys[0] as string }, context, new Reservations()) as { allowed: boolean }).allowed;
  if (isAllowed !== i < 60) throw new Error("An agent must have 60 calls");
}
if (!(bytes > 0) || seen.size !== AGENTS) throw new Error("The agents' keys must differ, and be kept");

// Calls of agents that come and go, in sessions that come and go, some denied, some given back.
const guards = [
  rateLimit({ max: 5, windowMs: 1000 }),
  rateLimit({ max: 50, windowMs: 5000, store: memoryStore({ maxKeys: 100_000 }) }),
  maxToolCalls(1e15, { per: "agent" }),
  maxToolCalls(100),
  maxConcurrent(4, { backpressureThreshold: 4 }),
  noLoops({ repeats: 3 }),
];
const sizes: number[] = [];
const STEPS = 10;
let allowed = 0;
for (let step = 0; step < STEPS; step++) {
  for (let i = 0; i < CALLS / STEPS; i++) {
    if (i % 10 === 0) state.now += 1;
    const own = new SessionState(state.now);
    const where = sessionOf(`agent ${i % 1000}`, `session ${step}-${i}`, own);
    const takings = new Reservations();
    const asked = request("search", i % 7);
    const isAllowed = guards.every((guard) => (guard(asked, where, takings) as { allowed: boolean }).allowed);
    if (isAllowed && i % 3 !== 0) Reservations.settle(takings, undefined);
    Reservations.giveBack(takings, true);
    if (isAllowed) allowed++;
  }
  sizes.push(kept());
}
const half = sizes.slice(STEPS / 2);
const middle = (half.length - 1) / 2;
const mean = half.reduce((sum, size) => sum + size, 0) / half.length;
const slope = half.reduce((sum, size, i) => sum + (i - middle) * (size - mean), 0) /
  half.reduce((sum, _, i) => sum + (i - middle) ** 2, 0);
console.log(
  `kept after each tenth of ${CALLS} calls, ${allowed} allowed, in KiB: ${
    sizes.map((size) => Math.round(size / 1024)).join(" ")
  }`,
);
check("growth in the second half", slope / (CALLS / STEPS), MOST_BYTES_PER_CALL, "B");
record({ title: "what limits keep", unit: "B", figures: [], promises: verdicts });
