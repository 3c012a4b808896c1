import { errorFields, kindOf, partsOf } from "../snapshot/kind-text.ts";
import { bytesIn, bytesName, type Kind } from "../snapshot/kinds.ts";
import { plainText } from "../snapshot/same-data.ts";

/**
 * Tells plain data apart by a number of 53 bits, whatever order its keys were set in.
 *
 * Two lanes of multiply and rotate over tagged, length-prefixed values (the mixing of MurmurHash3, Austin Appleby,
 * public domain). Equal data always gives equal numbers; different data may collide, and somebody could make it: for
 * loops, where a collision only denies, and for nothing that must be proven.
 */
export function fingerprint(value: unknown): number {
  const state = { a: 0x9e3779b9 | 0, b: 0x85ebca6b | 0 };
  write(state, value);
  let { a, b } = state;
  a = Math.imul(a ^ (a >>> 16), 0x85ebca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
  b = Math.imul(b ^ (b >>> 16), 0x85ebca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2ae35);
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}

interface Lanes {
  a: number;
  b: number;
}

function mix(state: Lanes, value: number): void {
  const a = Math.imul(state.a ^ value, 0xcc9e2d51);
  const b = Math.imul(state.b ^ value, 0x1b873593);
  state.a = (Math.imul((a << 13) | (a >>> 19), 5) + 0x52dce729) | 0;
  state.b = (Math.imul((b << 15) | (b >>> 17), 5) + 0x38495ab5) | 0;
}

function writeText(state: Lanes, tag: number, text: string): void {
  mix(state, tag);
  mix(state, text.length);
  for (let at = 0; at < text.length; at++) mix(state, text.charCodeAt(at));
}

function write(state: Lanes, value: unknown): void {
  if (typeof value !== "object" || value === null) return writeText(state, TAGS.indexOf(typeof value), String(value));
  if (Array.isArray(value)) {
    mix(state, 100);
    mix(state, value.length);
    for (let at = 0; at < value.length; at++) {
      if (Object.hasOwn(value, at)) write(state, value[at]);
      else mix(state, 104);
    }
    return;
  }
  const kind = kindOf(value);
  if (kind !== undefined) return writeKind(state, value, kind);
  const keys = Object.keys(value).sort();
  mix(state, 101);
  mix(state, keys.length);
  for (const key of keys) {
    writeText(state, 102, key);
    write(state, (value as Record<string, unknown>)[key]);
  }
}

/** A value of a kind beyond JSON, by what the language keeps in it. */
function writeKind(state: Lanes, value: object, kind: Kind): void {
  writeText(state, 103, kind);
  const parts = partsOf(value);
  if (parts !== undefined) {
    if (kind === "Error") writeText(state, 105, plainText(errorFields(value).map(([key]) => key)));
    return write(state, parts);
  }
  const bytes = kind === "Date" || kind === "URL" || kind === "RegExp" ? undefined : bytesIn(value, kind);
  if (bytes === undefined) return writeText(state, 106, plainText(value));
  writeText(state, 107, bytesName(value, kind));
  mix(state, bytes.length);
  for (const byte of bytes) mix(state, byte);
}

const TAGS: readonly string[] = ["undefined", "object", "boolean", "number", "string", "bigint", "symbol", "function"];
