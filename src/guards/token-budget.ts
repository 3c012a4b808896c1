import { functionOf, ownOptions, show, wholeNumber } from "../base/check.ts";
import type { ExecutionContext } from "../base/context.ts";
import { deny } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import { ownField } from "../base/own.ts";
import type { GovernedRequest, TokenUsage } from "../base/request.ts";
import { tokensIn } from "../snapshot/text-length.ts";
import { tokensOf } from "../base/usage.ts";
import { budgetGuard } from "./budget.ts";
import { limitText, type PolicyField, scopeText } from "./limit-text.ts";
import { LIMIT_OPTIONS, type LimitOptions } from "./keyed-limit.ts";
import type { TokenBudgetDetails } from "./limit-details.ts";

/** Whose tokens count together, how far back, where, and what a call is taken to use. */
export interface TokenBudgetOptions extends LimitOptions {
  /** What a call is taken to use before it has run, in tokens: a whole number >= 1, or a function that answers one. */
  readonly estimate?: number | ((request: GovernedRequest, context: ExecutionContext) => number);
}

const WHERE = "tokenBudget()";

/**
 * Allows model calls of a session so many tokens in all.
 *
 * Before a call an estimate is taken: `estimate`, else the request's own `usage`, else a token for every four
 * characters of the request, at least one. The usage that the call reports then takes its place, even where that is
 * more than was left; so the budget can be passed by what the calls under way use beyond their estimates, and by no
 * call more. A call that reports no tokens, zeros or nonsense has used a token for every four characters of what went
 * and came, and at least the estimate. A call that is denied or cancelled gives it back. Calls of child sessions count
 * for their parents too.
 * Denies with `token_budget_exceeded`. Denies with `store_unavailable`, where there is a store or `per` is `"agent"`.
 *
 * @param max A whole number >= 1, in tokens.
 * @throws {RangeError | TypeError} If `max` is anything else, or an option is unknown or wrong.
 * @example Usage
 * ```ts
 * import { createKernel, tokenBudget } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [tokenBudget(100)] }).session({ agentId: "writer" });
 * const call = { model: "m", request: { messages: [{ role: "user", content: "Hi" }] } };
 * await session.model(call, () => "Hello", () => ({ totalTokens: 100 }));
 * await assert.rejects(session.model(call, () => "Hello"), { code: "token_budget_exceeded" });
 * ```
 */
export function tokenBudget(max: number, options: TokenBudgetOptions = {}): Guard {
  return tokenBudgetOf(max, options, undefined);
}

/** The same, for a field of a policy. */
export function tokenBudgetOf(max: number, options: TokenBudgetOptions, field: PolicyField | undefined): Guard {
  const limit = wholeNumber(WHERE, "max", max, 1);
  const own = ownOptions(WHERE, options, [...LIMIT_OPTIONS, "estimate"]);
  const estimate: unknown = own.estimate;
  if (estimate !== undefined && typeof estimate !== "number") functionOf(WHERE, "estimate", estimate);
  if (typeof estimate === "number") wholeNumber(WHERE, "estimate", estimate, 1);
  const { per, windowMs } = own;
  const reason = `The token budget does not cover this call: ${
    limitText("tokenBudget", `${limit} ${scopeText(per, windowMs)}`, field)
  }`;
  return budgetGuard({
    where: WHERE,
    name: "tokenBudget",
    max: limit,
    options: own,
    estimateOf: typeof estimate === "function"
      ? (request, context) => stated(estimate(request, context))
      : typeof estimate === "number"
      ? () => estimate
      : tokenEstimate,
    usedOf: tokensUsed,
    refuse: (spent, wanted, more) => {
      const details: TokenBudgetDetails = { max: limit, spent, estimate: wanted, ...more };
      return deny("token_budget_exceeded", reason, details);
    },
    isOurs: typeof estimate !== "function",
  });
}

/** What a call is taken to use before it has run: what the request says, else a token for every four characters. */
export function tokenEstimate(request: GovernedRequest): number {
  return tokensOf(request.usage) ?? tokensIn(request.payload);
}

/** What a call has used: of its length and of what it was taken to use, where it does not say, what is more. */
export function tokensUsed(usage: TokenUsage | undefined, estimate: number): number | undefined {
  const tokens = tokensOf(usage);
  return usage !== undefined && ownField(usage, "isEstimated") === true && tokens !== undefined
    ? Math.max(tokens, estimate)
    : tokens;
}

function stated(tokens: unknown): number {
  if (Number.isSafeInteger(tokens) && (tokens as number) >= 1) return tokens as number;
  throw new TypeError(
    `The estimate function of tokenBudget() must answer a whole number >= 1, and answered ${show(tokens)}`,
  );
}
