// Asking a person, and signed grants.

import { functionOf, ownOptions, wholeNumber } from "../base/check.ts";
import type { CryptoKeyLike } from "../base/platform.ts";
import type { Plugin } from "../kernel/plugin.ts";
import { memoryStore } from "../state/memory-store.ts";
import type { StateStore } from "../state/store.ts";
import { approvalKeyOf } from "./grant.ts";
import { Questions } from "./question.ts";
import type { ApprovalAnswer, ApprovalRequest } from "./request.ts";

/** Who approves, and how. */
export interface ApprovalOptions {
  /**
   * Asks a person, who answers at once or later; only `true`, or valid grants, approve, and what throws denies with
   * `approval_denied`. Absent: escalations deny with `approval_required`.
   */
  approve?: ((request: ApprovalRequest) => ApprovalAnswer | Promise<ApprovalAnswer>) | undefined;
  /** Verifies grants: an HMAC key, or an Ed25519 public key. */
  approvalKey?: CryptoKeyLike | undefined;
  /** How long a question may wait for its answer, in ms. Default 300000. */
  approvalTtlMs?: number | undefined;
  /** How many different people must sign, a whole number >= 1, default 1; above 1, `true` does not count. */
  approvalQuorum?: number | undefined;
}

const WHERE = "approvals()";
const KEYS = ["approve", "approvalKey", "approvalTtlMs", "approvalQuorum"] as const;

/**
 * Has people approve what guards escalate: at once (`approve`), by signed grants, or through whoever began the act.
 *
 * Grants are spent in the kernel's store; where it has none, in this process's memory. A kernel of `sallyport` has it,
 * with the options of the same names; one of `sallyport/core` is given it, and denies every escalation without.
 *
 * @throws {TypeError | RangeError} If an option is unknown or wrong.
 * @example Usage
 * ```ts
 * import { approvals } from "@sallyport/sallyport";
 * import { createKernel, requireApproval } from "@sallyport/sallyport/core";
 * import assert from "node:assert/strict";
 *
 * const plugins = [approvals({ approve: ({ name }) => name === "pay" })];
 * const session = createKernel({ guards: [requireApproval()], plugins }).session({ agentId: "a" });
 * assert.equal(await session.tool({ name: "pay", arguments: {} }, () => "paid"), "paid");
 * await assert.rejects(session.tool({ name: "delete", arguments: {} }, () => "never"), { code: "approval_denied" });
 * ```
 */
export function approvals(options: ApprovalOptions = {}): Plugin {
  return approvalsOf(WHERE, ownOptions(WHERE, options, KEYS));
}

/** The same, with `where` in errors. */
export function approvalsOf(where: string, options: ApprovalOptions): Plugin {
  const { approve, approvalKey: key, approvalTtlMs: ttlMs = 300_000, approvalQuorum: quorum = 1 } = options;
  if (approve !== undefined) functionOf(where, "approve", approve);
  if (key !== undefined) approvalKeyOf(where, key);
  wholeNumber(where, "approvalTtlMs", ttlMs, 1);
  wholeNumber(where, "approvalQuorum", quorum, 1);
  return {
    name: "approvals",
    setup(host): void {
      let own: StateStore | undefined;
      const store = (): StateStore => host.storeOf() ?? (own ??= memoryStore());
      host.approver(
        new Questions(
          { approve, key, ttlMs, quorum, store },
          host.channel("approval_requested"),
          host.channel("approval_resolved"),
        ),
      );
    },
  };
}
