import { faultDenial, joinedTo, rewritten } from "../combine/fold-decisions.ts";
import { inherit } from "../combine/guard-traits.ts";
import { type ContextOwner, type ContextParts, SessionContext, type SessionState } from "../base/context.ts";
import type { Core, Gate, Gates, SessionScope } from "./engine.ts";
import { createGate, createGates, gateIn, RESPONSE } from "./runtime.ts";
import {
  allow,
  type Decision,
  type Deny,
  deny,
  denyBy,
  denyHere,
  guardError,
  guardOf,
  isThenable,
} from "../base/decision.ts";
import { GateRequest, NOTHING } from "../base/gate-request.ts";
import { isPolicyViolation, violation } from "../base/errors.ts";
import { type Guard, named, nameOf, stagesOf, type Taking } from "../base/guard.ts";
import { type GovernedRequest, type Stage, TOOL_NAME } from "../base/request.ts";
import { ActList, type OpenAct } from "./act-list.ts";
import { isErrorLike, jsonForm } from "../snapshot/json-form.ts";
import { sameData } from "../snapshot/same-data.ts";
import { Fault, lastMet, snapshot, takeTwin } from "../snapshot/snapshot.ts";
import type { Awaitable } from "../state/store.ts";
import { ignoreFailure, isOver } from "../base/taking.ts";
import { emitCheck, reportDecision } from "./report.ts";
import type { SessionHandle, SessionOpener } from "./seam.ts";
import { Handle } from "./session-handle.ts";
import { untilStopped, type Waiting, type WaitingRoom, Waits } from "./waiting.ts";

const ALLOW = allow();

/** One agent's way through a kernel: what all verbs of a session share. */
export class Scope implements SessionScope, ContextOwner, WaitingRoom {
  readonly core: Core;
  readonly parent: Scope | undefined;
  readonly context: SessionContext;
  readonly state: SessionState;
  readonly depth: number;
  readonly open: ActList<OpenAct> = new ActList();
  readonly #guards: readonly Guard[];
  readonly #gates: Gates;
  readonly #outer: AbortSignal | undefined;
  /** Whether nothing has to be waited for before the first act. */
  #mayStart = false;
  #ready: Awaitable<Deny | undefined>;
  #children: Pick<Core, "guards" | "gates"> | undefined;
  #controller: AbortController | undefined;
  #signal: AbortSignal | undefined;
  #isWatched = false;
  #waits: Waits | undefined;
  /** Those that wait for guards at the end of a session: of this one, and of those inside it. */
  #ends: Set<Waiting> | undefined;
  #stopped: Deny | undefined;
  #startup: Decision | Promise<Decision> | undefined;
  #handle: SessionHandle | undefined;
  #calls = 0;

  constructor(
    core: Core,
    parent: Scope | undefined,
    extra: readonly Guard[],
    parts: ContextParts,
    signal: AbortSignal | undefined,
  ) {
    this.core = core;
    this.parent = parent;
    this.depth = parent === undefined ? 1 : parent.depth + 1;
    this.state = parts.state;
    this.#outer = signal;
    this.context = new SessionContext(parts, this);
    const { guards, gates } = parent === undefined ? core : parent.#forChildren();
    this.#guards = extra.length === 0 ? guards : [...guards, ...extra];
    this.#gates = extra.length === 0 ? gates : createGates();
  }

  /** Begins what the first act must wait for. */
  begin(): void {
    const { ready } = this.core.openers;
    for (let at = 0; at < ready.length; at++) {
      const answer = answerOf(ready[at] as NonNullable<SessionOpener["ready"]>, this.handle);
      this.#ready = at === 0 ? answer : bothKnown(this.#ready, answer);
    }
    this.#mayStart = this.#ready === undefined && this.gate("agent_startup").guards.length === 0;
  }

  /** Aborts when the session ends, or its agent is stopped. Made when somebody asks: nobody else needs telling. */
  get signal(): AbortSignal {
    const halted = this.halted();
    if (halted !== undefined) return AbortSignal.abort(violation("input", halted));
    // What a suspension aborted is over; what comes after it gets a new signal.
    if (this.#signal === undefined || (this.#signal.aborted && this.#outer?.aborted !== true)) {
      this.#watch();
      this.#controller = new AbortController();
      const outer = [this.#controller.signal, this.#outer, this.parent?.signal].filter((signal) =>
        signal !== undefined
      );
      this.#signal = outer.length === 1 ? this.#controller.signal : AbortSignal.any(outer);
    }
    return this.#signal;
  }

  /** Tells what a shadowed guard would have decided. */
  report(request: GovernedRequest, decision: Decision): void {
    emitCheck(this, request, decision, this.state.now, true);
  }

  /** Whether a signal is the one that this session, or one around it, gives to its acts. */
  isOwnSignal(signal: AbortSignal): boolean {
    return signal === this.#signal || this.parent?.isOwnSignal(signal) === true;
  }

  /** Has it told when its agent is stopped. */
  #watch(): void {
    if (!this.#isWatched) this.core.live.watch(this);
    this.#isWatched = true;
  }

  enter(waiting: Waiting): void {
    this.#watch();
    (this.#waits ??= new Waits(this.#outer, () => this.#timeLeft())).enter(waiting);
    this.parent?.enter(waiting);
  }

  leave(waiting: Waiting): void {
    this.#waits?.leave(waiting);
    this.parent?.leave(waiting);
  }

  /** How long the session may last, in ms, and the denial once it has lasted as long. */
  #wholeTime(): { readonly ms: number; readonly denial: Deny } {
    const { timeoutMs } = this.context.policy;
    return {
      ms: timeoutMs,
      denial: denyBy("timeLimit", "timeout", "The session has run out of time", { limitMs: timeoutMs }),
    };
  }

  /** The same, of what is left. */
  #timeLeft(): { readonly ms: number; readonly denial: Deny } {
    const { ms, denial } = this.#wholeTime();
    return { ms: this.context.startTime + ms - this.state.now, denial };
  }

  get handle(): SessionHandle {
    return (this.#handle ??= new Handle(this));
  }

  /**
   * A child passes its parent's guards first, in its parent's context, then the kernel's, and takes from both. All
   * children share what is compiled.
   */
  #forChildren(): Pick<Core, "guards" | "gates"> {
    return (this.#children ??= {
      guards: [...this.#guards.map((guard) => bound(guard, this.context)), ...this.core.guards],
      gates: createGates(),
    });
  }

  /** The compiled guards of a stage. */
  gate(stage: Stage): Gate {
    return gateIn(this.#gates, stage) ?? this.#compiled(stage);
  }

  #compiled(stage: Stage): Gate {
    return (this.#gates[stage] = createGate(this.#guards, stage, this.core));
  }

  /**
   * An act begins or ends: what is asked for from here on is a new time. Answers it only where somebody listens, since
   * a number that is handed on costs an object.
   */
  tick(): number | undefined {
    this.state.tick();
    return this.core.emitter.isHeard || this.core.sinks.length > 0 ? this.state.now : undefined;
  }

  /** Whether anybody is shown what passes a gate, besides guards of ours. */
  isWatched(gate: Gate): boolean {
    const { emitter, sinks, denied } = this.core;
    return gate.needsTwin || emitter.isHeard || sinks.length > 0 || denied.length > 0;
  }

  /** An id for an act that came without one. */
  nextCallId(): string {
    return `#${++this.#calls}`;
  }

  /** Aborts what is under way; nothing starts afterwards where the reason stays. */
  halt(denial: Deny): void {
    this.#waits?.stop(denial);
    for (const waiting of [...this.#ends ?? []]) waiting.stop(denial);
    this.#controller?.abort(violation("input", denial));
  }

  /** Ends the session. */
  stop(reason: string): void {
    this.#stopped ??= deny("session_killed", reason);
    this.halt(this.#stopped);
    for (const act of this.open.all()) act.abandon();
  }

  get isStopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** Why nothing may start: the session is closed, or its agent, or the parent's, was stopped. */
  halted(): Deny | undefined {
    const { core, parent } = this;
    return this.#stopped ?? (core.live.isQuiet ? undefined : core.live.stopOf(this)) ??
      parent?.halted();
  }

  /** Judges, before any event: what {@linkcode prepare} decides, then {@linkcode ask}. */
  judge(request: GateRequest, gate: Gate, taking: Taking): Decision | Promise<Decision> {
    return this.prepare(request, gate) ?? this.ask(request, gate, taking);
  }

  /** Asks the start of the session, then the guards, about a request that is ready. */
  ask(request: GateRequest, gate: Gate, taking: Taking): Decision | Promise<Decision> {
    const { stage, name, payload } = request;
    const decision = this.#mayStart
      ? gate.judge(request as GovernedRequest, this.context, taking)
      : this.#afterStart(request as GovernedRequest, gate, taking);
    // Guards of ours alone can't have written to it.
    if (!gate.needsTwin) return decision;
    if (decision !== ALLOW && isThenable(decision)) {
      return keptLate(decision as Promise<Decision>, request, stage, name, payload);
    }
    return isKept(request, stage, name, payload) ? (decision as Decision) : rewritten();
  }

  /**
   * What is decided before any guard is asked: kill and suspend, the name, the payload; else the request is ready to be
   * shown.
   */
  prepare(request: GateRequest, gate: Gate): Deny | undefined {
    return this.halted() ?? nameMistake(request.stage, request.name) ?? read(request, gate);
  }

  async #afterStart(request: GovernedRequest, gate: Gate, taking: Taking): Promise<Decision> {
    let unknown: Deny | undefined;
    try {
      unknown = await this.#ready;
    } catch (error) {
      unknown = guardError(undefined, error);
    }
    this.#ready = unknown;
    const denied = unknown ?? this.halted();
    if (denied !== undefined) return denied;
    const started = await this.#start();
    if (started.effect === "deny" || isOver(taking)) return started;
    this.#mayStart = started.effect !== "escalate";
    const decision = await gate.judge(request, this.context, taking);
    // One question for both: an approval of the start must not stand for the act's own gate. What has run was approved
    // before.
    return started.effect === "escalate" && Object.hasOwn(RESPONSE, request.stage)
      ? joinedTo(started, decision)
      : decision;
  }

  /** Judges `agent_startup` once, whoever comes first; all who come meanwhile wait for the one answer. */
  #start(): Decision | Promise<Decision> {
    return (this.#startup ??= (async () => {
      const decision = await this.edge("agent_startup", {});
      const final = decision.effect === "transform"
        ? guardError(guardOf(decision), new TypeError("agent_startup takes no transform"))
        : decision;
      return (this.#startup = final.allowed ? ALLOW : final);
    })());
  }

  /** Judges the start or the end of a session. */
  async edge(stage: "agent_startup" | "agent_shutdown", payload: unknown): Promise<Decision> {
    const started = this.tick();
    const request: GovernedRequest = {
      stage,
      name: stage,
      payload: Object.freeze(payload),
      callId: stage,
      metadata: NOTHING,
    };
    const judged = this.gate(stage).judge(request, this.context, DRY_EDGE);
    // An act that waits for the start may stop waiting by itself; for the end waits only who closes the session.
    const decision = stage === "agent_shutdown" && isThenable(judged) ? this.#untilEnded(judged) : judged;
    return reportDecision(this, request, await decision, started);
  }

  /**
   * Waits for the guards at the end of the session: as long as a whole session may last, unless its kernel, or what it
   * was opened in, is closed meanwhile, or its agent stopped.
   */
  #untilEnded(judged: PromiseLike<Decision>): Promise<Decision> {
    const waits = new Waits(undefined, () => this.#wholeTime());
    const room: WaitingRoom = {
      enter: (waiting) => {
        waits.enter(waiting);
        this.#enterEnd(waiting);
        const killed = this.#killed();
        if (killed !== undefined) waiting.stop(killed);
      },
      leave: (waiting) => {
        waits.leave(waiting);
        this.#leaveEnd(waiting);
      },
    };
    return untilStopped(room, undefined, judged, (denial): Decision => denial);
  }

  #enterEnd(waiting: Waiting): void {
    this.#watch();
    (this.#ends ??= new Set()).add(waiting);
    if (this.parent !== undefined) this.parent.#enterEnd(waiting);
  }

  #leaveEnd(waiting: Waiting): void {
    this.#ends?.delete(waiting);
    if (this.parent !== undefined) this.parent.#leaveEnd(waiting);
  }

  /** Why nobody will stop it any more: the kernel is closed, or its agent, or the parent's, was killed. */
  #killed(): Deny | undefined {
    const denial = this.core.live.isQuiet ? undefined : this.core.live.stopOf(this);
    if (denial?.code === "session_killed") return denial;
    return this.parent === undefined ? undefined : this.parent.#killed();
  }
}

/** What a session has to wait for. */
function answerOf(ready: NonNullable<SessionOpener["ready"]>, session: SessionHandle): Awaitable<Deny | undefined> {
  try {
    const answer = ready(session);
    // No act may ever ask for it: what fails must not end the process.
    ignoreFailure(answer);
    return answer;
  } catch (error) {
    return guardError(undefined, error);
  }
}

function bothKnown(one: Awaitable<Deny | undefined>, two: Awaitable<Deny | undefined>): Awaitable<Deny | undefined> {
  if (two === undefined) return one;
  const both = Promise.all([one, two]).then(([first, second]) => first ?? second);
  ignoreFailure(both);
  return both;
}

/** Has a request show a plain copy of its payload. */
function read(request: GateRequest, gate: Gate): Deny | undefined {
  const { caps, needsTwin } = gate;
  const copy = snapshot(request.payload, caps, needsTwin);
  if (!(copy instanceof Fault)) {
    const met = lastMet();
    GateRequest.read(request, copy, needsTwin ? takeTwin() : copy, met);
    // The act may change its copy, and guards theirs.
    if (needsTwin && met === "soft") GateRequest.keep(request, snapshot(copy, caps, false));
    return undefined;
  }
  return copy.code === "payload_not_plain" && isAfter(request.stage)
    ? readForm(request, gate)
    : faultDenial(copy, request.stage);
}

function isAfter(stage: Stage): boolean {
  return stage === "post_tool_call" || stage === "post_model_call" || stage === "output";
}

/**
 * What an act came to and cannot be copied goes on by reference, and is judged in the form that JSON has of it. Nobody
 * reads what no guard is asked about.
 */
function readForm(request: GateRequest, { caps, needsTwin, guards }: Gate): Deny | undefined {
  if (guards.length === 0) return undefined;
  const form = jsonForm(request.payload, caps);
  const copy = form instanceof Fault ? form : snapshot(form, caps, needsTwin);
  if (copy instanceof Fault) return faultDenial(copy, request.stage);
  GateRequest.refer(request, copy, needsTwin ? takeTwin() : copy, lastMet());
  return undefined;
}

/**
 * Types forbid a guard to write to a request, and JavaScript does not: those after it would have judged what does not
 * run.
 */
function isKept(request: GateRequest, stage: Stage, name: string, payload: unknown): boolean {
  return request.payload === payload && request.name === name && request.stage === stage &&
    // Freezing does not hold a date, a map or bytes: they are compared.
    (!GateRequest.isSoft(request) || sameData(GateRequest.keptOf(request), payload));
}

async function keptLate(
  decision: Promise<Decision>,
  request: GateRequest,
  stage: Stage,
  name: string,
  payload: unknown,
): Promise<Decision> {
  const late = await decision;
  return isKept(request, stage, name, payload) ? late : rewritten();
}

const DRY_EDGE: Taking = Object.freeze({ dry: true, take: (giveBack: () => void) => giveBack() });

function bound(guard: Guard, context: SessionContext): Guard {
  const inParent: Guard = (request, _context, taking) => guard(request, context, taking);
  return inherit(named(inParent, nameOf(guard), stagesOf(guard)), [guard], false);
}

// Names recur, and looking one up is cheaper than matching it. Small, so that it is read in place of its call.
const goodNames = new Set<unknown>();
const MAX_GOOD_NAMES = 256;

function nameMistake(stage: Stage, name: unknown): Deny | undefined {
  return goodNames.has(name) ? undefined : newNameMistake(stage, name);
}

function newNameMistake(stage: Stage, name: unknown): Deny | undefined {
  if (typeof name === "string" && TOOL_NAME.test(name)) {
    // Good at every gate.
    if (goodNames.size === MAX_GOOD_NAMES) goodNames.clear();
    goodNames.add(name);
    return undefined;
  }
  if (stage === "pre_tool_call" || stage === "post_tool_call") {
    return denyHere("invalid_tool_name", "The tool's name must be 1 to 128 letters, digits and _ . : / -");
  }
  return typeof name === "string" && name !== "" ? undefined : denyHere("invalid_arguments", "An act must have a name");
}

/** Whether an act's failure passes unjudged: it was stopped by a gate further in, or aborted. */
export function passesUnjudged(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted === true && error === signal.reason) return true;
  // Data that was parsed can have any name and any brand, and is no error.
  return isErrorLike(error) && (isPolicyViolation(error) || (signal?.aborted === true && error.name === "AbortError"));
}
