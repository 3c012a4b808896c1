/**
 * What a refused call of a tool answers.
 *
 * @module
 */
import type { ApprovalRequest, PolicyViolationError } from "../../mod.ts";
import { ownOf } from "../shared/own.ts";
import type { DeniedCall } from "./types.ts";

/** The answer of a refusal: nothing in it is of the host's alone. */
export function deniedCall(error: PolicyViolationError): DeniedCall {
  const { code, reason } = error;
  const approval = ownOf(error, "approval");
  return approval === undefined
    ? { denied: true, code, reason }
    : { denied: true, code, reason, approval: question(approval) };
}

function question(approval: ApprovalRequest): NonNullable<DeniedCall["approval"]> {
  const { id, digest, stage, name, callId, codes, reasons, text, expiresAt } = approval;
  return { id, digest, stage, name, callId, codes, reasons, text, expiresAt };
}

/** Tells the answer of a refusal, also one that was stored and read again. */
export function isDeniedCall(output: unknown): output is DeniedCall {
  if (typeof output !== "object" || output === null) return false;
  const { denied, code, reason } = output as Record<string, unknown>;
  const most = Object.hasOwn(output, "approval") ? 4 : 3;
  return denied === true && typeof code === "string" && typeof reason === "string" &&
    Object.keys(output).length === most;
}
