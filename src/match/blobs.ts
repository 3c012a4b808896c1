import { hexBytes, textOf } from "./decode.ts";
import { blocksIn, hexLines, isHexOfText, showsBase64 } from "./lines.ts";
import { sextet, SIGNS, WIDE_SIGNS } from "./signs.ts";
import { type Edit, edited, type Rewritable } from "./traced.ts";

const RUN = /[\w+/-]{8,}={0,2}/g;
const SEGMENT = /[\w-]{8,}={0,2}/g;
const PADDED = /={0,2}/y;
const PADDING = /={1,2}$/;
const PART = /[\w+/-]+/g;
// A line that ends, with what stands before its text in a quoted or indented block; or a blank.
const FOLD = /^[ \t]*\r?\n[ \t>|#*]*$/;
const BLANK = /^[ \t]$/;
const MAX_BETWEEN = 64;
const MIN_ROW = 8;
// Small letters alone are a word, not a group of base64.
const MIXED = /[A-Z\d+/]/;
const HEX_RUN = /[\da-f]{8,}/gi;
const HEX_TEXT = /(?:[2-7][\da-f]){4}/i;
const HEX_DIGITS = /[\da-f]+/gi;
const HEX_BETWEEN = /^(?:[\s:,]{1,2}|[\s:,]{0,2}\\x)$/;
// Takes digits that stand together as well: to fail there would begin again at each of them.
const ODD_HEX = /[\da-f]+(?:[\s:,]{1,2}[\da-f]+)*/gi;
const HEX_SEPARATORS = /[\s:,]+/g;
const HEX_LETTER = /[a-f]/i;
const MAX_HEX_BETWEEN = 4;
// What decoding leaves between two pieces of text; no pattern for text has it.
const GAP = "\ufffd";
// One NUL stands between the letters of UTF-16; two are no text.
const UNREADABLE = /[\ufffd\x01-\x08\x0b\x0c\x0e-\x1f\x7f]+|\0{2,}/;
/**
 * In bytes that are no text, a piece of text this long is hardly chance: two in five bytes could be text. A run as long
 * as a line of a picture has many bytes.
 */
const MIN_PIECE = 16;
/** The same where the piece reaches to an end of the run: something else stood before or after the text. */
const MIN_END_PIECE = 10;
/** In a shorter run less is enough: by chance it holds a word as it stands a hundred times more often. */
const MIN_LINE = 60;
const MIN_SHORT_PIECE = 5;

const SEXTET = Int8Array.from({ length: 128 }, (_, c) => sextet(c));

/** Replaces each run of hexadecimal of text by that text; other bytes stay as they are written. */
export function decodeHex<T extends Rewritable<T>>(text: T): T {
  return text.replace(HEX_RUN, (run) => {
    return HEX_TEXT.test(run) ? (piecesOf([hexBytes(run), hexBytes(run.slice(1))], run.length) ?? run) : run;
  });
}

/** The same where white space, colons, commas, `0x` or `\x` stand between the bytes, or between groups of them. */
export function decodeSpacedHex<T extends Rewritable<T>>(text: T): T {
  const whole = text.toString();
  const edits: Edit[] = [];
  let from = 0;
  let to = 0;
  // A group is whole bytes, but for a nought at the last one's end that is still to show itself as one of `0x`.
  let groups: string[] = [];
  const flush = (): void => {
    if (groups.length < 2) return;
    const digits = groups.join("");
    const plain = showsHex(digits) ? piecesOf([hexBytes(digits)], digits.length) : undefined;
    if (plain !== undefined) edits.push({ from, to, text: plain });
  };
  for (const { 0: digits, index } of whole.matchAll(HEX_DIGITS)) {
    const end = index + digits.length;
    const between = index - to > MAX_HEX_BETWEEN ? "?" : whole.slice(to, index);
    const last = groups.at(-1) ?? "";
    const isPrefixed = (between === "x" || between === "X") && last.endsWith("0");
    if (isPrefixed) groups[groups.length - 1] = last.slice(0, -1);
    const isWhole = (groups.at(-1)?.length ?? 1) % 2 === 0;
    if (isWhole && (isPrefixed || HEX_BETWEEN.test(between))) groups.push(digits);
    else {
      flush();
      // An odd digit before the first byte is none of it; a nought alone may be one of `0x`.
      const skipped = digits.length % 2 !== 0 && digits !== "0" ? 1 : 0;
      const isEscaped = whole.startsWith("\\x", index - 2) && index > 1;
      from = isEscaped ? index - 2 : index + skipped;
      groups = [digits.slice(skipped)];
    }
    to = end;
  }
  flush();
  return edited(text, edits);
}

/**
 * Reads hexadecimal with white space, colons or commas in it, wherever in a byte they stand. Numbers are seldom that, so
 * one of the digits must be a letter.
 */
export function decodeOddHex<T extends Rewritable<T>>(text: T): T {
  return text.replace(ODD_HEX, (run) => {
    const digits = run.replace(HEX_SEPARATORS, "");
    if (digits.length === run.length || !HEX_LETTER.test(digits) || !isHexOfText(digits)) return run;
    return piecesOf([hexBytes(digits), hexBytes(digits.slice(1))], digits.length) ?? run;
  });
}

/**
 * Replaces base64 and base64url of text by that text; other bytes stay as they are written.
 *
 * A run of such characters can begin with others of the alphabet (a path before a blob), so where the run as a whole is
 * no text each alignment is tried. `wide` also reads runs of which no part is text in ASCII.
 */
export function decodeBase64<T extends Rewritable<T>>(text: T, wide: boolean): T {
  return text.replace(RUN, (run) => decodeRun(run, wide) ?? run);
}

/** Reads base64url alone, in which a slash is none: a part of a path. */
export function decodeSegments<T extends Rewritable<T>>(text: T, wide: boolean): T {
  const edits: Edit[] = [];
  for (const { 0: run, index } of text.toString().matchAll(RUN)) {
    for (const { 0: segment, index: at } of run.matchAll(SEGMENT)) {
      const plain = segment === run ? undefined : decodeRun(segment, wide, run.length);
      if (plain !== undefined) edits.push({ from: index + at, to: index + at + segment.length, text: plain });
    }
  }
  return edited(text, edits);
}

/** Reads the runs that are text as a whole in another alignment as well. */
export function decodeShifted<T extends Rewritable<T>>(text: T, wide: boolean): T {
  return text.replace(RUN, (padded) => {
    const run = padded.replace(PADDING, "");
    if ((!wide && !showsBase64(run, SIGNS)) || !isText(textOf(base64Bytes(run, 0)))) return padded;
    return piecesOf([1, 2, 3].map((alignment) => base64Bytes(run, alignment)), run.length) ?? padded;
  });
}

/**
 * The same for runs that go on over line ends, indented or not, or over single blanks where each part is of four
 * characters and more than small letters. At least one part must show by itself that it is base64.
 */
export function decodeWrapped<T extends Rewritable<T>>(text: T, wide: boolean): T {
  const whole = text.toString();
  const edits: Edit[] = [];
  let from = 0;
  let to = -1;
  let parts: string[] = [];
  const flush = (): void => {
    if (parts.length < 2 || !(wide || parts.some((part) => showsBase64(part, SIGNS)))) return;
    const plain = decodeRun(parts.join(""), true);
    PADDED.lastIndex = to;
    const padding = PADDED.exec(whole)![0];
    if (plain !== undefined) edits.push({ from, to: to + padding.length, text: plain + padding });
  };
  for (const { 0: part, index } of whole.matchAll(PART)) {
    const isOn = to >= 0 && index - to <= MAX_BETWEEN && goesOn(whole.slice(to, index), parts.at(-1)!, part);
    if (!isOn) {
      flush();
      parts = [];
      from = index;
    }
    parts.push(part);
    to = index + part.length;
  }
  flush();
  return edited(text, edits);
}

/**
 * Reads lines that are too short to show what they are: wholly of base64 or hexadecimal, and so that they show it
 * together. What stands before a text and looks the same can move its groups of four, so lines of one length with a
 * shorter one at their end are read by themselves as well.
 */
export function decodeLines<T extends Rewritable<T>>(text: T, wide: boolean): T {
  const edits: Edit[] = [];
  for (const { from, to, lines } of blocksIn(text.toString(), wide ? WIDE_SIGNS : SIGNS)) {
    const runs = new Set([lines.join(""), ...evenLines(lines)]);
    const plain = [
      ...hexLines(lines).map((run) => piecesOf([hexBytes(run), hexBytes(run.slice(1))], run.length)),
      ...Array.from(runs, (run) => decodeRun(run, true)),
    ].filter((one) => one !== undefined);
    if (plain.length > 0) edits.push({ from, to, text: plain.join(GAP) });
  }
  return edited(text, edits);
}

/** Each row of lines of one length, with the shorter line after it. */
function evenLines(lines: readonly string[]): readonly string[] {
  const rows: string[] = [];
  for (let first = 0; first < lines.length;) {
    const { length } = lines[first]!;
    let end = first;
    while (end < lines.length && lines[end]!.length === length) end++;
    const isClosed = end < lines.length && lines[end]!.length < length;
    const row = lines.slice(first, isClosed ? end + 1 : end).join("");
    if (row.length >= MIN_ROW) rows.push(row);
    first = end;
  }
  return rows;
}

function goesOn(between: string, before: string, after: string): boolean {
  if (FOLD.test(between)) return true;
  return BLANK.test(between) && isGroup(before) && isGroup(after);
}

function isGroup(part: string): boolean {
  return part.length > 3 && MIXED.test(part);
}

/** Decodes a run of some length, or a part of it. The padding stays: it is a boundary between the text and what follows. */
function decodeRun(padded: string, wide: boolean, length = padded.length): string | undefined {
  const padding = PADDING.exec(padded)?.[0] ?? "";
  const run = padding === "" ? padded : padded.slice(0, -padding.length);
  if (!wide && !showsBase64(run, SIGNS)) return undefined;
  const first = base64Bytes(run, 0);
  const whole = textOf(first);
  const plain = isText(whole)
    ? whole
    : piecesOf([first, base64Bytes(run, 1), base64Bytes(run, 2), base64Bytes(run, 3)], length);
  return plain === undefined ? undefined : plain + padding;
}

function base64Bytes(run: string, from: number): Uint8Array {
  const bytes = new Uint8Array(Math.floor((Math.max(0, run.length - from) * 3) / 4));
  let bits = 0;
  let held = 0;
  for (let i = from, at = 0; i < run.length; i++) {
    held = ((held << 6) | SEXTET[run.charCodeAt(i)]!) & 0xffff;
    bits += 6;
    if (bits >= 8) bytes[at++] = held >> (bits -= 8);
  }
  return bytes;
}

/** Whether four bytes of ASCII stand together, where bytes begin at even places. */
function showsHex(digits: string): boolean {
  let pairs = 0;
  for (let i = 0; i + 1 < digits.length && pairs < 4; i += 2) {
    const unit = digits.charCodeAt(i);
    pairs = unit > 49 && unit < 56 ? pairs + 1 : 0;
  }
  return pairs === 4;
}

function isText(text: string): boolean {
  return text !== "" && !UNREADABLE.test(text);
}

/**
 * What is text in any of the byte strings that a run of some length stands for: all of it, or pieces that are too long
 * for chance. Undefined where there is nothing.
 */
function piecesOf(all: readonly Uint8Array[], length: number): string | undefined {
  const pieces: string[] = [];
  for (const bytes of all) {
    const parts = textOf(bytes).split(UNREADABLE);
    parts.forEach((part, i) => {
      const isEnd = i === 0 || i === parts.length - 1;
      const least = length < MIN_LINE ? MIN_SHORT_PIECE : isEnd ? MIN_END_PIECE : MIN_PIECE;
      if (parts.length === 1 ? part !== "" : bytesIn(part) >= least) pieces.push(part);
    });
  }
  return pieces.length === 0 ? undefined : pieces.join(GAP);
}

/** About how many bytes a text was in UTF-8, white space aside, and NULs, which are no text. */
function bytesIn(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    count += unit < 33 ? 0 : unit < 0x80 ? 1 : unit < 0x800 || (unit & 0xf800) === 0xd800 ? 2 : 3;
  }
  return count;
}
