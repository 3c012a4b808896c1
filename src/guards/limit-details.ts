import { pickOwn } from "../base/own.ts";

/** What a denial of a limit in a window says besides. */
export interface WindowDetails {
  /** The window, in ms; absent where what was taken counts for ever. */
  readonly windowMs?: number;
  /** In how many ms the act would fit, if nobody else acts; absent: never, or nobody knows. */
  readonly retryAfterMs?: number;
}

/** The `details` of a `rate_limited` denial of `rateLimit`. */
export interface RateLimitDetails extends WindowDetails {
  /** The most that may begin in the window. */
  readonly max: number;
  /** The window, in ms. */
  readonly windowMs: number;
}

/** The `details` of a `max_tool_calls_exceeded` denial. */
export interface ToolCallDetails extends WindowDetails {
  /** The most calls. */
  readonly max: number;
}

/** The `details` of a `token_budget_exceeded` denial. */
export interface TokenBudgetDetails extends WindowDetails {
  /** The budget, in tokens. */
  readonly max: number;
  /**
   * What was spent or reserved, of a budget in a window, in a store or per agent no more than the budget; absent where
   * it could not be counted.
   */
  readonly spent?: number | undefined;
  /** What this call was taken to use. */
  readonly estimate: number;
}

/** The `details` of a `cost_budget_exceeded` denial. */
export interface CostBudgetDetails extends WindowDetails {
  /** The budget, in US dollars. */
  readonly maxUsd: number;
  /**
   * What was spent or reserved, of a budget in a window, in a store or per agent no more than the budget; absent where
   * it could not be counted.
   */
  readonly spentUsd?: number | undefined;
  /** What this call was taken to cost; absent where its model has no price. */
  readonly estimateUsd?: number | undefined;
}

/** What every limit's denial says, in one shape. */
export interface LimitDetails extends WindowDetails {
  /** Which kind of limit. */
  readonly code: "rate_limited" | "max_tool_calls_exceeded" | "token_budget_exceeded" | "cost_budget_exceeded";
  /** The limit: acts, calls, tokens or US dollars. */
  readonly limit: number;
  /** What was spent or reserved before, where the limit says. */
  readonly spent?: number;
}

/** The part of a denial's details that only limits in a window have. */
export function windowDetails(windowMs: number | undefined, retryAfterMs: number | undefined): WindowDetails {
  return {
    ...(windowMs === undefined ? {} : { windowMs }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

const CODES: ReadonlySet<unknown> = new Set<LimitDetails["code"]>([
  "rate_limited",
  "max_tool_calls_exceeded",
  "token_budget_exceeded",
  "cost_budget_exceeded",
]);

/**
 * Reads which limit stopped an act, from a decision or from the error that `run`, `model` and `tool` reject with:
 * `undefined` where it was none.
 *
 * For hosts that answer 429 with `Retry-After`. Never throws, whatever it is given.
 *
 * @example Usage
 * ```ts
 * import { createKernel, limitDetailsOf, rateLimit } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({ guards: [rateLimit({ max: 1, windowMs: 60_000 })], clock: () => 0 });
 * const session = kernel.session({ agentId: "a" });
 * const search = () => session.tool({ name: "search", arguments: {} }, () => "found");
 * await search();
 * const limit = await search().catch(limitDetailsOf);
 * assert.deepEqual(limit, { code: "rate_limited", limit: 1, windowMs: 60_000, retryAfterMs: 60_000 });
 * // response.status = 429; response.headers["Retry-After"] = Math.ceil(limit.retryAfterMs / 1000)
 * ```
 */
export function limitDetailsOf(stopped: unknown): LimitDetails | undefined {
  try {
    const { decision = stopped } = pickOwn(stopped as { decision?: unknown }, ["decision"]);
    const { code, details } = pickOwn(decision as { code?: unknown; details?: unknown }, ["code", "details"]);
    if (!CODES.has(code)) return undefined;
    const { max, maxUsd, spent, spentUsd, windowMs, retryAfterMs } = pickOwn(
      details as Partial<Record<keyof (TokenBudgetDetails & CostBudgetDetails), unknown>>,
      ["max", "maxUsd", "spent", "spentUsd", "windowMs", "retryAfterMs"],
    );
    const limit = max ?? maxUsd;
    if (typeof limit !== "number") return undefined;
    const before = spent ?? spentUsd;
    return {
      code: code as LimitDetails["code"],
      limit,
      ...(typeof before === "number" ? { spent: before } : {}),
      ...windowDetails(
        typeof windowMs === "number" ? windowMs : undefined,
        typeof retryAfterMs === "number" ? retryAfterMs : undefined,
      ),
    };
  } catch {
    return undefined;
  }
}
