import type { LimitDetails } from "../../mod.ts";
import { fieldOf } from "../shared/own.ts";

const CODES: ReadonlySet<unknown> = new Set([
  "rate_limited",
  "max_tool_calls_exceeded",
  "token_budget_exceeded",
  "cost_budget_exceeded",
]);

/** Which limit a decision was made by, and when it lets a call through again: numbers, and nothing else. */
export function limitOfDecision(decision: unknown): LimitDetails | undefined {
  const details = fieldOf(decision, "details");
  return limitOf({
    code: fieldOf(decision, "code"),
    limit: fieldOf(details, "max") ?? fieldOf(details, "maxUsd"),
    spent: fieldOf(details, "spent") ?? fieldOf(details, "spentUsd"),
    windowMs: fieldOf(details, "windowMs"),
    retryAfterMs: fieldOf(details, "retryAfterMs"),
  });
}

/** A limit as it was told, possibly by somebody else; `undefined` where it is none. */
export function limitOf(told: unknown): LimitDetails | undefined {
  const code = fieldOf(told, "code"), limit = amountOf(told, "limit");
  if (!CODES.has(code) || limit === undefined) return undefined;
  const spent = amountOf(told, "spent"), windowMs = amountOf(told, "windowMs");
  const retryAfterMs = amountOf(told, "retryAfterMs");
  return {
    code: code as LimitDetails["code"],
    limit,
    ...(spent === undefined ? {} : { spent }),
    ...(windowMs === undefined ? {} : { windowMs }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

function amountOf(value: unknown, key: string): number | undefined {
  const amount = fieldOf(value, key);
  return typeof amount === "number" && Number.isFinite(amount) && amount >= 0 ? amount : undefined;
}
