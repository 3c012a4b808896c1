import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createKernel } from "../../src/preset/create-kernel.ts";
import { definePolicy } from "../../src/policy/define.ts";
import { parsePolicy } from "../../src/policy/parse.ts";
import type { PolicyInit } from "../../src/policy/policy.ts";
import { policyInit } from "./policies.ts";

const LIMITS = ["maxTokens", "maxToolCalls", "timeoutMs", "maxConcurrent", "backpressureThreshold"] as const;
const NONE: PolicyInit = {
  maxTokens: Infinity,
  maxToolCalls: Infinity,
  timeoutMs: Infinity,
  maxConcurrent: Infinity,
};

describe("a limit of Infinity", () => {
  test("is none, when a session goes far beyond every default", async () => {
    let now = 0;
    const session = createKernel({ policy: NONE, clock: () => now }).session({ agentId: "a" });
    for (let i = 0; i < 50; i++) {
      const act = session.begin({ stage: "pre_tool_call", name: "t", payload: {}, callId: `c${i}` });
      expect(act).not.toBeInstanceOf(Promise);
      expect((await act).decision.allowed).toBe(true);
    }
    now = 1e12;
    await session.model({ model: "m", request: "x".repeat(500_000) }, () => "y", () => ({ totalTokens: 1e9 }));
    expect((await session.check({ stage: "pre_model_call", name: "m", payload: "more" })).allowed).toBe(true);
  });

  test("leaves acts to wait, when only nobody is refused", () => {
    const policy = { maxConcurrent: Infinity, backpressureThreshold: 2 };
    const session = createKernel({ policy }).session({ agentId: "a" });
    const begun = [1, 2, 3].map((i) =>
      session.begin({ stage: "pre_tool_call", name: "t", payload: {}, callId: `c${i}` }) instanceof Promise
    );
    expect(begun).toEqual([false, false, true]);
    void session.close();
  });

  test("takes the waiting with it, when nothing is said about that", () => {
    expect(definePolicy({ maxConcurrent: Infinity }).backpressureThreshold).toBe(Infinity);
    expect(definePolicy({ maxConcurrent: 100 }).backpressureThreshold).toBe(8);
    expect(definePolicy(NONE).conflicts()).toEqual([]);
    expect(definePolicy({ backpressureThreshold: Infinity }).conflicts()).toEqual([]);
  });

  test.each(LIMITS)("is null in a file, when it is %s", (name) => {
    expect(parsePolicy(`{ "${name}": null }`)[name]).toBe(Infinity);
    expect(parsePolicy({ [name]: Infinity })[name]).toBe(Infinity);
    expect(JSON.parse(JSON.stringify(definePolicy({ [name]: Infinity })))[name]).toBeNull();
    expect(() => definePolicy({ [name]: null } as never)).toThrow("or Infinity (in a file null) for no limit");
    expect(() => definePolicy({ [name]: -Infinity })).toThrow(name);
    expect(() => definePolicy({ [name]: Number.NaN })).toThrow(name);
  });

  test("comes back the same, when a policy went through a file or its own data", () => {
    fc.assert(fc.property(policyInit, (init) => {
      const policy = definePolicy(init);
      expect(parsePolicy(JSON.stringify(policy)).diff(policy)).toEqual({});
      expect(definePolicy(policy.toJSON()).diff(policy)).toEqual({});
    }));
  });

  test("is looser than any number, when policies are compared and merged", () => {
    const [none, some] = [definePolicy(NONE), definePolicy({ ...NONE, maxTokens: 9e15 })];
    expect([some.isStricterThan(none), none.isStricterThan(some)]).toEqual([true, false]);
    expect(none.merge(some).maxTokens).toBe(9e15);
    expect(Object.keys(none.diff(some))).toEqual(["maxTokens"]);
  });
});

describe("a denial by a policy names field, number and whether it is the default", () => {
  const reasonOf = async (policy: PolicyInit, narrowed?: PolicyInit): Promise<string> => {
    const session = createKernel({ policy }).session({
      agentId: "a",
      ...(narrowed === undefined ? {} : { policy: narrowed }),
    });
    const decision = await session.check({ stage: "pre_model_call", name: "m", payload: "x".repeat(100_000) });
    return decision.effect === "deny" ? decision.reason : decision.effect;
  };

  test.each<[string, PolicyInit, PolicyInit | undefined, string]>([
    ["nobody chose it", {}, undefined, "maxTokens is 4096 for a session, the policy's default"],
    ["somebody did", { maxTokens: 9 }, undefined, "maxTokens is 9 for a session, set by the policy"],
    ["it is the same number", { maxTokens: 4096 }, undefined, "maxTokens is 4096 for a session, set by the policy"],
    [
      "a session narrows other things",
      {},
      { maxToolCalls: 1 },
      "maxTokens is 4096 for a session, the policy's default",
    ],
  ])("%s", async (_, policy, narrowed, text) => {
    expect(await reasonOf(policy, narrowed)).toBe(`The token budget does not cover this call: ${text}`);
  });

  test("at every limit", async () => {
    let now = 0;
    const policy = { maxToolCalls: 1, maxConcurrent: 1, timeoutMs: 9 };
    const session = createKernel({ policy, clock: () => now }).session({ agentId: "a" });
    const reason = async (stage: "input" | "pre_tool_call" | "post_model_call", payload: unknown): Promise<unknown> => {
      const decision = await session.check({ stage, name: "t", payload });
      return decision.effect === "deny" && decision.reason;
    };
    const open = await session.begin({ stage: "input", name: "run", payload: "hi" });
    expect(await reason("input", "again")).toContain("maxConcurrent is 1 for acts of one kind, set by the policy");
    open.cancel();
    await session.tool({ name: "t", arguments: {} }, () => 1);
    expect(await reason("pre_tool_call", {})).toContain("maxToolCalls is 1 for a session, set by the policy");
    expect(await reason("post_model_call", { content: "", toolCalls: [], confidence: 0.1 }))
      .toContain("confidenceThreshold is 0.8, the policy's default");
    now = 10;
    expect(await reason("input", "late")).toContain("timeoutMs is 9 ms for a session, set by the policy");
  });
});
