import { expect, test } from "vitest";
import { createKernel, type Deny, type PolicyInit } from "../mod.ts";
import { vectors } from "./vectors.ts";

interface Case {
  readonly policy: PolicyInit;
  readonly priorToolCalls: number;
  readonly call: { readonly toolName: string; readonly arguments: Record<string, unknown> };
  readonly allowed: boolean;
  readonly violations: readonly string[];
}

const { cases } = vectors<{ cases: Case[] }>("policy-decisions.json");
const CODES: Readonly<Record<string, string>> = { human_approval_required: "approval_required" };

test("check() decides as the vectors do, when their calls were made before", async () => {
  expect(cases.length).toBe(441);
  for (const [index, { policy, priorToolCalls, call, allowed, violations }] of cases.entries()) {
    const kernel = createKernel({
      policy: { ...policy, maxConcurrent: 1000, backpressureThreshold: 1000 },
      approve: async () => true,
    });
    const session = kernel.session({ agentId: "tester" });
    const prior = policy.allowedTools?.[0] ?? "anything";
    for (let made = 0; made < Math.min(priorToolCalls, policy.maxToolCalls ?? 10); made++) {
      await session.tool({ name: prior, arguments: {} }, () => "done");
    }
    const decision = await session.check({ stage: "pre_tool_call", name: call.toolName, payload: call.arguments });
    expect(decision.allowed, `case ${index}`).toBe(allowed);
    if (!allowed) {
      expect(violations.map((one) => CODES[one] ?? one), `case ${index}`).toContain((decision as Deny).code);
    }
  }
});
