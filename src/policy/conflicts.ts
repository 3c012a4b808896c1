import { ownField } from "../base/own.ts";
import type { GovernancePolicy } from "./policy.ts";

const SHORT_MS = 5000;

/** What in a policy works against itself, in words: nothing here makes it invalid. */
export function conflictsOf(policy: GovernancePolicy): readonly string[] {
  const {
    deniedTools,
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
  const allowed = allowedTools === undefined ? undefined : new Set(allowedTools);
  const denied = new Set(deniedTools);
  for (const name of allowed ?? []) {
    if (denied.has(name)) out.push(`allowedTools and deniedTools both name "${name}": it cannot be called`);
  }
  for (const name of new Set(typeof requireHumanApproval === "boolean" ? [] : requireHumanApproval)) {
    if (denied.has(name)) {
      out.push(`requireHumanApproval names "${name}", which deniedTools denies: nobody is ever asked`);
    } else if (allowed?.has(name) === false) {
      out.push(`requireHumanApproval names "${name}", which allowedTools does not allow: nobody is ever asked`);
    }
  }
  if (timeoutMs < SHORT_MS) {
    out.push(`timeoutMs (${timeoutMs}) is under ${SHORT_MS}: a session may end before its first answer`);
  }
  if (confidenceThreshold === 0) out.push("confidenceThreshold is 0: no answer is ever stopped for its confidence");
  return Object.freeze(out);
}
