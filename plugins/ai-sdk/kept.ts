/**
 * What passes the gates of a model as data that nobody else can change.
 *
 * @module
 */
import { bytesOf, copyAround, copyOf, copyOfBytes, define, isLeaf, isPlainObject, keepEach } from "./plain.ts";
import type { Generated, Part } from "./types.ts";

/**
 * A message, a part or an answer of some class as plain data: its fields, and what its class's accessors give, each
 * read once. Anything else is left as it is.
 */
export function plainOf<T>(value: T): T {
  if (isLeaf(value) || Array.isArray(value) || isPlainObject(value)) return value;
  if (Object.prototype.toString.call(value) !== "[object Object]") return value;
  const fields: Record<string, unknown> = { ...(value as object) };
  const given = value as Part;
  for (let at = parentOf(given); at !== null && parentOf(at) !== null; at = parentOf(at)) {
    for (const [key, { get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (get !== undefined && !Object.hasOwn(fields, key)) define(fields, key, given[key]);
    }
  }
  return fields as T;
}

function parentOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

/** The same for each of a list; the list itself where all are plain. */
function plainList(list: readonly Part[]): readonly Part[] {
  for (let at = 0; at < list.length; at++) if (!isPlainObject(list[at])) return list.map(plainOf);
  return list;
}

/** The same for what has parts: a message, or an answer. */
function plainWhole<T extends Part>(value: T): T {
  const whole = plainOf(value);
  const content: unknown = whole?.["content"];
  if (!Array.isArray(content)) return whole;
  const list = plainList(content as readonly Part[]);
  return list === content ? whole : { ...whole, content: list };
}

/** The same for a prompt. */
export function plainPrompt(prompt: unknown): unknown {
  return Array.isArray(prompt) ? (prompt as readonly Part[]).map(plainWhole) : prompt;
}

/** A copy of an answer, but that its bytes, and what is of some class, are still the provider's. */
export function copyOfAnswer(result: Generated): Generated {
  const whole = plainWhole(result as Part) as Generated;
  const response = plainOf(whole.response);
  return copyAround(response === whole.response ? whole : { ...whole, response } as Generated);
}

const IN_ANSWER: ReadonlySet<string> = new Set(["request", "response"]);
const IN_RESPONSE: ReadonlySet<string> = new Set(["body"]);

/** Makes such a copy's own what guards see of it, where its judgement has to wait. */
export function keepAnswer(result: Generated): void {
  keepEach(result, kept, IN_ANSWER);
  keepEach(result.response, kept, IN_RESPONSE);
}

/** The same for the parts of a stream, whose bytes were copied when they came: they wait for the others anyway. */
export function keepStreamed(parts: readonly Part[]): void {
  const own = (item: object, depth: number): unknown => bytesOf(item) === undefined ? kept(item, depth) : item;
  for (const part of parts) if (part["type"] !== "raw") keepEach(part, own);
}

function kept(item: object, depth: number): unknown {
  if (bytesOf(item) !== undefined) return copyOfBytes(item);
  if (item instanceof URL || item instanceof Date) return copyOf(item);
  if (item instanceof Error) return keptError(item, depth);
  if (item instanceof Map || item instanceof Set || item instanceof RegExp) return structuredClone(item);
  // As guards see it; what has no such form cannot be kept.
  return JSON.parse(JSON.stringify(item));
}

function keptError(error: Error, depth: number): Error {
  const fields: Record<PropertyKey, PropertyDescriptor> = {};
  for (const key of Reflect.ownKeys(error)) {
    const held = { value: copyAround((error as unknown as Record<PropertyKey, unknown>)[key]) };
    keepEach(held, kept, undefined, depth + 1);
    const enumerable = Object.prototype.propertyIsEnumerable.call(error, key);
    fields[key] = { ...held, writable: true, enumerable, configurable: true };
  }
  return Object.create(parentOf(error), fields) as Error;
}
