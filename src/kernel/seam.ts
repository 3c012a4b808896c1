import type { ExecutionContext } from "../base/context.ts";
import type { ApprovalRequest } from "../approval/request.ts";
import type { Decision, Deny, Escalate } from "../base/decision.ts";
import type { GovernanceEvents } from "../base/events.ts";
import type { Guard, Interceptor } from "../base/guard.ts";
import type { AbortSignalLike } from "../base/platform.ts";
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
  /** Marks it as tainted, and those around it: foreign content has come in. */
  taint(): void;
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
  /** Whether there is anything to do now in a session; absent: always. */
  isNeeded?(session: SessionHandle): boolean;
  /** Observes one act. One that throws or rejects denies with `guard_error`. */
  ended(session: SessionHandle, act: EndedAct): Deny | undefined | Promise<Deny | undefined>;
}

/** What a session was told from outside. */
export interface SessionInput {
  /** The input of a run that was let through, as its guards judged it, or the text that `session.inform` was given. */
  readonly content: unknown;
  /** The act's metadata; of `session.inform` none. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Whether it is the input of a run. */
  readonly isRun: boolean;
}

/** Is told of what comes into sessions, before a run works on it. One that throws denies the run with `guard_error`. */
export type InputListener = (session: SessionHandle, input: SessionInput) => void;

/** Is told of every denial, also in shadow mode, and of every escalation that nobody answers. */
export type DenialListener = (session: SessionHandle, act: ActRef, decision: Deny | Escalate) => void;

/** Why a person is asked, and about what: copies that nobody else holds. */
export interface Escalation {
  /** What the guards answered. */
  readonly decision: Escalate;
  /** What would run. */
  readonly payload: unknown;
  /** The same before the guards changed it. */
  readonly origin: unknown;
}

/**
 * An act that a guard escalated, for whoever gets it approved.
 *
 * Its question is open from `open` on, until an answer is held (`hold`); then the act is judged again (`judge`), and
 * settled with what that answered, refused, asked about anew (`again`), or the question is opened once more (`reopen`).
 * Nothing but what its guards have answered since lets it run.
 */
export interface PendingAct extends ActRef {
  /** Where it is to run. */
  readonly session: SessionHandle;
  /** Whether the caller gave the call its id: one that the session counted is another in another process. */
  readonly isNamed: boolean;
  /** Whether the question is open, and nobody's answer is being read. */
  readonly isOpen: boolean;
  /** Whether the act is still to be settled, and not open; `false` also once it was stopped. */
  readonly isHeld: boolean;
  /** Aborts once nobody has to answer the question that is open. */
  readonly signal: AbortSignalLike;
  /** There while an answer is read that somebody gave unasked. */
  readonly reading: Promise<void> | undefined;
  /** Reads the clock anew, in ms since the epoch. */
  now(): number;
  /** Why nothing may start in its session. */
  halted(): Deny | undefined;
  /** Copies plain data within the limits of its gate; `undefined` for anything else. */
  copy(value: unknown): { readonly value: unknown } | undefined;
  /** A copy of what would run by what `judge` answered last. */
  payload(): unknown;
  /** Puts a question, whose `approval` stands in the act's decision; `false` where the act was stopped meanwhile. */
  open(decision: Escalate, approval: ApprovalRequest): boolean;
  /** Holds the act while an answer is read; answers when that began, `undefined` where no question is open. */
  hold(): number | undefined;
  /** Opens the question again, whose answer did not count. */
  reopen(): void;
  /** Gives back what guards took, and has every guard judge again from the first, or what an approver made of the call. */
  judge(edited?: { readonly payload: unknown }): Decision | Promise<Decision>;
  /** Reports an escalation that `judge` answered; what to ask about, unless that settled the act. */
  again(decision: Escalate): Escalation | undefined;
  /**
   * Settles the act with what `judge` answered last: an escalation is what the person has approved. Answers whether the
   * act may run.
   *
   * @throws {TypeError} If it is given anything else, or the same twice.
   */
  settle(decision: Decision): boolean;
  /** Denies the act with `approval_denied`. */
  refuse(reason: string): void;
}

/** Gets escalated acts approved. What it throws denies the act with `guard_error`. */
export interface Approver {
  /** Asks about an act; `grant` came with the call. Without `asks`, somebody else will answer. */
  ask(act: PendingAct, escalation: Escalation, asks: boolean, grant: unknown): Promise<void>;
  /** Reads an answer; `isGiven`: it came with the call, which came again. */
  answer(act: PendingAct, answer: unknown, isGiven: boolean): Promise<void>;
  /** Nobody will answer any more. */
  unanswered(act: PendingAct, reason: string): void;
}

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
  /** Gives the kernel what gets escalated acts approved; there can be one. Without, they are denied. */
  approver(approver: Approver): void;
  /** Adds an observer of what acts came to. */
  observe(observer: ActObserver): void;
  /** Adds a listener of what sessions are told from outside. */
  input(listener: InputListener): void;
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
