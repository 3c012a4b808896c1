import type { Taking } from "../base/guard.ts";
import type { Decision } from "../base/decision.ts";
import { allow, amend, type Deny, deny, type Escalate, escalate, isThenable } from "../base/decision.ts";
import type { Counting } from "../combine/guard-traits.ts";
import { compileCondition, type Judge, type Missed } from "./condition.ts";
import { compileGlobs, type GlobTest } from "../base/glob.ts";
import { compileLimit, type CountLimit } from "./limit.ts";
import type { Asked } from "./asked.ts";
import { DEFAULT_STAGES, ownRule } from "./read-rule.ts";
import type { RuleInit } from "./rule.ts";
import { FALSE, TRUE, UNKNOWN } from "./truth.ts";

/** What broke a rule: for hosts. */
export interface RuleDetails {
  /** The rule's id, or its number in the list. */
  readonly rule: string;
  /** Where it was broken, where that is one place. */
  readonly place: string | undefined;
  /** Whether it only could not be told that it was kept. */
  readonly unknown: boolean;
}

/** A rule that was compiled. */
export interface CompiledRule {
  readonly stages: readonly string[];
  readonly isTool: GlobTest | undefined;
  readonly isAgent: GlobTest | undefined;
  /** The rule's objection; `undefined` where there is none. Limits are not asked. */
  judge(asked: Asked): Deny | Escalate | undefined;
  /** Its limit, where that may count in the kernel's store. */
  readonly counting: Counting | undefined;
  /** Takes from the rule's limit, once everything else was judged. */
  readonly limit: ((asked: Asked, taking: Taking) => Decision | Promise<Decision>) | undefined;
}

const NO_MISS = (): void => undefined;

/** Compiles a rule that was checked. */
export function compileRule(given: RuleInit, number: number): CompiledRule {
  const rule = ownRule(given);
  const { tools, agents, stages = DEFAULT_STAGES, when, require, limit } = rule;
  const applies = when === undefined ? undefined : compileCondition(when, true);
  const wanted = require === undefined ? undefined : compileCondition(require, false);
  const name = rule.id ?? `#${number}`;
  const count = limit === undefined ? undefined : compileLimit(rule, name);
  return {
    stages,
    isTool: tools === undefined ? undefined : compileGlobs(listOf(tools), true),
    isAgent: agents === undefined ? undefined : compileGlobs(listOf(agents), true),
    judge: (asked) => broken(rule, name, applies, wanted, asked),
    counting: count?.counting,
    limit: count === undefined ? undefined : limited(rule, name, applies, count),
  };
}

function listOf(globs: string | readonly string[]): readonly string[] {
  return typeof globs === "string" ? [globs] : globs;
}

function broken(
  rule: RuleInit,
  name: string,
  applies: Judge | undefined,
  wanted: Judge | undefined,
  asked: Asked,
): Deny | Escalate | undefined {
  const does = applies === undefined ? TRUE : applies(asked, NO_MISS);
  if (does === FALSE) return undefined;
  if (wanted === undefined) {
    return rule.limit === undefined ? objection(rule, name, undefined, does === UNKNOWN) : undefined;
  }
  let first: Missed | undefined;
  const holds = wanted(asked, (miss) => void (first ??= miss));
  return holds === TRUE ? undefined : objection(rule, name, first, does === UNKNOWN || holds === UNKNOWN);
}

/** The denial or escalation of a broken rule. Its own reason names the rule, the place and what was wanted, no value. */
function objection(rule: RuleInit, name: string, miss: Missed | undefined, unknown: boolean): Deny | Escalate {
  const details: RuleDetails = { rule: name, place: miss?.place, unknown };
  const reason = rule.reason ??
    (miss === undefined
      ? `Rule "${name}" does not let this pass`
      : `Rule "${name}" wants ${miss.wants} at "${miss.place}"${unknown ? ", and it cannot be told" : ""}`);
  return rule.effect === "escalate"
    ? amend(escalate(reason), { details, guard: "rules" })
    : amend(deny("rule_denied", reason, details), { guard: "rules" });
}

function limited(
  rule: RuleInit,
  name: string,
  applies: Judge | undefined,
  limit: CountLimit,
): (asked: Asked, taking: Taking) => Decision | Promise<Decision> {
  const answered = (decision: Decision): Decision =>
    decision.effect === "deny" && decision.code === "rate_limited" && rule.effect === "escalate"
      ? amend(escalate(decision.reason), { details: decision.details, guard: "rules" })
      : decision;
  return (asked, taking) => {
    if (applies !== undefined && applies(asked, NO_MISS) === FALSE) return allow();
    const key = limit.keyOf(asked);
    if (key === undefined) return objection(rule, name, { place: String(rule.limit?.by), wants: "a text" }, true);
    const decision = limit.judge(key, asked, taking);
    return isThenable(decision) ? Promise.resolve(decision).then(answered) : answered(decision as Decision);
  };
}
