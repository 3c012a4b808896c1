import { patternKey } from "../match/matcher.ts";
import { jsonText, ownField } from "../base/own.ts";
import { globCovers, globIntersection, widest } from "../base/glob.ts";
import { ruleText, strictestRules } from "../rules/order.ts";
import type { RuleInit } from "../rules/rule.ts";
import { FIELD_NAMES, FIELDS } from "./fields.ts";
import type { BlockedPattern, GovernancePolicy, PolicyInit } from "./policy.ts";

/** The fields of a policy without its methods. */
type Values = Required<Omit<PolicyInit, "allowedTools">> & Pick<PolicyInit, "allowedTools">;

function sortedSet(items: Iterable<string>): string[] {
  return [...new Set(items)].sort();
}

/**
 * The tools that are left of those allowed, in one form for everything that means the same; a removed name is removed
 * in any case. What is removed of a glob stands beside it.
 */
function without(allowed: readonly string[] | undefined, removed: readonly string[]): unknown {
  const gone = widest(removed, true);
  const left = widest(allowed ?? ["*"]).filter((glob) => !gone.some((other) => globCovers(other, glob.toLowerCase())));
  const but = gone.flatMap((glob) =>
    left.filter((one) => one.includes("*")).flatMap((one) => globIntersection(glob, one.toLowerCase()) ?? [glob])
  );
  return { left, but: widest(but) };
}

/** Everything in a policy that decides, as text that is equal exactly where two policies allow the same. */
function meaning(policy: Values): string {
  const { maxTokens, maxToolCalls, timeoutMs, confidenceThreshold, maxConcurrent, backpressureThreshold } = policy;
  const { deniedTools, requireHumanApproval, blockedPatterns } = policy;
  const allowedTools = ownField(policy, "allowedTools");
  return jsonText([
    [maxTokens, maxToolCalls, timeoutMs, confidenceThreshold, maxConcurrent],
    // Acts that may be open without one having to wait.
    Math.min(maxConcurrent, backpressureThreshold),
    without(allowedTools, deniedTools),
    // The tools that may be called without asking.
    requireHumanApproval === true
      ? without([], [])
      : without(allowedTools, [...deniedTools, ...(requireHumanApproval || [])]),
    sortedSet(blockedPatterns.map(patternKey)),
    strictestRules(policy.rules),
    // What taints, and what is known.
    widest(policy.untrustedTools, true),
    widest(policy.trustedTools),
  ]);
}

/**
 * Tells whether `b` allows whatever `a` allows, and more: what both allow is then what `a` allows, and not what `b`
 * does.
 *
 * Compared are the tools that can be called and those that can without asking, the limits, the confidence, the
 * patterns by {@linkcode patternKey}, and the rules that no other one covers. `name`, `version`, `driftThreshold`, `logAllCalls` and `checkpointFrequency` deny
 * nothing and do not count.
 */
export function isStricter(a: GovernancePolicy, b: GovernancePolicy): boolean {
  const ofA = meaning(a);
  return ofA !== meaning(b) && ofA === meaning(mergedInit(a, b));
}

/** What two values of a field are compared by: a list of names or patterns is a set. */
function canonical(name: keyof PolicyInit, value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  if (name === "rules") return sortedSet((value as readonly RuleInit[]).map(ruleText));
  return name === "blockedPatterns"
    ? sortedSet((value as readonly BlockedPattern[]).map(patternKey))
    : widest(value as readonly string[]);
}

/** The value of every given field in one form for everything that means the same, in JSON. */
export function canonicalText(policy: GovernancePolicy, names: readonly (keyof PolicyInit)[]): string {
  return jsonText(Object.fromEntries(names.map((name) => [name, canonical(name, ownField(policy, name))])));
}

/** The fields in which two policies differ. */
export function diffOf(
  a: GovernancePolicy,
  b: GovernancePolicy,
): Readonly<Record<string, readonly [unknown, unknown]>> {
  return Object.freeze(Object.fromEntries(
    FIELD_NAMES.filter((name) => canonicalText(a, [name]) !== canonicalText(b, [name]))
      .map((name) => [name, Object.freeze([ownField(a, name), ownField(b, name)] as const)]),
  ));
}

/**
 * The greatest lower bound of two policies: what both allow, and all that both allow.
 *
 * Of what does not decide, the more watchful is taken: the lower drift threshold and checkpoint frequency, and
 * `logAllCalls` of either. Names and versions that differ are joined, each once, sorted.
 */
export function mergedInit(a: GovernancePolicy, b: GovernancePolicy): Values {
  return Object.fromEntries(
    FIELD_NAMES.map((name) => [name, FIELDS[name].merge(ownField(a, name), ownField(b, name))]),
  ) as unknown as Values;
}
