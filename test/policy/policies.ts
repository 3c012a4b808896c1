import fc from "fast-check";
import type { PolicyInit } from "../../src/policy/policy.ts";

const names = (): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom("a", "A", "b", "c", "constructor", "*", "c*", "*r", "A*"), { maxLength: 3 });
const oneOf = <T>(...values: T[]): fc.Arbitrary<T> => fc.constantFrom(...values);

/** Policies that are often comparable: few tools, few patterns, few levels of each limit. */
export const policyInit: fc.Arbitrary<PolicyInit> = fc.record(
  {
    name: oneOf("x", "y"),
    version: oneOf("1", "2"),
    maxTokens: oneOf(1, 2, Infinity),
    maxToolCalls: oneOf(0, 1, Infinity),
    allowedTools: names(),
    deniedTools: names(),
    blockedPatterns: fc.array(
      oneOf<NonNullable<PolicyInit["blockedPatterns"]>[number]>(
        "rm",
        "RM",
        { pattern: "rm", type: "substring" },
        "drop",
      ),
      { maxLength: 2 },
    ),
    requireHumanApproval: fc.oneof(fc.boolean(), names()),
    rules: fc.array(
      oneOf<NonNullable<PolicyInit["rules"]>[number]>(
        { tools: "c*", require: { amount: { lte: 1 } } },
        { tools: "C*", require: { amount: { lte: 1 } }, effect: "escalate" },
        { tools: ["c", "constructor"], require: { amount: { lte: 1 } } },
        { when: { amount: { gt: 0 } }, effect: "escalate" },
        { when: { amount: { gt: 0 } }, require: { amount: { lte: 1 } }, id: "x" },
        { effect: "deny", tools: "a" },
      ),
      { maxLength: 2 },
    ),
    untrustedTools: fc.array(oneOf("b*", "B", "*z"), { maxLength: 2 }),
    trustedTools: fc.array(oneOf("a", "a*", "*c", "ab*"), { maxLength: 2 }),
    timeoutMs: oneOf(1, 2, Infinity),
    confidenceThreshold: oneOf(0, 0.5),
    driftThreshold: oneOf(0, 0.5),
    logAllCalls: fc.boolean(),
    checkpointFrequency: oneOf(1, 2),
    maxConcurrent: oneOf(1, 2, 3, Infinity),
    backpressureThreshold: oneOf(1, 2, 3, 4, Infinity),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<PolicyInit>;
