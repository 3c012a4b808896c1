/** A set of code points as inclusive ranges `[lo, hi, lo, hi, …]`, ascending and apart. */
export type CharSet = readonly number[];

const LAST = 0x10ffff;
// A longer range than this is a block of a script, and closed under case by itself.
const CASE_RANGE = 4096;

/** The decimal digits of ASCII: `\d`. */
export const DIGIT: CharSet = [48, 57];
/** Letters and digits of ASCII and the underscore: `\w`. */
export const WORD: CharSet = [48, 57, 65, 90, 95, 95, 97, 122];
/** White space as ECMAScript has it: `\s`. */
export const SPACE: CharSet = [
  9,
  13,
  32,
  32,
  160,
  160,
  0x1680,
  0x1680,
  0x2000,
  0x200a,
  0x2028,
  0x2029,
  0x202f,
  0x202f,
  0x205f,
  0x205f,
  0x3000,
  0x3000,
  0xfeff,
  0xfeff,
];
/** Everything. */
export const ANY: CharSet = [0, LAST];
/** Everything but the ends of lines: `.`. */
export const DOT: CharSet = complement([10, 10, 13, 13, 0x2028, 0x2029]);

/** Sorts ranges and joins those that touch. */
export function union(ranges: CharSet): CharSet {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i]!, ranges[i + 1]!]);
  pairs.sort((a, b) => a[0] - b[0]);
  const out: number[] = [];
  for (const [lo, hi] of pairs) {
    const end = out.length - 1;
    if (end > 0 && lo <= out[end]! + 1) out[end] = Math.max(out[end]!, hi);
    else out.push(lo, hi);
  }
  return out;
}

/** Everything that is not in a sorted set. */
export function complement(set: CharSet): CharSet {
  const out: number[] = [];
  let from = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i]! > from) out.push(from, set[i]! - 1);
    from = set[i + 1]! + 1;
  }
  if (from <= LAST) out.push(from, LAST);
  return out;
}

/** The part of a sorted set from `lo` to `hi`. */
export function slice(set: CharSet, lo: number, hi: number): CharSet {
  const out: number[] = [];
  for (let i = 0; i < set.length; i += 2) {
    const from = Math.max(lo, set[i]!);
    const to = Math.min(hi, set[i + 1]!);
    if (from <= to) out.push(from, to);
  }
  return out;
}

/**
 * Adds to a set the other cases of its members; what the folded text has on top (`ß`, the Kelvin sign) is found there.
 */
export function bothCases(set: CharSet): CharSet {
  const out = [...set];
  for (let i = 0; i < set.length; i += 2) {
    const lo = set[i]!;
    const hi = set[i + 1]!;
    if (hi - lo > CASE_RANGE) {
      const low = slice([lo, hi], 65, 90);
      const high = slice([lo, hi], 97, 122);
      if (low.length > 0) out.push(low[0]! + 32, low[1]! + 32);
      if (high.length > 0) out.push(high[0]! - 32, high[1]! - 32);
      continue;
    }
    for (let c = lo; c <= hi; c++) {
      if (c < 65 || (c > 90 && c < 97) || (c > 122 && c < 0xb5)) continue;
      const own = String.fromCodePoint(c);
      for (const other of [own.toLowerCase(), own.toUpperCase()]) {
        const code = other.codePointAt(0)!;
        // A letter outside ASCII never stands for one inside it here: `[^k]` keeps the Kelvin sign, as in ECMAScript.
        if (code !== c && other.length === (code > 0xffff ? 2 : 1) && (code > 127 || c < 128)) out.push(code, code);
      }
    }
  }
  return union(out);
}
