import type { DecisionCode } from "../base/decision.ts";
import type { Stage, TokenUsage } from "../base/request.ts";

/** What every record says. Records hold no payload. */
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

/** A gate has judged an act: exactly one for every governed call. */
export interface DecisionRecord extends RecordBase {
  /** The discriminant. */
  readonly kind: "decision";
  /** What was decided; in shadow mode, what would have been. */
  readonly effect: "allow" | "deny" | "transform" | "escalate";
  /** Of a denial or escalation. */
  readonly code?: DecisionCode;
  /** For people. */
  readonly reason?: string;
  /** The guard that decided. */
  readonly guard?: string;
  /** The codes of warnings. */
  readonly warnings?: readonly string[];
  /** The decision changed nothing. */
  readonly shadow: boolean;
}

/** An act has ended: at most one for every governed call. */
export interface OutcomeRecord extends RecordBase {
  /** The discriminant. */
  readonly kind: "outcome";
  /** How the act went. */
  readonly outcome: "completed" | "failed" | "withheld";
  /** Of a response that was withheld. */
  readonly code?: DecisionCode;
  /** What a model call used. */
  readonly usage?: TokenUsage;
}

/** What an {@linkcode AuditSink} is given. */
export type AuditRecord = DecisionRecord | OutcomeRecord;

/** Where records go. A sink that throws makes the gate deny with `audit_unavailable`. */
export interface AuditSink {
  /** Stands in errors. */
  readonly name: string;
  /** Takes a record, at once: what must wait is queued by the sink. */
  write(record: AuditRecord): void;
}
