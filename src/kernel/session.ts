import { ActImpl } from "./act.ts";
import { handleOf } from "./act-handle.ts";
import { beginCall, checkAct, checkCall, modelCall, runOptions, toolCall } from "./calls.ts";
import { ownOptions, wrong, wrongType } from "../base/check.ts";
import { contextFields, type ExecutionContext } from "../base/context.ts";
import { made } from "../base/copy.ts";
import { allow, type Decision, type Deny, deny, isThenable } from "../base/decision.ts";
import { GateRequest, NOTHING } from "../base/gate-request.ts";
import { type Shown, shownAs } from "../base/inspect.ts";
import { bare, ownField } from "../base/own.ts";
import type { Scope } from "./scope.ts";
import { runBegun } from "./run-act.ts";
import { type Stage, STAGES, type TokenUsage } from "../base/request.ts";
import { governStream } from "./stream.ts";
import { DRY, FREE } from "../base/taking.ts";
import { emitDenial, reportOnce, tellInput } from "./report.ts";
import { untilStored } from "./runtime.ts";
import { untilStopped } from "./waiting.ts";
import type { ActStage, Core } from "./engine.ts";
import type {
  Act,
  ActInit,
  CheckOptions,
  ReadableParts,
  Session,
  SessionInit,
  StreamOptions,
  View,
  Write,
} from "./types.ts";

const ALLOW = allow();
const NO_INIT: ActInit = bare({});
const BEGINNINGS: readonly string[] = ["input", "pre_model_call", "pre_tool_call"];

/** What opens the children of a session. */
type OpenSession = (core: Core, init: SessionInit) => Session;

/** The session that a kernel hands out. */
export class SessionImpl implements Session {
  static {
    made(this.prototype);
  }
  readonly context: ExecutionContext;
  readonly #scope: Scope;
  readonly #openSession: OpenSession;
  static {
    // Whoever is given a session has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
    shownAs<Session>(this.prototype, () => "Session", sessionFields, true);
  }

  constructor(scope: Scope, open: OpenSession) {
    this.#scope = scope;
    this.#openSession = open;
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
    act.paired = {
      handle: undefined,
      judged: undefined,
      copy: undefined,
      isStreamed: false,
      came: undefined,
      isGivenUp: false,
    };
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
      : storedFirst(scope, asked, reportOnce(scope, asked, decision as Decision, started));
  }

  preExecute(input: unknown): Decision | Promise<Decision> {
    return this.check({ stage: "input", name: "execute", payload: input });
  }

  postExecute(output: unknown): Decision | Promise<Decision> {
    const act = new ActImpl(this.#scope, "input", "execute", undefined, NO_INIT);
    act.phase = "running";
    return act.respond(output, false, undefined);
  }

  inform(text: string): void {
    if (typeof text !== "string") throw wrongType("inform()", "text", "a string", text);
    if (this.#scope.isStopped) return;
    tellInput(this.#scope, { content: text, metadata: NOTHING, isRun: false });
  }

  child(init: SessionInit = {}): Session {
    if (typeof init !== "object" || init === null) throw wrong("child()", "options", "an object", init);
    const parent = ownField(init, "parent");
    if (parent !== undefined) throw wrong("child()", "parent", "absent: the session itself is the parent", parent);
    return this.#openSession(this.#scope.core, { ...init, parent: this });
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
  return storedFirst(scope, asked, reportOnce(scope, asked, late, started));
}

/** What may be done goes on only once its record is stored, where a sink asks for that. */
function storedFirst(scope: Scope, asked: GateRequest, decision: Decision): Decision | Promise<Decision> {
  const { durable, isShadow } = scope.core;
  if (durable.length === 0 || !decision.allowed) return decision;
  return untilStored(durable).then((failed) => {
    if (failed === undefined || isShadow) return decision;
    emitDenial(scope, asked, failed);
    return failed;
  });
}
