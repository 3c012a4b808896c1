import type { ApprovalRequest } from "../approval/request.ts";
import {
  allow,
  amend,
  type Decision,
  type Deny,
  deny,
  denyHere,
  type Escalate,
  guardError,
  isThenable,
} from "../base/decision.ts";
import type { Transform } from "../base/decision.ts";
import { ownField } from "../base/own.ts";
import type { Stage } from "../base/request.ts";
import { Reservations } from "../base/taking.ts";
import { Fault, snapshot } from "../snapshot/snapshot.ts";
import type { EngineAct } from "./engine.ts";
import type { Approver, Escalation, PendingAct, SessionHandle } from "./seam.ts";
import type { ActInit } from "./types.ts";

const ALLOW = allow();

/**
 * An act that a guard escalated, as approvers hold it: no way to the act itself, and none to have it run but what its
 * guards have answered since.
 */
export class Pending implements PendingAct {
  readonly #act: EngineAct;
  readonly #approver: Approver;
  /** What is judged again: the caller's payload, or what an approver made of it. */
  #source: unknown;
  #isEdited = false;
  /** What the guards answered last, as long as nobody has used it. */
  #judged: Decision | undefined;
  #isJudging = false;
  /** When the answer came that is being read. */
  #started: number | undefined;
  #over: AbortController | undefined;
  #reading: Promise<void> | undefined;
  #approval: string | undefined;
  static {
    // Whoever is given a pending act has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
  }

  constructor(act: EngineAct, approver: Approver) {
    this.#act = act;
    this.#approver = approver;
    this.#source = act.original;
    Object.freeze(this);
  }

  /** Has the approver ask. */
  static ask(pending: Pending, decision: Escalate, asks: boolean): Promise<void> | undefined {
    const escalation = pending.#read(decision);
    if (escalation === undefined) return undefined;
    try {
      return pending.#approver.ask(pending, escalation, asks, grantIn(pending.#act.init));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Has the approver read what somebody answered; what came with the call counts differently. */
  static answer(pending: Pending, answer: unknown, isGiven: boolean): Promise<void> {
    const read = (): void => {
      if (pending.#reading === reading) pending.#reading = undefined;
    };
    const failed = (error: unknown): void => {
      read();
      if (pending.isOpen) pending.#act.phase = "judging";
      if (pending.isHeld) pending.#act.settle(pending.#act.reportDecision(guardError(undefined, error)));
    };
    const reading = answerBy(pending.#approver, pending, answer, isGiven).then(read, failed);
    return (pending.#reading = reading);
  }

  /** Nobody will answer. */
  static unanswered(pending: Pending, reason: string): void {
    try {
      pending.#approver.unanswered(pending, reason);
    } catch {
      // The act is denied whatever the approver makes of it.
    }
  }

  /** Whether a question was put. */
  static isAsked(pending: Pending): boolean {
    return pending.#over !== undefined;
  }

  /** The id of what was asked last. */
  static approvalOf(pending: Pending): string | undefined {
    return pending.#approval;
  }

  /** Nobody has to answer any more. */
  static end(pending: Pending): void {
    pending.#over?.abort();
  }

  get session(): SessionHandle {
    return this.#act.scope.handle;
  }
  get stage(): Stage {
    return this.#act.stage;
  }
  get name(): string {
    return this.#act.name;
  }
  get callId(): string {
    return this.#act.callId;
  }
  get isNamed(): boolean {
    return ownField(this.#act.init, "callId") === this.#act.callId;
  }
  get isOpen(): boolean {
    return this.#act.phase === "escalated";
  }
  get isHeld(): boolean {
    return this.#act.phase === "judging";
  }
  get signal(): AbortSignal {
    return this.#over?.signal ?? AbortSignal.abort();
  }
  get reading(): Promise<void> | undefined {
    return this.#reading;
  }

  now(): number {
    const { scope } = this.#act;
    scope.tick();
    return scope.state.now;
  }

  halted(): Deny | undefined {
    return this.#act.scope.halted();
  }

  copy(value: unknown): { readonly value: unknown } | undefined {
    const { scope, stage } = this.#act;
    const copy = snapshot(value, scope.gate(stage).caps, false);
    return copy instanceof Fault ? undefined : { value: copy };
  }

  payload(): unknown {
    const judged = this.#judged;
    return judged === undefined ? undefined : this.copy(payloadIn(judged, this.#act.payload))?.value;
  }

  open(decision: Escalate, approval: ApprovalRequest): boolean {
    const act = this.#act;
    // Stopped meanwhile: nobody is asked, and nothing brings the act back.
    if (!this.isHeld) return false;
    act.decision = amend(decision, { approval });
    this.#approval = approval.id;
    act.phase = "escalated";
    this.#over?.abort();
    this.#over = new AbortController();
    return true;
  }

  hold(): number | undefined {
    if (!this.isOpen) return undefined;
    this.#act.phase = "judging";
    return (this.#started = this.now());
  }

  reopen(): void {
    if (this.isHeld && this.#started !== undefined) this.#act.phase = "escalated";
  }

  judge(edited?: { readonly payload: unknown }): Decision | Promise<Decision> {
    const act = this.#act;
    if (!this.isHeld || this.#started === undefined || this.#isJudging) {
      throw new TypeError("An act is judged again only while an answer to its question is held, and once at a time");
    }
    if (edited !== undefined) {
      this.#source = edited.payload;
      this.#isEdited = true;
    }
    this.#judged = undefined;
    Reservations.giveBack(act.takings, false);
    const answer = act.judge(this.#source);
    if (!isThenable(answer)) return (this.#judged = answer as Decision);
    this.#isJudging = true;
    // Noted before whoever asked goes on.
    (answer as Promise<Decision>).then((late) => {
      this.#isJudging = false;
      this.#judged = late;
    }, () => undefined);
    return answer;
  }

  again(decision: Escalate): Escalation | undefined {
    const act = this.#act;
    this.#use(decision);
    if (!this.isHeld) return undefined;
    const anew = act.reportDecision(decision, this.#started);
    if (anew.effect === "escalate") return this.#read(anew);
    act.settle(anew);
    return undefined;
  }

  settle(decision: Decision): boolean {
    const act = this.#act;
    this.#use(decision);
    if (!this.isHeld) return false;
    const answer = decision.effect === "escalate" ? lifted(decision) : decision;
    const final = act.reportDecision(this.halted() ?? answer, this.#started);
    act.settle(final);
    if (!final.allowed || act.phase === "over") return false;
    if (this.#isEdited) act.changed = true;
    return true;
  }

  refuse(reason: string): void {
    const act = this.#act;
    if (this.isHeld) act.settle(act.reportDecision(this.halted() ?? deny("approval_denied", reason)));
  }

  /** What the guards have answered counts once; nothing else ever lets an act run. */
  #use(decision: Decision): void {
    if (this.#judged === undefined || this.#judged !== decision) {
      throw new TypeError("An act is settled with what judge() answered last, and once");
    }
    this.#judged = undefined;
  }

  /** Copies that nobody else holds: what a person is shown is what the call is held against later. */
  #read(decision: Escalate): Escalation | undefined {
    const act = this.#act;
    const payload = this.copy(payloadIn(decision, act.payload));
    const origin = Object.hasOwn(decision, "payload") ? this.copy(act.request?.payload) : payload;
    if (payload !== undefined && origin !== undefined) {
      return { decision, payload: payload.value, origin: origin.value };
    }
    act.settle(act.reportDecision(denyHere("payload_not_plain", "Only plain data can be approved")));
    return undefined;
  }
}

function answerBy(approver: Approver, act: PendingAct, answer: unknown, isGiven: boolean): Promise<void> {
  try {
    return approver.answer(act, answer, isGiven);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** The grants that a call brings, whatever they are. */
export function grantIn(init: ActInit): unknown {
  return Object.hasOwn(init, "grant") ? init.grant : undefined;
}

/** What would run: what a guard made of the payload, or the payload. */
function payloadIn(decision: Decision, payload: unknown): unknown {
  return Object.hasOwn(decision, "payload") ? (decision as Transform).payload : payload;
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
