// Policies: reading, checking, comparing, merging, and compiling them to guards.

import type { RuleInit } from "../rules/rule.ts";

/**
 * Text that must not occur: a case-insensitive substring, a pattern of our linear matcher, or (unbounded, opted in) a
 * RegExp.
 */
export type BlockedPattern = string | { readonly pattern: string; readonly type: "substring" | "regex" | "glob" } | {
  readonly regexp: RegExp;
};

/** A policy as it is written down. Every field is optional. A limit of `Infinity`, in files `null`, is none. */
export interface PolicyInit {
  /** For people. Default `"default"`. */
  name?: string;
  /** Default `"1.0.0"`. */
  version?: string;
  /** Tokens of all model calls of a session. A whole number >= 1 or `Infinity`, default 4096. */
  maxTokens?: number;
  /** Tool calls of a session. A whole number >= 0 or `Infinity`, default 10. */
  maxToolCalls?: number;
  /** The only tools that may be called; `*` stands for any run of characters. Absent: every tool; `[]`: none. */
  allowedTools?: readonly string[];
  /** Tools that may not be called, whatever the case of their names; with `*` as above. Default `[]`. */
  deniedTools?: readonly string[];
  /** Text that may not pass any gate. Default `[]`. */
  blockedPatterns?: readonly BlockedPattern[];
  /** Whether a person must approve every tool call, or calls of the named tools, with `*` as above. Default `false`. */
  requireHumanApproval?: boolean | readonly string[];
  /** Which tools may be called with which arguments, and more: a set that can only take away. Default `[]`. */
  rules?: readonly RuleInit[];
  /** Tools whose results taint the session, whatever the case of their names; with `*` as above. Default `[]`. */
  untrustedTools?: readonly string[];
  /**
   * Tools whose results are known (`known: true` of a rule) and taint nothing, by their exact names; with `*` as above.
   * Default `[]`.
   */
  trustedTools?: readonly string[];
  /**
   * How long a session may start acts, and an act may wait in it, in ms. A running act is not stopped. A whole number
   * >= 1 or `Infinity`, default 300000.
   */
  timeoutMs?: number;
  /** The least confidence of a model's answer that states one, 0 to 1. Default 0.8. */
  confidenceThreshold?: number;
  /** The drift above which `drift_detected` is emitted, 0 to 1. Default 0.15. */
  driftThreshold?: number;
  /** Whether allowed calls are recorded too, or only the others. Default `true`. */
  logAllCalls?: boolean;
  /** Every how many completed calls a checkpoint is made. A whole number >= 1, default 5. */
  checkpointFrequency?: number;
  /** Acts of one kind that a session may have open at once. A whole number >= 1 or `Infinity`, default 10. */
  maxConcurrent?: number;
  /**
   * Open acts from which a new one waits its turn. A whole number >= 1 or `Infinity`, default 8, and `Infinity` where
   * `maxConcurrent` is.
   */
  backpressureThreshold?: number;
}

/** A validated, immutable policy. Made by {@linkcode definePolicy} or {@linkcode parsePolicy}. */
export interface GovernancePolicy extends Readonly<Required<Omit<PolicyInit, "allowedTools">>> {
  /** The only tools that may be called. Absent: every tool; `[]`: none. */
  readonly allowedTools?: readonly string[];
  /** Plain data that {@linkcode definePolicy} takes. */
  toJSON(): PolicyInit;
  /** The fields in which another policy differs, as `[this, other]`; empty when they are equal. */
  diff(other: GovernancePolicy): Readonly<Record<string, readonly [unknown, unknown]>>;
  /** Whether the other allows whatever this allows, and they differ. A strict partial order. */
  isStricterThan(other: GovernancePolicy): boolean;
  /** The most permissive policy that is at least as strict as both. */
  merge(other: GovernancePolicy): GovernancePolicy;
  /** What in this policy works against itself, in words. */
  conflicts(): readonly string[];
}
