import type { Rewritable } from "./traced.ts";

/** A shorter run is no picture, and neither is one in a shorter text. */
export const MIN_PICTURE = 512;
/** The same where a picture fell into lines of which some were decoded. */
export const MIN_REST = 48;
/** The longest match that a picture has by chance: six letters, one in four thousand of 256 Ki characters. */
export const MAX_CHANCE = 6;

const RUN = /[\w+/=\r\n\\%-]+/g;
const BLOCK = 256;
/** Of two letters or digits side by side in base64 two in three are of another kind; in words and names one in five. */
const MIN_CHANGES = 1 / 3;
const GAP = "\ufffd";

/**
 * Takes out of a text what only chance has written: inside a long run of base64 or hexadecimal, each block in which
 * small letters, capitals and digits change as they do in no words. What is left at both ends is longer than a match
 * that chance can make, so a match that begins or ends outside is still seen. Keeps the length.
 */
export function withoutPictures<T extends Rewritable<T>>(text: T, least: number = MIN_PICTURE): T {
  return text.length < least ? text : text.replace(RUN, (run) => (run.length < least ? run : blank(run)));
}

function blank(run: string): string {
  let out = run.slice(0, MAX_CHANCE);
  const end = run.length - MAX_CHANCE;
  for (let at = MAX_CHANCE; at < end; at += BLOCK) {
    const block = run.slice(at, Math.min(at + BLOCK, end));
    // The last may be too short to tell.
    const known = block.length < BLOCK ? run.slice(Math.max(0, end - BLOCK), end) : block;
    out += changesOf(known) < MIN_CHANGES ? block : GAP.repeat(block.length);
  }
  return out + run.slice(end);
}

/** The share of neighbours among a text's letters and digits that are of another kind. */
function changesOf(text: string): number {
  let changes = 0;
  let last = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const kind = unit > 96 && unit < 123 ? 1 : unit > 64 && unit < 91 ? 2 : unit > 47 && unit < 58 ? 3 : 0;
    if (kind === 0) continue;
    if (last !== 0 && kind !== last) changes++;
    last = kind;
  }
  return changes / text.length;
}
