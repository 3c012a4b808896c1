const LIMB_BITS = 31;
const LIMB_MASK = 0x7fffffff;

/** Words of each text's changed middle that are compared; further ones count as changed. */
export const MAX_COMPARED_WORDS = 16_384;

/**
 * Slots in which a word is looked for. More words of one hash than that, as a hostile text can hold, are kept in a map,
 * so that none is slow to find.
 */
const MAX_PROBES = 8;

/** From this many limbs without an item on, its row leaves them out; walking over fewer is cheaper than a jump. */
const MIN_GAP = 8;

/** White space as `\s` has it. */
function isSpace(code: number): boolean {
  if (code <= 32) return code === 32 || (code >= 9 && code <= 13);
  if (code < 0xa0) return false;
  return code === 0xa0 || code === 0xfeff || code === 0x3000 || code === 0x1680 || code === 0x202f || code === 0x205f ||
    code === 0x2028 || code === 0x2029 || (code >= 0x2000 && code <= 0x200a);
}

function endsWord(text: string, at: number): boolean {
  return at === text.length || isSpace(text.charCodeAt(at));
}

/** Whether a word of what lies behind `from` can start here. */
function startsWord(text: string, at: number, from: number): boolean {
  return at === from || isSpace(text.charCodeAt(at - 1));
}

/** How many first characters are the same in both, back to where a word ends or starts in both. */
function samePrefix(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  if (endsWord(a, at) && endsWord(b, at)) return at;
  while (at > 0 && !isSpace(a.charCodeAt(at - 1))) at--;
  return at;
}

/** How many last characters are the same in both, behind `from`, up to where a word starts or ends in both. */
function sameSuffix(a: string, b: string, from: number): number {
  const most = Math.min(a.length, b.length) - from;
  let count = 0;
  while (count < most && a.charCodeAt(a.length - 1 - count) === b.charCodeAt(b.length - 1 - count)) count++;
  if (startsWord(a, a.length - count, from) && startsWord(b, b.length - count, from)) return count;
  while (count > 0 && !isSpace(a.charCodeAt(a.length - count))) count--;
  return count;
}

function countWords(text: string, from: number, to: number): number {
  let count = 0;
  let inside = false;
  for (let at = from; at < to; at++) {
    const space = isSpace(text.charCodeAt(at));
    if (!space && !inside) count++;
    inside = !space;
  }
  return count;
}

/** A part of a text, with its code units where they are quick to read. */
interface Part {
  readonly text: string;
  readonly from: number;
  readonly to: number;
  /** From `from` on, and a space at the end. */
  readonly codes: Uint16Array;
}

function partOf(text: string, from: number, to: number): Part {
  const codes = new Uint16Array(to - from + 1);
  for (let at = from; at < to; at++) codes[at - from] = text.charCodeAt(at);
  codes[to - from] = 32;
  return { text, from, to, codes };
}

/** The different words of a part, numbered as they came. */
interface Vocabulary {
  readonly codes: Uint16Array;
  /** A hash and, from 1 on, the number of a word that has it; a power of two of such pairs. */
  readonly slots: Int32Array;
  /** Where in `codes` each word starts and ends. */
  readonly starts: number[];
  readonly ends: number[];
  /** The words that found no slot. */
  crowded: Map<string, number> | undefined;
}

function vocabularyOf(codes: Uint16Array): Vocabulary {
  let size = 8;
  while (size * 4 < codes.length && size < 2 * MAX_COMPARED_WORDS) size *= 2;
  return { codes, slots: new Int32Array(2 * size), starts: [], ends: [], crowded: undefined };
}

/** The number of the word of `part` between two places; of one that is not known, a new one or -1. */
function numberOf(words: Vocabulary, part: Part, start: number, end: number, hash: number, grow: boolean): number {
  const { codes: known, slots, starts, ends } = words;
  const { codes } = part;
  let slot = Math.imul(hash, 0x9e3779b1) >>> 14;
  for (let probe = 0; probe < MAX_PROBES; probe++, slot += 2) {
    slot &= slots.length - 2;
    const id = slots[slot + 1]! - 1;
    if (id < 0) {
      if (!grow) return -1;
      slots[slot] = hash;
      slots[slot + 1] = starts.push(start);
      return ends.push(end) - 1;
    }
    if (slots[slot] !== hash) continue;
    let at = starts[id]!;
    if (ends[id]! - at !== end - start) continue;
    let other = start;
    while (other < end && known[at] === codes[other]) {
      at++;
      other++;
    }
    if (other === end) return id;
  }
  const word = part.text.slice(part.from + start, part.from + end);
  const id = words.crowded?.get(word);
  if (id !== undefined || !grow) return id ?? -1;
  words.crowded ??= new Map();
  words.crowded.set(word, starts.push(start) - 1);
  return ends.push(end) - 1;
}

/** Numbers the words of a part by `words`, which may grow; returns how many words there are, compared or not. */
function numberWords(part: Part, words: Vocabulary, grow: boolean, out: number[]): number {
  const { codes } = part;
  for (let at = 0; at < codes.length; at++) {
    const start = at;
    let hash = 0;
    let code = codes[at]!;
    while (!isSpace(code)) {
      hash = ((hash << 5) - hash + code) | 0;
      code = codes[++at]!;
    }
    if (at === start) continue;
    if (out.length === MAX_COMPARED_WORDS) return out.length + countWords(part.text, part.from + start, part.to);
    out.push(numberOf(words, part, start, at, hash, grow));
  }
  return out.length;
}

/**
 * Length of the longest common subsequence of two lists of ids, the first of which has ids below `distinct`.
 *
 * A bit per place of `a`, as in Hyyrö, "Bit-parallel LCS-length computation revisited" (2004): for each item of `b`,
 * `v = (v + (v & m)) | (v - (v & m))`, and the zeros of `v` are the length. Only the limbs round those in which the
 * item occurs, and those that a carry runs into, are touched: a limb with neither stays as it is.
 */
function commonLength(a: readonly number[], distinct: number, b: readonly number[]): number {
  if (a.length <= LIMB_BITS) return commonLengthShort(a, distinct, b);
  // An item's row stands from rows[id] to rows[id + 1], as runs: the first limb, the limb behind the last, the bits in
  // each.
  const rows = new Int32Array(distinct + 1);
  const runs = new Int32Array(distinct);
  for (let at = 0; at < a.length; at++) {
    const id = a[at]!;
    const limb = (at / LIMB_BITS) | 0;
    const end = runs[id]!;
    rows[id + 1]! += startsRun(limb, end) ? 3 : limb + 1 - end;
    runs[id] = limb + 1;
  }
  for (let id = 0; id < distinct; id++) {
    runs[id] = rows[id]!;
    rows[id + 1]! += rows[id]!;
  }
  const cells = new Int32Array(rows[distinct]!);
  for (let at = 0; at < a.length; at++) {
    const id = a[at]!;
    const limb = (at / LIMB_BITS) | 0;
    let run = runs[id]!;
    const end = cells[run + 1]!;
    if (startsRun(limb, end)) {
      if (end > 0) run += 2 + end - cells[run]!;
      runs[id] = run;
      cells[run] = limb;
    }
    cells[run + 1] = limb + 1;
    cells[run + 2 + limb - cells[run]!]! |= 1 << (at - limb * LIMB_BITS);
  }
  const v = new Int32Array(Math.ceil(a.length / LIMB_BITS)).fill(LIMB_MASK);
  for (let at = 0; at < b.length; at++) {
    const id = b[at]!;
    if (id >= 0) addRow(v, cells, rows[id]!, rows[id + 1]!);
  }
  let zeros = 0;
  for (let limb = 0; limb < v.length; limb++) zeros += ones(~v[limb]! & LIMB_MASK);
  return zeros;
}

/** Whether a limb is too far from the end of the item's last run; 0 is no run. */
function startsRun(limb: number, end: number): boolean {
  return end === 0 || limb - end >= MIN_GAP;
}

/** One item's step; a function of its own, so that its few variables stay in registers. */
function addRow(v: Int32Array, cells: Int32Array, start: number, end: number): void {
  let carry = 0;
  let limb = 0;
  let cell = start;
  while (cell < end) {
    const first = cells[cell++]!;
    const behind = cells[cell++]!;
    if (carry === 1) carry = settle(v, limb, first);
    for (limb = first; limb < behind; limb++) {
      const old = v[limb]!;
      const hit = old & cells[cell++]!;
      const sum = (old + hit + carry) | 0;
      carry = sum >>> LIMB_BITS;
      v[limb] = (sum & LIMB_MASK) | (old - hit);
    }
  }
  if (carry === 1) settle(v, limb, v.length);
}

/** The same where one limb is enough. */
function commonLengthShort(a: readonly number[], distinct: number, b: readonly number[]): number {
  const masks = new Array<number>(distinct).fill(0);
  for (let at = 0; at < a.length; at++) masks[a[at]!]! |= 1 << at;
  let v = LIMB_MASK;
  for (let at = 0; at < b.length; at++) {
    const id = b[at]!;
    if (id < 0) continue;
    const mask = masks[id]!;
    v = ((v + (v & mask)) & LIMB_MASK) | (v & ~mask);
  }
  return ones(~v & LIMB_MASK);
}

/** Adds a carry to limbs in which the item does not occur; returns the carry that leaves the last one. */
function settle(v: Int32Array, from: number, to: number): number {
  for (let limb = from; limb < to; limb++) {
    const old = v[limb]!;
    if (old === LIMB_MASK) continue;
    v[limb] = (old + 1) | old;
    return 0;
  }
  return 1;
}

function ones(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}

/**
 * Tells how alike two texts are, from 0 (no word in common) to 1 (the same words in the same order).
 *
 * A word is a run of characters that are not white space, and is compared exactly: case and punctuation count, the kind
 * and amount of white space do not. The score is `2 * L / (words of a + words of b)`, where L is the length of the
 * longest common subsequence, so changing a tenth of the words gives 0.9 at every length. Two texts without a word are
 * the same (1). Symmetric. A text written without spaces is one word; {@linkcode sequenceSimilarity} compares
 * characters.
 *
 * Reading is linear in the texts, comparing takes at most (words of a) * (words of b) / 31 steps and leaves out what
 * both texts begin and end with. Of the part between, 16 384 words of each text are compared; further words count as
 * changed, so that the score of a longer text is never too high.
 *
 * @example Usage
 * ```ts
 * import { wordSimilarity } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.equal(wordSimilarity("deploy to staging", "deploy  to staging"), 1);
 * assert.equal(wordSimilarity("deploy to staging now", "deploy to production now"), 0.75);
 * assert.equal(wordSimilarity("deploy", ""), 0);
 * ```
 */
export function wordSimilarity(a: string, b: string): number {
  if (a === b) return 1;
  const prefix = samePrefix(a, b);
  const suffix = sameSuffix(a, b, prefix);
  const same = countWords(a, 0, prefix) + countWords(a, a.length - suffix, a.length);
  const partOfA = partOf(a, prefix, a.length - suffix);
  const words = vocabularyOf(partOfA.codes);
  const left: number[] = [];
  const right: number[] = [];
  const inA = numberWords(partOfA, words, true, left);
  const inB = numberWords(partOf(b, prefix, b.length - suffix), words, false, right);
  const total = 2 * same + inA + inB;
  if (total === 0) return 1;
  const common = inA === 0 || inB === 0 ? 0 : commonLength(left, words.starts.length, right);
  return (2 * (same + common)) / total;
}
