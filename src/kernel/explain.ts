import { explainCall } from "./calls.ts";
import { wrong } from "../base/check.ts";
import { foldAll } from "../combine/fold-decisions.ts";
import { type Decision, guardOf, isThenable } from "../base/decision.ts";
import { GateRequest } from "../base/gate-request.ts";
import { nameOf } from "../base/guard.ts";
import type { Scope } from "./scope.ts";
import { type GovernedRequest, type Stage, STAGES } from "../base/request.ts";
import { SessionImpl } from "./session.ts";
import type { ActInit, Session } from "./types.ts";
import { SILENT } from "../base/taking.ts";
import { limitsOf, type PayloadCaps } from "../snapshot/caps.ts";
import { untilStopped } from "./waiting.ts";

/** Why a request was decided as it was. */
export interface Explanation {
  /** What would be decided. */
  readonly decision: Decision;
  /** What each guard that was asked answered, in order. */
  readonly steps: readonly { readonly guard: string; readonly decision: Decision }[];
  /** How large a payload may be at this gate. */
  readonly limits: Readonly<Required<PayloadCaps>>;
}

/** Judges a request with the very guards that enforce it, and keeps what each answered. */
export function explain(
  session: Session,
  request: { stage: Stage; name: string; payload: unknown } & ActInit,
): Explanation | Promise<Explanation> {
  const scope = SessionImpl.scopeOf(session) as Scope;
  scope.state.tick();
  const { stage, name, payload, callId = "#explain", metadata } = explainCall(request);
  if (!STAGES.includes(stage)) throw wrong("explain()", "stage", `one of ${STAGES.join(", ")}`, stage);
  const steps: { readonly guard: string; readonly decision: Decision }[] = [];
  const asked = new GateRequest(stage, name, payload, callId, metadata);
  const gate = scope.gate(stage);
  const limits = limitsOf(gate.caps);
  const done = (decision: Decision): Explanation => Object.freeze({ decision, steps: Object.freeze(steps), limits });
  const denied = scope.prepare(asked, gate);
  if (denied !== undefined) return done(denied);
  const answer = foldAll(gate.guards, asked as GovernedRequest, scope.context, SILENT, (guard, decision) => {
    const leaf = guardOf(decision);
    steps.push(Object.freeze({ guard: leaf ?? nameOf(guard), decision }));
  });
  return isThenable(answer)
    ? untilStopped(scope, request.signal, answer as Promise<Decision>, (denial): Decision => denial).then(done)
    : done(answer as Decision);
}
