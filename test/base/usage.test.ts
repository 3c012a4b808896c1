import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TokenUsage } from "../../src/base/request.ts";
import { completeUsage, figuresOf, isComplete, microUsdOf, readUsage, tokensOf } from "../../src/base/usage.ts";

describe("tokensOf()", () => {
  test.each([
    [{ totalTokens: 5 }, 5],
    [{ inputTokens: 2, outputTokens: 3 }, 5],
    [{ inputTokens: 2 }, 2],
    [{ outputTokens: 3 }, 3],
    [{ totalTokens: 0 }, 0],
    [{ totalTokens: 1.2 }, 2],
    [{ totalTokens: 1, inputTokens: 2, outputTokens: 3 }, 5],
    [{ inputTokens: 10, cachedInputTokens: 4, outputTokens: 3, reasoningTokens: 3 }, 13],
    [{ inputTokens: 10, cachedInputTokens: 400, outputTokens: 3, reasoningTokens: 30 }, 443],
    [{ cachedInputTokens: 5 }, 5],
    [{ totalTokens: 9, inputTokens: 2, outputTokens: 3 }, 9],
    [{ totalTokens: NaN, inputTokens: 2 }, 2],
    [{ totalTokens: -5 }, undefined],
    [{ totalTokens: "5" }, undefined],
    [{ totalTokens: Infinity }, undefined],
    [{}, undefined],
    [undefined, undefined],
    [null, undefined],
    [7, undefined],
  ])("tokensOf() takes what can be true, and the larger of two figures, when the usage is %j", (usage, expected) => {
    expect(tokensOf(usage as TokenUsage | undefined)).toBe(expected);
  });
});

describe("microUsdOf()", () => {
  test.each([
    [{ costUsd: 0 }, 0],
    [{ costUsd: 1 }, 1_000_000],
    [{ costUsd: 0.1 }, 100_000],
    [{ costUsd: 0.1 + 0.2 }, 300_000],
    [{ costUsd: 0.000_000_1 }, 1],
    [{ costUsd: 1e-12 }, 1],
    [{ costUsd: -1 }, undefined],
    [{ costUsd: NaN }, undefined],
    [{ costUsd: "1" }, undefined],
    [{}, undefined],
    [undefined, undefined],
    [null, undefined],
  ])("microUsdOf() rounds up to whole millionths, when the usage is %j", (usage, expected) => {
    expect(microUsdOf(usage as TokenUsage | undefined)).toBe(expected);
  });

  test("microUsdOf() never makes a call cheaper, and hardly dearer, when the cost is any figure", () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1000, noNaN: true }), (costUsd) => {
      const micro = microUsdOf({ costUsd }) as number;
      expect(Number.isSafeInteger(micro)).toBe(true);
      expect(micro).toBeGreaterThanOrEqual(costUsd * 1e6 - 0.001);
      expect(micro).toBeLessThanOrEqual(costUsd * 1e6 + 1);
    }));
  });
});

describe("readUsage()", () => {
  test.each([
    [{ totalTokens: 5, costUsd: 0.1, inputTokens: NaN, cached: 7 }, { totalTokens: 5, costUsd: 0.1 }],
    [{ totalTokens: -1 }, undefined],
    [{ cachedInputTokens: 3, reasoningTokens: 4, isEstimated: true }, { cachedInputTokens: 3, reasoningTokens: 4 }],
    [{}, undefined],
    [null, undefined],
    ["5", undefined],
    [{
      get totalTokens(): number {
        throw new Error("x");
      },
    }, undefined],
  ])("keeps what can be true, when the usage is given (%#)", (usage, expected) => {
    expect(readUsage(usage as TokenUsage)).toEqual(expected);
  });

  test("reads each figure once, when it is a getter", () => {
    let reads = 0;
    expect(readUsage({
      get totalTokens() {
        return ++reads;
      },
    })).toEqual({ totalTokens: 1 });
  });
});

test("readUsage() takes a promise for nothing, and leaves none of its failures behind", () => {
  const late = Object.assign(Promise.reject(new Error("late")), { totalTokens: 5 });
  expect(readUsage(late as TokenUsage)).toBeUndefined();
  expect(readUsage({ totalTokens: Promise.reject(new Error("late")) as never })).toBeUndefined();
});

describe("figuresOf()", () => {
  const none = { inputTokens: 0, outputTokens: 0, totalTokens: 0, cachedInputTokens: 0, reasoningTokens: 0 };
  test.each([
    [{}, { ...none, otherTokens: 0 }],
    [{ totalTokens: 9 }, { ...none, totalTokens: 9, otherTokens: 9 }],
    [{ totalTokens: 9, inputTokens: 2, outputTokens: 3 }, {
      ...none,
      inputTokens: 2,
      outputTokens: 3,
      totalTokens: 9,
      otherTokens: 4,
    }],
    [{ inputTokens: 2, cachedInputTokens: 5, outputTokens: 3, reasoningTokens: 1 }, {
      inputTokens: 2,
      outputTokens: 3,
      totalTokens: 10,
      cachedInputTokens: 5,
      reasoningTokens: 1,
      otherTokens: 0,
    }],
    [{ inputTokens: 1e300 }, {
      ...none,
      inputTokens: Number.MAX_SAFE_INTEGER,
      totalTokens: Number.MAX_SAFE_INTEGER,
      otherTokens: 0,
    }],
  ])("figuresOf() has every figure, when the usage is %j", (usage, figures) => {
    expect(figuresOf(usage)).toEqual(figures);
    expect(Object.isFrozen(figuresOf(usage))).toBe(true);
  });
});

describe("completeUsage()", () => {
  test.each([
    [undefined, false],
    [{}, false],
    [{ totalTokens: 1 }, true],
    [{ totalTokens: 0.5 }, false],
    [{ inputTokens: 1 }, false],
    [{ outputTokens: 1 }, false],
    [{ inputTokens: 1, outputTokens: 1 }, true],
    [{ inputTokens: 0.5, outputTokens: 1 }, false],
    [{ inputTokens: 1, outputTokens: 0.5 }, false],
  ])("isComplete() tells whether both sides are told, when the usage is %j", (usage, isTold) => {
    expect(isComplete(usage)).toBe(isTold);
    expect(completeUsage(usage, () => 7, () => 3) === usage).toBe(isTold);
  });

  test.each<[TokenUsage | undefined, number, number, TokenUsage]>([
    [undefined, 7, 3, { inputTokens: 7, outputTokens: 3, isEstimated: true }],
    [undefined, 0, 0, { inputTokens: 1, outputTokens: 0, isEstimated: true }],
    [{ inputTokens: 5 }, 7, 3, { inputTokens: 5, outputTokens: 3, isEstimated: true }],
    [{ outputTokens: 5 }, 7, 3, { inputTokens: 7, outputTokens: 5, isEstimated: true }],
    [{ inputTokens: 1, cachedInputTokens: 1, reasoningTokens: 2, costUsd: 0 }, 7, 3, {
      inputTokens: 1,
      outputTokens: 3,
      cachedInputTokens: 1,
      reasoningTokens: 2,
      costUsd: 0,
      isEstimated: true,
    }],
    [{ outputTokens: 1, costUsd: 0 }, 7, 3, { inputTokens: 7, outputTokens: 1, costUsd: 0, isEstimated: true }],
    [{ costUsd: 0 }, 7, 3, { inputTokens: 7, outputTokens: 3, isEstimated: true }],
    [{ costUsd: 2 }, 7, 3, { inputTokens: 7, outputTokens: 3, costUsd: 2, isEstimated: true }],
  ])("completeUsage() of %j estimates what is missing, by %i sent and %i that came", (reported, sent, came, usage) => {
    expect(completeUsage(reported, () => sent, () => came)).toStrictEqual(usage);
  });

  test("completeUsage() leaves a report as it is, when an answer without text has no tokens", () => {
    const reported = { inputTokens: 5, outputTokens: 0 };
    expect(completeUsage(reported, () => 9, () => 0)).toBe(reported);
  });
});
