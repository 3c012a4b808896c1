import { bare } from "../own.ts";
import { isBeyondAscii } from "./look-alikes.ts";
import { BASE64, BEGIN, HEX, sextet, SIGNS, signsOf } from "./signs.ts";

const ENTITIES: ReadonlyMap<string, string> = new Map(Object.entries({
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  tab: "\t",
  newline: "\n",
  sol: "/",
  bsol: "\\",
  lpar: "(",
  rpar: ")",
  lsqb: "[",
  lbrack: "[",
  rsqb: "]",
  rbrack: "]",
  lcub: "{",
  lbrace: "{",
  rcub: "}",
  rbrace: "}",
  colon: ":",
  semi: ";",
  period: ".",
  comma: ",",
  hyphen: "-",
  dash: "-",
  minus: "-",
  num: "#",
  excl: "!",
  quest: "?",
  percnt: "%",
  equals: "=",
  plus: "+",
  lowbar: "_",
  verbar: "|",
  vert: "|",
  dollar: "$",
  ast: "*",
  commat: "@",
  grave: "`",
  hat: "^",
  tilde: "~",
  shy: "",
  zwnj: "",
  zwj: "",
  ensp: " ",
  emsp: " ",
  thinsp: " ",
}));
const LETTERS: ReadonlyMap<string, string> = new Map(
  Object.entries({ n: "\n", t: "\t", r: "\r", v: "\v", f: "\f", b: "\b", a: "\x07", e: "\x1b", "\n": "" }),
);

// Each alternative is a whole escape, so a broken one stays as it is and stops no other.
const ESCAPE =
  /((?:%[\da-fA-F]{2})+)|%u([\da-fA-F]{4})|&#[xX]([\da-fA-F]{1,6});?|&#(\d{1,7});?|&([a-zA-Z]{2,8});|((?:\\x[\da-fA-F]{2})+)|\\u([\da-fA-F]{4})|\\u\{([\da-fA-F]{1,6})\}|\\U([\da-fA-F]{8})|\\([0-3]?[0-7]{2}|0)|\\([^])/g;
const TAGS = /[\u{e0000}-\u{e007f}]+/gu;
const SELECTORS = /[\ufe00-\ufe0f\u{e0100}-\u{e01ef}]{2,}/gu;
const REVERSED = /\u202e([^\u202c\n]*)/g;
const BLOB = /[\w+/-]{8,}(?:[\r\n]+[\w+/-]{8,})*/g;
const LINE_END = /[\r\n]/;
const HEX_BLOB = /[\da-f]{8,}/gi;
// What decoding leaves between two pieces of text; no pattern for text has it.
const GAP = "\ufffd";
// One NUL stands between the letters of UTF-16; two are no text.
const UNREADABLE = /[\ufffd\x01-\x08\x0b\x0c\x0e-\x1f\x7f]+|\0{2,}/;

const SEXTET = Int8Array.from({ length: 128 }, (_, c) => sextet(c));
const decoder = new TextDecoder("utf-8", bare({ ignoreBOM: true }));

/** The text of bytes: UTF-8, with U+FFFD for what is none. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/**
 * Replaces escapes by what they stand for, once: percent, HTML entities, those of JSON, JavaScript, C and shells, and
 * text hidden in tag characters, variation selectors or a right-to-left override.
 */
export function decodeEscapes(text: string): string {
  const plain = text.replace(ESCAPE, unescaped);
  if (!isBeyondAscii(plain)) return plain;
  return plain
    .replace(TAGS, (run) => Array.from(run, (c) => String.fromCharCode(c.codePointAt(0)! - 0xe0000)).join(""))
    .replace(SELECTORS, (run) => textOf(Uint8Array.from(run, (c) => selectorByte(c.codePointAt(0)!))))
    .replace(REVERSED, (_, hidden: string) => Array.from(hidden).reverse().join(""));
}

function unescaped(whole: string, ...groups: (string | undefined)[]): string {
  const [percent, wide, entityHex, entity, named, bytes, unit, point, long, octal, letter] = groups;
  if (percent !== undefined || bytes !== undefined) return textOf(hexBytes(whole.replace(/%|\\x/g, "")));
  if (named !== undefined) return ENTITIES.get(named.toLowerCase()) ?? whole;
  if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
  if (letter !== undefined) return LETTERS.get(letter) ?? letter;
  const code = entity === undefined
    ? Number.parseInt((wide ?? entityHex ?? unit ?? point ?? long)!, 16)
    : Number(entity);
  return code > 0x10ffff ? whole : String.fromCodePoint(code);
}

function selectorByte(code: number): number {
  return code < 0xe0100 ? code - 0xfe00 : code - 0xe0100 + 16;
}

function hexBytes(digits: string): Uint8Array {
  const bytes = new Uint8Array(digits.length >> 1);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (nibble(digits.charCodeAt(i * 2)) << 4) | nibble(digits.charCodeAt(i * 2 + 1));
  }
  return bytes;
}

function nibble(unit: number): number {
  return unit < 58 ? unit - 48 : (unit & 31) + 9;
}

/**
 * Replaces hexadecimal, base64 and base64url of text by that text; other bytes stay as they are written.
 *
 * A run of such characters can begin with others of the alphabet (a path before a blob), so each alignment is tried.
 * `wide` also reads runs of which no part is text in ASCII.
 */
export function decodeBlobs(text: string, wide: boolean): string {
  // Only where a line ends can there be a run that the text does not show as it stands.
  if (!wide && (signsOf(text, SIGNS) & (BASE64 | HEX)) === 0 && !LINE_END.test(text)) return text;
  return text
    .replace(
      HEX_BLOB,
      (run) => (hasRun(run, HEX) ? (piecesOf([hexBytes(run), hexBytes(run.slice(1))], 4) ?? run) : run),
    )
    .replace(BLOB, (run) => decodeBlob(run, wide) ?? run);
}

function decodeBlob(wrapped: string, wide: boolean): string | undefined {
  const run = wrapped.replace(/[\r\n]+/g, "");
  if (!wide && !hasRun(run, BASE64)) return undefined;
  const stretches: Uint8Array[] = [];
  for (let alignment = 0; alignment < 4; alignment++) {
    const bytes = base64Bytes(run, alignment);
    const whole = alignment === 0 ? textOf(bytes) : "";
    if (whole !== "" && !UNREADABLE.test(whole)) return whole;
    stretches.push(bytes);
  }
  return piecesOf(stretches, wide ? 3 : 5);
}

function base64Bytes(run: string, from: number): Uint8Array {
  const bytes = new Uint8Array(Math.floor(((run.length - from) * 3) / 4));
  let bits = 0;
  let held = 0;
  for (let i = from, at = 0; i < run.length; i++) {
    held = ((held << 6) | SEXTET[run.charCodeAt(i)]!) & 0xffff;
    bits += 6;
    if (bits >= 8) bytes[at++] = held >> (bits -= 8);
  }
  return bytes;
}

/**
 * The pieces of text of at least `least` characters, blanks aside, in any of the byte strings, or undefined where there
 * is none.
 */
function piecesOf(all: readonly Uint8Array[], least: number): string | undefined {
  const pieces = all.flatMap((bytes) =>
    textOf(bytes).split(UNREADABLE).filter((piece) => piece.replace(/[\0\s]+/g, "").length >= least)
  );
  return pieces.length === 0 ? undefined : pieces.join(GAP);
}

function hasRun(text: string, sign: number): boolean {
  let run = 0;
  for (let i = 0; i < text.length; i++) {
    run = ((run << 1) | BEGIN) & SIGNS[text.charCodeAt(i)]!;
    if ((run & sign) !== 0) return true;
  }
  return false;
}
