import { ownField } from "../base/own.ts";
import { globCovers, globIntersection } from "../base/glob.ts";
import { ownRule } from "../rules/read-rule.ts";
import { coversRule } from "../rules/order.ts";
import type { GovernancePolicy } from "./policy.ts";

const SHORT_MS = 5000;

/** What in a policy works against itself, in words: nothing here makes it invalid. */
export function conflictsOf(policy: GovernancePolicy): readonly string[] {
  const {
    requireHumanApproval,
    maxToolCalls,
    maxConcurrent,
    backpressureThreshold,
    timeoutMs,
    confidenceThreshold,
  } = policy;
  const allowedTools = ownField(policy, "allowedTools");
  const out: string[] = [];
  if (backpressureThreshold !== Infinity && backpressureThreshold >= maxConcurrent) {
    out.push(
      `backpressureThreshold (${backpressureThreshold}) is not below maxConcurrent (${maxConcurrent}): ` +
        "acts are refused before any has to wait its turn",
    );
  }
  if (maxToolCalls === 0 && allowedTools !== undefined && allowedTools.length > 0) {
    out.push("maxToolCalls is 0, but allowedTools names tools: none of them can be called");
  }
  for (const name of new Set(allowedTools)) {
    if (isDenied(policy, name)) out.push(`allowedTools and deniedTools both name "${name}": it cannot be called`);
  }
  for (const name of new Set(typeof requireHumanApproval === "boolean" ? [] : requireHumanApproval)) {
    if (isDenied(policy, name)) {
      out.push(`requireHumanApproval names "${name}", which deniedTools denies: nobody is ever asked`);
    } else if (!isAllowed(policy, name)) {
      out.push(`requireHumanApproval names "${name}", which allowedTools does not allow: nobody is ever asked`);
    }
  }
  out.push(...rulesAgainstThemselves(policy));
  if (timeoutMs < SHORT_MS) {
    out.push(`timeoutMs (${timeoutMs}) is under ${SHORT_MS}: a session may end before its first answer`);
  }
  if (confidenceThreshold === 0) out.push("confidenceThreshold is 0: no answer is ever stopped for its confidence");
  return Object.freeze(out);
}

/** Whether every tool that a glob names is denied. */
function isDenied({ deniedTools }: GovernancePolicy, glob: string): boolean {
  return deniedTools.some((denied) => globCovers(denied, glob, true));
}

/** Whether a tool that a glob names may be allowed, whatever the case of its letters. */
function isAllowed(policy: GovernancePolicy, glob: string): boolean {
  const allowed = ownField(policy, "allowedTools");
  return allowed === undefined ||
    allowed.some((one) => globIntersection(one.toLowerCase(), glob.toLowerCase())?.length !== 0);
}

function rulesAgainstThemselves(policy: GovernancePolicy): readonly string[] {
  const rules = policy.rules.map(ownRule);
  const out: string[] = [];
  const nameOf = (at: number): string => rules[at]?.id ?? `#${at + 1}`;
  const ids = rules.map(({ id }) => id).filter((id) => id !== undefined);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) {
    out.push(`rules: two are called "${id}": nobody can tell which one stopped a call`);
  }
  rules.forEach((rule, at) => {
    const { tools, stages = ["pre_tool_call"] } = rule;
    const globs = tools === undefined ? [] : [tools].flat();
    const isOfTools = stages.every((stage) => stage === "pre_tool_call" || stage === "post_tool_call");
    if (
      isOfTools && globs.length > 0 && globs.every((glob) => isDenied(policy, glob) || !isAllowed(policy, glob))
    ) out.push(`rules: "${nameOf(at)}" is about tools that cannot be called: it never applies`);
    const by = rules.findIndex((other, place) =>
      place !== at && coversRule(other, rule) && !(coversRule(rule, other) && place > at)
    );
    if (by >= 0) out.push(`rules: "${nameOf(by)}" stops whatever "${nameOf(at)}" stops: the latter changes nothing`);
  });
  return out;
}
