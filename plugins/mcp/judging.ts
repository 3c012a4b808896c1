import type { Decision, Session } from "../../mod.ts";
import { fieldOf, ownOf } from "../shared/own.ts";
import { shown, written } from "./bytes.ts";
import { isViolation, tell, violation } from "./denials.ts";
import { actOf } from "./methods.ts";
import { within } from "./signals.ts";
import type { Fields, McpGrant } from "./types.ts";
import { fieldsCopy, isFields, jsonCopy, saysAnything } from "./values.ts";

/**
 * Denials that speak of the moment, or of arguments, and those of lists of tools: they say nothing of what a message
 * says.
 */
const NOT_OF_THE_TEXT =
  /^(?:invalid_arguments|content_hash_mismatch|rate_limited|concurrency_limit|loop_detected|.*_exceeded)$/;

/** Throws where a session is closed, or its agent stopped. */
export function mustBeActive(session: Session): void {
  const { signal } = session.context;
  if (!signal.aborted) return;
  const { code, reason } = isViolation(signal.reason)
    ? signal.reason
    : { code: "session_killed", reason: "The session is over" };
  // One for each request, since each is told.
  throw violation(code, reason);
}

/** Denials that do not say that a name, or a text, may not pass. */
export function isOfTheMoment(code: string): boolean {
  return NOT_OF_THE_TEXT.test(code);
}

/**
 * Judges a text from outside, or one that leaves beside the arguments of a call, at the gate for results: there every
 * guard reads, and none counts. Answers the text that may go on: a private copy.
 */
export async function judgeText(
  session: Session,
  name: string,
  message: unknown,
  untrusted: boolean,
  callId?: string,
): Promise<unknown> {
  let copy: unknown;
  let payload: unknown;
  try {
    copy = jsonCopy(message);
    payload = shown(copy);
  } catch {
    throw violation("payload_not_plain", "A message cannot be read", undefined, "post_tool_call");
  }
  const stage = "post_tool_call";
  const decision = await session.check({ stage, name, payload, callId, metadata: { untrusted } });
  if (!decision.allowed) throw denial(decision, stage);
  return decision.effect === "transform" ? written(decision.payload, copy) : copy;
}

/** The same for the params of a request, which stay an object. */
export async function judgeParams(
  session: Session,
  name: string,
  params: unknown,
  untrusted: boolean,
): Promise<Fields | undefined> {
  if (params !== undefined && !isFields(params)) throw violation("invalid_arguments", "The params must be an object");
  if (!saysAnything(params)) return params;
  const judged = await judgeText(session, name, params, untrusted);
  if (!isFields(judged)) throw violation("guard_error", "A guard changed the params to something that is none");
  return judged;
}

/** Judges what a request failed with, and throws what may be told of it. */
export async function judgeError(session: Session, name: string, error: unknown, untrusted: boolean): Promise<never> {
  if (isViolation(error)) throw error;
  mustBeActive(session);
  const before = errorForm(error, 0);
  const after = await judgeText(session, name, before, untrusted);
  // Where nothing was changed the very error goes on, with its code and its class.
  if (JSON.stringify(after) === JSON.stringify(before)) throw error;
  throw new Error(messageIn(after));
}

function messageIn(form: unknown): string {
  const message = fieldOf(form, "message");
  return typeof message === "string" ? message : "";
}

function errorForm(error: unknown, depth: number): unknown {
  if (!(error instanceof Error)) return error;
  const { name, message } = error;
  const cause = ownOf(error, "cause");
  const form = { ...fieldsCopy({ ...error }), name, message };
  return cause === undefined || depth === 8 ? form : { ...form, cause: errorForm(cause, depth + 1) };
}

/**
 * One request in the other direction: a server asks its client in the midst of a call (`sampling/createMessage`,
 * `elicitation/create`, `roots/list`). Its name must be one that the policy lets through; what is asked and what is
 * answered is judged on both gates. It costs no tool call.
 */
export async function exchange(
  session: Session,
  name: string,
  params: unknown,
  run: (params: Fields | undefined) => unknown,
  untrusted: boolean,
  grantFor: (params: Fields) => McpGrant | undefined,
): Promise<unknown> {
  try {
    return await exchanged(session, name, params, run, untrusted, grantFor);
  } catch (error) {
    throw tell(session, name, error);
  }
}

async function exchanged(
  session: Session,
  name: string,
  params: unknown,
  run: (params: Fields | undefined) => unknown,
  untrusted: boolean,
  grantFor: (params: Fields) => McpGrant | undefined,
): Promise<unknown> {
  mustBeActive(session);
  const given = await judgeParams(session, name, params, untrusted) ?? {};
  const asked = await judgeOutward(session, name, given, false, grantFor(given));
  const answer = await within(
    [session.context.signal],
    () => run(params === undefined && Object.keys(asked).length === 0 ? undefined : asked),
  ).catch((error: unknown) => judgeError(session, name, error, untrusted));
  const judged = await judgeText(session, name, answer, untrusted);
  return isFields(judged) ? await judgeOutward(session, name, judged, true, grantFor(judged)) : judged;
}

/** Judges an object at the gate before a call, where names are allowed and denied, and asks a person where one must. */
async function judgeOutward(
  session: Session,
  name: string,
  message: Fields,
  isAnswer: boolean,
  grant?: McpGrant,
): Promise<Fields> {
  const stage = "pre_tool_call";
  const payload = shown(message);
  let decision: Decision = await session.check({ stage, name, payload, limits: false });
  if (decision.effect === "escalate") {
    const act = await session.begin({ stage, name, payload, grant });
    decision = act.decision;
    act.cancel();
    // Whatever it was that denied, no person said yes.
    if (decision.effect === "deny") throw denial(decision, stage);
  }
  if (decision.effect === "transform") {
    const changed = written(decision.payload, message);
    if (!isFields(changed)) throw violation("guard_error", "A guard changed the params to something that is none");
    return changed;
  }
  if (decision.allowed) return message;
  // The params are what a guard knows as this name's arguments; the answer is not.
  const isOfParams = !isAnswer && decision.effect === "deny" && decision.code === "invalid_arguments";
  if (decision.effect === "deny" && isOfTheMoment(decision.code) && !isOfParams) return message;
  throw denial(decision, stage);
}

/** What may be told of a notification. */
export interface Told {
  readonly params: unknown;
}

/**
 * What a notification may say; `undefined` where it may not be told at all. Nobody waits for an answer to one, so that
 * a denial is an event of the gate's and nothing else. Answers at once where every guard does: what overtakes an answer
 * would be lost.
 */
export function judgeNotification(
  session: Session,
  method: string,
  params: unknown,
  untrusted: boolean,
): Told | undefined | Promise<Told | undefined> {
  if (session.context.signal.aborted) return undefined;
  if (!saysAnything(params)) return { params };
  const name = actOf(method);
  let copy: unknown;
  let payload: unknown;
  try {
    copy = jsonCopy(params);
    payload = shown(copy);
  } catch {
    tell(session, name, violation("payload_not_plain", "A message cannot be read", undefined, "post_tool_call"));
    return undefined;
  }
  const told = (decision: Decision): Told | undefined => {
    if (!decision.allowed) return undefined;
    return { params: decision.effect === "transform" ? written(decision.payload, copy) : copy };
  };
  try {
    const decision = session.check({ stage: "post_tool_call", name, payload, metadata: { untrusted } });
    return decision instanceof Promise ? decision.then(told).catch(() => undefined) : told(decision);
  } catch {
    return undefined;
  }
}

/** The denial as an error. */
export function denial(decision: Decision, stage: "pre_tool_call" | "post_tool_call"): Error {
  const { code, reason } = decision as { code: string; reason: string };
  return violation(decision.effect === "escalate" ? "approval_required" : code, reason, decision, stage);
}
