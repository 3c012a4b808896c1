import { allow, denyBy } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import { builtIn } from "./built-in.ts";
import { compileGlobs } from "../base/glob.ts";
import { toolGlobs } from "./tool-names.ts";

/**
 * Denies the named tools and allows every other one.
 *
 * Names are compared without regard to case, so that no spelling of a denied name slips through where tools are found
 * case-insensitively. `*` in one stands for any run of characters: `delete` does not see through a prefix, and
 * `*__delete` does. The list is copied.
 * Denies with `tool_not_allowed`.
 *
 * @throws {TypeError} If a name is not a string of 1 to 128 letters, digits and `_ . : / - *`.
 * @example Usage
 * ```ts
 * import { createKernel, denyTools } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [denyTools(["delete"])] }).session({ agentId: "reader" });
 * const decision = await session.check({ stage: "pre_tool_call", name: "Delete", payload: {} });
 * assert.equal(decision.effect === "deny" && decision.code, "tool_not_allowed");
 * ```
 */
export function denyTools(names: readonly string[]): Guard {
  const denies = compileGlobs(toolGlobs("denyTools()", "names", names), true);
  return builtIn(
    "denyTools",
    ["pre_tool_call"],
    ({ name }) => denies(name) ? denyBy("denyTools", "tool_not_allowed", "This tool is denied") : allow(),
  );
}
