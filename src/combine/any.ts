import type { ExecutionContext } from "../base/context.ts";
import { amend, type Decision, type Warning, warningsIn } from "../base/decision.ts";
import type { Guard, Taking } from "../base/guard.ts";
import type { GovernedRequest } from "../base/request.ts";
import { branch, isOver, Reservations } from "../base/taking.ts";
import { askSafely, goOn } from "./ask-guard.ts";
import { byStage, checkParts } from "./guard-traits.ts";

/**
 * Asks guards in order until one does not deny; that answer stands, else the last denial.
 *
 * A transform or an escalation is an answer. What a denying part reserved is released.
 *
 * | `a` | `b` | `any(a, b)` |
 * | --- | --- | --- |
 * | allow, transform, escalate | not asked | `a`'s answer |
 * | deny | allow, transform, escalate | `b`'s answer |
 * | deny | deny | `b`'s denial |
 *
 * @throws {TypeError} If there is no guard, or one is not a function.
 * @example Usage
 * ```ts
 * import { allowTools, any, createKernel } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [any(allowTools(["read"]), allowTools(["list"]))] }).session({ agentId: "a" });
 * assert.equal((await session.check({ stage: "pre_tool_call", name: "list", payload: {} })).allowed, true);
 * ```
 */
export function any(...guards: Guard[]): Guard {
  return byStage(
    "any",
    checkParts("any()", guards),
    (parts) => (request, context, taking) => from(parts, 0, [], request, context, taking),
  );
}

function from(
  parts: readonly Guard[],
  at: number,
  warnings: readonly Warning[],
  request: GovernedRequest,
  context: ExecutionContext,
  taking: Taking,
): Decision | Promise<Decision> {
  const own = branch(taking);
  return goOn(askSafely(parts[at] as Guard, request, context, own), (decision): Decision | Promise<Decision> => {
    const heard = [...warnings, ...(warningsIn(decision) ?? [])];
    if (decision.effect === "deny") {
      Reservations.giveBack(own, true);
      if (at + 1 < parts.length && !isOver(taking)) return from(parts, at + 1, heard, request, context, taking);
    } else {
      Reservations.handOn(own, taking);
    }
    return warnings.length === 0 ? decision : amend(decision, { warnings: Object.freeze(heard) });
  });
}
