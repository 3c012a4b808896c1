import type { ApprovalGrant } from "../approval/request.ts";
import type { ExecutionContext } from "../base/context.ts";
import type { Decision, DecisionCode } from "../base/decision.ts";
import type { AbortSignalLike } from "../base/platform.ts";
import type { Stage, TokenUsage } from "../base/request.ts";
import type { GovernancePolicy, PolicyInit } from "../policy/policy.ts";
import type { AgentProfile } from "../trust/profile.ts";

// What sessions and acts are to whoever uses them: the classes beside this file implement it.

/** What the caller may say about an act. */
export interface ActInit {
  /** The framework's id of the call. Absent or empty: the session makes one. */
  callId?: string | undefined;
  /** What guards may want to know. `untrusted: true` marks the session tainted once the act has ended, by a run at once. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Aborts the act, also while it waits for its turn, a guard or a person. */
  signal?: AbortSignalLike | undefined;
  /**
   * The answer to this call's approval request, given earlier: signed by `grantApproval`; several, where the kernel
   * wants several approvers, or where an edited call was asked about anew.
   *
   * Only looked at where a guard asks. What is no signed grant denies with `approval_denied`. One that does not count
   * (of another call, expired, used before) changes nothing: `approve` is asked where there is one, an act begun with
   * `approval: "return"` stays open, and where nobody is left to ask the act is denied with `approval_denied`.
   */
  grant?: ApprovalGrant | readonly ApprovalGrant[] | undefined;
}

/** An act that somebody else runs: for frameworks with separate before and after hooks. */
export interface Act {
  /** The framework's id, or the session's. */
  readonly callId: string;
  /** What was decided before the act. */
  readonly decision: Decision;
  /** What the act must run on: private, ordinary, mutable data; `undefined` as long as, or because, it may not run. */
  // deno-lint-ignore no-explicit-any -- its shape is the framework's, and nobody but the caller knows it
  readonly payload: any;
  /** Whether a guard changed the payload. */
  readonly changed: boolean;
  /** Aborts when the act must stop; that of a denied act is aborted. Hand it on to what begins inside the act. */
  readonly signal: AbortSignalLike;
  /** The framework's own person answered an escalation. */
  resume(answer: boolean | ApprovalGrant | readonly ApprovalGrant[]): Decision | Promise<Decision>;
  /** It ran: response gate, counters, settling, events, audit. Works once; later calls answer the same. */
  end(result: unknown, usage?: TokenUsage): Decision | Promise<Decision>;
  /** It ran and threw. Works once, like `end`. */
  fail(error: unknown): Decision | Promise<Decision>;
  /** It never ran: everything is given back. */
  cancel(): void;
}

/**
 * Shows the gates a plain form of a framework's value, and writes a changed form back.
 *
 * It reads every result. What an act is given is copied as it is where it is plain data; what is not, a class instance
 * say, is denied with `payload_not_plain`, unless the view of the same call reads it too: then its form is judged, and
 * the act gets the value itself, or what `write` made of it. A view that finds nothing there (`undefined`, what it
 * finds in `{}`, an error) has not read it, and before the act it must still read the same.
 */
export interface View<T> {
  /** The plain form that guards judge. */
  read(value: T): unknown;
  /** The value with a changed form put in; called only where a guard changed it. */
  // deno-lint-ignore no-explicit-any -- the form is the one that `read` gave, which only the view's author knows
  write(value: T, payload: any): T;
  /**
   * Called at once where the judgement of a result has to wait, for a guard say: makes the value's own what somebody
   * could change meanwhile, so that what was judged is what goes on. Where nothing waits, nothing need be copied. Where
   * it throws, or answers a promise, the result is denied with `guard_error`.
   */
  keep?(value: T): void;
}

/**
 * Makes of the payload that the gate let through what the act is called with; `changed` tells whether a guard changed
 * it. Called once, before the act. Where it throws, the act is denied with `guard_error`, or with the error's own
 * `code` and `reason` where it has both.
 */
// deno-lint-ignore no-explicit-any -- the payload's form is the one that the caller gave
export type Write = (payload: any, changed: boolean) => unknown;

/** What a session is made of. */
export interface SessionInit {
  /** Letters, digits, `_` and `-`. Needed where no profile is given. */
  agentId?: string | undefined;
  /** Who acts. The agent's id is then the last segment of its DID. */
  agent?: AgentProfile | undefined;
  /** The session that this one is a child of. */
  parent?: Session | undefined;
  /** Aborts every act of the session. */
  signal?: AbortSignalLike | undefined;
  /** Names the session; grants fit in no other, so resuming in another process takes the same. Default: a new one. */
  sessionId?: string | undefined;
  /** What drift is measured against; absent: the first output. */
  baseline?: string | undefined;
  /** What guards may want to know. Copied, must be plain. */
  metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Narrows the kernel's policy, or the parent's: the session's is what both allow. */
  policy?: PolicyInit | GovernancePolicy | undefined;
}

/** How `check` judges. */
export interface CheckOptions {
  /** Whether limits that are used up deny. Default `true`. */
  limits?: boolean | undefined;
  /** A denial that no guard made. */
  denial?: { readonly code: DecisionCode; readonly reason: string } | undefined;
}

/** One agent's passage through a kernel. */
export interface Session {
  /** What guards know about this session. Live. */
  readonly context: ExecutionContext;
  /**
   * Judges a prompt, runs the agent on what was judged, and judges its output.
   *
   * Rejects with `PolicyViolationError` where a gate stops it, and never throws synchronously. `action` (default
   * `execute`) is the name that the gates see.
   */
  run<T>(
    input: unknown,
    // deno-lint-ignore no-explicit-any -- the act gets what it was called with, which only the caller knows
    act: (input: any, signal: AbortSignalLike, changed: boolean) => T | Promise<T>,
    options?: { action?: string | undefined; view?: View<T> | undefined; write?: Write | undefined } & ActInit,
  ): Promise<T>;
  /** Judges a model request, calls the model, settles the usage that it reports, and judges its response. */
  model<T>(
    call: { model: string; request: unknown; write?: Write | undefined } & ActInit,
    // deno-lint-ignore no-explicit-any -- as above
    act: (request: any, signal: AbortSignalLike, changed: boolean) => T | Promise<T>,
    usageOf?: (response: T) => TokenUsage | undefined,
    view?: View<T>,
  ): Promise<T>;
  /** Judges a tool call, calls the tool with the arguments that were judged, and judges its result. */
  tool<T>(
    call: { name: string; arguments: unknown; write?: Write | undefined } & ActInit,
    // deno-lint-ignore no-explicit-any -- as above
    act: (args: any, signal: AbortSignalLike, changed: boolean) => T | Promise<T>,
    view?: View<T>,
  ): Promise<T>;
  /**
   * Judges an act that somebody else runs. The same call again, with the callId that the caller gave an open act, its
   * name, payload and metadata, answers that act and takes nothing; a `grant` answers what it asked. Answers at once
   * where every guard does and nobody is asked.
   */
  begin(
    request: {
      stage: "input" | "pre_model_call" | "pre_tool_call";
      name: string;
      payload: unknown;
      approval?: "ask" | "return";
    } & ActInit,
  ): Act | Promise<Act>;
  /** The open act of that id, begun by `begin`: for hooks in pairs. */
  act(callId: string): Act | undefined;
  /**
   * Judges a stream's whole text before any part of it goes on.
   *
   * Throws a `TypeError`, and lets the source go, where `act` is none that this session began, is over, has a stream
   * already or ends at another gate than `stage`.
   */
  stream<T>(parts: AsyncIterable<T> | ReadableParts<T>, options: StreamOptions<T>): AsyncIterable<T>;
  /**
   * Judges once: opens nothing, takes nothing, asks nobody. At `post_tool_call`, `metadata.untrusted` marks the session
   * tainted. With `limits: false`, sallyport's own limits allow though they are used up, so that the guards after them
   * are asked: for what costs no call, such as the entry of a list. With a `denial`, no guard is asked: it is told and
   * recorded as a gate's, for a plugin that was handed what it cannot judge.
   */
  check(
    request: { stage: Stage; name: string; payload: unknown; usage?: TokenUsage } & CheckOptions & ActInit,
  ): Decision | Promise<Decision>;
  /** Checks a prompt at `input`. */
  preExecute(input: unknown): Decision | Promise<Decision>;
  /** Judges an answer at `output`, and counts it as a completed run: drift, checkpoints. */
  postExecute(output: unknown): Decision | Promise<Decision>;
  /**
   * Tells what this session's user said where no run's input shows it: what is `known` to rules. For what a person wrote
   * as the user, never for what a model or a tool wrote.
   *
   * @throws {TypeError} If it is no text.
   */
  inform(text: string): void;
  /**
   * Begins a session inside this one: it passes this one's guards too, takes from both, and ends with it. At most 16
   * deep.
   */
  child(init?: SessionInit): Session;
  /** Ends the session: acts under way are aborted, and nothing begins afterwards. */
  close(reason?: "completed" | "error" | "cancelled"): void | Promise<void>;
}

/** How a stream's parts carry text. */
export interface StreamOptions<T> {
  /** The gate that judges the text. */
  stage: "post_model_call" | "post_tool_call" | "output";
  /** The run's action, the model's id or the tool's name. */
  name: string;
  /**
   * The act that the stream is the result of: of this session, running, and ending at `stage`; it takes one stream,
   * which ends it, once, with the text and the usage, under its own name. Absent: the text is only checked.
   */
  act?: Act | undefined;
  /** The text of a part; `undefined` for a part without. */
  textOf(part: T): string | undefined;
  /** The part with another text. */
  withText(part: T, text: string): T;
  /** Which of several texts a part belongs to, such as a choice or a block. Default: one for all. */
  channelOf?(part: T): string;
  /** The usage that a part reports; the last one counts. */
  usageOf?(part: T): TokenUsage | undefined;
  /** Not built yet: parts are held until the whole text was judged, so anything but `undefined` is refused. */
  holdBack?: number;
}

/** A stream that is read through a reader, where the runtime's streams are no async iterables. */
export interface ReadableParts<T> {
  /** Locks the stream, and reads it. */
  getReader(): {
    read(): Promise<{ done: boolean; value?: T | undefined }>;
    cancel(reason?: unknown): Promise<void>;
  };
}
