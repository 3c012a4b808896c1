import { allow, amend, type Decision, deny, warningsIn } from "../base/decision.ts";
import { type Guard, nameOf } from "../base/guard.ts";
import { branch, Reservations } from "../base/taking.ts";
import { askSafely, goOn } from "./ask-guard.ts";
import { around, checkGuard, inherit } from "./guard-traits.ts";
import { wrongType } from "../base/check.ts";

/** The codes of a guard that could not judge: no combinator but `failOpen` turns them into an allowance. */
export const BROKEN: ReadonlySet<string> = new Set([
  "guard_error",
  "guard_timeout",
  "store_unavailable",
  "audit_unavailable",
]);

/**
 * Swaps allow and deny.
 *
 * A denial of a guard that could not judge (`guard_error`, `guard_timeout`, `store_unavailable`, `audit_unavailable`)
 * stays: a failure negated must not become a permission. Nothing that the guard reserved is kept.
 * Denies with `action_blocked`.
 *
 * | `guard` | `not(guard, reason)` |
 * | --- | --- |
 * | allow | deny |
 * | deny | allow |
 * | deny, could not judge | the same denial |
 * | transform, escalate | deny |
 *
 * @param reason For people: why what the guard allows is denied.
 * @throws {TypeError} If `guard` is not a function or `reason` not a string.
 * @example Usage
 * ```ts
 * import { allowTools, createKernel, not } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [not(allowTools(["rm"]), "rm is out of bounds")] }).session({ agentId: "a" });
 * assert.equal((await session.check({ stage: "pre_tool_call", name: "rm", payload: {} })).allowed, false);
 * assert.equal((await session.check({ stage: "pre_tool_call", name: "ls", payload: {} })).allowed, true);
 * ```
 */
export function not(guard: Guard, reason: string): Guard {
  checkGuard("not()", "guard", guard);
  if (typeof reason !== "string") throw wrongType("not()", "reason", "a string", reason);
  const name = nameOf(guard);
  const swap = (decision: Decision): Decision => {
    const heard = warningsIn(decision);
    if (decision.effect !== "deny") {
      return amend(deny("action_blocked", reason), {
        guard: name,
        ...(heard === undefined ? {} : { warnings: heard }),
      });
    }
    if (BROKEN.has(decision.code)) return decision;
    return heard === undefined ? allow() : amend(allow(), { warnings: heard });
  };
  const judge: Guard = around("not", guard, (request, context, taking) => {
    const own = branch(taking);
    return goOn(askSafely(guard, request, context, own), (decision) => {
      Reservations.giveBack(own, true);
      return swap(decision);
    });
  });
  return inherit(judge, [guard], false);
}
