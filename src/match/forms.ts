import {
  decodeBase64,
  decodeHex,
  decodeLines,
  decodeOddHex,
  decodeSegments,
  decodeShifted,
  decodeSpacedHex,
  decodeWrapped,
} from "./blobs.ts";
import { decodeEscapes, dropQuoting, spacePluses } from "./decode.ts";
import { dropMarks, foldText, plainText } from "./fold.ts";
import { MIN_GROUPS } from "./group-signs.ts";
import { decodeCertainGroups, decodeGroups } from "./groups.ts";
import { MIN_PICTURE, MIN_REST, withoutPictures } from "./pictures.ts";
import { blocksIn } from "./lines.ts";
import { BACKSLASH, BASE64, BEYOND_ASCII, CONTROL, ENCODED, PERCENT, signsOf } from "./signs.ts";
import type { Rewritable } from "./traced.ts";

/** A step of decoding, for texts of either kind. */
type Decoder = <T extends Rewritable<T>>(text: T, wide: boolean) => T;

/** What a text can be read as. */
export interface Forms<T> {
  /** Every form that is not the text itself. */
  readonly all: readonly T[];
  /** The folded form. */
  readonly folded: T;
  /** What is left when everything is decoded and folded and its marks are dropped. */
  readonly decoded: T;
}

const LEVELS = 3;
/** The first decodes everything. */
const WAYS: readonly (readonly Decoder[])[] = [
  [decodeHex, decodeWrapped, decodeBase64],
  [decodeHex, decodeBase64],
  [decodeBase64],
  [decodeHex],
  [decodeSpacedHex, decodeBase64],
  [decodeWrapped, decodeHex],
  [decodeLines, decodeHex, decodeBase64],
  [decodeOddHex, decodeBase64],
  [],
];
/** One more, where groups are read at every level. */
const IN_GROUPS: readonly Decoder[] = [decodeGroups, decodeHex, decodeBase64];
/** The same without what chance may have written. */
const IN_CERTAIN_GROUPS: readonly Decoder[] = [decodeCertainGroups, decodeHex, decodeBase64];
const CONTROLS = /[\0-\x08\x0e-\x1f\x7f]+/g;

/**
 * Returns the forms of a text, or undefined where one of them would grow too long.
 *
 * Decoding goes three levels deep (base64 of percent of percent); no level is longer than the one before. What could be
 * read as base64, as hexadecimal or as it stands is read in each way, and then again in the same: no reading takes from
 * another what it would have found. With `keepsLines`, folded texts keep their lines. With `cuts`, the forms are judged
 * without what only chance wrote in pictures. Without `mayHaveGroups`, groups in a text that shows nothing encoded were
 * judged before.
 */
export function formsOf<T extends Rewritable<T>>(
  text: T,
  table: Int32Array,
  wide: boolean,
  cuts: boolean,
  keepsLines = false,
  mayHaveGroups = true,
): Forms<T> | undefined {
  let signs = signsOf(text.toString(), table);
  if ((signs & CONTROL) !== 0 && blocksIn(text.toString(), table).length > 0) signs |= BASE64;
  const readsGroups = mayHaveGroups && (signs & ENCODED) === 0 && text.length >= MIN_GROUPS;
  const said = readsGroups ? (cuts ? decodeCertainGroups(text) : decodeGroups(text)) : text;
  if (signs === 0 && said === text) return { all: [], folded: text, decoded: text };
  return new Reading(text, signs, wide, cuts, keepsLines).forms(said);
}

/** Reads one text in every way, and each form only once. */
class Reading<T extends Rewritable<T>> {
  readonly #text: T;
  readonly #signs: number;
  readonly #wide: boolean;
  readonly #cuts: boolean;
  readonly #leastCut: number;
  readonly #keepsLines: boolean;
  readonly #all = new Map<string, T>();
  // For each form that was folded, the plainest that became of it.
  readonly #plainest = new Map<string, T>();
  readonly #steps = new Map<Decoder, Map<string, T>>();
  #capped = false;

  constructor(text: T, signs: number, wide: boolean, cuts: boolean, keepsLines: boolean) {
    this.#keepsLines = keepsLines;
    this.#text = text;
    this.#signs = signs;
    this.#wide = wide;
    this.#cuts = cuts;
    const hasPicture = cuts && withoutPictures(text).toString() !== text.toString();
    this.#leastCut = hasPicture ? MIN_REST : MIN_PICTURE;
  }

  forms(said: T): Forms<T> | undefined {
    const text = this.#text;
    let decoded = this.#fold(text);
    const folded: T = this.#all.values().next().value ?? text;
    if ((this.#signs & CONTROL) !== 0) this.#fold(text.replace(CONTROLS, " "));
    if ((this.#signs & ENCODED) !== 0) {
      decoded = this.#decode(text);
      const plain = (this.#signs & BEYOND_ASCII) === 0 ? text : plainText(text);
      if (plain !== undefined && plain.toString() !== text.toString()) this.#decode(plain);
    } else if (said !== text) {
      // All else shows nothing.
      this.#judge(said);
      this.#decode(said);
    }
    this.#all.delete(text.toString());
    return this.#capped ? undefined : { all: [...this.#all.values()], folded, decoded };
  }

  /** Reads a text in each way; returns the plainest form of the first, in which everything is decoded. */
  #decode(text: T): T {
    const [plainest] = WAYS.map((decoders) => this.#decodeBy(text, decoders));
    this.#decodeBy(text, this.#cuts ? IN_CERTAIN_GROUPS : IN_GROUPS);
    return plainest!;
  }

  #decodeBy(text: T, decoders: readonly Decoder[]): T {
    let current = text;
    for (let level = 0; level < LEVELS && !this.#capped; level++) {
      const escaped = this.#step(decodeEscapes, current);
      this.#judge(escaped);
      if ((this.#signs & PERCENT) !== 0) this.#judge(this.#step(decodeEscapes, this.#step(spacePluses, current)));
      if ((this.#signs & BACKSLASH) !== 0) {
        this.#judge(this.#step(dropQuoting, current));
        this.#judge(this.#step(dropQuoting, escaped));
        // Before the bytes are read one by one: blanks may stand between them.
        this.#judge(this.#step(decodeSpacedHex, current));
      }
      this.#judge(this.#step(decodeShifted, escaped));
      this.#judge(this.#step(decodeSegments, escaped));
      let next = escaped;
      for (const decode of decoders) {
        next = this.#step(decode, next);
        this.#judge(next);
      }
      if (next.toString() === current.toString()) break;
      current = next;
    }
    return this.#fold(current);
  }

  #step(decode: Decoder, text: T): T {
    let known = this.#steps.get(decode);
    if (known === undefined) this.#steps.set(decode, known = new Map());
    const key = text.toString();
    let found = known.get(key);
    if (found === undefined) known.set(key, found = decode(text, this.#wide));
    return found;
  }

  /** Adds a form and its folded ones. */
  #judge(form: T): void {
    if (this.#plainest.has(form.toString())) return;
    this.#add(form);
    this.#fold(form);
  }

  /** Adds the folded forms of a text; returns the plainest one. */
  #fold(form: T): T {
    const key = form.toString();
    const known = this.#plainest.get(key);
    if (known !== undefined) return known;
    const folded = foldText(this.#cut(form), this.#keepsLines);
    this.#capped ||= folded === undefined;
    if (folded === undefined) return form;
    this.#all.set(folded.toString(), folded);
    const bare = (this.#signs & (BEYOND_ASCII | ENCODED)) === 0 ? form : dropMarks(form);
    const plainest = bare.toString() === key ? folded : this.#fold(bare);
    this.#plainest.set(key, plainest);
    return plainest;
  }

  #cut(form: T): T {
    return this.#cuts ? withoutPictures(form, this.#leastCut) : form;
  }

  #add(form: T): void {
    const judged = this.#cut(form);
    this.#all.set(judged.toString(), judged);
  }
}
