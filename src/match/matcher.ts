// Finding patterns in text, in linear time, through disguises; knows no governance.

import { show } from "../base/check.ts";
import type { BlockedPattern } from "../policy/policy.ts";
import { isMistake, type ReadPattern, readPattern } from "./patterns.ts";
import { MAX_CHANCE, MIN_PICTURE } from "./pictures.ts";
import type { Source } from "./program.ts";
import { merged } from "./ranges.ts";
import { CAPPED, Reader } from "./reader.ts";
import type { OptedIn, SearchOptions } from "./search.ts";
import { SIGNS, WIDE_SIGNS } from "./signs.ts";
import { asksBeyondAscii, lengthOf } from "./syntax.ts";

export { patternKey, type PatternMistake, patternMistake } from "./patterns.ts";
export { CAPPED, NO_MATCH } from "./reader.ts";

/** All patterns of one list, searched together. */
export interface Matcher {
  /**
   * Returns the index of the first listed pattern that matches anywhere in the payload, {@linkcode NO_MATCH} or
   * {@linkcode CAPPED}. Never throws: a payload that cannot be read is `CAPPED`. With `isPlain`, the payload is taken
   * for plain data without a look: nothing in it is hidden behind a class, a symbol or a property that is not
   * enumerable.
   */
  search(payload: unknown, isPlain?: boolean): number;
  /**
   * Returns half-open ranges of `text`, in order and apart, that cover what every match of a pattern was made of: in
   * the text as it stands, and in each form of it, from the first to the last of its characters, rounded out to whole
   * escapes and encoded runs. A text too long for a `{ regexp }`, or for one of its forms, is covered as a whole; so is
   * one of more than 256 Ki units where a match may go on in another form. What spans lines only because white space is
   * folded is covered with `joinsLines`: `key: .*` takes a line, and `rm -rf` is found in two.
   */
  cover(text: string, joinsLines?: boolean): readonly (readonly [number, number])[];
  /** Steps of the filter and the automaton so far, those that build it included: what a test of linearity counts. */
  readonly steps: number;
}

/**
 * Compiles patterns into one matcher, which takes time linear in the text whatever the patterns are.
 *
 * Searched are every string of the payload, keys included, as it stands and folded; the values joined by blanks; and
 * what a string shows to be encoded. What one pattern finds does not depend on the others. Numbers are searched as
 * text, booleans and null are not. A pattern spans values only where it has white space; a glob, `^` and `$` speak of
 * one string. A `{ regexp }` is copied, tried on strings of at most 4096 characters (a longer one is a cap that was
 * reached), and takes the time that it takes.
 *
 * Caps: depth 64, 100 000 values, 16 Mi characters, three times the length when folded, 2^25 steps to build
 * the automaton or to do without it.
 *
 * @throws {TypeError} If a pattern is none, naming its index and, in a pattern's text, the position.
 */
export function compileMatcher(patterns: readonly BlockedPattern[], where: string): Matcher {
  if (!Array.isArray(patterns)) throw mistake(where, "", "an array of patterns", patterns);
  const read = Array.from(patterns, (pattern: unknown, index) => {
    const found = readPattern(pattern);
    if (isMistake(found)) throw mistake(where, `[${index}]`, found.wanted, found.got);
    return { index, ...found };
  });
  const narrow = new Group(read, { signs: SIGNS, wide: false });
  // Base64 of text in ASCII shows itself, and is read for every pattern; any other only for those that it can match, so
  // that none of them changes what the others find.
  const others = read.filter(isWide);
  const wide = others.length === 0 ? undefined : new Group(others, { signs: WIDE_SIGNS, wide: true });
  let busy = false;

  return {
    search(payload: unknown, isPlain = typeof payload !== "object" || payload === null): number {
      // Only a getter of the payload can call back, and then the walk under way must stay as it is.
      if (busy) return CAPPED;
      busy = true;
      try {
        const found = narrow.find(payload, isPlain);
        return wide === undefined ? found : firstOf(found, wide.find(payload, isPlain));
      } catch {
        return CAPPED;
      } finally {
        busy = false;
      }
    },
    cover(text: string, joinsLines = false): readonly (readonly [number, number])[] {
      const ranges = narrow.cover(text, joinsLines);
      const more = wide === undefined ? [] : wide.cover(text, joinsLines);
      if (ranges === undefined || more === undefined) return text === "" ? [] : [[0, text.length]];
      return merged([...ranges, ...more]);
    },
    get steps(): number {
      return narrow.steps + (wide?.steps ?? 0);
    },
  };
}

type Listed = ReadPattern & { readonly index: number };

/** The patterns for which texts are read in one way. */
class Group {
  readonly #patterns: readonly Listed[];
  readonly #options: Omit<SearchOptions, "cuts">;
  readonly #all: Reader;
  // The patterns that chance can match in a picture, and the others: apart from when they are wanted first.
  readonly #short = new Set<number>();
  #apart: readonly [short: Reader, long: Reader] | undefined;

  constructor(patterns: readonly Listed[], options: Omit<SearchOptions, "cuts">) {
    this.#patterns = patterns;
    this.#options = options;
    this.#all = this.#reader(patterns, false);
    for (const pattern of patterns) if (isShort(pattern)) this.#short.add(pattern.index);
  }

  get #hasLong(): boolean {
    return this.#short.size < this.#patterns.length;
  }

  get steps(): number {
    return this.#all.steps + (this.#apart?.[0].steps ?? 0) + (this.#apart?.[1].steps ?? 0);
  }

  find(payload: unknown, isPlain: boolean): number {
    const found = this.#all.find(payload, isPlain);
    if (!this.#short.has(found)) return found;
    const [short, long] = this.#readApart();
    const first = short.find(payload, isPlain);
    return this.#hasLong ? firstOf(first, long.find(payload, isPlain)) : first;
  }

  cover(text: string, joinsLines: boolean): [number, number][] | undefined {
    if (this.#short.size === 0 || text.length < MIN_PICTURE) return this.#all.cover(text, joinsLines);
    const [short, long] = this.#readApart();
    const ranges = short.cover(text, joinsLines);
    const more = long.cover(text, joinsLines);
    return ranges === undefined || more === undefined ? undefined : [...ranges, ...more];
  }

  #readApart(): readonly [Reader, Reader] {
    return this.#apart ??= [
      this.#reader(this.#patterns.filter(({ index }) => this.#short.has(index)), true),
      this.#reader(this.#patterns.filter(({ index }) => !this.#short.has(index)), false),
    ];
  }

  #reader(patterns: readonly Listed[], cuts: boolean): Reader {
    const sources: Source[] = [];
    const regexps: OptedIn[] = [];
    for (const pattern of patterns) {
      const { index } = pattern;
      if (isRegexp(pattern)) regexps.push({ index, regexp: pattern.regexp });
      else for (const part of pattern.nodes) sources.push({ ...part, index });
    }
    return new Reader(sources, regexps, { ...this.#options, cuts });
  }
}

/** The first listed of what two searches found; where neither found any, whether one could not know. */
export function firstOf(one: number, other: number): number {
  if (one >= 0 && other >= 0) return Math.min(one, other);
  return one >= 0 || other >= 0 ? Math.max(one, other) : Math.min(one, other);
}

/** Whether a pattern is a RegExp that somebody opted in to. */
function isRegexp<P extends ReadPattern>(pattern: P): pattern is P & { readonly regexp: RegExp } {
  return Object.hasOwn(pattern, "regexp");
}

function isShort(pattern: ReadPattern): boolean {
  return !isRegexp(pattern) && pattern.nodes.every(({ node }) => lengthOf(node) <= MAX_CHANCE);
}

/** Whether a pattern speaks of characters outside ASCII. */
function isWide(pattern: ReadPattern): boolean {
  return isRegexp(pattern)
    ? /[^\0-\x7f]/.test(pattern.regexp.source)
    : pattern.nodes.some(({ node }) => asksBeyondAscii(node));
}

function mistake(where: string, at: string, wanted: string, got: unknown): TypeError {
  return new TypeError(`Cannot build ${where}: "blockedPatterns${at}" must be ${wanted}, and is ${show(got)}`);
}
