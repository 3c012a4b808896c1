import type { Escalate } from "../decision.ts";
import type { Core } from "../core.ts";
import type { Passage } from "../passage.ts";
import { policyText } from "../policy/digest.ts";
import type { Stage } from "../request.ts";
import { randomText } from "../trust/bytes.ts";
import { digestOf, plainText, render } from "./digest.ts";
import { grantMistake } from "./grant.ts";
import type { ApprovalGrant, ApprovalRequest } from "./request.ts";

/** Asks a person. */
export type Approve = (request: ApprovalRequest) => Promise<boolean | ApprovalGrant | readonly ApprovalGrant[]>;

const policyDigests = new WeakMap<object, Promise<string>>();

/** Puts the question: bound to the call by a digest, and rendered from what would run. */
export async function createApproval(
  passage: Passage,
  act: { stage: Stage; name: string; callId: string },
  escalations: readonly Escalate[],
  payload: unknown,
): Promise<ApprovalRequest> {
  const { agentKey, sessionId, policy } = passage.context;
  let digesting = policyDigests.get(policy);
  if (digesting === undefined) {
    policyDigests.set(policy, digesting = digestOf("sallyport policy 1", policyText(policy)));
  }
  const policyDigest = await digesting;
  const { stage, name, callId } = act;
  const codes = Object.freeze([...new Set(escalations.map((one) => one.code))]);
  const reasons = Object.freeze([...new Set(escalations.map((one) => one.reason))]);
  const digest = await digestOf("sallyport approval 1", {
    stage,
    name,
    callId,
    payload,
    agentKey,
    sessionId,
    policyDigest,
    codes,
  });
  const expiresAt = passage.state.now + passage.core.approvalTtlMs;
  return Object.freeze({
    id: randomText(16),
    digest,
    stage,
    name,
    callId,
    agentKey,
    sessionId,
    policyDigest,
    codes,
    reasons,
    text: render(name, payload),
    expiresAt,
  });
}

/** What somebody answered, or why nobody did. */
export class NoAnswer {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Asks, and waits until there is an answer, the question has lapsed or the act is aborted. */
export async function askPerson(
  approve: Approve,
  request: ApprovalRequest,
  signal: AbortSignal,
  ttlMs: number,
): Promise<unknown> {
  let giveUp!: (answer: NoAnswer) => void;
  const nobody = new Promise<NoAnswer>((resolve) => {
    giveUp = resolve;
  });
  const onAbort = (): void => giveUp(new NoAnswer("The act was aborted before anybody answered"));
  const timer = setTimeout(() => giveUp(new NoAnswer("Nobody answered in time")), Math.min(ttlMs, 2 ** 31 - 1));
  if (signal.aborted) onAbort();
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

/** What an answer came to. */
export interface Verdict {
  readonly approved: boolean;
  readonly by: string | undefined;
  readonly reason: string;
  /** There when the approvers changed the payload. */
  readonly edited?: { readonly payload: unknown };
}

function no(reason: string, by?: string): Verdict {
  return { approved: false, by, reason };
}

/**
 * Reads an answer: only `true`, or valid grants that say so and were not spent before, approve; with a quorum, grants
 * of so
 * many distinct approvers, none of them the agent itself.
 */
export async function readAnswer(answer: unknown, request: ApprovalRequest, core: Core, now: number): Promise<Verdict> {
  if (answer instanceof NoAnswer) return no(answer.reason);
  if (answer === false) return no("The approver refused");
  if (!(now < request.expiresAt)) return no("The approval came too late");
  if (answer === true) {
    return core.approvalQuorum === 1
      ? { approved: true, by: undefined, reason: "Approved" }
      : no("The answer does not count: it must be signed by several approvers");
  }
  if (typeof answer !== "object" || answer === null) return no("The answer was neither true nor false nor a grant");
  try {
    // Copied before anything waits: what was verified is what counts.
    const grants = (Array.isArray(answer) ? (answer as ApprovalGrant[]) : [answer as ApprovalGrant]).slice(
      0,
      MOST_GRANTS,
    ).map((grant) => Object.freeze({ ...grant }));
    return await readGrants(grants, request, core, now);
  } catch {
    return no("The answer could not be verified");
  }
}

const MOST_GRANTS = 64;

async function readGrants(
  grants: readonly ApprovalGrant[],
  request: ApprovalRequest,
  core: Core,
  now: number,
): Promise<Verdict> {
  const [first] = grants;
  if (first === undefined) return no("The answer was neither true nor false nor a grant");
  for (const grant of grants) {
    const mistake = await grantMistake(grant, request, core.approvalKey, now);
    if (mistake !== undefined) return no(`The answer does not count: ${mistake}`);
    if (!grant.approved) return no("The approver refused", grant.by);
    if (("payload" in grant) !== ("payload" in first) || !sameData(grant.payload, first.payload)) {
      return no("The answer does not count: the approvers changed the call differently");
    }
  }
  const approvers = new Set(
    grants.map((grant) => grant.by).filter((by) => by !== undefined && by !== "" && by !== request.agentKey),
  );
  if (core.approvalQuorum > 1 && approvers.size < core.approvalQuorum) {
    return no(
      `The answer does not count: ${core.approvalQuorum} distinct approvers are needed, and there are ${approvers.size}`,
    );
  }
  for (const { signature, expiresAt } of grants) {
    // Spent before the act, and kept until it could no longer be used anyway.
    const fresh = await core.store.put(JSON.stringify(["grant", signature]), "spent", {
      ifVersion: undefined,
      now,
      ttlMs: Math.max(1, Math.ceil(expiresAt - now)),
    });
    if (fresh !== true) return no("The answer does not count: the grant was used before");
  }
  const by = approvers.size > 0 ? [...approvers].join(", ") : first.by;
  return {
    approved: true,
    by,
    reason: "Approved",
    ...("payload" in first ? { edited: { payload: first.payload } } : {}),
  };
}

/** Whether two payloads are the same data; values that are not plain are only the same as themselves. */
export function sameData(a: unknown, b: unknown): boolean {
  return a === b || plainText(a) === plainText(b);
}
