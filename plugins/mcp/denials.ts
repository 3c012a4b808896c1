import type { ApprovalRequest, Stage } from "../../mod.ts";
import { ownOf } from "../shared/own.ts";
import type { Fields } from "./types.ts";

const BRAND = "sallyport.PolicyViolationError";
/** Where a denial carries the question that nobody answered. */
export const APPROVAL = "sallyport/approval";
/** Where a caller sends the answer to a server's question. */
export const GRANT = "sallyport/grant";
/** In the range that JSON-RPC leaves to servers, and used by neither MCP nor its SDKs. */
const DENIED = -32050;

/** A `PolicyViolationError`, as any copy of the package makes it. */
export type Violation = Error & {
  readonly code: string;
  readonly reason: string;
  readonly approval?: ApprovalRequest;
};

/** Makes a `PolicyViolationError`, as another copy of the package would. */
export function violation(code: string, reason: string, decision?: object, stage: Stage = "pre_tool_call"): Violation {
  return Object.assign(new Error(reason), {
    name: "PolicyViolationError",
    "~brand": BRAND,
    code,
    reason,
    stage,
    decision: decision ?? { effect: "deny", allowed: false, code, reason },
  });
}

/** Tells a `PolicyViolationError` of any copy of the package. */
export function isViolation(error: unknown): error is Violation {
  return typeof error === "object" && error !== null && ownOf(error as Fields, "~brand") === BRAND;
}

/** A denied call, as the result of a tool. */
export function toolError(denied: { readonly reason: string; readonly approval?: ApprovalRequest }): Fields {
  const { reason } = denied;
  const approval = ownOf(denied, "approval");
  return {
    isError: true,
    content: [{ type: "text", text: reason }],
    ...(approval === undefined ? {} : { _meta: { [APPROVAL]: question(approval) } }),
  };
}

/** A denied request, as an error of the protocol. */
export function protocolError(denied: Omit<Violation, keyof Error>): Error {
  const { code, reason } = denied;
  const approval = ownOf(denied, "approval");
  const asked = approval === undefined ? {} : { approval: question(approval) };
  return Object.assign(new Error(reason), { code: DENIED, data: { code, ...asked } });
}

/** What somebody must know to ask for an approval, and to sign one. */
function question(approval: ApprovalRequest): Fields {
  const { id, digest, stage, name, codes, reasons, text, expiresAt } = approval;
  return { id, digest, stage, name, codes, reasons, text, expiresAt };
}
