import type { ApprovalRequest } from "../approval/request.ts";
import { functionOf, wrongType } from "./check.ts";
import type { ExecutionContext } from "./context.ts";
import { type Decision, type DecisionCode, type Deny, type Escalate, isThenable } from "./decision.ts";
import { isPolicyViolation, type PolicyViolationError } from "./errors.ts";
import type { Stage, TokenUsage } from "./request.ts";

/** What every event of a session says. */
export interface SessionEvent {
  /** The agent's id. */
  readonly agentId: string;
  /** What the agent's limits are kept under. */
  readonly agentKey: string;
  /** The session. */
  readonly sessionId: string;
  /** When, in ms since the epoch, by the kernel's clock. */
  readonly timestamp: number;
}

/** What every event of a session says. */
export function sessionEvent(context: ExecutionContext, timestamp: number): SessionEvent {
  const { agentId, agentKey, sessionId } = context;
  return { agentId, agentKey, sessionId, timestamp };
}

/** What every event of a gate says. */
export interface GateEvent extends SessionEvent {
  /** The gate. */
  readonly stage: Stage;
  /** The run's action, the model's id or the tool's name. */
  readonly name: string;
  /** The act's id. */
  readonly callId: string;
}

/** A gate has judged. */
export interface PolicyCheckEvent extends GateEvent {
  /** What was decided; in shadow mode, what would have been. */
  readonly decision: Decision;
  /** How long judging took, in ms, by the kernel's clock. */
  readonly durationMs: number;
  /** The decision has no effect: the kernel or this guard is in shadow mode. */
  readonly shadow: boolean;
}

/** A gate has denied. Tool calls that may not begin are `tool_call_blocked`, all else is `policy_violation`. */
export interface DenialEvent extends GateEvent {
  /** Machine-readable. */
  readonly code: DecisionCode;
  /** For people. */
  readonly reason: string;
  /** The guard that denied. */
  readonly guard: string | undefined;
  /** The whole decision. */
  readonly decision: Deny | Escalate;
  /** The decision has no effect: the kernel is in shadow mode. */
  readonly shadow: boolean;
}

/** The events of a kernel, by type. */
export interface GovernanceEvents {
  /** Every gate, after judging. */
  policy_check: PolicyCheckEvent;
  /** A denial anywhere but before a tool call. */
  policy_violation: DenialEvent;
  /** A tool call that may not begin. */
  tool_call_blocked: DenialEvent & { readonly toolName: string };
  /** Every `checkpointFrequency`-th completed run or tool call. */
  checkpoint_created: SessionEvent & { readonly checkpointId: string; readonly callCount: number };
  /** An output further from the session's baseline than `driftThreshold`. */
  drift_detected: SessionEvent & { readonly callId: string; readonly driftScore: number; readonly threshold: number };
  /** A person is asked. */
  approval_requested: GateEvent & { readonly approval: ApprovalRequest };
  /**
   * A person has answered, or nobody did. A grant that came with the call and does not count is told too, and then who
   * was asked. `grants`: the ids of those that approved, one for each.
   */
  approval_resolved: GateEvent & {
    readonly approval: ApprovalRequest;
    readonly approved: boolean;
    readonly by: string | undefined;
    readonly reason: string;
    readonly grants: readonly string[];
  };
  /** An act has ended, after its response gate. */
  call_completed: GateEvent & {
    readonly isError: boolean;
    readonly usage: TokenUsage | undefined;
    readonly decision: Decision;
    readonly durationMs: number;
  };
  /** A trust score has changed. */
  trust_changed: {
    readonly did: string;
    readonly outcome: string;
    readonly newScore: number;
    readonly timestamp: number;
  };
  /** An agent was suspended, resumed or killed. */
  agent_signal: {
    readonly agent: string;
    readonly signal: "suspend" | "resume" | "kill";
    readonly reason: string;
    readonly timestamp: number;
  };
  /** A listener threw or rejected; it changed nothing. */
  listener_error: { readonly type: keyof GovernanceEvents; readonly error: unknown };
}

/** Every type of event. */
export const EVENT_TYPES: readonly (keyof GovernanceEvents)[] = Object.freeze(
  [
    "policy_check",
    "policy_violation",
    "tool_call_blocked",
    "checkpoint_created",
    "drift_detected",
    "approval_requested",
    "approval_resolved",
    "call_completed",
    "trust_changed",
    "agent_signal",
    "listener_error",
  ] as const,
);

const DECIDING: ReadonlySet<keyof GovernanceEvents> = new Set(
  ["policy_check", "drift_detected", "checkpoint_created", "call_completed"] as const,
);

type Listener = (event: never) => unknown;

/**
 * Hands events to listeners, whose errors change nothing, with the one exception of {@linkcode PolicyViolationError}.
 */
export class Emitter {
  readonly #listeners: Map<keyof GovernanceEvents, readonly Listener[]> = new Map();
  #isHeard = false;

  /** Adds a listener; the returned function removes it. */
  on<K extends keyof GovernanceEvents>(type: K, listener: (event: GovernanceEvents[K]) => void): () => void {
    if (!EVENT_TYPES.includes(type)) throw wrongType("on()", "type", `one of ${EVENT_TYPES.join(", ")}`, type);
    const own: Listener = functionOf("on()", "listener", listener).bind(undefined);
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), own]);
    this.#isHeard = true;
    return () => {
      this.#listeners.set(type, (this.#listeners.get(type) ?? []).filter((other) => other !== own));
    };
  }

  /** Whether anybody listens to anything at all, or ever did: asked on the hot path. */
  get isHeard(): boolean {
    return this.#isHeard;
  }

  /** Whether anybody listens: events are only built when somebody does. */
  has(type: keyof GovernanceEvents): boolean {
    if (!this.#isHeard) return false;
    const listeners = this.#listeners.get(type);
    return listeners !== undefined && listeners.length > 0;
  }

  /** Calls every listener, in order; answers the first violation that one of them threw where listeners may deny. */
  emit<K extends keyof GovernanceEvents>(type: K, event: GovernanceEvents[K]): PolicyViolationError | undefined {
    let violation: PolicyViolationError | undefined;
    for (const listener of this.#listeners.get(type) ?? []) {
      try {
        const answer = listener(event as never);
        if (isThenable(answer)) answer.then(undefined, (error: unknown) => this.#failed(type, error));
      } catch (error) {
        if (DECIDING.has(type) && isPolicyViolation(error)) violation ??= error;
        else this.#failed(type, error);
      }
    }
    return violation;
  }

  #failed(type: keyof GovernanceEvents, error: unknown): void {
    // A failing listener of failures would call itself for ever.
    if (type !== "listener_error") this.emit("listener_error", { type, error });
  }
}
