import fc from "fast-check";
import type { PolicyInit } from "../../src/policy/policy.ts";

const names = (): fc.Arbitrary<string[]> =>
  fc.array(fc.constantFrom("a", "A", "b", "c", "constructor"), { maxLength: 3 });
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
