/**
 * The calls that a prompt repeats: a model proposed them in earlier steps, here or in another process.
 *
 * @module
 */
import type { Decision, Session } from "../../mod.ts";
import { copyOf, shown } from "./plain.ts";
import type { Part } from "./types.ts";

/**
 * Codes of denials that say nothing about a call's arguments: by now a limit is used up or a tool is another one. Such
 * arguments may still be blocked, which the gate before the model then tells.
 */
const NOT_OF_ARGUMENTS: ReadonlySet<string> = new Set([
  "agent_not_active",
  "agent_suspended",
  "approval_denied",
  "approval_required",
  "audit_unavailable",
  "concurrency_limit",
  "content_hash_mismatch",
  "cost_budget_exceeded",
  "drift_exceeded",
  "identity_unverified",
  "loop_detected",
  "max_tool_calls_exceeded",
  "missing_capabilities",
  "rate_limited",
  "session_killed",
  "store_unavailable",
  "timeout",
  "token_budget_exceeded",
  "trust_too_low",
]);

interface Verdict {
  readonly name: unknown;
  readonly input: string;
  readonly isRefused: boolean;
}

/** The calls whose gate a session has asked already: those that ran, were refused, or were met in a history. */
export class JudgedCalls {
  static readonly #most = 4096;
  readonly #verdicts = new Map<unknown, Verdict>();

  find(callId: unknown, name: unknown, input: string | undefined): boolean | undefined {
    const known = this.#verdicts.get(callId);
    // Ids come from models and browsers: a verdict is for one name and one input.
    return known !== undefined && known.name === name && known.input === input ? known.isRefused : undefined;
  }

  add(callId: unknown, name: unknown, input: string | undefined, isRefused: boolean): void {
    if (typeof callId !== "string" || input === undefined) return;
    if (this.#verdicts.size >= JudgedCalls.#most) this.#verdicts.clear();
    this.#verdicts.set(callId, { name, input, isRefused });
  }
}

/** A call's input as a text that is equal exactly where the input is; `undefined` where it has none. */
export function inputText(input: unknown): string | undefined {
  try {
    return JSON.stringify(input);
  } catch {
    return undefined;
  }
}

/** Tells whether a call that another part of the plugin has seen refused was refused for its arguments. */
export function isOfArguments(code: unknown): boolean {
  return typeof code === "string" && !NOT_OF_ARGUMENTS.has(code);
}

/** Whether a part of a message repeats a call that has a gate of its own; what a provider ran has none. */
export function isRepeatedCall(part: Part): boolean {
  return part?.["type"] === "tool-call" && part["providerExecuted"] !== true;
}

/**
 * A prompt in which the calls that their own gate would refuse have no arguments, so that what was blocked does not go
 * to a model again, and the conversation goes on; nor does what the SDK says of their errors, which repeats the
 * arguments, nor a name that is no tool's, which is the model's own words. Each call is judged once a session, and
 * nothing is taken for it.
 */
export function withoutRefused(
  prompt: readonly Part[],
  tools: readonly Part[] | undefined,
  session: Session,
  model: string,
  judged: JudgedCalls,
): readonly Part[] | Promise<readonly Part[]> {
  const waits: Promise<void>[] = [];
  const refused = new Set<Part>();
  for (const message of prompt) {
    const content = message?.["content"];
    if (!Array.isArray(content)) continue;
    for (const part of content as readonly Part[]) {
      const isRefused = isRepeatedCall(part)
        ? isRefusedCall(part, session, model, judged)
        : isErrorOfCall(part) && isRefusedError(part, session, model, judged);
      if (isRefused === true) refused.add(part);
      else if (isRefused !== false) {
        waits.push(isRefused.then((late) => {
          if (late) refused.add(part);
        }));
      }
    }
  }
  const blanked = (): readonly Part[] => {
    if (refused.size === 0) return prompt;
    const names = new Set(tools?.map(({ name }) => name));
    const ids = new Set(Array.from(refused, ({ toolCallId }) => toolCallId));
    return prompt.map((message) => blank(message, refused, ids, names));
  };
  return waits.length === 0 ? blanked() : Promise.all(waits).then(blanked);
}

function blank(
  message: Part,
  refused: ReadonlySet<Part>,
  ids: ReadonlySet<unknown>,
  names: ReadonlySet<unknown>,
): Part {
  const content = message?.["content"];
  if (!Array.isArray(content)) return message;
  const blanked = (content as readonly Part[]).map((part) => {
    if (!refused.has(part) && !(isResult(part) && ids.has(part["toolCallId"]))) return part;
    const toolName = names.has(part["toolName"]) ? part["toolName"] : "refused_call";
    if (!isResult(part)) return { ...part, toolName, input: {} };
    return isErrorOfCall(part) ? { ...part, toolName, output: REFUSED } : { ...part, toolName };
  });
  return { ...message, content: blanked };
}

const REFUSED: Part = { type: "error-text", value: "This call was refused" };

function isResult(part: Part): boolean {
  return part?.["type"] === "tool-result";
}

/** Whether a part says that the SDK could not make a call, since its name or its arguments were wrong. */
function isErrorOfCall(part: Part): boolean {
  const type = isResult(part) ? (part["output"] as Part | undefined)?.["type"] : undefined;
  return type === "error-text" || type === "error-json";
}

/** Whether what the SDK says of an error, which repeats what is no JSON of the arguments, would stop the request. */
function isRefusedError(part: Part, session: Session, model: string, judged: JudgedCalls): boolean | Promise<boolean> {
  const { toolCallId, toolName, output } = part;
  const [id, text] = [`error ${String(toolCallId)}`, inputText(output)];
  const known = judged.find(id, toolName, text);
  if (known !== undefined) return known;
  const settle = (isRefused: boolean): boolean => {
    judged.add(id, toolName, text, isRefused);
    return isRefused;
  };
  const isRefused = stopsRequest(session, model, { role: "tool", content: "", parts: [shown(part)] });
  return isRefused instanceof Promise ? isRefused.then(settle) : settle(isRefused);
}

function isRefusedCall(
  part: Part,
  session: Session,
  model: string,
  judged: JudgedCalls,
): boolean | Promise<boolean> {
  const { toolCallId, toolName, input } = part;
  const text = inputText(input);
  const known = judged.find(toolCallId, toolName, text);
  if (known !== undefined) return known;
  const settle = (isRefused: boolean): boolean => {
    judged.add(toolCallId, toolName, text, isRefused);
    return isRefused;
  };
  const decided = checkCall(session, part);
  const isRefused = decided instanceof Promise
    ? decided.then((late) => judge(late, session, model, part))
    : judge(decided, session, model, part);
  return isRefused instanceof Promise ? isRefused.then(settle) : settle(isRefused);
}

/** What a call's own gate would decide; `undefined` where it cannot be asked. */
export function checkCall(
  session: Session,
  { toolCallId, toolName, input }: Part,
): Decision | undefined | Promise<Decision | undefined> {
  try {
    const decision = session.check({
      stage: "pre_tool_call",
      name: toolName as string,
      payload: copyOf(input),
      callId: typeof toolCallId === "string" ? toolCallId : undefined,
    });
    return decision instanceof Promise ? decision.catch(() => undefined) : decision;
  } catch {
    return undefined;
  }
}

function judge(
  decision: Decision | undefined,
  session: Session,
  model: string,
  part: Part,
): boolean | Promise<boolean> {
  if (decision === undefined) return true;
  if (decision.effect !== "deny") return false;
  if (isOfArguments(decision.code)) return true;
  // The gate did not come to the arguments: would they stop the request?
  const parts = [shown({ type: "tool-call", input: part["input"] })];
  return stopsRequest(session, model, { role: "assistant", content: "", parts });
}

/** Whether what a message says would stop a request. */
function stopsRequest(session: Session, model: string, message: Part): boolean | Promise<boolean> {
  const later = session.check({ stage: "pre_model_call", name: model, payload: { messages: [message] } });
  const isBlocked = (late: Decision): boolean => late.effect === "deny" && isOfArguments(late.code);
  return later instanceof Promise ? later.then(isBlocked, () => true) : isBlocked(later);
}
