import { wholeNumber } from "../base/check.ts";
import { stateOf } from "../base/context.ts";
import { allow, denyBy } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import { builtIn } from "./built-in.ts";
import { limitText, type PolicyField } from "./limit-text.ts";

/**
 * Stops a session that is older than a time: no run, model call or tool call begins after that.
 *
 * Time is the kernel's clock, which never runs backwards for a session; a clock that gives no number denies.
 * Denies with `timeout`.
 *
 * @param ms A whole number >= 1.
 * @throws {RangeError | TypeError} If `ms` is anything else.
 * @example Usage
 * ```ts
 * import { createKernel, timeLimit } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * let now = 0;
 * const session = createKernel({ guards: [timeLimit(1000)], clock: () => now }).session({ agentId: "a" });
 * now = 1000;
 * const decision = await session.check({ stage: "input", name: "execute", payload: "hi" });
 * assert.equal(decision.effect === "deny" && decision.code, "timeout");
 * ```
 */
export function timeLimit(ms: number): Guard {
  return timeLimitOf(ms, undefined);
}

/** The same, for a field of a policy. */
export function timeLimitOf(ms: number, field: PolicyField | undefined): Guard {
  const limit = wholeNumber("timeLimit()", "ms", ms, 1);
  const reason = `The session has run out of time: ${limitText("timeLimit", `${limit} ms for a session`, field)}`;
  return builtIn("timeLimit", ["input", "pre_model_call", "pre_tool_call"], (_request, context) =>
    // Not `>= limit`: every comparison with NaN is false, and must deny.
    stateOf(context).now - context.startTime < limit
      ? allow()
      : denyBy("timeLimit", "timeout", reason, { limitMs: limit }));
}
