import { describe, expect, test } from "vitest";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow } from "../../src/base/decision.ts";
import { tokenBudget } from "../../src/guards/token-budget.ts";
import type { TokenUsage } from "../../src/base/request.ts";
import { memoryStore } from "../../src/state/memory-store.ts";
import { act, actLater, BROKEN_STORES, later, sessionOf, storeThat } from "./session-context.ts";
import { Reservations } from "../../src/base/taking.ts";

const EXCEEDED = "token_budget_exceeded";
const text = (tokens: number) => ({
  stage: "pre_model_call" as const,
  name: "m",
  payload: { messages: [{ role: "", content: "x".repeat(tokens * 4) }] },
});

describe("tokenBudget()", () => {
  test("has its name, judges model calls and is known to only read, when it is built", () => {
    const guard = tokenBudget(1);
    expect([guard.guardName, guard.stages, isReadOnly(guard), isReadOnly(tokenBudget(1, { estimate: () => 1 }))])
      .toEqual(["tokenBudget", ["pre_model_call"], true, false]);
  });

  test("denies with what was spent and wanted, when the estimate does not fit", () => {
    const guard = tokenBudget(100);
    const session = sessionOf();
    expect(act(guard, session, text(60)).decision).toBe(allow());
    expect(act(guard, session, text(41)).decision).toEqual({
      effect: "deny",
      allowed: false,
      code: EXCEEDED,
      reason: "The token budget does not cover this call: tokenBudget is 100 for a session",
      guard: "tokenBudget",
      details: { max: 100, spent: 60, estimate: 41 },
    });
    expect(act(guard, session, text(40)).code).toBe("");
  });

  test.each([[{ totalTokens: 7 }, 7], [{ inputTokens: 3, outputTokens: 4 }, 7], [{ totalTokens: 0 }, 1], [
    undefined,
    25,
  ]])("estimates from usage %j, when the request has one", (usage, estimate) => {
    const session = sessionOf();
    const guard = tokenBudget(estimate);
    const fields = { ...text(25), ...(usage === undefined ? {} : { usage }) };
    expect([act(guard, session, fields).code, act(guard, session, { ...fields, ...text(0), payload: "" }).code])
      .toEqual(["", EXCEEDED]);
  });

  test("estimates as it is told, when it is told how", () => {
    const fixed = tokenBudget(10, { estimate: 6 });
    const asked = tokenBudget(10, { estimate: ({ payload }) => (payload as { most: number }).most });
    const session = sessionOf();
    expect([act(fixed, session, text(1)).code, act(fixed, session, text(1)).code]).toEqual(["", EXCEEDED]);
    const least = tokenBudget(2, { estimate: 1 });
    expect([1, 2, 3].map(() => act(least, session, text(100)).code)).toEqual(["", "", EXCEEDED]);
    expect([4, 7, 6].map((most) => act(asked, session, { ...text(0), payload: { most } }).code)).toEqual([
      "",
      EXCEEDED,
      "",
    ]);
  });

  test.each([0, -1, 0.5, NaN, "7", undefined])(
    "throws for whoever composes it, when the estimate function answers %s",
    (estimate) => {
      expect(() => act(tokenBudget(10, { estimate: () => estimate as number }), sessionOf(), text(1))).toThrow(
        /^The estimate function of tokenBudget\(\) must answer a whole number >= 1/,
      );
    },
  );

  const usages: readonly (readonly [string, TokenUsage | undefined, number])[] = [
    ["RL-16: more than the estimate", { totalTokens: 950 }, 950],
    ["less than the estimate", { totalTokens: 10 }, 10],
    ["nothing used", { totalTokens: 0 }, 0],
    ["the larger of two figures", { totalTokens: 1, inputTokens: 200, outputTokens: 300 }, 500],
    ["RL-19: none, the stream was aborted", undefined, 100],
    ["RL-17: negative", { totalTokens: -500 }, 100],
    ["RL-17: NaN", { totalTokens: NaN }, 100],
    ["RL-17: text", { totalTokens: "5" as never }, 100],
    ["infinite", { totalTokens: Infinity }, 100],
    ["no object", "5" as never, 100],
    ["more than can be counted", { totalTokens: 1e300 }, 1e300],
  ];

  describe.each([
    ["in the session", () => tokenBudget(1000)],
    ["per agent", () => tokenBudget(1000, { per: "agent" })],
    ["in a store", () => tokenBudget(1000, { store: memoryStore() })],
  ])("counting %s", (_where, make) => {
    test.each(usages)("settles %s, when a call of estimate 100 reports it", (_what, usage, spent) => {
      const guard = make();
      const session = sessionOf();
      Reservations.settle(act(guard, session, text(100)).takings, usage);
      const left = Math.max(0, 1000 - spent);
      expect(act(guard, session, text(left + 1), true).code).toBe(EXCEEDED);
      if (left > 0) expect(act(guard, session, text(left), true).code).toBe("");
    });

    test("gives the estimate back, when the call is denied or cancelled", () => {
      const guard = make();
      const session = sessionOf();
      Reservations.giveBack(act(guard, session, text(1000)).takings, true);
      expect([act(guard, session, text(1000), true).code, act(guard, session, text(1000)).code]).toEqual(["", ""]);
    });

    test("keeps estimates of calls under way, when others are judged", () => {
      const guard = make();
      const session = sessionOf();
      const first = act(guard, session, text(600));
      expect(act(guard, session, text(600)).code).toBe(EXCEEDED);
      Reservations.settle(first.takings, { totalTokens: 1 });
      expect(act(guard, session, text(600)).code).toBe("");
    });
  });

  test("counts an agent's sessions together and agents apart, when it is per agent", () => {
    const guard = tokenBudget(10, { per: "agent" });
    expect(
      [["a", "1"], ["a", "2"], ["b", "1"]].map(([agentKey, sessionId]) =>
        act(guard, sessionOf({ agentKey, sessionId }), text(6)).code
      ),
    ).toEqual(["", EXCEEDED, ""]);
  });

  test("forgets tokens, when they are older than its window", () => {
    const guard = tokenBudget(10, { per: "agent", windowMs: 1000 });
    const codes = [0, 999, 1000].map((now) => {
      const { code, takings } = act(guard, sessionOf({ now }), text(1));
      Reservations.settle(takings, { totalTokens: 10 });
      return code;
    });
    expect(codes).toEqual(["", EXCEEDED, ""]);
  });

  test("denies, when the clock gives no time and it counts under keys", () => {
    expect(act(tokenBudget(10, { per: "agent" }), sessionOf({ now: NaN }), text(1)).decision).toMatchObject({
      code: EXCEEDED,
      details: { max: 10, spent: undefined, estimate: 1 },
    });
  });

  test.each([...BROKEN_STORES])("denies with store_unavailable, when the store %s", async (_what, take) => {
    expect((await actLater(tokenBudget(10, { store: storeThat(take) }), sessionOf(), text(1))).code).toBe(
      "store_unavailable",
    );
  });

  test("settles later, when the store answers later", async () => {
    const guard = tokenBudget(100, { store: later(memoryStore()) });
    Reservations.settle((await actLater(guard, sessionOf(), text(10))).takings, { totalTokens: 95 });
    expect([(await actLater(guard, sessionOf(), text(6))).code, (await actLater(guard, sessionOf(), text(5))).code])
      .toEqual([EXCEEDED, ""]);
  });

  test.each([
    [0, {}, '"max" must be a whole number >= 1, and is 0'],
    [-1, {}, '"max"'],
    [NaN, {}, '"max"'],
    ["10", {}, '"max"'],
    [1, { estimate: 0 }, '"estimate" must be a whole number >= 1'],
    [1, { estimate: "3" }, '"estimate" must be a function'],
    [1, { per: "user" }, '"per"'],
    [1, { estimateUsd: 1 }, '"estimateUsd" must be one of the known options'],
    [1, null, '"options" must be an object'],
  ])("throws, when it is built with %j and %j", (max, options, message) => {
    expect(() => tokenBudget(max as number, options as never)).toThrow(`Cannot build tokenBudget(): ${message}`);
  });
});
