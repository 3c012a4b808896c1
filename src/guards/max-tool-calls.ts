import { ownOptions, wholeNumber } from "../base/check.ts";
import { counts } from "../combine/guard-traits.ts";
import { perSession } from "../base/context.ts";
import { allow, type Deny, denyBy } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import { hasTaken, hold, type Owner, Reservation } from "../base/taking.ts";
import { builtIn } from "./built-in.ts";
import { limitText, type PolicyField, scopeText } from "./limit-text.ts";
import { LIMIT_OPTIONS, limitOf, type LimitOptions } from "./keyed-limit.ts";
import { type ToolCallDetails, windowDetails } from "./limit-details.ts";

export type { LimitOptions } from "./keyed-limit.ts";

const WHERE = "maxToolCalls()";
const ALLOW = allow();

/**
 * Allows so many tool calls in a session.
 *
 * A call is taken in the same step in which it is judged, so that parallel calls never pass the limit. A call that is
 * denied, by this guard or another, or cancelled gives its place back; one that ran and failed has spent it. Calls of
 * child sessions count for their parents too.
 * Denies with `max_tool_calls_exceeded`. Denies with `store_unavailable`, where there is a store or `per` is `"agent"`.
 *
 * @param max A whole number >= 0; 0 denies every call.
 * @param options Whose calls count together, how far back, and where: a limit per agent outlives its sessions.
 * @throws {RangeError | TypeError} If `max` is anything else, or an option is unknown or wrong.
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
export function maxToolCalls(max: number, options: LimitOptions = {}): Guard {
  return maxToolCallsOf(max, options, undefined);
}

/** The same, for a field of a policy. */
export function maxToolCallsOf(max: number, options: LimitOptions, field: PolicyField | undefined): Guard {
  const limit = wholeNumber(WHERE, "max", max, 0);
  const own = ownOptions(WHERE, options, LIMIT_OPTIONS);
  const { windowMs } = own;
  const reason = `All the tool calls that may be made have been made: ${
    limitText("maxToolCalls", `${limit} ${scopeText(own.per, windowMs)}`, field)
  }`;
  const refuse = (_amount?: number, _remaining?: number, retryAfterMs?: number): Deny => {
    const details: ToolCallDetails = { max: limit, ...windowDetails(windowMs, retryAfterMs) };
    return denyBy("maxToolCalls", "max_tool_calls_exceeded", reason, details);
  };
  const shared = limitOf(WHERE, own, { id: "maxToolCalls", max: limit, refuse });
  if (shared !== undefined) {
    const guard = builtIn(
      "maxToolCalls",
      ["pre_tool_call"],
      (request, context, taking) => hasTaken(taking, shared.owner) ? ALLOW : shared.judge(1, request, context, taking),
    );
    return counts(guard, shared.counting);
  }
  const counterOf = perSession(() => new Counter());
  return builtIn("maxToolCalls", ["pre_tool_call"], (_request, context, taking) => {
    const counter = counterOf(context);
    if (counter.taken >= limit) return hasTaken(taking, counter) ? ALLOW : refuse();
    if (!taking.dry) {
      counter.taken++;
      hold(taking, new Reservation(counter, false, undefined));
    }
    return ALLOW;
  });
}

/** The calls of one session. */
class Counter implements Owner {
  taken = 0;

  giveBack(): void {
    this.taken--;
  }
}
