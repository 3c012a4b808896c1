import { ownRule } from "./read-rule.ts";
import type { RuleInit } from "./rule.ts";

/** Whether a rule asks where a value comes from. */
export function asksForKnown(rule: RuleInit): boolean {
  const { when, require } = ownRule(rule);
  return names(when) || names(require);
}

function names(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, item]) => (key === "known" && item === true) || names(item));
}
