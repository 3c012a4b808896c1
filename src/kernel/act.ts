import type { ApprovalGrant } from "../approval/request.ts";
import { wrong } from "../base/check.ts";
import {
  allow,
  type Decision,
  type Deny,
  deny,
  denyHere,
  type Escalate,
  guardError,
  isByUs,
  isThenable,
  ours,
} from "../base/decision.ts";
import { GateRequest, NOTHING } from "../base/gate-request.ts";
import { isPolicyViolation, violation } from "../base/errors.ts";
import { Linked } from "../base/linked.ts";
import type { OpenAct } from "./act-list.ts";
import { passesUnjudged, type Scope } from "./scope.ts";
import { ownField } from "../base/own.ts";
import type { GovernedRequest, TokenUsage } from "../base/request.ts";
import { endDenied, endUnjudged, onceStored, respond, withhold } from "./end-act.ts";
import { untilStored } from "./runtime.ts";
import { sameData } from "../snapshot/same-data.ts";
import { capsOf, Fault, snapshot } from "../snapshot/snapshot.ts";
import { grantIn, Pending } from "./pending-act.ts";
import { settleUnended } from "./settlement.ts";
import type { ActInit, View } from "./types.ts";
import type { ActStage, EngineAct, Paired, Phase, Trail } from "./engine.ts";
import { ignoreFailure, Reservations, type Taker } from "../base/taking.ts";
import { emitDenial, recordDecision, reportDecision, tellInput } from "./report.ts";
import { actAround, keepLink, linkOf } from "./nesting.ts";
import { formOf, UNSEEN } from "./view-form.ts";
import { ABORTED, Wait } from "./waiting.ts";

const ALLOW = allow();
const PENDING = denyHere("action_blocked", "The act is still being judged");
const OVER = denyHere("action_blocked", "The act is over");
const CLOSED = denyHere("session_killed", "The session is closed");

/** One act, from the gate before it to the gate after it; what guards take belongs to it. Never handed out. */
export class ActImpl implements EngineAct, Taker {
  readonly callId: string;
  readonly stage: ActStage;
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly scope: Scope;
  /** What guards took for it. */
  readonly takings: Reservations;
  /** The act that it is known to be inside of: whatever kernel that is of. */
  readonly inside: ActImpl | undefined;
  /** When it began; `undefined` where nobody listened. */
  readonly started: number | undefined;
  /** A denial until it was judged: whoever finds the act by its callId meanwhile must not run it. */
  decision: Decision = PENDING;
  payload: unknown;
  changed = false;
  phase: Phase = "judging";
  /** The request as last judged, for interceptors. */
  request: GovernedRequest | undefined;
  /** What the response gate answered, once it was asked. */
  ended: Decision | Promise<Decision> | undefined;
  /** What the response gate let through. */
  result: unknown;
  trail: Trail = "none";
  writeBack: EngineAct["writeBack"];
  /** Whether the payload, and later the response, could be copied plainly. */
  isPlain = true;
  /** There where `begin` began it: it is found again by its callId. */
  paired: Paired | undefined;
  earlier: OpenAct | undefined;
  later: OpenAct | undefined;
  /** Once a guard escalated it, and somebody can have it approved. */
  escalated: Pending | undefined;
  readonly init: ActInit;
  /** The caller's payload, as it came. */
  readonly original: unknown;
  #signal: AbortSignal | undefined;
  readonly #view: View<unknown> | undefined;
  /** What guards judged of a payload that only the view reads; the act is given the payload itself. */
  #viewed: { readonly form: unknown } | undefined;
  #wait: Wait | undefined;
  /** There while it waits for its decision to be stored; then `true`. */
  #storing: Promise<void> | true | undefined;

  constructor(
    scope: Scope,
    stage: ActStage,
    name: string,
    payload: unknown,
    init: ActInit,
    view?: View<unknown> | undefined,
  ) {
    this.scope = scope;
    this.stage = stage;
    this.name = name;
    this.metadata = init.metadata;
    const { callId, signal } = init;
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw wrong(`an act at ${stage}`, "signal", "an AbortSignal", signal);
    }
    this.callId = typeof callId === "string" && callId !== "" ? callId : scope.nextCallId();
    this.init = init;
    this.original = payload;
    this.inside = actAround(signal) as ActImpl | undefined;
    this.takings = new Reservations(undefined, this);
    this.#view = view;
    this.started = scope.tick();
  }

  findAround(test: (around: Taker, isKnown: boolean) => boolean): boolean {
    for (let around = this.inside; around !== undefined; around = around.inside) if (test(around, true)) return true;
    const { scope } = this;
    // A child's acts are inside one of its parent's, whichever that is; those at hand are the innermost.
    for (let at = scope.parent; at !== undefined; at = at.parent) {
      if (runningIn(at).some((act) => test(act, true))) return true;
    }
    const signal = ownField(this.init, "signal");
    if (signal === undefined || !scope.isOwnSignal(signal)) return false;
    // Given the signal of its session, it is inside one of the session's; whether of this kind, nobody knows as long as
    // there are others.
    const others = runningIn(scope).filter((act) => act !== this);
    return others.every((act) => act.stage === this.stage) && others.some((act) => test(act, false));
  }

  get isFunction(): boolean {
    return this.paired === undefined;
  }

  /** Once the wait for it is over: itself. */
  get pending(): Promise<this> | undefined {
    return this.#wait?.over.then(() => this);
  }

  get signal(): AbortSignal {
    return (this.#signal ??= this.#newSignal());
  }

  #newSignal(): AbortSignal {
    const { scope } = this;
    if (this.phase === "over") return this.decision.allowed ? scope.signal : AbortSignal.abort(this.#whyNot());
    const own = ownField(this.init, "signal");
    // One of its own only where it has to be told from others: it costs more than the act.
    if (this.paired === undefined && (own === undefined || own === scope.signal)) return scope.signal;
    const linked = new Linked(own === undefined ? [scope.signal] : [scope.signal, own]);
    keepLink(this, linked);
    return linked.signal;
  }

  /** What an act that may not run is rejected with: the reason of the signal that ended its wait, or the denial. */
  #whyNot(): unknown {
    return this.abortReason(this.decision) ?? violation(this.stage, this.decision);
  }

  /** What the signal that ended a wait was aborted with; `undefined` where none did. */
  abortReason(decision: Decision): unknown {
    if (decision !== ABORTED) return undefined;
    const signal = ownField(this.init, "signal");
    return signal?.aborted === true ? signal.reason : this.scope.signal.reason;
  }

  /** What the caller may work on, where the act may run: never the copy that later calls are compared with. */
  get work(): unknown {
    const { paired, payload, decision } = this;
    if (!decision.allowed && decision.effect !== "escalate") return undefined;
    if (paired?.judged === undefined || payload !== paired.judged.payload || !this.isPlain) return payload;
    return (paired.copy ??= snapshot(payload, capsOf(this.stage, this.scope.core.caps), false));
  }

  /** Judges the act; with `asks`, a person is asked where a guard wants one and the kernel can ask. */
  begin(asks: boolean): this | Promise<this> {
    this.scope.open.add(this);
    const decision = this.judge(this.original);
    if (this.paired !== undefined) this.#remember(this.paired);
    const begun = isThenable(decision)
      ? decision.then((late) => this.#admit(late as Decision, asks))
      : this.#admit(decision as Decision, asks);
    if (begun !== this) return this.#waitFor((begun as Promise<unknown>).then(() => this.#untilStored()));
    const storing = this.#untilStored();
    return storing === undefined ? this : this.#waitFor(storing);
  }

  /** There while it waits for its decision to be stored. */
  #untilStored(): Promise<void> | undefined {
    return this.#storing === true ? undefined : this.#storing;
  }

  get approval(): string | undefined {
    return this.escalated === undefined ? undefined : Pending.approvalOf(this.escalated);
  }

  stopped(): Deny | undefined {
    return this.phase === "over" ? this.scope.halted() ?? OVER : undefined;
  }

  /** Has a decision stored before the act may run, where a sink asks for it. */
  #store(decision: Decision): boolean {
    const { durable } = this.scope.core;
    if (durable.length === 0 || this.#storing === true) return false;
    this.#storing = untilStored(durable).then((failed) => {
      this.#storing = true;
      // Stopped meanwhile, and that was told.
      if (this.phase !== "judging") return;
      if (failed !== undefined && !this.scope.core.isShadow) emitDenial(this.scope, this, failed);
      this.settle(this.scope.halted() ?? (this.scope.core.isShadow ? undefined : failed) ?? decision);
    });
    return true;
  }

  /** Keeps what the same call, should it come again, is compared with: call ids come from models. */
  #remember(paired: Paired): void {
    if (ownField(this.init, "callId") !== this.callId || this.request === undefined || !this.isPlain) return;
    const metadata = plainMetadata(this.metadata, this.stage, this.scope);
    if (!(metadata instanceof Fault)) paired.judged = { payload: this.payload, metadata };
  }

  /** Whether a call is the very one that was judged, and has not run. */
  isSame(stage: ActStage, name: string, payload: unknown, metadata: unknown): boolean {
    const judged = this.paired?.judged;
    return judged !== undefined && this.stage === stage && this.name === name && this.phase !== "ending" &&
      this.phase !== "over" &&
      sameRead(judged.payload, snapshot(payload, capsOf(stage, this.scope.core.caps), false)) &&
      sameRead(judged.metadata, plainMetadata(metadata, stage, this.scope));
  }

  /** Waits for what becomes of it, but no longer than it may. */
  #waitFor(work: PromiseLike<unknown>): Promise<this> {
    const wait = new Wait(this.scope, ownField(this.init, "signal"), (denial) => this.stop(denial));
    this.#wait = wait;
    wait.start(work.then(undefined, (error: unknown) => this.stop(guardError(undefined, error))));
    return wait.over.then(() => {
      if (this.#wait === wait) this.#wait = undefined;
      return this;
    });
  }

  /** It may wait no longer: nobody hears what the guards, or the person, come to. */
  stop(denial: Deny): void {
    if (this.phase === "ending") {
      this.ended = withhold(this, denial);
      this.#finish();
    } else if (this.phase === "judging" || this.phase === "escalated") {
      this.#unanswered(denial.reason);
      this.phase = "judging";
      this.settle(this.reportDecision(denial, this.started));
    }
  }

  /** Reads a payload, and asks the guards about it. */
  judge(payload: unknown): Decision | Promise<Decision> {
    const { scope, stage, name, callId, metadata } = this;
    const request = new GateRequest(stage, name, payload, callId, metadata);
    const gate = scope.gate(stage);
    const denied = scope.prepare(request, gate);
    this.payload = GateRequest.copyOf(request);
    this.isPlain = GateRequest.isCopied(request);
    this.request = request as GovernedRequest;
    if (denied?.code === "payload_not_plain" && this.#view !== undefined) return this.#judgeForm(payload, denied);
    return denied ?? scope.ask(request, gate, this.takings);
  }

  /** Judges what the view reads of a payload that cannot be copied; the act then gets the payload itself. */
  #judgeForm(payload: unknown, unread: Deny): Decision | Promise<Decision> {
    const { scope, stage, name, callId, metadata } = this;
    const form = formOf(this.#view as View<unknown>, payload);
    // A view that is for results only sees nothing here, and nothing is not what the act would get.
    if (form === UNSEEN) return unread;
    const request = new GateRequest(stage, name, form, callId, metadata);
    const gate = scope.gate(stage);
    const denied = scope.prepare(request, gate);
    if (denied !== undefined) return denied;
    this.payload = payload;
    this.request = request as GovernedRequest;
    this.#viewed = { form: GateRequest.keptOf(request) };
    return scope.ask(request, gate, this.takings);
  }

  /** Why the act must not run on what a view read: it is something else by now, or could not be written. */
  viewMistake(): Deny | undefined {
    if (this.#viewed === undefined) return undefined;
    const form = formOf(this.#view as View<unknown>, this.payload);
    const copy = form === UNSEEN ? UNSEEN : snapshot(form, capsOf(this.stage, this.scope.core.caps), false);
    return !(copy instanceof Fault) && copy !== UNSEEN && sameData(copy, this.#viewed.form)
      ? undefined
      : denyHere("payload_not_plain", "What the view reads is not what was judged");
  }

  /** Tells what was decided. Whoever is told may end the act: then it is told once all the same. */
  reportDecision(decision: Decision, started?: number): Decision {
    if (this.phase === "judging") this.phase = "concluding";
    const final = reportDecision(this.scope, this, decision, started, true, this);
    if (this.phase === "concluding") this.phase = "judging";
    return final;
  }

  #admit(decision: Decision, asks: boolean): this | Promise<this> {
    // Stopped while it was judged, and that was told.
    if (this.decision !== PENDING) return this;
    // After a wait the agent may have been stopped meanwhile.
    const real = this.reportDecision(
      this.#wait === undefined ? decision : this.scope.halted() ?? decision,
      this.started,
    );
    if (real.effect === "escalate") {
      // An approval is bound to what it shows, and what is not plain data can change behind it.
      return this.isPlain
        ? this.#escalate(real, asks)
        : this.settle(this.reportDecision(denyHere("payload_not_plain", "Only plain data can be approved")));
    }
    return this.settle(real);
  }

  /** Has it approved; where nobody can do that, an escalation is the end. */
  #escalate(decision: Escalate, asks: boolean): this | Promise<this> {
    const { approver } = this.scope.core;
    if (approver === undefined) return this.#unapproved(decision);
    const pending = this.escalated = new Pending(this, approver);
    return Pending.ask(pending, decision, asks)?.then(() =>
      this.phase === "judging" && !Pending.isAsked(pending) ? this.#unapproved(decision) : this
    ) ?? this;
  }

  #unapproved(decision: Escalate): this {
    emitDenial(this.scope, this, decision);
    const denial = deny("approval_required", decision.reason);
    return this.settle(
      recordDecision(this.scope, this, isByUs(decision) ? ours(denial) : denial, this.started, this),
    );
  }

  /** The decision is final: the act may run, or gives everything back. */
  settle(decision: Decision): this {
    if (this.phase === "over") {
      // Closed or cancelled while it was judged: whoever began it must not read that it may run.
      this.decision = decision.allowed ? (this.scope.halted() ?? OVER) : decision;
      if (decision.allowed) emitDenial(this.scope, this, this.decision as Deny);
      return this;
    }
    if (decision.allowed && this.#store(decision)) return this;
    this.decision = decision;
    if (!decision.allowed) {
      // Let through, by the record, and stopped before it ran.
      if (this.trail === "let run" && decision.effect === "deny") endDenied(this, decision);
      this.#finish();
    } else {
      this.phase = "running";
      this.#unasked();
      if (decision.effect === "transform") this.#change(decision.payload);
      if (this.stage === "input" && this.scope.core.inputs.length > 0) this.#tell();
    }
    return this;
  }

  /** Tells what the run was given; where that fails, it does not run. */
  #tell(): void {
    const content = this.request === undefined ? this.payload : this.request.payload;
    try {
      tellInput(this.scope, { content, metadata: this.metadata ?? NOTHING, isRun: true });
    } catch (error) {
      const denial = this.decision = guardError(undefined, error);
      emitDenial(this.scope, this, denial);
      this.#finish();
    }
  }

  #change(payload: unknown): void {
    const copy = snapshot(payload, capsOf(this.stage, this.scope.core.caps), false);
    this.changed = true;
    if (this.#viewed === undefined) this.payload = copy instanceof Fault ? payload : copy;
    else this.#write(copy);
    if (this.request !== undefined) this.request = { ...this.request, payload };
  }

  #write(form: unknown): void {
    this.#viewed = { form };
    try {
      const written = (this.#view as View<unknown>).write(
        this.payload,
        snapshot(form, capsOf(this.stage, this.scope.core.caps), false),
      );
      if (isThenable(written)) ignoreFailure(written);
      else this.payload = written;
    } catch {
      // The payload shows that it was not changed, and the act is refused.
    }
  }

  /** The same call came again: what it brings answers the question, as if it had come with the first. */
  again(init: ActInit): this | Promise<this> {
    const given = grantIn(init);
    if (given === undefined || this.escalated === undefined || this.phase !== "escalated") return this.pending ?? this;
    const reading = Pending.answer(this.escalated, given, true).then(() => this.#untilStored());
    return this.#wait === undefined ? this.#waitFor(reading) : this.#untilOver(reading).then(() => this);
  }

  async resume(answer: boolean | ApprovalGrant | readonly ApprovalGrant[]): Promise<Decision> {
    // What is answered meanwhile comes first: a grant is read, or what was approved is judged again.
    const { escalated } = this;
    if (this.phase === "judging" && escalated !== undefined && Pending.isAsked(escalated)) {
      await this.#untilOver(escalated.reading);
    }
    if (this.phase === "escalated" && escalated !== undefined) {
      const answering = Pending.answer(escalated, answer, false).then(() => this.#untilStored());
      await (this.#wait === undefined ? this.#waitFor(answering) : this.#untilOver(answering));
    }
    return this.decision;
  }

  /** Waits for some work, or until the wait that there is already is over. */
  async #untilOver(work: Promise<unknown> | undefined): Promise<void> {
    const over = this.#wait?.over;
    await (work === undefined ? over : Promise.race([work, over]));
  }

  end(result: unknown, usage?: TokenUsage): Decision | Promise<Decision> {
    return this.respond(result, false, usage);
  }

  fail(error: unknown): Decision | Promise<Decision> {
    if (this.phase === "running" && passesUnjudged(error, this.signal)) {
      settleUnended(this);
      this.ended = ALLOW;
      endUnjudged(this, isPolicyViolation(error) ? "failed" : "aborted");
      this.#finish();
      return ALLOW;
    }
    return this.respond(error, true, undefined);
  }

  respond(payload: unknown, isError: boolean, usage: TokenUsage | undefined): Decision | Promise<Decision> {
    if (this.ended !== undefined) return this.ended;
    // An act that was never let through has no result to judge.
    if (this.phase !== "running") return this.decision.allowed ? OVER : this.decision;
    this.phase = "ending";
    const judged = respond(this, payload, isError, usage);
    const answer = this.scope.core.durableResults.length === 0 ? judged : onceStored(this, judged);
    if (!isThenable(answer)) {
      this.ended = answer as Decision;
      this.#finish();
      return this.ended;
    }
    const ended = this.#waitFor(answer.then((decision) => {
      if (this.phase !== "ending") return;
      this.ended = decision as Decision;
      this.#finish();
    })).then(() => this.ended as Decision);
    // Where there was nothing to wait for any longer, it has ended already.
    return this.phase === "ending" ? (this.ended = ended) : ended;
  }

  /** The library itself lets nothing of it go on, although it has run. */
  withhold(denial: Deny): void {
    if (this.phase !== "running") return;
    settleUnended(this);
    this.ended = withhold(this, denial);
    this.#finish();
  }

  /** It never ran; with a denial, because that forbids it after all, which was told. */
  cancel(denial?: Deny): void {
    // While its result is judged it has run, and there is nothing to cancel.
    if (this.phase === "ending" || this.phase === "over") return;
    if (this.#wait !== undefined && this.phase !== "concluding" && this.phase !== "running") {
      // Somebody waits for what it is allowed to do.
      this.#unanswered(OVER.reason);
      this.decision = OVER;
      this.phase = "concluding";
      reportDecision(this.scope, this, OVER, this.started, true, this);
    } else if (this.phase === "escalated") recordDecision(this.scope, this, this.decision, this.started, this);
    else if (this.phase === "running") {
      if (denial === undefined) endUnjudged(this, "aborted");
      else endDenied(this, denial);
    }
    this.#finish();
    this.#link?.abort(violation(this.stage, OVER));
  }

  /** Nobody has to answer any more. */
  #unasked(): void {
    if (this.escalated !== undefined) Pending.end(this.escalated);
  }

  #unanswered(reason: string): void {
    if (this.escalated !== undefined) Pending.unanswered(this.escalated, reason);
  }

  get #link(): Linked | undefined {
    return linkOf(this.#signal);
  }

  /** The session was closed: what never ran gives back, what may have run has spent. */
  abandon(): void {
    if (this.phase === "running") settleUnended(this);
    // Its result may be judged right now, by whoever closes the session.
    if (this.phase === "running" || this.phase === "ending") this.ended = withhold(this, CLOSED);
    this.cancel();
    this.#finish();
  }

  /** Over: what was not settled is given back. */
  #finish(): void {
    this.phase = "over";
    Reservations.giveBack(this.takings, true);
    this.scope.open.delete(this);
    this.#wait?.end();
    this.#unasked();
    if (!this.decision.allowed) this.payload = undefined;
    if (this.paired !== undefined || ownField(this.init, "signal") !== undefined) this.#unlink();
    if (this.metadata === undefined || ownField(this.metadata, "untrusted") !== true || this.ended === undefined) {
      return;
    }
    // What a child brings in reaches its parents with its answer.
    for (let at: Scope | undefined = this.scope; at !== undefined; at = at.parent) at.state.tainted = true;
  }

  /** Its own signal follows no others any more, and is aborted where the act must not run. */
  #unlink(): void {
    const link = this.#link;
    if (this.decision.allowed) link?.release();
    else link?.abort(this.#whyNot());
  }
}

/** The acts of a session that run, newest first. */
function runningIn(scope: Scope): ActImpl[] {
  return (scope.open.all() as ActImpl[]).filter((act) => act.phase === "running").reverse();
}

function plainMetadata(metadata: unknown, stage: ActStage, { core }: Scope): unknown {
  return metadata === undefined ? NOTHING : snapshot(metadata, capsOf(stage, core.caps), false);
}

/** Whether what was read is the same data; what can't be read is not. */
function sameRead(judged: unknown, read: unknown): boolean {
  return !(read instanceof Fault) && sameData(judged, read);
}
