import { show } from "../check.ts";
import type { BlockedPattern } from "../policy/policy.ts";
import { Automaton } from "./automaton.ts";
import { Coverer } from "./cover.ts";
import { createFilter } from "./filter.ts";
import { KnownKeys } from "./known-keys.ts";
import { isMistake, isOptedIn, readPattern } from "./patterns.ts";
import { compileProgram, type Source } from "./program.ts";
import { merged } from "./ranges.ts";
import { MAX_REGEXP_INPUT, type OptedIn, Search } from "./search.ts";
import { SIGNS, WIDE_SIGNS } from "./signs.ts";

export { patternKey, type PatternMistake, patternMistake } from "./patterns.ts";

/** What {@linkcode Matcher.search} answers where no pattern matches. */
export const NO_MATCH = -1;
/** What {@linkcode Matcher.search} answers where a cap was reached before a pattern was found: deny. */
export const CAPPED = -2;

/** All patterns of one list, searched together. */
export interface Matcher {
  /**
   * Returns the index of the first listed pattern that matches anywhere in the payload, {@linkcode NO_MATCH} or
   * {@linkcode CAPPED}. Never throws: a payload that cannot be read is `CAPPED`. With `isPlain`, the payload is taken
   * for
   * plain data without a look: nothing in it is hidden behind a class, a symbol or a property that is not enumerable.
   */
  search(payload: unknown, isPlain?: boolean): number;
  /**
   * Returns half-open ranges of `text`, in order and apart, that cover every match of a pattern in the text as it
   * stands,
   * case aside. A text too long for a `{ regexp }` is covered as a whole.
   */
  cover(text: string): readonly (readonly [number, number])[];
  /** Steps of the filter and the automaton so far, those that build it included: what a test of linearity counts. */
  readonly steps: number;
}

/**
 * Compiles patterns into one matcher, which takes time linear in the text whatever the patterns are.
 *
 * Searched are every string of the payload, keys included, as it stands and folded; the values joined by blanks; and
 * what
 * a string shows to be encoded. Numbers are searched as text, booleans and null are not. A pattern spans values only
 * where it has white space; a glob, `^` and `$` speak of one string. A `{ regexp }` is copied, tried on strings of at
 * most 4096 characters (a longer one is a cap that was reached), and takes the time that it takes.
 *
 * Caps: depth 64, 100 000 values, 16 Mi characters, three times the length when folded, 2^25 steps to build
 * the automaton or to do without it.
 *
 * @throws {TypeError} If a pattern is none, naming its index and, in a pattern's text, the position.
 */
export function compileMatcher(patterns: readonly BlockedPattern[], where: string): Matcher {
  if (!Array.isArray(patterns)) throw mistake(where, "", "an array of patterns", patterns);
  const sources: Source[] = [];
  const regexps: OptedIn[] = [];
  for (let index = 0; index < patterns.length; index++) {
    const read = readPattern(patterns[index]);
    if (isMistake(read)) throw mistake(where, `[${index}]`, read.wanted, read.got);
    if (Object.hasOwn(read, "regexp")) regexps.push({ index, regexp: (read as { regexp: RegExp }).regexp });
    else {for (const part of (read as { nodes: readonly Omit<Source, "index">[] }).nodes) {
        sources.push({ ...part, index });
      }}
  }
  const wide = patterns.some((pattern: BlockedPattern) =>
    /[^\0-\x7f]/.test(
      typeof pattern === "string" ? pattern : isOptedIn(pattern) ? pattern.regexp.source : pattern.pattern,
    )
  );
  const signs = wide ? WIDE_SIGNS : SIGNS;
  const program = compileProgram(sources);
  const automaton = new Automaton(program, signs);
  let coverer: Coverer | undefined;
  const keys = new KnownKeys();
  // A RegExp has to see every text.
  const filter = regexps.length > 0 ? undefined : createFilter(sources, signs, keys);
  const search = new Search(automaton, regexps, signs, wide, keys);
  let busy = false;

  return {
    search(payload: unknown, isPlain = typeof payload !== "object" || payload === null): number {
      // Only a getter of the payload can call back, and then the walk under way must stay as it is.
      if (busy) return CAPPED;
      busy = true;
      try {
        if (isPlain && filter !== undefined && filter.passes(payload)) return NO_MATCH;
        const capped = search.run(payload, isPlain);
        return automaton.best < Infinity ? automaton.best : capped ? CAPPED : NO_MATCH;
      } catch {
        return CAPPED;
      } finally {
        busy = false;
      }
    },
    cover(text: string): readonly (readonly [number, number])[] {
      coverer ??= new Coverer(program);
      const ranges = coverer.cover(text);
      return regexps.length === 0
        ? ranges
        : merged([...ranges, ...regexps.flatMap(({ regexp }) => coverRegExp(text, regexp))]);
    },
    get steps(): number {
      return automaton.steps + (filter?.steps ?? 0) + (coverer?.steps ?? 0);
    },
  };
}

function mistake(where: string, at: string, wanted: string, got: unknown): TypeError {
  return new TypeError(`Cannot build ${where}: "blockedPatterns${at}" must be ${wanted}, and is ${show(got)}`);
}

function coverRegExp(text: string, regexp: RegExp): [number, number][] {
  if (text.length > MAX_REGEXP_INPUT) return [[0, text.length]];
  const found = text.matchAll(new RegExp(regexp.source, `${regexp.flags}g`));
  return Array.from(found, (match): [number, number] => [match.index, match.index + match[0].length]).filter((
    [start, end],
  ) => start < end);
}
