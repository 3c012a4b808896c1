import { functionOf, show } from "../base/check.ts";
import type { ExecutionContext } from "../base/context.ts";
import { allow, guardError } from "../base/decision.ts";
import { type Guard, nameOf } from "../base/guard.ts";
import type { GovernedRequest } from "../base/request.ts";
import { askSafely } from "./ask-guard.ts";
import { around, checkGuard, inherit } from "./guard-traits.ts";
import { ignoreFailure } from "../base/taking.ts";

/** Tells whether a guard is to be asked, at once. */
export type Predicate = (request: GovernedRequest, context: ExecutionContext) => boolean;

/**
 * Asks a guard only when a predicate says so; else allows.
 *
 * A predicate that throws, or answers anything but `true` or `false`, denies.
 * Denies with `guard_error`.
 *
 * | predicate | `when(predicate, guard)` |
 * | --- | --- |
 * | `true` | the guard's answer |
 * | `false` | allow |
 * | throws, or anything else | deny |
 *
 * @throws {TypeError} If one of the two is not a function.
 * @example Usage
 * ```ts
 * import { createKernel, denyTools, when } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const atNight = when((_request, context) => context.metadata["night"] === true, denyTools(["deploy"]));
 * const session = createKernel({ guards: [atNight] }).session({ agentId: "a", metadata: { night: true } });
 * assert.equal((await session.check({ stage: "pre_tool_call", name: "deploy", payload: {} })).allowed, false);
 * ```
 */
export function when(predicate: Predicate, guard: Guard): Guard {
  return conditional("when", predicate, guard, true);
}

/**
 * Asks a guard unless a predicate says otherwise; then allows. The same as {@linkcode when} with the predicate turned
 * round.
 * Denies with `guard_error`.
 *
 * | predicate | `unless(predicate, guard)` |
 * | --- | --- |
 * | `true` | allow |
 * | `false` | the guard's answer |
 * | throws, or anything else | deny |
 *
 * @throws {TypeError} If one of the two is not a function.
 * @example Usage
 * ```ts
 * import { createKernel, denyTools, unless } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const guard = unless((_request, context) => context.agentId === "admin", denyTools(["deploy"]));
 * const session = createKernel({ guards: [guard] }).session({ agentId: "admin" });
 * assert.equal((await session.check({ stage: "pre_tool_call", name: "deploy", payload: {} })).allowed, true);
 * ```
 */
export function unless(predicate: Predicate, guard: Guard): Guard {
  return conditional("unless", predicate, guard, false);
}

function conditional(name: "when" | "unless", predicate: Predicate, guard: Guard, asked: boolean): Guard {
  functionOf(`${name}()`, "predicate", predicate);
  checkGuard(`${name}()`, "guard", guard);
  const judge = around(name, guard, (request, context, taking) => {
    let answer: unknown;
    try {
      answer = predicate(request, context);
    } catch (error) {
      return guardError(nameOf(guard), error);
    }
    if (answer === asked) return askSafely(guard, request, context, taking);
    if (answer === !asked) return allow();
    ignoreFailure(answer);
    return guardError(
      nameOf(guard),
      new TypeError(`The predicate of ${name}() must answer true or false, and answered ${show(answer)}`),
    );
  });
  return inherit(judge, [guard, predicate as unknown as Guard], false);
}
