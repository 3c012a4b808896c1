import { patternKey } from "../match/matcher.ts";
import { globIntersection, widest } from "../base/glob.ts";
import { ruleText } from "../rules/order.ts";
import type { RuleInit } from "../rules/rule.ts";
import type { BlockedPattern } from "./policy.ts";

/** The names in both lists; no list means every name. */
export function inBoth(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  return a === undefined || b === undefined ? a ?? b : intersection(a, b);
}

/** What both of two lists of globs stand for; less, and never more, where a glob would need more than four stars. */
export function intersection(a: readonly string[], b: readonly string[]): readonly string[] {
  if (![...a, ...b].some((glob) => glob.includes("*"))) {
    const names = new Set(b);
    return a.filter((name) => names.has(name));
  }
  const both = new Set<string>();
  for (const one of widest(a)) {
    for (const other of widest(b)) {
      const parts = globIntersection(one, other);
      for (const part of parts ?? []) both.add(part);
    }
  }
  return widest([...both]);
}

/** The rules in either list, equal ones once. */
export function rulesInEither(a: readonly RuleInit[], b: readonly RuleInit[]): readonly RuleInit[] {
  return [...new Map([...a, ...b].map((rule) => [ruleText(rule), rule])).values()];
}

/** The names in either list, each once. */
export function inEither(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}

/** The patterns in either list, each once. */
export function patternsInEither(
  a: readonly BlockedPattern[],
  b: readonly BlockedPattern[],
): readonly BlockedPattern[] {
  return [...new Map([...b, ...a].map((pattern) => [patternKey(pattern), pattern])).values()];
}

/** Whatever needs approval in either. */
export function approvals(a: boolean | readonly string[], b: boolean | readonly string[]): boolean | readonly string[] {
  if (a === true || b === true) return true;
  return a && b ? inEither(a, b) : a || b;
}

/** Two texts as one; parts that were joined before stand in it once. */
export function joined(a: string, b: string): string {
  return a === b ? a : inEither(a.split(" + "), b.split(" + ")).sort().join(" + ");
}
