import { describe, expect, test } from "vitest";
import {
  createKernel,
  defineGuard,
  escalate,
  maxConcurrent,
  redactPatterns,
  type Session,
  type StreamOptions,
  transform,
} from "../mod.ts";

type Part = { readonly text?: string; readonly channel?: string; readonly tokens?: number };
const options = (more: Partial<StreamOptions<Part>> = {}): StreamOptions<Part> => ({
  stage: "output",
  name: "execute",
  textOf: (part) => part.text,
  withText: (part, text) => ({ ...part, text }),
  ...more,
});
async function* from(parts: readonly Part[], released?: () => void): AsyncGenerator<Part> {
  try {
    for (const part of parts) yield part;
  } finally {
    released?.();
  }
}
const letters = (text: string, more: object = {}): Part[] => [...text].map((char) => ({ text: char, ...more }));
async function read(
  session: Session,
  parts: AsyncIterable<Part>,
  more: Partial<StreamOptions<Part>> = {},
): Promise<{ parts: Part[]; error: unknown }> {
  const seen: Part[] = [];
  try {
    for await (const part of session.stream(parts, options(more))) seen.push(part);
    return { parts: seen, error: undefined };
  } catch (error) {
    return { parts: seen, error };
  }
}

describe("stream()", () => {
  test("gives every part, in order, when the whole text is allowed", async () => {
    const parts = [{ text: "a" }, { tokens: 1 }, { text: "b" }];
    expect(await read(createKernel().session({ agentId: "a" }), from(parts))).toEqual({ parts, error: undefined });
  });

  test("gives no part at all, when forbidden text stands anywhere, split over parts", async () => {
    const session = createKernel({ policy: { blockedPatterns: ["secret"] } }).session({ agentId: "a" });
    for (const stage of ["output", "post_model_call", "post_tool_call"] as const) {
      const { parts, error } = await read(session, from(letters(`${"x".repeat(50)} SECRET ${"y".repeat(100)}`)), {
        stage,
      });
      expect(parts).toEqual([]);
      expect(error).toMatchObject({ code: "blocked_pattern", stage });
    }
  });

  test("judges each channel by itself, and both", async () => {
    const session = createKernel({ policy: { blockedPatterns: ["secret"] } }).session({ agentId: "a" });
    const mixed = [...letters("harmless", { channel: "0" }), ...letters("secret", { channel: "1" })];
    const interleaved = mixed.toSorted(() => 0).map((_, i) => mixed[(i * 5) % mixed.length] as Part);
    expect(interleaved).toHaveLength(mixed.length);
    const channelOf = (part: Part): string => part.channel ?? "";
    expect((await read(session, from(mixed), { channelOf })).error).toMatchObject({ code: "blocked_pattern" });
  });

  test("puts a transformed text in the channel's first text part", async () => {
    const session = createKernel({ guards: [redactPatterns(["secret"], "***")] }).session({ agentId: "a" });
    const { parts } = await read(session, from([{ tokens: 1 }, ...letters("a secret b")]));
    expect(parts.map((part) => part.text ?? "").join("")).toBe("a *** b");
    const two = await read(
      session,
      from([...letters("a secret", { channel: "x" }), ...letters("fine", { channel: "y" })]),
      { channelOf: (part) => part.channel ?? "", stage: "post_model_call" },
    );
    expect(two.parts.filter((part) => part.channel === "x").map((part) => part.text).join("")).toBe("a ***");
    expect(two.parts.filter((part) => part.channel === "y").map((part) => part.text).join("")).toBe("fine");
  });

  test("fails, when a guard changes the text to something that is no text", async () => {
    const session = createKernel({
      guards: [defineGuard({ name: "odd", stages: ["output"], check: () => transform({ n: 1 }, "odd") })],
    }).session({ agentId: "a" });
    expect((await read(session, from(letters("abc")))).error).toBeInstanceOf(TypeError);
  });

  const modelAct = async (session: Session) =>
    await session.begin({ stage: "pre_model_call", name: "m", payload: { messages: [] } });

  test("ends its act once, with the text and the last usage", async () => {
    const session = createKernel().session({ agentId: "a" });
    const act = await modelAct(session);
    await read(session, from([{ text: "hi", tokens: 1 }, { tokens: 5 }]), {
      stage: "post_model_call",
      act,
      usageOf: ({ tokens }) => tokens === undefined ? undefined : { totalTokens: tokens },
    });
    expect(session.context).toMatchObject({ totalTokens: 5, modelCallCount: 1 });
  });

  test("fails its act and keeps the estimate, when the source fails", async () => {
    const session = createKernel({ policy: { maxTokens: 1000 } }).session({ agentId: "a" });
    const act = await session.begin({ stage: "pre_model_call", name: "m", payload: "x".repeat(2400) });
    const boom = new Error("boom");
    const { error } = await read(
      session,
      (async function* () {
        yield { text: "a" };
        throw boom;
      })(),
      { stage: "post_model_call", act },
    );
    expect(error).toBe(boom);
    expect((await session.begin({ stage: "pre_model_call", name: "m", payload: "x".repeat(2400) })).decision)
      .toMatchObject({ code: "token_budget_exceeded" });
  });

  test.each([["before the first part", 0], ["after it", 1]])(
    "ends its act and lets the source go, when the consumer leaves %s",
    async (_what, reads) => {
      const session = createKernel({ guards: [maxConcurrent(1)] }).session({ agentId: "a" });
      const act = await modelAct(session);
      let released = false;
      const source = {
        [Symbol.asyncIterator]: () => ({
          ...from(letters("abc")),
          next: (() => {
            const inner = from(letters("abc"));
            return () => inner.next();
          })(),
          return: async () => {
            released = true;
            return { done: true as const, value: undefined };
          },
        }),
      };
      const iterator = session.stream(source, options({ stage: "post_model_call", act }))[Symbol.asyncIterator]();
      for (let i = 0; i < reads; i++) await iterator.next();
      await iterator.return?.();
      if (reads === 0) expect(released).toBe(true);
      expect((await modelAct(session)).decision.allowed).toBe(true);
    },
  );

  test("stops waiting for a source that hangs, when the session is closed or the consumer leaves", async () => {
    const session = createKernel().session({ agentId: "a" });
    const hangs = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
    const reading = read(session, hangs);
    await Promise.resolve();
    session.close();
    expect((await reading).error).toMatchObject({ code: "session_killed" });
    const other = createKernel().session({ agentId: "a" });
    const iterator = other.stream(hangs, options())[Symbol.asyncIterator]();
    const pending = iterator.next().catch((error: unknown) => (error as Error).name);
    await iterator.return?.();
    expect(await pending).toBe("AbortError");
  });

  test.each<[string, unknown, object]>([
    ["parts that are no stream", [], {}],
    ["an unknown stage", from([]), { stage: "input" }],
    ["holdBack, which needs the whole", from([]), { holdBack: 5 }],
    ["no textOf", from([]), { textOf: undefined }],
  ])("throws, when given %s", (_what, parts, more) => {
    expect(() => createKernel().session({ agentId: "a" }).stream(parts as never, options(more as never))).toThrow(
      TypeError,
    );
  });
});

test("stream() tells and records an escalation as a denial, when it has no act", async () => {
  const told: string[] = [];
  const records: string[] = [];
  const asks = defineGuard({ name: "asks", stages: ["output"], check: () => escalate("Let it out?") });
  const kernel = createKernel({
    guards: [asks],
    plugins: [{
      name: "keeps",
      setup: (host) => host.sink({ name: "keeps", write: (record) => void records.push(record.kind) }),
    }],
  });
  kernel.on("policy_violation", ({ code }) => void told.push(code));
  const { parts, error } = await read(kernel.session({ agentId: "tester" }), from(letters("text")));
  expect([parts, told, records]).toEqual([[], ["approval_required"], ["decision"]]);
  expect(error).toMatchObject({ code: "approval_required", decision: { effect: "deny" } });
});

test("stream() reads nothing, when its act was denied", async () => {
  let read_ = 0;
  const session = createKernel({ policy: { deniedTools: ["rm"] } }).session({ agentId: "tester" });
  const act = await session.begin({ stage: "pre_tool_call", name: "rm", payload: {} });
  const source = (async function* (): AsyncGenerator<Part> {
    read_++;
    yield {};
  })();
  expect((await read(session, source, { stage: "post_tool_call", name: "rm", act })).error).toMatchObject({
    code: "tool_not_allowed",
  });
  expect(read_).toBe(0);
});
