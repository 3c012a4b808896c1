import type { PendingAct } from "../kernel/seam.ts";
import { type Person, personOf, requesterOf } from "./approver.ts";
import { sameData } from "../snapshot/same-data.ts";
import { NoAnswer } from "./ask.ts";
import { isSigned } from "./grant.ts";
import { NO_GRANT, type ReadGrant, readGrants } from "./read-grant.ts";
import type { ApprovalRequest } from "./request.ts";
import { isSpent } from "./spent.ts";
import type { Terms } from "./terms.ts";

/** What an answer came to. */
export interface Verdict {
  /** `void`: it does not count, as if nobody had answered. */
  readonly outcome: "approved" | "refused" | "void";
  /** For people. */
  readonly reason: string;
  /** Who answered, as they signed. */
  readonly by: string | undefined;
  /** What approved it: spent before the act runs. */
  readonly grants: readonly ReadGrant[];
  /** There when the approvers changed the payload. */
  readonly edit: { readonly payload: unknown } | undefined;
}

function no(outcome: "refused" | "void", reason: string, by?: string): Verdict {
  return { outcome, reason, by, grants: [], edit: undefined };
}

function mistake(reason: string): Verdict {
  return no("void", `The answer does not count: ${reason}`);
}

/**
 * Reads what a person answered: only `true`, or valid grants that say so, approve; with a quorum, grants of so many
 * people. Nothing is spent.
 */
export async function readAnswer(
  answer: unknown,
  request: ApprovalRequest,
  act: PendingAct,
  terms: Terms,
  now: number,
): Promise<Verdict> {
  if (answer instanceof NoAnswer) return no("refused", answer.reason);
  if (answer === false) return no("refused", "The approver refused");
  if (!(now < request.expiresAt)) return no("refused", "The approval came too late");
  if (answer === true) {
    return terms.quorum === 1
      ? { outcome: "approved", reason: "Approved", by: undefined, grants: [], edit: undefined }
      : mistake("it must be signed by several approvers");
  }
  const grants = readGrants(answer, act);
  return grants === undefined || grants.length === 0
    ? no("void", "The answer was neither true nor false nor a grant")
    : await judgedSafely(grants, request, act, terms, now);
}

/**
 * Reads the grants that came with the call; `undefined` where none of them is about this question, though there are
 * several questions to answer. What is no grant at all is refused: nobody signed it.
 */
export async function readGiven(
  given: unknown,
  request: ApprovalRequest,
  act: PendingAct,
  terms: Terms,
  now: number,
  isFirst: boolean,
): Promise<Verdict | undefined> {
  const grants = readGrants(given, act);
  if (grants === undefined) return no("refused", `The call's grant does not count: ${NO_GRANT}`);
  if (grants.length === 0 || (!isFirst && !grants.some(({ digest }) => digest === request.digest))) return undefined;
  return await judgedSafely(grants, request, act, terms, now);
}

async function judgedSafely(
  grants: readonly ReadGrant[],
  request: ApprovalRequest,
  act: PendingAct,
  terms: Terms,
  now: number,
): Promise<Verdict> {
  try {
    return await judged(grants, request, act, terms, now);
  } catch {
    return mistake("it could not be verified");
  }
}

async function judged(
  given: readonly ReadGrant[],
  request: ApprovalRequest,
  act: PendingAct,
  terms: Terms,
  now: number,
): Promise<Verdict> {
  const { key, quorum } = terms;
  if (key === undefined) return mistake("the kernel has no key to verify grants with");
  // One list may answer several questions about a call: an edit is asked about anew.
  const grants = given.filter(({ digest }) => digest === request.digest);
  const [first] = grants;
  if (first === undefined) {
    return mistake(
      given.some(({ id }) => id === request.id)
        ? "the call is not the one that was approved"
        : "the grant is for another call",
    );
  }
  const requester = await requesterOf(act.session);
  if (await requester.holds(key)) return mistake("the key that verifies it is the requester's own, or may be");
  const people: Person[] = [];
  for (const grant of grants) {
    if (!(now < grant.expiresAt)) return mistake("the grant has expired");
    if (!(await isSigned(grant, key))) return mistake("the grant's signature is not valid");
    const person = await personOf(grant.by);
    if (person === undefined) return mistake("the approver's name cannot be told from another's");
    if (requester.is(person)) return mistake("the requester signed it itself");
    if (await isSpent(terms.store(), grant, now)) return mistake("the grant was used before");
    people.push(person);
  }
  const refusal = grants.find(({ approved }) => !approved);
  if (refusal !== undefined) return no("refused", "The approver refused", refusal.by);
  const isEdit = first.payload !== undefined;
  for (const { payload } of grants) {
    if ((payload !== undefined) !== isEdit || !sameData(payload, first.payload)) {
      return mistake("the approvers changed the call differently");
    }
  }
  const signers = distinct(grants, people);
  if (quorum > 1 && signers.length < quorum) {
    return mistake(`${quorum} distinct approvers are needed, and there are ${signers.length}`);
  }
  return {
    outcome: "approved",
    reason: "Approved",
    by: signers.length > 0 ? signers.join(", ") : undefined,
    grants,
    edit: isEdit ? { payload: first.payload } : undefined,
  };
}

/** One signer's name for each person. */
function distinct(grants: readonly ReadGrant[], people: readonly Person[]): string[] {
  const known = new Set<string>();
  const signers: string[] = [];
  people.forEach(({ names }, index) => {
    if (names.length === 0 || names.some((name) => known.has(name))) return;
    for (const name of names) known.add(name);
    signers.push(grants[index]?.by as string);
  });
  return signers;
}
