import { wholeNumber } from "../check.ts";
import { onlyReads } from "../combine/parts.ts";
import { perSession } from "../context.ts";
import { allow, deny } from "../decision.ts";
import { defineGuard, type Guard } from "../guard.ts";
import type { GovernedRequest } from "../request.ts";
import { textLength } from "../snapshot/text-length.ts";
import { tokensOf } from "../usage.ts";

/**
 * Allows model calls of a session so many tokens in all.
 *
 * Before a call an estimate is taken: the request's own `usage`, else a token for every four characters of the request,
 * at least one. The usage that the call reports then takes its place, even where that is more than was left; a call that
 * reports none, or nonsense, has spent the estimate. A call that is denied or cancelled gives it back.
 * Denies with `token_budget_exceeded`.
 *
 * @param max A whole number >= 1, in tokens.
 * @throws {RangeError | TypeError} If `max` is anything else.
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
export function tokenBudget(max: number): Guard {
  const limit = wholeNumber("tokenBudget()", "max", max, 1);
  const spentIn = perSession(() => ({ tokens: 0 }));
  return onlyReads(defineGuard({
    name: "tokenBudget",
    stages: ["pre_model_call"],
    check: (request, context, taking) => {
      const spent = spentIn(context);
      const estimate = estimateOf(request);
      if (!(spent.tokens + estimate <= limit)) return deny("token_budget_exceeded", "The session's token budget does not cover this call", { max: limit, spent: spent.tokens, estimate });
      if (!taking.dry) {
        spent.tokens += estimate;
        taking.take(
          () => void (spent.tokens -= estimate),
          (usage) => void (spent.tokens += (tokensOf(usage) ?? estimate) - estimate),
        );
      }
      return allow();
    },
  }));
}

/** What a call is taken to use before it has run: what the request says, else a token for every four characters. */
function estimateOf(request: GovernedRequest): number {
  return tokensOf(request.usage) ?? Math.max(1, Math.ceil(textLength(request.payload) / 4));
}
