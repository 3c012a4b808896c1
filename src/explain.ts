import { foldAll } from "./combine/fold.ts";
import { type Decision, isThenable } from "./decision.ts";
import { nameOf } from "./guard.ts";
import type { Explanation } from "./kernel.ts";
import type { Stage } from "./request.ts";
import { type Session, SessionImpl } from "./session.ts";
import type { ActInit } from "./act.ts";
import { DRY } from "./taking.ts";
import type { Passage } from "./passage.ts";

/** Judges a request with the very guards that enforce it, and keeps what each answered. */
export function explain(session: Session, request: { stage: Stage; name: string; payload: unknown } & ActInit): Explanation | Promise<Explanation> {
  const passage = SessionImpl.passageOf(session) as Passage;
  passage.tick();
  const { stage, name, payload, callId = "#explain", metadata } = request;
  const steps: { readonly guard: string; readonly decision: Decision }[] = [];
  const denied = passage.prepare({ stage, name, payload, callId, metadata });
  const answer = "effect" in denied ? denied : foldAll(passage.gate(stage).guards, denied, passage.context, DRY, (guard, decision) => steps.push(Object.freeze({ guard: decisionGuard(decision) ?? nameOf(guard), decision })));
  const done = (decision: Decision): Explanation => Object.freeze({ decision, steps: Object.freeze(steps) });
  return isThenable(answer) ? answer.then((late) => done(late as Decision)) : done(answer as Decision);
}

function decisionGuard(decision: Decision): string | undefined {
  return decision.effect === "allow" ? undefined : decision.guard;
}
