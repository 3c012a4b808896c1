import type { Guard } from "../guard.ts";
import { allowTools } from "../guards/allow-tools.ts";
import { blockPatterns } from "../guards/block-patterns.ts";
import { denyTools } from "../guards/deny-tools.ts";
import { maxConcurrent } from "../guards/max-concurrent.ts";
import { maxToolCalls } from "../guards/max-tool-calls.ts";
import { minConfidence } from "../guards/min-confidence.ts";
import { requireApproval } from "../guards/require-approval.ts";
import { timeLimit } from "../guards/time-limit.ts";
import { tokenBudget } from "../guards/token-budget.ts";
import type { GovernancePolicy } from "./policy.ts";

/**
 * The built-in guards that a policy stands for: those that compare and count come first, then the one that searches,
 * then approval.
 * With `waits` false, no act waits its turn: a kernel that only watches must hold nothing up.
 */
export function compilePolicy(policy: GovernancePolicy, waits: boolean): readonly Guard[] {
  const guards: Guard[] = [timeLimit(policy.timeoutMs)];
  if (policy.allowedTools !== undefined) guards.push(allowTools(policy.allowedTools));
  if (policy.deniedTools.length > 0) guards.push(denyTools(policy.deniedTools));
  guards.push(
    minConfidence(policy.confidenceThreshold),
    maxToolCalls(policy.maxToolCalls),
    tokenBudget(policy.maxTokens),
    maxConcurrent(policy.maxConcurrent, waits ? { backpressureThreshold: policy.backpressureThreshold } : {}),
  );
  // A text is searched last: what is denied for its number or its size is not searched in vain.
  if (policy.blockedPatterns.length > 0) guards.push(blockPatterns(policy.blockedPatterns));
  const approval = policy.requireHumanApproval;
  if (approval === true) guards.push(requireApproval());
  else if (approval !== false && approval.length > 0) guards.push(requireApproval(approval));
  return guards;
}
