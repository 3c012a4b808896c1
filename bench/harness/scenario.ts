/**
 * The call that most questions are about: five allowed tools, five patterns (two substrings, two regular expressions, a
 * glob), an
 * object of arguments in which nothing matches, and the same rules written by hand.
 */
import {
  allow,
  type BlockedPattern,
  createKernel,
  type Decision,
  defineGuard,
  type GovernedRequest,
} from "../../mod.ts";

/** A call of a tool. */
export interface Call {
  readonly name: string;
  readonly payload: unknown;
}

/** What a governed call came to, in one word. */
export type Verdict = "allow" | "deny";

/** The tools that may be called. */
export const TOOLS: readonly string[] = ["read_file", "write_file", "search", "summarize", "send_email"];

/** What no argument may hold. */
export const PATTERNS: readonly BlockedPattern[] = [
  "password",
  "drop table",
  { pattern: "rm\\s+-rf", type: "regex" },
  { pattern: "\\b\\d{3}-\\d{2}-\\d{4}\\b", type: "regex" },
  { pattern: "*secret_key*", type: "glob" },
];

/** A policy that never runs out, in which nothing else can be reached. */
export const UNLIMITED = {
  maxToolCalls: Number.MAX_SAFE_INTEGER,
  timeoutMs: Number.MAX_SAFE_INTEGER,
  maxTokens: Number.MAX_SAFE_INTEGER,
} as const;

/** The arguments: 200 B as JSON. */
export const SMALL = {
  path: "/srv/data/reports/2026/q3.csv",
  options: { encoding: "utf8", limit: 200, tags: ["finance", "weekly", "draft"] },
  note: "summarise the totals per region and list the three largest",
  dry: false,
};

/**
 * Arguments of about `bytes` as JSON: as many objects like {@linkcode SMALL} as that takes, no two with the same texts.
 */
export function argumentsOf(bytes: number): unknown {
  if (bytes <= 200) return SMALL;
  const parts: unknown[] = [];
  for (let at = 0, left = bytes; left > 0; at++) {
    const part = {
      ...SMALL,
      path: `/srv/data/reports/${1900 + at}/q${at % 4}.csv`,
      note: `${SMALL.note} of branch ${at}${", from the north to the south".repeat(at % 3)}`,
    };
    left -= JSON.stringify(part).length + 1;
    parts.push(part);
  }
  return { parts };
}

/** What every way to govern the call must answer, the first of which is timed. */
export function casesOf(payload: unknown = SMALL): readonly (readonly [Call, Verdict])[] {
  return [
    [{ name: "search", payload }, "allow"],
    [{ name: "read_file", payload }, "allow"],
    [{ name: "delete_file", payload }, "deny"],
    [{ name: "search", payload: { q: "Drop Table users" } }, "deny"],
    [{ name: "search", payload: { deep: [{ cmd: "rm  -rf /" }] } }, "deny"],
    [{ name: "search", payload: { ssn: "it is 123-45-6789" } }, "deny"],
    [{ name: "search", payload: { my_secret_key: 1 } }, "deny"],
  ];
}

/** What a decision says. */
export const readEffect = (decision: unknown): Verdict => (decision as Decision).effect as Verdict;

/** The five patterns in one regular expression. */
export const BLOCKED = /password|drop table|rm\s+-rf|\b\d{3}-\d{2}-\d{4}\b|secret_key/i;

/** What a copy refuses to make. */
export class NotPlain extends Error {}

let nodesLeft = 0;
let charsLeft = 0;

/**
 * Copies what is plain data within the caps of a tool gate, as a session does, and throws {@linkcode NotPlain} on
 * everything else.
 */
export function copy(value: unknown): unknown {
  nodesLeft = 100_000;
  charsLeft = 1 << 20;
  return copyOf(value, 64);
}

function copyOf(value: unknown, depth: number): unknown {
  if (--nodesLeft < 0) throw new NotPlain("too many values");
  switch (typeof value) {
    case "string":
      if ((charsLeft -= value.length) < 0) throw new NotPlain("too much text");
      return value;
    case "function":
    case "symbol":
    case "bigint":
      throw new NotPlain(typeof value);
    case "object":
      break;
    default:
      return value;
  }
  if (value === null) return value;
  if (depth === 0) throw new NotPlain("too many levels");
  if (Array.isArray(value)) {
    const out: unknown[] = [];
    for (let i = 0; i < value.length; i++) out.push(copyOf(value[i], depth - 1));
    return out;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || Object.getOwnPropertySymbols(value).length > 0) {
    throw new NotPlain("an object");
  }
  const out: Record<string, unknown> = {};
  for (const key in value) {
    if (key === "__proto__") throw new NotPlain(key);
    if ((charsLeft -= key.length) < 0) throw new NotPlain("too much text");
    out[key] = copyOf((value as Record<string, unknown>)[key], depth - 1);
  }
  return out;
}

/** Payloads that no copy may be made of: whoever makes a copy must deny them. */
export function uncopyable(): readonly unknown[] {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  const values = [
    () => 1,
    Symbol("s"),
    new WeakMap(),
    Object.create({ inherited: 1 }),
    Promise.resolve(1),
    { [Symbol("s")]: 1 },
    JSON.parse('{"__proto__":{"a":1}}'),
    Array.from({ length: 100_001 }, () => 1),
    "a".repeat((1 << 20) + 1),
  ];
  return [{ deep: [cycle] }, ...values.map((value) => ({ value }))];
}

/** Whether no string in plain data matches, keys included. */
export function clean(value: unknown): boolean {
  if (typeof value === "string") return !BLOCKED.test(value);
  if (typeof value !== "object" || value === null) return true;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (!clean(value[i])) return false;
    return true;
  }
  for (const key in value) if (BLOCKED.test(key) || !clean((value as Record<string, unknown>)[key])) return false;
  return true;
}

const seen: GovernedRequest[] = [];
const witness = defineGuard({
  name: "witness",
  stages: ["pre_tool_call"],
  check: (request) => (seen.push(request), allow()),
});
const showing = createKernel({ policy: UNLIMITED, guards: [witness] }).session({ agentId: "bench" });

/**
 * What a session shows to a guard: guards of ours know that it is plain data, which they would have to find out about
 * an object made by hand.
 */
export function requestOf(payload: unknown): GovernedRequest {
  void showing.check({ stage: "pre_tool_call", name: "search", payload });
  const request = seen.pop();
  if (request === undefined) throw new Error("The payload was not shown to any guard");
  return request;
}
