import { Automaton } from "./automaton.ts";
import { Coverer } from "./cover.ts";
import { createFilter, type Filter } from "./filter.ts";
import { formsOf } from "./forms.ts";
import { KnownKeys } from "./known-keys.ts";
import { withoutPictures } from "./pictures.ts";
import { compileProgram, type Program, type Source } from "./program.ts";
import { MAX_REGEXP_INPUT, type OptedIn, Search, type SearchOptions } from "./search.ts";
import { Traced } from "./traced.ts";

/** What {@linkcode Reader.find} answers where no pattern matches. */
export const NO_MATCH = -1;
/** What {@linkcode Reader.find} answers where a cap was reached before a pattern was found. */
export const CAPPED = -2;

const MAX_TRACED = 1 << 18;
/** What may be read as something else than it is. */
const DISGUISED = /[^\s -~]|[%&\\]/;

/** Searches for some patterns, and reads texts in one way. */
export class Reader {
  readonly #program: Program;
  readonly #automaton: Automaton;
  readonly #regexps: readonly OptedIn[];
  readonly #options: SearchOptions;
  readonly #filter: Filter | undefined;
  readonly #search: Search;
  #coverer: Coverer | undefined;

  constructor(sources: readonly Source[], regexps: readonly OptedIn[], options: SearchOptions) {
    const keys = new KnownKeys();
    this.#program = compileProgram(sources);
    this.#automaton = new Automaton(this.#program, options.signs);
    this.#regexps = regexps;
    this.#options = options;
    // A RegExp has to see every text.
    this.#filter = regexps.length > 0 || options.cuts ? undefined : createFilter(sources, options.signs, keys);
    this.#search = new Search(this.#automaton, regexps, options, keys);
  }

  /** Steps of the filter and the automaton so far, those that built it included. */
  get steps(): number {
    return this.#automaton.steps + (this.#filter?.steps ?? 0) + (this.#coverer?.steps ?? 0);
  }

  /** The least index of a pattern that is found, {@linkcode NO_MATCH} or {@linkcode CAPPED}. Throws as the payload does. */
  find(payload: unknown, isPlain: boolean): number {
    if (isPlain && this.#filter !== undefined && this.#filter.passes(payload)) return NO_MATCH;
    const capped = this.#search.run(payload, isPlain);
    const { best } = this.#automaton;
    return best < Infinity ? best : capped ? CAPPED : NO_MATCH;
  }

  /**
   * Ranges of a text that cover every match in any of its forms, which are as they are searched with `joinsLines`, and
   * keep their lines without. Undefined where that is not known.
   */
  cover(text: string, joinsLines: boolean): [number, number][] | undefined {
    const { signs, wide, cuts } = this.#options;
    if (text.length > MAX_TRACED) return this.#coverLong(cuts ? withoutPictures(text) : text);
    const whole = new Traced(text);
    const forms = formsOf(whole, signs, wide, cuts, !joinsLines);
    if (forms === undefined) return undefined;
    const out: [number, number][] = [];
    for (const form of [cuts ? withoutPictures(whole) : whole, ...forms.all]) {
      for (const [from, to] of this.#coverForm(form.toString())) out.push(form.origin(from, to));
    }
    return out;
  }

  /** To trace the forms of a long text takes too long: where a match may go on in another form, nothing is known. */
  #coverLong(text: string): [number, number][] | undefined {
    const ranges = this.#coverForm(text);
    const goesOn = ([from, to]: [number, number]): boolean => {
      return DISGUISED.test(text.slice(Math.max(0, from - 1), from)) || DISGUISED.test(text.slice(to, to + 1));
    };
    return ranges.some(goesOn) ? undefined : ranges;
  }

  #coverForm(form: string): [number, number][] {
    const ranges = this.#matches(form) ? (this.#coverer ??= new Coverer(this.#program)).cover(form) : [];
    for (const { regexp } of this.#regexps) ranges.push(...coverRegExp(form, regexp));
    return ranges;
  }

  /** Whether the program may match: to find where costs a hundred times more. */
  #matches(form: string): boolean {
    this.#automaton.begin();
    this.#automaton.judge(form);
    return this.#automaton.best < Infinity || this.#automaton.exhausted;
  }
}

function coverRegExp(text: string, regexp: RegExp): [number, number][] {
  if (text.length > MAX_REGEXP_INPUT) return [[0, text.length]];
  const found = text.matchAll(new RegExp(regexp.source, `${regexp.flags}g`));
  return Array.from(found, (match): [number, number] => [match.index, match.index + match[0].length]).filter((
    [start, end],
  ) => start < end);
}
