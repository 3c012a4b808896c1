// What does a limit cost when it allows? rateLimit against one reading of the clock, maxToolCalls against a counter
// written by hand.
// A guard is asked as a session asks it, with a state whose clock was read before: what is timed is its own step.
import { SessionContext, SessionState } from "../src/base/context.ts";
import { allow } from "../src/base/decision.ts";
import type { Guard } from "../src/base/guard.ts";
import { costBudget } from "../src/guards/cost-budget.ts";
import { maxConcurrent } from "../src/guards/max-concurrent.ts";
import { maxToolCalls } from "../src/guards/max-tool-calls.ts";
import { noLoops } from "../src/guards/no-loops.ts";
import { rateLimit } from "../src/guards/rate-limit.ts";
import type { GovernancePolicy } from "../src/policy/policy.ts";
import type { GovernedRequest, Stage } from "../src/base/request.ts";
import { memoryStore } from "../src/state/memory-store.ts";
import { Reservations } from "../src/base/taking.ts";
import { record } from "./harness/record.ts";
import { isQuick, median, quantile } from "./harness/time.ts";

const ROUNDS = isQuick ? 7 : 21;
const CHUNKS = isQuick ? 60 : 200;
const CALLS = 500;
/** A contestant, what it is measured against, and the most that it may cost in multiples of that. */
const PROMISES: readonly (readonly [name: string, against: string, most: number])[] = [["rateLimit", "clock", 2], [
  "rateLimit, a call a ms",
  "clock",
  2,
], ["maxToolCalls", "counter", 3]];

const bench: { time: number; requests: readonly GovernedRequest[] } = { time: 0, requests: [] };
const sessions = Array.from({ length: 8 }, (_, i) => {
  const state = new SessionState(0);
  const context = new SessionContext({
    agentId: `a${i}`,
    agentKey: `did:agentmesh:team:a${i}`,
    sessionId: `s${i}`,
    agent: undefined,
    policy: { name: "bench" } as GovernancePolicy,
    metadata: {},
    state,
  }, new AbortController());
  return { state, context };
});
const names = ["search", "read_file", "query", "summarize"];
const payloads = names.map((name) => ({ q: `page of ${name}` }));
const metadata = {};
/**
 * As many requests as a chunk has calls, made before it: a session makes a new one for every act, and lets go of it.
 */
const fresh = (stage: Stage): readonly GovernedRequest[] =>
  Array.from(
    { length: CALLS },
    (_, i) => ({ stage, name: names[i & 3] as string, payload: payloads[i & 3], callId: "#1", metadata }),
  );

/** How an act ends: it has run, or it is given back. */
type End = "settle" | "giveBack";

/**
 * Asks a guard as a session would, and ends the act: the clock was read before, and every act is another one, but for
 * what holds its
 * takings. Compiled anew for each guard, as in a kernel, where each has a call site of its own.
 */
function asked(name: string, guard: Guard, end: End): (i: number) => void {
  const source = `// ${name}
    return (i) => {
      const { state, context } = sessions[i & 7];
      state.now = bench.time += pace;
      if (guard(bench.requests[i], context, takings) !== allowed) throw new Error("${name} must allow here");
      takings.${end}();
    };`;
  return new Function("guard", "sessions", "bench", "takings", "allowed", "pace", source)(
    guard,
    sessions,
    bench,
    new Reservations(),
    allow(),
    name.endsWith("a call a ms") ? 1 : 0,
  ) as (i: number) => void;
}

let counted = 0;
/** What the counter written by hand leaves, to be undone. */
let undo: (() => void) | undefined;
const clock = (): void => void (bench.time += Date.now() > 0 ? 0 : 1);
const counter = (i: number): void => {
  const { state } = sessions[i & 7] as (typeof sessions)[number];
  state.now = bench.time;
  if (counted >= 1e15) throw new Error("The counter must allow here");
  counted++;
  undo = () => void counted--;
};

const guards: Readonly<Record<string, readonly [Guard, End]>> = {
  maxToolCalls: [maxToolCalls(1e15), "settle"],
  // Eight agents in a burst, a hundred calls a ms: where a limit's cost can be felt.
  rateLimit: [rateLimit({ max: 10_000, windowMs: 500 }), "settle"],
  // Every call at another ms, in a full window: as many takings expire as are made.
  "rateLimit, a call a ms": [rateLimit({ max: 61, windowMs: 480 }), "settle"],
};
const others: typeof guards = {
  "rateLimit in a memory store": [rateLimit({ max: 10_000, windowMs: 500, store: memoryStore() }), "settle"],
  "maxToolCalls per agent": [maxToolCalls(1e15, { per: "agent" }), "settle"],
  "maxConcurrent, taken and released": [maxConcurrent(10), "giveBack"],
  "noLoops, taken and released": [noLoops({ repeats: 3, window: 40 }), "giveBack"],
  "costBudget, taken and released": [costBudget(1e9, { estimateUsd: 0.01 }), "giveBack"],
};
const steps = (of: typeof guards): Record<string, (i: number) => void> =>
  Object.fromEntries(Object.entries(of).map(([name, [guard, end]]) => [name, asked(name, guard, end)]));

/** Nanoseconds a call of each contestant, a figure for each round. */
const times = new Map<string, number[]>();
// Chunks of all contestants alternate, a round counts its median chunk, and ratios are taken inside a round, so that a
// busy machine slows each
// of them alike, and what interrupts a chunk does not count.
function measure(contestants: Readonly<Record<string, (i: number) => void>>): void {
  const list = Object.entries(contestants);
  for (const [name] of list) times.set(name, []);
  for (let round = -5; round < ROUNDS; round++) {
    const spent = list.map((): number[] => []);
    for (let chunk = 0; chunk < CHUNKS; chunk++) {
      for (const [at, [name, run]] of list.entries()) {
        bench.requests = fresh(name.startsWith("costBudget") ? "pre_model_call" : "pre_tool_call");
        bench.time += CALLS / 100;
        const start = performance.now();
        for (let i = 0; i < CALLS; i++) run(i);
        spent[at]?.push(performance.now() - start);
      }
    }
    if (round >= 0) list.forEach(([name], at) => times.get(name)?.push((median(spent[at] as number[]) * 1e6) / CALLS));
  }
}
measure({ clock, counter, ...steps(guards) });
measure(steps(others));
const ratio = (name: string, against: string): number =>
  median((times.get(name) as number[]).map((one, i) => one / ((times.get(against) as number[])[i] as number)));

record({
  title: "a limit's step when it allows",
  unit: "ns",
  against: "clock",
  figures: [...times].map(([name, list]) => ({
    name,
    median: median(list),
    low: quantile(list, 0.25),
    high: quantile(list, 0.75),
    ratio: ratio(name, "clock"),
  })),
  promises: PROMISES.map(([of, against, most]) => ({ of, against, most, unit: "x", found: ratio(of, against) })),
});
if (undo === undefined) throw new Error("Nothing was taken");
