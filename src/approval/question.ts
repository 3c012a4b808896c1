import { type Escalate, escalationsIn } from "../base/decision.ts";
import { sessionEvent } from "../base/events.ts";
import type { Approver, Escalation, EventChannel, PendingAct } from "../kernel/seam.ts";
import { sameData } from "../snapshot/same-data.ts";
import { readAnswer, readGiven, type Verdict } from "./answer.ts";
import { Answered } from "./answered.ts";
import { askPerson, createApproval } from "./ask.ts";
import type { ReadGrant } from "./read-grant.ts";
import type { ApprovalRequest } from "./request.ts";
import { spend } from "./spent.ts";
import type { Terms } from "./terms.ts";

const MOST_QUESTIONS = 8;

/** What an earlier question leaves to the next. */
interface Earlier {
  /** The grants that came with the call, as they came. */
  readonly given: unknown;
  /** Whether a person is asked where the kernel can. */
  readonly asks: boolean;
  /** How many questions there were. */
  readonly round: number;
  /** What was answered about the payload as it is. */
  readonly answered: Answered;
  /** What it was answered with: spent before the act runs. */
  readonly grants: readonly ReadGrant[];
}

/** A question about an act, and what its answer is held against. */
interface Asked extends Earlier {
  readonly approval: ApprovalRequest;
  /** What the person was shown, and what would run. */
  readonly judged: unknown;
  /** The same before the guards changed it. */
  readonly origin: unknown;
  /** Whether it was told what the answer came to. */
  isTold: boolean;
}

/** Asks people about acts, and holds the acts to what was answered. */
export class Questions implements Approver {
  readonly #terms: Terms;
  readonly #requested: EventChannel<"approval_requested">;
  readonly #resolved: EventChannel<"approval_resolved">;
  /** The question about each act that was asked last. */
  readonly #asked: WeakMap<PendingAct, Asked> = new WeakMap();

  constructor(
    terms: Terms,
    requested: EventChannel<"approval_requested">,
    resolved: EventChannel<"approval_resolved">,
  ) {
    this.#terms = terms;
    this.#requested = requested;
    this.#resolved = resolved;
  }

  ask(act: PendingAct, escalation: Escalation, asks: boolean, given: unknown): Promise<void> {
    return this.#question(act, escalation, { asks, given, round: 0, answered: Answered.none, grants: [] });
  }

  async #question(act: PendingAct, { decision, payload, origin }: Escalation, last: Earlier): Promise<void> {
    const { approve, ttlMs } = this.#terms;
    const escalations = escalationsIn(decision);
    const approval = await createApproval(act, escalations, payload, ttlMs);
    if (!act.open(decision, approval)) return;
    const asked: Asked = {
      given: last.given,
      asks: last.asks,
      grants: last.grants,
      round: last.round + 1,
      answered: last.answered.with(escalations),
      approval,
      judged: payload,
      origin,
      isTold: false,
    };
    this.#asked.set(act, asked);
    const { session, stage, name, callId } = act;
    this.#requested.emit({ ...sessionEvent(session.context, session.now()), stage, name, callId, approval });
    await this.#answerGiven(act, asked);
    // A grant that did not count is no answer.
    if (last.asks && approve !== undefined && this.#isOpen(act, approval)) {
      const answer = await askPerson(approve, approval, act.signal, ttlMs);
      await act.reading;
      // Somebody else has answered, and it was asked about something else since.
      if (this.#isOpen(act, approval)) await this.#answerWith(act, answer);
    }
  }

  #isOpen(act: PendingAct, approval: ApprovalRequest): boolean {
    return act.isOpen && this.#asked.get(act)?.approval === approval;
  }

  answer(act: PendingAct, answer: unknown, isGiven: boolean): Promise<void> {
    const last = this.#asked.get(act);
    if (!isGiven || last === undefined) return this.#answerWith(act, answer);
    const asked: Asked = { ...last, given: answer };
    this.#asked.set(act, asked);
    return this.#answerGiven(act, asked);
  }

  /** Answers with the grants that came with the call. */
  async #answerGiven(act: PendingAct, asked: Asked): Promise<void> {
    const { given, approval, asks, round } = asked;
    if (given === undefined || !this.#isOpen(act, approval)) return;
    const now = act.hold() as number;
    const verdict = await readGiven(given, approval, act, this.#terms, now, round === 1);
    if (!act.isHeld) return;
    const isNobodyLeft = asks && this.#terms.approve === undefined;
    if (verdict === undefined || (verdict.outcome === "void" && !isNobodyLeft)) {
      act.reopen();
      if (verdict !== undefined) this.#tell(act, asked, verdict);
      return;
    }
    await this.#resolve(act, asked, verdict);
  }

  async #answerWith(act: PendingAct, answer: unknown): Promise<void> {
    const asked = this.#asked.get(act);
    const now = asked === undefined ? undefined : act.hold();
    if (asked === undefined || now === undefined) return;
    const verdict = await readAnswer(answer, asked.approval, act, this.#terms, now);
    if (act.isHeld) await this.#resolve(act, asked, verdict);
  }

  unanswered(act: PendingAct, reason: string): void {
    const asked = this.#asked.get(act);
    if (asked === undefined || asked.isTold) return;
    asked.isTold = true;
    this.#tell(act, asked, { outcome: "void", by: undefined, reason, grants: [], edit: undefined });
  }

  #tell(act: PendingAct, { approval }: Asked, { outcome, by, reason, grants }: Verdict): void {
    const { session, stage, name, callId } = act;
    this.#resolved.emit({
      ...sessionEvent(session.context, session.now()),
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

  async #resolve(act: PendingAct, asked: Asked, verdict: Verdict): Promise<void> {
    asked.isTold = true;
    this.#tell(act, asked, verdict);
    // Stopped by whoever was told.
    if (!act.isHeld) return;
    if (verdict.outcome === "approved") await this.#judgeAgain(act, asked, verdict);
    else act.refuse(verdict.reason);
  }

  /**
   * An approval judges again, from the first guard. It answers the escalations that it showed, for the payload that it
   * showed: any other is asked about anew, and so is everything about a payload that the approver edited.
   */
  async #judgeAgain(act: PendingAct, asked: Asked, { edit, grants }: Verdict): Promise<void> {
    // What was shown is no edit, and neither is what it was made from.
    const edited = edit !== undefined && !sameData(edit.payload, asked.judged) && !sameData(edit.payload, asked.origin)
      ? edit
      : undefined;
    const answered = edited === undefined ? asked.answered : Answered.none;
    const used = [...asked.grants, ...grants];
    const decision = await act.judge(edited);
    if (!act.isHeld) return;
    if (decision.effect === "deny" || act.halted() !== undefined) return void act.settle(decision);
    if (edited === undefined && !sameData(act.payload(), asked.judged)) {
      return act.refuse("The call is not the one that was approved");
    }
    if (decision.effect === "escalate" && !answered.covers(escalationsIn(decision))) {
      return await this.#askAnew(act, decision, { ...asked, answered, grants: used });
    }
    // The last thing before the act may run: a refused attempt spends nothing.
    const spent = await spend(this.#terms.store(), used, act.now());
    if (!act.isHeld) return typeof spent === "string" ? undefined : await spent.giveBack();
    if (typeof spent === "string") return act.refuse(`The answer does not count: ${spent}`);
    if (!act.settle(decision)) await spent.giveBack();
  }

  async #askAnew(act: PendingAct, decision: Escalate, last: Earlier): Promise<void> {
    if (last.round > MOST_QUESTIONS) return act.refuse("Too many questions were asked about one call");
    const escalation = act.again(decision);
    if (escalation !== undefined) await this.#question(act, escalation, last);
  }
}
