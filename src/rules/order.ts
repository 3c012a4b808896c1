import { globCovers, widest } from "../base/glob.ts";
import { jsonText, pickOwn } from "../base/own.ts";
import { DEFAULT_STAGES, ownRule } from "./read-rule.ts";
import type { RuleInit, RuleLimit } from "./rule.ts";

/** A rule as text that is equal exactly where two rules say the same, with what they are called. */
export function ruleText(rule: RuleInit): string {
  const { id, reason } = ownRule(rule);
  return sortedText({ ...meaningOf(rule), id, reason });
}

/** What a rule says, in one form for everything that means the same. */
function meaningOf(rule: RuleInit): object {
  const { tools, agents, stages = DEFAULT_STAGES, when, require, limit, effect = "deny" } = ownRule(rule);
  const { max, of = "calls", windowMs, by = "session" } = pickOwn(limit as RuleLimit, ["max", "of", "windowMs", "by"]);
  return {
    tools: globsOf(tools),
    agents: globsOf(agents),
    stages: [...new Set(stages)].sort(),
    when,
    require,
    limit: limit === undefined ? undefined : { max, of, windowMs, by },
    effect,
  };
}

function globsOf(globs: string | readonly string[] | undefined): readonly string[] {
  return widest(globs === undefined ? ["*"] : typeof globs === "string" ? [globs] : globs, true);
}

/** JSON with sorted keys. */
function sortedText(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (Array.isArray(value)) return `[${value.map(sortedText).join(",")}]`;
  const entries = Object.keys(value).sort().map((key) => [key, (value as Record<string, unknown>)[key]] as const);
  const said = entries.filter(([, item]) => item !== undefined);
  return `{${said.map(([key, item]) => `${jsonText(key)}:${sortedText(item)}`).join(",")}}`;
}

/** The rules of a set that no other one covers, as texts: two sets with the same ones decide alike. */
export function strictestRules(rules: readonly RuleInit[]): readonly string[] {
  const known = [...new Map(rules.map((rule) => [sortedText(meaningOf(rule)), rule]))];
  return known.filter(([text, rule]) => !known.some(([other, one]) => other !== text && coversRule(one, rule)))
    .map(([text]) => text).sort();
}

/**
 * Whether whatever breaks `inner` breaks `outer` too, and costs as much: sound, not complete.
 *
 * The same `require`, the same `when` or none, an effect as hard, stages, tools and agents as wide, a limit of the same
 * kind no larger.
 */
export function coversRule(outer: RuleInit, inner: RuleInit): boolean {
  const [wide, narrow] = [meaningOf(outer), meaningOf(inner)] as [Meaning, Meaning];
  return sortedText(wide.require) === sortedText(narrow.require) &&
    (wide.when === undefined || sortedText(wide.when) === sortedText(narrow.when)) &&
    (wide.effect === "deny" || narrow.effect === "escalate") &&
    narrow.stages.every((stage) => wide.stages.includes(stage)) &&
    allCovered(wide.tools, narrow.tools) && allCovered(wide.agents, narrow.agents) &&
    isLimitAsTight(wide, narrow);
}

type Meaning = {
  readonly tools: readonly string[];
  readonly agents: readonly string[];
  readonly stages: readonly string[];
  readonly when?: unknown;
  readonly require?: unknown;
  readonly limit?: { readonly max: number; readonly of: string; readonly windowMs?: number; readonly by: string };
  readonly effect: "deny" | "escalate";
};

function allCovered(outer: readonly string[], inner: readonly string[]): boolean {
  return inner.every((glob) => outer.some((other) => globCovers(other, glob)));
}

function isLimitAsTight({ limit: wide, require }: Meaning, { limit: narrow }: Meaning): boolean {
  // A rule that only counts is broken later than one that forbids.
  if (narrow === undefined) return wide === undefined || require !== undefined;
  return wide !== undefined && wide.max <= narrow.max && wide.of === narrow.of && wide.windowMs === narrow.windowMs &&
    wide.by === narrow.by;
}
