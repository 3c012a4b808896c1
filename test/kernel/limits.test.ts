import { describe, expect, test } from "vitest";
import {
  allow,
  blockPatterns,
  createKernel,
  defineGuard,
  type KernelOptions,
  maxPayload,
  type Session,
  type Stage,
  transform,
} from "../../mod.ts";

const WORD = "drop table";
const open = (options: KernelOptions = {}): Session => createKernel(options).session({ agentId: "a" });
const BLOCKED = { code: "blocked_pattern" };

describe("limits", () => {
  const tooLarge = (session: Session, stage: Stage, payload: unknown): Promise<unknown> =>
    Promise.resolve(session.check({ stage, name: "n", payload }));

  test("are the defaults, when a kernel is given none", async () => {
    const session = open({ policy: { maxTokens: 10_000_000 } });
    for (const stage of ["input", "output", "pre_tool_call", "post_tool_call"] as const) {
      const kind = stage.endsWith("put") ? "run" : "tool";
      expect(await tooLarge(session, stage, "x".repeat(1 << 20))).toBe(allow());
      expect(await tooLarge(session, stage, "x".repeat((1 << 20) + 1))).toMatchObject({
        code: "payload_too_large",
        reason: `The payload is too large: more than 1048576 characters of text (limits.${kind}.bytes)`,
      });
    }
    for (const stage of ["pre_model_call", "post_model_call"] as const) {
      expect(await tooLarge(session, stage, "x".repeat(1 << 22))).toBe(allow());
      expect(await tooLarge(session, stage, "x".repeat((1 << 22) + 1))).toMatchObject({
        code: "payload_too_large",
        reason: "The payload is too large: more than 4194304 characters of text (limits.model.bytes)",
      });
    }
    expect(await tooLarge(session, "input", new Uint8Array(1 << 24).fill(255))).toBe(allow());
    expect(await tooLarge(session, "input", new Uint8Array((1 << 24) + 1).fill(255))).toMatchObject({
      reason: "The payload is too large: more than 16777216 bytes that are no text (limits.run.binaryBytes)",
    });
  });

  test("are what a kernel is given, each for its gates, for what guards make too, and in explain()", async () => {
    const grows = defineGuard({
      name: "grows",
      stages: ["output"],
      check: ({ payload }) => payload === "grow" ? transform("x".repeat(20), "r") : allow(),
    });
    const kernel = createKernel({
      guards: [grows],
      limits: { run: { bytes: 5 }, tool: { depth: 1, nodes: 3 }, model: { binaryBytes: 2 } },
    });
    const session = kernel.session({ agentId: "a" });
    expect(await tooLarge(session, "input", "123456")).toMatchObject({
      reason: expect.stringContaining("more than 5 characters of text (limits.run.bytes)"),
    });
    expect(await tooLarge(session, "pre_tool_call", { a: {} })).toMatchObject({
      reason: expect.stringContaining("more than 1 levels (limits.tool.depth)"),
    });
    expect(await tooLarge(session, "pre_tool_call", [1, 2, 3])).toMatchObject({
      reason: expect.stringContaining("more than 3 values (limits.tool.nodes)"),
    });
    expect(await tooLarge(session, "pre_model_call", Uint8Array.of(255, 255, 255))).toMatchObject({
      reason: expect.stringContaining("limits.model.binaryBytes"),
    });
    expect(await tooLarge(session, "pre_tool_call", "x".repeat(100))).toBe(allow());
    expect(await session.run("12345", () => "12345")).toBe("12345");
    await expect(session.run("1", () => "grow")).rejects.toMatchObject({ code: "payload_too_large" });
    await expect(session.run("1", () => Promise.reject(new Error("123456")))).rejects.toMatchObject({
      code: "payload_too_large",
    });
    const explained = await kernel.explain({ stage: "input", name: "n", payload: "123456" }, session);
    expect(explained.decision).toMatchObject({ reason: expect.stringContaining("limits.run.bytes") });
    expect(explained.limits).toEqual({ bytes: 5, depth: 64, nodes: 100_000, binaryBytes: 1 << 24 });
    expect((await kernel.explain({ stage: "pre_tool_call", name: "n", payload: 1 }, session)).limits).toMatchObject({
      depth: 1,
      nodes: 3,
    });
    expect((await kernel.explain({ stage: "post_model_call", name: "n", payload: 1 }, session)).limits.bytes).toBe(
      1 << 22,
    );
    expect(await session.child().check({ stage: "input", name: "n", payload: "123456" })).toMatchObject({
      code: "payload_too_large",
    });
  });

  test("may be larger, and guards that search still deny what is beyond theirs", async () => {
    const limits = { run: { bytes: 1 << 25, nodes: 300_000, depth: 200 } };
    let deep: unknown = "x";
    for (let i = 0; i < 100; i++) deep = [deep];
    const large = [deep, new Array(200_000).fill(1), "x".repeat(1 << 21)];
    for (const payload of large) {
      expect(await tooLarge(open({ limits }), "input", payload)).toBe(allow());
      expect(await tooLarge(open({ limits, guards: [maxPayload({ bytes: 1 << 22 })] }), "input", payload)).toBe(
        allow(),
      );
    }
    for (const payload of large.slice(0, 2)) {
      expect(await tooLarge(open({ limits, guards: [blockPatterns([WORD])] }), "input", payload)).toMatchObject({
        code: "payload_too_large",
        guard: "blockPatterns",
      });
    }
    await expect(open({ limits, guards: [blockPatterns([WORD])] }).run(["x".repeat((1 << 24) + 1)], () => 1)).rejects
      .toMatchObject({ code: "payload_too_large" });
  });

  test.each<readonly [unknown, RegExp]>([
    [5, /limits\(?/],
    [{ all: {} }, /"all" must be one of the known options \(run, tool, model\)/],
    [{ run: 5 }, /"options" must be an object/],
    [{ run: { chars: 5 } }, /"chars" must be one of the known options \(bytes, depth, nodes, binaryBytes\)/],
    [{ tool: { bytes: -1 } }, /limits\.tool: "bytes" must be a whole number >= 0, and is -1/],
    [{ model: { nodes: 1.5 } }, /"nodes" must be a whole number from 0 to 10000000, and is 1\.5/],
    [{ model: { depth: 1001 } }, /"depth" must be a whole number from 0 to 1000, and is 1001/],
    [{ model: { bytes: "5" } }, /"bytes"/],
    [{ model: { binaryBytes: NaN } }, /"binaryBytes"/],
  ])("throw when the kernel is built, when they are %j", (limits, message) => {
    expect(() => createKernel({ limits: limits as never })).toThrow(message);
  });

  test("are copied", async () => {
    const run = { bytes: 5 };
    const session = open({ limits: { run } });
    run.bytes = 500;
    expect(await tooLarge(session, "input", "123456")).toMatchObject({ code: "payload_too_large" });
  });
});

describe("what counts is asked before what searches", () => {
  test("denies without a search, when a request is beyond the cap, the tokens or the names", async () => {
    const policy = { blockedPatterns: [WORD], maxTokens: 100, allowedTools: ["t"], maxToolCalls: 1 };
    const kernel = createKernel({ policy });
    const session = kernel.session({ agentId: "a" });
    const steps = async (request: { stage: Stage; name: string; payload: unknown }): Promise<[string, string[]]> => {
      const { decision, steps: asked } = await kernel.explain(request, session);
      return [(decision as { code?: string }).code ?? "", asked.map(({ guard }) => guard)];
    };
    const [large, askedLarge] = await steps({ stage: "pre_model_call", name: "m", payload: "x".repeat(1 << 24) });
    expect([large, askedLarge]).toEqual(["payload_too_large", []]);
    const [tokens, askedTokens] = await steps({ stage: "pre_model_call", name: "m", payload: `${WORD} `.repeat(1000) });
    expect([tokens, askedTokens.includes("blockPatterns")]).toEqual(["token_budget_exceeded", false]);
    const [name, askedName] = await steps({ stage: "pre_tool_call", name: "u", payload: { q: WORD } });
    expect([name, askedName.includes("blockPatterns")]).toEqual(["tool_not_allowed", false]);
    await session.tool({ name: "t", arguments: {} }, () => 1);
    const [calls, askedCalls] = await steps({ stage: "pre_tool_call", name: "t", payload: { q: WORD } });
    expect([calls, askedCalls.includes("blockPatterns")]).toEqual(["max_tool_calls_exceeded", false]);
  });

  test("gives back what was taken, when the search denies", async () => {
    const session = open({ policy: { blockedPatterns: [WORD], maxToolCalls: 1, maxConcurrent: 1 } });
    for (let i = 0; i < 3; i++) {
      await expect(session.tool({ name: "t", arguments: { q: WORD } }, () => 1)).rejects.toMatchObject(BLOCKED);
    }
    expect(await session.tool({ name: "t", arguments: {} }, () => "ran")).toBe("ran");
  });
});
