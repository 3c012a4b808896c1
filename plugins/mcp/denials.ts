import type { ApprovalRequest, Session, Stage } from "../../mod.ts";
import { ownOf } from "../shared/own.ts";
import type { Fields, McpGrant } from "./types.ts";

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
  readonly stage: Stage;
  readonly approval?: ApprovalRequest;
};

/** Denials that the plugin itself made, of which nobody has been told yet. */
const untold: WeakSet<object> = new WeakSet();

/**
 * Makes a `PolicyViolationError`, as another copy of the package would. One without a decision of a gate's is the
 * plugin's own: {@linkcode tell} tells of it.
 */
export function violation(code: string, reason: string, decision?: object, stage: Stage = "pre_tool_call"): Violation {
  const approval = decision !== undefined && Object.hasOwn(decision, "approval")
    ? { approval: (decision as Fields)["approval"] as ApprovalRequest }
    : {};
  const error = Object.assign(new Error(reason), approval, {
    name: "PolicyViolationError",
    "~brand": BRAND,
    code,
    reason,
    stage,
    decision: decision ?? { effect: "deny", allowed: false, code, reason },
  });
  if (decision === undefined) untold.add(error);
  return error;
}

/** Has a session tell of a denial that the plugin made, once; answers what is to be thrown. */
export function tell(session: Session, name: string, error: unknown): unknown {
  if (!isViolation(error) || !untold.delete(error)) return error;
  const { stage, code, reason } = error;
  void session.check({ stage, name, payload: {}, denial: { code, reason } });
  return error;
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

/**
 * An approval that somebody hands in; a bare yes is none.
 *
 * @throws {Error} A denial, where it could not be looked up.
 */
export function grantIn(find: () => unknown): McpGrant | undefined {
  let given: unknown;
  try {
    given = find();
  } catch {
    throw violation("guard_error", "The approval of this call could not be looked up");
  }
  if (typeof given !== "object" || given === null) return undefined;
  if (typeof (given as { then?: unknown }).then !== "function") return given as McpGrant;
  // Nobody waits for it, and one that fails must not end the process.
  Promise.resolve(given).catch(() => undefined);
  throw violation("guard_error", "grantOf() must answer at once, and answered a promise");
}
