/**
 * What does a synchronous allow decision cost, next to a function fused by hand that makes the same copy?
 *
 * Five allowed tools and five patterns (two substrings, two regular expressions, a glob), 200 B of arguments, nothing matches.
 * Run it with `npm run bench -- check`. Prints medians and the ratio of both, taken in rounds that alternate.
 */
import { createKernel } from "../mod.ts";
import { compare, report } from "./compare.ts";

const TOOLS = ["read_file", "write_file", "search", "summarize", "send_email"];
const args = {
  path: "/srv/data/reports/2026/q3.csv",
  options: { encoding: "utf8", limit: 200, tags: ["finance", "weekly", "draft"] },
  note: "summarise the totals per region and list the three largest",
  dry: false,
};

const session = createKernel({
  policy: {
    allowedTools: TOOLS,
    blockedPatterns: ["password", "drop table", { pattern: "rm\\s+-rf", type: "regex" }, { pattern: "\\b\\d{3}-\\d{2}-\\d{4}\\b", type: "regex" }, { pattern: "*secret_key*", type: "glob" }],
    maxToolCalls: Number.MAX_SAFE_INTEGER,
    timeoutMs: Number.MAX_SAFE_INTEGER,
  },
}).session({ agentId: "bench" });

const request = { stage: "pre_tool_call", name: "search", payload: args } as const;

/** The same decision, written by hand for this one policy: a set, one regular expression, a copy, a counter, the age. */
const allowed = new Set(TOOLS);
const blocked = /password|drop table|rm\s+-rf|\b\d{3}-\d{2}-\d{4}\b|secret_key/i;
const ALLOW = { effect: "allow", allowed: true } as const;
const started = Date.now();
let copied: unknown;
const calls = 0;
function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const out: unknown[] = [];
    for (let i = 0; i < value.length; i++) out.push(copy(value[i]));
    return out;
  }
  // What the copy may not hide: see the snapshot's own rules.
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0) throw new TypeError("not plain");
  const out: Record<string, unknown> = {};
  for (const key in value) out[key] = copy((value as Record<string, unknown>)[key]);
  return out;
}
function clean(value: unknown): boolean {
  if (typeof value === "string") return !blocked.test(value);
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!clean(value[i])) return false;
    return true;
  }
  for (const key in value) if (blocked.test(key) || !clean((value as Record<string, unknown>)[key])) return false;
  return true;
}
function fused(name: string, payload: unknown): { effect: "allow"; allowed: true } | { effect: "deny"; allowed: false } {
  if (!(Date.now() - started < Number.MAX_SAFE_INTEGER) || !allowed.has(name)) return { effect: "deny", allowed: false };
  const own = copy(payload);
  if (!clean(own) || calls >= Number.MAX_SAFE_INTEGER) return { effect: "deny", allowed: false };
  copied = own;
  return ALLOW;
}

const contestants = {
  "session.check": () => session.check(request),
  "fused by hand": () => fused("search", args),
};
for (const [name, run] of Object.entries(contestants)) {
  if ((run() as { effect: string }).effect !== "allow") throw new Error(`${name} must allow`);
}
if (session.check({ ...request, payload: { q: "Drop  Table" } }) instanceof Promise || (session.check({ ...request, payload: { q: "Drop  Table" } }) as { effect: string }).effect !== "deny") throw new Error("session.check must deny");
report("allow, 5 tools + 5 patterns, 200 B", await compare(contestants), "fused by hand");
if (copied === undefined) throw new Error("the copy must be made");
