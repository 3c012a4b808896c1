import type { ApprovalRequest } from "../approval/request.ts";
import { type Decision, type DecisionCode, type Deny, deny, type Escalate } from "./decision.ts";
import { define, ownField, pickOwn } from "./own.ts";
import type { Stage } from "./request.ts";

const BRAND = "sallyport.PolicyViolationError";

/**
 * A decision that denied an act, as an error: what `run`, `model` and `tool` reject with.
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
  readonly code: DecisionCode;
  /** For people; the same as `message`. */
  readonly reason: string;
  /** The guard that denied the act, if a guard did. */
  declare readonly guard?: string;
  /** The gate that denied the act. */
  readonly stage: Stage;
  /** The whole decision. */
  readonly decision: Deny | Escalate;
  /** The approval request that nobody was there to answer. */
  declare readonly approval?: ApprovalRequest;

  /** Makes the error: `reason` is for people, `code` for machines. */
  constructor(reason: string, options: { code?: DecisionCode; cause?: unknown } = {}) {
    const own = pickOwn(options as typeof options & Internal, ["code", "cause"]);
    super(reason, Object.hasOwn(own, "cause") ? { cause: own.cause } : undefined);
    const given = ownField(options as Internal, DECIDED);
    this.code = own.code ?? given?.decision.code ?? "action_blocked";
    this.reason = reason;
    this.decision = given?.decision ?? deny(this.code, reason);
    this.stage = given?.stage ?? "input";
    const { guard, approval } = pickOwn(this.decision as Escalate, ["guard", "approval"]);
    if (guard !== undefined) define(this, "guard", guard);
    if (approval !== undefined) define(this, "approval", approval);
  }

  /** What may leave the process: no cause, no details and no decision. */
  toJSON(): object {
    const { name, code, reason, stage } = this;
    const guard = ownField(this as PolicyViolationError, "guard");
    const approval = ownField(this as PolicyViolationError, "approval");
    return {
      name,
      code,
      reason,
      stage,
      ...(guard === undefined ? {} : { guard }),
      ...(approval === undefined ? {} : { approval }),
    };
  }
}

const DECIDED = Symbol("decided");
interface Internal {
  readonly [DECIDED]?: { readonly stage: Stage; readonly decision: Deny | Escalate };
}

/** The error of a denial. The guard's own failure, if any, is its `cause`. */
export function violation(stage: Stage, decision: Decision): PolicyViolationError {
  const stopping = decision as Deny | Escalate;
  // Whatever the question was called: nobody has answered it.
  const code = stopping.effect === "escalate" ? "approval_required" : stopping.code;
  const details = ownField(stopping as Deny, "details");
  const options: { code: string; cause?: unknown } & Internal = { code, [DECIDED]: { stage, decision: stopping } };
  if (details instanceof Error) options.cause = details;
  return new PolicyViolationError(stopping.reason, options);
}

/** Tells a {@linkcode PolicyViolationError}, also one of another copy of the package. */
export function isPolicyViolation(error: unknown): error is PolicyViolationError {
  try {
    if (typeof error !== "object" || error === null) return false;
    const { "~brand": brand, code, reason } = pickOwn(error as Record<string, unknown>, ["~brand", "code", "reason"]);
    return brand === BRAND && typeof code === "string" && typeof reason === "string";
  } catch {
    // Not even looked at safely: a Proxy that throws is none of ours.
    return false;
  }
}
