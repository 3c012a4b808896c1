import type { GovernancePolicy, PolicyInit } from "../policy/policy.ts";
import { ownField } from "./own.ts";

const FIELDS: PolicyInit = Object.freeze({
  name: "none",
  version: "1.0.0",
  maxTokens: Infinity,
  maxToolCalls: Infinity,
  deniedTools: Object.freeze([]),
  blockedPatterns: Object.freeze([]),
  requireHumanApproval: false,
  rules: Object.freeze([]),
  untrustedTools: Object.freeze([]),
  trustedTools: Object.freeze([]),
  timeoutMs: Infinity,
  confidenceThreshold: 0,
  driftThreshold: 1,
  logAllCalls: true,
  // More than any session has.
  checkpointFrequency: Number.MAX_SAFE_INTEGER,
  maxConcurrent: Infinity,
  backpressureThreshold: Infinity,
});

/** Whether two values of a field differ, of which the first is one of those above. */
function differ(one: unknown, other: unknown): boolean {
  return Array.isArray(one) && Array.isArray(other) ? other.length > 0 : one !== other;
}

const METHODS: Pick<GovernancePolicy, "toJSON" | "diff" | "isStricterThan" | "merge" | "conflicts"> = Object.freeze({
  toJSON: (): PolicyInit => ({ ...FIELDS }),
  diff: (other: GovernancePolicy): Readonly<Record<string, readonly [unknown, unknown]>> => {
    const names = Object.keys({ ...FIELDS, ...other }) as (keyof PolicyInit)[];
    return Object.fromEntries(
      names.filter((name) => differ(ownField(FIELDS, name), ownField(other, name)))
        .map((name) => [name, [ownField(FIELDS, name), ownField(other, name)]]),
    );
  },
  isStricterThan: (): boolean => false,
  merge: (other: GovernancePolicy): GovernancePolicy => other,
  conflicts: (): readonly string[] => [],
});

/** The policy of sessions to which no policy applies: it allows everything, and makes no checkpoints. */
export const NO_POLICY: GovernancePolicy = Object.freeze(
  { __proto__: METHODS, ...FIELDS } as unknown as GovernancePolicy,
);
