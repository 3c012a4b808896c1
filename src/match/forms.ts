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
/** Signs of what a decoder changes; letters beyond ASCII may only look like it. */
const DECODABLE = ENCODED & ~BEYOND_ASCII;
/** What no sign tells of: text in tag characters and variation selectors, turned text, and rare white space. */
const HIDES = /[\u1680\u2028\u2029\u202e\u{e0000}-\u{e01ef}]|[\ufe00-\ufe0f]{2}/u;
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
  const signs = signsIn(text.toString(), table);
  const hides = isDecodable(text, signs) || ((signs & BEYOND_ASCII) !== 0 && (wide || HIDES.test(text.toString())));
  const readsGroups = !hides && (mayHaveGroups || (signs & BEYOND_ASCII) !== 0) && text.length >= MIN_GROUPS;
  const said = readsGroups ? saidIn(text, cuts) : text;
  if (signs === 0 && said === text) return { all: [], folded: text, decoded: text };
  return new Reading(text, { table, signs, wide, cuts, keepsLines }).forms(hides, said);
}

/** The signs of a text, of which lines of base64 are one. */
function signsIn(text: string, table: Int32Array): number {
  const signs = signsOf(text, table);
  return (signs & CONTROL) !== 0 && blocksIn(text, table).length > 0 ? signs | BASE64 : signs;
}

/** Whether a decoder may change a text. Beyond ASCII hexadecimal need not show itself by its beginning. */
function isDecodable<T extends Rewritable<T>>(text: T, signs: number): boolean {
  if ((signs & DECODABLE) !== 0) return true;
  const whole = text.toString();
  return (signs & BEYOND_ASCII) !== 0 && decodeOddHex<string>(whole) !== whole;
}

function saidIn<T extends Rewritable<T>>(text: T, cuts: boolean): T {
  return cuts ? decodeCertainGroups(text) : decodeGroups(text);
}

interface HowToRead {
  readonly table: Int32Array;
  readonly signs: number;
  readonly wide: boolean;
  readonly cuts: boolean;
  readonly keepsLines: boolean;
}

/** Reads one text in every way, and each form only once. */
class Reading<T extends Rewritable<T>> {
  readonly #text: T;
  readonly #table: Int32Array;
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

  constructor(text: T, { table, signs, wide, cuts, keepsLines }: HowToRead) {
    this.#table = table;
    this.#keepsLines = keepsLines;
    this.#text = text;
    this.#signs = signs;
    this.#wide = wide;
    this.#cuts = cuts;
    const hasPicture = cuts && withoutPictures(text).toString() !== text.toString();
    this.#leastCut = hasPicture ? MIN_REST : MIN_PICTURE;
  }

  forms(hides: boolean, said: T): Forms<T> | undefined {
    const text = this.#text;
    let decoded = this.#fold(text);
    const folded: T = this.#all.values().next().value ?? text;
    if ((this.#signs & CONTROL) !== 0) this.#fold(text.replace(CONTROLS, " "));
    if (hides) decoded = this.#decode(text);
    else if (said !== text) {
      // All else shows nothing.
      this.#judge(said);
      this.#decode(said);
    }
    if ((this.#signs & BEYOND_ASCII) !== 0) this.#readPlain(text, hides);
    this.#all.delete(text.toString());
    return this.#capped ? undefined : { all: [...this.#all.values()], folded, decoded };
  }

  /** Reads a text in plain letters, in which more may be encoded than it shows. */
  #readPlain(text: T, hides: boolean): void {
    const plain = plainText(text);
    if (plain === undefined || plain.toString() === text.toString()) return;
    if (
      hides || isDecodable(plain, signsIn(plain.toString(), this.#table) | BEYOND_ASCII) ||
      saidIn(plain, this.#cuts) !== plain
    ) {
      this.#decode(plain);
    } else this.#judge(plain);
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
