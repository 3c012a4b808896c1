import { describe, expect, test } from "vitest";
import { definePolicy, PolicyError, policyRules } from "../../mod.ts";
import { createKernel, defineGuard, deny, type Plugin } from "../../src/core.ts";

const call = (name: string) => ({ name, arguments: {} });

describe("policyRules()", () => {
  test("throws, when the policy is malformed", () => {
    expect(() => policyRules({ maxToolCalls: -1 })).toThrow(PolicyError);
  });

  test("judges after who may act, and before all other guards", async () => {
    const says = (code: string) =>
      defineGuard({ name: code, stages: ["pre_tool_call"], check: () => deny(code, "No") });
    const first: Plugin = { name: "first", setup: (host) => host.guard(says("who"), "who") };
    const rules = policyRules({ allowedTools: ["search"] });
    const own = createKernel({ guards: [says("own")], plugins: [rules] }).session({ agentId: "a" });
    await expect(own.tool(call("rm"), () => 1)).rejects.toMatchObject({ code: "tool_not_allowed" });
    await expect(own.tool(call("search"), () => 1)).rejects.toMatchObject({ code: "own" });
    const who = createKernel({ plugins: [rules, first] }).session({ agentId: "a" });
    await expect(who.tool(call("rm"), () => 1)).rejects.toMatchObject({ code: "who" });
  });

  test("is narrowed by a session, and by its children further", async () => {
    const policy = definePolicy({ allowedTools: ["search", "read"] });
    const kernel = createKernel({ plugins: [policyRules(policy)] });
    expect(kernel.session({ agentId: "a" }).context.policy).toBe(policy);
    const session = kernel.session({ agentId: "a", policy: { allowedTools: ["search", "rm"] } });
    expect(session.context.policy.allowedTools).toEqual(["search"]);
    expect(session.child().context.policy).toBe(session.context.policy);
    expect(session.child({ policy: { allowedTools: [] } }).context.policy.allowedTools).toEqual([]);
    await expect(session.tool(call("read"), () => 1)).rejects.toMatchObject({ code: "tool_not_allowed" });
    expect(() => kernel.session({ agentId: "a", policy: { maxToolCalls: -1 } })).toThrow(PolicyError);
  });

  test("makes checkpoints, which a listener may turn into a denial", async () => {
    const kernel = createKernel({ plugins: [policyRules({ checkpointFrequency: 2 })] });
    const made: string[] = [];
    kernel.on("checkpoint_created", ({ checkpointId }) => void made.push(checkpointId));
    const session = kernel.session({ agentId: "a", sessionId: "s" });
    for (let at = 0; at < 5; at++) await session.run("hi", () => 1);
    expect(made).toEqual(["s:2", "s:4"]);
    expect(session.context.checkpoints).toEqual(made);
  });
});
