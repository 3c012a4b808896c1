import type { DecisionRecord } from "./audit/record.ts";
import { writeRecord } from "./core.ts";
import { allow, type Decision, type Deny, deny, type Escalate, guardOf } from "./decision.ts";
import type { PolicyViolationError } from "./errors.ts";
import type { GateEvent, SessionEvent } from "./events.ts";
import { pickOwn } from "./own.ts";
import type { Passage } from "./passage.ts";
import { isViolation } from "./trust/learn.ts";

/** Which gate of which act. */
export type About = Omit<GateEvent, keyof SessionEvent>;

const ALLOW = allow();

/**
 * Tells everybody what was decided; a listener that may, and an audit sink that can't write, turn it into a denial.
 * `started`: by default now.
 */
export function conclude(
  passage: Passage,
  about: About,
  decision: Decision,
  started?: number,
  isRecorded = true,
): Decision {
  const { core } = passage;
  // What most gates say, where nobody is there to be told.
  if (decision === ALLOW && !core.emitter.isHeard && core.sinks.length === 0) return ALLOW;
  const shadow = core.isShadow && !isHalt(decision);
  let final = decision;
  const objection = core.emitter.has("policy_check")
    ? tellCheck(passage, about, decision, started ?? passage.state.now, shadow)
    : undefined;
  if (objection !== undefined) final = objectionOf(objection);
  if (final.effect === "deny") tellDenial(passage, about, final);
  if (isRecorded && (shadow || final.effect !== "escalate")) final = recordDecision(passage, about, final);
  return shadow ? ALLOW : final;
}

/** The same where nothing is opened: nobody is asked, so that an escalation is the end, and is recorded. */
export function concludeOnce(passage: Passage, about: About, decision: Decision, started?: number): Decision {
  const final = conclude(passage, about, decision, started);
  return final.effect === "escalate" ? recordDecision(passage, about, final) : final;
}

/** Tells what a gate decided; answers what a listener objects. */
export function tellCheck(
  passage: Passage,
  about: About,
  decision: Decision,
  started: number,
  shadow: boolean,
): PolicyViolationError | undefined {
  const timestamp = timeOf(passage);
  const { agentId, agentKey, sessionId } = passage.context;
  const { stage, name, callId } = about;
  // Named one by one, here and below: a spread costs more than all the rest of the gate.
  return passage.core.emitter.emit("policy_check", {
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

function timeOf(passage: Passage): number {
  try {
    return passage.core.clock();
  } catch {
    return NaN;
  }
}

/** Tells of a denial, once. */
export function tellDenial(passage: Passage, about: About, decision: Deny | Escalate): void {
  if (isViolation(decision.code)) learn(passage, about, "violation");
  const { emitter, isShadow } = passage.core;
  const type = about.stage === "pre_tool_call" ? "tool_call_blocked" : "policy_violation";
  if (!emitter.has(type)) return;
  const { agentId, agentKey, sessionId } = passage.context;
  const { stage, name, callId } = about;
  const { reason } = decision;
  const code = decision.effect === "escalate" ? "approval_required" : decision.code;
  const shadow = isShadow && !isHalt(decision);
  emitter.emit(type, {
    agentId,
    agentKey,
    sessionId,
    timestamp: passage.state.now,
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

/** Tells the trust tracker what became of a run or a tool call; a tracker that fails changes nothing. */
export function learn(passage: Passage, about: About, outcome: "success" | "failure" | "violation"): void {
  const { learn, emitter } = passage.core;
  if (learn === undefined) return;
  const { context: { sessionId }, principal: agent, state } = passage;
  if (agent === undefined || about.stage === "pre_model_call" || about.stage === "post_model_call") return;
  try {
    const newScore = learn(agent, outcome, about.name, `${sessionId}:${about.callId}`);
    emitter.emit("trust_changed", { did: agent.did, outcome, newScore, timestamp: state.now });
  } catch (error) {
    emitter.emit("listener_error", { type: "trust_changed", error });
  }
}

/** Writes the decision record, where anybody keeps records; a denial if one could not be written. */
export function recordDecision(passage: Passage, about: About, decision: Decision): Decision {
  const { sinks, isShadow } = passage.core;
  if (sinks.length === 0 || (decision.effect === "allow" && !passage.context.policy.logAllCalls)) return decision;
  const { code, reason, guard, warnings } = pickOwn(decision as Deny, ["code", "reason", "guard", "warnings"]);
  const shadow = isShadow && !isHalt(decision);
  const record: DecisionRecord = decision.effect === "allow" && warnings === undefined
    ? allowed(passage, about, shadow)
    : {
      kind: "decision",
      ...recordBase(passage, about),
      effect: decision.effect,
      ...(code === undefined ? {} : { code }),
      ...(reason === undefined ? {} : { reason }),
      ...(guard === undefined ? {} : { guard }),
      ...(warnings === undefined ? {} : { warnings: warnings.map((warning) => warning.code) }),
      shadow,
    };
  const failed = writeRecord(sinks, record);
  if (failed === undefined || decision.effect === "deny") return decision;
  tellDenial(passage, about, failed);
  return failed;
}

/** The record that most acts leave: what {@linkcode recordBase} says, named one by one. */
function allowed(
  { context: { agentKey, sessionId, policy }, state: { now: timestamp } }: Passage,
  { stage, name, callId }: About,
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
export function recordBase(passage: Passage, about: About): Omit<DecisionRecord, "kind" | "effect" | "shadow"> {
  const { context: { agentKey, sessionId, policy }, state } = passage;
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

/** What every event of a session says. */
export function eventOf(passage: Passage, timestamp: number): SessionEvent {
  const { agentId, agentKey, sessionId } = passage.context;
  return { agentId, agentKey, sessionId, timestamp };
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
