import { bytesOfBase64, textOfBytes } from "../shared/bytes.ts";
import type { Fields } from "./types.ts";
import { isFields } from "./values.ts";

/** How many bytes that are no text a message may hold: 16 MiB. */
const MAX_BYTES = 2 ** 24;
/** Where blocks stand in a message, and in each other. */
const PARTS: ReadonlySet<string> = new Set(["content", "contents", "messages", "resource", "params"]);
/** Where messages stand in a message, by names that a server chose. */
const NAMED: ReadonlySet<string> = new Set(["inputRequests", "inputResponses"]);

/**
 * What a message looks like to guards: base64 of pictures, sounds and blobs as the text that it stands for, where it is
 * valid UTF-8, whatever its sender calls it. Other bytes say nothing: there is their number, and which they are.
 *
 * @throws {TypeError} If what must be base64 is none, since a lenient reader may find a text in it, or there is more
 *   than 16 MiB that is no text.
 */
export function shown(message: unknown): unknown {
  let at = 0;
  let total = 0;
  return overBytes(message, (packed) => {
    if (typeof packed !== "string") return packed;
    const bytes = bytesOfBase64(packed);
    if (bytes === undefined) throw new TypeError("A picture, a sound or a blob is no base64");
    const index = at++;
    const text = textOfBytes(bytes);
    if (text !== undefined) return text;
    total += bytes.length;
    if (total > MAX_BYTES) throw new TypeError("More than 16 MiB of pictures, sounds and blobs");
    return { bytes: bytes.length, at: index };
  });
}

/** A message again from what guards made of its shown form; `before` is the message that was shown. */
export function written(payload: unknown, before: unknown): unknown {
  const packed: unknown[] = [];
  overBytes(before, (one) => {
    packed.push(one);
    return one;
  });
  return overBytes(payload, (one) => {
    if (typeof one === "string") return base64Of(new TextEncoder().encode(one));
    const kept = isFields(one) ? packed[one["at"] as number] : undefined;
    if (kept === undefined) throw new TypeError("A guard changed bytes to something that is none");
    return kept;
  });
}

/** Maps what stands for bytes in a message, and copies what is on the way there. */
function overBytes(message: unknown, change: (packed: unknown) => unknown): unknown {
  if (Array.isArray(message)) return message.map((item) => overBytes(item, change));
  if (!isFields(message)) return message;
  const copy: Fields = { ...message };
  const place = placeOf(message);
  for (const [key, value] of Object.entries(message)) {
    if (key === place) copy[key] = change(value);
    else if (PARTS.has(key)) copy[key] = overBytes(value, change);
    else if (NAMED.has(key) && isFields(value)) {
      copy[key] = Object.fromEntries(Object.entries(value).map(([name, item]) => [name, overBytes(item, change)]));
    }
  }
  return copy;
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
