// Rules: which tools may be called with which arguments, as data.

import { wrongType } from "../base/check.ts";
import type { ExecutionContext } from "../base/context.ts";
import {
  allow,
  amend,
  type Decision,
  type Deny,
  type Escalate,
  isThenable,
  joinEscalations,
} from "../base/decision.ts";
import type { Guard, Taking } from "../base/guard.ts";
import { named } from "../base/guard.ts";
import { type GovernedRequest, STAGES } from "../base/request.ts";
import { counts, onlyReads } from "../combine/guard-traits.ts";
import { type CompiledRule, compileRule } from "./compile-rule.ts";
import type { Asked } from "./asked.ts";
import { readRules } from "./read-rule.ts";
import type { RuleInit } from "./rule.ts";

const WHERE = "rules()";
const KNOWN_NAMES = 1024;

/**
 * Says which tools may be called with which arguments, as data.
 *
 * An unordered set that only takes away: of all rules that apply, a denial counts before an escalation, and an
 * escalation before an allow. A rule is silent only where it is certainly kept: what cannot be told counts as broken.
 * One place is judged, and never the printed whole, so that what stands elsewhere changes nothing. All rules are judged
 * before any limit is taken from.
 * Denies with `rule_denied`, and where a limit is used up with `rate_limited`; escalates with `approval_required`.
 * `details.rule` is the rule's id.
 *
 * @throws {TypeError} If something is wrong with a rule; the error names the first place.
 * @example Usage
 * ```ts
 * import { createKernel, rules } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const guard = rules([
 *   { id: "mail", tools: "send_*", require: { "to.*": { email: "example.com" } } },
 *   { id: "pay", tools: "pay", when: { amount: { gt: 100 } }, effect: "escalate" },
 * ]);
 * const session = createKernel({ guards: [guard] }).session({ agentId: "clerk" });
 * const call = (name: string, payload: unknown) => session.check({ stage: "pre_tool_call", name, payload });
 * assert.equal((await call("send_mail", { to: ["ada@example.com"] })).effect, "allow");
 * assert.equal((await call("send_mail", { to: ["ada@example.com", "eve@example.net"] })).effect, "deny");
 * assert.equal((await call("pay", { amount: 500 })).effect, "escalate");
 * assert.equal((await call("pay", { amount: "5" })).effect, "escalate");
 * ```
 */
export function rules(list: readonly RuleInit[]): Guard {
  const read = readRules("rules", list, (path, wanted, got) => {
    throw wrongType(WHERE, path, wanted, got);
  });
  if (read.length === 0) throw wrongType(WHERE, "rules", "at least one rule", list);
  return compileRules(read);
}

/** The guard of rules that were read. */
export function compileRules(list: readonly RuleInit[]): Guard {
  const all = list.map((rule, at) => compileRule(rule, at + 1));
  const byStage = new Map(STAGES.map((stage) => {
    return [stage, rulesByName(all.filter(({ stages }) => stages.includes(stage)))] as const;
  }));
  const guard: Guard = (request, context, taking) => {
    const named = byStage.get(request.stage)?.(request.name) ?? [];
    return named.length === 0 ? ALLOW : judge(named, request, context, taking);
  };
  const stages = STAGES.filter((stage) => all.some((rule) => rule.stages.includes(stage)));
  const made = onlyReads(named(guard, "rules", Object.freeze(stages)));
  return all.reduce((one, { counting }) => counts(one, counting), made);
}

const ALLOW = allow();

/** Finds the rules that name a tool: looked up once for each name, so that rules for other tools cost nothing. */
function rulesByName(all: readonly CompiledRule[]): (name: string) => readonly CompiledRule[] {
  const known = new Map<string, readonly CompiledRule[]>();
  return (name) => {
    let found = known.get(name);
    if (found === undefined) {
      found = all.filter(({ isTool }) => isTool === undefined || isTool(name));
      if (known.size >= KNOWN_NAMES) known.clear();
      known.set(name, found);
    }
    return found;
  };
}

function judge(
  named: readonly CompiledRule[],
  request: GovernedRequest,
  context: ExecutionContext,
  taking: Taking,
): Decision | Promise<Decision> {
  const asked: Asked = { request, context };
  const escalations: Escalate[] = [];
  const own = named.filter(({ isAgent }) => isAgent === undefined || isAgent(context.agentId));
  for (const rule of own) {
    const objection = rule.judge(asked);
    if (objection?.effect === "deny") return objection;
    if (objection !== undefined) escalations.push(objection);
  }
  return take(own.filter(({ limit }) => limit !== undefined), 0, asked, taking, escalations);
}

/** Takes from one limit after the other. */
function take(
  limited: readonly CompiledRule[],
  from: number,
  asked: Asked,
  taking: Taking,
  escalations: Escalate[],
): Decision | Promise<Decision> {
  for (let at = from; at < limited.length; at++) {
    const answer = limited[at]?.limit?.(asked, taking) ?? ALLOW;
    if (isThenable(answer)) {
      return Promise.resolve(answer).then((late) =>
        heard(late, escalations) ?? take(limited, at + 1, asked, taking, escalations)
      );
    }
    const denied = heard(answer as Decision, escalations);
    if (denied !== undefined) return denied;
  }
  return joined(escalations);
}

function heard(decision: Decision, escalations: Escalate[]): Deny | undefined {
  if (decision.effect === "deny") return decision;
  if (decision.effect === "escalate") escalations.push(decision);
  return undefined;
}

/** One question for all of them, in the rules' order. */
function joined(escalations: readonly Escalate[]): Decision {
  const [first, second] = escalations;
  if (first === undefined) return ALLOW;
  if (second === undefined) return first;
  return joinEscalations(amend(first, { reason: escalations.map(({ reason }) => reason).join("; ") }), escalations);
}
