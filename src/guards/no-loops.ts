import { ownOptions, wholeNumber } from "../base/check.ts";
import { onlyReads } from "../combine/guard-traits.ts";
import { perSession } from "../base/context.ts";
import { allow, deny } from "../base/decision.ts";
import { defineGuard, type Guard } from "../base/guard.ts";
import { hasTaken, hold, type Owner, Reservation } from "../base/taking.ts";
import { fingerprint } from "./fingerprint.ts";

/** When calls that repeat are a loop. */
export interface NoLoopsOptions {
  /** How often the same call, or the same short cycle of calls, may be made in a row: a whole number from 1 to 100. */
  readonly repeats: number;
  /**
   * Counts a call among so many of the session's last ones too, in a row or not: a whole number from `repeats` to 1000.
   * Absent: only calls in a row are a loop.
   */
  readonly window?: number;
}

const WHERE = "noLoops()";
const LONGEST_CYCLE = 4;

const ALLOW = allow();

/** The last calls of one session; the amount of each is the number that it is remembered by. */
class Calls implements Owner {
  readonly list: Reservation[] = [];

  giveBack(call: Reservation): void {
    const at = this.list.lastIndexOf(call);
    if (at >= 0) this.list.splice(at, 1);
  }
}

/**
 * Stops an agent that goes round in circles: the same tool with the same arguments again and again, or a cycle of two
 * to four calls that has come at least twice.
 *
 * Arguments are the same whatever order their keys were set in. The call that would begin one round more than `repeats`
 * is denied, and so is every further one, until the agent makes another call. A call that is denied, by this guard or
 * another, or cancelled does not count. Of each session at most the last 400 calls, or `window`, are remembered, as a
 * number each.
 * Denies with `loop_detected` (`details`: the length of the cycle, or the window).
 *
 * @throws {RangeError | TypeError} If an option is unknown or wrong.
 * @example Usage
 * ```ts
 * import { createKernel, noLoops } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [noLoops({ repeats: 2 })] }).session({ agentId: "a" });
 * const search = (q: string) => session.tool({ name: "search", arguments: { q } }, () => "nothing");
 * await search("cats");
 * await search("cats");
 * await assert.rejects(search("cats"), { code: "loop_detected" });
 * assert.equal(await search("dogs"), "nothing");
 * ```
 */
export function noLoops(options: NoLoopsOptions): Guard {
  const own = ownOptions(WHERE, options, ["repeats", "window"]);
  const repeats = wholeNumber(WHERE, "repeats", own.repeats, 1, 100);
  const window = own.window === undefined ? 0 : wholeNumber(WHERE, "window", own.window, repeats, 1000);
  const remembered = Math.max(window, LONGEST_CYCLE * Math.max(2, repeats));
  const callsOf = perSession(() => new Calls());
  return onlyReads(defineGuard({
    name: "noLoops",
    stages: ["pre_tool_call"],
    check: ({ name, payload }, context, taking) => {
      const calls = callsOf(context);
      if (hasTaken(taking, calls)) return ALLOW;
      const print = fingerprint([name, payload]);
      const cycle = cycleOf(calls.list, print, repeats);
      if (cycle > 0) return deny("loop_detected", "The agent repeats the same calls", { repeats, cycle });
      if (window > 0 && countOf(calls.list, print, window) >= repeats) {
        return deny("loop_detected", "The agent makes the same call too often", { repeats, window });
      }
      if (!taking.dry) {
        const call = new Reservation(calls, false, print);
        if (calls.list.push(call) > remembered) calls.list.shift();
        hold(taking, call);
      }
      return ALLOW;
    },
  }));
}

/** The length of the shortest cycle that this call would begin once more than allowed; 0: none. */
function cycleOf(calls: readonly Reservation[], print: number, repeats: number): number {
  for (let length = 1; length <= LONGEST_CYCLE; length++) {
    // A then B then A is no cycle yet: several calls must have come round at least twice.
    const from = calls.length - length * (length === 1 ? repeats : Math.max(2, repeats));
    // Every one of the last calls, this one included, is the same as the one a cycle earlier.
    if (from < 0 || calls[calls.length - length]?.amount !== print) continue;
    let at = calls.length - 1;
    while (at - length >= from && calls[at]?.amount === calls[at - length]?.amount) at--;
    if (at - length < from) return length;
  }
  return 0;
}

function countOf(calls: readonly Reservation[], print: number, window: number): number {
  let count = 0;
  for (let at = Math.max(0, calls.length - window); at < calls.length; at++) if (calls[at]?.amount === print) count++;
  return count;
}
