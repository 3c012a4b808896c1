import { ByUnits } from "./by-units.ts";
import { isBeyondAscii, unmask } from "./look-alikes.ts";
import { type Rewritable, Traced } from "./traced.ts";

/** Marks that are written over, under or through a letter of any script; vowel signs of a script are none. */
const MARKS = /[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+/g;
// White space among the controls stays. Annotation marks are invisible as well, without being ignorable to Unicode, and
// so is a surrogate without its other half, which no encoding of text can carry.
const IGNORABLE = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\p{Cs}]+/gu;
const CONTROLS = /[\0-\x08\x0e-\x1f\x7f\x80-\x84\x86-\x9f]+/g;
// A blank alone is left out: it stays what it is, and most white space is that.
const WHITE = / [\s\x85]+|(?:[^\S ]|\x85)[\s\x85]*/g;
const LINE_END = /[\r\n]/;
const MANY_MARKS = /(\p{M}{30})\p{M}+/gu;
const JOINS_BACK = /^[\p{M}\u1160-\u11ff\udc00-\udfff]/u;

const CHUNK = 4096;
/** A text may grow to this when it is folded, or to three times its length. */
const MAX_GROWN = 65_536;

// What a dotless i of Turkish is while case is folded, which would make an i of it: no character, in either case.
const DOTLESS = "\ufdd0";
const DOTLESS_I = /ı/g;
const DOTLESS_STAND_IN = /\ufdd0/g;
const DOTTED_I = /i\u0307/g;
const FINAL_SIGMA = /ς/g;

/**
 * Returns the form of a text in which disguises of the same text are equal, or undefined where that would grow beyond
 * three times its length and 65 536 units.
 *
 * Compatibility forms (NFKC), ignorable and control characters and lone surrogates dropped, runs of white space as one
 * blank, case folded (`ß` is `ss`, the Kelvin sign `k`, the dotted `İ` `i`; the dotless `ı` is a letter of its own),
 * look-alikes as in {@linkcode unmask}. With `keepsLines`, white space with a line's end in it is one line end.
 */
export function foldText<T extends Rewritable<T>>(text: T, keepsLines = false): T | undefined {
  if (!isBeyondAscii(text.toString())) return foldWhite(text.replace(CONTROLS, ""), keepsLines).toLowerCase();
  if (typeof text === "string" && !keepsLines) return folding.map(text) as unknown as T | undefined;
  return foldWhole(text, keepsLines);
}

const folding: ByUnits = new ByUnits({
  whole: (text) => foldWhole<string>(text, false),
  formsOf: (unit) => {
    const plain = plainWhole<string>(unit) ?? unit;
    return plain + unmask<string>(plain);
  },
  folds: true,
  mostOf,
});
const writingPlain: ByUnits = new ByUnits({
  whole: (text) => plainWhole<string>(text),
  formsOf: () => "",
  folds: false,
  mostOf,
});

/** The same by steps that take all of the text, one after the other. */
export function foldWhole<T extends Rewritable<T>>(text: T, keepsLines: boolean): T | undefined {
  const composed = plainWhole(text);
  if (composed === undefined) return undefined;
  // Upper case on the way: that is what folds ß, ŉ or a final sigma, and lower case before it, for a capital ẞ. The dot
  // that İ leaves behind is not part of the letter, and the marks of a letter that has no capital of its own come
  // apart.
  const lower = unmask(composed).replace(DOTLESS_I, DOTLESS).toLowerCase().toUpperCase().toLowerCase()
    .replace(DOTLESS_STAND_IN, "ı").replace(DOTTED_I, "i").replace(FINAL_SIGMA, "σ").normalize("NFC");
  // Again, since a letter may look Latin in one case only.
  return foldWhite(unmask(lower), keepsLines);
}

function foldWhite<T extends Rewritable<T>>(text: T, keepsLines: boolean): T {
  return keepsLines ? text.replace(WHITE, lineEndOrBlank) : text.replace(WHITE, " ");
}

function lineEndOrBlank(white: string): string {
  return LINE_END.test(white) ? "\n" : " ";
}

/**
 * Drops what is not seen and writes compatibility forms as what they stand for, and leaves case and look-alikes alone:
 * base64 in full-width letters, or with an invisible character in it, is base64 then. Undefined as for a fold.
 */
export function plainText<T extends Rewritable<T>>(text: T): T | undefined {
  return typeof text === "string" ? (writingPlain.map(text) as unknown as T | undefined) : plainWhole(text);
}

/** The same by steps that take all of the text, one after the other. */
export function plainWhole<T extends Rewritable<T>>(text: T): T | undefined {
  return compose(text.replace(IGNORABLE, "").replace(CONTROLS, ""));
}

/**
 * Drops the marks that stand in the text as characters of their own.
 *
 * A letter that has its mark built in (`é`) is another letter and stays: in ordinary text that is how it is written,
 * while `pa` U+0301 `ssword` is a disguise. Returns the same string where there is none.
 */
export function dropMarks<T extends Rewritable<T>>(text: T): T {
  return text.replace(MARKS, "");
}

function mostOf(length: number): number {
  return Math.max(MAX_GROWN, length * 3);
}

/** NFKC in pieces, so that the growth is seen before it is paid for. */
function compose<T extends Rewritable<T>>(text: T): T | undefined {
  // Normalizing sorts runs of marks, at a cost that grows with their square.
  const tame = text.replace(MANY_MARKS, (_, marks) => marks);
  const composed = composedInPieces(tame.toString());
  if (composed === undefined) return undefined;
  return tame instanceof Traced ? tame.normalize("NFKC") : (composed as unknown as T);
}

function composedInPieces(text: string): string | undefined {
  const most = mostOf(text.length);
  let out = "";
  for (let from = 0; from < text.length;) {
    let to = Math.min(text.length, from + CHUNK);
    while (to < text.length && JOINS_BACK.test(text.slice(to, to + 2))) to++;
    out += text.slice(from, to).normalize("NFKC");
    if (out.length > most) return undefined;
    from = to;
  }
  return out;
}
