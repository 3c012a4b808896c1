import { ownOptions, wholeNumber } from "../base/check.ts";
import { perSession } from "../base/context.ts";
import { type Deny, denyBy } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import { builtIn } from "./built-in.ts";
import { limitText, type PolicyField } from "./limit-text.ts";
import { Semaphore } from "./semaphore.ts";

/** When acts wait instead of being refused. */
export interface MaxConcurrentOptions {
  /**
   * How many acts run at once: a whole number >= 1. Further ones wait their turn, until `max` are under way or waiting.
   * Absent, or not below `max`: nobody waits.
   */
  readonly backpressureThreshold?: number;
}

const WHERE = "maxConcurrent()";

/**
 * Allows so many acts of one kind at once in a session: runs, model calls and tool calls are counted apart, so that a
 * run never stands in the way of its own calls.
 *
 * A place is taken from the gate before the act until the act has ended, failed or was cancelled, or its session is
 * closed. With `backpressureThreshold`, so many run at once, and those between it and `max` wait, first come, first
 * served, until a place is free, or whatever stops the act or its session ends the wait. `check` never waits.
 *
 * An act inside another of its kind never waits for that one's place: it runs in it, one at a time, and takes none.
 * Known to be inside is what an act's function begins before it first waits, what is given the `signal` of an act that
 * has one of its own (one begun by `begin`, or with a `signal`), what a child session does while an act of its parent's
 * runs, and what is given the session's signal while nothing but acts of its kind run. Of the rest nobody knows: as
 * long as a function of the caller's runs, the act that has waited longest goes on when no place was free for 250 ms,
 * so that none waits for itself for good; above `max` it is refused.
 *
 * Denies with `concurrency_limit`.
 *
 * @param max A whole number >= 1.
 * @throws {RangeError | TypeError} If `max` is anything else, or an option is unknown or wrong.
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
export function maxConcurrent(max: number, options: MaxConcurrentOptions = {}): Guard {
  return maxConcurrentOf(max, options, undefined);
}

/** The same, for a field of a policy. */
export function maxConcurrentOf(max: number, options: MaxConcurrentOptions, field: PolicyField | undefined): Guard {
  // Nobody is refused where there is no limit, and still some may have to wait.
  const limit = max === Infinity ? max : wholeNumber(WHERE, "max", max, 1);
  const { backpressureThreshold = limit } = ownOptions(WHERE, options, ["backpressureThreshold"]);
  const atOnce = backpressureThreshold === Infinity
    ? limit
    : Math.min(limit, wholeNumber(WHERE, "backpressureThreshold", backpressureThreshold, 1));
  const reason = `Too many acts are under way at once: ${
    limitText("maxConcurrent", `${limit} for acts of one kind`, field)
  }`;
  const refuse = (): Deny => denyBy("maxConcurrent", "concurrency_limit", reason, { max: limit });
  const newTurns = (): Semaphore => new Semaphore(atOnce, limit, refuse);
  const turnsOf = perSession(() => ({ input: newTurns(), pre_model_call: newTurns(), pre_tool_call: newTurns() }));
  return builtIn("maxConcurrent", ["input", "pre_model_call", "pre_tool_call"], ({ stage }, context, taking) => {
    const turns = turnsOf(context);
    // By cases: a field whose name differs from call to call is looked up in a table.
    return (stage === "pre_tool_call" ? turns.pre_tool_call : turns[stage as "input" | "pre_model_call"]).enter(
      taking,
      context,
    );
  });
}
