import { functionOf, ownOptions, wrongType } from "../base/check.ts";
import { memberOf } from "../base/own.ts";
import type { Stage, TokenUsage } from "../base/request.ts";
import type { SessionKeys } from "./engine.ts";
import type { ActInit, CheckOptions, SessionInit, View, Write } from "./types.ts";

// What the verbs of a session are called with is read by own keys, and a key that no verb knows is told. Nearly every
// call is a literal, and one loop over its keys shows that; whatever it is not sure of is read slowly.
//
// Each verb spells out its keys, and they are written as cases, for speed: with one function for all verbs, which is
// given lists of keys, `check` takes 1.45x ("no patterns" in `bench/check.ts`).

/** What `tool` is called with. */
export type ToolCall = { name: string; arguments: unknown; write?: Write | undefined } & ActInit;
/** What `model` is called with. */
export type ModelCall = { model: string; request: unknown; write?: Write | undefined } & ActInit;
/** What `run` may be told. */
export type RunOptions<T> =
  & { action?: string | undefined; view?: View<T> | undefined; write?: Write | undefined }
  & ActInit;
/** What `begin` is called with. */
export type BeginCall = {
  stage: "input" | "pre_model_call" | "pre_tool_call";
  name: string;
  payload: unknown;
  approval?: "ask" | "return";
} & ActInit;
/** What `check` and `explain` are called with. */
export type CheckCall = { stage: Stage; name: string; payload: unknown; usage?: TokenUsage } & CheckOptions & ActInit;

const INIT = ["callId", "metadata", "signal", "grant"] as const;
const ACT = ["write", ...INIT] as const;
const PROTOTYPE: object = Object.prototype;

/** Whether an object can take nothing from anywhere but the prototype of everything. */
function isPlain(call: unknown): boolean {
  return typeof call === "object" && call !== null && Object.getPrototypeOf(call) === PROTOTYPE;
}

/** Whether an object has so many keys: counting costs less than a look at each of them. */
function hasKeys(call: object, count: number): boolean {
  let keys = 0;
  for (const _ in call) keys++;
  return keys === count;
}

// Engines know what is not in the prototype of everything without a look, and each verb asks for what it reads.

function isInitPolluted(): boolean {
  return "callId" in PROTOTYPE || "metadata" in PROTOTYPE || "signal" in PROTOTYPE || "grant" in PROTOTYPE;
}

function isRequestPolluted(): boolean {
  return "stage" in PROTOTYPE || "name" in PROTOTYPE || "payload" in PROTOTYPE;
}

/** Reads what `tool` is called with. */
export function toolCall(call: ToolCall): ToolCall {
  if (!isPlain(call) || isInitPolluted() || "write" in PROTOTYPE || "name" in PROTOTYPE || "arguments" in PROTOTYPE) {
    return slowly("tool()", call, ["name", "arguments"], ACT);
  }
  if (call.name !== undefined && call.arguments !== undefined && hasKeys(call, 2)) return call;
  for (const key in call) {
    switch (key) {
      case "name":
      case "arguments":
      case "write":
      case "callId":
      case "signal":
      case "grant":
        continue;
      case "metadata":
        if (isMetadata(call.metadata)) continue;
        return slowly("tool()", call, ["name", "arguments"], ACT);
      default:
        return slowly("tool()", call, ["name", "arguments"], ACT);
    }
  }
  return call.name === undefined || call.arguments === undefined
    ? slowly("tool()", call, ["name", "arguments"], ACT)
    : call;
}

/** Reads what `model` is called with. */
export function modelCall(call: ModelCall): ModelCall {
  if (!isPlain(call) || isInitPolluted() || "write" in PROTOTYPE || "model" in PROTOTYPE || "request" in PROTOTYPE) {
    return slowly("model()", call, ["model", "request"], ACT);
  }
  for (const key in call) {
    switch (key) {
      case "model":
      case "request":
      case "write":
      case "callId":
      case "signal":
      case "grant":
        continue;
      case "metadata":
        if (isMetadata(call.metadata)) continue;
        return slowly("model()", call, ["model", "request"], ACT);
      default:
        return slowly("model()", call, ["model", "request"], ACT);
    }
  }
  return call.model === undefined || call.request === undefined
    ? slowly("model()", call, ["model", "request"], ACT)
    : call;
}

/** Reads what `check` is called with. */
export function checkCall(call: CheckCall): CheckCall {
  // The grant of a check is not read.
  if (
    !isPlain(call) || isRequestPolluted() || "callId" in PROTOTYPE || "metadata" in PROTOTYPE ||
    "signal" in PROTOTYPE || "usage" in PROTOTYPE || "limits" in PROTOTYPE || "denial" in PROTOTYPE
  ) {
    return slowly("check()", call, REQUEST, CHECK);
  }
  if (call.stage !== undefined && call.name !== undefined && call.payload !== undefined && hasKeys(call, 3)) {
    return call;
  }
  for (const key in call) {
    switch (key) {
      case "stage":
      case "name":
      case "payload":
      case "usage":
      case "limits":
      case "denial":
      case "callId":
      case "signal":
      case "grant":
        continue;
      case "metadata":
        if (isMetadata(call.metadata)) continue;
        return slowly("check()", call, REQUEST, CHECK);
      default:
        return slowly("check()", call, REQUEST, CHECK);
    }
  }
  return call.name === undefined || call.payload === undefined ? slowly("check()", call, REQUEST, CHECK) : call;
}

/** Reads what `begin` is called with. */
export function beginCall(call: BeginCall): BeginCall {
  if (!isPlain(call) || isInitPolluted() || isRequestPolluted() || "approval" in PROTOTYPE) {
    return slowly("begin()", call, REQUEST, BEGIN);
  }
  for (const key in call) {
    switch (key) {
      case "stage":
      case "name":
      case "payload":
      case "approval":
      case "callId":
      case "signal":
      case "grant":
        continue;
      case "metadata":
        if (isMetadata(call.metadata)) continue;
        return slowly("begin()", call, REQUEST, BEGIN);
      default:
        return slowly("begin()", call, REQUEST, BEGIN);
    }
  }
  return call.name === undefined || call.payload === undefined ? slowly("begin()", call, REQUEST, BEGIN) : call;
}

/** Reads what `explain` is called with. */
export function explainCall(call: CheckCall): CheckCall {
  return slowly("explain()", call, REQUEST, INIT);
}

const NO_OPTIONS: RunOptions<never> = Object.freeze(Object.create(null)) as RunOptions<never>;

/** Reads what `run` may be told. */
export function runOptions<T>(options: RunOptions<T> | undefined): RunOptions<T> {
  if (options === undefined) return NO_OPTIONS;
  const own = ownOptions("run()", options, ["action", "view", ...ACT]);
  if (!isMetadata(own.metadata)) throw wrongType("run()", "metadata", "an object", own.metadata);
  return own;
}

const SESSION = ["agentId", "agent", "parent", "signal", "sessionId", "baseline", "metadata", "policy"];
const OWN = ["agentId", "parent", "signal", "sessionId", "metadata"];

/** The options that `session()` knows: the kernel's own, and those that its extensions read. */
export function sessionKeys(read: readonly string[]): SessionKeys {
  const known = new Set([...OWN, ...read]);
  const others = [...new Set(read)].filter((key) => !SESSION.includes(key));
  return { names: [...SESSION.filter((key) => known.has(key)), ...others], known, others };
}

/** Reads what a session is made of. */
export function sessionInit(init: SessionInit, { names, known, others }: SessionKeys): SessionInit {
  return isPlain(init) && others.length === 0 && !hasSessionFields() && isKnown(init, known)
    ? init
    : ownOptions("session()", init, names as readonly (keyof SessionInit)[]);
}

function isKnown(init: SessionInit, known: ReadonlySet<string>): boolean {
  for (const key in init) {
    switch (key) {
      case "agentId":
      case "parent":
      case "signal":
      case "sessionId":
      case "metadata":
        continue;
      case "agent":
      case "baseline":
      case "policy":
        // What is absent may be named: whoever passes it on need not know whether an extension reads it.
        if (init[key] === undefined || known.has(key)) continue;
    }
    return false;
  }
  return true;
}

function hasSessionFields(): boolean {
  return "signal" in PROTOTYPE || "metadata" in PROTOTYPE || "agentId" in PROTOTYPE || "agent" in PROTOTYPE ||
    "parent" in PROTOTYPE || "sessionId" in PROTOTYPE ||
    "baseline" in PROTOTYPE || "policy" in PROTOTYPE;
}

const REQUEST = ["stage", "name", "payload"] as const;
const CHECK = ["usage", "limits", "denial", ...INIT] as const;
const BEGIN = ["approval", ...INIT] as const;

function slowly<T extends object>(
  where: string,
  call: T,
  needed: readonly (keyof T & string)[],
  others: readonly (keyof T & string)[],
): T {
  if (typeof call !== "object" || call === null || Array.isArray(call)) {
    throw wrongType(where, "the call", `an object with ${needed.join(", ")}`, call);
  }
  const own = ownOptions(where, call, [...needed, ...others]);
  for (const key of needed) {
    if (!Object.hasOwn(own, key)) {
      throw new TypeError(`Cannot build ${where}: "${key}" must be given, and is not there`);
    }
  }
  const { metadata } = own as Partial<ActInit>;
  if (!isMetadata(metadata)) throw wrongType(where, "metadata", "an object", metadata);
  return own;
}

function isMetadata(metadata: unknown): boolean {
  return metadata === undefined || (typeof metadata === "object" && !Array.isArray(metadata));
}

/** Throws unless an act, and what reads its answer, are there: nothing is judged that could not be run. */
export function checkAct(where: string, act: unknown, usageOf: unknown, view: unknown): void {
  functionOf(where, "act", act);
  if (usageOf !== undefined) functionOf(where, "usageOf", usageOf);
  if (view === undefined) return;
  for (const part of ["read", "write", "keep"] as const) {
    const member = memberOf(view as Partial<View<unknown>>, part);
    if (member !== undefined || part !== "keep") functionOf(where, `view.${part}`, member);
  }
}
