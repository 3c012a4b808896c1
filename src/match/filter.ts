import { isTouched } from "../base/own.ts";
import { MAX_DEPTH, MAX_NODES, MAX_UNITS } from "./collect.ts";
import { isHexDigit, separates } from "./group-alphabets.ts";
import {
  BASE64_GROUPS,
  isBase64Groups,
  isHexGroups,
  MAY_BE_GROUPS,
  mayBeNested,
  NO_GROUPS,
  passGroups,
  SHORT,
} from "./group-signs.ts";
import type { KnownKeys } from "./known-keys.ts";
import { lookAtLineEnd } from "./lines.ts";
import { both, MAX_PREFIX, type Prefix, prefixOf, shareOf } from "./prefix.ts";
import type { Source } from "./program.ts";
import { BASE64, BEGIN, BEYOND_ASCII, BLANKS, HEX, IN_GROUPS, isHexEnd } from "./signs.ts";

// All signs of one character are this bit here; those below hold two prefixes.
const SIGN = BEYOND_ASCII;
const BEGINS = (BEGIN & -SIGN) | 1 | (1 << MAX_PREFIX);
const DIGITS = SIGN - 1;
// What is looked at more closely at once.
const GROUPED = IN_GROUPS | HEX;
/** What a walk answers in place of a state where the payload needs a search. */
const HIT = -1;
/**
 * What a value counts besides its text, and more than a key that is known has text: so one sum is past the cap no later
 * than
 * texts or values are past theirs.
 */
const NODE: number = Math.ceil(MAX_UNITS / MAX_NODES);
/** Beginnings found at a larger share of ordinary places would make the filter cost more than it spares. */
const MAX_SHARE = 1 / 500;
/** More patterns have too much in common with any text; to find that out would only take time. */
const MAX_SOURCES = 64;
/** A character can stand anywhere in hexadecimal but at its beginning. */
const IN_HEX = 0b11111110 << 23;
const NOTHING: Prefix = { length: MAX_PREFIX, bits: new Uint8Array(128) };

const encoder = new TextEncoder();
const BYTES = new Uint8Array(4096);

/**
 * Tells of most payloads in which nothing matches that it is so, at less cost than a search.
 *
 * All texts, with blanks between the values, pass one Shift-And automaton that knows the signs, as `SIGNS` has them,
 * and what matches begin with, of all patterns laid over each other. White space is no sign here: a run of it counts as it
 * stands
 * and, at once, as any shorter run of blanks, so a match in the folded text begins in the text as well. A payload that
 * does not pass
 * may match or not.
 */
export class Filter {
  // In an array, since a field that outgrows small integers changes the shape of its object, and all code for it is
  // compiled anew.
  readonly #steps = new Float64Array(1);
  readonly #masks: Int32Array;
  readonly #blank: number;
  readonly #digit: number;
  readonly #hits: number;
  readonly #stops: number;
  readonly #signs: Int32Array;
  readonly #keys: KnownKeys;
  readonly #wants: (said: string) => boolean;
  #isTouched = false;
  #left = 0;
  #known = 0;

  constructor(masks: Int32Array, hits: number, signs: Int32Array, keys: KnownKeys) {
    this.#masks = new Int32Array(256);
    this.#masks.set(masks);
    this.#masks.set(BASE64_GROUPS, 128);
    this.#signs = signs;
    this.#blank = masks[32]!;
    // Signs of one number are none.
    this.#digit = masks.subarray(48, 58).reduce((all, mask) => all | mask, 0) & DIGITS;
    this.#hits = hits;
    this.#stops = hits | BLANKS | IN_GROUPS;
    this.#keys = keys;
    this.#wants = (said) => this.#isWanted(said);
  }

  /** Characters read, and values met, since the filter was made. */
  get steps(): number {
    return this.#steps[0]!;
  }

  /** Whether a search of a payload, which must be plain, would find nothing and reach none of its caps. */
  passes(payload: unknown): boolean {
    this.#left = MAX_UNITS;
    this.#isTouched = isTouched();
    this.#keys.begin();
    const run = this.#visit(payload, 0, 0);
    this.#steps[0]! += MAX_UNITS - this.#left;
    return run !== HIT;
  }

  #visit(value: unknown, run: number, depth: number): number {
    if (typeof value === "string" && value !== "") return this.#pass(value, this.#separate(run));
    if ((this.#left -= NODE) < 0) return HIT;
    if (typeof value === "object") return value === null ? run : this.#visitObject(value, run, depth);
    if (typeof value === "number") return this.#passNumber(value, this.#separate(run));
    return value === "" || typeof value === "boolean" || value === undefined ? run : HIT;
  }

  #visitObject(value: object, from: number, depth: number): number {
    if (depth > MAX_DEPTH) return HIT;
    let run = from;
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length && run !== HIT; i++) run = this.#visit(value[i], run, depth + 1);
      return run;
    }
    const keys = this.#keys;
    for (const key in value) {
      if (this.#isTouched && !Object.hasOwn(value, key)) continue;
      if (!keys.knows(key)) {
        if (this.#pass(key, 0) === HIT) return HIT;
        keys.add(key);
      }
      run = this.#visit((value as Record<string, unknown>)[key], run, depth + 1);
      if (run === HIT) return HIT;
    }
    return run;
  }

  /** Passes the blank between two values. */
  #separate(run: number): number {
    // What ends with this blank is no hexadecimal: each text is decoded alone.
    const next = ((run << 1) | BEGINS) & this.#blank & ~HEX;
    return (next & BLANKS) === 0 ? next : next | run;
  }

  #passNumber(value: number, from: number): number {
    if (value < 0 || (value | 0) !== value) return this.#pass(String(value), from);
    const digit = this.#digit;
    const hits = this.#hits;
    let run = from;
    let rest = value;
    // Each digit is taken for any, so their order does not matter.
    do {
      if ((run & hits) !== 0) return HIT;
      run = ((run << 1) | BEGINS) & digit;
      rest = (rest / 10) | 0;
    } while (rest > 0);
    return (run & hits) === 0 ? run : HIT;
  }

  #pass(text: string, from: number): number {
    const masks = this.#masks;
    const stops = this.#stops;
    const { length } = text;
    // The blank before the text may have been the last that was wanted.
    if ((this.#left -= length + NODE) < 0 || (from & this.#hits) !== 0) return HIT;
    this.#known = 0;
    if (length > SHORT) return this.#passLong(text, from);
    let run = from;
    let i = 0;
    // Two in a turn: what a turn costs besides is as much as a character.
    for (const end = length - 1; i < end; i += 2) {
      const unit = text.charCodeAt(i);
      const other = text.charCodeAt(i + 1);
      if ((unit | other) > 127) return HIT;
      const first = ((run << 1) | BEGINS) & masks[unit]!;
      const second = ((first << 1) | BEGINS) & masks[other]!;
      const seen = (first | second) & stops;
      if (seen !== 0) {
        if ((seen & ~GROUPED) !== 0) break;
        if (this.#isHit(text, i, first) || this.#isHit(text, i + 1, second)) return HIT;
      }
      run = second & ~HEX;
    }
    return i === length ? run : this.#passOn(text, i, length, run, GROUPED);
  }

  /** Whether what was seen at a character is hexadecimal, or a capital in groups that say something. */
  #isHit(text: string, at: number, seen: number): boolean {
    // Dates and rows of numbers have the form of hexadecimal, and are seldom any.
    if ((seen & HEX) !== 0 && (isHexGroups(text, at - 7, this.#wants) || isHexEnd(text, at))) return true;
    return (seen & IN_GROUPS) !== 0 && isBase64Groups(text, at, this.#wants);
  }

  /**
   * The same for a long text: its bytes are read, four in a turn, and groups of base64 are told by a second word of state,
   * which costs little beside the first, since a processor takes the steps of both at once.
   */
  #passLong(text: string, from: number): number {
    const masks = this.#masks;
    const stops = this.#stops & ~IN_GROUPS;
    const bytes = BYTES;
    const { length } = text;
    let run = from;
    let groups = NO_GROUPS;
    for (let begin = 0; begin < length;) {
      // In parts: a platform may copy all that it is given.
      const { read, written } = encoder.encodeInto(
        length <= bytes.length ? text : text.slice(begin, begin + bytes.length),
        bytes,
      );
      if (read !== written) return HIT;
      for (let i = 0; i < written;) {
        let passed = run;
        let passedGroups = groups;
        let isRead = false;
        let isFree = false;
        for (const end = written - 3; i < end; i += 4) {
          const a = bytes[i]!;
          const b = bytes[i + 1]!;
          const c = bytes[i + 2]!;
          const d = bytes[i + 3]!;
          const run1 = ((run << 1) | BEGINS) & masks[a]!;
          const run2 = ((run1 << 1) | BEGINS) & masks[b]!;
          const run3 = ((run2 << 1) | BEGINS) & masks[c]!;
          const run4 = ((run3 << 1) | BEGINS) & masks[d]!;
          const stepA = masks[a + 128]!;
          const stepB = masks[b + 128]!;
          const stepC = masks[c + 128]!;
          const stepD = masks[d + 128]!;
          const groups1 = ((groups << stepA) & stepA) | NO_GROUPS;
          const groups2 = ((groups1 << stepB) & stepB) | NO_GROUPS;
          const groups3 = ((groups2 << stepC) & stepC) | NO_GROUPS;
          const groups4 = ((groups3 << stepD) & stepD) | NO_GROUPS;
          isRead = ((run1 | run2 | run3 | run4) & stops) === 0;
          isFree = ((groups1 | groups2 | groups3 | groups4) & MAY_BE_GROUPS) === 0;
          passed = run4;
          passedGroups = groups4;
          if (!isRead || !isFree) break;
          run = run4;
          groups = groups4;
        }
        if (i === written) break;
        const next = Math.min(i + 4, written);
        const isWhole = next === i + 4;
        run = isWhole && isRead ? passed : this.#passOn(text, begin + i, begin + next, run, HEX);
        groups = isWhole && isFree ? passedGroups : passGroups(text, begin + i, begin + next, groups, this.#wants);
        if (run === HIT || groups === 0) return HIT;
        i = next;
      }
      begin += written;
    }
    return run;
  }

  /** Whether a match may begin in what groups say, or it may be something else. */
  #isWanted(said: string): boolean {
    const masks = this.#masks;
    const sure = this.#hits & ~SIGN;
    let seen = 0;
    let run = 0;
    for (let i = 0; i < said.length; i++) {
      const next = ((run << 1) | BEGINS) & masks[said.charCodeAt(i)]!;
      run = (next & BLANKS) === 0 ? next : next | run;
      seen |= run;
    }
    return (seen & sure) !== 0 || ((seen & SIGN) !== 0 && mayBeNested(said));
  }

  /**
   * Passes some characters one by one: the last ones, or where something was seen. What is `closer` is looked at more
   * closely.
   */
  #passOn(text: string, from: number, to: number, before: number, closer: number): number {
    const masks = this.#masks;
    const hits = this.#hits;
    const stops = hits | closer;
    let run = before;
    for (let i = from; i < to; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) return HIT;
      const next = ((run << 1) | BEGINS) & masks[unit]!;
      // A second blank may be one with the first: what has begun goes on after it, and stays as well.
      run = (next & BLANKS) === 0 ? next : next | run;
      if ((run & stops) === 0) continue;
      if (unit === 10 || unit === 13) {
        // Lines that are nothing by themselves can be base64 together.
        if (i >= this.#known && (this.#known = lookAtLineEnd(text, i, this.#signs)) < 0) return HIT;
        run &= ~SIGN;
      }
      if ((run & hits & ~HEX) !== 0 || this.#isHit(text, i, run & closer)) return HIT;
      run &= ~GROUPED;
    }
    return run;
  }
}

/** Makes the filter of some patterns, unless it would seldom let a payload pass. */
export function createFilter(sources: readonly Source[], signs: Int32Array, keys: KnownKeys): Filter | undefined {
  if (sources.length > MAX_SOURCES) return undefined;
  let [first, second] = [NOTHING, NOTHING];
  let [inFirst, inSecond] = [0, 0];
  // Where short ones come first, the long ones can keep away from them.
  for (const prefix of sources.map(({ node }) => prefixOf(node)).sort((a, b) => a.length - b.length)) {
    const withFirst = both(first, prefix);
    const withSecond = both(second, prefix);
    const [one, two] = [shareOf(withFirst), shareOf(withSecond)];
    if (one + inSecond <= inFirst + two) [first, inFirst] = [withFirst, one];
    else [second, inSecond] = [withSecond, two];
    // More patterns only make it worse.
    if (inFirst + inSecond > MAX_SHARE) return undefined;
  }
  const masks = signs.map((mask, c) => {
    const isWhite = c === 32 || (c > 8 && c < 14);
    // Folded text is lower case, and has blanks for white space.
    const folded = isWhite ? 32 : c > 64 && c < 91 ? c + 32 : c;
    const prefixes = first.bits[c]! | first.bits[folded]! | ((second.bits[c]! | second.bits[folded]!) << MAX_PREFIX);
    const ends = c === 10 || c === 13 ? SIGN : 0;
    const own = isWhite ? signs[32]! | ends : (mask & (SIGN - 1)) === 0 ? mask : (mask & -SIGN) | SIGN;
    // Hexadecimal is looked for in groups as well: after its first digit anything may stand between the others.
    const inHex = separates(c) || isHexDigit(c) ? IN_HEX : 0;
    // What a digit is in, the run of hexadecimal tells.
    return (isHexDigit(c) && c < 58 ? own & ~IN_GROUPS : own) | prefixes | inHex;
  });
  return new Filter(
    masks,
    SIGN | BASE64 | HEX | (1 << (first.length - 1)) | (1 << (MAX_PREFIX + second.length - 1)),
    signs,
    keys,
  );
}
