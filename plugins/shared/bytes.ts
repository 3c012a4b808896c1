/**
 * Bytes that frameworks carry as base64.
 *
 * @module
 */

const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

/**
 * The bytes that a base64 text stands for, also in its URL-safe form and with white space in it; `undefined` where it
 * is no base64.
 */
export function bytesOfBase64(text: string): Uint8Array | undefined {
  const packed = /\s/.test(text) ? text.replace(/\s+/g, "") : text;
  if (!BASE64.test(packed)) return undefined;
  try {
    const binary = atob(packed.replace(/=+$/, "").replace(/-/g, "+").replace(/_/g, "/"));
    // By index: going through a text of a megabyte as an iterable takes a hundred times as long.
    const bytes = new Uint8Array(binary.length);
    for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
    return bytes;
  } catch {
    return undefined;
  }
}

/** The text that bytes are where they are valid UTF-8, and `undefined` where they are not. */
export function textOfBytes(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
