import { describe, expect, test } from "vitest";
import {
  costBudget,
  createKernel,
  deny,
  type Guard,
  limitDetailsOf,
  maxToolCalls,
  memoryStore,
  rateLimit,
  tokenBudget,
} from "../../mod.ts";

const stop = async (guard: Guard, stage: "tool" | "model", now = 0): Promise<unknown> => {
  let time = now;
  const session = createKernel({ guards: [guard], clock: () => time }).session({ agentId: "a" });
  const act = (): Promise<unknown> =>
    stage === "tool"
      ? session.tool({ name: "search", arguments: {} }, () => "found")
      : session.model({ model: "m", request: "x".repeat(40) }, () => "ok", () => ({ totalTokens: 95, costUsd: 0.75 }));
  await act();
  time += 400;
  return await act().catch((error: unknown) => error);
};

describe("limitDetailsOf()", () => {
  test.each<[string, Guard, "tool" | "model", object]>([
    ["rateLimit()", rateLimit({ max: 1, windowMs: 1000 }), "tool", {
      code: "rate_limited",
      limit: 1,
      windowMs: 1000,
      retryAfterMs: 600,
    }],
    ["maxToolCalls()", maxToolCalls(1), "tool", { code: "max_tool_calls_exceeded", limit: 1 }],
    ["maxToolCalls() in a window", maxToolCalls(1, { windowMs: 1000 }), "tool", {
      code: "max_tool_calls_exceeded",
      limit: 1,
      windowMs: 1000,
      retryAfterMs: 600,
    }],
    ["tokenBudget()", tokenBudget(100), "model", { code: "token_budget_exceeded", limit: 100, spent: 95 }],
    ["tokenBudget() in a window", tokenBudget(100, { windowMs: 1000 }), "model", {
      code: "token_budget_exceeded",
      limit: 100,
      spent: 95,
      windowMs: 1000,
      retryAfterMs: 600,
    }],
    ["tokenBudget() in a store", tokenBudget(100, { windowMs: 1000, store: memoryStore() }), "model", {
      code: "token_budget_exceeded",
      limit: 100,
      spent: 95,
      windowMs: 1000,
      retryAfterMs: 600,
    }],
    ["costBudget()", costBudget(1, { estimateUsd: 0.5 }), "model", {
      code: "cost_budget_exceeded",
      limit: 1,
      spent: 0.75,
    }],
    ["costBudget() in a window", costBudget(1, { estimateUsd: 0.5, windowMs: 1000 }), "model", {
      code: "cost_budget_exceeded",
      limit: 1,
      spent: 0.75,
      windowMs: 1000,
      retryAfterMs: 600,
    }],
  ])(
    "reads the limit, from the error and from the decision, when %s stopped the act",
    async (_, guard, stage, wanted) => {
      const error = await stop(guard, stage);
      expect(limitDetailsOf(error)).toEqual(wanted);
      expect(limitDetailsOf((error as { decision: unknown }).decision)).toEqual(wanted);
    },
  );

  test("reads no more than is there, and nothing that is no number", () => {
    expect(limitDetailsOf(deny("rate_limited", "no", { max: 1 }))).toStrictEqual({ code: "rate_limited", limit: 1 });
    const odd = { max: 1, spent: "2", windowMs: "3", retryAfterMs: null };
    expect(limitDetailsOf(deny("rate_limited", "no", odd))).toStrictEqual({ code: "rate_limited", limit: 1 });
  });

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["text", "rate_limited"],
    ["an error", new Error("rate_limited")],
    ["another denial", deny("blocked_pattern", "no", { max: 1 })],
    ["a denial without details", deny("rate_limited", "no")],
    ["a denial with other details", deny("rate_limited", "no", { max: "1" })],
    ["what throws", {
      get decision(): never {
        throw new Error("x");
      },
    }],
  ])("answers undefined, when it is %s", (_, stopped) => {
    expect(limitDetailsOf(stopped)).toBeUndefined();
  });
});
