import { type ExecutionContext, stateOf } from "../base/context.ts";
import {
  allow,
  amend,
  type Decision,
  type Deny,
  denyHere,
  type Escalate,
  escalationsIn,
  guardError,
  guardOf,
  isByUs,
  isThenable,
  joinEscalations,
  ours,
  readAnswer,
  type Transform,
  type Warning,
  warningsIn,
} from "../base/decision.ts";
import { type Guard, nameOf } from "../base/guard.ts";
import { ownField } from "../base/own.ts";
import type { GovernedRequest, Stage } from "../base/request.ts";
import { sameData } from "../snapshot/same-data.ts";
import { capsOf, Fault, lastMet, snapshot, takeTwin } from "../snapshot/snapshot.ts";
import { gifts, Reservations } from "../base/taking.ts";
import { askSafely } from "./ask-guard.ts";
import { isOfLibrary } from "./library.ts";

export { escalationsIn } from "../base/decision.ts";

/** Told what each part answered, for explanations. */
export type Trace = (guard: Guard, decision: Decision) => void;

/** Goes on from the answer of the guard at `at`: the laws of `all`, once something did not simply allow. */
export function fold(
  guards: readonly Guard[],
  at: number,
  answer: unknown,
  request: GovernedRequest,
  context: ExecutionContext,
  own: Reservations,
): Decision | Promise<Decision> {
  const guard = guards[at] as Guard;
  const read = readAnswer(answer, nameOf(guard));
  if (isThenable(read)) Reservations.wait(own, guard);
  return new Fold(guards, request, context, own, undefined).first(at, read);
}

/** Asks guards in order, from the first: for explanations and second looks, which are not on the hot path. */
export function foldAll(
  guards: readonly Guard[],
  request: GovernedRequest,
  context: ExecutionContext,
  own: Reservations,
  trace?: Trace,
): Decision | Promise<Decision> {
  const walk = new Fold(guards, request, context, own, trace);
  return guards.length === 0 ? allow() : walk.first(0, walk.ask(0, own));
}

class Fold {
  readonly #guards: readonly Guard[];
  readonly #context: ExecutionContext;
  readonly #own: Reservations;
  readonly #trace: Trace | undefined;
  #request: GovernedRequest;
  #shown: unknown;
  /** The last transform's payload as a copy of our own, where freezing what guards are shown does not hold. */
  #kept: { readonly payload: unknown } | undefined;
  #transform: Transform | undefined;
  #transformedAt = -1;
  #escalations: readonly Escalate[] = [];
  #warnings: readonly Warning[] = [];

  constructor(
    guards: readonly Guard[],
    request: GovernedRequest,
    context: ExecutionContext,
    own: Reservations,
    trace: Trace | undefined,
  ) {
    this.#guards = guards;
    this.#request = request;
    this.#shown = request.payload;
    this.#context = context;
    this.#own = own;
    this.#trace = trace;
  }

  ask(at: number, taking: Reservations): Decision | Promise<Decision> {
    if (this.#isRewritten()) return rewritten();
    return askSafely(this.#guards[at] as Guard, this.#request, this.#context, taking);
  }

  #isRewritten(): boolean {
    return this.#request.payload !== this.#shown ||
      (this.#kept !== undefined && !sameData(this.#kept.payload, this.#shown));
  }

  /** Goes through the guards from `from` on, the first of which has answered already. */
  first(from: number, answered: Decision | Promise<Decision>): Decision | Promise<Decision> {
    let at = from;
    let answer = answered;
    for (;;) {
      if (isThenable(answer)) {
        const here = at;
        const own = this.#own;
        const { count } = gifts;
        return Promise.resolve(answer).then((late) => {
          Reservations.wait(own, undefined);
          // Of what it took after it had asked guards of its own, nobody has said so.
          Reservations.tell(own, count, () => this.#guards[here]);
          if (Reservations.isOver(own)) return late;
          return this.first(here, late);
        });
      }
      const decision = answer as Decision;
      this.#trace?.(this.#guards[at] as Guard, decision);
      const denied = this.#take(decision, at);
      if (denied !== undefined) return denied;
      if (++at === this.#guards.length) {
        return this.#transformedAt > 0 ? this.#second(0, Reservations.again(this.#own)) : this.#end();
      }
      answer = this.ask(at, this.#own);
    }
  }

  /** Takes one decision in; answers a denial if that is the end. */
  #take(decision: Decision, at: number): Deny | undefined {
    this.#hear(warningsIn(decision));
    if (decision.effect !== "allow" && isOfLibrary(this.#guards[at] as Guard)) ours(decision);
    if (decision.effect === "deny") return this.#warned(decision);
    if (decision.effect === "escalate") this.#escalations = [...this.#escalations, ...escalationsIn(decision)];
    if (decision.effect === "transform" || (decision.effect === "escalate" && Object.hasOwn(decision, "payload"))) {
      const { stage } = this.#request;
      const copy = snapshot(decision.payload, capsOf(stage, stateOf(this.#context).caps), true);
      this.#kept = lastMet() === "soft" ? { payload: copy } : undefined;
      const payload = takeTwin();
      if (copy instanceof Fault) return this.#warned(faultDenial(copy, stage, guardOf(decision)));
      this.#request = { ...this.#request, payload };
      this.#shown = payload;
      if (decision.effect === "transform") this.#transform = amend(decision, { payload });
      this.#transformedAt = at;
    }
    return undefined;
  }

  /**
   * Every guard before the last transform that took nothing looks once more, and may deny or escalate but not
   * transform.
   */
  #second(from: number, look: Reservations): Decision | Promise<Decision> {
    for (let at = from; at < this.#transformedAt; at++) {
      const answer = this.ask(at, look);
      if (isThenable(answer)) {
        const here = at;
        return Promise.resolve(answer).then((late) => this.#lookedAgain(late) ?? this.#second(here + 1, look));
      }
      const denied = this.#lookedAgain(answer as Decision);
      if (denied !== undefined) return denied;
    }
    return this.#end();
  }

  #lookedAgain(decision: Decision): Deny | undefined {
    const heard = new Set(this.#warnings.map(keyOf));
    this.#hear(warningsIn(decision)?.filter((one) => !heard.has(keyOf(one))));
    if (decision.effect === "deny") return this.#warned(decision);
    if (decision.effect === "escalate") {
      const asked = new Set(this.#escalations.map(keyOf));
      this.#escalations = [
        ...this.#escalations,
        ...escalationsIn(decision).filter((one) => !asked.has(keyOf(one))),
      ];
    }
    return undefined;
  }

  #end(): Decision {
    if (this.#kept !== undefined) {
      if (this.#isRewritten()) return rewritten();
      // Guards hold what they were shown; what goes on is another copy.
      const { payload } = this.#kept;
      this.#request = { ...this.#request, payload };
      if (this.#transform !== undefined) this.#transform = amend(this.#transform, { payload });
    }
    const [first] = this.#escalations;
    if (first !== undefined) {
      const reason = [...new Set(this.#escalations.map((one) => one.reason))].join("; ");
      const joined = amend(questionOf(first), {
        reason,
        ...(this.#transformedAt < 0 ? {} : { payload: this.#request.payload }),
      });
      return this.#warned(joinEscalations(byAll(joined, this.#escalations), this.#escalations));
    }
    return this.#warned(this.#transform ?? allow());
  }

  #hear(warnings: readonly Warning[] | undefined): void {
    if (warnings !== undefined) this.#warnings = [...this.#warnings, ...warnings];
  }

  #warned<D extends Decision>(decision: D): D {
    return this.#warnings.length === 0
      ? decision
      : amend(decision, { warnings: Object.freeze(this.#warnings) } as Partial<D>);
  }
}

/** An escalation without what was folded into it. */
function questionOf(escalation: Escalate): Escalate {
  const { effect, allowed, code, reason } = escalation;
  const guard = guardOf(escalation);
  return guard === undefined ? { effect, allowed, code, reason } : { effect, allowed, code, reason, guard };
}

/** A joined question is the library's where each of its parts is. */
function byAll(joined: Escalate, parts: readonly Escalate[]): Escalate {
  return parts.every(isByUs) ? ours(joined) : joined;
}

/** What tells warnings, and questions, apart. */
function keyOf(one: Warning | Escalate): string {
  return `${ownField(one, "guard")}\n${one.code}\n${one.reason}`;
}

/** Puts the questions of an earlier gate before an answer that is no denial. */
export function joinedTo(first: Escalate, decision: Decision): Decision {
  if (decision.effect === "deny") return decision;
  const parts = [...escalationsIn(first), ...(decision.effect === "escalate" ? escalationsIn(decision) : [])];
  const warnings = Object.freeze([...(warningsIn(first) ?? []), ...(warningsIn(decision) ?? [])]);
  const reason = [...new Set(parts.map((one) => one.reason))].join("; ");
  const joined = amend(questionOf(first), {
    reason,
    ...(decision.effect !== "allow" && Object.hasOwn(decision, "payload") ? { payload: decision.payload } : {}),
    ...(warnings.length === 0 ? {} : { warnings }),
  });
  return joinEscalations(byAll(joined, parts), parts);
}

/** The denial where a guard wrote to the request. */
export function rewritten(): Deny {
  return guardError(undefined, new TypeError("A guard wrote to the request"));
}

/** The denial of a payload that could not be read: where, what stands there and what to do, and no value. */
export function faultDenial(fault: Fault, stage: Stage, guard?: string): Deny {
  const { code, path, what } = fault;
  const advice = stage.startsWith("pre_") || stage === "input"
    ? "pass plain data, or a view that reads it"
    : "return plain data, or pass a view that reads it";
  const reason = code === "payload_too_large"
    ? `The payload is too large: ${what}`
    : `The payload is not plain data at ${path}: ${what}; ${advice}`;
  const denial = denyHere(code, reason, code === "payload_too_large" ? { path } : { path, kind: what });
  return guard === undefined ? denial : amend(denial, { guard });
}
