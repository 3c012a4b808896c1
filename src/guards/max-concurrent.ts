import { wholeNumber } from "../check.ts";
import { onlyReads } from "../combine/parts.ts";
import { perSession } from "../context.ts";
import { allow, deny } from "../decision.ts";
import { defineGuard, type Guard } from "../guard.ts";

/**
 * Allows so many acts of one kind at once in a session: runs, model calls and tool calls are counted apart, so that a run
 * never stands in the way of its own calls.
 *
 * A place is taken from the gate before the act until the act has ended, failed or was cancelled, or its session is closed.
 * Denies with `concurrency_limit`.
 *
 * @param max A whole number >= 1.
 * @throws {RangeError | TypeError} If `max` is anything else.
 * @example Usage
 * ```ts
 * import { createKernel, maxConcurrent } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [maxConcurrent(1)] }).session({ agentId: "reader" });
 * const first = await session.begin({ stage: "pre_tool_call", name: "search", payload: {} });
 * const second = await session.begin({ stage: "pre_tool_call", name: "search", payload: {} });
 * assert.deepEqual([first.decision.allowed, second.decision.allowed], [true, false]);
 * first.cancel();
 * ```
 */
export function maxConcurrent(max: number): Guard {
  const limit = wholeNumber("maxConcurrent()", "max", max, 1);
  const openOf = perSession(() => ({ input: 0, pre_model_call: 0, pre_tool_call: 0 }));
  return onlyReads(defineGuard({
    name: "maxConcurrent",
    stages: ["input", "pre_model_call", "pre_tool_call"],
    check: (request, context, taking) => {
      const open = openOf(context);
      const stage = request.stage as keyof typeof open;
      if (open[stage] >= limit) return deny("concurrency_limit", "Too many acts are under way at once", { max: limit });
      if (!taking.dry) {
        open[stage]++;
        const release = (): void => void open[stage]--;
        taking.take(release, release);
      }
      return allow();
    },
  }));
}
