/**
 * What does a synchronous decision cost, next to a function fused by hand that makes the same copy and does the same
 * work?
 *
 * Five allowed tools and five patterns, arguments of 200 B, 2 kB, 20 kB and 64 kB in which nothing matches; denials by
 * tool and by
 * pattern; the gate of tools alone; a policy without patterns.
 */
import {
  allow,
  allowTools,
  createKernel,
  type Decision,
  type ExecutionContext,
  type GovernedRequest,
  type PolicyInit,
  type Taking,
} from "../mod.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import {
  argumentsOf,
  type Call,
  casesOf,
  clean,
  copy,
  PATTERNS,
  readEffect,
  SMALL,
  TOOLS,
  uncopyable,
  UNLIMITED,
  type Verdict,
} from "./harness/scenario.ts";

const sessionOf = (policy: PolicyInit) =>
  createKernel({ policy: { ...UNLIMITED, ...policy } }).session({ agentId: "bench" });
const full = sessionOf({ allowedTools: TOOLS, blockedPatterns: PATTERNS });
const unpatterned = sessionOf({ allowedTools: TOOLS });

const allowed = new Set(TOOLS);
const started = Date.now();
const ALLOW = { effect: "allow", allowed: true } as const;
const kept = { calls: 0, copied: undefined as unknown };
const denied = (code: string, reason: string) => ({ effect: "deny", allowed: false, code, reason }) as const;

/**
 * The same decision, written by hand for this one policy: the age, a set, a copy, one regular expression, a counter.
 */
function fused({ name, payload }: Call): object {
  if (!(Date.now() - started < UNLIMITED.timeoutMs)) return denied("timeout", "The session is too old");
  if (!allowed.has(name)) return denied("tool_not_allowed", `Tool "${name}" is not allowed`);
  let own: unknown;
  try {
    own = copy(payload);
  } catch (error) {
    return denied("payload_not_plain", String(error));
  }
  if (!clean(own)) return denied("blocked_pattern", "The arguments match a blocked pattern");
  if (kept.calls >= UNLIMITED.maxToolCalls) return denied("max_tool_calls_exceeded", "No calls are left");
  kept.copied = own;
  return ALLOW;
}
/** Without patterns. */
function copying({ name, payload }: Call): object {
  if (!(Date.now() - started < UNLIMITED.timeoutMs)) return denied("timeout", "The session is too old");
  if (!allowed.has(name)) return denied("tool_not_allowed", `Tool "${name}" is not allowed`);
  let own: unknown;
  try {
    own = copy(payload);
  } catch (error) {
    return denied("payload_not_plain", String(error));
  }
  if (kept.calls >= UNLIMITED.maxToolCalls) return denied("max_tool_calls_exceeded", "No calls are left");
  kept.copied = own;
  return ALLOW;
}
/**
 * What is mostly written instead: the printed form searched, no copy, and tabs and line ends in it hidden from `\s`.
 */
const printed = /password|drop table|rm\s+-rf|\b\d{3}-\d{2}-\d{4}\b|secret_key/i;
const printing = (
  { name, payload }: Call,
): object => (allowed.has(name) && !printed.test(JSON.stringify(payload)) ? ALLOW : denied("blocked_pattern", "no"));

type Entry = Contestant<Call, Verdict>;
const check: Entry = {
  run: ({ name, payload }) => full.check({ stage: "pre_tool_call", name, payload }),
  read: readEffect,
};
const byHand: Entry = { run: fused, read: readEffect };
for (const payload of uncopyable()) {
  for (const { run } of [check, byHand]) {
    if (readEffect(run({ name: "search", payload })) !== "deny") {
      throw new Error("Who makes a copy must deny what none can be made of");
    }
  }
}

/** Text as people lay it out, with line ends and indents: it is searched as it stands and as it reads. */
const laidOut = {
  text: Array.from(
    { length: 24 },
    (_, at) => `  ${at}.  summarise the totals per region,\n      and list the three largest of branch ${at}\n`,
  ).join("\n"),
};
const SIZES = [
  ["200 B", SMALL, 1.5],
  ["2 kB", argumentsOf(2000), undefined],
  ["20 kB", argumentsOf(20_000), undefined],
  ["64 kB", argumentsOf(65_536), undefined],
  ["2 kB with line ends and indents", laidOut, undefined],
] as const;
for (const [size, payload, most] of SIZES) {
  await ask<Call, Verdict>({
    title: `allow, 5 tools and 5 patterns, ${size}`,
    cases: casesOf(payload),
    inputs: TOOLS.map((name) => ({ name, payload })),
    against: "fused by hand",
    contestants: {
      "session.check": check,
      "fused by hand": byHand,
      "JSON.stringify and a RegExp, no copy": { run: printing, read: readEffect },
    },
    promises: most === undefined ? [] : [{ of: "session.check", against: "fused by hand", most }],
  });
}

await ask<Call, Verdict>({
  title: "deny by tool",
  cases: casesOf().slice(2, 3),
  against: "fused by hand",
  contestants: { "session.check": check, "fused by hand": byHand },
});
await ask<Call, Verdict>({
  title: "deny by pattern, 200 B",
  cases: [[
    { name: "search", payload: { ...SMALL, note: "then drop table users, and list the three largest" } },
    "deny",
  ], [{ name: "search", payload: SMALL }, "allow"]],
  against: "fused by hand",
  contestants: { "session.check": check, "fused by hand": byHand },
});

await ask<Call, Verdict>({
  title: "allow, 5 tools and no patterns, 200 B: the copy is what remains",
  cases: casesOf().slice(0, 3),
  against: "fused by hand",
  contestants: {
    "session.check": {
      run: ({ name, payload }) => unpatterned.check({ stage: "pre_tool_call", name, payload }),
      read: readEffect,
    },
    "fused by hand": { run: copying, read: readEffect },
    "the copy alone": {
      run: (
        { name, payload },
      ) => (allowed.has(name) ? ((kept.copied = copy(payload)), ALLOW) : denied("tool_not_allowed", "no")),
      read: readEffect,
    },
  },
});

const gate = allowTools(TOOLS);
const asked = { context: {} as ExecutionContext, taking: { dry: true, take: () => {} } as Taking };
const PLAIN: Decision = allow();
const request = (name: string): Call & GovernedRequest => ({
  stage: "pre_tool_call",
  name,
  payload: SMALL,
  callId: "#1",
  metadata: {},
});
await ask<Call & GovernedRequest, Verdict>({
  title: "the gate of tools alone",
  cases: [[request("search"), "allow"], [request("delete_file"), "deny"]],
  inputs: TOOLS.map(request),
  against: "Set.has in a function",
  contestants: {
    "allowTools": { run: (call) => gate(call, asked.context, asked.taking), read: readEffect },
    "Set.has in a function": {
      run: ({ name }) => (allowed.has(name) ? PLAIN : denied("tool_not_allowed", `Tool "${name}" is not allowed`)),
      read: readEffect,
    },
  },
  promises: [{ of: "allowTools", against: "Set.has in a function", most: 1.5 }],
});
if (kept.copied === undefined) throw new Error("The copy must be made");
