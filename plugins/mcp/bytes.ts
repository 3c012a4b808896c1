import { bytesOfBase64 } from "../shared/bytes.ts";
import type { Fields } from "./types.ts";
import { isFields } from "./values.ts";

/** Where blocks stand in a message, and in each other. */
const PARTS: ReadonlySet<string> = new Set(["content", "contents", "messages", "resource", "params"]);
/** Where messages stand in a message, by names that a server chose. */
const NAMED: ReadonlySet<string> = new Set(["inputRequests", "inputResponses"]);

/**
 * What a message looks like to guards: base64 of pictures, sounds and blobs as the bytes that it stands for, whatever
 * its sender calls them.
 *
 * @throws {TypeError} If what must be base64 is none: a lenient reader may find a text in it.
 */
export function shown(message: unknown): unknown {
  return overBytes(message, (packed) => {
    const bytes = typeof packed === "string" ? bytesOfBase64(packed) : undefined;
    if (bytes === undefined) throw new TypeError("A picture, a sound or a blob is no base64");
    return bytes;
  });
}

/**
 * A message again from what guards made of its shown form.
 *
 * @throws {TypeError} If a guard made of bytes something that is none.
 */
export function written(payload: unknown): unknown {
  return overBytes(payload, (bytes) => {
    if (bytes instanceof Uint8Array) return base64Of(bytes);
    if (typeof bytes === "string") return base64Of(new TextEncoder().encode(bytes));
    throw new TypeError("A guard changed bytes to something that is none");
  });
}

/** Maps what stands for bytes in a message, and copies what is on the way there; the message itself where nothing is. */
function overBytes(message: unknown, change: (packed: unknown) => unknown): unknown {
  if (Array.isArray(message)) {
    const items = message.map((item) => overBytes(item, change));
    return items.some((item, at) => item !== message[at]) ? items : message;
  }
  if (!isFields(message)) return message;
  const place = placeOf(message);
  let copy: Fields | undefined;
  for (const key of Object.keys(message)) {
    const value = message[key];
    let changed = value;
    if (key === place) changed = change(value);
    else if (PARTS.has(key)) changed = overBytes(value, change);
    else if (NAMED.has(key) && isFields(value)) {
      changed = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, overBytes(item, change)]));
    }
    if (changed !== value) (copy ??= { ...message })[key] = changed;
  }
  return copy ?? message;
}

/** Where a block has bytes: pictures and sounds under `data`, resources under `blob`. */
function placeOf({ type, data, uri, blob }: Fields): "data" | "blob" | undefined {
  if ((type === "image" || type === "audio") && data !== undefined) return "data";
  return typeof uri === "string" && blob !== undefined ? "blob" : undefined;
}

function base64Of(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
