import type { Stage } from "../base/request.ts";

/** One of the reasons for which a person is asked. */
export interface ApprovalEscalation {
  /** The guard that asks. */
  readonly guard?: string;
  /** What kind of question it is. */
  readonly code: string;
  /** For people. */
  readonly reason: string;
}

/** What an approver is shown: plain data, rendered from the call as it would run. */
export interface ApprovalRequest {
  /** Names this question. */
  readonly id: string;
  /** SHA-256, in hex, of everything the approval is bound to. */
  readonly digest: string;
  /** The gate that asked. */
  readonly stage: Stage;
  /** The run's action, the model's id or the tool's name. */
  readonly name: string;
  /** The act's id; `digest` covers it where the caller gave it. */
  readonly callId: string;
  /** Who wants to act. */
  readonly agentKey: string;
  /** The agent's session. */
  readonly sessionId: string;
  /** SHA-256, in hex, of the session's policy. */
  readonly policyDigest: string;
  /** What guards escalated, one by one, in their order: an approval answers these and no other. Kernels fill it in. */
  readonly escalations?: readonly ApprovalEscalation[];
  /** The code of every escalation, in the guards' order. */
  readonly codes: readonly string[];
  /** The reason of every escalation, in the guards' order. */
  readonly reasons: readonly string[];
  /** The call, for a person to read: control characters escaped, long values cut visibly. */
  readonly text: string;
  /** When the question lapses, in ms since the epoch. */
  readonly expiresAt: number;
}

/** A signed answer to an {@linkcode ApprovalRequest}. */
export interface ApprovalGrant {
  /** The question's. */
  readonly id: string;
  /** The question's. */
  readonly digest: string;
  /** The answer. */
  readonly approved: boolean;
  /** Who answered; absent or empty: nobody, which counts only where one approver is enough. */
  readonly by?: string;
  /** When the answer lapses, in ms since the epoch. */
  readonly expiresAt: number;
  /** An edited payload: judged from the first guard, and asked about anew; absent or `undefined`: the call as it is. */
  readonly payload?: unknown;
  /** Over all other fields, in base64url. */
  readonly signature: string;
}

/** What answers an {@linkcode ApprovalRequest}: only `true`, and grants that say so, approve. */
export type ApprovalAnswer = boolean | ApprovalGrant | readonly ApprovalGrant[];
