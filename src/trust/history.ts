import { isSameAgent } from "../crypto/did.ts";

/** What became of an action. `violation`: it was stopped because it broke a rule. */
export type TrustOutcome = "success" | "failure" | "violation";

/** One outcome and what it made of the score. */
export interface TrustRecord {
  /** Whose. */
  readonly did: string;
  /** Of what. */
  readonly action: string;
  /** What became of it; a violation is a failure. */
  readonly outcome: "success" | "failure";
  /** There when the action was stopped because it broke a rule. */
  readonly violation?: true;
  /** The score after it. */
  readonly newScore: number;
  /** When, in ms since the epoch. */
  readonly timestamp: number;
}

/** The last so many records: the oldest leave, so that agents who come and go cannot fill the memory. */
export class History {
  readonly #limit: number;
  // A column for each field, and no object for each record: every outcome is written, and few are ever read.
  readonly #dids: string[] = [];
  readonly #actions: string[] = [];
  readonly #outcomes: TrustOutcome[] = [];
  readonly #scores: number[] = [];
  readonly #timestamps: number[] = [];
  #next = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(did: string, action: string, outcome: TrustOutcome, newScore: number, timestamp: number): void {
    if (this.#limit === 0) return;
    const row = this.#next;
    this.#dids[row] = did;
    this.#actions[row] = action;
    this.#outcomes[row] = outcome;
    this.#scores[row] = newScore;
    this.#timestamps[row] = timestamp;
    this.#next = row + 1 === this.#limit ? 0 : row + 1;
  }

  /** The records, oldest first; frozen, and new with every call. */
  list(did: string | undefined): readonly TrustRecord[] {
    const records: TrustRecord[] = [];
    const count = this.#dids.length;
    // A ring that is not full yet begins at row 0.
    const oldest = count === this.#limit ? this.#next : 0;
    for (let i = 0; i < count; i++) {
      const row = (oldest + i) % count;
      // `undefined` alone means all: an empty DID is nobody's, not everybody's.
      if (did === undefined || isSameAgent(this.#dids[row] as string, did)) records.push(this.#record(row));
    }
    return Object.freeze(records);
  }

  #record(row: number): TrustRecord {
    const [did, action] = [this.#dids[row] as string, this.#actions[row] as string];
    const [newScore, timestamp] = [this.#scores[row] as number, this.#timestamps[row] as number];
    const outcome = this.#outcomes[row] as TrustOutcome;
    if (outcome === "violation") {
      return Object.freeze({ did, action, outcome: "failure", violation: true, newScore, timestamp });
    }
    return Object.freeze({ did, action, outcome, newScore, timestamp });
  }
}

const RANK: Readonly<Record<TrustOutcome, number>> = Object.freeze({ success: 1, failure: 2, violation: 3 });

/** Which calls were counted: at least the last so many, at most twice as many. */
export class Counted {
  readonly #limit: number;
  // Two generations, since dropping the oldest one by one from a large map takes ever longer.
  #young = new Map<string, number>();
  #old = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Whether an outcome counts: the first of a call does, and a worse one later. Ids of calls come from models, so a
   * known one may spare a second reward, and never a penalty.
   */
  first(did: string, callId: string, outcome: TrustOutcome): boolean {
    // No DID holds a space, so two pairs never make the same key.
    const key = `${did} ${callId}`;
    const rank = RANK[outcome];
    if ((this.#young.get(key) ?? this.#old.get(key) ?? 0) >= rank) return false;
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    if (this.#limit > 0) this.#young.set(key, rank);
    return true;
  }
}
