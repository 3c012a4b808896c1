/**
 * What does a decision allocate beyond the request and the copy, how many promises does it make, and what does a
 * session keep?
 *
 * Bytes are those that the heap grows by in a batch too small for a collection, as the median of many. By hand is the
 * least that keeps
 * the promise of one reading: the request as an object of its own with an id of its own, and the copy.
 */
import process from "node:process";
import { createKernel, type GovernedRequest, type Session } from "../mod.ts";
import { collect } from "./harness/child.ts";
import { type Figure, record } from "./harness/record.ts";
import { copy, PATTERNS, SMALL, TOOLS, UNLIMITED } from "./harness/scenario.ts";
import { isQuick, median, quantile } from "./harness/time.ts";

const session = createKernel({ policy: { ...UNLIMITED, allowedTools: TOOLS, blockedPatterns: PATTERNS } }).session({
  agentId: "bench",
});
const request = { stage: "pre_tool_call", name: "search", payload: SMALL } as const;
// The copy stays, as some arguments do in a program: with the last object of a shape an engine throws away the code
// that it compiled for it.
const kept = { last: undefined as unknown, calls: 0, copy: copy(request.payload) };
const metadata = {};
const tool = async (): Promise<number> => 1;

/** The request with all of its fields, its id and the copy, and nothing else. */
function byHand(): GovernedRequest {
  return {
    stage: request.stage,
    name: request.name,
    payload: copy(request.payload),
    callId: `#${++kept.calls}`,
    metadata,
    before: undefined,
    isError: undefined,
    usage: undefined,
  } as unknown as GovernedRequest;
}
const contestants: Readonly<Record<string, () => unknown>> = {
  "session.check": () => session.check(request),
  "a request and a copy, by hand": byHand,
  "the copy, by hand": () => copy(request.payload),
};

const BATCH = 200;
function bytesOf(run: () => unknown): number[] {
  // Until the engine has compiled it for good: before, it keeps numbers in the heap.
  for (let at = 0; at < (isQuick ? 20_000 : 2_000_000); at++) kept.last = run();
  return Array.from({ length: isQuick ? 15 : 101 }, () => {
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let at = 0; at < BATCH; at++) kept.last = run();
    return (process.memoryUsage().heapUsed - before) / BATCH;
  });
}
const figureOf = (name: string, found: readonly number[]): Figure => ({
  name,
  median: median(found),
  low: quantile(found, 0.25),
  high: quantile(found, 0.75),
});

if ((session.check(request) as { effect: string }).effect !== "allow") throw new Error("session.check must allow");
const nothing = median(bytesOf(() => undefined));
const bytes = new Map(
  Object.entries(contestants).map(([name, run]) => [name, bytesOf(run).map((found) => found - nothing)]),
);
const beyond = median(bytes.get("session.check") as number[]) -
  median(bytes.get("a request and a copy, by hand") as number[]);
// An engine whose heap is counted in pages says nothing about a decision.
const isExact = process.versions["bun"] === undefined;
record({
  title: "bytes that a decision allocates, allow, 200 B",
  unit: "B",
  figures: [...bytes].map(([name, found]) => figureOf(name, found)),
  promises: [{
    of: "session.check",
    what: "bytes allocated by session.check beyond the request and the copy",
    unit: "B",
    found: Math.max(0, Math.round(beyond)),
    most: 0,
    reported: !isExact,
  }],
});

const SESSIONS = isQuick ? 1000 : 20_000;
const kernel = createKernel({ policy: { ...UNLIMITED, allowedTools: TOOLS, blockedPatterns: PATTERNS } });
/** Bytes that each of many sessions keeps, in the heap and in buffers. */
async function bytesOfSession(use: (session: Session) => unknown): Promise<number[]> {
  const all: Session[] = [];
  const found: number[] = [];
  const used = (): number => {
    for (let turn = 0; turn < 3; turn++) collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  for (let round = 0; round < 5; round++) {
    const before = used();
    for (let at = 0; at < SESSIONS; at++) {
      const one = kernel.session({ agentId: "bench" });
      await use(one);
      all.push(one);
    }
    found.push((used() - before) / SESSIONS);
  }
  if (all.length !== SESSIONS * 5) throw new Error("The sessions must be kept until here");
  return found.slice(1);
}
const figures = [
  figureOf("a session", await bytesOfSession(() => {})),
  figureOf("a session that has judged a call", await bytesOfSession((one) => one.check(request))),
  figureOf(
    "a session that has run a tool",
    await bytesOfSession((one) => one.tool({ name: "search", arguments: SMALL }, tool)),
  ),
  figureOf("a session that was closed", await bytesOfSession((one) => one.close())),
];
record({ title: "what a session keeps", unit: "B", figures, promises: [] });

// Last, since counting makes every later promise dearer. Only Node tells of promises.
if (process.versions["bun"] === undefined && process.versions["deno"] === undefined) {
  const { createHook } = await import("node:async_hooks");
  let promises = 0;
  const hook = createHook({ init: (_id, type) => void (type === "PROMISE" && promises++) }).enable();
  const counted = async (run: () => unknown): Promise<number> => {
    const before = promises;
    for (let at = 0; at < 1000; at++) kept.last = run();
    const made = (promises - before) / 1000;
    await kept.last;
    return made;
  };
  const made = {
    "session.check": await counted(contestants["session.check"] as () => unknown),
    "an async function, for comparison": await counted(tool),
    "session.tool around an async tool": 0,
  };
  const before = promises;
  for (let at = 0; at < 1000; at++) await session.tool({ name: "search", arguments: SMALL }, tool);
  made["session.tool around an async tool"] = (promises - before) / 1000;
  hook.disable();
  if (made["an async function, for comparison"] !== 1) throw new Error("A promise must be counted");
  record({
    title: "promises that a call makes",
    unit: "promises",
    figures: Object.entries(made).map(([name, count]) => ({ name, median: count, low: count, high: count })),
    promises: [{
      of: "session.check",
      what: "promises made by session.check",
      unit: "promises",
      found: made["session.check"],
      most: 0,
    }],
  });
}
