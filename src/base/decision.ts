// The vocabulary: decision, request, guard, context, event, error, reservation, and the checks of options.

import type { ApprovalRequest } from "../approval/request.ts";
import { show } from "./check.ts";
import { bare, hasField, memberOf, ownField, pickOwn } from "./own.ts";

/**
 * Stable, machine-readable reasons: these are the library's, and editors complete them; guards of your own may use any
 * other string.
 */
export type DecisionCode =
  | "tool_not_allowed"
  | "invalid_tool_name"
  | "blocked_pattern"
  | "max_tool_calls_exceeded"
  | "token_budget_exceeded"
  | "cost_budget_exceeded"
  | "rate_limited"
  | "rule_denied"
  | "timeout"
  | "approval_required"
  | "approval_denied"
  | "low_confidence"
  | "concurrency_limit"
  | "content_hash_mismatch"
  | "invalid_arguments"
  | "action_blocked"
  | "agent_not_active"
  | "trust_too_low"
  | "missing_capabilities"
  | "identity_unverified"
  | "session_killed"
  | "agent_suspended"
  | "loop_detected"
  | "drift_exceeded"
  | "guard_error"
  | "guard_timeout"
  | "payload_too_large"
  | "payload_not_plain"
  | "ungoverned_method"
  | "store_unavailable"
  | "audit_unavailable"
  // deno-lint-ignore ban-types -- a plain `string` would swallow the names, and nothing could be completed
  | (string & {});

/** Something worth recording that denies nothing. */
export interface Warning {
  /** Machine-readable. */
  readonly code: DecisionCode;
  /** For people. */
  readonly reason: string;
  /** The guard that warned. */
  readonly guard?: string;
}

/** Allow the request. */
export interface Allow {
  /** The discriminant, and the only field that is trusted. */
  readonly effect: "allow";
  /** Always `true`. */
  readonly allowed: true;
  /** Recorded; does not affect the decision. */
  readonly warnings?: readonly Warning[];
}

/** Allow the request with another payload. */
export interface Transform {
  /** The discriminant, and the only field that is trusted. */
  readonly effect: "transform";
  /** Always `true`. */
  readonly allowed: true;
  /** What takes the place of the request's payload. */
  readonly payload: unknown;
  /** For people. */
  readonly reason: string;
  /** The guard that transformed. */
  readonly guard?: string;
  /** Recorded; does not affect the decision. */
  readonly warnings?: readonly Warning[];
}

/** Deny the request. */
export interface Deny {
  /** The discriminant, and the only field that is trusted. */
  readonly effect: "deny";
  /** Always `false`. */
  readonly allowed: false;
  /** Machine-readable. */
  readonly code: DecisionCode;
  /** For people; holds no argument value, pattern or policy list. */
  readonly reason: string;
  /** The guard that denied. */
  readonly guard?: string;
  /** For the developer; never leaves the process by itself. */
  readonly details?: unknown;
  /** Recorded; does not affect the decision. */
  readonly warnings?: readonly Warning[];
}

/** A person must approve. */
export interface Escalate {
  /** The discriminant, and the only field that is trusted. */
  readonly effect: "escalate";
  /** Always `false`: nothing runs until somebody has approved. */
  readonly allowed: false;
  /** Machine-readable, `approval_required` unless said otherwise. */
  readonly code: DecisionCode;
  /** For people. */
  readonly reason: string;
  /** The guard that asked. */
  readonly guard?: string;
  /** For hosts; shown to no model. */
  readonly details?: unknown;
  /** There when a transform was folded in. */
  readonly payload?: unknown;
  /** What the approver is shown; added by the session. */
  readonly approval?: ApprovalRequest;
  /** Recorded; does not affect the decision. */
  readonly warnings?: readonly Warning[];
}

/** What a guard answers. There is no "no opinion". */
export type Decision = Allow | Transform | Deny | Escalate;

/** Answers what it is given: what extends it puts its private fields there. */
const Given = function (value: object): object {
  return value;
} as unknown as new (value: object) => object;

/**
 * Marks decisions of ours with a field that nobody else can give or see: a WeakSet would cost more than the decision.
 */
class Ours extends Given {
  /** Whether the library has written the reason too. */
  #isByUs = false;

  static has(value: object): boolean {
    return #isByUs in value;
  }

  static isByUs(value: object): boolean {
    return #isByUs in value && value.#isByUs;
  }

  static mark(value: object): void {
    if (#isByUs in value) value.#isByUs = true;
  }
}

function own<D extends Decision>(decision: D): D {
  return Object.freeze(new Ours(decision) as unknown as D);
}

const ALLOW: Allow = own({ effect: "allow", allowed: true });

/**
 * Allows the request. Always the same frozen object, so that `decision === allow()` recognizes a plain allowance.
 *
 * @example Usage
 * ```ts
 * import { allow } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.equal(allow(), allow());
 * ```
 */
export function allow(): Allow {
  return ALLOW;
}

/**
 * Allows the request and records a warning.
 *
 * @example Usage
 * ```ts
 * import { warn } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.equal(warn("slow", "The tool is slow today").allowed, true);
 * ```
 */
export function warn(code: DecisionCode, reason: string): Allow {
  return own({ effect: "allow", allowed: true, warnings: Object.freeze([Object.freeze({ code, reason })]) });
}

/**
 * Denies the request. `reason` is for people and goes to models and peers: keep argument values, patterns and lists out
 * of it; `details` is for the developer and stays in the process.
 *
 * @example Usage
 * ```ts
 * import { deny } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.equal(deny("action_blocked", "Not on Sundays").allowed, false);
 * ```
 */
export function deny(code: DecisionCode, reason: string, details?: unknown): Deny {
  return own(
    details === undefined
      ? { effect: "deny", allowed: false, code, reason }
      : { effect: "deny", allowed: false, code, reason, details },
  );
}

/** Denies the request in the name of a built-in guard. */
export function denyBy(guard: string, code: DecisionCode, reason: string, details?: unknown): Deny {
  return own(
    details === undefined
      ? { effect: "deny", allowed: false, code, reason, guard }
      : { effect: "deny", allowed: false, code, reason, guard, details },
  );
}

/**
 * Allows the request with another payload. The payload is read like any other: once, into plain data.
 *
 * @example Usage
 * ```ts
 * import { transform } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(transform({ path: "/tmp" }, "Moved to /tmp").payload, { path: "/tmp" });
 * ```
 */
export function transform(payload: unknown, reason: string): Transform {
  return own({ effect: "transform", allowed: true, payload, reason });
}

/**
 * Asks a person to approve. `code` names the kind of question; an approval answers exactly the escalations that it
 * showed (guard, code and reason).
 *
 * @example Usage
 * ```ts
 * import { escalate } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.equal(escalate("A payment").code, "approval_required");
 * ```
 */
export function escalate(reason: string, code: DecisionCode = "approval_required"): Escalate {
  return own({ effect: "escalate", allowed: false, code, reason });
}

/**
 * Marks a decision whose reason the library itself has written, so that it holds no value of a payload: what a guard's
 * name says anybody can say.
 */
export function ours<D extends Decision>(decision: D): D {
  Ours.mark(decision);
  return decision;
}

/** Whether the library itself has written a decision's reason. */
export function isByUs(decision: Decision): boolean {
  return Ours.isByUs(decision);
}

/** Denies the request in the name of the kernel itself. */
export function denyHere(code: DecisionCode, reason: string, details?: unknown): Deny {
  return ours(deny(code, reason, details));
}

/** The guard that a decision names itself. */
export function guardOf(decision: Decision): string | undefined {
  return ownField(decision as Deny, "guard");
}

/** The warnings that a decision holds itself. */
export function warningsIn(decision: Decision): readonly Warning[] | undefined {
  return ownField(decision, "warnings");
}

/** Tells whether a value is a promise, or anything else that `await` would wait for. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return ((typeof value === "object" && value !== null) || typeof value === "function") &&
    typeof (value as { then?: unknown }).then === "function";
}

const WARNING = ["code", "reason", "guard"] as const;

function warningsOf(value: unknown): readonly Warning[] | undefined | false {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) return false;
  const out: Warning[] = [];
  for (const item of value as unknown[]) {
    const { code, reason, guard } = pickOwn(item as Record<string, unknown>, WARNING);
    if (typeof code !== "string" || typeof reason !== "string" || (guard !== undefined && typeof guard !== "string")) {
      return false;
    }
    out.push(Object.freeze(guard === undefined ? { code, reason } : { code, reason, guard }));
  }
  return Object.freeze(out);
}

/**
 * Reads what a guard answered, each field once, into a decision of our own; anything that is not exactly one of the
 * four shapes becomes a `guard_error` denial. `guard` is stamped where the answer names none.
 */
export function readDecision(answer: unknown, guard?: string): Decision {
  if (answer === ALLOW) return ALLOW;
  const isOurs = typeof answer === "object" && answer !== null && Ours.has(answer);
  if (isOurs && (guard === undefined || guardOf(answer as Decision) !== undefined)) return answer as Decision;
  try {
    const read = own(shaped(answer as Record<string, unknown>, guard));
    return isOurs && isByUs(answer as Decision) ? ours(read) : read;
  } catch (error) {
    return guardError(guard, error);
  }
}

function shaped(given: Record<string, unknown>, name: string | undefined): Decision {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new TypeError(`A guard must answer a decision, and answered ${show(given)}`);
  }
  const read = (name: string): unknown => memberOf(given, name);
  const effect = read("effect"), allowed = read("allowed");
  const going = effect === "allow" || effect === "transform";
  if (!going && effect !== "deny" && effect !== "escalate") {
    throw new TypeError(`A decision's effect must be allow, deny, transform or escalate, and is ${show(effect)}`);
  }
  if (allowed !== going) {
    throw new TypeError(`A decision with effect "${effect}" must have allowed ${going}, and has ${show(allowed)}`);
  }
  const warnings = warningsOf(read("warnings"));
  if (warnings === false) throw new TypeError("A decision's warnings must be an array of { code, reason }");
  const out: Record<string, unknown> = bare({ effect, allowed });
  if (effect !== "allow") {
    const reason = read("reason"), own = read("guard");
    const guard = own === undefined ? name : own;
    if (typeof reason !== "string") throw new TypeError(`A decision's reason must be a string, and is ${show(reason)}`);
    if (guard !== undefined && typeof guard !== "string") {
      throw new TypeError(`A decision's guard must be a string, and is ${show(guard)}`);
    }
    const hasPayload = effect !== "deny" && hasField(given, "payload");
    if (effect === "transform") {
      if (!hasPayload) throw new TypeError("A transform must have a payload");
    } else {
      const code = read("code");
      if (typeof code !== "string" || code === "") {
        throw new TypeError(`A decision's code must be a string, and is ${show(code)}`);
      }
      out["code"] = code;
    }
    out["reason"] = reason;
    if (guard !== undefined) out["guard"] = guard;
    if (hasPayload) out["payload"] = read("payload");
    const details = effect === "deny" || effect === "escalate" ? read("details") : undefined;
    if (details !== undefined) out["details"] = details;
  }
  if (warnings !== undefined && warnings.length > 0) {
    out["warnings"] = name === undefined ? warnings : Object.freeze(
      warnings.map((one) => (ownField(one, "guard") === undefined ? Object.freeze({ ...one, guard: name }) : one)),
    );
  }
  return { ...out } as unknown as Decision;
}

/**
 * Reads what a guard answered, at once or later. Never throws and never rejects: a rejection, or a thenable that fails
 * when it is touched, is a `guard_error` denial like any other.
 */
export function readAnswer(answer: unknown, guard: string): Decision | Promise<Decision> {
  if (answer === ALLOW) return ALLOW;
  try {
    if (!isThenable(answer)) return readDecision(answer, guard);
    return Promise.resolve(answer).then(
      (late) => readDecision(late, guard),
      (error: unknown) => guardError(guard, error),
    );
  } catch (error) {
    return guardError(guard, error);
  }
}

/** The denial of a guard that threw, rejected or answered nonsense. The cause stays in `details`. */
export function guardError(guard: string | undefined, cause: unknown): Deny {
  const base = {
    effect: "deny",
    allowed: false,
    code: "guard_error",
    reason: guard === undefined
      ? "A guard failed, so the request was denied"
      : `Guard "${guard}" failed, so the request was denied`,
    details: cause,
  } as const;
  return ours(own(guard === undefined ? base : { ...base, guard }));
}

const joined = new WeakMap<Decision, readonly Escalate[]>();

/** Makes one escalation stand for several. */
export function joinEscalations(decision: Escalate, parts: readonly Escalate[]): Escalate {
  joined.set(decision, parts);
  return decision;
}

/** The single escalations that a joined one stands for, in the guards' order. */
export function escalationsIn(decision: Escalate): readonly Escalate[] {
  return joined.get(decision) ?? [decision];
}

/** A copy of a decision with some fields replaced; it counts as read, and stands for the same escalations. */
export function amend<D extends Decision>(decision: D, fields: Partial<D>): D {
  const copy = own({ ...decision, ...fields });
  const parts = joined.get(decision);
  if (parts !== undefined) joined.set(copy, parts);
  return isByUs(decision) && !Object.hasOwn(fields, "reason") ? ours(copy) : copy;
}
