import { bytesOfBase64 } from "../shared/bytes.ts";
import { fieldOf, ownOf } from "../shared/own.ts";
import { pictureIn } from "../shared/pictures.ts";
import type { Fields } from "./types.ts";
import { isFields } from "./values.ts";

/** Where blocks stand in a message, and in each other. */
const PARTS: ReadonlySet<string> = new Set(["content", "contents", "messages", "resource", "params"]);
/** Where messages stand in a message, by names that a server chose. */
const NAMED: ReadonlySet<string> = new Set(["inputRequests", "inputResponses"]);
/** Where a result has data of any shape. */
const DATA = "structuredContent";

/**
 * What a message looks like to guards: base64 of pictures, sounds and blobs as the bytes that it stands for, whatever
 * its sender calls them; in structured content a picture as its bytes, or as `{ text, bytes }` where something in it
 * can be read.
 *
 * @throws {TypeError} If what must be base64 is none: a lenient reader may find a text in it.
 */
export function shown(message: unknown): unknown {
  return overBytes(message, (packed) => {
    const bytes = typeof packed === "string" ? bytesOfBase64(packed) : undefined;
    if (bytes === undefined) throw new TypeError("A picture, a sound or a blob is no base64");
    return bytes;
  }, shownData);
}

/**
 * A message again from what guards made of its shown form; `before`: what was shown.
 *
 * @throws {TypeError} If a guard made of bytes something that is none, or changed what can be read in a picture.
 */
export function written(payload: unknown, before?: unknown): unknown {
  const change = (bytes: unknown): string => {
    if (bytes instanceof Uint8Array) return base64Of(bytes);
    if (typeof bytes === "string") return base64Of(new TextEncoder().encode(bytes));
    throw new TypeError("A guard changed bytes to something that is none");
  };
  return overBytes(payload, change, writtenData, before);
}

/** Structured content with its pictures as bytes. */
function shownData(data: unknown): unknown {
  if (typeof data === "string") {
    const picture = pictureIn(data);
    if (picture === undefined) return data;
    return picture.said === "" ? picture.bytes : { text: picture.said, bytes: picture.bytes };
  }
  return overItems(data, shownData);
}

/** Structured content with its pictures as they came. */
function writtenData(data: unknown, before: unknown): unknown {
  const picture = typeof before === "string" && typeof data === "object" ? pictureIn(before) : undefined;
  if (picture !== undefined) {
    const isBare = data instanceof Uint8Array;
    const text = isBare ? "" : fieldOf(data, "text"), bytes = isBare ? data : fieldOf(data, "bytes");
    if (text === picture.said && bytes instanceof Uint8Array && areSame(bytes, picture.bytes)) return before;
    // Half a picture is none, and where in it the text stood nobody knows.
    throw new TypeError("A guard changed what can be read in a picture");
  }
  if (data instanceof Uint8Array) return base64Of(data);
  return overItems(data, (item, key) => writtenData(item, fieldOf(before, key)));
}

function areSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** Maps what stands in an array or an object; it itself where nothing changes. */
function overItems(value: unknown, change: (item: unknown, key: string | number) => unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(change);
    return items.some((item, at) => item !== value[at]) ? items : value;
  }
  if (!isFields(value)) return value;
  let copy: Fields | undefined;
  for (const key of Object.keys(value)) {
    const changed = change(value[key], key);
    if (changed !== value[key]) (copy ??= { ...value })[key] = changed;
  }
  return copy ?? value;
}

/**
 * Maps what stands for bytes in a message, and copies what is on the way there; the message itself where nothing is.
 * `before`: what stood there.
 */
function overBytes(
  message: unknown,
  change: (packed: unknown) => unknown,
  overData: (data: unknown, before: unknown) => unknown,
  before?: unknown,
): unknown {
  const inside = (value: unknown, key: string | number): unknown =>
    overBytes(value, change, overData, before === undefined ? undefined : fieldOf(before, key));
  if (Array.isArray(message)) return overItems(message, inside);
  if (!isFields(message)) return message;
  const place = placeOf(message);
  return overItems(message, (value, key) => {
    if (key === place) return change(value);
    if (key === DATA) return overData(value, fieldOf(before, key));
    if (PARTS.has(key as string)) return inside(value, key);
    if (!NAMED.has(key as string)) return value;
    const named = fieldOf(before, key);
    return overItems(value, (item, name) => overBytes(item, change, overData, fieldOf(named, name)));
  });
}

/** Where a block has bytes: pictures and sounds under `data`, resources under `blob`. */
function placeOf(block: Fields): "data" | "blob" | undefined {
  const type = ownOf(block, "type");
  if ((type === "image" || type === "audio") && ownOf(block, "data") !== undefined) return "data";
  return typeof ownOf(block, "uri") === "string" && ownOf(block, "blob") !== undefined ? "blob" : undefined;
}

function base64Of(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
