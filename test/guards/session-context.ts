import { SessionContext, SessionState } from "../../src/base/context.ts";
import type { Decision } from "../../src/base/decision.ts";
import type { Guard } from "../../src/base/guard.ts";
import type { GovernancePolicy } from "../../src/policy/policy.ts";
import type { GovernedRequest } from "../../src/base/request.ts";
import type { StateStore } from "../../src/state/store.ts";
import { branch, DRY, Reservations } from "../../src/base/taking.ts";
import { request } from "../helpers.ts";

/** A session's own context, with a state whose clock the test sets, and a way to abort it. */
export interface TestSession {
  readonly context: SessionContext;
  readonly state: SessionState;
  readonly controller: AbortController;
}

/** Makes one. */
export function sessionOf(fields: { agentKey?: unknown; sessionId?: unknown; now?: number } = {}): TestSession {
  const state = new SessionState(fields.now ?? 0);
  const controller = new AbortController();
  const { agentKey = "did:agentmesh:tester", sessionId = "session-1" } = fields;
  const context = new SessionContext({
    agentId: "tester",
    agentKey: agentKey as string,
    sessionId: sessionId as string,
    agent: undefined,
    policy: { name: "by hand" } as GovernancePolicy,
    metadata: {},
    state,
  }, controller);
  return { context, state, controller };
}

/** Judges an act of a session, with a taking of its own; `code` is "" where it was allowed. */
export function act(
  guard: Guard,
  session: TestSession,
  fields: Partial<GovernedRequest> = {},
  dry = false,
): { readonly decision: Decision; readonly code: string; readonly takings: Reservations } {
  const takings = dry ? branch(DRY) : new Reservations();
  const decision = guard(request(fields), session.context, takings) as Decision;
  if (decision instanceof Promise) throw new TypeError("A synchronous guard answered a promise");
  if (!decision.allowed) Reservations.giveBack(takings, true);
  return { decision, code: codeOf(decision), takings };
}

/** As `act`, for guards that may answer later. */
export async function actLater(
  guard: Guard,
  session: TestSession,
  fields: Partial<GovernedRequest> = {},
  dry = false,
): Promise<{ readonly decision: Decision; readonly code: string; readonly takings: Reservations }> {
  const takings = dry ? branch(DRY) : new Reservations();
  const decision = await guard(request(fields), session.context, takings);
  if (!decision.allowed) Reservations.giveBack(takings, true);
  return { decision, code: codeOf(decision), takings };
}

/** A decision's code; "" for an allowance. */
export function codeOf(decision: Decision): string {
  return "code" in decision ? decision.code : "";
}

/** The same store, answering later. */
export function later(store: StateStore): StateStore {
  return {
    name: `${store.name}, later`,
    read: async (...args) => await store.read(...args),
    put: async (...args) => await store.put(...args),
    take: async (...args) => await store.take(...args),
    giveBack: async (...args) => await store.giveBack(...args),
  };
}

/** Stores that do not work, by what they do when asked to take. */
export const BROKEN_STORES: readonly (readonly [what: string, take: () => unknown])[] = [
  ["throws", () => {
    throw new Error("connection refused");
  }],
  ["rejects", () => Promise.reject(new Error("connection refused"))],
  ["answers nothing", () => undefined],
  ["answers null", () => null],
  ["answers true", () => true],
  ["answers an empty object", () => ({})],
  ["answers text", () => ({ taken: "true", receipt: "1", remaining: 1 })],
  ["answers no receipt", () => ({ taken: true, remaining: 1 })],
  ["answers NaN", () => ({ taken: true, receipt: "1", remaining: NaN })],
  ["answers a negative rest", () => ({ taken: true, receipt: "1", remaining: -1 })],
  ["promises nonsense", () => Promise.resolve(7)],
];

/** A store that can only take, and does it in some way. */
export function storeThat(take: () => unknown, giveBack: () => unknown = () => undefined): StateStore {
  return {
    name: "broken",
    read: () => undefined,
    put: () => false,
    take: take as StateStore["take"],
    giveBack: giveBack as StateStore["giveBack"],
  };
}
