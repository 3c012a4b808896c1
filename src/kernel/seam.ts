import type { ExecutionContext } from "../base/context.ts";
import type { Deny, Escalate } from "../base/decision.ts";
import type { GovernanceEvents } from "../base/events.ts";
import type { Guard, Interceptor } from "../base/guard.ts";
import type { Stage } from "../base/request.ts";
import type { GovernancePolicy } from "../policy/policy.ts";
import type { StateStore } from "../state/store.ts";
import type { AgentProfile } from "../trust/profile.ts";
import type { AuditSink } from "./records.ts";
import type { SessionInit } from "./types.ts";

// The seam between the engine and what extends it: types alone, so that neither imports the other.

/**
 * The place of a plugin's guard: `who` judges who may act, before everything else, and `what` the rules of a policy;
 * `own`, after them, is for all others.
 */
export type GuardPlace = "who" | "what" | "own";

/** What an extension may know of a session, and do to it. */
export interface SessionHandle {
  /** What guards know about it. */
  readonly context: ExecutionContext;
  /** The session that it is a child of. */
  readonly parent: SessionHandle | undefined;
  /** The session's time, in ms since the epoch; `NaN` where the clock gives none. */
  now(): number;
  /** Aborts what is under way. What begins afterwards is stopped by a {@linkcode StopCheck} alone. */
  halt(why: Deny): void;
}

/** Which gate of which act. */
export interface ActRef {
  /** The gate. */
  readonly stage: Stage;
  /** The run's action, the model's id or the tool's name. */
  readonly name: string;
  /** The act's id. */
  readonly callId: string;
}

/** Says at once why a session may start nothing. It is asked often; one that throws denies. */
export type StopCheck = (session: SessionHandle) => Deny | undefined;

/** What a session is made of, as far as extensions fill it in. */
export interface SessionParts {
  /** Who acts. The session's agentId and agentKey follow from its DID. */
  agent: AgentProfile | undefined;
  /** What limits the session; by default its parent's. */
  policy: GovernancePolicy;
  /** Guards of this session alone, after all others. */
  readonly guards: Guard[];
}

/** Takes part in the opening of sessions. Openers are asked in the order of their plugins. */
export interface SessionOpener {
  /** The options of `session()` that it reads. One that no opener reads is unknown, and refused. */
  readonly keys?: readonly string[];
  /** Checks its options and fills in the parts; what it throws keeps the session from being opened. */
  open?(init: SessionInit, parts: SessionParts, parent: SessionHandle | undefined): void;
  /** Keeps what belongs to the session, which is there now. */
  opened?(init: SessionInit, session: SessionHandle): void;
  /** Begins what the session's first act must wait for; a denial is the answer to every act. */
  ready?(session: SessionHandle): Deny | undefined | Promise<Deny | undefined>;
}

/** An act after its response gate. */
export interface EndedAct extends ActRef {
  /** What the gate let through; `undefined` where it let nothing. */
  readonly result: unknown;
  /** Whether the act threw. */
  readonly isError: boolean;
  /** Whether the gate let the response through. */
  readonly isAllowed: boolean;
  /** Which it is of the session's completed runs and tool calls. */
  readonly nth: number;
  /** What an observer before this one objects. */
  readonly objection: Deny | undefined;
}

/** Is told of acts that have ended, and may object: the first objection denies the response. */
export interface ActObserver {
  /** The response gates at which it is asked. */
  readonly stages: readonly Stage[];
  /** Whether there is anything to do now; absent: always. */
  isNeeded?(): boolean;
  /** Observes one act. One that throws or rejects denies with `guard_error`. */
  ended(session: SessionHandle, act: EndedAct): Deny | undefined | Promise<Deny | undefined>;
}

/** Is told of every denial, also in shadow mode, and of every escalation that nobody answers. */
export type DenialListener = (session: SessionHandle, act: ActRef, decision: Deny | Escalate) => void;

/** The events that extensions emit; all others are the kernel's. */
export type ExtensionEvent =
  | "checkpoint_created"
  | "drift_detected"
  | "approval_requested"
  | "approval_resolved"
  | "trust_changed"
  | "agent_signal";

/** An event of one extension, and nobody else's. */
export interface EventChannel<K extends ExtensionEvent> {
  /** Whether anybody listens: an event need not be built otherwise. */
  readonly isHeard: boolean;
  /** Tells everybody; answers the denial that a listener asks for, where listeners may deny. */
  emit(event: GovernanceEvents[K]): Deny | undefined;
  /** Tells of what failed and changed nothing, as `listener_error`. */
  failed(error: unknown): void;
}

/**
 * What a plugin's `setup` may add to its kernel. Functions that add are for `setup` alone, and throw after the first
 * session; `clock`, `storeOf` and `sessions` are for later.
 */
export interface PluginHost {
  /** The kernel's clock, in ms since the epoch. */
  readonly clock: () => number;
  /** `shadow`: nothing that guards decide has an effect. */
  readonly mode: "enforce" | "shadow";
  /** Adds a guard; by default after the policy's and before the kernel's own. */
  guard(guard: Guard, place?: GuardPlace): void;
  /** Adds an interceptor, inside the kernel's own. */
  intercept(interceptor: Interceptor): void;
  /**
   * Adds a reason to start nothing, asked before any guard; but only once the function that it answers was called: as
   * long as nobody was ever stopped, nobody need be asked.
   */
  stop(check: StopCheck): () => void;
  /** Takes part in the opening of sessions. */
  opening(opener: SessionOpener): void;
  /** Adds an observer of what acts came to. */
  observe(observer: ActObserver): void;
  /** Adds a listener of denials. */
  denied(listener: DenialListener): void;
  /** The plugin's own event; each has one plugin. */
  channel<K extends ExtensionEvent>(type: K): EventChannel<K>;
  /** Gives the kernel a store for state; there can be one. */
  store(store: StateStore): void;
  /** The kernel's store, whichever plugin brought it; `undefined` where none did. */
  storeOf(): StateStore | undefined;
  /** Adds a sink for audit records. */
  sink(sink: AuditSink): void;
  /** Listens to events. */
  on: <K extends keyof GovernanceEvents>(type: K, listener: (event: GovernanceEvents[K]) => void) => () => void;
  /** Visits the sessions in which anything can be aborted. */
  sessions(visit: (session: SessionHandle) => void): void;
}
