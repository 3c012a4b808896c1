import { patternKey } from "../match/matcher.ts";
import { FIELD_NAMES } from "./fields.ts";
import type { BlockedPattern, GovernancePolicy, PolicyInit } from "./policy.ts";

/** A set of tools' names: those listed, or all but those listed; the latter in lower case, since a denied name is denied in any case. */
interface ToolSet {
  readonly allBut: boolean;
  readonly names: ReadonlySet<string>;
}

/** The tools that may be called, whether a person is asked or not. */
function callable({ allowedTools, deniedTools }: GovernancePolicy): ToolSet {
  return without(allowedTools === undefined ? { allBut: true, names: new Set() } : { allBut: false, names: new Set(allowedTools) }, deniedTools);
}

/** The tools that may be called without asking. */
function unasked(policy: GovernancePolicy): ToolSet {
  const { requireHumanApproval } = policy;
  if (requireHumanApproval === true) return { allBut: false, names: new Set() };
  return without(callable(policy), requireHumanApproval === false ? [] : requireHumanApproval);
}

function without({ allBut, names }: ToolSet, removed: readonly string[]): ToolSet {
  const gone = new Set(removed.map((name) => name.toLowerCase()));
  return { allBut, names: allBut ? new Set([...names, ...gone]) : new Set([...names].filter((name) => !gone.has(name.toLowerCase()))) };
}

function includes(whole: ToolSet, part: ToolSet): boolean {
  if (part.allBut) return whole.allBut && [...whole.names].every((name) => part.names.has(name));
  return [...part.names].every((name) => (whole.allBut ? !whole.names.has(name.toLowerCase()) : whole.names.has(name)));
}

/** Acts that may be open without one having to wait. */
function unwaited({ maxConcurrent, backpressureThreshold }: GovernancePolicy): number {
  return Math.min(maxConcurrent, backpressureThreshold);
}

/** Whether `b` allows whatever `a` allows, in what decides. */
function allowsNoMore(a: GovernancePolicy, b: GovernancePolicy): boolean {
  if (a.maxTokens > b.maxTokens || a.maxToolCalls > b.maxToolCalls || a.timeoutMs > b.timeoutMs) return false;
  if (a.maxConcurrent > b.maxConcurrent || unwaited(a) > unwaited(b)) return false;
  if (a.confidenceThreshold < b.confidenceThreshold) return false;
  if (!includes(callable(b), callable(a)) || !includes(unasked(b), unasked(a))) return false;
  const blocked = new Set(a.blockedPatterns.map(patternKey));
  return b.blockedPatterns.every((pattern) => blocked.has(patternKey(pattern)));
}

/**
 * Tells whether `b` allows whatever `a` allows, and more.
 *
 * Compared are the tools that can be called and those that can without asking, the limits, the confidence, and the
 * patterns by {@linkcode patternKey}. `name`, `version`, `driftThreshold`, `logAllCalls` and `checkpointFrequency` deny
 * nothing and do not count.
 */
export function isStricter(a: GovernancePolicy, b: GovernancePolicy): boolean {
  return allowsNoMore(a, b) && !allowsNoMore(b, a);
}

/** What two values of a field are compared by: a list of names or patterns is a set. */
function canonical(name: keyof PolicyInit, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const items = name === "blockedPatterns" ? (value as readonly BlockedPattern[]).map(patternKey) : (value as readonly string[]);
  return [...new Set(items)].sort();
}

/** The value of every given field in one form for everything that means the same, in JSON. */
export function canonicalText(policy: GovernancePolicy, names: readonly (keyof PolicyInit)[]): string {
  return JSON.stringify(Object.fromEntries(names.map((name) => [name, canonical(name, policy[name])])));
}

/** The fields in which two policies differ. */
export function diffOf(a: GovernancePolicy, b: GovernancePolicy): Readonly<Record<string, readonly [unknown, unknown]>> {
  const out: Record<string, readonly [unknown, unknown]> = {};
  for (const name of FIELD_NAMES) {
    if (canonicalText(a, [name]) !== canonicalText(b, [name])) out[name] = Object.freeze([a[name], b[name]] as const);
  }
  return Object.freeze(out);
}

/**
 * The greatest lower bound of two policies: what both allow, and all that both allow.
 *
 * Of what does not decide, the more watchful is taken: the lower drift threshold and checkpoint frequency, and `logAllCalls`
 * of either. Names and versions that differ are joined, each once, sorted.
 */
export function mergedInit(a: GovernancePolicy, b: GovernancePolicy): PolicyInit {
  const allowed = inBoth(a.allowedTools, b.allowedTools);
  const byKey = new Map<string, BlockedPattern>();
  for (const pattern of [...b.blockedPatterns, ...a.blockedPatterns]) byKey.set(patternKey(pattern), pattern);
  return {
    name: joined(a.name, b.name),
    version: joined(a.version, b.version),
    maxTokens: Math.min(a.maxTokens, b.maxTokens),
    maxToolCalls: Math.min(a.maxToolCalls, b.maxToolCalls),
    ...(allowed !== undefined && { allowedTools: allowed }),
    deniedTools: [...new Set([...a.deniedTools, ...b.deniedTools])],
    blockedPatterns: [...byKey.values()],
    requireHumanApproval: approvals(a.requireHumanApproval, b.requireHumanApproval),
    timeoutMs: Math.min(a.timeoutMs, b.timeoutMs),
    confidenceThreshold: Math.max(a.confidenceThreshold, b.confidenceThreshold),
    driftThreshold: Math.min(a.driftThreshold, b.driftThreshold),
    logAllCalls: a.logAllCalls || b.logAllCalls,
    checkpointFrequency: Math.min(a.checkpointFrequency, b.checkpointFrequency),
    maxConcurrent: Math.min(a.maxConcurrent, b.maxConcurrent),
    backpressureThreshold: Math.min(a.backpressureThreshold, b.backpressureThreshold),
  };
}

/** Absent means every tool. */
function inBoth(a: readonly string[] | undefined, b: readonly string[] | undefined): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const names = new Set(b);
  return a.filter((name) => names.has(name));
}

function joined(a: string, b: string): string {
  return a === b ? a : [...new Set([...a.split(" + "), ...b.split(" + ")])].sort().join(" + ");
}

function approvals(a: boolean | readonly string[], b: boolean | readonly string[]): boolean | readonly string[] {
  if (a === true || b === true) return true;
  if (a === false) return b;
  return b === false ? a : [...new Set([...a, ...b])];
}
