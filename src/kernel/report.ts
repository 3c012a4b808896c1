import type { DecisionRecord, OutcomeRecord, RecordBase } from "./records.ts";
import { RESPONSE, writeRecord } from "./runtime.ts";
import { allow, type Decision, type Deny, deny, type Escalate, guardOf, isByUs } from "../base/decision.ts";
import type { PolicyViolationError } from "../base/errors.ts";
import { ownField, pickOwn } from "../base/own.ts";
import type { ActRef, SessionInput } from "./seam.ts";
import type { EngineAct, ReadSink, SessionScope } from "./engine.ts";

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
  act?: EngineAct,
): Decision {
  const { core } = scope;
  // What most gates say, where nobody is there to be told.
  if (decision === ALLOW && !core.emitter.isHeard && core.sinks.length === 0) return ALLOW;
  let shadow = core.isShadow && !isHalt(decision);
  let final = decision;
  const objection = core.emitter.has("policy_check")
    ? emitCheck(scope, about, decision, started ?? scope.state.now, shadow)
    : undefined;
  if (objection !== undefined) final = objectionOf(objection);
  // Ended while it was judged, or by whoever was told: it must not be recorded as what may run.
  const stopped = final.effect === "deny" ? undefined : act?.stopped();
  if (stopped !== undefined && (!shadow || isHalt(stopped))) {
    final = stopped;
    shadow = false;
  }
  if (final.effect === "deny") emitDenial(scope, about, final);
  if (isRecorded && (shadow || final.effect !== "escalate")) final = recordDecision(scope, about, final, started, act);
  return shadow ? ALLOW : final;
}

/** The same where nothing is opened: nobody is asked, so that an escalation is the end, and is recorded. */
export function reportOnce(scope: SessionScope, about: ActRef, decision: Decision, started?: number): Decision {
  const final = reportDecision(scope, about, decision, started);
  return final.effect === "escalate" ? recordDecision(scope, about, final, started) : final;
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
  // Named one by one, here and in the record of what was allowed: with a spread, a check that is heard takes 3.4x, and
  // one that is recorded 1.3x.
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

/**
 * Writes the decision record, once an act, where anybody keeps records; a denial if one could not be written. A policy
 * may want allowances without warnings left out.
 */
export function recordDecision(
  scope: SessionScope,
  about: ActRef,
  decision: Decision,
  started?: number,
  act?: EngineAct,
): Decision {
  const { sinks, isShadow } = scope.core;
  if (sinks.length === 0 || (act !== undefined && act.trail !== "none")) return decision;
  const own = pickOwn(decision as Deny, ["code", "reason", "guard", "warnings", "details"]);
  if (decision.effect === "allow" && own.warnings === undefined && !scope.context.policy.logAllCalls) {
    if (act !== undefined) act.trail = "left out";
    return decision;
  }
  const shadow = isShadow && !isHalt(decision);
  if (act !== undefined) act.trail = decision.allowed || shadow ? "let run" : "denied";
  const plain = allowed(scope, about, shadow);
  const durationMs = started === undefined ? NaN : Math.max(0, timeOf(scope) - started);
  const isPlain = decision.effect === "allow" && own.warnings === undefined && act?.approval === undefined &&
    act?.inside === undefined && Number.isNaN(durationMs);
  const record: DecisionRecord = isPlain ? plain : detailed(plain, decision, own, durationMs, act);
  const took: ReadSink[] | undefined = sinks.length === 1 ? undefined : [];
  const failed = writeRecord(sinks, record, payloadOf(decision, about, act), took);
  if (failed === undefined || decision.effect === "deny") return decision;
  emitDenial(scope, about, failed);
  if (act !== undefined && act.trail === "let run" && !shadow) {
    act.trail = "denied";
    // Those that were told that it may run are told that it has not.
    if (took !== undefined) writeRecord(took, withheld(plain, act, failed));
  }
  return failed;
}

/** What those sinks are told that took a decision which another could not. */
function withheld(plain: RecordBase, act: EngineAct, { code }: Deny): OutcomeRecord {
  const { timestamp, agentKey, sessionId, name, callId, policy } = plain;
  const stage = RESPONSE[act.stage];
  return { kind: "outcome", timestamp, agentKey, sessionId, stage, name, callId, policy, outcome: "withheld", code };
}

/** The record with all that there is to say. */
function detailed(
  plain: DecisionRecord,
  decision: Decision,
  { code, reason, guard, warnings, details }: Partial<Deny>,
  durationMs: number,
  act: EngineAct | undefined,
): DecisionRecord {
  const { approval, inside } = act ?? { approval: undefined, inside: undefined };
  const isOurs = isByUs(decision);
  const rule = isOurs && typeof details === "object" && details !== null
    ? ownField(details as { rule?: unknown }, "rule")
    : undefined;
  return {
    ...plain,
    effect: decision.effect,
    ...(code === undefined ? {} : { code }),
    ...(reason === undefined ? {} : { reason, isOurs }),
    ...(guard === undefined ? {} : { guard }),
    ...(typeof rule === "string" ? { rule } : {}),
    ...(approval === undefined ? {} : { approval }),
    ...(inside === undefined ? {} : { parentId: inside.callId }),
    ...(warnings === undefined ? {} : { warnings: warnings.map((warning) => warning.code) }),
    ...(Number.isNaN(durationMs) ? {} : { durationMs }),
  };
}

/** What was judged: what would run, or what came. */
function payloadOf(decision: Decision, about: ActRef, act: EngineAct | undefined): unknown {
  if (decision.effect === "transform") return decision.payload;
  return act === undefined ? (about as { payload?: unknown }).payload : act.payload;
}

/** The record that most acts leave, named one by one: a spread costs more than all the rest. */
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
