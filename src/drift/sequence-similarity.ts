/** Comparisons that are made at most; what is not compared by then counts as different. */
export const MAX_STEPS: number = 2 ** 26;

function codePoints(text: string): Int32Array {
  const out = new Int32Array(text.length);
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at)!;
    if (code > 0xffff) at++;
    out[count++] = code;
  }
  return out.subarray(0, count);
}

/** Where each code point of `b` stands: `places` from `starts[symbol]` to `starts[symbol + 1]`, ascending. */
interface Index {
  readonly starts: Int32Array;
  readonly places: Int32Array;
  /** The symbols of `a`, -1 where `b` has none such. */
  readonly symbols: Int32Array;
}

function indexOf(a: Int32Array, b: Int32Array): Index {
  const numbers = new Map<number, number>();
  const symbolsOfB = new Int32Array(b.length);
  for (let at = 0; at < b.length; at++) {
    let symbol = numbers.get(b[at]!);
    if (symbol === undefined) numbers.set(b[at]!, symbol = numbers.size);
    symbolsOfB[at] = symbol;
  }
  const starts = new Int32Array(numbers.size + 1);
  for (const symbol of symbolsOfB) starts[symbol + 1]!++;
  for (let symbol = 0; symbol < numbers.size; symbol++) starts[symbol + 1]! += starts[symbol]!;
  const places = new Int32Array(b.length);
  const next = starts.slice();
  symbolsOfB.forEach((symbol, at) => {
    places[next[symbol]!++] = at;
  });
  return { starts, places, symbols: a.map((code) => numbers.get(code) ?? -1) };
}

/** The first of the ascending `places` between two slots that is not below `least`. */
function firstSlot(places: Int32Array, from: number, to: number, least: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (places[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Counts the code points in matching blocks: the longest block first, then those before and behind it, and so on. */
function matched({ starts, places, symbols }: Index, lengthOfB: number, budget: number): number {
  // lengths[j] is the length of the block that ends at (rows[j], j); a row below the current one's is out of date.
  const lengths = new Int32Array(lengthOfB);
  const rows = new Int32Array(lengthOfB).fill(-1);
  const open: number[] = [0, symbols.length, 0, lengthOfB];
  let steps = budget;
  let total = 0;
  while (open.length > 0) {
    const [aLow, aHigh, bLow, bHigh] = open.splice(-4) as [number, number, number, number];
    let size = 0;
    let aEnd = 0;
    let bEnd = 0;
    for (let i = aLow; i < aHigh; i++) {
      const symbol = symbols[i]!;
      if (--steps < 0) return total;
      if (symbol < 0) continue;
      const first = firstSlot(places, starts[symbol]!, starts[symbol + 1]!, bLow);
      const last = firstSlot(places, first, starts[symbol + 1]!, bHigh);
      steps -= last - first;
      // From the right, so that the cell to the left still holds the row above.
      for (let slot = last - 1; slot >= first; slot--) {
        const j = places[slot]!;
        const length = i > aLow && j > bLow && rows[j - 1] === i - 1 ? lengths[j - 1]! + 1 : 1;
        lengths[j] = length;
        rows[j] = i;
        if (length > size || (length === size && aEnd === i)) {
          size = length;
          aEnd = i;
          bEnd = j;
        }
      }
    }
    if (size === 0) continue;
    total += size;
    const aStart = aEnd - size + 1;
    const bStart = bEnd - size + 1;
    if (aStart > aLow && bStart > bLow) open.push(aLow, aStart, bLow, bStart);
    if (aEnd + 1 < aHigh && bEnd + 1 < bHigh) open.push(aEnd + 1, aHigh, bEnd + 1, bHigh);
  }
  return total;
}

/**
 * Tells how alike two texts are, from 0 (no character in common) to 1 (the same text), by their matching blocks.
 *
 * The measure of Ratcliff and Obershelp ("Pattern Matching: The Gestalt Approach", 1988) over code points: the longest
 * common block, the earliest one of several, then the same before and behind it; the score is `2 * M / (a + b)`, where
 * M is the code points in blocks. It is what Python's `SequenceMatcher(None, a, b, autojunk=False).ratio()` gives.
 * Nothing is folded, no character is thought popular. Two empty texts are the same (1). Not symmetric: of blocks of one
 * length, the first in `a` is taken.
 *
 * Takes time that grows with the product of the lengths, and worse for texts made to be slow; it stops after 2^26
 * comparisons (prose of some 15 000 characters) and counts what is not compared by then as different, so that the score
 * is never too high. {@linkcode wordSimilarity} has no such slope.
 *
 * @example Usage
 * ```ts
 * import { sequenceSimilarity } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.equal(sequenceSimilarity("abcd", "bcde"), 0.75);
 * assert.equal(sequenceSimilarity("", ""), 1);
 * ```
 */
export function sequenceSimilarity(a: string, b: string): number {
  if (a === b) return 1;
  const left = codePoints(a);
  const right = codePoints(b);
  return (2 * matched(indexOf(left, right), right.length, MAX_STEPS)) / (left.length + right.length);
}
