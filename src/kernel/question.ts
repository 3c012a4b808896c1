import { ownField } from "../base/own.ts";
import { readAnswer, readGiven, type Verdict } from "../approval/answer.ts";
import { Answered } from "../approval/answered.ts";
import { askPerson, createApproval } from "../approval/ask.ts";
import type { ApprovalRequest } from "../approval/request.ts";
import { spend } from "../approval/spent.ts";
import type { Asked, Earlier, EngineAct } from "./engine.ts";
import type { ActInit } from "./types.ts";
import { escalationsIn } from "../combine/fold-decisions.ts";
import { allow, amend, type Decision, deny, type Escalate, type Transform } from "../base/decision.ts";
import { Reservations } from "../base/taking.ts";
import { sameData } from "../snapshot/same-data.ts";
import { Fault, snapshot } from "../snapshot/snapshot.ts";
import { sessionEvent } from "../base/events.ts";

const ALLOW = allow();
const MOST_QUESTIONS = 8;

const FIRST: Omit<Earlier, "asks" | "given"> = { round: 0, isEdited: false, answered: Answered.none, grants: [] };

/** Puts the first question about an act, and has it answered by whoever is there to do that. */
export function firstQuestion(act: EngineAct, decision: Escalate, asks: boolean): Promise<void> {
  return question(act, decision, { ...FIRST, asks, given: givenIn(act.init) }, act.original);
}

async function question(act: EngineAct, decision: Escalate, last: Earlier, source: unknown): Promise<void> {
  const { scope, stage, name, callId } = act;
  const { core } = scope;
  const { caps } = scope.gate(stage);
  const isChanged = Object.hasOwn(decision, "payload");
  // A copy that nobody else holds: what the person is shown is what the call is held against later.
  const judged = snapshot(isChanged ? decision.payload : act.payload, caps, false);
  const origin = isChanged ? snapshot(act.request?.payload, caps, false) : judged;
  if (judged instanceof Fault || origin instanceof Fault) {
    act.settle(act.reportDecision(deny("payload_not_plain", "Only plain data can be approved")));
    return;
  }
  const escalations = escalationsIn(decision);
  const approval = await createApproval(scope, act, ownField(act.init, "callId") === callId, escalations, judged);
  // Stopped meanwhile: nobody is asked, and nothing brings the act back.
  if (act.phase !== "judging") return;
  act.decision = amend(decision, { approval });
  act.phase = "escalated";
  const earlier = act.asked;
  const asked: Asked = act.asked = {
    given: last.given,
    asks: last.asks,
    isEdited: last.isEdited,
    grants: last.grants,
    round: last.round + 1,
    answered: last.answered.with(escalations),
    approval,
    judged,
    origin,
    source,
    reading: earlier?.reading,
    over: new AbortController(),
    isTold: false,
  };
  earlier?.over.abort();
  core.emitter.emit("approval_requested", {
    ...sessionEvent(scope.context, scope.state.now),
    stage,
    name,
    callId,
    approval,
  });
  await answerGiven(act, asked);
  // A grant that did not count is no answer.
  if (last.asks && core.approve !== undefined && isOpen(act, approval)) {
    const answer = await askPerson(core.approve, approval, asked.over.signal, core.approvalTtlMs);
    await act.asked?.reading;
    // Somebody else has answered, and it was asked about something else since.
    if (isOpen(act, approval)) await answerWith(act, answer);
  }
}

function isOpen(act: EngineAct, approval: ApprovalRequest): boolean {
  return act.phase === "escalated" && act.asked?.approval === approval;
}

/** Answers with the grants that came with the call. */
async function answerGiven(act: EngineAct, asked: Asked): Promise<void> {
  const { given } = asked;
  if (given === undefined || !isOpen(act, asked.approval)) return;
  act.phase = "judging";
  const { scope } = act;
  scope.tick();
  const { now } = scope.state;
  const verdict = await readGiven(given, asked.approval, scope, now, asked.round === 1);
  if (isStopped(act)) return;
  const isNobodyLeft = asked.asks && scope.core.approve === undefined;
  if (verdict === undefined || (verdict.outcome === "void" && !isNobodyLeft)) {
    act.phase = "escalated";
    if (verdict !== undefined) tell(act, asked, verdict);
    return;
  }
  await resolve(act, asked, verdict, now);
}

/** The same call came again, with what answers the question; `undefined` where it brings nothing, or none is open. */
export function askedAgain(act: EngineAct, init: ActInit): Promise<void> | undefined {
  const given = givenIn(init);
  if (given === undefined || act.asked === undefined || act.phase !== "escalated") return undefined;
  const asked: Asked = act.asked = { ...act.asked, given };
  return read(act, answerGiven(act, asked));
}

/** Has others wait while an answer is read, and what was approved is judged again. */
function read(act: EngineAct, answering: Promise<void>): Promise<void> {
  const reading = answering.then(() => {
    if (act.asked?.reading === reading) act.asked.reading = undefined;
  });
  if (act.asked !== undefined) act.asked.reading = reading;
  return reading;
}

/** Answers the question that is open, whoever was asked. */
export function answered(act: EngineAct, answer: unknown): Promise<void> {
  return read(act, answerWith(act, answer));
}

async function answerWith(act: EngineAct, answer: unknown): Promise<void> {
  const { asked, scope } = act;
  if (asked === undefined || act.phase !== "escalated") return;
  act.phase = "judging";
  scope.tick();
  const { now } = scope.state;
  const verdict = await readAnswer(answer, asked.approval, scope, now);
  if (!isStopped(act)) await resolve(act, asked, verdict, now);
}

/** Nobody will answer: told where the question is open. */
export function unanswered(act: EngineAct, reason: string): void {
  const { asked } = act;
  if (asked === undefined || asked.isTold) return;
  asked.isTold = true;
  tell(act, asked, { outcome: "void", by: undefined, reason, grants: [], edit: undefined });
}

/** Whether whatever became of the act was told while somebody was waited for. */
function isStopped(act: EngineAct): boolean {
  return act.phase !== "judging";
}

function tell(act: EngineAct, { approval }: Asked, { outcome, by, reason, grants }: Verdict): void {
  const { scope, stage, name, callId } = act;
  scope.core.emitter.emit("approval_resolved", {
    ...sessionEvent(scope.context, scope.state.now),
    stage,
    name,
    callId,
    approval,
    approved: outcome === "approved",
    by,
    reason,
    grants: Object.freeze(grants.map(({ id }) => id)),
  });
}

async function resolve(act: EngineAct, asked: Asked, verdict: Verdict, now: number): Promise<void> {
  if (act.asked !== undefined) act.asked.isTold = true;
  tell(act, asked, verdict);
  // Stopped by whoever was told.
  if (isStopped(act)) return;
  if (verdict.outcome === "approved") await judgeAgain(act, asked, verdict, now);
  else refuse(act, verdict.reason);
}

function refuse(act: EngineAct, reason: string): void {
  act.settle(act.reportDecision(act.scope.halted() ?? deny("approval_denied", reason)));
}

/**
 * An approval judges again, from the first guard. It answers the escalations that it showed, for the payload that it
 * showed: any other is asked about anew, and so is everything about a payload that the approver edited.
 */
async function judgeAgain(act: EngineAct, asked: Asked, { edit, grants }: Verdict, started: number): Promise<void> {
  const { scope } = act;
  // What was shown is no edit, and neither is what it was made from.
  const edited = edit !== undefined && !sameData(edit.payload, asked.judged) && !sameData(edit.payload, asked.origin);
  const source = edited ? edit.payload : asked.source;
  const isEdited = edited || asked.isEdited;
  const answered = edited ? Answered.none : asked.answered;
  const used = [...asked.grants, ...grants];
  Reservations.giveBack(act.takings, false);
  const late = await act.judge(source);
  if (isStopped(act)) return;
  let decision = scope.halted() ?? late;
  if (decision.effect !== "deny") {
    const judged = Object.hasOwn(decision, "payload") ? (decision as Transform).payload : act.payload;
    if (!edited && !sameData(judged, asked.judged)) return refuse(act, "The call is not the one that was approved");
  }
  if (decision.effect === "escalate") {
    if (!answered.covers(escalationsIn(decision))) {
      if (asked.round > MOST_QUESTIONS) return refuse(act, "Too many questions were asked about one call");
      const anew = act.reportDecision(decision, started);
      if (anew.effect !== "escalate") act.settle(anew);
      else await question(act, anew, { ...asked, isEdited, answered, grants: used }, source);
      return;
    }
    decision = lifted(decision);
  }
  if (!decision.allowed) return void act.settle(act.reportDecision(decision, started));
  scope.tick();
  // The last thing before the act may run: a refused attempt spends nothing.
  const spent = await spend(scope.core.store, used, scope.state.now);
  if (isStopped(act)) return typeof spent === "string" ? undefined : await spent.giveBack();
  if (typeof spent === "string") return refuse(act, `The answer does not count: ${spent}`);
  act.settle(act.reportDecision(scope.halted() ?? decision, started));
  if (isEdited) act.changed = true;
  if (!act.decision.allowed) await spent.giveBack();
}

/** The grants that a call brings, whatever they are. */
function givenIn(init: ActInit): unknown {
  return Object.hasOwn(init, "grant") ? init.grant : undefined;
}

/** What is left of a decision once a person has answered what it asked. */
function lifted(decision: Escalate): Decision {
  const { reason } = decision;
  const warnings = Object.hasOwn(decision, "warnings") ? decision.warnings : undefined;
  const guard = Object.hasOwn(decision, "guard") ? decision.guard : undefined;
  const heard = warnings === undefined ? {} : { warnings };
  if (!Object.hasOwn(decision, "payload")) return warnings === undefined ? ALLOW : amend(ALLOW, heard);
  return amend({ effect: "transform", allowed: true, reason, payload: decision.payload } as Transform, {
    ...heard,
    ...(guard === undefined ? {} : { guard }),
  });
}
