import type { SessionContext, SessionState } from "../base/context.ts";
import type { Decision, Deny } from "../base/decision.ts";
import type { Emitter } from "../base/events.ts";
import type { GateRequest } from "../base/gate-request.ts";
import type { Guard, Interceptor, Taking } from "../base/guard.ts";
import type { GovernedRequest, PriceOf, Stage, TokenUsage } from "../base/request.ts";
import type { Reservations } from "../base/taking.ts";
import type { Judge } from "../combine/ask-guard.ts";
import type { Caps, GateCaps } from "../snapshot/caps.ts";
import type { StateStore } from "../state/store.ts";
import type { AuditRecord } from "./records.ts";
import type { ActObserver, Approver, DenialListener, InputListener, SessionHandle, SessionOpener } from "./seam.ts";
import type { Act, ActInit } from "./types.ts";

// What the files of the engine know of each other: the classes beside this file implement it, so that no two of them
// need each other's types.

/** The guards of one stage, compiled. */
export interface Gate {
  readonly guards: readonly Guard[];
  readonly judge: Judge;
  /** How large a payload may be. */
  readonly caps: Caps;
  /** Who is told of what came of an act. */
  readonly observers: readonly ReadObserver[];
  /** Whether somebody who is shown the payload might write to it, so that they and the act need a copy each. */
  readonly needsTwin: boolean;
}

/** The gates that were compiled so far. */
export type Gates = { -readonly [K in Stage]?: Gate };

/** What the sessions of a kernel share. */
export interface Core {
  readonly guards: readonly Guard[];
  readonly interceptor: Interceptor | undefined;
  readonly emitter: Emitter;
  readonly clock: () => number;
  readonly isShadow: boolean;
  /** What models cost, where that is known. */
  readonly price: PriceOf | undefined;
  /** Gets escalated acts approved; absent: they are denied. */
  readonly approver: Approver | undefined;
  readonly openers: Openers;
  readonly observers: readonly ReadObserver[];
  readonly inputs: readonly InputListener[];
  readonly denied: readonly DenialListener[];
  readonly live: LiveSessions;
  readonly sinks: readonly ReadSink[];
  /** Those that acts wait for before they begin. */
  readonly durable: readonly ReadSink[];
  /** Those that results wait for. */
  readonly durableResults: readonly ReadSink[];
  /** Where limits of more than one session count; absent: each guard in its own memory. */
  readonly limits: StateStore | undefined;
  readonly gates: Gates;
  /** How large a payload may be at each gate. */
  readonly caps: GateCaps;
}

/** An observer as the kernel asks it: each part read once, and none that everything inherits. */
export interface ReadObserver {
  readonly stages: readonly Stage[];
  readonly isNeeded: ActObserver["isNeeded"];
  readonly ended: ActObserver["ended"];
}

/** A sink as the kernel asks it: each part read once, and none that everything inherits. */
export interface ReadSink {
  readonly name: string;
  readonly payloads: boolean;
  readonly durable: "act" | "result" | undefined;
  readonly write: (record: AuditRecord) => unknown;
  readonly stored: (() => unknown) | undefined;
}

/** What takes part in opening sessions, by what it does. */
export interface Openers {
  /** The known options of `session()`. */
  readonly keys: SessionKeys;
  readonly open: readonly NonNullable<SessionOpener["open"]>[];
  readonly opened: readonly NonNullable<SessionOpener["opened"]>[];
  readonly ready: readonly NonNullable<SessionOpener["ready"]>[];
}

/** The options that `session()` knows. */
export interface SessionKeys {
  /** In the order in which errors name them. */
  readonly names: readonly string[];
  readonly known: ReadonlySet<string>;
  /** Those that are not the library's. */
  readonly others: readonly string[];
}

/** The sessions of a kernel in which anything can be aborted, and what stops them. */
export interface LiveSessions {
  readonly closed: Deny | undefined;
  /** Whether nobody was ever stopped: asked on the hot path. */
  readonly isQuiet: boolean;
  /** Has a session told when it is stopped. */
  watch(scope: SessionScope): void;
  /** Why a session may start nothing. */
  stopOf(scope: SessionScope): Deny | undefined;
}

/** What the verbs of a session share: one agent's way through a kernel. */
export interface SessionScope {
  readonly core: Core;
  readonly parent: SessionScope | undefined;
  readonly context: SessionContext;
  /** What extensions are given of it. */
  readonly handle: SessionHandle;
  readonly state: SessionState;
  /** The compiled guards of a stage. */
  gate(stage: Stage): Gate;
  /** An act begins or ends: what is asked for from here on is a new time. */
  tick(): number | undefined;
  /** Aborts what is under way. */
  halt(denial: Deny): void;
  /** Why nothing may start. */
  halted(): Deny | undefined;
  /** Judges, before any event, what is decided without any guard. */
  prepare(request: GateRequest, gate: Gate): Deny | undefined;
  /** Asks the start of the session, then the guards. */
  ask(request: GateRequest, gate: Gate, taking: Taking): Decision | Promise<Decision>;
}

/** The gates before an act. */
export type ActStage = "input" | "pre_model_call" | "pre_tool_call";
/** `concluding`: it was judged, and that is being told. */
export type Phase = "judging" | "concluding" | "escalated" | "running" | "ending" | "over";

/** What of an act is recorded: nothing yet, what was decided, or all; `left out`: nothing, as the policy wants it. */
export type Trail = "none" | "let run" | "denied" | "left out" | "ended";

/** What has come of a stream so far. */
export interface Came {
  /** Its texts by channel. */
  readonly texts: ReadonlyMap<string, string>;
  /** What was told last. */
  usage: TokenUsage | undefined;
}

/** What only an act that `begin` began has. */
export interface Paired {
  /** What it is handed out as. */
  handle: Act | undefined;
  /**
   * What was judged first, before any transform, and what it came with, where the caller named the call. Nobody else
   * holds it: the caller works on a copy.
   */
  judged: { readonly payload: unknown; readonly metadata: unknown } | undefined;
  /** That copy, once it was asked for. */
  copy: unknown;
  /** Whether a stream is its result. */
  isStreamed: boolean;
  /** What has come of its stream so far. */
  came: Came | undefined;
  /** Whoever read its stream has given it up. */
  isGivenUp: boolean;
}

/** One act, from the gate before it to the gate after it. */
export interface EngineAct {
  readonly callId: string;
  readonly stage: ActStage;
  readonly name: string;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
  readonly init: ActInit;
  /** The caller's payload, as it came. */
  readonly original: unknown;
  readonly scope: SessionScope;
  /** What guards took for it. */
  readonly takings: Reservations;
  /** When it began; `undefined` where nobody listened. */
  readonly started: number | undefined;
  /** There where `begin` began it: it is found again by its callId. */
  readonly paired: Paired | undefined;
  decision: Decision;
  payload: unknown;
  changed: boolean;
  phase: Phase;
  /** The request as last judged, for interceptors. */
  request: GovernedRequest | undefined;
  /** What the response gate answered, once it was asked. */
  ended: Decision | Promise<Decision> | undefined;
  /** What the response gate let through. */
  result: unknown;
  /** Whether the payload, and later the response, could be copied plainly. */
  isPlain: boolean;
  /** What of it was recorded. */
  trail: Trail;
  /** The id of what a person was asked last. */
  readonly approval: string | undefined;
  /** Puts a changed response back where the framework wants it; a denial where that cannot be done. */
  writeBack: ((act: EngineAct, payload: unknown) => Deny | undefined) | undefined;
  /** The act that it is known to be inside of. */
  readonly inside: { readonly callId: string } | undefined;
  /** Why it may not run although it was let through: it was ended by whoever was told. */
  stopped(): Deny | undefined;
  /** Reads a payload, and asks the guards about it. */
  judge(payload: unknown): Decision | Promise<Decision>;
  /** Tells what was decided. */
  reportDecision(decision: Decision, started?: number): Decision;
  /** The decision is final. */
  settle(decision: Decision): unknown;
}
