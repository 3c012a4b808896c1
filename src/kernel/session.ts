import { ActImpl, type ActInit, type ActStage } from "./act.ts";
import { type Act, handleOf } from "./act-handle.ts";
import { beginCall, checkAct, checkCall, modelCall, runOptions, toolCall } from "./calls.ts";
import { ownOptions, wrong, wrongType } from "../base/check.ts";
import { contextFields, type ExecutionContext } from "../base/context.ts";
import { made } from "../base/copy.ts";
import { allow, type Decision, type Deny, deny, isThenable } from "../base/decision.ts";
import { GateRequest } from "../base/gate-request.ts";
import { type Shown, shownAs } from "../base/inspect.ts";
import { bare, ownField } from "../base/own.ts";
import type { Scope } from "./scope.ts";
import { runBegun } from "./run-act.ts";
import type { GovernancePolicy, PolicyInit } from "../policy/policy.ts";
import { type Stage, STAGES, type TokenUsage } from "../base/request.ts";
import { governStream, type ReadableParts, type StreamOptions } from "./stream.ts";
import { DRY, FREE } from "../base/taking.ts";
import type { AgentProfile } from "../trust/profile.ts";
import { reportOnce } from "./report.ts";
import { untilStopped } from "./waiting.ts";

export type { ActInit } from "./act.ts";
export type { Act } from "./act-handle.ts";
export type { ReadableParts, StreamOptions } from "./stream.ts";

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
  signal?: AbortSignal | undefined;
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
  denial?: { readonly code: string; readonly reason: string } | undefined;
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
    act: (input: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
    options?: { action?: string | undefined; view?: View<T> | undefined; write?: Write | undefined } & ActInit,
  ): Promise<T>;
  /** Judges a model request, calls the model, settles the usage that it reports, and judges its response. */
  model<T>(
    call: { model: string; request: unknown; write?: Write | undefined } & ActInit,
    // deno-lint-ignore no-explicit-any -- as above
    act: (request: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
    usageOf?: (response: T) => TokenUsage | undefined,
    view?: View<T>,
  ): Promise<T>;
  /** Judges a tool call, calls the tool with the arguments that were judged, and judges its result. */
  tool<T>(
    call: { name: string; arguments: unknown; write?: Write | undefined } & ActInit,
    // deno-lint-ignore no-explicit-any -- as above
    act: (args: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
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
   * Begins a session inside this one: it passes this one's guards too, takes from both, and ends with it. At most 16
   * deep.
   */
  child(init?: SessionInit): Session;
  /** Ends the session: acts under way are aborted, and nothing begins afterwards. */
  close(reason?: "completed" | "error" | "cancelled"): void | Promise<void>;
}

const ALLOW = allow();
const NO_INIT: ActInit = bare({});
const BEGINNINGS: readonly string[] = ["input", "pre_model_call", "pre_tool_call"];

/** The session that a kernel hands out. */
export class SessionImpl implements Session {
  static {
    made(this.prototype);
  }
  readonly context: ExecutionContext;
  readonly #scope: Scope;
  readonly #born: (init: SessionInit) => Session;
  static {
    // Whoever is given a session has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
  }

  constructor(scope: Scope, born: (init: SessionInit) => Session) {
    this.#scope = scope;
    this.#born = born;
    this.context = scope.context;
    Object.freeze(this);
  }

  /** What is behind a session of ours; `undefined` for anything else. */
  static scopeOf(session: unknown): Scope | undefined {
    return typeof session === "object" && session !== null && #scope in session ? session.#scope : undefined;
  }

  run<T>(
    input: unknown,
    // deno-lint-ignore no-explicit-any -- see Session
    act: (input: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
    options?: { action?: string | undefined; view?: View<T> | undefined; write?: Write | undefined } & ActInit,
  ): Promise<T> {
    try {
      const own = runOptions(options);
      checkAct("run()", act, undefined, own.view);
      const begun = this.#open("input", own.action ?? "execute", input, own, own.view);
      return runBegun(begun, act, undefined, own.view, own.write);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  model<T>(
    call: { model: string; request: unknown; write?: Write | undefined } & ActInit,
    // deno-lint-ignore no-explicit-any -- see Session
    act: (request: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
    usageOf?: (response: T) => TokenUsage | undefined,
    view?: View<T>,
  ): Promise<T> {
    try {
      const own = modelCall(call);
      checkAct("model()", act, usageOf, view);
      const begun = this.#open("pre_model_call", own.model, own.request, own, view);
      return runBegun(begun, act, usageOf, view, own.write);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  tool<T>(
    call: { name: string; arguments: unknown; write?: Write | undefined } & ActInit,
    // deno-lint-ignore no-explicit-any -- see Session
    act: (args: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
    view?: View<T>,
  ): Promise<T> {
    try {
      const own = toolCall(call);
      checkAct("tool()", act, undefined, view);
      const begun = this.#open("pre_tool_call", own.name, own.arguments, own, view);
      return runBegun(begun, act, undefined, view, own.write);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #open<T>(
    stage: ActStage,
    name: string,
    payload: unknown,
    init: ActInit,
    view: View<T> | undefined,
  ): ActImpl | Promise<ActImpl> {
    return new ActImpl(this.#scope, stage, name, payload, init, view as View<unknown> | undefined).begin(true);
  }

  begin(
    request: { stage: ActStage; name: string; payload: unknown; approval?: "ask" | "return" } & ActInit,
  ): Act | Promise<Act> {
    const own = beginCall(request);
    const { stage, name, payload, approval = "ask", callId } = own;
    if (stage !== "pre_tool_call") mustBeOneOf("begin()", stage, BEGINNINGS);
    if (approval !== "ask" && approval !== "return") throw wrong("begin()", "approval", '"ask" or "return"', approval);
    const again = callId === undefined ? undefined : this.#same(stage, name, payload, callId, own.metadata);
    if (again !== undefined) return handed(again.again(own));
    const act = new ActImpl(this.#scope, stage, name, payload, own);
    act.paired = { handle: undefined, judged: undefined, copy: undefined, isStreamed: false, came: undefined };
    return handed(act.begin(approval === "ask"));
  }

  /** The open act that is the same call, so that a hook which fires twice counts once. */
  #same(stage: ActStage, name: string, payload: unknown, callId: string, metadata: unknown): ActImpl | undefined {
    for (const act of this.#scope.open.all() as ActImpl[]) {
      if (act.callId === callId && act.isSame(stage, name, payload, metadata)) return act;
    }
    return undefined;
  }

  act(callId: string): Act | undefined {
    let last: ActImpl | undefined;
    for (const act of this.#scope.open.all() as ActImpl[]) {
      if (act.paired !== undefined && act.callId === callId) last = act;
    }
    return last === undefined ? undefined : handleOf(last);
  }

  stream<T>(parts: AsyncIterable<T> | ReadableParts<T>, options: StreamOptions<T>): AsyncIterable<T> {
    return governStream(this.#scope, parts, options);
  }

  check(
    request: { stage: Stage; name: string; payload: unknown; usage?: TokenUsage } & CheckOptions & ActInit,
  ): Decision | Promise<Decision> {
    const scope = this.#scope;
    const { stage, name, payload, callId, metadata, usage, signal, limits, denial } = checkCall(request);
    if (stage !== "pre_tool_call") mustBeOneOf("check()", stage, STAGES);
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw wrong("check()", "signal", "an AbortSignal", signal);
    }
    if (limits !== undefined && typeof limits !== "boolean") throw wrong("check()", "limits", "a boolean", limits);
    const denied = denial === undefined ? undefined : denialOf(denial);
    const started = scope.tick();
    const gate = scope.gate(stage);
    const isWatched = scope.isWatched(gate);
    // An id costs as much as a guard, and is made where somebody may look at it.
    const asked = new GateRequest(
      stage,
      name,
      payload,
      callId !== undefined && callId !== "" ? callId : isWatched ? scope.nextCallId() : "",
      metadata,
      usage,
    );
    const decision = denied ?? scope.judge(asked, gate, limits === false ? FREE : DRY);
    if (metadata !== undefined && stage === "post_tool_call" && metadata["untrusted"] === true) taint(scope);
    if (decision === ALLOW && !isWatched) return ALLOW;
    return isThenable(decision)
      ? reportLate(scope, asked, decision as Promise<Decision>, signal, started)
      : reportOnce(scope, asked, decision as Decision, started);
  }

  preExecute(input: unknown): Decision | Promise<Decision> {
    return this.check({ stage: "input", name: "execute", payload: input });
  }

  postExecute(output: unknown): Decision | Promise<Decision> {
    const act = new ActImpl(this.#scope, "input", "execute", undefined, NO_INIT);
    act.phase = "running";
    return act.respond(output, false, undefined);
  }

  child(init: SessionInit = {}): Session {
    if (typeof init !== "object" || init === null) throw wrong("child()", "options", "an object", init);
    const parent = ownField(init, "parent");
    if (parent !== undefined) throw wrong("child()", "parent", "absent: the session itself is the parent", parent);
    return this.#born({ ...init, parent: this });
  }

  close(reason: "completed" | "error" | "cancelled" = "completed"): void | Promise<void> {
    const scope = this.#scope;
    if (scope.isStopped) return;
    scope.stop("The session is closed");
    const { core } = scope;
    if (
      scope.gate("agent_shutdown").guards.length === 0 && !core.emitter.has("policy_check") && core.sinks.length === 0
    ) return;
    return scope.edge("agent_shutdown", { reason }).then(() => undefined);
  }
}

function handed(act: ActImpl | Promise<ActImpl>): Act | Promise<Act> {
  return isThenable(act) ? (act as Promise<ActImpl>).then(handleOf) : handleOf(act as ActImpl);
}

/** A denial that somebody else than a guard made. */
function denialOf(given: { readonly code: string; readonly reason: string }): Deny {
  const { code, reason } = ownOptions("check()", given, ["code", "reason"]);
  for (const [field, value] of Object.entries({ code, reason })) {
    if (typeof value !== "string") throw wrongType("check()", `denial.${field}`, "a string", value);
  }
  return deny(code, reason);
}

/** What somebody reads at the gate after a tool came from outside, whether an act brought it or not. */
function taint(scope: Scope): void {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) at.state.tainted = true;
}

/** What a console shows of a session: what its context shows, and whether it may still act. */
function sessionFields(session: Session): Shown {
  const scope = SessionImpl.scopeOf(session);
  // The prototype itself is no session.
  if (scope === undefined) return {};
  const halted = scope.halted();
  const state = scope.isStopped ? "closed" : halted === undefined ? "open" : halted.code;
  return { ...contextFields(scope.context), state, openActs: scope.open.all().length };
}

shownAs(SessionImpl.prototype, () => "Session", sessionFields, true);

// A function of its own: what seldom runs must not make long what does.
function mustBeOneOf(where: string, stage: string, stages: readonly string[]): void {
  if (!stages.includes(stage)) throw wrong(where, "stage", `one of ${stages.join(", ")}`, stage);
}

async function reportLate(
  scope: Scope,
  asked: GateRequest,
  decision: Promise<Decision>,
  signal: AbortSignal | undefined,
  started: number | undefined,
): Promise<Decision> {
  const late = await untilStopped(scope, signal, decision, (denial): Decision => denial);
  // Somebody may have begun to listen meanwhile.
  if (asked.callId === "") asked.callId = scope.nextCallId();
  return reportOnce(scope, asked, late, started);
}
