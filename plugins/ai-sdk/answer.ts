/**
 * What a model answers, as guards see it.
 *
 * @module
 */
import type { TokenUsage, View } from "../../mod.ts";
import { keepAnswer } from "./kept.ts";
import { readParts, rewrite, type Rewritten } from "./parts.ts";
import { define, graft, isSame, shown } from "./plain.ts";
import { type Answer, broken, type Generated, type Part, type ProposedCall } from "./types.ts";

/** A part that proposes a call, which has a gate of its own; what the provider ran is a part like any other. */
export function isProposed(part: Part): boolean {
  return part["type"] === "tool-call" && part["providerExecuted"] !== true;
}

const CALL_FIELDS: ReadonlySet<string> = new Set(["type", "toolCallId", "toolName", "input"]);

/** What a call says beside its arguments, where it says anything. */
function besides(call: Part): Part | undefined {
  let hasMore = false;
  for (const key of Object.keys(call)) hasMore ||= !CALL_FIELDS.has(key) && call[key] !== undefined;
  if (!hasMore) return undefined;
  const { input: _input, ...rest } = call;
  return rest;
}

function callOf({ toolCallId: id, toolName: name, input }: Part): ProposedCall {
  if (typeof input !== "string") return { id, name, arguments: shown(input) };
  try {
    return { id, name, arguments: JSON.parse(input) };
  } catch {
    return { id, name, arguments: input };
  }
}

/** An answer's parts without the arguments of its calls, which are shown apart. */
function judgedParts(content: readonly Part[]): readonly Part[] {
  const parts: Part[] = [];
  for (const part of content) {
    const judged = isProposed(part) ? besides(part) : part;
    if (judged !== undefined) parts.push(judged);
  }
  return parts;
}

/** Content and finish reason as guards see them. */
export function readContent(content: readonly Part[], reason: unknown): Answer {
  const toolCalls: ProposedCall[] = [];
  for (const part of content) if (isProposed(part)) toolCalls.push(callOf(part));
  const finishReason = String((reason as Part | undefined)?.["unified"] ?? reason ?? "");
  const { content: text, parts } = readParts(judgedParts(content));
  return parts === undefined
    ? { content: text, toolCalls, finishReason }
    : { content: text, parts, toolCalls, finishReason };
}

/**
 * Content with what a guard changed, every part in its place; `undefined` where one is gone. A guard may take calls
 * away and change their arguments, and not add any.
 *
 * @throws {TypeError} If the SDK cannot take the change.
 */
export function writeContent(content: readonly Part[], before: Answer, after: Answer | null): Rewritten {
  const calls = content.filter(isProposed);
  const told = new Map(after?.toolCalls?.map((call) => [call.id, call]));
  const known = new Set(calls.map(({ toolCallId }) => toolCallId));
  const isKnown = known.size === calls.length && told.size === (after?.toolCalls?.length ?? 0) &&
    [...told.keys()].every((id) => known.has(id));
  if (!isKnown) throw broken("tool calls that the model did not make");
  const judged = rewrite(judgedParts(content), before, after);
  let next = 0;
  const places = content.map((part) => {
    if (!isProposed(part)) return judged.places[next++];
    const more = besides(part) === undefined ? {} : judged.places[next++];
    const call = told.get(part["toolCallId"]);
    return call === undefined ? undefined : writeCall(part, more, call);
  });
  return { places, added: judged.added };
}

function writeCall(part: Part, more: Part | undefined, call: ProposedCall): Part {
  const written = more === undefined ? part : { ...part, ...more };
  if (isSame(call, callOf(part))) return written;
  const input = typeof call.arguments === "string" ? call.arguments : JSON.stringify(call.arguments);
  return { ...written, toolName: call.name, input };
}

/** What a provider tells beside an answer. Bodies are left out: the answer itself was made of them. */
function toldIn(result: Generated): Part {
  const all: Record<string, unknown> = {};
  const tell = (key: string, value: unknown): void => {
    if (!isEmpty(value)) define(all, key, value);
  };
  for (const key of Object.keys(result)) if (!READ_APART.has(key)) tell(key, result[key]);
  const { response, finishReason, usage } = result;
  if (response !== undefined) {
    const { body: _body, ...told } = response;
    tell("response", told);
  }
  tell("rawFinishReason", (finishReason as Part | undefined)?.["raw"]);
  tell("rawUsage", (usage as Part | undefined)?.["raw"]);
  return all;
}

const READ_APART: ReadonlySet<string> = new Set(["content", "finishReason", "request", "response", "usage"]);

function isEmpty(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return value === undefined;
  for (const key of Object.keys(value)) if ((value as Part)[key] !== undefined) return false;
  return true;
}

/** Puts back what a guard changed of what the provider tells. */
function writeTold(result: Generated, before: unknown, after: unknown): Generated {
  if (isSame(before, after)) return result;
  const { rawFinishReason, rawUsage, response, ...told } = graft(toldIn(result), before, after) as Part;
  return {
    ...result,
    ...told,
    ...(response === undefined ? {} : { response: { ...result.response, ...(response as Part) } }),
    ...(rawFinishReason === undefined
      ? {}
      : { finishReason: { ...result.finishReason as Part, raw: rawFinishReason } }),
    ...(rawUsage === undefined ? {} : { usage: { ...result.usage as Part, raw: rawUsage } }),
  };
}

/** How a whole answer is shown to guards, and a changed one put back. */
export const GENERATED: View<Generated> = {
  read: readGenerated,
  write: (result, after: Answer) => {
    const before = readGenerated(result);
    const written = writeTold(result, before.provider, after?.provider);
    const { places, added } = writeContent(result.content, before, after);
    return {
      ...written,
      content: [...places.filter((part) => part !== undefined), ...added],
      // The body as the provider sent it still says the old.
      ...(written.response === undefined ? {} : { response: { ...written.response, body: undefined } }),
    };
  },
  keep: keepAnswer,
};

function readGenerated(result: Generated): Answer {
  const told = toldIn(result);
  const read = readContent(result.content, result.finishReason);
  return isEmpty(told) ? read : { ...read, provider: shown(told) };
}

function figure(value: unknown): number | undefined {
  return ((value as { total?: unknown } | undefined)?.total ?? value) as number | undefined;
}

/** The usage that a provider reports. */
export function usageIn(usage: unknown): TokenUsage {
  const { inputTokens, outputTokens, totalTokens } = (usage ?? {}) as Part;
  const cachedInputTokens = (inputTokens as { cacheRead?: number } | undefined)?.cacheRead;
  const reasoningTokens = (outputTokens as { reasoning?: number } | undefined)?.reasoning;
  // What was not reported is left out: it need not be read again.
  return {
    inputTokens: figure(inputTokens),
    outputTokens: figure(outputTokens),
    ...(totalTokens === undefined ? {} : { totalTokens: figure(totalTokens) }),
    ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
  };
}
