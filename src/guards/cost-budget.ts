import { functionOf, numberBetween, ownOptions, show } from "../base/check.ts";
import { type ExecutionContext, stateOf } from "../base/context.ts";
import { type Deny, deny } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import type { GovernedRequest, PriceOf, TokenUsage } from "../base/request.ts";
import { tokensIn } from "../snapshot/text-length.ts";
import { completeUsage, figuresOf, microUsdOf, MOST_USD } from "../base/usage.ts";
import { budgetGuard } from "./budget.ts";
import { limitText, scopeText } from "./limit-text.ts";
import { LIMIT_OPTIONS, type LimitOptions } from "./keyed-limit.ts";
import type { CostBudgetDetails } from "./limit-details.ts";

/** Whose costs count together, how far back, where, and what a call is taken to cost. */
export interface CostBudgetOptions extends LimitOptions {
  /**
   * What a call is taken to cost before it has run, in US dollars: a number above 0, or a function that answers one.
   */
  readonly estimateUsd?: number | ((request: GovernedRequest, context: ExecutionContext) => number);
}

const WHERE = "costBudget()";

/**
 * Allows model calls of a session so many US dollars in all.
 *
 * Counts in whole millionths of a dollar: ten calls of $0.10 fit into $1, and an eleventh does not. Before a call an
 * estimate is reserved: `estimateUsd`, else the request's own `usage.costUsd`, else what the kernel's `prices` make of
 * its length, else **all that is left**, so that without prices and without an estimate calls come one at a time, and
 * one that never says what it cost has spent the budget. Where the kernel has prices, a model without one is denied.
 * The cost that the call reports then takes its place, even where that is more than was left; so the budget can be
 * passed by what the calls under way cost beyond their estimates, and by no call more. A call that reports no cost, or
 * nonsense, costs what the prices make of its tokens, and without prices has spent the estimate. A call that is denied
 * or cancelled gives it back. Calls of child sessions count for their parents too.
 * Denies with `cost_budget_exceeded`. Denies with `store_unavailable`, where there is a store or `per` is `"agent"`.
 *
 * @param maxUsd A number from 0 to 9 billion, in US dollars, cut off at the sixth decimal; 0 denies every call.
 * @throws {RangeError | TypeError} If `maxUsd` is anything else, or an option is unknown or wrong.
 * @example Usage
 * ```ts
 * import { costBudget, createKernel } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [costBudget(1)] }).session({ agentId: "writer" });
 * const call = () => session.model({ model: "m", request: "Hi" }, () => "Hello", () => ({ costUsd: 0.1 }));
 * for (let i = 0; i < 10; i++) await call();
 * await assert.rejects(call(), { code: "cost_budget_exceeded" });
 * ```
 */
export function costBudget(maxUsd: number, options: CostBudgetOptions = {}): Guard {
  // Rounded at a thousandth first: 0.29 * 1e6 must not become 289999 by a float's last digit.
  const max = Math.floor(Math.round(numberBetween(WHERE, "maxUsd", maxUsd, 0, MOST_USD) * 1e9) / 1e3);
  const own = ownOptions(WHERE, options, [...LIMIT_OPTIONS, "estimateUsd"]);
  const estimate: unknown = own.estimateUsd;
  if (estimate !== undefined && typeof estimate !== "number") functionOf(WHERE, "estimateUsd", estimate);
  const fixed = typeof estimate === "number"
    ? stated(numberBetween(WHERE, "estimateUsd", estimate, Number.MIN_VALUE, MOST_USD))
    : undefined;
  const { per, windowMs } = own;
  const reason = `The cost budget does not cover this call: ${
    limitText("costBudget", `${max / 1e6} US dollars ${scopeText(per, windowMs)}`, undefined)
  }`;
  return budgetGuard({
    where: WHERE,
    name: "costBudget",
    max,
    options: own,
    estimateOf: (request, context) => {
      const priced = costEstimate(request, context, max);
      if (typeof priced === "object") return priced;
      if (typeof estimate === "function") return stated(estimate(request, context));
      return fixed ?? microUsdOf(request.usage) ?? priced;
    },
    usedOf: microUsdOf,
    refuse: (spent, wanted, more) => {
      const details: CostBudgetDetails = {
        maxUsd: max / 1e6,
        spentUsd: spent === undefined ? undefined : spent / 1e6,
        estimateUsd: wanted / 1e6,
        ...more,
      };
      return deny("cost_budget_exceeded", reason, details);
    },
    isOurs: typeof estimate !== "function",
  });
}

/** What a call costs by the kernel's prices before it has run, in millionths of a dollar, where it has any. */
export function costEstimate(
  request: GovernedRequest,
  context: ExecutionContext,
  max: number,
): number | Deny | undefined {
  const { price } = stateOf(context);
  return price === undefined ? undefined : pricedBy(price, request, max);
}

/**
 * What a call costs before it has run, by the length of its request. A model without a price denies: what it costs
 * would never be counted.
 */
function pricedBy(price: PriceOf, { name, payload, usage }: GovernedRequest, max: number): number | Deny {
  let usd: number | undefined;
  try {
    usd = price(name, figuresOf(completeUsage(usage, () => tokensIn(payload), () => 0) as TokenUsage));
  } catch (error) {
    return deny("guard_error", "What the model costs could not be told: its price function failed", error);
  }
  if (usd !== undefined) return microUsdOf({ costUsd: usd }) as number;
  const details: CostBudgetDetails = { maxUsd: max / 1e6 };
  return deny("cost_budget_exceeded", "The model has no price, so the cost budget cannot cover its calls", details);
}

/** An estimate in millionths of a dollar. */
function stated(usd: unknown): number {
  if (typeof usd === "number" && usd > 0 && usd <= MOST_USD) return microUsdOf({ costUsd: usd }) as number;
  throw new TypeError(`The estimate function of costBudget() must answer a number above 0, and answered ${show(usd)}`);
}
