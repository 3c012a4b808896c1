// Bytes, canonical JSON, DIDs and Ed25519; knows no governance.

import type { Bytes } from "../base/platform.ts";

export type { Bytes };

const encoder = new TextEncoder();
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Copies bytes, so that a caller who writes to them later changes nothing; `undefined` if they are none, or not
 * `length` long.
 */
export function bytesOf(value: unknown, length?: number): Bytes | undefined {
  if (!(value instanceof Uint8Array)) return undefined;
  const copy = new Uint8Array(value);
  return length === undefined || copy.length === length ? copy : undefined;
}

/** Encodes text as UTF-8. */
export function utf8(text: string): Bytes {
  return encoder.encode(text);
}

/** Writes bytes as lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  let out = "";
  for (const byte of bytes) out += (byte < 16 ? "0" : "") + byte.toString(16);
  return out;
}

/** Writes bytes in base64url (RFC 4648 section 5) without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  let out = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    for (let digit = 0; digit < Math.min(4, bytes.length - at + 1); digit++) {
      out += ALPHABET.charAt((group >> (18 - 6 * digit)) & 63);
    }
  }
  return out;
}

/**
 * Reads exactly `length` bytes of base64url; `undefined` for anything but the one text that {@linkcode toBase64Url}
 * writes.
 */
export function fromBase64Url(text: unknown, length: number): Bytes | undefined {
  if (typeof text !== "string" || text.length !== Math.ceil((length * 4) / 3)) return undefined;
  const bytes = new Uint8Array(length);
  let pending = 0;
  let bits = 0;
  let at = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return undefined;
    pending = (pending << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = pending >> bits;
      pending &= (1 << bits) - 1;
    }
  }
  // Spare bits that are set would give one value several texts, and a signed text could be changed without breaking it.
  return pending === 0 ? bytes : undefined;
}

/**
 * Joins parts, each behind its length in four bytes: no other list of parts gives the same bytes, so that nothing can
 * be moved from one part into its neighbour.
 */
export function frame(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length);
    out.set(part, at + 4);
    at += 4 + part.length;
  }
  return out;
}

/** Hashes bytes with SHA-256. */
export async function sha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** Makes `length` random bytes, in base64url. */
export function randomText(length: number): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(length)));
}
