import type { DecisionRecord } from "./records.ts";
import { writeRecord } from "./runtime.ts";
import { allow, type Decision, type Deny, deny, type Escalate, guardOf } from "../base/decision.ts";
import type { PolicyViolationError } from "../base/errors.ts";
import { pickOwn } from "../base/own.ts";
import type { ActRef, SessionInput } from "./seam.ts";
import type { SessionScope } from "./engine.ts";

const ALLOW = allow();

/**
 * Tells everybody what was decided; a listener that may, and an audit sink that can't write, turn it into a denial.
 * `started`: by default now.
 */
export function reportDecision(
  scope: SessionScope,
  about: ActRef,
  decision: Decision,
  started?: number,
  isRecorded = true,
): Decision {
  const { core } = scope;
  // What most gates say, where nobody is there to be told.
  if (decision === ALLOW && !core.emitter.isHeard && core.sinks.length === 0) return ALLOW;
  const shadow = core.isShadow && !isHalt(decision);
  let final = decision;
  const objection = core.emitter.has("policy_check")
    ? emitCheck(scope, about, decision, started ?? scope.state.now, shadow)
    : undefined;
  if (objection !== undefined) final = objectionOf(objection);
  if (final.effect === "deny") emitDenial(scope, about, final);
  if (isRecorded && (shadow || final.effect !== "escalate")) final = recordDecision(scope, about, final);
  return shadow ? ALLOW : final;
}

/** The same where nothing is opened: nobody is asked, so that an escalation is the end, and is recorded. */
export function reportOnce(scope: SessionScope, about: ActRef, decision: Decision, started?: number): Decision {
  const final = reportDecision(scope, about, decision, started);
  return final.effect === "escalate" ? recordDecision(scope, about, final) : final;
}

/** Tells what a gate decided; answers what a listener objects. */
export function emitCheck(
  scope: SessionScope,
  about: ActRef,
  decision: Decision,
  started: number,
  shadow: boolean,
): PolicyViolationError | undefined {
  const timestamp = timeOf(scope);
  const { agentId, agentKey, sessionId } = scope.context;
  const { stage, name, callId } = about;
  // Named one by one, here and below: a spread costs more than all the rest of the gate.
  return scope.core.emitter.emit("policy_check", {
    agentId,
    agentKey,
    sessionId,
    timestamp,
    stage,
    name,
    callId,
    decision,
    durationMs: Math.max(0, timestamp - started),
    shadow,
  });
}

function timeOf(scope: SessionScope): number {
  try {
    return scope.core.clock();
  } catch {
    return NaN;
  }
}

/** Tells of a denial, once. */
export function emitDenial(scope: SessionScope, about: ActRef, decision: Deny | Escalate): void {
  const { emitter, isShadow, denied } = scope.core;
  const type = about.stage === "pre_tool_call" ? "tool_call_blocked" : "policy_violation";
  for (const listener of denied) {
    try {
      listener(scope.handle, { stage: about.stage, name: about.name, callId: about.callId }, decision);
    } catch (error) {
      emitter.emit("listener_error", { type, error });
    }
  }
  if (!emitter.has(type)) return;
  const { agentId, agentKey, sessionId } = scope.context;
  const { stage, name, callId } = about;
  const { reason } = decision;
  const code = decision.effect === "escalate" ? "approval_required" : decision.code;
  const shadow = isShadow && !isHalt(decision);
  emitter.emit(type, {
    agentId,
    agentKey,
    sessionId,
    timestamp: scope.state.now,
    stage,
    name,
    callId,
    toolName: name,
    code,
    reason,
    guard: guardOf(decision),
    decision,
    shadow,
  });
}

/** Writes the decision record, where anybody keeps records; a denial if one could not be written. */
export function recordDecision(scope: SessionScope, about: ActRef, decision: Decision): Decision {
  const { sinks, isShadow } = scope.core;
  if (sinks.length === 0 || (decision.effect === "allow" && !scope.context.policy.logAllCalls)) return decision;
  const { code, reason, guard, warnings } = pickOwn(decision as Deny, ["code", "reason", "guard", "warnings"]);
  const shadow = isShadow && !isHalt(decision);
  const record: DecisionRecord = decision.effect === "allow" && warnings === undefined
    ? allowed(scope, about, shadow)
    : {
      kind: "decision",
      ...recordBase(scope, about),
      effect: decision.effect,
      ...(code === undefined ? {} : { code }),
      ...(reason === undefined ? {} : { reason }),
      ...(guard === undefined ? {} : { guard }),
      ...(warnings === undefined ? {} : { warnings: warnings.map((warning) => warning.code) }),
      shadow,
    };
  const failed = writeRecord(sinks, record);
  if (failed === undefined || decision.effect === "deny") return decision;
  emitDenial(scope, about, failed);
  return failed;
}

/** The record that most acts leave: what {@linkcode recordBase} says, named one by one. */
function allowed(
  { context: { agentKey, sessionId, policy }, state: { now: timestamp } }: SessionScope,
  { stage, name, callId }: ActRef,
  shadow: boolean,
): DecisionRecord {
  return {
    kind: "decision",
    timestamp,
    agentKey,
    sessionId,
    stage,
    name,
    callId,
    policy: `${policy.name}@${policy.version}`,
    effect: "allow",
    shadow,
  };
}

/** What every record of a session says. */
export function recordBase(scope: SessionScope, about: ActRef): Omit<DecisionRecord, "kind" | "effect" | "shadow"> {
  const { context: { agentKey, sessionId, policy }, state } = scope;
  return {
    timestamp: state.now,
    agentKey,
    sessionId,
    stage: about.stage,
    name: about.name,
    callId: about.callId,
    policy: `${policy.name}@${policy.version}`,
  };
}

/** Whether a decision stops even in shadow mode: the agent was killed or suspended. */
function isHalt(decision: Decision): boolean {
  return decision.effect === "deny" && guardOf(decision) === undefined &&
    (decision.code === "session_killed" || decision.code === "agent_suspended");
}

/** The denial that a listener asked for. */
export function objectionOf(error: PolicyViolationError): Deny {
  return deny(error.code, error.reason, error);
}

/** Tells extensions what a session was told from outside; throws what one of them throws. */
export function tellInput(scope: SessionScope, input: SessionInput): void {
  for (const listener of scope.core.inputs) listener(scope.handle, input);
}
