import { allow, denyBy } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import { builtIn } from "./built-in.ts";
import { compileGlobs } from "../base/glob.ts";
import { toolGlobs } from "./tool-names.ts";

/**
 * Allows the named tools and denies every other one.
 *
 * Names match exactly, case included; `*` in one stands for any run of characters (`mcp__github__*`), and nothing else
 * is a wildcard. The list is copied. An empty list denies every tool.
 * Denies with `tool_not_allowed`.
 *
 * @throws {TypeError} If a name is not a string of 1 to 128 letters, digits and `_ . : / - *`.
 * @example Usage
 * ```ts
 * import { allowTools, createKernel } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [allowTools(["search"])] }).session({ agentId: "reader" });
 * const decision = await session.check({ stage: "pre_tool_call", name: "delete", payload: {} });
 * assert.equal(decision.effect === "deny" && decision.code, "tool_not_allowed");
 * ```
 */
export function allowTools(names: readonly string[]): Guard {
  const list = toolGlobs("allowTools()", "names", names);
  const allows = compileGlobs(list);
  return builtIn(
    "allowTools",
    ["pre_tool_call"],
    ({ name }) =>
      allows(name)
        ? allow()
        : denyBy("allowTools", "tool_not_allowed", "This tool is not allowed", { allowed: [...new Set(list)] }),
  );
}
