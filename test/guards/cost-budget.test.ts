import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { costBudget } from "../../src/guards/cost-budget.ts";
import { memoryStore } from "../../src/state/memory-store.ts";
import { act, actLater, BROKEN_STORES, sessionOf, storeThat } from "./session-context.ts";
import { Reservations } from "../../src/base/taking.ts";

const EXCEEDED = "cost_budget_exceeded";
const model = { stage: "pre_model_call" as const, name: "m", payload: "Hi" };

describe("costBudget()", () => {
  test("has its name, judges model calls and is known to only read, when it is built", () => {
    const guard = costBudget(1);
    expect([guard.guardName, guard.stages, isReadOnly(guard), isReadOnly(costBudget(1, { estimateUsd: () => 1 }))])
      .toEqual(["costBudget", ["pre_model_call"], true, false]);
  });

  describe.each(
    [["in the session", {}], ["per agent", { per: "agent" }], ["in a store", { store: memoryStore() }]] as const,
  )("counting %s", (where, options) => {
    test("runs ten calls of $0.10 under $1, and not eleven (RL-20)", () => {
      const guard = costBudget(1, options);
      const session = sessionOf({ sessionId: `RL-20 ${where}` });
      const codes = Array.from({ length: 11 }, () => {
        const { code, takings } = act(guard, session, model);
        Reservations.settle(takings, { costUsd: 0.1 });
        return code;
      });
      expect(codes).toEqual([...Array.from({ length: 10 }, () => ""), EXCEEDED]);
    });

    test("lets one call run at a time, when nobody knows what it will cost", () => {
      const guard = costBudget(1, options);
      const session = sessionOf({ sessionId: `unknown ${where}` });
      const first = act(guard, session, model);
      expect([first.code, act(guard, session, model).code, act(guard, session, model, true).code]).toEqual([
        "",
        EXCEEDED,
        EXCEEDED,
      ]);
      Reservations.settle(first.takings, { costUsd: 0.25 });
      expect([act(guard, session, model, true).code, act(guard, session, model).code]).toEqual(["", ""]);
    });

    test.each([undefined, {}, { costUsd: NaN }, { costUsd: -1 }, { costUsd: "0.1" as never }])(
      "has spent everything, when a call without an estimate reports %j",
      (usage) => {
        const guard = costBudget(1, options);
        const session = sessionOf({ sessionId: `${JSON.stringify(usage)} ${Number.isNaN(usage?.costUsd)} ${where}` });
        Reservations.settle(act(guard, session, model).takings, usage);
        expect(act(guard, session, model).code).toBe(EXCEEDED);
      },
    );

    test("runs as many at once as their estimates allow, when there are some", () => {
      const guard = costBudget(1, { ...options, estimateUsd: 0.3 });
      const session = sessionOf({ sessionId: `parallel ${where}` });
      const calls = [1, 2, 3, 4].map(() => act(guard, session, model));
      expect(calls.map(({ code }) => code)).toEqual(["", "", "", EXCEEDED]);
      Reservations.giveBack((calls[0] as { takings: Reservations }).takings, true);
      Reservations.settle((calls[1] as { takings: Reservations }).takings, { costUsd: 0.05 });
      expect([
        act(guard, session, { ...model, usage: { costUsd: 0 } }).code,
        act(guard, session, model).code,
        act(guard, session, model).code,
      ]).toEqual(["", "", EXCEEDED]);
    });
  });

  test("denies with what was spent and wanted in dollars, when the estimate does not fit", () => {
    const guard = costBudget(1, { estimateUsd: ({ payload }) => (payload === "Hi" ? 0.4 : 0.7) });
    const session = sessionOf();
    act(guard, session, model);
    expect(act(guard, session, { ...model, payload: "Long" }).decision).toEqual({
      effect: "deny",
      allowed: false,
      code: EXCEEDED,
      reason: "The cost budget does not cover this call: costBudget is 1 US dollars for a session",
      guard: "costBudget",
      details: { maxUsd: 1, spentUsd: 0.4, estimateUsd: 0.7 },
    });
  });

  test("takes the request's own cost for an estimate, when it has one", () => {
    const guard = costBudget(1);
    const session = sessionOf();
    expect([0.6, 0.5, 0.4].map((costUsd) => act(guard, session, { ...model, usage: { costUsd } }).code)).toEqual([
      "",
      EXCEEDED,
      "",
    ]);
  });

  test("stops calls that are said to cost nothing and do, when they report it", () => {
    const guard = costBudget(0.5, { per: "agent" });
    const session = sessionOf();
    Reservations.settle(act(guard, session, { ...model, usage: { costUsd: 0 } }).takings, { costUsd: 0.5 });
    expect(act(guard, session, { ...model, usage: { costUsd: 0 } }).code).toBe(EXCEEDED);
  });

  test.each([0, 0.0000009, 1e-12])("denies every call, when the budget is $%s", (maxUsd) => {
    expect(act(costBudget(maxUsd), sessionOf(), model).code).toBe(EXCEEDED);
    expect(act(costBudget(maxUsd, { per: "agent" }), sessionOf(), model).code).toBe(EXCEEDED);
  });

  test("allows exactly as many calls as cents say, whatever floats make of them", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 99 }), fc.integer({ min: 1, max: 40 }), (cents, count) => {
      const guard = costBudget((cents * count) / 100, { estimateUsd: cents / 100 });
      const session = sessionOf();
      const codes = Array.from({ length: count + 1 }, () => {
        const { code, takings } = act(guard, session, model);
        Reservations.settle(takings, { costUsd: cents / 100 });
        return code;
      });
      expect(codes.filter((code) => code === "")).toHaveLength(count);
    }));
  });

  test.each([0, -1, NaN, "1", undefined, Infinity])(
    "throws for whoever composes it, when the estimate function answers %s",
    (usd) => {
      expect(() => act(costBudget(1, { estimateUsd: () => usd as number }), sessionOf(), model)).toThrow(
        /^The estimate function of costBudget\(\) must answer a number above 0/,
      );
    },
  );

  test("denies, when the clock gives no time and it counts under keys", () => {
    expect(act(costBudget(1, { per: "agent" }), sessionOf({ now: NaN }), model).decision).toMatchObject({
      code: EXCEEDED,
      details: { maxUsd: 1, spentUsd: undefined },
    });
  });

  test.each([...BROKEN_STORES])("denies with store_unavailable, when the store %s", async (_what, take) => {
    expect((await actLater(costBudget(1, { store: storeThat(take) }), sessionOf(), model)).code).toBe(
      "store_unavailable",
    );
  });

  test.each([
    [-1, {}, '"maxUsd" must be a number from 0 to 9000000000, and is -1'],
    [NaN, {}, '"maxUsd"'],
    [Infinity, {}, '"maxUsd"'],
    ["$5", {}, '"maxUsd"'],
    [undefined, {}, '"maxUsd"'],
    [1, { estimateUsd: 0 }, '"estimateUsd"'],
    [1, { estimateUsd: -1 }, '"estimateUsd"'],
    [1, { estimateUsd: "1" }, '"estimateUsd" must be a function'],
    [1, { estimate: 1 }, '"estimate" must be one of the known options'],
    [1, null, '"options"'],
  ])("throws, when it is built with %j and %j", (maxUsd, options, message) => {
    expect(() => costBudget(maxUsd as number, options as never)).toThrow(`Cannot build costBudget(): ${message}`);
  });
});
