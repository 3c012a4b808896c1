/**
 * What does `session.tool` add to an asynchronous tool, with three real guards: a list of tools, five patterns, a rate
 * limit?
 *
 * Next to the tool alone, and to the same three guards as the textbook has them: asynchronous functions around each
 * other. The onion
 * makes the copy that the tool is given, as a session does, and counts its calls; nobody listens and nothing is
 * recorded. The least that
 * copy, search and limit can cost stands beside them: one function written by hand, without an act, and with nothing
 * after the tool.
 */
import { allowTools, blockPatterns, createKernel, isPolicyViolation, rateLimit } from "../mod.ts";
import { ask } from "./harness/ask.ts";
import { type Call, casesOf, clean, copy, PATTERNS, TOOLS, UNLIMITED, type Verdict } from "./harness/scenario.ts";

const MAX = 1e12;
const WINDOW_MS = 1000;

let runs = 0;
const tool = async (payload: unknown): Promise<number> => {
  if (payload === undefined) throw new TypeError("The tool needs its arguments");
  return ++runs;
};
const denied = (error: unknown): Verdict => {
  if (isPolicyViolation(error)) return "deny";
  throw error;
};

const kernel = createKernel({
  policy: UNLIMITED,
  guards: [allowTools(TOOLS), blockPatterns(PATTERNS), rateLimit({ max: MAX, windowMs: WINDOW_MS })],
});
const session = kernel.session({ agentId: "bench" });
const whole = createKernel({
  policy: { ...UNLIMITED, allowedTools: TOOLS, blockedPatterns: PATTERNS },
  guards: [rateLimit({ max: MAX, windowMs: WINDOW_MS })],
}).session({ agentId: "bench" });

type Layer = (call: Call, next: (call: Call) => Promise<unknown>) => Promise<unknown>;
class Refused extends Error {}
const names = new Set(TOOLS);
const counters = { calls: 0, completed: 0 };
const limits = new Map<string, { earliest: number }>();
function isWithinRate(): boolean {
  const now = Date.now();
  let limit = limits.get("bench");
  if (limit === undefined) limits.set("bench", limit = { earliest: 0 });
  const at = Math.max(limit.earliest, now) + WINDOW_MS / MAX;
  if (at - now > WINDOW_MS) return false;
  limit.earliest = at;
  return true;
}
const layers: readonly Layer[] = [
  async (call, next) => {
    if (!names.has(call.name)) throw new Refused("tool");
    return await next(call);
  },
  async (call, next) => {
    const payload = copy(call.payload);
    if (!clean(payload)) throw new Refused("pattern");
    return await next({ name: call.name, payload });
  },
  async (call, next) => {
    if (!isWithinRate()) throw new Refused("rate");
    counters.calls++;
    const result = await next(call);
    counters.completed++;
    return result;
  },
];
/** The three in one function. */
function fused({ name, payload }: Call): Promise<unknown> {
  if (!names.has(name)) return Promise.reject(new Refused("tool"));
  const own = copy(payload);
  if (!clean(own)) return Promise.reject(new Refused("pattern"));
  if (!isWithinRate()) return Promise.reject(new Refused("rate"));
  return tool(own);
}
const onion = layers.reduceRight<(call: Call) => Promise<unknown>>(
  (next, layer) => (call) => layer(call, next),
  async ({ payload }) => await tool(payload),
);
const kept = (error: unknown): Verdict => {
  if (error instanceof Refused) return "deny";
  throw error;
};

const cases = casesOf();
const read = (answer: unknown): Verdict => (typeof answer === "number" ? "allow" : answer as Verdict);
const governed = {
  "three guards, session.tool": {
    run: ({ name, payload }: Call) => session.tool({ name, arguments: payload }, tool),
    caught: denied,
  },
  "a policy and a guard, session.tool": {
    run: ({ name, payload }: Call) => whole.tool({ name, arguments: payload }, tool),
    caught: denied,
  },
  "three guards, async onion": { run: onion, caught: kept },
  "three guards, fused by hand": { run: fused, caught: kept },
};
// Held to every case here, since a refusal rejects: what is timed is the call itself, with nothing around it.
for (const [name, { run, caught }] of Object.entries(governed)) {
  for (const [call, wanted] of cases) {
    const found = read(await run(call).catch(caught));
    if (found !== wanted) throw new Error(`${name} must ${wanted} ${JSON.stringify(call)}`);
  }
}

await ask<Call, Verdict>({
  title: "a tool call with three real guards around an asynchronous tool, 200 B, nobody listening",
  isAwaited: true,
  cases: cases.filter(([, wanted]) => wanted === "allow"),
  against: "await tool()",
  contestants: {
    "await tool()": { run: ({ payload }) => tool(payload), read },
    ...Object.fromEntries(Object.entries(governed).map(([name, { run }]) => [name, { run, read }])),
  },
  promises: [
    { of: "three guards, session.tool", against: "three guards, fused by hand", most: 3 },
  ],
});
