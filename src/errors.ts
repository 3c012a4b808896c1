import type { ApprovalRequest } from "./approval/request.ts";
import { type Decision, type Deny, deny, type Escalate } from "./decision.ts";
import type { Stage } from "./request.ts";

const BRAND = "sallyport.PolicyViolationError";

/**
 * A decision that stopped an act, as an error: what `run`, `model` and `tool` reject with.
 *
 * Thrown by an event's listener at `policy_check`, `drift_detected`, `checkpoint_created` or `call_completed`, it makes
 * the gate deny. `code` is `action_blocked` where none is given.
 *
 * @example Usage
 * ```ts
 * import { createKernel, isPolicyViolation } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ policy: { allowedTools: [] } }).session({ agentId: "reader" });
 * await assert.rejects(
 *   session.tool({ name: "write", arguments: {} }, () => "never"),
 *   (error) => isPolicyViolation(error) && error.code === "tool_not_allowed",
 * );
 * ```
 */
export class PolicyViolationError extends Error {
  /** Always `PolicyViolationError`. */
  override readonly name: string = "PolicyViolationError";
  /** Tells the error across copies of the package; see {@linkcode isPolicyViolation}. */
  readonly "~brand": string = BRAND;
  /** Machine-readable. */
  readonly code: string;
  /** For people; the same as `message`. */
  readonly reason: string;
  /** The guard that stopped the act, where one did. */
  declare readonly guard?: string;
  /** The gate that stopped the act. */
  readonly stage: Stage;
  /** The whole decision. */
  readonly decision: Deny | Escalate;
  /** The question that nobody was there to answer. */
  declare readonly approval?: ApprovalRequest;

  /** Makes the error: `reason` is for people, `code` for machines. */
  constructor(reason: string, options: { code?: string; cause?: unknown } = {}) {
    super(reason, "cause" in options ? { cause: options.cause } : undefined);
    const given = (options as Internal)[DECIDED];
    this.code = options.code ?? given?.decision.code ?? "action_blocked";
    this.reason = reason;
    this.decision = given?.decision ?? deny(this.code, reason);
    this.stage = given?.stage ?? "input";
    if (this.decision.guard !== undefined) this.guard = this.decision.guard;
    if (this.decision.effect === "escalate" && this.decision.approval !== undefined) {
      this.approval = this.decision.approval;
    }
  }
}

const DECIDED = Symbol("decided");
interface Internal {
  readonly [DECIDED]?: { readonly stage: Stage; readonly decision: Deny | Escalate };
}

/** The error of a decision that stops. The guard's own failure, if any, is its `cause`. */
export function violation(stage: Stage, decision: Decision): PolicyViolationError {
  const stopping = decision as Deny | Escalate;
  // Whatever the question was called: nobody has answered it.
  const code = stopping.effect === "escalate" ? "approval_required" : stopping.code;
  const options: { code: string; cause?: unknown } & Internal = { code, [DECIDED]: { stage, decision: stopping } };
  if (stopping.effect === "deny" && stopping.details instanceof Error) options.cause = stopping.details;
  return new PolicyViolationError(stopping.reason, options);
}

/** Tells a {@linkcode PolicyViolationError}, also one of another copy of the package. */
export function isPolicyViolation(error: unknown): error is PolicyViolationError {
  try {
    if (typeof error !== "object" || error === null) return false;
    const { "~brand": brand, code, reason } = error as Record<string, unknown>;
    return brand === BRAND && typeof code === "string" && typeof reason === "string";
  } catch {
    // Not even looked at safely: a Proxy that throws is none of ours.
    return false;
  }
}
