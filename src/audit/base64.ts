import type { Bytes } from "../crypto/bytes.ts";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** The value of each letter by its code; -1 for what is none. */
const VALUES: Int8Array = /* @__PURE__ */ Int8Array.from({ length: 128 }, valueOf);

function valueOf(_: unknown, code: number): number {
  return ALPHABET.indexOf(String.fromCharCode(code));
}

/** Writes bytes in base64 (RFC 4648 section 4), with padding. */
export function toBase64(bytes: Uint8Array): string {
  let out = "";
  const whole = bytes.length - (bytes.length % 3);
  for (let at = 0; at < whole; at += 3) {
    const group = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    out += letter(group >> 18) + letter(group >> 12) + letter(group >> 6) + letter(group);
  }
  if (bytes.length === whole) return out;
  const group = ((bytes[whole] as number) << 16) | ((bytes[whole + 1] ?? 0) << 8);
  return out + letter(group >> 18) + letter(group >> 12) + (bytes.length - whole === 2 ? letter(group >> 6) : "=") +
    "=";
}

function letter(value: number): string {
  return ALPHABET.charAt(value & 63);
}

/**
 * Reads base64; `undefined` for anything but the one text that {@linkcode toBase64} writes: were there two, a signed
 * text could be changed without breaking it.
 */
export function fromBase64(text: unknown): Bytes | undefined {
  if (typeof text !== "string" || text.length % 4 !== 0) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const letters = text.length - padding;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  let pending = 0;
  let bits = 0;
  let at = 0;
  for (let index = 0; index < letters; index++) {
    const value = VALUES[text.charCodeAt(index)] ?? -1;
    if (value < 0) return undefined;
    pending = (pending << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = pending >> bits;
      pending &= (1 << bits) - 1;
    }
  }
  return pending === 0 ? bytes : undefined;
}

/** Decodes the base64 of 32 bytes that were checked before, into the middle of others. */
export function decodeInto(target: Uint8Array, start: number, text: string): void {
  let to = start;
  for (let at = 0; at < 44; at += 4) {
    const group = (valueAt(text, at) << 18) | (valueAt(text, at + 1) << 12) | (valueAt(text, at + 2) << 6) |
      (at === 40 ? 0 : valueAt(text, at + 3));
    target[to] = group >> 16;
    target[to + 1] = group >> 8;
    if (at !== 40) target[to + 2] = group;
    to += 3;
  }
}

function valueAt(text: string, at: number): number {
  return VALUES[text.charCodeAt(at)] as number;
}
