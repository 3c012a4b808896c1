import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { all } from "../../src/combine/all.ts";
import { withTimeout } from "../../src/combine/with-timeout.ts";
import { allow, type Decision, deny, escalate, transform } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import { answering, ask, context, limited, request, taking } from "../helpers.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const LATE = {
  effect: "deny",
  allowed: false,
  code: "guard_timeout",
  reason: 'Guard "g" did not answer within 10 ms',
  guard: "g",
};

/** A guard that answers when it is told to. */
function held(): {
  guard: Guard;
  settle: (answer: unknown) => void;
  fail: (error: unknown) => void;
  take: (giveBack: () => void) => void;
} {
  let settle: (answer: Decision) => void = () => {};
  let fail: (error: unknown) => void = () => {};
  let take: (giveBack: () => void) => void = () => {};
  const guard: Guard = Object.assign(
    ((_request, _context, own) => {
      take = (giveBack) => own.take(giveBack);
      return new Promise<Decision>((resolve, reject) => {
        settle = resolve;
        fail = reject;
      });
    }) as Guard,
    { guardName: "g" },
  );
  return {
    guard,
    settle: (answer) => settle(answer as Decision),
    fail: (error) => fail(error),
    take: (giveBack) => take(giveBack),
  };
}

describe("withTimeout()", () => {
  test.each(
    [allow(), deny("no", "No"), escalate("?"), transform({}, "r")].flatMap((answer) =>
      [[answer.effect, answer, false], [answer.effect, answer, true]] as const
    ),
  )(
    "withTimeout() answers as the guard and leaves no timer, when it answers %s in time",
    async (_, answer, later) => {
      expect(await ask(withTimeout(answering("g", answer, later), 10))).toEqual(
        answer.effect === "allow" ? answer : { ...answer, guard: "g" },
      );
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test("withTimeout() answers without a promise and sets no timer, when the guard answers at once", () => {
    expect(ask(withTimeout(answering("g", allow()), 10))).toBe(allow());
    expect(vi.getTimerCount()).toBe(0);
  });

  test("withTimeout() denies, when the guard does not settle in time, and not before", async () => {
    const answer = ask(withTimeout(held().guard, 10)) as Promise<Decision>;
    let decision: Decision | undefined;
    void answer.then((late) => {
      decision = late;
    });
    vi.advanceTimersByTime(9);
    await Promise.resolve();
    expect(decision).toBeUndefined();
    vi.advanceTimersByTime(1);
    expect(await answer).toEqual(LATE);
  });

  test.each([
    ["settles", (one: ReturnType<typeof held>) => one.settle(allow())],
    ["rejects", (one: ReturnType<typeof held>) => one.fail(new Error("x"))],
  ])("withTimeout() stays a denial and gives back what was taken, when the guard %s late", async (_, act) => {
    const one = held();
    const own = taking();
    const given: string[] = [];
    const answer = withTimeout(one.guard, 10)(request(), context(), own);
    one.take(() => given.push("before"));
    vi.advanceTimersByTime(10);
    one.take(() => given.push("after"));
    act(one);
    expect(await answer).toEqual(LATE);
    expect([given, own.taken]).toEqual([["before", "after"], 0]);
  });

  test("withTimeout() denies in time, when giving back fails", async () => {
    const one = held();
    const answer = ask(withTimeout(one.guard, 10));
    one.take(() => {
      throw new Error("x");
    });
    vi.advanceTimersByTime(10);
    expect(await answer).toEqual(LATE);
  });

  test.each([false, true])(
    "withTimeout() hands on what was taken, when the guard answers in time (later: %s)",
    async (later) => {
      const limit = limited("l", 1, later);
      const own = taking();
      await withTimeout(limit, 10)(request(), context(), own);
      expect([own.held, limit.count.held]).toEqual([1, 1]);
      own.giveBack();
      expect(limit.count.held).toBe(0);
    },
  );

  test("withTimeout() denies with guard_error at once, when the guard rejects or answers nonsense in time", async () => {
    for (
      const fail of [() => Promise.reject(new Error("x")), () => Promise.resolve("yes"), () => {
        throw new Error("x");
      }]
    ) {
      expect(await ask(withTimeout(fail as unknown as Guard, 10))).toMatchObject({ code: "guard_error" });
    }
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    ["never calls back", () => ({ then() {} })],
    ["calls back twice", () => ({
      then(yes: (value: unknown) => void) {
        yes(allow());
        yes(deny("no", "No"));
      },
    })],
  ])("withTimeout() settles, when a thenable %s", async (name, make) => {
    const answer = ask(withTimeout(Object.assign(make as unknown as Guard, { guardName: "g" }), 10));
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
    vi.advanceTimersByTime(10);
    expect(await answer).toEqual(name === "never calls back" ? LATE : allow());
  });

  test("withTimeout() ends all(), when a part hangs", async () => {
    const answer = ask(all(answering("yes", allow()), withTimeout(held().guard, 10), answering("yes", allow())));
    vi.advanceTimersByTime(10);
    expect(await answer).toEqual(LATE);
  });

  test("withTimeout() has its guard's stages", () => {
    expect(withTimeout(defineGuard({ name: "g", stages: ["input"], check: () => allow() }), 1).stages).toEqual([
      "input",
    ]);
  });

  test.each([0, -1, 1.5, NaN, Infinity, 2 ** 31, "10", undefined])(
    "withTimeout() throws, when the time is %s",
    (ms) => {
      expect(() => withTimeout(answering("g", allow()), ms as number)).toThrow(
        'Cannot build withTimeout(): "ms" must be a whole number from 1 to 2147483647, and is',
      );
      expect(() => withTimeout(answering("g", allow()), ms as number)).toThrow(
        typeof ms === "number" ? RangeError : TypeError,
      );
    },
  );

  test("withTimeout() throws, when it is given no guard", () => {
    expect(() => withTimeout(undefined as unknown as Guard, 1)).toThrow(
      new TypeError('Cannot build withTimeout(): "guard" must be a guard, and is undefined'),
    );
  });
});
