import type { GovernedRequest } from "../base/request.ts";
import { CAPPED, firstOf, type Matcher } from "../match/matcher.ts";
import { showsAll } from "../match/search.ts";

const MAX_DEPTH = 64;

/** A part of a message that is text. */
export interface TextPart {
  /** What it is. */
  readonly type: "text";
  /** What it says. */
  readonly text: string;
}

/**
 * Searches what a guard of patterns looks at.
 *
 * A model's request is searched message by message, and what stands beside the messages by itself, since no model sees
 * the end of one joined to the beginning of the next. A model's answer is searched without the calls that have a gate of
 * their own, what it says apart from what is told about it. Of both the text parts of one list are also searched as the
 * one text that they are to a model. Everything else is searched as a whole.
 */
export function searchRequest(request: GovernedRequest, matcher: Matcher, isPlain: boolean): number {
  const { stage, payload } = request;
  if (stage !== "pre_model_call" && stage !== "post_model_call") return matcher.search(payload, isPlain);
  try {
    if (stage === "post_model_call") {
      return isModelAnswer(payload) ? searchModelAnswer(payload, matcher, isPlain) : matcher.search(payload, isPlain);
    }
    return isModelRequest(payload, isPlain)
      ? searchModelRequest(payload, matcher, isPlain)
      : matcher.search(payload, isPlain);
  } catch {
    return CAPPED;
  }
}

/** Whether a payload has the shape of a model's request, of which reading the parts leaves nothing out. */
function isModelRequest(payload: unknown, isPlain: boolean): payload is { readonly messages: readonly unknown[] } {
  if (typeof payload !== "object" || payload === null) return false;
  const messages = Object.getOwnPropertyDescriptor(payload, "messages")?.value as unknown;
  if (!Array.isArray(messages)) return false;
  return isPlain || (isOpen(payload) && isOpen(messages) && messages.every(isOpen));
}

/** Whether a payload has the shape of a model's answer with calls. */
export function isModelAnswer(
  payload: unknown,
): payload is { readonly content: unknown; readonly toolCalls: readonly unknown[] } {
  return typeof payload === "object" && payload !== null && Object.hasOwn(payload, "content") &&
    Object.hasOwn(payload, "toolCalls") && Array.isArray((payload as { toolCalls: unknown }).toolCalls);
}

/** Whether guards read the text parts of one list in a request as one text. */
export function joinsParts({ stage, payload }: GovernedRequest): boolean {
  return stage === "pre_model_call"
    ? isModelRequest(payload, true)
    : stage === "post_model_call" && isModelAnswer(payload);
}

/** Whether nothing of an object is lost in a copy of what it shows. */
function isOpen(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return showsAll(value) && Object.values(Object.getOwnPropertyDescriptors(value)).every((own) => "value" in own);
}

function searchModelRequest(
  payload: { readonly messages: readonly unknown[] },
  matcher: Matcher,
  isPlain: boolean,
): number {
  let found = matcher.search({ ...payload, messages: undefined }, isPlain);
  const roles = new Set<unknown>();
  for (const message of payload.messages) {
    if (found === 0) return found;
    if (!isRecord(message)) found = firstOf(found, searchSaid([message], matcher, isPlain));
    else {
      // A role says nothing, and is no text before the content.
      if (Object.hasOwn(message, "role")) roles.add(message["role"]);
      found = firstOf(found, searchSaid(split(message, ["role"])[1], matcher, isPlain));
    }
  }
  for (const role of roles) found = firstOf(found, matcher.search(role, isPlain));
  return found;
}

function searchModelAnswer(payload: object, matcher: Matcher, isPlain: boolean): number {
  const [said, told] = split(payload, ["content", "parts", "toolCalls"]);
  return firstOf(searchSaid(split(said, ["toolCalls"])[1], matcher, isPlain), matcher.search(told, isPlain));
}

/** An object's fields of some names, and its others. */
function split(value: object, names: readonly string[]): readonly [object, object] {
  const those: Record<string, unknown> = {};
  const others: Record<PropertyKey, unknown> = { ...value };
  for (const name of names) {
    if (!Object.hasOwn(others, name)) continue;
    those[name] = others[name];
    Reflect.deleteProperty(others, name);
  }
  return [those, others];
}

function searchSaid(said: object, matcher: Matcher, isPlain: boolean): number {
  let found = matcher.search(said, isPlain);
  for (const text of joinedTexts(said, [])) found = firstOf(found, matcher.search(text));
  return found;
}

/** What lists of several text parts say, at any depth; the content of a message is not repeated. */
function joinedTexts(value: unknown, out: string[], depth = 0, said?: unknown): string[] {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return out;
  if (Array.isArray(value)) {
    const texts = value.filter(isTextPart);
    const text = texts.length > 1 ? textOf(texts) : undefined;
    if (text !== undefined && text !== said) out.push(text);
    for (const item of value) joinedTexts(item, out, depth + 1);
  } else if (isRecord(value)) {
    const content = Object.hasOwn(value, "content") ? value["content"] : undefined;
    for (const key of Object.keys(value)) joinedTexts(value[key], out, depth + 1, content);
  }
  return out;
}

/** Whether an item of a list is a text part. */
export function isTextPart(item: unknown): item is TextPart {
  return isRecord(item) && Object.hasOwn(item, "type") && item["type"] === "text" && Object.hasOwn(item, "text") &&
    typeof item["text"] === "string";
}

/** What the text parts of a list say together. */
export function textOf(parts: readonly unknown[]): string {
  return parts.filter(isTextPart).map(({ text }) => text).join("");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
