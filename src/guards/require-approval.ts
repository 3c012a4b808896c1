import { show } from "../base/check.ts";
import { onlyReads } from "../combine/guard-traits.ts";
import { ofLibrary } from "../combine/library.ts";
import type { ExecutionContext } from "../base/context.ts";
import { allow, escalate } from "../base/decision.ts";
import { defineGuard, type Guard } from "../base/guard.ts";
import type { GovernedRequest } from "../base/request.ts";
import { compileGlobs } from "../base/glob.ts";
import { toolGlobs } from "./tool-names.ts";

/**
 * Has a person approve tool calls: of the tools named, those a predicate picks, or all.
 *
 * Names are compared without regard to case, and `*` in one stands for any run of characters. A predicate that throws, or answers anything but `true` or `false`,
 * denies. Escalates with `approval_required`. Denies with `guard_error`.
 *
 * @param tools Names, also with `*`, or a predicate on the request; absent: every tool.
 * @throws {TypeError} If `tools` is neither a list of tool names nor a function, or is an empty list.
 * @example Usage
 * ```ts
 * import { createKernel, requireApproval } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({
 *   guards: [requireApproval(["pay"])],
 *   approve: async (request) => request.name === "pay",
 * });
 * assert.equal(await kernel.session({ agentId: "a" }).tool({ name: "pay", arguments: { amount: 5 } }, () => "paid"), "paid");
 * ```
 */
export function requireApproval(
  tools?: readonly string[] | ((request: GovernedRequest, context: ExecutionContext) => boolean),
): Guard {
  const question = escalate("A person must approve this tool call");
  if (typeof tools === "function") {
    return ofLibrary(defineGuard({
      name: "requireApproval",
      stages: ["pre_tool_call"],
      check: (request, context) => {
        const answer: unknown = tools(request, context);
        if (typeof answer !== "boolean") {
          throw new TypeError(
            `The predicate of requireApproval() must answer true or false, and answered ${show(answer)}`,
          );
        }
        return answer ? question : allow();
      },
    }));
  }
  const list = tools === undefined ? undefined : toolGlobs("requireApproval()", "tools", tools);
  if (list?.length === 0) {
    throw new TypeError('Cannot build requireApproval(): "tools" must name at least one tool, and is an empty list');
  }
  const chosen = list === undefined ? undefined : compileGlobs(list, true);
  return onlyReads(defineGuard({
    name: "requireApproval",
    stages: ["pre_tool_call"],
    check: ({ name }) => chosen === undefined || chosen(name) ? question : allow(),
  }));
}
