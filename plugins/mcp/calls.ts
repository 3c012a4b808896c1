import type { Session, View } from "../../mod.ts";
import { fieldOf, ownOf } from "../shared/own.ts";
import { shown, written } from "./bytes.ts";
import { violation } from "./denials.ts";
import { denial, isOfTheMoment, judgeText, mustBeActive } from "./judging.ts";
import type { KnownTools } from "./known-tools.ts";
import { actOf, CALL, isUngoverned, toolOf } from "./methods.ts";
import type { Fields, McpGrant } from "./types.ts";
import { fieldsCopy, isFields, saysAnything, symbolsOf, withoutCaching } from "./values.ts";

/** A call, a read, or one of a server's own methods, before it is judged. */
export interface Call {
  readonly session: Session;
  readonly method: string;
  readonly params: unknown;
  /** What a handler gets beside the params: a caller's answers to a server's questions. */
  readonly beside?: Fields | undefined;
  readonly signal: AbortSignal | undefined;
  readonly grant: McpGrant | undefined;
  readonly requestId?: string | undefined;
  /** Whether what comes back marks the session tainted. */
  readonly untrusted: boolean;
  readonly known: KnownTools;
}

/** Sends what the gates let through: the params, and what goes beside them. */
export type Send = (params: Fields, signal: AbortSignal, beside: Fields | undefined) => unknown;

/** An answer: a copy that nobody else holds; absent where it is no result. */
interface Answer {
  readonly value: Fields | undefined;
  /** What an SDK noted on it, and how it may be cached. */
  readonly notes: Record<PropertyKey, unknown>;
  /** Whether something is still what the tool's output schema describes. */
  readonly fits: (value: Fields) => boolean;
}

/** Shows guards the answer with its bytes as what they are. */
const ANSWERS: View<Answer> = {
  read: ({ value }) => {
    if (value === undefined) throw new TypeError("The answer is no result");
    return shown(value);
  },
  write: ({ value, notes, fits }, payload) => {
    const changed = written(payload, value);
    if (!isFields(changed)) throw violation("guard_error", "A guard changed the result to something that is no result");
    if (!fits(changed)) {
      throw violation(
        "guard_error",
        "The result was changed by a guard, and no longer fits the tool's output schema",
      );
    }
    return { value: changed, notes, fits };
  },
};

/** What came back, as a result; a task is none, since what it comes to would not pass the gates. */
function answerOf(raw: unknown, isTool: boolean, fits: Answer["fits"]): Answer {
  let value: Fields | undefined;
  try {
    value = fieldsCopy(raw);
  } catch {
    // What JSON can't say is no result.
  }
  if (value === undefined) return { value, notes: {}, fits };
  const isTask = isTool && (ownOf(value, "resultType") === "task" || isFields(ownOf(value, "task")));
  const { said, caching } = withoutCaching(value);
  return { value: isTask ? undefined : said, notes: { ...caching, ...symbolsOf(raw as object) }, fits };
}

/** The name of a request as policies know it, whatever its params are. */
export function nameOf(method: string, params: unknown): string {
  return method === CALL ? toolOf(fieldOf(params, "name")) : actOf(method);
}

/** The name of a call as policies know it, and the parts of its params. */
export function partsOf(method: string, params: unknown): {
  readonly name: string;
  /** What the gates take for the arguments. */
  readonly args: Fields;
  /** What stands beside the arguments of a tool's call. */
  readonly others: Fields;
  readonly meta: unknown;
  readonly given: Fields;
} {
  if (params !== undefined && !isFields(params)) throw violation("invalid_arguments", "The params must be an object");
  const given = { ...params };
  const { _meta: _, ...plain } = given;
  const meta = ownOf(given, "_meta");
  if (isUngoverned(method)) throw violation("ungoverned_method", `${method} does not pass the gates`);
  if (method !== CALL) return { name: actOf(method), args: plain, others: {}, meta, given };
  const { name: _name, arguments: _arguments, ...others } = plain;
  const sent = ownOf(given, "arguments"), args = sent === undefined ? {} : sent;
  if (!isFields(args)) throw violation("invalid_arguments", "The arguments must be an object");
  if (ownOf(others, "task") !== undefined) throw violation("ungoverned_method", "A task does not pass the gates");
  return { name: toolOf(ownOf(given, "name")), args, others, meta, given };
}

/**
 * One act: what the gates let through is sent, and what they let through of the answer comes back; `wait` runs
 * something no longer than a signal allows.
 */
export async function governCall(
  call: Call,
  send: Send,
  wait: <T>(signal: AbortSignal, run: (signal: AbortSignal) => T | Promise<T>) => Promise<T>,
): Promise<unknown> {
  const { session, method, signal, grant, untrusted, known } = call;
  const requestId = ownOf(call, "requestId"), beside = ownOf(call, "beside");
  mustBeActive(session);
  const { name, args, others, meta, given } = partsOf(method, call.params);
  const isTool = method === CALL;
  const tool = isTool ? known.identityOf(name) : undefined;
  const metadata = { untrusted, tool, requestId };
  const said = { ...others, ...beside };
  const extra = saysAnything(said) ? await judgeBeside(session, name, said, metadata, true) : said;
  const safeMeta = isFields(meta) && saysAnything(meta)
    ? await judgeBeside(session, name, meta, metadata, false)
    : meta;
  const fits = (value: Fields): boolean => !isTool || known.fits(name, value);
  const answer = await session.tool<Answer>(
    { name, arguments: args, signal, grant, metadata },
    async (safe: Fields, own, changed) => {
      const params: Fields = isTool ? pick(extra, Object.keys(others)) : { ...safe };
      if (isTool) {
        params["name"] = ownOf(given, "name");
        if (ownOf(given, "arguments") !== undefined || changed) params["arguments"] = safe;
      }
      if (meta !== undefined) params["_meta"] = safeMeta;
      const besides = beside && pick(extra, Object.keys(beside));
      return answerOf(await wait(own, (joined) => send(params, joined, besides)), isTool, fits);
    },
    ANSWERS,
  );
  return { ...answer.value, ...answer.notes };
}

/**
 * Judges what goes beside the arguments, under the call's own name, on both gates: arguments are what a guard expects
 * before the call, so that a denial of those says nothing here.
 */
async function judgeBeside(
  session: Session,
  name: string,
  given: Fields,
  metadata: Readonly<Record<string, unknown>>,
  mayCarryData: boolean,
): Promise<Fields> {
  let payload = fieldsCopy(given) ?? {};
  const decision = await session.check({ stage: "pre_tool_call", name, payload, metadata, limits: false });
  if (decision.effect === "transform" && isFields(decision.payload)) payload = decision.payload;
  // A person is asked about the call itself, and would not be shown this.
  const isDenied = decision.effect === "deny" && !isOfTheMoment(decision.code);
  if (isDenied || (decision.effect === "escalate" && mayCarryData)) throw denial(decision, "pre_tool_call");
  const judged = await judgeText(session, name, payload, false);
  if (!isFields(judged)) throw violation("guard_error", "A guard changed the params to something that is none");
  return judged;
}

const pick = (from: Fields, keys: readonly string[]): Fields =>
  Object.fromEntries(keys.filter((key) => Object.hasOwn(from, key)).map((key) => [key, from[key]]));
