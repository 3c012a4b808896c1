/** A `%` is in the text. */
export const PERCENT: number = 1 << 8;
/** A `&` is in the text. */
export const AMPERSAND: number = 1 << 9;
/** A backslash is in the text. */
export const BACKSLASH: number = 1 << 10;
/** White space other than a blank, or a control character, is in the text. */
export const CONTROL: number = 1 << 11;
/** Something outside ASCII is in the text. */
export const BEYOND_ASCII: number = 1 << 12;
/** Two blanks stand together in the text. */
export const BLANKS: number = 1 << 14;
/** Eight characters stand together that are base64 of text. */
export const BASE64: number = 1 << 22;
/**
 * Eight characters stand together that may be hexadecimal of text, or of its bytes with separators between them: more
 * than are, see {@linkcode isHexEnd}.
 */
export const HEX: number = 1 << 30;
/** A capital is in the text, or a digit that hexadecimal of text begins its bytes with: groups of either have one. */
export const IN_GROUPS: number = 1 << 31;

/** Begins the runs, and the signs of one character, at every character; see {@linkcode SIGNS}. */
export const BEGIN: number = IN_GROUPS | PERCENT | AMPERSAND | BACKSLASH | CONTROL | BEYOND_ASCII | (1 << 13) |
  (1 << 15) |
  (1 << 23);
/** Any of these means that the text has another form than the one it shows. */
export const ANY_SIGN: number = PERCENT | AMPERSAND | BACKSLASH | CONTROL | BEYOND_ASCII | BLANKS | BASE64 | HEX;
/** Any of these means that something may be decoded. */
export const ENCODED: number = PERCENT | AMPERSAND | BACKSLASH | BEYOND_ASCII | BASE64 | HEX;

const SEXTETS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The six bits that a character of base64 or base64url stands for, or -1. */
export function sextet(unit: number): number {
  if (unit === 45) return 62;
  return unit === 95 ? 63 : unit > 127 ? -1 : SEXTETS.indexOf(String.fromCharCode(unit));
}

/** Whether a byte is one of ordinary text in ASCII; NUL is too, since UTF-16 has it between the letters. */
function isTextByte(byte: number): boolean {
  return (byte >= 32 && byte < 127) || byte === 0 || byte === 9 || byte === 10 || byte === 13;
}

/**
 * For each character of ASCII, in the low eight bits nothing (a matcher puts its class there), then one bit for each
 * sign that the character is, then three masks for runs: two blanks, eight characters of base64 of text, eight of
 * hexadecimal of text, also where the bytes stand apart.
 *
 * Runs are found by the Shift-And algorithm (Baeza-Yates and Gonnet 1992): after `d = ((d << 1) | BEGIN) & SIGNS[c]`
 * the top bit of a mask stands where a run of its length has ended, and a sign where its character is: a run of one.
 * All share the one word; what is shifted out of a mask falls on a bit that `BEGIN` sets anyway.
 */
export const SIGNS: Int32Array = signs(false);

/** As {@linkcode SIGNS}, where base64 of text outside ASCII counts as well: any eight characters of its alphabet. */
export const WIDE_SIGNS: Int32Array = signs(true);

function signs(wide: boolean): Int32Array {
  return Int32Array.from({ length: 128 }, (_, c) => {
    let mask = 0;
    if (c < 32 || c === 127) mask |= CONTROL;
    if (c === 37) mask |= PERCENT;
    if (c === 38) mask |= AMPERSAND;
    if (c === 92) mask |= BACKSLASH;
    if (c === 32) mask |= 3 << 13;
    const v = sextet(c);
    if (v >= 0) {
      for (let i = 0; i < 4; i++) if (wide || mayStand(v, i)) mask |= (0b10001 << i) << 15;
    }
    const text = String.fromCharCode(c);
    // Two bytes, of which one is `72`, then what may be a third: digits, separators or `0x` before digits.
    if (/[A-Z2-7]/.test(text)) mask |= IN_GROUPS;
    if (/[2-7]/.test(text)) mask |= 0b00000101 << 23;
    if (/[\s:,0]/.test(text)) mask |= 0b00000100 << 23;
    if (/[\da-f]/i.test(text)) mask |= 0b11111010 << 23;
    if (/[\s:,x]/i.test(text)) mask |= 0b11111000 << 23;
    return mask;
  });
}

/** Whether a sextet can be the `i`-th of four that hold three bytes of text. */
function mayStand(v: number, i: number): boolean {
  for (let byte = 0; byte < 127; byte++) {
    if (!isTextByte(byte)) continue;
    if (i === 0 && byte >> 2 === v) return true;
    if (i === 1 && byte >> 4 === (v & 15)) return true;
    if (i === 2 && byte >> 6 === (v & 3)) return true;
  }
  return i === 3;
}

const HEX_LENGTH = 8;
const HEX_OF_TEXT = /(?:[2-7][\da-f][\s:,]{0,2}(?:0x)?){3}[2-7][\da-f]/iy;
const ODD_HEX_OF_TEXT = /(?:[2-7][\s:,]{0,2}[\da-f][\s:,]{0,2}){3}[2-7][\s:,]{0,2}[\da-f]/iy;
const HEX_LETTER = /[a-f]/i;

/**
 * Whether the eight characters that end at a place, where {@linkcode HEX} was seen, begin four bytes of text in
 * hexadecimal, together or apart. Where they are apart in the middle of a byte, as numbers of any length are, one of the
 * digits must be a letter. What began in an earlier text does not count: each text is decoded alone.
 */
export function isHexEnd(text: string, last: number): boolean {
  const from = last - HEX_LENGTH + 1;
  if (from < 0 || !mayBeHex(text, from)) return false;
  HEX_OF_TEXT.lastIndex = from;
  if (HEX_OF_TEXT.test(text)) return true;
  ODD_HEX_OF_TEXT.lastIndex = from;
  return HEX_LETTER.test(ODD_HEX_OF_TEXT.exec(text)?.[0] ?? "");
}

/** Whether the first two bytes may be of text: most dates and numbers end here. */
function mayBeHex(text: string, from: number): boolean {
  let at = from + 1;
  while (at < from + HEX_LENGTH && isBetween(text.charCodeAt(at))) at++;
  // After the second digit of the first byte.
  do at++; while (at < from + HEX_LENGTH && isBetween(text.charCodeAt(at)));
  const unit = text.charCodeAt(at);
  return (unit > 49 && unit < 56) || (unit === 48 && (text.charCodeAt(at + 1) | 32) === 120);
}

function isBetween(unit: number): boolean {
  return unit < 33 || unit === 58 || unit === 44;
}

/** The signs that a text shows, as bits. */
export function signsOf(text: string, table: Int32Array): number {
  let seen = 0;
  let run = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    run = ((run << 1) | BEGIN) & (c > 127 ? BEYOND_ASCII : table[c]!);
    seen |= (run & HEX) !== 0 && (seen & HEX) === 0 && !isHexEnd(text, i) ? run & ~HEX : run;
  }
  return seen & ANY_SIGN;
}
