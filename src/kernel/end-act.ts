import type { EngineAct, ReadObserver } from "./engine.ts";
import { faultDenial } from "../combine/fold-decisions.ts";
import {
  allow,
  amend,
  type Decision,
  type Deny,
  deny,
  denyHere,
  guardError,
  isByUs,
  isThenable,
} from "../base/decision.ts";
import { GateRequest } from "../base/gate-request.ts";
import { RESPONSE, untilStored, writeRecord } from "./runtime.ts";
import type { OutcomeRecord } from "./records.ts";
import type { ActRef } from "./seam.ts";
import type { TokenUsage } from "../base/request.ts";
import { errorForm, nameAndMessage } from "../snapshot/json-form.ts";
import { addUsage, settleModel } from "./settlement.ts";
import { Reservations } from "../base/taking.ts";
import { readUsage } from "../base/usage.ts";
import { capsOf, Fault, snapshot, takeTwin } from "../snapshot/snapshot.ts";
import { emitDenial, objectionOf, reportDecision } from "./report.ts";

const ALLOW = allow();

/**
 * The gate after an act: what was taken is settled, the response judged, then counted, measured for drift, told and
 * recorded. Leaves what may go on in `act.result`.
 */
export function respond(
  act: EngineAct,
  payload: unknown,
  isError: boolean,
  usage: TokenUsage | undefined,
): Decision | Promise<Decision> {
  const { scope } = act;
  const started = scope.tick();
  const reported = readUsage(usage);
  const stage = RESPONSE[act.stage];
  const gate = scope.gate(stage);
  // Nobody reads what no guard is asked about.
  const form = !isError ? payload : gate.guards.length === 0 ? nameAndMessage(payload) : errorForm(payload, gate.caps);
  const request = new GateRequest(
    stage,
    act.name,
    form,
    act.callId,
    act.metadata,
    reported,
    beforeOf(act),
    isError,
  );
  let denied = form instanceof Fault ? (scope.halted() ?? faultDenial(form, stage)) : scope.prepare(request, gate);
  act.isPlain = GateRequest.isCopied(request);
  act.result = act.isPlain ? GateRequest.copyOf(request) : payload;
  if (act.stage === "pre_model_call") {
    // By the copy: a length is read of what is judged, and of nothing that changes. An error is no answer of the model.
    const fault = settleModel(act, isError ? undefined : request.payload, reported, request);
    denied ??= fault;
  } else {
    Reservations.settle(act.takings, reported);
    addUsage(scope, reported, reported);
  }
  const decision = denied ?? scope.ask(request, gate, act.takings);
  // After a wait the agent may have been stopped meanwhile.
  return decision !== ALLOW && isThenable(decision)
    ? decision.then((late) =>
      // Whatever ended the wait has told what became of it.
      act.phase === "ending" ? judged(act, request, scope.halted() ?? (late as Decision), started) : late as Decision
    )
    : judged(act, request, decision as Decision, started);
}

/** What the act was given, as its guards judged it, whatever anybody has done since to what can be changed. */
function beforeOf({ request, stage, scope }: EngineAct): unknown {
  if (request === undefined || !GateRequest.isSoft(request)) return request?.payload;
  snapshot(GateRequest.keptOf(request), capsOf(stage, scope.core.caps), true);
  return takeTwin();
}

/**
 * Whatever an act has come to, or comes to, goes no further. Told and recorded at once, since it, or the guard that
 * judges it, may never end.
 */
export function withhold(act: EngineAct, denial: Deny): Decision {
  const { scope } = act;
  const about: ActRef = { stage: RESPONSE[act.stage], name: act.name, callId: act.callId };
  emitDenial(scope, about, denial);
  // A kernel that only watches holds nothing back, unless the agent was stopped.
  const final = scope.core.isShadow && scope.halted() === undefined ? ALLOW : denial;
  if (!final.allowed) act.result = undefined;
  return recordOutcome(act, about, final, "completed", undefined);
}

/** An act that was let run has ended, and nobody has judged how: nothing is told but the record. */
export function endUnjudged(act: EngineAct, how: "failed" | "aborted"): void {
  recordOutcome(act, { stage: RESPONSE[act.stage], name: act.name, callId: act.callId }, ALLOW, how, undefined);
}

/** The same of an act that was let through and denied before it ran; that was told. */
export function endDenied(act: EngineAct, denial: Deny): void {
  recordOutcome(
    act,
    { stage: RESPONSE[act.stage], name: act.name, callId: act.callId },
    denial,
    "completed",
    undefined,
  );
}

function judged(
  act: EngineAct,
  request: GateRequest,
  decision: Decision,
  started: number | undefined,
): Decision | Promise<Decision> {
  let final = reportDecision(act.scope, request, decision, started, false);
  const stopped = stoppedWith(act);
  if (stopped !== undefined) return stopped;
  if (final.effect === "escalate") {
    // Nobody is asked about a response: it is there already, and would wait in memory for a person.
    emitDenial(act.scope, request, final);
    const { reason } = final;
    final = isByUs(final) ? denyHere("approval_required", reason) : deny("approval_required", reason);
  }
  if (final.effect === "transform") {
    const copy = snapshot(final.payload, capsOf(request.stage, act.scope.core.caps), false);
    final = amend(final, { payload: act.result = copy instanceof Fault ? final.payload : copy });
  }
  const { state } = act.scope;
  if (act.stage === "pre_model_call") state.modelCallCount++;
  else {
    state.callCount++;
    if (act.stage === "pre_tool_call") state.toolCallCount++;
  }
  return observed(act, request, final, started, state.callCount);
}

/** Asks the observers in turn, and waits for those that answer later. */
function observed(
  act: EngineAct,
  request: GateRequest,
  decision: Decision,
  started: number | undefined,
  nth: number,
): Decision | Promise<Decision> {
  const { observers } = act.scope.gate(request.stage);
  for (let at = 0; at < observers.length; at++) {
    // Mostly there is nobody to be told.
    if (isNeeded(observers[at] as ReadObserver, act)) {
      return observedFrom(at, observers, act, request, decision, undefined, started, nth);
    }
  }
  return finished(act, request, decision, undefined, started);
}

function observedFrom(
  from: number,
  observers: readonly ReadObserver[],
  act: EngineAct,
  request: GateRequest,
  decision: Decision,
  earlier: Deny | undefined,
  started: number | undefined,
  nth: number,
): Decision | Promise<Decision> {
  let objection = earlier;
  for (let at = from; at < observers.length; at++) {
    const observer = observers[at] as ReadObserver;
    if (!isNeeded(observer, act)) continue;
    const answer = askObserver(observer, act, request, decision, objection, nth);
    if (isThenable(answer)) {
      const before = objection;
      const goOn = (late: Deny | undefined): Decision | Promise<Decision> =>
        // Whatever ended the wait has told what became of it.
        act.phase === "ending"
          ? observedFrom(at + 1, observers, act, request, decision, before ?? late, started, nth)
          : decision;
      return (answer as Promise<Deny | undefined>).then(goOn, (error: unknown) => goOn(guardError(undefined, error)));
    }
    objection ??= answer as Deny | undefined;
  }
  return finished(act, request, decision, objection, started);
}

/** An observer that cannot say is asked. */
function isNeeded({ isNeeded }: ReadObserver, { scope }: EngineAct): boolean {
  try {
    return isNeeded === undefined || isNeeded(scope.handle);
  } catch {
    return true;
  }
}

function askObserver(
  observer: ReadObserver,
  act: EngineAct,
  { stage, isError = false }: GateRequest,
  { allowed }: Decision,
  objection: Deny | undefined,
  nth: number,
): Deny | undefined | Promise<Deny | undefined> {
  const { scope, name, callId, result } = act;
  try {
    return observer.ended(scope.handle, {
      stage,
      name,
      callId,
      result: allowed ? result : undefined,
      isError,
      isAllowed: allowed,
      nth,
      objection,
    });
  } catch (error) {
    return guardError(undefined, error);
  }
}

/** What it was withheld with, and told and recorded, where somebody who was told of its result has stopped it. */
function stoppedWith({ phase, ended }: EngineAct): Decision | undefined {
  return phase === "over" && ended !== undefined && !isThenable(ended) ? (ended as Decision) : undefined;
}

/** The objection of an observer, then events, then the record. */
function finished(
  act: EngineAct,
  request: GateRequest,
  decision: Decision,
  objection: Deny | undefined,
  started: number | undefined,
): Decision {
  const { scope } = act;
  const { emitter, isShadow } = scope.core;
  const isError = request.isError === true;
  let final: Decision = decision.allowed && objection !== undefined ? deniedLate(act, request, objection) : decision;
  if (emitter.has("call_completed")) {
    const { agentId, agentKey, sessionId } = scope.context;
    const { stage, name, callId, usage } = request;
    const durationMs = started === undefined || act.started === undefined ? 0 : Math.max(0, started - act.started);
    const completed = emitter.emit("call_completed", {
      agentId,
      agentKey,
      sessionId,
      timestamp: scope.state.now,
      stage,
      name,
      callId,
      isError,
      usage,
      decision: final,
      durationMs,
    });
    if (completed !== undefined && final.allowed && !isShadow) final = deniedLate(act, request, objectionOf(completed));
  }
  const stopped = stoppedWith(act);
  if (stopped !== undefined) return stopped;
  if (final.effect === "transform") {
    // What cannot be put back goes no further: that is known before it is recorded as completed.
    const unwritten = act.writeBack?.(act, final.payload);
    if (unwritten !== undefined) final = deniedLate(act, request, unwritten);
  }
  const how = !isError ? "completed" : act.paired?.isGivenUp === true ? "aborted" : "failed";
  final = recordOutcome(act, request, final, how, request.usage, request.payload);
  if (final.allowed) Reservations.settle(act.takings, request.usage);
  else act.result = undefined;
  return final;
}

/** A denial that came after the response gate had let the response through. */
function deniedLate(act: EngineAct, about: ActRef, denial: Deny): Decision {
  if (act.scope.core.isShadow) return ALLOW;
  emitDenial(act.scope, about, denial);
  return denial;
}

/** What an act came to goes on only once its records are stored. */
export async function onceStored(act: EngineAct, judged: Decision | Promise<Decision>): Promise<Decision> {
  const decision = await judged;
  if (act.phase !== "ending" || !decision.allowed) return decision;
  const failed = await untilStored(act.scope.core.durableResults);
  if (failed === undefined || act.phase !== "ending") return decision;
  const final = deniedLate(act, { stage: RESPONSE[act.stage], name: act.name, callId: act.callId }, failed);
  if (!final.allowed) act.result = undefined;
  return final;
}

/** Writes the outcome record, once an act: where its decision was left out, so is this. */
function recordOutcome(
  act: EngineAct,
  about: ActRef,
  decision: Decision,
  how: "completed" | "failed" | "aborted",
  usage: TokenUsage | undefined,
  payload?: unknown,
): Decision {
  const { scope } = act;
  const { sinks } = scope.core;
  if (sinks.length === 0 || act.trail === "left out" || act.trail === "ended") return decision;
  act.trail = "ended";
  const { stage, name, callId } = about;
  const { context: { agentKey, sessionId, policy }, state: { now: timestamp } } = scope;
  const outcome = decision.allowed ? how : "withheld";
  const durationMs = act.started === undefined ? NaN : Math.max(0, timestamp - act.started);
  const base: OutcomeRecord = {
    kind: "outcome",
    timestamp,
    agentKey,
    sessionId,
    stage,
    name,
    callId,
    policy: `${policy.name}@${policy.version}`,
    outcome,
  };
  const record = decision.effect !== "deny" && usage === undefined && Number.isNaN(durationMs) ? base : {
    ...base,
    ...(decision.effect === "deny" ? { code: decision.code } : {}),
    ...(usage === undefined ? {} : { usage }),
    ...(Number.isNaN(durationMs) ? {} : { durationMs }),
  };
  const failed = writeRecord(sinks, record, payload);
  return failed === undefined || !decision.allowed ? decision : deniedLate(act, about, failed);
}
