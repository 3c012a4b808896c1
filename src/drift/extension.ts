// How far an output is from the first one.

import { functionOf, ownOptions, wrong } from "../base/check.ts";
import { type Deny, denyHere, isThenable } from "../base/decision.ts";
import { sessionEvent } from "../base/events.ts";
import type { Plugin } from "../kernel/plugin.ts";
import type { EndedAct, EventChannel, SessionHandle } from "../kernel/seam.ts";
import { driftOf, type Similarity, textOf } from "./drift-of.ts";
import { driftIn, type SessionDrift } from "./session-drift.ts";
import { wordSimilarity } from "./word-similarity.ts";

const WHERE = "driftMonitor()";

/**
 * Measures how far each output of a session is from its `baseline`, or else its first one, for `maxDrift` and for the
 * event `drift_detected`, which tells of what is above the policy's `driftThreshold`.
 *
 * A kernel of `sallyport` has it, with the option `similarity`; one of `sallyport/core` is given it.
 *
 * @throws {TypeError} If an option is unknown, or `similarity` is no function.
 * @example Usage
 * ```ts
 * import { driftMonitor, maxDrift } from "@sallyport/sallyport";
 * import { createKernel } from "@sallyport/sallyport/core";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({ guards: [maxDrift(0.5)], plugins: [driftMonitor()] });
 * const session = kernel.session({ agentId: "a", baseline: "all systems are fine" });
 * await assert.rejects(session.run("status?", () => "buy cheap watches now"), { code: "drift_exceeded" });
 * ```
 */
export function driftMonitor(options: { similarity?: Similarity } = {}): Plugin {
  const { similarity = wordSimilarity } = ownOptions(WHERE, options, ["similarity"]);
  functionOf(WHERE, "similarity", similarity);
  return {
    name: "drift",
    setup(host): void {
      const channel = host.channel("drift_detected");
      const drift = measureBy(similarity);
      host.opening({
        keys: ["baseline"],
        open: ({ baseline }) => {
          if (baseline !== undefined && !isBaseline(baseline)) {
            throw wrong("session()", "baseline", "a string that is not empty", baseline);
          }
        },
        opened: ({ baseline }, { context }) => {
          const own = driftIn(context);
          // A getter may answer something else by now.
          own.baseline = isBaseline(baseline) ? baseline : undefined;
          own.drift = drift;
        },
      });
      host.observe({
        stages: ["output"],
        // The first output is what the others are measured against.
        isNeeded: ({ context }) => channel.isHeard || driftIn(context).baseline === undefined,
        ended: (session, act) => act.isAllowed && !act.isError ? measure(channel, session, act) : undefined,
      });
    },
  };
}

function isBaseline(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

/** The guard and the event ask about the same text: measured once. */
function measureBy(similarity: Similarity): NonNullable<SessionDrift["drift"]> {
  return function drift(this: SessionDrift, text: string): number | Promise<number> {
    const baseline = this.baseline ?? text;
    if (this.last?.text !== text || this.last.baseline !== baseline) {
      this.last = { text, baseline, score: driftOf(similarity, baseline, text) };
    }
    return this.last.score;
  };
}

/** Measures an output against the baseline, or makes it the baseline; answers the denial that a listener asks for. */
function measure(
  channel: EventChannel<"drift_detected">,
  session: SessionHandle,
  { callId, result }: EndedAct,
): Deny | undefined | Promise<Deny | undefined> {
  const { context } = session;
  const own = driftIn(context);
  const text = textOf(result);
  if (own.baseline === undefined) {
    own.baseline = text;
    return undefined;
  }
  const threshold = context.policy.driftThreshold;
  const told = (driftScore: number): Deny | undefined =>
    driftScore > threshold
      ? channel.emit({ ...sessionEvent(context, session.now()), callId, driftScore, threshold })
      : undefined;
  const failed = (error: unknown): Deny => denyHere("guard_error", "Drift could not be measured", error);
  if (!channel.isHeard || own.drift === undefined) return undefined;
  try {
    const drift = own.drift(text);
    return isThenable(drift) ? Promise.resolve(drift).then((late) => told(late as number), failed) : told(drift);
  } catch (error) {
    return failed(error);
  }
}
