import { compileGlobs } from "../base/glob.ts";
import { show, stringList, wrongType } from "../base/check.ts";
import { allow, guardError } from "../base/decision.ts";
import { type Guard, nameOf } from "../base/guard.ts";
import type { Stage } from "../base/request.ts";
import { common } from "./on-stage.ts";
import { askSafely } from "./ask-guard.ts";
import { around, checkGuard, inherit } from "./guard-traits.ts";
import { ignoreFailure } from "../base/taking.ts";

const TOOL_STAGES: readonly Stage[] = Object.freeze(["pre_tool_call", "post_tool_call"] as const);

/**
 * Lets a guard judge only calls of the tools named, before and after, where these are its stages.
 *
 * Names match exactly, and `*` in one stands for any run of characters. A predicate that throws, or answers anything but `true` or `false`, denies.
 * Denies with `guard_error`.
 *
 * @throws {TypeError} If `names` is neither a name, a list of names nor a function, `guard` is not a function, or it
 *   does not judge tools.
 * @example Usage
 * ```ts
 * import { blockPatterns, createKernel, onTool } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [onTool("shell", blockPatterns(["rm -rf"]))] }).session({ agentId: "a" });
 * const payload = { text: "rm -rf /" };
 * assert.equal((await session.check({ stage: "pre_tool_call", name: "shell", payload })).allowed, false);
 * assert.equal((await session.check({ stage: "pre_tool_call", name: "note", payload })).allowed, true);
 * ```
 */
export function onTool(names: string | readonly string[] | ((name: string) => boolean), guard: Guard): Guard {
  checkGuard("onTool()", "guard", guard);
  const stages = common("onTool()", TOOL_STAGES, guard);
  if (typeof names === "function") {
    const judge = around("onTool", guard, (request, context, taking) => {
      let answer: unknown;
      try {
        answer = names(request.name);
      } catch (error) {
        return guardError(nameOf(guard), error);
      }
      if (answer === true) return askSafely(guard, request, context, taking);
      if (answer === false) return allow();
      ignoreFailure(answer);
      return guardError(
        nameOf(guard),
        new TypeError(`The predicate of onTool() must answer true or false, and answered ${show(answer)}`),
      );
    }, stages);
    return inherit(judge, [guard], false);
  }
  const list = stringList("onTool()", "names", typeof names === "string" ? [names] : names);
  if (list.length === 0) throw wrongType("onTool()", "names", "a name, names or a function", names);
  const chosen = compileGlobs(list);
  return inherit(
    around(
      "onTool",
      guard,
      (request, context, taking) => (chosen(request.name) ? askSafely(guard, request, context, taking) : allow()),
      stages,
    ),
    [guard],
    false,
  );
}
