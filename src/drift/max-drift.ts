import { numberBetween } from "../base/check.ts";
import { onlyReads } from "../combine/guard-traits.ts";
import { allow, type Decision, deny, isThenable } from "../base/decision.ts";
import { textOf } from "./drift-of.ts";
import { driftIn } from "./session-drift.ts";
import { defineGuard, type Guard } from "../base/guard.ts";

/**
 * Denies an output that has drifted further from the session's baseline than allowed.
 *
 * Drift is 1 - similarity, by the kernel's measure: 0 is the same text, 1 has nothing in common. The baseline is the
 * session's `baseline`, else its first output, which always passes.
 * Denies with `drift_exceeded`.
 *
 * @param score From 0 to 1.
 * @throws {RangeError | TypeError} If `score` is anything else.
 * @example Usage
 * ```ts
 * import { createKernel, maxDrift } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [maxDrift(0.5)] }).session({ agentId: "a", baseline: "all systems are fine" });
 * await assert.rejects(session.run("status?", () => "buy cheap watches now"), { code: "drift_exceeded" });
 * ```
 */
export function maxDrift(score: number): Guard {
  const limit = numberBetween("maxDrift()", "score", score, 0, 1);
  const judge = (drift: number): Decision =>
    drift <= limit
      ? allow()
      : deny("drift_exceeded", "The output has drifted too far from the baseline", { drift, limit });
  return onlyReads(defineGuard({
    name: "maxDrift",
    stages: ["output"],
    check: (request, context) => {
      if (request.isError === true) return allow();
      const own = driftIn(context);
      if (own.drift === undefined) throw new TypeError("maxDrift() judges only inside a session that measures drift");
      if (own.baseline === undefined) return allow();
      const measured = own.drift(textOf(request.payload));
      return isThenable(measured) ? measured.then(judge) : judge(measured);
    },
  }));
}
