import type { ApprovalRequest, LimitDetails, Session, Stage } from "../../mod.ts";
import { fieldOf, ownOf } from "../shared/own.ts";
import { limitOf, limitOfDecision } from "./limits.ts";
import type { Fields, McpGrant } from "./types.ts";

const BRAND = "sallyport.PolicyViolationError";
/** Where a denial carries the question that nobody answered. */
export const APPROVAL = "sallyport/approval";
/** Where a denial carries which limit stopped the call. */
export const LIMIT = "sallyport/limit";
/** Where a caller sends the answer to a server's question. */
export const GRANT = "sallyport/grant";
/** In the range that JSON-RPC leaves to servers, and used by neither MCP nor its SDKs. */
export const DENIED = -32050;

/** A `PolicyViolationError`, as any copy of the package makes it. */
export type Violation = Error & {
  readonly code: string;
  readonly reason: string;
  readonly stage: Stage;
  readonly decision?: unknown;
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

/** A denial, as far as it is told. */
type Denied = Pick<Violation, "reason" | "approval" | "decision">;

/** A denied call, as the result of a tool. */
export function toolError(denied: Denied): Fields {
  const { reason } = denied;
  const approval = ownOf(denied, "approval"), limit = limitOfDecision(ownOf(denied, "decision"));
  const meta = {
    ...(approval === undefined ? {} : { [APPROVAL]: question(approval) }),
    ...(limit === undefined ? {} : { [LIMIT]: limit }),
  };
  return {
    isError: true,
    content: [{ type: "text", text: reason }],
    ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }),
  };
}

/** A denied request, as an error of the protocol. */
export function protocolError(denied: Denied & { readonly code: string }): Error {
  const { code, reason } = denied;
  const approval = ownOf(denied, "approval"), limit = limitOfDecision(ownOf(denied, "decision"));
  const data = {
    code,
    ...(approval === undefined ? {} : { approval: question(approval) }),
    ...(limit === undefined ? {} : { limit }),
  };
  return Object.assign(new Error(reason), { code: DENIED, data });
}

/** Which limit a refusal tells of, in whatever form it came. */
export function limitIn(refused: unknown): LimitDetails | undefined {
  try {
    if (isViolation(refused)) return limitOfDecision(ownOf(refused, "decision"));
    if (fieldOf(refused, "code") === DENIED) return limitOf(fieldOf(fieldOf(refused, "data"), "limit"));
    return fieldOf(refused, "isError") === true ? limitOf(fieldOf(fieldOf(refused, "_meta"), LIMIT)) : undefined;
  } catch {
    return undefined;
  }
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
