import { readAnswer, readGiven, type Verdict } from "./approval/answer.ts";
import { askPerson, createApproval } from "./approval/ask.ts";
import { Answered } from "./approval/answered.ts";
import type { ApprovalGrant, ApprovalRequest } from "./approval/request.ts";
import { spend } from "./approval/spent.ts";
import type { ReadGrant } from "./approval/read-grant.ts";
import { wrong } from "./check.ts";
import { escalationsIn } from "./combine/fold.ts";
import { allow, amend, type Decision, type Deny, deny, type Escalate, isThenable, type Transform } from "./decision.ts";
import { Draft } from "./draft.ts";
import type { OpenAct } from "./open-acts.ts";
import { type Passage, passesUnjudged } from "./passage.ts";
import type { GovernedRequest, TokenUsage } from "./request.ts";
import { respond, withhold } from "./response.ts";
import { sameData } from "./snapshot/same-data.ts";
import { capsOf, Fault, snapshot } from "./snapshot/snapshot.ts";
import { settleUnended } from "./settlement.ts";
import type { View } from "./session.ts";
import { Takings } from "./taking.ts";
import { formOf, UNSEEN } from "./view-form.ts";
import { conclude, eventOf, recordDecision, tellDenial } from "./tell.ts";

/** What the caller may say about an act. */
export interface ActInit {
  /** The framework's id of the call. Absent or empty: the session makes one. */
  callId?: string | undefined;
  /** What guards may want to know. `untrusted: true` marks the session tainted once the act has ended. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Aborts the act. */
  signal?: AbortSignal | undefined;
  /**
   * The answer to this call's approval request, given earlier: signed by `grantApproval`; several, where the kernel
   * wants several approvers, or where an edited call was asked about anew.
   *
   * Only looked at where a guard asks. What is no signed grant denies with `approval_denied`. One that does not count
   * (of another call, expired, used before) changes nothing: `approve` is asked where there is one, an act begun with
   * `approval: "return"` stays open, and where nobody is left to ask the act is denied with `approval_denied`.
   */
  grant?: ApprovalGrant | readonly ApprovalGrant[] | undefined;
}

/** An act that somebody else runs: for frameworks with separate before and after hooks. */
export interface Act {
  /** The framework's id, or the session's. */
  readonly callId: string;
  /** What was decided before the act. */
  readonly decision: Decision;
  /** What the act must run on: private, ordinary, mutable data. */
  // deno-lint-ignore no-explicit-any -- its shape is the framework's, and nobody but the caller knows it
  readonly payload: any;
  /** Whether a guard changed the payload. */
  readonly changed: boolean;
  /** Aborts when the act must stop. */
  readonly signal: AbortSignal;
  /** The framework's own person answered an escalation. */
  resume(answer: boolean | ApprovalGrant | readonly ApprovalGrant[]): Decision | Promise<Decision>;
  /** It ran: response gate, counters, settling, events, audit. Works once; later calls answer the same. */
  end(result: unknown, usage?: TokenUsage): Decision | Promise<Decision>;
  /** It ran and threw. Works once, like `end`. */
  fail(error: unknown): Decision | Promise<Decision>;
  /** It never ran: everything is given back. */
  cancel(): void;
}

export type ActStage = "input" | "pre_model_call" | "pre_tool_call";
type Phase = "judging" | "escalated" | "running" | "ending" | "over";

const ALLOW = allow();
const PENDING = deny("action_blocked", "The act is still being judged");
const OVER = deny("action_blocked", "The act is over");
const MOST_QUESTIONS = 8;

/** What an earlier question leaves to the next. */
interface Earlier {
  /** The grants that came with the call, as they came. */
  readonly given: unknown;
  /** Whether a person is asked where the kernel can. */
  readonly asks: boolean;
  /** How many questions there were. */
  readonly round: number;
  readonly isEdited: boolean;
  /** What was answered about the payload as it is. */
  readonly answered: Answered;
  /** What it was answered with: spent before the act runs. */
  readonly grants: readonly ReadGrant[];
}

const FIRST: Omit<Earlier, "asks" | "given"> = { round: 0, isEdited: false, answered: Answered.none, grants: [] };

/** A question about an act, and what its answer is held against. */
interface Asked extends Earlier {
  readonly approval: ApprovalRequest;
  /** What the person was shown, and what would run. Nobody else holds it. */
  readonly judged: unknown;
  /** The same before the guards changed it. */
  readonly origin: unknown;
  /** What is judged again: the caller's payload, or what an approver made of it. */
  readonly source: unknown;
  /** There once grants came later than the call: whoever answers meanwhile waits until they were read. */
  reading: Promise<void> | undefined;
}

/** One act, from the gate before it to the gate after it; what guards take belongs to it. */
export class ActImpl implements Act {
  readonly callId: string;
  readonly stage: ActStage;
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly passage: Passage;
  /** What guards took for it. */
  readonly takings: Takings = new Takings(false);
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
  /** Whether the payload, and later the response, could be copied plainly. */
  isPlain = true;
  /** Begun by `begin`: found again by its callId. */
  isPaired = false;
  /** While it is judged or a person is asked: the act, once that is over. */
  pending: Promise<this> | undefined;
  /** What the guards were shown first, before any transform: the caller's payload, as it was read. */
  shown: unknown;
  earlier: OpenAct | undefined;
  later: OpenAct | undefined;
  readonly #init: ActInit;
  readonly #original: unknown;
  #asked: Asked | undefined;
  #signal: AbortSignal | undefined;
  readonly #view: View<unknown> | undefined;
  /** What guards judged of a payload that only the view reads; the act is given the payload itself. */
  #viewed: { readonly form: unknown } | undefined;

  constructor(
    passage: Passage,
    stage: ActStage,
    name: string,
    payload: unknown,
    init: ActInit,
    view?: View<unknown> | undefined,
  ) {
    this.passage = passage;
    this.stage = stage;
    this.name = name;
    this.metadata = init.metadata;
    const { callId, signal } = init;
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw wrong(`an act at ${stage}`, "signal", "an AbortSignal", signal);
    }
    this.callId = typeof callId === "string" && callId !== "" ? callId : passage.nextCallId();
    this.#init = init;
    this.#original = payload;
    this.#view = view;
    this.started = passage.tick();
  }

  get signal(): AbortSignal {
    const own = this.#init.signal;
    return (this.#signal ??= own === undefined ? this.passage.signal : AbortSignal.any([this.passage.signal, own]));
  }

  /** Judges the act; with `asks`, a person is asked where a guard wants one and the kernel can ask. */
  begin(asks: boolean): this | Promise<this> {
    this.passage.open.add(this);
    const decision = this.#judge(this.#original);
    this.shown = this.request?.payload;
    // After a wait the agent may have been stopped meanwhile.
    const begun = isThenable(decision)
      ? decision.then((late) => this.#admit(this.passage.halted() ?? (late as Decision), asks))
      : this.#admit(decision as Decision, asks);
    if (begun === this) return this;
    return (this.pending = Promise.resolve(begun).finally(() => (this.pending = undefined)));
  }

  #judge(payload: unknown): Decision | Promise<Decision> {
    const { passage, stage, name, callId, metadata } = this;
    const request = new Draft(stage, name, payload, callId, metadata);
    const gate = passage.gate(stage);
    const denied = passage.prepare(request, gate);
    this.payload = Draft.copyOf(request);
    this.isPlain = Draft.isCopied(request);
    this.request = request as GovernedRequest;
    if (denied?.code === "payload_not_plain" && this.#view !== undefined) return this.#judgeForm(payload, denied);
    return denied ?? passage.ask(request, gate, this.takings);
  }

  /** Judges what the view reads of a payload that cannot be copied; the act then gets the payload itself. */
  #judgeForm(payload: unknown, unread: Deny): Decision | Promise<Decision> {
    const { passage, stage, name, callId, metadata } = this;
    const form = formOf(this.#view as View<unknown>, payload);
    // A view that is for results only sees nothing here, and nothing is not what the act would get.
    if (form === UNSEEN) return unread;
    const request = new Draft(stage, name, form, callId, metadata);
    const gate = passage.gate(stage);
    const denied = passage.prepare(request, gate);
    if (denied !== undefined) return denied;
    this.payload = payload;
    this.request = request as GovernedRequest;
    this.#viewed = { form: Draft.keptOf(request) };
    return passage.ask(request, gate, this.takings);
  }

  /** Why the act must not run on what a view read: it is something else by now, or could not be written. */
  viewMistake(): Deny | undefined {
    if (this.#viewed === undefined) return undefined;
    const form = formOf(this.#view as View<unknown>, this.payload);
    const copy = form === UNSEEN ? UNSEEN : snapshot(form, capsOf(this.stage, this.passage.core.caps), false);
    return !(copy instanceof Fault) && copy !== UNSEEN && sameData(copy, this.#viewed.form)
      ? undefined
      : deny("payload_not_plain", "What the view reads is not what was judged");
  }

  #admit(decision: Decision, asks: boolean): this | Promise<this> {
    const real = conclude(this.passage, this, decision, this.started);
    if (real.effect === "escalate") {
      // An approval is bound to what it shows, and what is not plain data can change behind it.
      if (this.isPlain) {
        return this.#question(real, { ...FIRST, asks, given: givenIn(this.#init) }, this.#original);
      }
      return this.#settle(conclude(this.passage, this, deny("payload_not_plain", "Only plain data can be approved")));
    }
    return this.#settle(real);
  }

  /** The decision is final: the act may run, or gives everything back. */
  #settle(decision: Decision): this {
    if (this.phase === "over") {
      // Closed or cancelled while it was judged: whoever began it must not read that it may run.
      this.decision = decision.allowed ? (this.passage.halted() ?? OVER) : decision;
      if (decision.allowed) tellDenial(this.passage, this, this.decision as Deny);
      return this;
    }
    this.decision = decision;
    if (!decision.allowed) {
      this.#finish();
    } else {
      this.phase = "running";
      if (decision.effect === "transform") this.#change(decision.payload);
    }
    return this;
  }

  #change(payload: unknown): void {
    const copy = snapshot(payload, capsOf(this.stage, this.passage.core.caps), false);
    this.changed = true;
    if (this.#viewed === undefined) this.payload = copy instanceof Fault ? payload : copy;
    else this.#write(copy);
    if (this.request !== undefined) this.request = { ...this.request, payload };
  }

  #write(form: unknown): void {
    this.#viewed = { form };
    try {
      this.payload = (this.#view as View<unknown>).write(
        this.payload,
        snapshot(form, capsOf(this.stage, this.passage.core.caps), false),
      );
    } catch {
      // The payload shows that it was not changed, and the act is refused.
    }
  }

  /** Puts a question about what was just judged, and has it answered by whoever is there to do that. */
  async #question(decision: Escalate, last: Earlier, source: unknown): Promise<this> {
    const { passage } = this;
    const { core } = passage;
    const { caps } = passage.gate(this.stage);
    const isChanged = Object.hasOwn(decision, "payload");
    // A copy that nobody else holds: what the person is shown is what the call is held against later.
    const judged = snapshot(isChanged ? decision.payload : this.payload, caps, false);
    const origin = isChanged ? snapshot(this.request?.payload, caps, false) : judged;
    if (judged instanceof Fault || origin instanceof Fault) {
      return this.#settle(conclude(passage, this, deny("payload_not_plain", "Only plain data can be approved")));
    }
    const escalations = escalationsIn(decision);
    const isNamed = this.#init.callId === this.callId;
    const approval = await createApproval(passage, this, isNamed, escalations, judged);
    // Closed or cancelled meanwhile: nobody is asked, and nothing brings the act back.
    if (this.phase === "over") return this;
    this.decision = amend(decision, { approval });
    this.phase = "escalated";
    this.#asked = {
      ...last,
      round: last.round + 1,
      answered: last.answered.with(escalations),
      approval,
      judged,
      origin,
      source,
      reading: undefined,
    };
    core.emitter.emit("approval_requested", {
      ...eventOf(passage, passage.state.now),
      stage: this.stage,
      name: this.name,
      callId: this.callId,
      approval,
    });
    await this.#answerGiven(this.#asked);
    // A grant that did not count is no answer.
    if (last.asks && core.approve !== undefined && this.#isOpen(approval)) {
      const answer = await askPerson(core.approve, approval, this.signal, core.approvalTtlMs);
      await this.#asked?.reading;
      await this.#answer(answer);
    }
    return this;
  }

  #isOpen(approval: ApprovalRequest): boolean {
    return this.phase === "escalated" && this.#asked?.approval === approval;
  }

  /** Answers with the grants that came with the call. */
  async #answerGiven(asked: Asked): Promise<void> {
    const { given } = asked;
    if (given === undefined || !this.#isOpen(asked.approval)) return;
    this.phase = "judging";
    const { passage } = this;
    passage.tick();
    const { now } = passage.state;
    const verdict = await readGiven(given, asked.approval, passage, now, asked.round === 1);
    if (this.#isOver()) return;
    const isNobodyLeft = asked.asks && passage.core.approve === undefined;
    if (verdict === undefined || (verdict.outcome === "void" && !isNobodyLeft)) {
      this.phase = "escalated";
      if (verdict !== undefined) this.#tell(asked, verdict, now);
      return;
    }
    await this.#resolve(asked, verdict, now);
  }

  /** The same call came again: what it brings answers the question, as if it had come with the first. */
  again(init: ActInit): this | Promise<this> {
    const given = givenIn(init);
    if (given === undefined || this.#asked === undefined || this.phase !== "escalated") return this.pending ?? this;
    const asked: Asked = this.#asked = { ...this.#asked, given };
    asked.reading = this.#answerGiven(asked);
    return asked.reading.then(() => this);
  }

  async resume(answer: boolean | ApprovalGrant | readonly ApprovalGrant[]): Promise<Decision> {
    if (this.phase === "escalated") await this.#answer(answer);
    return this.decision;
  }

  async #answer(answer: unknown): Promise<void> {
    const asked = this.#asked;
    if (asked === undefined || this.phase !== "escalated") return;
    this.phase = "judging";
    const { passage } = this;
    passage.tick();
    const { now } = passage.state;
    const verdict = await readAnswer(answer, asked.approval, passage, now);
    if (!this.#isOver()) await this.#resolve(asked, verdict, now);
  }

  /** Whether it was closed or cancelled while somebody was waited for. */
  #isOver(): boolean {
    return this.phase === "over";
  }

  #tell({ approval }: Asked, { outcome, by, reason, grants }: Verdict, now: number): void {
    const { passage } = this;
    passage.core.emitter.emit("approval_resolved", {
      ...eventOf(passage, now),
      stage: this.stage,
      name: this.name,
      callId: this.callId,
      approval,
      approved: outcome === "approved",
      by,
      reason,
      grants: Object.freeze(grants.map(({ id }) => id)),
    });
  }

  async #resolve(asked: Asked, verdict: Verdict, now: number): Promise<void> {
    this.#tell(asked, verdict, now);
    if (verdict.outcome === "approved") await this.#again(asked, verdict, now);
    else this.#refuse(verdict.reason);
  }

  #refuse(reason: string): void {
    const denial = this.passage.halted() ?? deny("approval_denied", reason);
    this.#settle(conclude(this.passage, this, denial));
  }

  /**
   * An approval judges again, from the first guard. It answers the escalations that it showed, for the payload that it
   * showed: any other is asked about anew, and so is everything about a payload that the approver edited.
   */
  async #again(asked: Asked, { edit, grants }: Verdict, started: number): Promise<void> {
    const { passage } = this;
    // What was shown is no edit, and neither is what it was made from.
    const edited = edit !== undefined && !sameData(edit.payload, asked.judged) && !sameData(edit.payload, asked.origin);
    const source = edited ? edit.payload : asked.source;
    const isEdited = edited || asked.isEdited;
    const answered = edited ? Answered.none : asked.answered;
    const used = [...asked.grants, ...grants];
    this.takings.giveBack(false);
    const late = await this.#judge(source);
    let decision = passage.halted() ?? late;
    if (decision.effect !== "deny") {
      const judged = Object.hasOwn(decision, "payload") ? (decision as Transform).payload : this.payload;
      if (!edited && !sameData(judged, asked.judged)) return this.#refuse("The call is not the one that was approved");
    }
    if (decision.effect === "escalate") {
      if (!answered.covers(escalationsIn(decision))) {
        if (asked.round > MOST_QUESTIONS) return this.#refuse("Too many questions were asked about one call");
        const anew = conclude(passage, this, decision, started);
        if (anew.effect !== "escalate") this.#settle(anew);
        else await this.#question(anew, { ...asked, isEdited, answered, grants: used }, source);
        return;
      }
      decision = lifted(decision);
    }
    if (!decision.allowed) return void this.#settle(conclude(passage, this, decision, started));
    passage.tick();
    // The last thing before the act may run: a refused attempt spends nothing.
    const spent = await spend(passage.core.store, used, passage.state.now);
    if (typeof spent === "string") return this.#refuse(`The answer does not count: ${spent}`);
    this.#settle(conclude(passage, this, passage.halted() ?? decision, started));
    if (isEdited) this.changed = true;
    if (!this.decision.allowed) await spent.giveBack();
  }

  end(result: unknown, usage?: TokenUsage): Decision | Promise<Decision> {
    return this.respond(result, false, usage);
  }

  fail(error: unknown): Decision | Promise<Decision> {
    if (this.phase === "running" && passesUnjudged(error, this.signal)) {
      settleUnended(this);
      this.ended = ALLOW;
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
    const answer = respond(this, payload, isError, usage);
    if (!isThenable(answer)) {
      this.ended = answer as Decision;
      this.#finish();
      return this.ended;
    }
    return (this.ended = Promise.resolve(answer as Promise<Decision>).then((decision) => {
      this.#finish();
      return (this.ended = decision);
    }));
  }

  cancel(): void {
    if (this.phase !== "running" && this.phase !== "escalated" && this.phase !== "judging") return;
    if (this.decision.effect === "escalate") recordDecision(this.passage, this, this.decision);
    this.#finish();
  }

  /** The session was closed: what never ran gives back, what may have run has spent. */
  abandon(): void {
    if (this.phase === "running") {
      settleUnended(this);
      this.ended = withhold(this);
    }
    this.cancel();
    this.#finish();
  }

  /** Over: what was not settled is given back. */
  #finish(): void {
    this.phase = "over";
    this.takings.giveBack(true);
    this.passage.open.delete(this);
    if (this.metadata?.["untrusted"] !== true || this.ended === undefined) return;
    // What a child brings in reaches its parents with its answer.
    for (let at: Passage | undefined = this.passage; at !== undefined; at = at.parent) at.state.tainted = true;
  }
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
