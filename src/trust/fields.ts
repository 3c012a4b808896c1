import { isWhole, wrongType } from "../base/check.ts";
import { strings } from "./read-profile.ts";

/** The most capabilities that a card or a link may name. */
export const MAX_CAPABILITIES = 256;

/**
 * Reads the fields of something from outside, each once, into an object without prototype; `undefined` if it is no
 * object, has a field that is not known, or reading it throws.
 */
export function ownFields(value: unknown, known: readonly string[]): Record<string, unknown> | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const out: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  try {
    for (const key of Reflect.ownKeys(value)) {
      if (typeof key === "symbol" || !known.includes(key)) return undefined;
      out[key] = (value as Record<string, unknown>)[key];
    }
  } catch {
    return undefined;
  }
  return out;
}

/**
 * Tells whether a value is a point in time: a whole number of ms since the epoch. NaN, strings and nothing are none.
 */
export function isTime(value: unknown): value is number {
  return isWhole(value, 0);
}

// Bidirectional controls are format characters; what is ignored in display may be letters and marks too, and the blank
// of Braille is a symbol.
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/u;
const SEEN = /\P{Z}/u;

/**
 * Tells whether a value is text of 1 to `max` characters with no control character, line break, lone surrogate, and
 * nothing that is invisible or turns the writing direction, and not of spaces alone: safe to log, and what a person
 * sees is what it is.
 */
export function isText(value: unknown, max: number): value is string {
  return typeof value === "string" && value.length >= 1 && value.length <= max &&
    SEEN.test(value) && !UNSEEN.test(value);
}

/** Copies a list of capabilities; `undefined` if it is none, is too long or holds anything else. */
export function capabilitiesOf(value: unknown): readonly string[] | undefined {
  try {
    if (!Array.isArray(value) || value.length > MAX_CAPABILITIES) return undefined;
    const copy = strings(value);
    return copy?.every((item) => isText(item, 256)) === true ? Object.freeze(copy) : undefined;
  } catch {
    return undefined;
  }
}

const CAPABILITY = "a capability, which is a string that is not empty";

/** Returns a capability, else throws: one that is empty would ask for nothing, and so would one that is no text. */
export function capabilityOf(where: string, field: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw wrongType(where, field, CAPABILITY, value);
}

/** Copies a list of capabilities that are asked for, each read once, else throws and names the one that is none. */
export function requirementsOf(where: string, field: string, value: unknown): string[] {
  if (!Array.isArray(value)) throw wrongType(where, field, "an array of strings", value);
  const list: string[] = [];
  // By index: an array can carry an iterator of its own.
  for (let at = 0; at < value.length; at++) list.push(capabilityOf(where, `${field}[${at}]`, value[at]));
  return list;
}
