import type { StateStore } from "../state/store.ts";
import type { ApprovalAnswer, ApprovalRequest } from "./request.ts";

/** Asks a person, who answers at once or later. */
export type Approve = (request: ApprovalRequest) => ApprovalAnswer | Promise<ApprovalAnswer>;

/** How a kernel has acts approved. */
export interface Terms {
  /** Asks a person; absent: somebody else does. */
  readonly approve: Approve | undefined;
  /** Verifies grants. */
  readonly key: CryptoKey | undefined;
  /** How long a question may wait, in ms. */
  readonly ttlMs: number;
  /** How many different people must sign. */
  readonly quorum: number;
  /** Where it is kept which grants were spent. */
  readonly store: () => StateStore;
}
