import type { Guard } from "../base/guard.ts";
import { allowTools } from "../guards/allow-tools.ts";
import { blockPatterns } from "../guards/block-patterns.ts";
import { denyTools } from "../guards/deny-tools.ts";
import type { PolicyField } from "../guards/limit-text.ts";
import { maxConcurrentOf } from "../guards/max-concurrent.ts";
import { maxToolCallsOf } from "../guards/max-tool-calls.ts";
import { minConfidenceOf } from "../guards/min-confidence.ts";
import { requireApproval } from "../guards/require-approval.ts";
import { timeLimitOf } from "../guards/time-limit.ts";
import { tokenBudgetOf } from "../guards/token-budget.ts";
import { compileRules } from "../rules/rules.ts";
import { ownField } from "../base/own.ts";
import { isDefault } from "./define.ts";
import type { GovernancePolicy, PolicyInit } from "./policy.ts";

/**
 * The built-in guards that a policy stands for: those that compare and count come first, then the one that searches,
 * then approval. With `waits` false, no act waits for a slot: a kernel in shadow mode must delay nothing.
 */
export function compilePolicy(policy: GovernancePolicy, waits: boolean): readonly Guard[] {
  const fieldOf = (field: keyof PolicyInit): PolicyField => ({ field, isDefault: isDefault(policy, field) });
  const { timeoutMs, maxToolCalls, maxTokens, maxConcurrent, backpressureThreshold } = policy;
  const guards: Guard[] = [];
  // Infinity is no limit, and costs nothing.
  if (timeoutMs !== Infinity) guards.push(timeLimitOf(timeoutMs, fieldOf("timeoutMs")));
  const allowed = ownField(policy, "allowedTools");
  if (allowed !== undefined) guards.push(allowTools(allowed));
  if (policy.deniedTools.length > 0) guards.push(denyTools(policy.deniedTools));
  guards.push(minConfidenceOf(policy.confidenceThreshold, fieldOf("confidenceThreshold")));
  if (maxToolCalls !== Infinity) guards.push(maxToolCallsOf(maxToolCalls, {}, fieldOf("maxToolCalls")));
  if (maxTokens !== Infinity) guards.push(tokenBudgetOf(maxTokens, {}, fieldOf("maxTokens")));
  if (maxConcurrent !== Infinity || (waits && backpressureThreshold !== Infinity)) {
    guards.push(maxConcurrentOf(maxConcurrent, waits ? { backpressureThreshold } : {}, fieldOf("maxConcurrent")));
  }
  if (policy.rules.length > 0) guards.push(compileRules(policy.rules));
  // Text is searched last: what exceeds a count or a size is not searched in vain.
  if (policy.blockedPatterns.length > 0) guards.push(blockPatterns(policy.blockedPatterns));
  const approval = policy.requireHumanApproval;
  if (approval === true) guards.push(requireApproval());
  else if (approval !== false && approval.length > 0) guards.push(requireApproval(approval));
  return guards;
}
