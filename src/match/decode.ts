import { entityText } from "./entities.ts";
import { bare } from "../base/own.ts";
import { isBeyondAscii } from "./look-alikes.ts";
import type { Rewritable } from "./traced.ts";

const LETTERS: ReadonlyMap<string, string> = new Map(
  Object.entries({ n: "\n", t: "\t", r: "\r", v: "\v", f: "\f", b: "\b", a: "\x07", e: "\x1b", "\n": "" }),
);

const OPEN = "amp|AMP|lt|LT|gt|GT|quot|QUOT|nbsp|shy";
const BEGINS_OPEN = new RegExp(`^(?:${OPEN})`);

// Each alternative is a whole escape of one character, so a broken one stays as it is and stops no other, and a mask
// takes no more escapes than it must. The bytes of one character in UTF-8 are one escape.
const ESCAPE = new RegExp(
  [
    "((?:%[c-fC-F][\\da-fA-F](?:%[89abAB][\\da-fA-F]){1,3})|%[\\da-fA-F]{2})",
    "%u([\\da-fA-F]{4})",
    "&#[xX]0*([\\da-fA-F]{1,6});?",
    "&#0*(\\d{1,7});?",
    "&([a-zA-Z][a-zA-Z\\d]{1,23});",
    // Those that browsers take without a semicolon.
    `&(${OPEN})`,
    "((?:\\\\x[c-fC-F][\\da-fA-F](?:\\\\x[89abAB][\\da-fA-F]){1,3})|\\\\x[\\da-fA-F]{2})",
    "\\\\[ux]\\{0*([\\da-fA-F]{1,6})\\}",
    "\\\\u+([\\da-fA-F]{4})",
    "\\\\U([\\da-fA-F]{8})",
    "\\\\(0[0-3][0-7]{2}|[0-3]?[0-7]{2}|0)",
    "\\\\([^])",
  ].join("|"),
  "g",
);
const NOT_DIGITS = /[%\\x]/g;
const TAGS = /[\u{e0000}-\u{e007f}]+/gu;
const SELECTORS = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]{2,}/gu;
const REVERSED = /\u202e([^\u202c\n]*)/g;
const BACKSLASHED = /\\([^])/g;
const QUOTES = /\$(?=['"])|['"]/g;
const TOKEN = /\S+/g;
const PERCENT_ESCAPE = /%[\da-fA-F]{2}/;

const decoder = new TextDecoder("utf-8", bare({ ignoreBOM: true }));

/** The text of bytes: UTF-8, with U+FFFD for what is none. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/**
 * Replaces escapes by what they stand for, once: percent, HTML entities, those of JSON, JavaScript, C and shells, and
 * text hidden in tag characters, variation selectors or a right-to-left override.
 */
export function decodeEscapes<T extends Rewritable<T>>(text: T): T {
  const plain = text.replace(ESCAPE, unescaped);
  if (!isBeyondAscii(plain.toString())) return plain;
  return plain
    .replace(TAGS, (run) => Array.from(run, (c) => String.fromCharCode(c.codePointAt(0)! - 0xe0000)).join(""))
    .replace(SELECTORS, (run) => textOf(Uint8Array.from(run, (c) => selectorByte(c.codePointAt(0)!))))
    .replace(REVERSED, (_, hidden) => Array.from(hidden).reverse().join(""));
}

function unescaped(whole: string, ...groups: (string | undefined)[]): string {
  const [percent, wide, entityHex, entity, named, open, bytes, point, unit, long, octal, letter] = groups;
  const encoded = percent ?? bytes;
  if (encoded !== undefined) return textOf(hexBytes(encoded.replace(NOT_DIGITS, "")));
  if (letter !== undefined) return LETTERS.get(letter) ?? letter;
  if (open !== undefined) return entityText(open)!;
  if (named !== undefined) return entityText(named) ?? unclosed(whole.slice(1));
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
  const code = entity === undefined
    ? Number.parseInt((wide ?? entityHex ?? unit ?? point ?? long)!, 16)
    : Number(entity);
  if (code > 0x10ffff) return whole;
  // In an entity browsers read these two as the dashes that they are in the code page of Windows.
  const isEntity = (entity ?? entityHex) !== undefined;
  return isEntity && (code === 150 || code === 151) ? "-" : String.fromCodePoint(code);
}

/** Reads what only begins with the name of an entity: `ampx;` is `&x;`. */
function unclosed(name: string): string {
  const begin = BEGINS_OPEN.exec(name)?.[0];
  return begin === undefined ? `&${name}` : entityText(begin) + name.slice(begin.length);
}

function selectorByte(code: number): number {
  return code < 0xe0100 ? code - 0xfe00 : code - 0xe0100 + 16;
}

/** The bytes that hexadecimal digits stand for; an odd one at the end is left out. */
export function hexBytes(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length >> 1);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (nibble(digits.charCodeAt(i * 2)) << 4) | nibble(digits.charCodeAt(i * 2 + 1));
  }
  return bytes;
}

function nibble(unit: number): number {
  return unit < 58 ? unit - 48 : (unit & 31) + 9;
}

/** Reads a text as a shell does that gives its words to a program: backslashes and quotes are dropped. */
export function dropQuoting<T extends Rewritable<T>>(text: T): T {
  return text.replace(BACKSLASHED, (_, c) => (c === "\n" ? "" : c)).replace(QUOTES, "");
}

/** Reads a plus as a blank, as in a form's query: in a token that has a percent escape. */
export function spacePluses<T extends Rewritable<T>>(text: T): T {
  return text.replace(TOKEN, (token) => (PERCENT_ESCAPE.test(token) ? token.replaceAll("+", " ") : token));
}
