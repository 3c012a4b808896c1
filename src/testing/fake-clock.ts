/** A clock that stands still until it is told otherwise. It is itself the function that a kernel's `clock` wants. */
export interface FakeClock {
  /** What time it is, in ms since the epoch. */
  (): number;
  /** Lets time pass; answers the new time. */
  advance(ms: number): number;
  /** Sets the time to anything: back, to `NaN`, or to infinity. */
  set(time: number): void;
}

/**
 * Makes a clock for tests.
 *
 * @param start The time it shows, in ms since the epoch. Default 0.
 * @example Usage
 * ```ts
 * import { createKernel, rateLimit } from "@sallyport/sallyport";
 * import { fakeClock } from "@sallyport/sallyport/testing";
 * import assert from "node:assert/strict";
 *
 * const clock = fakeClock();
 * const session = createKernel({ guards: [rateLimit({ max: 1, windowMs: 1000 })], clock }).session({ agentId: "a" });
 * const search = () => session.tool({ name: "search", arguments: {} }, () => "found");
 * assert.equal(await search(), "found");
 * await assert.rejects(search(), { code: "rate_limited" });
 * clock.advance(1000);
 * assert.equal(await search(), "found");
 * ```
 */
export function fakeClock(start: number = 0): FakeClock {
  let time = start;
  return Object.freeze(Object.assign((): number => time, {
    advance(ms: number): number {
      return (time += ms);
    },
    set(to: number): void {
      time = to;
    },
  }));
}
