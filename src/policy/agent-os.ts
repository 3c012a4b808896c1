import { buildPolicy } from "./define.ts";
import type { PolicyMistake, Report } from "./error.ts";
import { whole } from "./fields.ts";
import type { GovernancePolicy, PolicyInit } from "./policy.ts";
import { entriesOf, wantedKey } from "./read.ts";

const MS = 1000;

/** Turns a value of that form into one of ours; reports what has no counterpart. */
type Translate = (value: unknown, path: string, report: Report) => unknown;

const same: Translate = (value) => value;

const allowedTools: Translate = (value) => (Array.isArray(value) && value.length === 0 ? undefined : value);

const seconds: Translate = (value, path, report) => {
  let isTime = true;
  const read = whole(1, Math.floor(Number.MAX_SAFE_INTEGER / MS))(value, path, (mistake) => {
    isTime = false;
    report(mistake);
  });
  // A mistake is reported once: what is returned then is some time, which nobody sees.
  return isTime ? (read as number) * MS : MS;
};

/** There, zero switches drift detection off; no drift is above 1. */
const driftThreshold: Translate = (value) => (value === 0 ? 1 : value);

const approval: Translate = (value, path, report) => {
  if (typeof value === "boolean") return value;
  report({ path, wanted: "true or false", got: value });
  return false;
};

/** A pattern there is text, `{ pattern, type }` or `[pattern, type]`. */
const blockedPatterns: Translate = (value) =>
  Array.isArray(value) ? Array.from(value as unknown[], (item) => (Array.isArray(item) && item.length === 2 ? { pattern: item[0] as unknown, type: item[1] as unknown } : item)) : value;

const KEYS: ReadonlyMap<string, readonly [keyof PolicyInit, Translate]> = new Map<string, readonly [keyof PolicyInit, Translate]>([
  ["name", ["name", same]],
  ["version", ["version", same]],
  ["max_tokens", ["maxTokens", same]],
  ["max_tool_calls", ["maxToolCalls", same]],
  ["allowed_tools", ["allowedTools", allowedTools]],
  ["blocked_patterns", ["blockedPatterns", blockedPatterns]],
  ["require_human_approval", ["requireHumanApproval", approval]],
  ["timeout_seconds", ["timeoutMs", seconds]],
  ["confidence_threshold", ["confidenceThreshold", same]],
  ["drift_threshold", ["driftThreshold", driftThreshold]],
  ["log_all_calls", ["logAllCalls", same]],
  ["checkpoint_frequency", ["checkpointFrequency", same]],
  ["max_concurrent", ["maxConcurrent", same]],
  ["backpressure_threshold", ["backpressureThreshold", same]],
]);

/** Sections that ask for modules which a policy of ours does not have. */
const SECTIONS: ReadonlySet<string> = new Set([
  "prompt_injection",
  "token_budget",
  "rate_limiter",
  "bounded_semaphore",
  "scope_guard",
  "supply_chain",
  "mcp_security",
  "detection",
]);

function isOff(section: unknown): boolean {
  if (typeof section !== "object" || section === null || Array.isArray(section)) return false;
  return Reflect.ownKeys(section).length === 0 || (Object.hasOwn(section, "enabled") && (section as { enabled: unknown }).enabled === false);
}

/** Reads the Python toolkit's form of a policy; `where` names the caller in errors. */
export function readAgentOs(where: string, json: unknown): GovernancePolicy {
  const mistakes: PolicyMistake[] = [];
  const report: Report = (mistake) => mistakes.push(mistake);
  const entries: [keyof PolicyInit, unknown, string][] = [];
  for (const [key, value] of entriesOf(json, "", report)) {
    const known = KEYS.get(key);
    if (known !== undefined) {
      if (value !== undefined) entries.push([known[0], known[1](value, key, report), key]);
    } else if (!SECTIONS.has(key)) report({ path: key, wanted: wantedKey(key, [...KEYS.keys()]), got: value });
    else if (value !== undefined && !isOff(value)) report({ path: key, wanted: "absent, {} or { enabled: false }, as a policy has no such section", got: value });
  }
  return buildPolicy(where, entries, mistakes);
}
