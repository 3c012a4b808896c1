import { askPerson, createApproval, readAnswer, sameData } from "./approval/ask.ts";
import type { ApprovalGrant, ApprovalRequest } from "./approval/request.ts";
import { wrong } from "./check.ts";
import { escalationsIn } from "./combine/fold.ts";
import { allow, amend, type Decision, type Deny, deny, type Escalate, isThenable, type Transform } from "./decision.ts";
import { Draft } from "./draft.ts";
import type { OpenAct } from "./open-acts.ts";
import { type Passage, passesUnjudged } from "./passage.ts";
import type { GovernedRequest, TokenUsage } from "./request.ts";
import { describe, respond, withhold } from "./response.ts";
import { capsOf, Fault, snapshot } from "./snapshot/snapshot.ts";
import { Takings } from "./taking.ts";
import { conclude, eventOf, recordDecision, tellDenial } from "./tell.ts";

/** What the caller may say about an act. */
export interface ActInit {
  /** The framework's id of the call. Absent or empty: the session makes one. */
  callId?: string | undefined;
  /** What guards may want to know. `untrusted: true` marks the session tainted once the act has ended. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Aborts the act. */
  signal?: AbortSignal | undefined;
  /** The answer to this call's approval request, given earlier; several, where the kernel wants several approvers. */
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
  #signal: AbortSignal | undefined;

  constructor(passage: Passage, stage: ActStage, name: string, payload: unknown, init: ActInit) {
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
    return denied ?? passage.ask(request, gate, this.takings);
  }

  #admit(decision: Decision, asks: boolean): this | Promise<this> {
    const real = conclude(this.passage, this, decision, this.started);
    if (real.effect === "escalate") {
      // An approval is bound to what it shows, and what is not plain data can change behind it.
      if (this.isPlain) return this.#question(real, asks, 0);
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
    const copy = snapshot(payload, capsOf(this.stage), false);
    this.payload = copy instanceof Fault ? payload : copy;
    this.changed = true;
    if (this.request !== undefined) this.request = { ...this.request, payload };
  }

  async #question(decision: Escalate, asks: boolean, round: number): Promise<this> {
    const { passage } = this;
    const { core } = passage;
    // A copy that nobody else holds: what the person is shown is what the call is held against later.
    const judged = snapshot("payload" in decision ? decision.payload : this.payload, capsOf(this.stage), false);
    if (judged instanceof Fault) {
      return this.#settle(conclude(passage, this, deny("payload_not_plain", "Only plain data can be approved")));
    }
    const approval = await createApproval(passage, this, escalationsIn(decision), judged);
    // Closed or cancelled meanwhile: nobody is asked, and nothing brings the act back.
    if (this.phase === "over") return this;
    this.decision = amend(decision, { approval });
    this.phase = "escalated";
    this.#asked = { approval, judged, round };
    core.emitter.emit("approval_requested", {
      ...eventOf(passage, passage.state.now),
      stage: this.stage,
      name: this.name,
      callId: this.callId,
      approval,
    });
    const { grant } = this.#init;
    if (grant !== undefined && round === 0) await this.#answer(grant);
    else if (asks && core.approve !== undefined) {
      await this.#answer(await askPerson(core.approve, approval, this.signal, core.approvalTtlMs));
    }
    return this;
  }

  #asked: { readonly approval: ApprovalRequest; readonly judged: unknown; readonly round: number } | undefined;

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
    const { approved, by, reason, edited } = await readAnswer(answer, asked.approval, passage.core, now);
    passage.core.emitter.emit("approval_resolved", {
      ...eventOf(passage, now),
      stage: this.stage,
      name: this.name,
      callId: this.callId,
      approval: asked.approval,
      approved,
      by,
      reason,
    });
    if (!approved) return void this.#refuse(reason);
    await this.#again(asked, edited, now);
  }

  #refuse(reason: string): void {
    this.#settle(conclude(this.passage, this, deny("approval_denied", reason)));
  }

  /** An approval judges again, from the first guard: only the approved codes are answered by it. */
  async #again(
    asked: { approval: ApprovalRequest; judged: unknown; round: number },
    edited: { payload: unknown } | undefined,
    started: number | undefined,
  ): Promise<void> {
    const { passage } = this;
    this.takings.giveBack(false);
    const late = await this.#judge(edited === undefined ? this.#original : edited.payload);
    let decision = passage.halted() ?? late;
    if (decision.effect === "escalate") {
      const open = escalationsIn(decision).filter((one) => !asked.approval.codes.includes(one.code));
      if (open.length > 0) {
        if (asked.round >= MOST_QUESTIONS) return this.#refuse("Too many questions were asked about one call");
        await this.#question(conclude(this.passage, this, decision, started) as Escalate, true, asked.round + 1);
        return;
      }
      const { warnings, guard } = decision;
      const heard = warnings === undefined ? {} : { warnings };
      decision = "payload" in decision
        ? amend(
          { effect: "transform", allowed: true, reason: decision.reason, payload: decision.payload } as Transform,
          { ...heard, ...(guard === undefined ? {} : { guard }) },
        )
        : warnings === undefined
        ? ALLOW
        : amend(ALLOW, heard);
    }
    const judged = decision.effect === "transform" ? decision.payload : this.payload;
    if (decision.allowed && edited === undefined && !sameData(judged, asked.judged)) {
      return this.#refuse("The call is not the one that was approved");
    }
    this.#settle(conclude(this.passage, this, decision, started));
    if (edited !== undefined) this.changed = true;
  }

  end(result: unknown, usage?: TokenUsage): Decision | Promise<Decision> {
    return this.respond(result, false, usage);
  }

  fail(error: unknown): Decision | Promise<Decision> {
    if (this.phase === "running" && passesUnjudged(error, this.signal)) {
      this.takings.settle(undefined);
      this.ended = ALLOW;
      this.#finish();
      return ALLOW;
    }
    return this.respond(describe(error), true, undefined);
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
      this.takings.settle(undefined);
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
