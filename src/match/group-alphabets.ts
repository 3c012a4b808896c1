import { sextet } from "./signs.ts";

/** What text is written in. */
export interface Alphabet {
  /** For each character of ASCII whether it is one of the alphabet. */
  readonly has: Uint8Array;
  /** The same for each place in a group of bytes of text. */
  readonly at: readonly Uint8Array[];
  /** How many bits a character holds. */
  readonly bits: number;
  /** Less is no text, but chance. */
  readonly leastBytes: number;
  /** The bits of a character. */
  value(unit: number): number;
}

/** The most that may stand between two groups. */
const MAX_BETWEEN = 64;

// Not as in base64url: here a dash and an underscore stand between groups.
/** Base64 of text in ASCII. */
export const BASE64_ALPHABET: Alphabet = {
  has: marks((unit) => unit !== 45 && unit !== 95 && sextet(unit) >= 0),
  at: [0, 1, 2, 3].map((place) => marks((unit) => unit !== 45 && unit !== 95 && mayBeText(sextet(unit), place))),
  bits: 6,
  leastBytes: 6,
  value: sextet,
};
/** Hexadecimal of the same. */
export const HEX_ALPHABET: Alphabet = {
  has: marks((unit) => isHexDigit(unit)),
  at: [marks((unit) => unit > 49 && unit < 56), marks((unit) => isHexDigit(unit))],
  bits: 4,
  leastBytes: 4,
  value: (unit) => (unit < 58 ? unit - 48 : (unit & 31) + 9),
};
/** Both. */
export const ALPHABETS: readonly Alphabet[] = [BASE64_ALPHABET, HEX_ALPHABET];
/** For each character of ASCII bit `i` where it can be the `i`-th of four that hold bytes of text. */
const TEXT_PLACES = Uint8Array.from({ length: 128 }, (_, unit) => {
  return BASE64_ALPHABET.at.reduce((places, at, i) => places | (at[unit]! << i), 0);
});
// What an escape begins with is decoded first, and padding ends what is encoded.
const SEPARATES = marks((unit) => BASE64_ALPHABET.has[unit] === 0 && unit !== 37 && unit !== 92 && unit !== 61);

function marks(has: (unit: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, unit) => (has(unit) ? 1 : 0));
}

/** Whether a character is a digit of hexadecimal. */
export function isHexDigit(unit: number): boolean {
  return (unit > 47 && unit < 58) || ((unit | 32) > 96 && (unit | 32) < 103);
}

/** Whether a sextet can be the `place`-th of four that hold three bytes of text. */
function mayBeText(value: number, place: number): boolean {
  if (value < 0) return false;
  for (const byte of [0, 9, 10, 13, ...Array.from({ length: 95 }, (_, i) => i + 32)]) {
    if (place === 0 && byte >> 2 === value) return true;
    if (place === 1 && byte >> 4 === (value & 15)) return true;
    if (place === 2 && byte >> 6 === (value & 3)) return true;
  }
  return place === 3;
}

/** The places, 0 to 3, that a character can have in base64 of text, a bit each; 0 where there is none. */
export function placesOf(text: string, at: number): number {
  const unit = at < 0 ? 128 : text.charCodeAt(at);
  return unit < 128 ? TEXT_PLACES[unit]! : 0;
}

/** Whether a character can have some place in base64 of text. */
export function mayStand(text: string, at: number, place: number): boolean {
  return (placesOf(text, at) >> place & 1) === 1;
}

/** Whether a character of ASCII can stand between groups. */
export function separates(unit: number): boolean {
  return SEPARATES[unit] === 1;
}

/** Whether a unit can stand between groups: all outside ASCII can. */
function isSeparator(unit: number): boolean {
  return unit > 127 || SEPARATES[unit] === 1;
}

/** The next place in a direction at which nothing stands that separates; -1 where it is too far, or there is none. */
export function nextMember(text: string, from: number, by: 1 | -1): number {
  for (let at = from + by, last = at + MAX_BETWEEN * by; at >= 0 && at < text.length; at += by) {
    if (!isSeparator(text.charCodeAt(at))) return at;
    if (at === last) break;
  }
  return -1;
}
