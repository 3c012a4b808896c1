import { reportShadow } from "../base/context.ts";
import { allow } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import { branch, Reservations } from "../base/taking.ts";
import { askSafely, goOn } from "./ask-guard.ts";
import { around, checkGuard, inherit } from "./guard-traits.ts";

/**
 * Watches with a guard: allows at once, and reports what the guard would have decided.
 *
 * The decision goes to `policy_check` events and audit records, marked `shadow`, and changes nothing: no transform, no
 * approval, no denial. What the guard reserves from its own limit counts, so that the report is the one an enforcing
 * guard would give; what it reserved for a call that it denied is released.
 *
 * @throws {TypeError} If `guard` is not a function.
 * @example Usage
 * ```ts
 * import { createKernel, denyTools, shadow } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({ guards: [shadow(denyTools(["rm"]))] });
 * const seen: string[] = [];
 * kernel.on("policy_check", (event) => { if (event.shadow) seen.push(event.decision.effect); });
 * const decision = await kernel.session({ agentId: "a" }).check({ stage: "pre_tool_call", name: "rm", payload: {} });
 * assert.equal(decision.allowed, true);
 * assert.deepEqual(seen, ["deny"]);
 * ```
 */
export function shadow(guard: Guard): Guard {
  checkGuard("shadow()", "guard", guard);
  const judge = around("shadow", guard, (request, context, taking) => {
    const own = branch(taking);
    void goOn(askSafely(guard, request, context, own), (decision) => {
      if (decision.effect === "deny") Reservations.giveBack(own, true);
      else Reservations.handOn(own, taking);
      // A second look reports only what it would have stopped: that it would still allow is no news.
      const { isSilent, skips } = Reservations.passOf(own);
      if (isSilent || (skips !== undefined && decision.allowed)) return;
      try {
        reportShadow(context, request, decision);
      } catch {
        // Watching changes nothing, also where it fails.
      }
    });
    return allow();
  });
  return inherit(judge, [guard], false);
}
