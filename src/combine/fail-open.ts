import { allow, amend, type Decision, guardOf, type Warning, warningsIn } from "../base/decision.ts";
import { type Guard, nameOf } from "../base/guard.ts";
import { askSafely, goOn } from "./ask-guard.ts";
import { around, checkGuard, inherit, isComposite } from "./guard-traits.ts";
import { BROKEN } from "./not.ts";

/**
 * Allows the request when a guard could not judge: the only way to do so.
 *
 * Turns a denial with `guard_error`, `guard_timeout`, `store_unavailable` or `audit_unavailable` into a warning with
 * the same code, which is recorded. Every other answer stands.
 *
 * @throws {TypeError} If `guard` is not a function, or is `all` or `any` or stands around one: it would hide the parts
 *   after the broken one. Put `failOpen` around the one part.
 * @example Usage
 * ```ts
 * import { createKernel, defineGuard, failOpen } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const flaky = defineGuard({ name: "flaky", check: () => { throw new Error("down"); } });
 * const session = createKernel({ guards: [failOpen(flaky)] }).session({ agentId: "a" });
 * const decision = await session.check({ stage: "input", name: "execute", payload: "hi" });
 * assert.equal(decision.allowed && decision.warnings?.[0]?.code, "guard_error");
 * ```
 */
export function failOpen(guard: Guard): Guard {
  checkGuard("failOpen()", "guard", guard);
  if (isComposite(guard)) {
    throw new TypeError('Cannot build failOpen(): "guard" must be a single guard, and is made of several');
  }
  const name = nameOf(guard);
  const open = (decision: Decision): Decision => {
    if (decision.effect !== "deny" || !BROKEN.has(decision.code)) return decision;
    const warning: Warning = Object.freeze({
      code: decision.code,
      reason: decision.reason,
      guard: guardOf(decision) ?? name,
    });
    return amend(allow(), { warnings: Object.freeze([...(warningsIn(decision) ?? []), warning]) });
  };
  return inherit(
    around("failOpen", guard, (request, context, taking) => goOn(askSafely(guard, request, context, taking), open)),
    [guard],
    false,
  );
}
