import { BASE64, BEGIN } from "./signs.ts";

/** Lines that may be one text in base64 or in hexadecimal: wholly of such characters, and too short to show it alone. */
export interface Block {
  /** Where the first line's characters begin. */
  readonly from: number;
  /** Where the last line's end, padding included. */
  readonly to: number;
  /** What the lines consist of, without indents, marks of quoted blocks, white space at their ends and padding. */
  readonly lines: readonly string[];
}

/** A line of base64 of text shows itself from 11 characters on; pictures have lines of 60 and more. */
const MAX_LINE = 24;
const MIN_BLOCK = 8;
const LINE = /([\w+/-]{1,24})(={0,2})(?=[ \t]*(?:[\r\n]|$))/y;
const GAP = /[ \t]*[\r\n][ \t\r\n>|#*]*/y;
const HEX_ONLY = /^[\da-f]+$/i;
const HEX_TEXT = /(?:[2-7][\da-f]){4}/i;

/** The blocks of a text that show what they are by the signs of a table, in order and apart. */
export function blocksIn(text: string, table: Int32Array): readonly Block[] {
  const out: Block[] = [];
  let checked = 0;
  for (let end = nextEnd(text, 0); end < text.length; end = nextEnd(text, end + 1)) {
    if (end < checked) continue;
    const block = blockAt(text, end);
    if (block === undefined) continue;
    checked = block.to;
    if (isShown(block, table)) out.push(block);
  }
  return out;
}

/**
 * What a line end tells that a reader of the text comes by: -1 where it belongs to a block that shows what it is; else the
 * place up to which other line ends tell nothing new.
 */
export function lookAtLineEnd(text: string, end: number, table: Int32Array): number {
  const block = blockAt(text, end);
  if (block === undefined) return end + 1;
  return isShown(block, table) ? -1 : Math.max(end + 1, block.to);
}

function nextEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && !isLineEnd(text.charCodeAt(at))) at++;
  return at;
}

function isLineEnd(unit: number): boolean {
  return unit === 10 || unit === 13;
}

/** The block whose first line ends at a line end, if it does. */
function blockAt(text: string, end: number): Block | undefined {
  const from = bodyBefore(text, end);
  if (from < 0) return undefined;
  const lines: string[] = [];
  let to = from;
  for (let at = from; at < text.length;) {
    LINE.lastIndex = at;
    const line = LINE.exec(text);
    if (line === null) break;
    lines.push(line[1]!);
    to = LINE.lastIndex;
    // Padding ends what is encoded.
    GAP.lastIndex = to;
    if (line[2] !== "" || !GAP.test(text)) break;
    at = GAP.lastIndex;
  }
  return lines.length > 1 ? { from, to, lines } : undefined;
}

/** Where the characters of a line begin of which there are few and no others, or -1. */
function bodyBefore(text: string, end: number): number {
  let at = end;
  while (at > 0 && isBlank(text.charCodeAt(at - 1))) at--;
  const last = at;
  while (at > 0 && last - at <= MAX_LINE && isBody(text.charCodeAt(at - 1))) at--;
  if (at === last || last - at > MAX_LINE) return -1;
  for (let before = at - 1; before >= 0; before--) {
    const unit = text.charCodeAt(before);
    if (isLineEnd(unit)) break;
    if (!isIndent(unit)) return -1;
  }
  return at;
}

function isBlank(unit: number): boolean {
  return unit === 32 || unit === 9;
}

function isIndent(unit: number): boolean {
  return isBlank(unit) || unit === 62 || unit === 124 || unit === 35 || unit === 42;
}

function isBody(unit: number): boolean {
  return (unit > 96 && unit < 123) || (unit > 64 && unit < 91) || (unit > 46 && unit < 58) || unit === 43 ||
    unit === 45 || unit === 95;
}

function isShown({ lines }: Block, table: Int32Array): boolean {
  const run = lines.join("");
  return run.length >= MIN_BLOCK && (showsBase64(run, table) || hexLines(lines).length > 0);
}

/** The digits of each row of lines that are hexadecimal of text and nothing else. */
export function hexLines(lines: readonly string[]): readonly string[] {
  const rows: string[] = [];
  let row = "";
  for (const line of [...lines, ""]) {
    if (HEX_ONLY.test(line)) row += line;
    else {
      if (isHexOfText(row)) rows.push(row);
      row = "";
    }
  }
  return rows;
}

/** Whether a run is hexadecimal and nothing else, with four bytes of text together. */
export function isHexOfText(run: string): boolean {
  return HEX_ONLY.test(run) && HEX_TEXT.test(run);
}

/** Whether eight characters of a run stand together that are base64 of text, by the signs of a table. */
export function showsBase64(run: string, table: Int32Array): boolean {
  let seen = 0;
  for (let i = 0; i < run.length; i++) {
    seen = ((seen << 1) | BEGIN) & table[run.charCodeAt(i)]!;
    if ((seen & BASE64) !== 0) return true;
  }
  return false;
}
