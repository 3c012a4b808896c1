const LIMB_BITS = 31;
const LIMB_MASK = 0x7fffffff;

/** Words of each text's changed middle that are compared; further ones count as changed. */
export const MAX_COMPARED_WORDS = 16_384;

/** White space as `\s` has it. */
function isSpace(code: number): boolean {
  if (code <= 32) return code === 32 || (code >= 9 && code <= 13);
  if (code < 0xa0) return false;
  return code === 0xa0 || code === 0xfeff || code === 0x3000 || code === 0x1680 || code === 0x202f || code === 0x205f
    || code === 0x2028 || code === 0x2029 || (code >= 0x2000 && code <= 0x200a);
}

function endsWord(text: string, at: number): boolean {
  return at === text.length || isSpace(text.charCodeAt(at));
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
  const startsWord = (text: string): boolean => count === text.length - from || isSpace(text.charCodeAt(text.length - 1 - count));
  if (startsWord(a) && startsWord(b)) return count;
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

/** Numbers the words of `text` between two places by `ids`, which grows; returns how many words there are, compared or not. */
function numberWords(text: string, from: number, to: number, ids: Map<string, number>, grow: boolean, out: number[]): number {
  let count = 0;
  let at = from;
  for (;;) {
    while (at < to && isSpace(text.charCodeAt(at))) at++;
    if (at >= to) return count;
    const start = at++;
    while (at < to && !isSpace(text.charCodeAt(at))) at++;
    if (count++ >= MAX_COMPARED_WORDS) return count + countWords(text, at, to);
    const word = text.slice(start, at);
    let id = ids.get(word);
    if (id === undefined) {
      id = grow ? ids.size : -1;
      if (grow) ids.set(word, id);
    }
    out.push(id);
  }
}

/**
 * Length of the longest common subsequence of two lists of ids, the first of which has ids below `distinct`.
 *
 * A bit per place of `a`, as in Hyyrö, "Bit-parallel LCS-length computation revisited" (2004): for each item of `b`,
 * `v = (v + (v & m)) | (v & ~m)`, and the zeros of `v` are the length. Only the limbs in which the item occurs, and those
 * that a carry runs into, are touched: a limb with neither stays as it is.
 */
function commonLength(a: readonly number[], distinct: number, b: readonly number[]): number {
  if (a.length <= LIMB_BITS) return commonLengthShort(a, distinct, b);
  // The limbs in which an item occurs, and its bits there, stand from starts[id] to ends[id].
  const starts = new Int32Array(distinct + 1);
  for (let at = 0; at < a.length; at++) starts[a[at]! + 1]!++;
  for (let id = 0; id < distinct; id++) starts[id + 1]! += starts[id]!;
  const ends = starts.slice(0, distinct);
  const limbs = new Int32Array(a.length);
  const masks = new Int32Array(a.length);
  for (let at = 0; at < a.length; at++) {
    const id = a[at]!;
    const limb = (at / LIMB_BITS) | 0;
    const end = ends[id]!;
    const slot = end > starts[id]! && limbs[end - 1] === limb ? end - 1 : end;
    if (slot === end) ends[id] = end + 1;
    limbs[slot] = limb;
    masks[slot]! |= 1 << (at - limb * LIMB_BITS);
  }
  const v = new Int32Array(Math.ceil(a.length / LIMB_BITS)).fill(LIMB_MASK);
  for (let at = 0; at < b.length; at++) {
    const id = b[at]!;
    if (id < 0) continue;
    const end = ends[id]!;
    let carry = 0;
    let next = 0;
    for (let slot = starts[id]!; slot < end; slot++) {
      const limb = limbs[slot]!;
      if (carry === 1) carry = settle(v, next, limb);
      const mask = masks[slot]!;
      const old = v[limb]!;
      const sum = (old + (old & mask) + carry) | 0;
      carry = sum >>> LIMB_BITS;
      v[limb] = (sum & LIMB_MASK) | (old & ~mask);
      next = limb + 1;
    }
    if (carry === 1) settle(v, next, v.length);
  }
  let zeros = 0;
  for (let limb = 0; limb < v.length; limb++) zeros += ones(~v[limb]! & LIMB_MASK);
  return zeros;
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
 * and amount of white space do not. The score is `2 * L / (words of a + words of b)`, where L is the length of the longest
 * common subsequence, so changing a tenth of the words gives 0.9 at every length. Two texts without a word are the same (1).
 * Symmetric. A text written without spaces is one word; {@linkcode sequenceSimilarity} compares characters.
 *
 * Reading is linear in the texts, comparing takes at most (words of a) * (words of b) / 31 steps and leaves out what both
 * texts begin and end with. Of the part between, 16 384 words of each text are compared; further words count as
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
  const ids = new Map<string, number>();
  const left: number[] = [];
  const right: number[] = [];
  const inA = numberWords(a, prefix, a.length - suffix, ids, true, left);
  const inB = numberWords(b, prefix, b.length - suffix, ids, false, right);
  const total = 2 * same + inA + inB;
  if (total === 0) return 1;
  const common = inA === 0 || inB === 0 ? 0 : commonLength(left, ids.size, right);
  return (2 * (same + common)) / total;
}
