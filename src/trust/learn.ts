/** Denials that say nothing against the agent: something was broken, full or slow, or somebody else stopped it. */
const BLAMELESS: ReadonlySet<string> = new Set([
  "guard_error",
  "guard_timeout",
  "store_unavailable",
  "audit_unavailable",
  "session_killed",
  "agent_suspended",
  "agent_not_active",
  "trust_too_low",
  "approval_required",
  "concurrency_limit",
  "rate_limited",
  "max_tool_calls_exceeded",
  "token_budget_exceeded",
  "cost_budget_exceeded",
  "timeout",
]);

/** Whether a denial counts against the agent's trust: it asked for what a rule forbids. */
export function isViolation(code: string): boolean {
  return !BLAMELESS.has(code);
}
