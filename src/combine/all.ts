import type { Guard } from "../base/guard.ts";
import { byStage, checkParts } from "./guard-traits.ts";
import { sequence } from "./compile.ts";

const parts = new WeakMap<Guard, readonly Guard[]>();

/**
 * Asks every guard in order; the request passes only if none denies.
 *
 * The first denial ends it. Otherwise an escalation beats a transform, and a transform beats an allowance; every later
 * guard sees a transform's payload, and every earlier one that took nothing judges the final payload once more. Several
 * escalations are asked for once, with every reason; warnings are joined in order.
 *
 * | `a` | `b` | `all(a, b)` |
 * | --- | --- | --- |
 * | allow | allow | allow |
 * | allow | transform | transform |
 * | transform | allow | transform |
 * | transform | transform | transform, with `b`'s reason |
 * | allow, transform | escalate | escalate |
 * | escalate | allow, transform, escalate | escalate |
 * | deny | anything, not asked | deny |
 * | anything | deny | deny |
 *
 * @throws {TypeError} If there is no guard, or one is not a function.
 * @example Usage
 * ```ts
 * import { all, allowTools, createKernel, maxToolCalls } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [all(allowTools(["read"]), maxToolCalls(2))] }).session({ agentId: "a" });
 * assert.equal((await session.check({ stage: "pre_tool_call", name: "read", payload: {} })).allowed, true);
 * assert.equal((await session.check({ stage: "pre_tool_call", name: "write", payload: {} })).allowed, false);
 * ```
 */
export function all(...guards: Guard[]): Guard {
  const flat = flatten(checkParts("all()", guards));
  const guard = byStage("all", flat, sequence);
  parts.set(guard, flat);
  return guard;
}

/** Puts the parts of every `all` in its place: `all` is associative, and one list compiles to one function. */
export function flatten(guards: readonly Guard[]): readonly Guard[] {
  return guards.flatMap((guard) => parts.get(guard) ?? [guard]);
}
