import { wholeNumber } from "../base/check.ts";
import { type Decision, deny, isThenable, readDecision } from "../base/decision.ts";
import { type Guard, nameOf } from "../base/guard.ts";
import { branch, Reservations } from "../base/taking.ts";
import { askSafely } from "./ask-guard.ts";
import { around, checkGuard, inherit } from "./guard-traits.ts";

/**
 * Denies when a guard does not settle in time.
 *
 * A guard that answers at once is not timed. A late answer changes nothing, and what it reserved is released.
 * Denies with `guard_timeout`.
 *
 * @param ms A whole number from 1 to 2147483647: longer, and timers fire at once.
 * @throws {TypeError} If `guard` is not a function.
 * @throws {RangeError} If `ms` is out of range.
 * @example Usage
 * ```ts
 * import { createKernel, defineGuard, withTimeout } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const hangs = defineGuard({ name: "hangs", check: () => new Promise<never>(() => {}) });
 * const session = createKernel({ guards: [withTimeout(hangs, 10)] }).session({ agentId: "a" });
 * const decision = await session.check({ stage: "input", name: "execute", payload: "hi" });
 * assert.equal(decision.effect === "deny" && decision.code, "guard_timeout");
 * ```
 */
export function withTimeout(guard: Guard, ms: number): Guard {
  checkGuard("withTimeout()", "guard", guard);
  const limit = wholeNumber("withTimeout()", "ms", ms, 1, 2 ** 31 - 1);
  const name = nameOf(guard);
  const judge = around("withTimeout", guard, (request, context, taking) => {
    const own = branch(taking);
    const answer = askSafely(guard, request, context, own);
    if (!isThenable(answer)) {
      Reservations.handOn(own, taking);
      return answer;
    }
    return new Promise<Decision>((resolve) => {
      const timer = setTimeout(() => {
        Reservations.giveBack(own, true);
        resolve(readDecision(deny("guard_timeout", `Guard "${name}" did not answer within ${limit} ms`), name));
      }, limit);
      void Promise.resolve(answer).then((decision) => {
        clearTimeout(timer);
        Reservations.handOn(own, taking);
        resolve(decision);
      });
    });
  });
  return inherit(judge, [guard], false);
}
