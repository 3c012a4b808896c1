import type { Escalate } from "../base/decision.ts";
import type { PendingAct } from "../kernel/seam.ts";
import { policyText } from "../policy/digest.ts";
import { randomText } from "../crypto/bytes.ts";
import { digestOf, render } from "./digest.ts";
import type { ApprovalEscalation, ApprovalRequest } from "./request.ts";
import type { Approve } from "./terms.ts";

const policyDigests = new WeakMap<object, Promise<string>>();

/**
 * Puts the question: bound to the call by a digest, and rendered from what would run.
 *
 * The digest is the same for the same question in another process. So it covers the act's id only where `isNamed`: an
 * id that the session counted is another one there.
 */
export async function createApproval(
  { session, stage, name, callId, isNamed }: PendingAct,
  escalations: readonly Escalate[],
  payload: unknown,
  ttlMs: number,
): Promise<ApprovalRequest> {
  const { agentKey, sessionId, policy } = session.context;
  let digesting = policyDigests.get(policy);
  if (digesting === undefined) {
    policyDigests.set(policy, digesting = digestOf("sallyport policy 1", policyText(policy)));
  }
  const policyDigest = await digesting;
  const shown = Object.freeze(escalations.map(shownOf));
  const digest = await digestOf("sallyport approval 2", {
    stage,
    name,
    payload,
    agentKey,
    sessionId,
    policyDigest,
    escalations: shown,
    ...(isNamed ? { callId } : {}),
  });
  return Object.freeze({
    id: randomText(16),
    digest,
    stage,
    name,
    callId,
    agentKey,
    sessionId,
    policyDigest,
    codes: Object.freeze([...new Set(shown.map(({ code }) => code))]),
    reasons: Object.freeze([...new Set(shown.map(({ reason }) => reason))]),
    escalations: shown,
    text: render(name, payload),
    expiresAt: session.now() + ttlMs,
  });
}

function shownOf(escalation: Escalate): ApprovalEscalation {
  const { code, reason } = escalation;
  const named = Object.hasOwn(escalation, "guard") && escalation.guard !== undefined;
  return Object.freeze(named ? { guard: escalation.guard, code, reason } : { code, reason });
}

/** What somebody answered, or why nobody did. */
export class NoAnswer {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

const ABORTED = "The act was aborted before anybody answered";

/** Asks, and waits until there is an answer, the question has lapsed or the act is aborted. */
export async function askPerson(
  approve: Approve,
  request: ApprovalRequest,
  signal: AbortSignal,
  ttlMs: number,
): Promise<unknown> {
  if (signal.aborted) return new NoAnswer(ABORTED);
  let giveUp!: (answer: NoAnswer) => void;
  const nobody = new Promise<NoAnswer>((resolve) => {
    giveUp = resolve;
  });
  const onAbort = (): void => giveUp(new NoAnswer(ABORTED));
  const timer = setTimeout(() => giveUp(new NoAnswer("Nobody answered in time")), Math.min(ttlMs, 2 ** 31 - 1));
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([approve(request), nobody]);
  } catch {
    return new NoAnswer("Asking for approval failed");
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
