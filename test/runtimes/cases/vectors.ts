/** What was recorded elsewhere, decided again here: engines must not differ in a single case. */
import {
  type ActionGuard,
  actionGuard,
  type AgentProfile,
  agentProfile,
  createKernel,
  type PolicyInit,
  sequenceSimilarity,
} from "../../../mod.ts";
import policies from "../../vectors/policy-decisions.json" with { type: "json" };
import ratios from "../../vectors/sequence-ratio.json" with { type: "json" };
import trust from "../../vectors/trust.json" with { type: "json" };
import { type Case, codeIn, same } from "./kit.ts";

interface Recorded {
  readonly policy: PolicyInit;
  readonly priorToolCalls: number;
  readonly call: { readonly toolName: string; readonly arguments: Record<string, unknown> };
  readonly allowed: boolean;
  readonly violations: readonly string[];
}

interface Checked {
  readonly guard: Parameters<typeof actionGuard>[0];
  readonly agent: AgentProfile;
  readonly action: string;
  readonly requiredCapabilities: readonly string[] | null;
  readonly allowed: boolean;
  readonly code: string;
}

/** The cases, in order. */
export const vectorCases: readonly Case[] = [
  {
    name: "policies decide the recorded calls as recorded",
    async run(): Promise<void> {
      const recorded = policies.cases as unknown as readonly Recorded[];
      same(recorded.length, 441, "calls");
      for (const [index, { policy, priorToolCalls, call, allowed, violations }] of recorded.entries()) {
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
        same(decision.allowed, allowed, `call ${index}`);
        if (!allowed) {
          same(
            violations.map((one) => one === "human_approval_required" ? "approval_required" : one).includes(
              codeIn(decision),
            ),
            true,
            `call ${index}: ${codeIn(decision)}`,
          );
        }
      }
    },
  },
  {
    name: "the trust gate answers the recorded questions as recorded",
    run(): void {
      const checks = trust.checks as unknown as readonly Checked[];
      same(checks.length, 300, "questions");
      for (const [index, { guard, agent, action, requiredCapabilities, allowed, code }] of checks.entries()) {
        const judge: ActionGuard = actionGuard(guard);
        for (const profile of [agentProfile(agent), agent]) {
          const result = judge.check(profile, action, requiredCapabilities ?? undefined);
          same([result.allowed, result.code], [allowed, code], `question ${index}`);
        }
      }
    },
  },
  {
    name: "sequenceSimilarity() has the recorded ratios, to the last digits",
    run(): void {
      const { cases } = ratios;
      same(cases.length, 174, "pairs");
      for (const [index, { a, b, ratio_no_autojunk }] of cases.entries()) {
        same(Math.abs(sequenceSimilarity(a, b) - ratio_no_autojunk) <= 1e-9, true, `pair ${index}`);
      }
    },
  },
];
