/**
 * Values of the AI SDK as plain data for guards, and back.
 *
 * @module
 */
import { bytesOfBase64, textOfBytes } from "../shared/bytes.ts";
import { broken, type Part } from "./types.ts";

/** Deeper than any payload may be: what is further down is left as it is, and the gate refuses it. */
const DEEPEST = 70;

/** Ends the key under which a text that may be base64 stands a second time, as it is. */
const AS_TEXT = "AsText";

/** Keys of parts under which a string is bytes in base64. */
const BYTE_KEYS: ReadonlySet<string> = new Set(["data", "blob", "base64"]);
const FILE_TYPES: ReadonlySet<unknown> = new Set([
  "audio",
  "data",
  "file",
  "file-data",
  "image",
  "image-data",
  "media",
  "reasoning-file",
  "video",
]);

/** Keys under which providers keep what they sign and encrypt, which is base64 and means nothing to anybody else. */
const OPAQUE_KEYS: ReadonlySet<string> = new Set(["providerMetadata", "providerOptions"]);
const OPAQUE_LENGTH = 64;

/** What is copied as it is, since nothing in it can change. */
export function isLeaf(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

/** Whether a value is an object of plain data: of this realm, of another one, or without a prototype. */
export function isPlainObject(value: unknown): value is Part {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The bytes that a value is, without a copy. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
}

/** A copy of bytes, of their own kind. Not by `slice`: that of a `Buffer` shares its memory. */
export function copyOfBytes(value: object): object {
  if (!(value instanceof Uint8Array)) return structuredClone(value);
  const copy = new Uint8Array(value);
  const prototype = Object.getPrototypeOf(value) as object;
  return prototype === Uint8Array.prototype ? copy : Object.setPrototypeOf(copy, prototype);
}

/** A copy that nobody else holds, so that what was judged is what goes on. */
export function copyOf<T>(value: T): T {
  return copied(value, false, 0) as T;
}

/** The same, but that its bytes are still the others': `keepEach` copies them, where something has to be waited for. */
export function copyAround<T>(value: T): T {
  return copied(value, true, 0) as T;
}

/** Puts in the place of what a copy shares with others what is its own. */
export function keepEach(
  copy: unknown,
  own: (item: object, depth: number) => unknown,
  except?: ReadonlySet<string>,
  depth = 0,
): void {
  if (depth > DEEPEST || !(Array.isArray(copy) || isPlainObject(copy))) return;
  const holder = copy as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    const item = holder[key];
    if (isLeaf(item) || except?.has(key) === true) continue;
    if (Array.isArray(item) || isPlainObject(item)) keepEach(item, own, undefined, depth + 1);
    else holder[key] = own(item as object, depth);
  }
}

/** Copies bytes; whatever else somebody shares stays shared. */
export function keepBytes(item: object): object {
  return bytesOf(item) === undefined ? item : copyOfBytes(item);
}

function copied(value: unknown, isShared: boolean, depth: number): unknown {
  if (isLeaf(value) || depth > DEEPEST) return value;
  if (Array.isArray(value)) {
    // Spread, since that fills holes, and never asks a prototype.
    const list: unknown[] = [...value];
    for (let index = 0; index < list.length; index++) {
      if (!isLeaf(list[index])) list[index] = copied(list[index], isShared, depth + 1);
    }
    return list;
  }
  // What is no plain data is met seldom, and asked for last.
  if (isPlainObject(value)) return copiedObject(value, isShared, depth);
  if (value instanceof URL) return new URL(value.href);
  if (value instanceof Date) return new Date(value.getTime());
  return isShared || bytesOf(value) === undefined ? value : copyOfBytes(value as object);
}

function copiedObject(value: Part, isShared: boolean, depth: number): Part {
  const object: Record<string, unknown> = { ...value };
  const symbols = Object.getOwnPropertySymbols(object);
  for (let at = 0; at < symbols.length; at++) delete (object as Record<symbol, unknown>)[symbols[at] as symbol];
  for (const key in object) {
    // A polluted prototype has keys too, which nobody has.
    if (!isLeaf(object[key]) && Object.hasOwn(object, key)) object[key] = copied(object[key], isShared, depth + 1);
  }
  return object;
}

/**
 * A copy of the plugin's own as guards are shown it: plain data, without what is `undefined`. Bytes are text where they
 * are valid UTF-8, whatever their media type says; a base64 string that stands for bytes is shown as these. What needs
 * no other form is the value itself.
 */
export function shown(value: unknown): unknown {
  return shownIn(value, false, 0);
}

function shownIn(value: unknown, isOpaque: boolean, depth: number): unknown {
  if (typeof value === "string") return shownText(value, isOpaque);
  if (typeof value === "bigint") return String(value);
  if (isLeaf(value) || depth > DEEPEST) return value;
  if (value instanceof URL) return shownText(value.href, false);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "" : value.toISOString();
  const bytes = bytesOf(value);
  if (bytes !== undefined) return shownBytes(bytes);
  if (Array.isArray(value)) return shownList(value, isOpaque, depth);
  if (value instanceof Error) return shownError(value, depth);
  return isPlainObject(value) ? shownObject(value, isOpaque, depth) : value;
}

function shownList(value: readonly unknown[], isOpaque: boolean, depth: number): readonly unknown[] {
  let list: unknown[] | undefined;
  for (let index = 0; index < value.length; index++) {
    const one = shownIn(value[index], isOpaque, depth + 1) ?? null;
    if (one === value[index]) continue;
    list ??= [...value];
    list[index] = one;
  }
  return list ?? value;
}

function shownObject(value: Part, isOpaque: boolean, depth: number): Part {
  const keys = Object.keys(value);
  let object: Record<string, unknown> | undefined;
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] as string;
    const item = value[key];
    const isFile = BYTE_KEYS.has(key) && typeof item === "string" && isFilePart(value);
    const one = isFile ? shownFile(item) : shownIn(item, isOpaque || OPAQUE_KEYS.has(key), depth + 1);
    if (object === undefined) {
      if (one === item && one !== undefined) continue;
      object = {};
      for (const before of keys.slice(0, at)) define(object, before, value[before]);
    }
    if (one !== undefined) define(object, key, one);
    if (isFile && one !== item && isLikeText(item, typeof one !== "string")) define(object, key + AS_TEXT, item);
  }
  return object ?? value;
}

/** Every key is a key like any other, "__proto__" too, whatever a prototype does when it is assigned to. */
export function define(object: object, key: string, value: unknown): void {
  if (key in object) {
    Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
  } else (object as Record<string, unknown>)[key] = value;
}

function shownError(error: Error, depth: number): unknown {
  const { name, message, cause } = error;
  const own = shownIn({ ...error }, false, depth + 1) as Part;
  return { ...own, name, message, ...(cause === undefined ? {} : { cause: shownIn(cause, false, depth + 1) }) };
}

/** Whether an object carries a file: what it calls the file does not matter. */
function isFilePart({ mediaType, mimeType, type }: Part): boolean {
  return typeof mediaType === "string" || typeof mimeType === "string" || FILE_TYPES.has(type);
}

/** Bytes are judged as the text that they are; what is no text has nothing to search, and counts as bytes. */
function shownBytes(bytes: Uint8Array): string | Uint8Array {
  return textOfBytes(bytes) ?? bytes;
}

function shownFile(text: string): unknown {
  const bytes = bytesOfBase64(text);
  return bytes === undefined ? shownText(text, false) : shownBytes(bytes);
}

const DATA_URL = /^data:[^,]{0,256};base64,/i;

function shownText(text: string, isOpaque: boolean): unknown {
  const [head] = DATA_URL.exec(text) ?? [];
  if (head === undefined && !(isOpaque && text.length >= OPAQUE_LENGTH && !isLikeText(text))) return text;
  const bytes = bytesOfBase64(head === undefined ? text : text.slice(head.length));
  return bytes === undefined || (head !== undefined && isLikeText(text.slice(head.length))) ? text : shownBytes(bytes);
}

const SHORT = 64;

/**
 * Whether a text that can be read as base64 may be a text all the same: it has blanks, or has not the mixture of
 * letters that bytes have in base64. A short one may be, unless what it stands for is a text.
 */
function isLikeText(text: string, isBinary = true): boolean {
  if ((isBinary && text.length <= SHORT) || /[^\S\r\n]/.test(text)) return true;
  return !(/[a-z]/.test(text) && /[A-Z]/.test(text) && /[0-9+/=_-]/.test(text));
}

/** Whether a value has to be shown otherwise than it is: it has bytes in it, or what stands for bytes. */
export function holdsBytes(value: unknown, depth = 0): boolean {
  if (typeof value === "string") return DATA_URL.test(value);
  if (isLeaf(value) || depth > DEEPEST) return false;
  if (bytesOf(value) !== undefined) return true;
  if (Array.isArray(value)) return value.some((item) => holdsBytes(item, depth + 1));
  if (!isPlainObject(value)) return false;
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (holdsBytes(item, depth + 1)) return true;
    if (BYTE_KEYS.has(key) && typeof item === "string" && isFilePart(value)) return true;
  }
  return false;
}

/** Whether two values that guards were shown are the same data. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (isLeaf(a) || isLeaf(b)) return false;
  const [left, right] = [bytesOf(a), bytesOf(b)];
  if (left !== undefined || right !== undefined) {
    return left !== undefined && right !== undefined && hasSameBytes(left, right);
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [first, second] = [a as Part, b as Part];
  const keys = Object.keys(first);
  return keys.length === Object.keys(second).length &&
    keys.every((key) => Object.hasOwn(second, key) && isSame(first[key], second[key]));
}

function hasSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

/**
 * A value with put in what differs between the form that guards were shown and the changed one.
 *
 * @throws {TypeError} If the value cannot take the change.
 */
export function graft(value: unknown, before: unknown, after: unknown): unknown {
  if (isSame(before, after)) return value;
  if (typeof value === "string") return graftText(value, before, after);
  if (isLeaf(value)) return after;
  if (bytesOf(value) !== undefined) return bytesFrom(after);
  if (value instanceof URL) return urlFrom(after);
  if (Array.isArray(value)) return graftList(value, before, after);
  if (!isPlainObject(value) && !(value instanceof Error)) throw broken("a value that is not plain data");
  if (!isPlainObject(before) || !isPlainObject(after)) throw broken("a part's shape");
  return graftObject(value as Part, before, after);
}

function graftList(value: readonly unknown[], before: unknown, after: unknown): unknown {
  if (!Array.isArray(before) || !Array.isArray(after) || after.length !== value.length) throw broken("a part's shape");
  return value.map((item, index) => graft(item, before[index], after[index]));
}

function graftObject(value: Part, before: Part, after: Part): unknown {
  const copy: Record<string, unknown> = { ...value };
  for (const key of Object.keys({ ...before, ...after })) {
    if (isSame(before[key], after[key])) continue;
    if (key.endsWith(AS_TEXT) && Object.hasOwn(before, key) && !Object.hasOwn(value, key)) {
      throw broken("a text that stands for bytes");
    }
    const item = graft(value[key], before[key], after[key]);
    if (item === undefined) delete copy[key];
    else define(copy, key, item);
  }
  return copy;
}

/** A text, or base64 whose bytes a guard saw as what they are. */
function graftText(value: string, before: unknown, after: unknown): unknown {
  if (before === value) return after;
  const [head = ""] = DATA_URL.exec(value) ?? [];
  return head + base64Of(bytesFrom(after));
}

function bytesFrom(after: unknown): Uint8Array {
  if (typeof after === "string") return new TextEncoder().encode(after);
  const bytes = bytesOf(after);
  if (bytes === undefined) throw broken("bytes that are neither bytes nor text");
  return bytes;
}

function base64Of(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function urlFrom(after: unknown): URL {
  try {
    return new URL(String(after));
  } catch {
    throw broken("an address that is none");
  }
}
