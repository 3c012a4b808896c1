import { patternKey } from "../match/matcher.ts";
import type { BlockedPattern } from "./policy.ts";

/** The names in both lists; no list means every name. */
export function inBoth(
  a: readonly string[] | undefined,
  b: readonly string[] | undefined,
): readonly string[] | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const names = new Set(b);
  return a.filter((name) => names.has(name));
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
