import { wholeNumber } from "../check.ts";
import { onlyReads } from "../combine/parts.ts";
import { perSession } from "../context.ts";
import { allow, deny } from "../decision.ts";
import { defineGuard, type Guard } from "../guard.ts";

/**
 * Allows so many tool calls in a session.
 *
 * A call is taken in the same step in which it is judged, so that parallel calls never pass the limit. A call that is
 * denied, by this guard or another, or cancelled gives its place back; one that ran and failed has spent it.
 * Denies with `max_tool_calls_exceeded`.
 *
 * @param max A whole number >= 0; 0 denies every call.
 * @throws {RangeError | TypeError} If `max` is anything else.
 * @example Usage
 * ```ts
 * import { createKernel, isPolicyViolation, maxToolCalls } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [maxToolCalls(1)] }).session({ agentId: "reader" });
 * const calls = [1, 2, 3].map(() => session.tool({ name: "search", arguments: {} }, () => "found"));
 * const results = await Promise.allSettled(calls);
 * assert.equal(results.filter((result) => result.status === "fulfilled").length, 1);
 * assert.ok(results.some((result) => result.status === "rejected" && isPolicyViolation(result.reason)));
 * ```
 */
export function maxToolCalls(max: number): Guard {
  const limit = wholeNumber("maxToolCalls()", "max", max, 0);
  const counterOf = perSession(() => ({ taken: 0 }));
  return onlyReads(defineGuard({
    name: "maxToolCalls",
    stages: ["pre_tool_call"],
    check: (_request, context, taking) => {
      const counter = counterOf(context);
      if (counter.taken >= limit) return deny("max_tool_calls_exceeded", "The session has made all the tool calls it may make", { max: limit });
      if (!taking.dry) {
        counter.taken++;
        taking.take(() => void counter.taken--);
      }
      return allow();
    },
  }));
}
