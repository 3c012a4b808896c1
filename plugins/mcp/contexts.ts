import { fieldOf, memberOf, ownOf } from "../shared/own.ts";
import type { Context, Fields } from "./types.ts";
import { isFields } from "./values.ts";

/** Marks the context of a request that was judged: whoever hands it on to another handler is not judged twice. */
const JUDGED = Symbol("judged");

/** What was judged; without params whatever is handed on. */
interface Judged {
  readonly method: string;
  readonly name: unknown;
  readonly params: Fields | undefined;
}

/** Whether a context is of a request that was judged as this one. */
export function isJudged(context: Context, method: string, params: unknown): boolean {
  const judged = (context as Record<symbol, unknown>)[JUDGED] as Judged | undefined;
  if (judged?.method !== method) return false;
  return judged.params === undefined || (judged.name === fieldOf(params, "name") && saysTheSame(judged.params, params));
}

/** What a handler gets: the request's own context, with the act's signal and what was judged of a caller's answers. */
export function contextFor(
  method: string,
  params: Fields | undefined,
  context: Context,
  signal: AbortSignal,
  beside?: Fields,
): Context {
  const mcpReq = ownOf(context, "mcpReq");
  const judged: Judged = { method, name: fieldOf(params, "name"), params };
  if (mcpReq === undefined) return { ...context, signal, [JUDGED]: judged } as Context;
  const { id } = mcpReq;
  const elicitInput = memberOf(mcpReq, "elicitInput"), requestSampling = memberOf(mcpReq, "requestSampling");
  // Both forget which request they belong to, and with it the session.
  const related = (send: unknown): unknown =>
    typeof send === "function"
      ? (params: unknown, options?: Fields) => send(params, { ...options, relatedRequestId: id })
      : send;
  const { requestState: _, ...others } = beside ?? {};
  const requestState = fieldOf(beside, "requestState");
  return {
    ...context,
    [JUDGED]: judged,
    mcpReq: {
      ...mcpReq,
      signal,
      ...(elicitInput === undefined ? {} : { elicitInput: related(elicitInput) }),
      ...(requestSampling === undefined ? {} : { requestSampling: related(requestSampling) }),
      ...others,
      ...(requestState === undefined ? {} : { requestState: () => requestState }),
    },
  } as Context;
}

/** What a caller sends beside the params, which 2.x takes out of them: its answers to the server's questions. */
export function besideOf(context: Context): Fields | undefined {
  const mcpReq = ownOf(context, "mcpReq");
  if (mcpReq === undefined) return undefined;
  const inputResponses = ownOf(mcpReq, "inputResponses"), requestState = memberOf(mcpReq, "requestState");
  const droppedInputResponseKeys = ownOf(mcpReq, "droppedInputResponseKeys");
  const state: unknown = typeof requestState === "function" ? requestState() : undefined;
  return {
    ...(inputResponses === undefined ? {} : { inputResponses }),
    ...(droppedInputResponseKeys === undefined ? {} : { droppedInputResponseKeys }),
    ...(state === undefined ? {} : { requestState: state }),
  };
}

/** Whether two values are the same JSON, whatever the order of their keys. */
function saysTheSame(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((item, at) => saysTheSame(item, other[at]));
  }
  if (!isFields(one) || !isFields(other)) return false;
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].every((key) =>
    saysTheSame(fieldOf(one, key), fieldOf(other, key))
  );
}
