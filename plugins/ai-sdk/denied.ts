/**
 * What a refused call of a tool answers.
 *
 * @module
 */
import type { ApprovalRequest, PolicyViolationError } from "../../mod.ts";
import type { DeniedCall } from "./types.ts";

/** The answer of a refusal: nothing in it is of the host's alone. */
export function deniedCall({ code, reason, approval }: PolicyViolationError): DeniedCall {
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
