import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isPolicyViolation } from "../../src/base/errors.ts";
import { deadline } from "../../src/intercept/deadline.ts";
import { context, request } from "../helpers.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const run = (ms: number, act: (signal?: AbortSignal) => Promise<unknown>): Promise<unknown> =>
  deadline(ms)(request(), act, context()) as Promise<unknown>;

describe("deadline()", () => {
  test("deadline() answers the act's result and leaves no timer, when it is in time", async () => {
    let seen: AbortSignal | undefined;
    expect(await run(10, async (signal) => ((seen = signal), "done"))).toBe("done");
    expect([vi.getTimerCount(), seen?.aborted]).toEqual([0, false]);
  });

  test.each([
    ["rejects", () => Promise.reject(new Error("act"))],
    ["throws at once", () => {
      throw new Error("act");
    }],
  ])("deadline() rejects with the act's own error and leaves no timer, when it %s", async (_, act) => {
    await expect(run(10, act)).rejects.toThrow("act");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("deadline() rejects with timeout and aborts the signal, when the act does not end, and not before", async () => {
    let seen: AbortSignal | undefined;
    const answer = run(10, (signal) => ((seen = signal), new Promise(() => {})));
    const settled = answer.then(() => "resolved", (error: unknown) => error);
    await Promise.resolve();
    vi.advanceTimersByTime(9);
    expect(seen?.aborted).toBe(false);
    vi.advanceTimersByTime(1);
    const error = await settled;
    expect(isPolicyViolation(error) && [error.code, error.reason]).toEqual([
      "timeout",
      "The act took longer than 10 ms",
    ]);
    expect([seen?.aborted, seen?.reason]).toEqual([true, error]);
  });

  test.each(["resolve", "reject"] as const)("deadline() stays rejected, when the act %ss late", async (how) => {
    let settle = { resolve: (_value: unknown): void => {}, reject: (_error: unknown): void => {} };
    const answer = run(10, () =>
      new Promise((resolve, reject) => {
        settle = { resolve, reject };
      }));
    const settled = answer.catch((error: unknown) => error);
    await Promise.resolve();
    vi.advanceTimersByTime(10);
    settle[how](new Error("late"));
    expect(await settled).toMatchObject({ code: "timeout" });
  });

  test("deadline() starts anew for every act, when one interceptor serves many", async () => {
    const one = deadline(10);
    for (let i = 0; i < 2; i++) {
      let signal: AbortSignal | undefined;
      await one(request(), async (given) => void (signal = given), context());
      vi.advanceTimersByTime(100);
      expect(signal?.aborted).toBe(false);
    }
  });

  test.each([[0, RangeError], [1.5, RangeError], [NaN, RangeError], [2 ** 31, RangeError], ["10", TypeError], [
    undefined,
    TypeError,
  ]])("deadline() throws, when the time is %s", (ms, kind) => {
    expect(() => deadline(ms as number)).toThrow(kind);
    expect(() => deadline(ms as number)).toThrow(
      'Cannot build deadline(): "ms" must be a whole number from 1 to 2147483647, and is',
    );
  });
});
