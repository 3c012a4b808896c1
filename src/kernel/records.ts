import type { DecisionCode } from "../base/decision.ts";
import type { Stage, TokenUsage } from "../base/request.ts";

/** What every record says. */
export interface RecordBase {
  /** When, in ms since the epoch. */
  readonly timestamp: number;
  /** What the agent's limits are kept under. */
  readonly agentKey: string;
  /** The session. */
  readonly sessionId: string;
  /** The gate. */
  readonly stage: Stage;
  /** The run's action, the model's id or the tool's name. */
  readonly name: string;
  /** The act's id. */
  readonly callId: string;
  /** The policy, as `name@version`. */
  readonly policy: string;
}

/** A gate has judged an act: exactly one for every governed act, whatever was asked and judged again meanwhile. */
export interface DecisionRecord extends RecordBase {
  /** The discriminant. */
  readonly kind: "decision";
  /** What was decided; in shadow mode, what would have been. */
  readonly effect: "allow" | "deny" | "transform" | "escalate";
  /** Of a denial or escalation. */
  readonly code?: DecisionCode;
  /** For people. */
  readonly reason?: string;
  /** The guard that decided, as it names itself. */
  readonly guard?: string;
  /** Whether the library has written the reason: then it holds no value of a payload. There where a reason is. */
  readonly isOurs?: boolean;
  /** The rule of a policy that decided. */
  readonly rule?: string;
  /** The request that a person has answered before. */
  readonly approval?: string;
  /** The callId of the act that this one is known to be inside of. */
  readonly parentId?: string;
  /** The codes of warnings. */
  readonly warnings?: readonly string[];
  /** How long judging took, in ms, by the kernel's clock. */
  readonly durationMs?: number;
  /** What was judged; there for sinks that ask for `payloads`. */
  readonly payload?: unknown;
  /** The decision changed nothing. */
  readonly shadow: boolean;
}

/** An act has ended: exactly one for every act that was let run, once it has ended. */
export interface OutcomeRecord extends RecordBase {
  /** The discriminant. */
  readonly kind: "outcome";
  /**
   * How the act went: `withheld`, what it came to went no further; `aborted`, it was stopped or given up, and nobody
   * has judged what it came to.
   */
  readonly outcome: "completed" | "failed" | "withheld" | "aborted";
  /** Of a response that was withheld. */
  readonly code?: DecisionCode;
  /** What a model call used. */
  readonly usage?: TokenUsage;
  /** How long the act took, in ms, by the kernel's clock. */
  readonly durationMs?: number;
  /** What the response gate judged; there for sinks that ask for `payloads`. */
  readonly payload?: unknown;
}

/** What an {@linkcode AuditSink} is given. */
export type AuditRecord = DecisionRecord | OutcomeRecord;

/** Where records go. A sink that throws makes the gate deny with `audit_unavailable`. */
export interface AuditSink {
  /** Stands in errors. */
  readonly name: string;
  /** Records carry the payload; it may change later, and is read before `write` returns. */
  readonly payloads?: boolean;
  /**
   * `act`: an act begins only once `stored` says that its decision is kept; `result`: its result goes on only once both
   * records are. What `stored` rejects with denies with `audit_unavailable`.
   */
  readonly durable?: "act" | "result";
  /** Takes a record, at once: what must wait is queued by the sink. */
  write(record: AuditRecord): void;
  /** Settles once everything that was written so far is kept. */
  stored?(): Promise<void>;
}
