import {
  type ApprovalGrant,
  type ApprovalRequest,
  createKernel,
  defineGuard,
  escalate,
  grantApproval,
  type Guard,
  isPolicyViolation,
  type KernelOptions,
  memoryStore,
  type Session,
  type SessionInit,
  type StateStore,
} from "../../mod.ts";

/** A guard that wants a person for every payment, or for those that a test picks. */
export function asks(
  name: string,
  reason: string,
  picks: (payload: { amount: number }) => boolean = () => true,
): Guard {
  const question = escalate(reason);
  return defineGuard({
    name,
    stages: ["pre_tool_call"],
    check: ({ payload }) => picks(payload as { amount: number }) ? question : { effect: "allow", allowed: true },
  });
}

export const hmac: CryptoKey = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, [
  "sign",
  "verify",
]) as CryptoKey;

/** A call, which a test may change. */
export const pay = (amount = 5, more: object = {}): { name: string; arguments: { amount: number } } => ({
  name: "pay",
  arguments: { amount },
  ...more,
});

/** A session as another process would open it: of its own kernel, with the same session id. */
export function open(options: KernelOptions = {}, init: Partial<SessionInit> = {}): Session {
  return createKernel({ guards: [asks("asks", "A payment")], approvalKey: hmac, ...options })
    .session({ agentId: "payer", sessionId: "s1", ...init });
}

/** What a person is sent: the request as it leaves the process. */
export async function question(session: Session, call: ReturnType<typeof pay> = pay()): Promise<ApprovalRequest> {
  const error = await session.tool(call, () => "ran").catch((caught: unknown) => caught);
  if (!isPolicyViolation(error) || error.approval === undefined) throw new Error("wanted a question", { cause: error });
  return JSON.parse(JSON.stringify(error.approval)) as ApprovalRequest;
}

/** Signs, and sends the grant back. */
export async function signed(
  request: ApprovalRequest,
  by?: string,
  more: { approved?: boolean; payload?: unknown } = {},
): Promise<ApprovalGrant> {
  const answer = { approved: true, ...(by === undefined ? {} : { by }), ...more };
  return JSON.parse(JSON.stringify(await grantApproval(request, hmac, answer))) as ApprovalGrant;
}

/** The code with which a call was denied, or what it answered. */
export async function outcome(session: Session, call: object): Promise<unknown> {
  return await session.tool(call as ReturnType<typeof pay>, (args: { amount: number }) => args).catch(
    (error: unknown) => isPolicyViolation(error) ? error.code : Promise.reject(error),
  );
}

/** A store in which a test can have methods fail, or answer later. */
export function storeWith(changes: Partial<StateStore>, store: StateStore = memoryStore()): StateStore {
  return {
    name: "changed",
    read: (...args) => store.read(...args),
    put: (...args) => store.put(...args),
    take: (...args) => store.take(...args),
    giveBack: (...args) => store.giveBack(...args),
    ...changes,
  };
}
