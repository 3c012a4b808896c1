import { describe, expect, test } from "vitest";
import { type AuditRecord, costBudget, createKernel, definePlugin, type Prices, type TokenUsage } from "../../mod.ts";
import { compilePrices } from "../../src/kernel/prices.ts";
import { completeUsage, figuresOf } from "../../src/base/usage.ts";

const M = 1_000_000;
const cost = (prices: Prices, model: string, usage: TokenUsage): number | undefined =>
  compilePrices("createKernel()", prices)(model, figuresOf(usage));
const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(() => "", (error: { code: unknown }) => error.code);

describe("compilePrices()", () => {
  const full = { input: 2, output: 10, cachedInput: 0.5, reasoning: 20 };
  const plain = { input: 2, output: 10 };

  test.each<[string, object, TokenUsage, number]>([
    ["input and output", plain, { inputTokens: M, outputTokens: M }, 12],
    ["cached tokens that are part of the input", full, { inputTokens: M, cachedInputTokens: M / 2 }, 1.25],
    ["cached tokens that cost as input", plain, { inputTokens: M, cachedInputTokens: M / 2 }, 2],
    ["cached tokens beside the input", full, { inputTokens: 10, cachedInputTokens: M }, 0.50002],
    ["reasoning tokens that are part of the output", full, { outputTokens: M, reasoningTokens: M / 4 }, 12.5],
    ["reasoning tokens that cost as output", plain, { outputTokens: M, reasoningTokens: M / 4 }, 10],
    ["reasoning tokens beside the output", full, { outputTokens: M / 2, reasoningTokens: M }, 25],
    ["a total alone, which may all be the dearer ones", plain, { totalTokens: M }, 10],
    ["a total beyond its parts", plain, { inputTokens: M, outputTokens: 0, totalTokens: 2 * M }, 12],
    ["a total below its parts", plain, { inputTokens: M, outputTokens: M, totalTokens: 5 }, 12],
    ["nothing", plain, {}, 0],
    [
      "more than can be counted",
      plain,
      { inputTokens: 1e308, outputTokens: 1e308, totalTokens: 1e308 },
      9_000_000_000,
    ],
    ["a model that is free", { input: 0, output: 0 }, { inputTokens: M }, 0],
  ])("counts %s", (_, price, usage, usd) => {
    expect(cost({ m: price as never }, "m", usage)).toBeCloseTo(usd, 9);
  });

  test("takes the model's own id, else the glob that says most", () => {
    const table = {
      "gpt-*": plain,
      "gpt-4*": { input: 3, output: 0 },
      "gpt-4o": { input: 4, output: 0 },
      "*-mini": full,
    };
    const inputOf = (model: string): number | undefined => cost(table, model, { inputTokens: M });
    expect(["gpt-4o", "gpt-4o-mini", "gpt-4x", "gpt-3", "claude", "gpt", "a-mini"].map(inputOf)).toEqual([
      4,
      3,
      3,
      2,
      undefined,
      undefined,
      2,
    ]);
    expect(cost({ "*": plain }, "anything", { inputTokens: M })).toBe(2);
    expect(cost({ "a*b*a": plain }, "aba", { inputTokens: M })).toBe(2);
    expect(cost({ "a*a": plain }, "a", { inputTokens: M })).toBeUndefined();
    // Ids are exact in case, and names like any other.
    expect(cost({ m: plain }, "M", { inputTokens: M })).toBeUndefined();
    expect(cost({ m: plain }, "constructor", { inputTokens: M })).toBeUndefined();
    expect(cost(JSON.parse('{"__proto__":{"input":1,"output":1}}'), "__proto__", { inputTokens: M })).toBe(1);
  });

  test.each(["cachedInput", "reasoning"])("is refused, when %s is null", (field) => {
    expect(() => compilePrices("createKernel()", { m: { input: 1, output: 1, [field]: null } })).toThrow(
      `"prices.m.${field}" must be US dollars for a million tokens, a number >= 0, and is null`,
    );
  });

  test("keeps its own copy", () => {
    const table = { m: { input: 2, output: 10 } };
    const price = compilePrices("createKernel()", table);
    table.m.input = 0;
    expect(price("m", figuresOf({ inputTokens: M }))).toBe(2);
  });

  test.each([
    [null, '"prices" must be a plain object'],
    [new Map([["m", plain]]), '"prices" must be a plain object'],
    [[plain], '"prices"'],
    ["cheap", '"prices"'],
    [{ m: 2 }, '"prices.m" must be { input, output, cachedInput?, reasoning? }'],
    [{ m: {} }, '"prices.m.input"'],
    [{ m: { input: 1 } }, '"prices.m.output" must be US dollars for a million tokens, a number >= 0'],
    [{ m: { input: -1, output: 1 } }, '"prices.m.input"'],
    [{ m: { input: NaN, output: 1 } }, '"prices.m.input"'],
    [{ m: { input: "1", output: 1 } }, '"prices.m.input"'],
    [{ m: { input: 1, output: Infinity } }, '"prices.m.output"'],
    [{ m: { input: 1, output: 1, cachedInput: -1 } }, '"prices.m.cachedInput"'],
    [{ m: { input: 1, output: 1, reasonning: 1 } }, '"reasonning"'],
  ])("throws when the kernel is built with %j", (prices, message) => {
    expect(() => createKernel({ prices } as never)).toThrow(message);
  });
});

describe("a kernel with prices", () => {
  const prices = { "small*": { input: 1, output: 2 } };
  const usage = { inputTokens: 100_000, outputTokens: 100_000 };
  const models = (options: Parameters<typeof createKernel>[0] = {}) => {
    const records: AuditRecord[] = [];
    const told: (TokenUsage | undefined)[] = [];
    const kernel = createKernel({
      prices,
      policy: { maxTokens: 10 * M },
      plugins: [definePlugin({ name: "s", setup: (host) => host.sink({ name: "s", write: (r) => records.push(r) }) })],
      ...options,
    });
    kernel.on("call_completed", ({ usage }) => told.push(usage));
    return { kernel, records, told, session: kernel.session({ agentId: "a" }) };
  };
  const ask = (
    session: ReturnType<typeof models>["session"],
    reported: unknown = usage,
    model = "small-1",
    answer: unknown = "Hello",
  ): Promise<unknown> => session.model({ model, request: "x".repeat(400) }, () => answer, () => reported as TokenUsage);

  test("says what a call costs: in the context, in events and in records", async () => {
    const { session, told, records } = models();
    await ask(session);
    expect(session.context).toMatchObject({ totalTokens: 200_000, costUsd: 0.3 });
    expect(told).toEqual([{ ...usage, costUsd: expect.closeTo(0.3, 7) }]);
    expect(records.at(-1)).toMatchObject({ kind: "outcome", usage: { ...usage, costUsd: expect.closeTo(0.3, 7) } });
  });

  test("takes what the framework says, where it does", async () => {
    const { session } = models();
    await ask(session, { ...usage, costUsd: 7 });
    await ask(session, { ...usage, costUsd: 0 });
    expect(session.context.costUsd).toBe(7);
  });

  test("settles acts that others run, and streams, in the same way", async () => {
    const { session } = models();
    const act = await session.begin({ stage: "pre_model_call", name: "small-1", payload: "x" });
    await act.end("Hello", usage);
    const second = await session.begin({ stage: "pre_model_call", name: "small-1", payload: "x" });
    async function* parts() {
      yield { text: "Hel", usage: undefined };
      yield { text: "lo", usage };
    }
    const stream = session.stream(parts(), {
      stage: "post_model_call",
      name: "small-1",
      act: second,
      textOf: ({ text }) => text,
      withText: (part, text) => ({ ...part, text }),
      usageOf: (part) => part.usage,
    });
    for await (const part of stream) expect(part.text).not.toBe("");
    expect(session.context.costUsd).toBeCloseTo(0.6, 7);
  });

  test("fills a cost budget by what calls cost, and no call is refused before", async () => {
    const { session } = models({ guards: [costBudget(1)] });
    const codes = [];
    for (let i = 0; i < 5; i++) codes.push(await codeOf(ask(session)));
    // 0.3 a call: the fourth goes over what is left, and the fifth does not begin.
    expect(codes).toEqual(["", "", "", "", "cost_budget_exceeded"]);
    expect(session.context.costUsd).toBeCloseTo(1.2, 7);
  });

  test("lets calls run side by side, since each reserves what its length costs", async () => {
    const { session } = models({ guards: [costBudget(1)] });
    expect(await Promise.all([1, 2, 3].map(() => codeOf(ask(session))))).toEqual(["", "", ""]);
  });

  test("denies a model without a price under a cost budget, before the call, and says so", async () => {
    const { session } = models({ guards: [costBudget(1, { estimateUsd: 0.1 })] });
    let ran = false;
    const error: unknown = await session.model({ model: "big", request: "x" }, () => (ran = true)).catch((e) => e);
    expect(ran).toBe(false);
    expect(error).toMatchObject({
      code: "cost_budget_exceeded",
      stage: "pre_model_call",
      guard: "costBudget",
      reason: "The model has no price, so the cost budget cannot cover its calls",
      decision: { details: { maxUsd: 1 } },
    });
    expect(await codeOf(ask(session))).toBe("");
  });

  test("lets a model without a price pass, where nothing counts what calls cost", async () => {
    const { session, told } = models();
    expect(await codeOf(ask(session, usage, "big"))).toBe("");
    expect(session.context).toMatchObject({ totalTokens: 200_000, costUsd: 0 });
    expect(told).toEqual([usage]);
  });

  test.each<[string, unknown]>([
    ["nothing", null],
    ["zeros", { inputTokens: 0, outputTokens: 0, totalTokens: 0 }],
    ["a cost of nothing for nothing", { costUsd: 0 }],
    ["NaN", { inputTokens: NaN, outputTokens: NaN }],
    ["text", { totalTokens: "5" }],
    ["negative figures", { inputTokens: -5, totalTokens: -5 }],
    ["one side of nothing", { inputTokens: 100, outputTokens: 0 }],
    ["no usage but an object", 7],
  ])("settles by the length of what went and came, when the provider reports %s", async (_, reported) => {
    const { session, told, records } = models({ guards: [costBudget(0.000_6)] });
    const answer = "y".repeat(800);
    // 100 tokens sent at 1, and 200 that came at 2 dollars a million.
    expect(await codeOf(ask(session, reported, "small-1", answer))).toBe("");
    const estimated = { inputTokens: 100, outputTokens: 200, costUsd: expect.closeTo(0.0005, 7), isEstimated: true };
    expect(told).toEqual([estimated]);
    expect(records.at(-1)).toMatchObject({ usage: estimated });
    expect(session.context.costUsd).toBeCloseTo(0.0005, 7);
    expect(await codeOf(ask(session, reported, "small-1", answer))).toBe("");
    expect(await codeOf(ask(session, reported, "small-1", answer))).toBe("cost_budget_exceeded");
  });

  test("fills the budget of tokens by length too, without prices, and tells only what was reported", async () => {
    const told: unknown[] = [];
    const kernel = createKernel({ policy: { maxTokens: 400 } });
    kernel.on("call_completed", ({ usage }) => told.push(usage));
    const session = kernel.session({ agentId: "a" });
    expect(await codeOf(ask(session, { totalTokens: 0 }, "m", "y".repeat(1200)))).toBe("");
    expect(await codeOf(ask(session, { totalTokens: 0 }, "m", "y"))).toBe("token_budget_exceeded");
    expect(session.context.totalTokens).toBe(0);
    expect(told).toEqual([{ totalTokens: 0 }]);
  });

  test("settles a call that failed or was aborted by what went", async () => {
    const { session } = models({ guards: [costBudget(0.000_25)] });
    const call = { model: "small-1", request: "x".repeat(400) };
    await expect(session.model(call, () => {
      throw new Error("overloaded ".repeat(100));
    })).rejects.toThrow("overloaded");
    expect(session.context.costUsd).toBeCloseTo(0.0001, 7);
    const own = new AbortController();
    const aborted = session.model({ ...call, signal: own.signal }, (_request, signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        own.abort();
      }));
    await expect(aborted).rejects.toThrow();
    expect(session.context.costUsd).toBeCloseTo(0.0002, 7);
    expect(await codeOf(session.model(call, () => "late"))).toBe("cost_budget_exceeded");
  });

  test("settles a call that its session's end left alone", async () => {
    const { kernel, session } = models({ guards: [costBudget(0.000_25, { per: "agent" })] });
    for (const _ of [1, 2]) {
      const one = kernel.session({ agentId: "a" });
      await one.begin({ stage: "pre_model_call", name: "small-1", payload: "x".repeat(400) });
      await one.close();
    }
    expect(await codeOf(ask(session))).toBe("cost_budget_exceeded");
  });

  test("counts a child's costs for its parents", async () => {
    const { session } = models({ guards: [costBudget(0.5)] });
    const child = session.child();
    await ask(child);
    expect([session.context.costUsd, child.context.costUsd]).toEqual([0.3, 0.3]);
    await ask(child);
    expect(await codeOf(ask(session))).toBe("cost_budget_exceeded");
  });

  describe("that are a function", () => {
    test("is asked with the model and with every figure, and its answer counts", async () => {
      const asked: unknown[] = [];
      const { session } = models({
        prices: (model, given) => {
          asked.push([model, given]);
          return 0.25;
        },
      });
      await ask(session, { inputTokens: 3, outputTokens: 4, reasoningTokens: 2 });
      await ask(session, { totalTokens: 9 });
      expect(session.context.costUsd).toBe(0.5);
      expect(asked).toEqual([
        ["small-1", { inputTokens: 3, outputTokens: 4, totalTokens: 7, cachedInputTokens: 0, reasoningTokens: 2 }],
        ["small-1", { inputTokens: 0, outputTokens: 9, totalTokens: 9, cachedInputTokens: 0, reasoningTokens: 0 }],
      ]);
    });

    test("denies before the call, where the model has no price", async () => {
      const { session } = models({ prices: () => undefined, guards: [costBudget(1)] });
      expect(await codeOf(ask(session))).toBe("cost_budget_exceeded");
    });

    test.each<[string, () => unknown]>([
      ["throws", () => {
        throw new Error("no table");
      }],
      ["answers NaN", () => NaN],
      ["answers a negative number", () => -1],
      ["answers Infinity", () => Infinity],
      ["answers text", () => "1"],
      ["answers null", () => null],
      ["answers a promise", () => Promise.resolve(1)],
    ])("denies, before the call under a cost budget and after it elsewhere, when it %s", async (_, answer) => {
      const before = models({ prices: answer as never, guards: [costBudget(1)] });
      let ran = 0;
      const run = (session: typeof before.session): Promise<unknown> =>
        session.model({ model: "small-1", request: "x" }, () => ++ran, () => usage);
      await expect(run(before.session)).rejects.toMatchObject({ code: "guard_error", stage: "pre_model_call" });
      expect(ran).toBe(0);
      const after = models({ prices: answer as never });
      await expect(run(after.session)).rejects.toMatchObject({
        code: "guard_error",
        stage: "post_model_call",
        reason: "What the model costs could not be told: its price function failed",
      });
      expect([ran, after.session.context.costUsd]).toEqual([1, 0]);
    });

    test("keeps what was reserved, when it fails only afterwards", async () => {
      const { session } = models({
        prices: (_model, { outputTokens = 0 }) => (outputTokens > 0 ? NaN : 0.6),
        guards: [costBudget(1)],
      });
      expect(await codeOf(ask(session))).toBe("guard_error");
      expect(await codeOf(ask(session))).toBe("cost_budget_exceeded");
    });
  });
});

describe("completeUsage()", () => {
  const full = (reported: TokenUsage | undefined): TokenUsage | undefined =>
    completeUsage(reported, () => 30, () => 40);

  test.each<[string, TokenUsage | undefined, TokenUsage | undefined]>([
    ["nothing", undefined, { inputTokens: 30, outputTokens: 40, isEstimated: true }],
    ["a total", { totalTokens: 5 }, { totalTokens: 5 }],
    ["both sides", { inputTokens: 1, outputTokens: 2 }, { inputTokens: 1, outputTokens: 2 }],
    ["one side", { outputTokens: 2, cachedInputTokens: 3 }, {
      inputTokens: 30,
      outputTokens: 2,
      cachedInputTokens: 3,
      isEstimated: true,
    }],
    ["a cost alone", { costUsd: 2 }, { inputTokens: 30, outputTokens: 40, costUsd: 2, isEstimated: true }],
  ])("fills in what is missing, when there is %s", (_, reported, wanted) => {
    expect(full(reported)).toEqual(wanted);
  });

  test("believes an answer of no tokens that has no text, as that of an embedding", () => {
    const reported = { inputTokens: 7, outputTokens: 0 };
    expect(completeUsage(reported, () => 30, () => 0)).toBe(reported);
  });
});

describe("a usage that is nonsense", () => {
  const session = () =>
    createKernel({ policy: { maxTokens: Infinity }, prices: { m: { input: M, output: M } } }).session({ agentId: "a" });
  const call = { model: "m", request: "x".repeat(400) };

  test.each<[string, TokenUsage]>([
    ["parts of a token", { inputTokens: 0.001, outputTokens: 0.001 }],
    ["a part of a token in all", { totalTokens: 0.5 }],
    ["a part of a token on one side", { inputTokens: 100, outputTokens: 1e-9 }],
  ])("is settled by length, when it says %s", async (_, usage) => {
    const own = session();
    await own.model(call, () => "y".repeat(400), () => usage);
    expect(own.context.costUsd).toBe(200);
  });

  test("leaves numbers that are numbers, when it is endless", async () => {
    const own = session();
    await own.model(call, () => "y", () => ({ inputTokens: 1e308, outputTokens: 1e308, costUsd: 1e300 }));
    expect(Number.isFinite(own.context.totalTokens)).toBe(true);
    expect(Number.isFinite(own.context.costUsd)).toBe(true);
  });
});

describe("a stream of a model that breaks off", () => {
  const parts = async function* (...texts: string[]): AsyncGenerator<string> {
    yield* texts;
    throw new Error("the connection was lost");
  };
  const options = {
    stage: "post_model_call",
    name: "m",
    textOf: String,
    withText: (_: string, text: string) => text,
  } as const;
  const broken = async (source: AsyncGenerator<string>, usageOf?: (part: string) => TokenUsage | undefined) => {
    const kernel = createKernel({ prices: { m: { input: M, output: M } }, guards: [costBudget(1000)] });
    const session = kernel.session({ agentId: "a" });
    const act = await session.begin({ stage: "pre_model_call", name: "m", payload: "x".repeat(400) });
    const stream = session.stream(source, { ...options, act, ...(usageOf === undefined ? {} : { usageOf }) });
    await expect((async () => {
      for await (const part of stream) void part;
    })()).rejects.toThrow("the connection was lost");
    return session.context;
  };

  test("is settled by what came until then", async () => {
    expect((await broken(parts("y".repeat(400), "z".repeat(400)))).costUsd).toBe(300);
  });

  test("is settled by what it had told, where that is more", async () => {
    const told = (part: string): TokenUsage | undefined =>
      part === "told" ? { inputTokens: 150, outputTokens: 250 } : undefined;
    const { costUsd, totalTokens } = await broken(parts("told", "y"), told);
    expect([costUsd, totalTokens]).toEqual([400, 400]);
  });

  test("is settled by what came, where it had told less", async () => {
    expect((await broken(parts("y".repeat(400)), () => ({ inputTokens: 100, outputTokens: 1 }))).costUsd).toBe(200);
  });

  test("costs what went, where nothing came", async () => {
    expect((await broken(parts())).costUsd).toBe(100);
  });
});
