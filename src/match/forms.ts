import { decodeBlobs, decodeEscapes } from "./decode.ts";
import { dropMarks, foldText } from "./fold.ts";
import { BEYOND_ASCII, CONTROL, ENCODED, PERCENT, signsOf } from "./signs.ts";

/** What a text can be read as. */
export interface Forms {
  /** Every form that is not the text itself. */
  readonly all: readonly string[];
  /** The folded form. */
  readonly folded: string;
  /** What is left when everything is decoded and folded and its marks are dropped. */
  readonly decoded: string;
}

const LEVELS = 3;
const CONTROLS = /[\0-\x08\x0e-\x1f\x7f]+/g;

/**
 * Returns the forms of a text, or undefined where one of them would grow too long.
 *
 * Decoding goes three levels deep (base64 of percent of percent); no level is longer than the one before.
 */
export function formsOf(text: string, table: Int32Array, wide: boolean): Forms | undefined {
  const signs = signsOf(text, table);
  if (signs === 0) return { all: [], folded: text, decoded: text };
  const all = new Set<string>();
  let capped = false;

  /** Adds the folded forms of a text; returns the plainest one. */
  function fold(form: string): string {
    const folded = foldText(form);
    capped ||= folded === undefined;
    if (folded === undefined) return form;
    all.add(folded);
    const bare = (signs & (BEYOND_ASCII | ENCODED)) === 0 ? form : dropMarks(form);
    return bare === form ? folded : fold(bare);
  }

  let decoded = fold(text);
  const folded = all.values().next().value ?? text;
  const spaced = (signs & CONTROL) === 0 ? text : text.replace(CONTROLS, " ");
  if (spaced !== text) fold(spaced);
  if ((signs & ENCODED) !== 0) {
    let current = text;
    for (let level = 0; level < LEVELS && !capped; level++) {
      const escaped = decodeEscapes(current);
      if (escaped !== current) {
        all.add(escaped);
        decoded = fold(escaped);
        // In a form's query a plus is a blank.
        if ((signs & PERCENT) !== 0 && escaped.includes("+")) fold(decodeEscapes(current.replaceAll("+", " ")));
      }
      const plain = decodeBlobs(escaped, wide);
      if (plain === current) break;
      if (plain !== escaped) {
        all.add(plain);
        decoded = fold(plain);
      }
      current = plain;
    }
  }
  all.delete(text);
  return capped ? undefined : { all: [...all], folded, decoded };
}
