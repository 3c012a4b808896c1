import { isTouched } from "../base/own.ts";
import { type Automaton, START } from "./automaton.ts";
import { collectTexts, MAX_DEPTH, MAX_NODES, MAX_UNITS } from "./collect.ts";
import { type Forms, formsOf } from "./forms.ts";
import { hasGroups, mayBeNested, mayGoOn, MIN_GROUPS } from "./group-signs.ts";
import type { KnownKeys } from "./known-keys.ts";
import { withoutPictures } from "./pictures.ts";
import { ANY_SIGN, IN_GROUPS } from "./signs.ts";

/** A RegExp of the user's, without state. */
export interface OptedIn {
  /** Its place in the list of patterns. */
  readonly index: number;
  /** A copy without `g` and `y`. */
  readonly regexp: RegExp;
}

/** How a search reads texts. */
export interface SearchOptions {
  /** What tells of other forms: `SIGNS`, or `WIDE_SIGNS` with `wide`. */
  readonly signs: Int32Array;
  /** Base64 of text outside ASCII counts as well. */
  readonly wide: boolean;
  /** Texts are judged without what only chance wrote in pictures. */
  readonly cuts: boolean;
}

/** The longest text that a {@linkcode OptedIn} is tried on. */
export const MAX_REGEXP_INPUT = 4096;

const AS_IT_STANDS = 0;
const FOLDED = 1;
const DECODED = 2;

/**
 * Searches payloads with one automaton.
 *
 * Plain data is walked once, every string stepped through once, and nothing is allocated. Only where a string shows
 * that it has another form, or where the data is not plain, are the texts collected and looked at more closely.
 */
export class Search {
  readonly #automaton: Automaton;
  readonly #regexps: readonly OptedIn[];
  readonly #signs: Int32Array;
  readonly #wide: boolean;
  readonly #cuts: boolean;
  readonly #keys: KnownKeys;
  #state = START;
  #leaves = 0;
  #nodes = 0;
  #units = 0;
  readonly #wants: (said: string) => boolean;
  // The strings that show that they have another form.
  #shown = false;
  #shownKeys: string[] = [];
  #shownLeaves: string[] = [];
  // Those that have groups of which the beginning does not tell all.
  #grouped = new Set<string>();
  #isTouched = false;
  #isPlain = false;
  // The walk met what it cannot judge: it ends, and all texts are collected instead.
  #irregular = false;
  #capped = false;

  constructor(
    automaton: Automaton,
    regexps: readonly OptedIn[],
    { signs, wide, cuts }: SearchOptions,
    keys: KnownKeys,
  ) {
    this.#automaton = automaton;
    this.#regexps = regexps;
    this.#signs = signs;
    this.#wide = wide;
    this.#cuts = cuts;
    this.#keys = keys;
    this.#wants = (said) => {
      automaton.signs = 0;
      automaton.judge(said);
      return mayGoOn(said) || ((automaton.signs & ANY_SIGN) !== 0 && mayBeNested(said));
    };
  }

  /**
   * Runs a search; the answer is in the automaton's `best`. Returns whether a cap was reached. With `isPlain` nothing
   * is looked for that plain data does not have.
   */
  run(payload: unknown, isPlain: boolean): boolean {
    const automaton = this.#automaton;
    this.#isPlain = isPlain;
    this.#isTouched = isTouched();
    automaton.begin();
    this.#keys.begin();
    this.#state = START;
    this.#leaves = this.#nodes = this.#units = 0;
    this.#capped = false;
    // To cut, all texts are collected.
    this.#irregular = this.#cuts;
    if (this.#shown) {
      this.#shown = false;
      this.#shownKeys = [];
      this.#shownLeaves = [];
      this.#grouped.clear();
    }
    if (!this.#irregular) this.#visit(payload, 0);
    if (this.#leaves > 0) automaton.end(this.#state);
    if (this.#irregular || this.#regexps.length > 0) this.#lookCloser(payload);
    // What is left in `signs` stands between two strings.
    else if ((automaton.signs & ANY_SIGN) !== 0 || this.#shown) this.#lookAgain(payload);
    return this.#capped || automaton.exhausted;
  }

  /** Runs a value's text, and keeps it where it shows another form. */
  #run(text: string): void {
    const automaton = this.#automaton;
    const from = this.#next();
    const { signs } = automaton;
    automaton.signs = 0;
    automaton.held[AS_IT_STANDS] = automaton.run(text, from);
    if (this.#hasGroups(text) || (automaton.signs & ANY_SIGN) !== 0) this.#show(this.#shownLeaves, text);
    this.#state = automaton.held[AS_IT_STANDS]!;
    automaton.signs = signs;
  }

  /** Judges what groups in a text say; whether there may be more in them than that. */
  #hasGroups(text: string): boolean {
    const automaton = this.#automaton;
    const { signs, tail } = automaton;
    if (text.length < MIN_GROUPS || (signs & IN_GROUPS) === 0) return false;
    const found = hasGroups(text, this.#wants);
    if (found) this.#grouped.add(text);
    automaton.signs = signs;
    automaton.tail = tail;
    return found;
  }

  #visit(value: unknown, depth: number): void {
    if (++this.#nodes > MAX_NODES) this.#irregular = true;
    else if (typeof value === "string") {
      // The empty string adds no blank to what the values make together.
      if (value === "") this.#automaton.judgeEmpty();
      else if (this.#count(value.length)) this.#run(value);
    } else if (typeof value === "number") {
      if (value >= 0 && (value | 0) === value) this.#state = this.#automaton.runDigits(value, this.#next());
      else this.#run(String(value));
    } else if (typeof value === "object") {
      if (value !== null) this.#visitObject(value, depth);
    } else if (typeof value !== "boolean" && value !== undefined) this.#irregular = true;
  }

  #visitObject(value: object, depth: number): void {
    if (depth > MAX_DEPTH) {
      this.#irregular = true;
      return;
    }
    if (!this.#isPlain && !showsAll(value)) {
      this.#irregular = true;
      return;
    }
    if (Array.isArray(value)) {
      for (let i = 0; i < value.length && !this.#irregular; i++) this.#visit(value[i], depth + 1);
      return;
    }
    for (const key in value) {
      if (this.#isTouched && !Object.hasOwn(value, key)) continue;
      if (this.#irregular || !this.#count(key.length)) return;
      this.#visitKey(key);
      this.#visit((value as Record<string, unknown>)[key], depth + 1);
    }
  }

  /** A key is judged alone, while the text that the values make together waits. */
  #visitKey(key: string): void {
    if (this.#keys.knows(key)) return;
    const automaton = this.#automaton;
    const { tail, signs, best } = automaton;
    automaton.held[AS_IT_STANDS] = this.#state;
    automaton.signs = 0;
    automaton.best = Infinity;
    automaton.judge(key);
    if (this.#hasGroups(key) || (automaton.signs & ANY_SIGN) !== 0) this.#show(this.#shownKeys, key);
    else if (automaton.best === Infinity && !automaton.exhausted) this.#keys.add(key);
    this.#state = automaton.held[AS_IT_STANDS]!;
    automaton.tail = tail;
    automaton.signs = signs;
    automaton.best = Math.min(automaton.best, best);
  }

  #show(to: string[], text: string): void {
    this.#shown = true;
    to.push(text);
  }

  #count(units: number): boolean {
    this.#units += units;
    if (this.#units > MAX_UNITS) this.#irregular = true;
    return !this.#irregular;
  }

  /** The state in which the next value begins. */
  #next(): number {
    if (this.#leaves++ > 0) return this.#automaton.separate(this.#state);
    this.#automaton.open();
    return START;
  }

  /**
   * Judges the other forms of plain data: those of the strings that show some, and of the values together where that
   * makes a difference.
   */
  #lookAgain(payload: unknown): void {
    const automaton = this.#automaton;
    let joins = (automaton.signs & ANY_SIGN) !== 0;
    let decodes = false;
    for (const key of this.#shownKeys) this.#judge(key);
    const other = new Map<string, Forms<string>>();
    for (const leaf of this.#shownLeaves) {
      if (this.#isDone() || other.has(leaf)) continue;
      const forms = this.#judge(leaf);
      if (forms === undefined) return;
      if (forms.folded.trim() === leaf && forms.decoded.trim() === leaf) continue;
      joins = true;
      decodes ||= forms.decoded !== forms.folded;
      other.set(leaf, forms);
    }
    // One text alone was judged in all its forms.
    if (!joins || this.#leaves < 2 || this.#isDone()) return;
    automaton.held.fill(automaton.joinedStart);
    for (const leaf of leavesOf(payload, [])) {
      const { folded, decoded } = other.get(leaf) ?? { folded: leaf, decoded: leaf };
      this.#join(FOLDED, folded.trim());
      if (decodes) this.#join(DECODED, decoded.trim());
    }
    this.#endJoined();
  }

  /** The same for what is not plain data, or where a RegExp wants to see every text. */
  #lookCloser(payload: unknown): void {
    const automaton = this.#automaton;
    const { keys, leaves, capped } = collectTexts(payload);
    this.#capped = capped;
    for (const key of keys) this.#judge(key);
    const joined: [string[], string[], string[]] = [[], [], []];
    automaton.held.fill(automaton.joinedStart);
    for (const leaf of leaves) {
      if (this.#isDone()) return;
      const forms = this.#judge(leaf);
      if (forms === undefined) return;
      if (this.#irregular) this.#join(AS_IT_STANDS, this.#cut(leaf), joined);
      this.#join(FOLDED, forms.folded.trim(), joined);
      this.#join(DECODED, forms.decoded.trim(), joined);
    }
    this.#endJoined();
    if (this.#regexps.length > 0) { for (const parts of [leaves, ...joined]) this.#tryJoined(parts.join(" ")); }
  }

  /** Nothing can change the answer any more. */
  #isDone(): boolean {
    return this.#automaton.best === 0 || this.#automaton.exhausted;
  }

  /** Judges all forms of one text; without an answer where a cap was reached. */
  #judge(text: string): Forms<string> | undefined {
    const mayHaveGroups = this.#irregular || this.#regexps.length > 0 || this.#grouped.has(text);
    const forms = formsOf(text, this.#signs, this.#wide, this.#cuts, false, mayHaveGroups);
    this.#try(text);
    if (this.#irregular) this.#automaton.judge(this.#cut(text));
    if (forms === undefined) {
      this.#capped = true;
      return undefined;
    }
    for (const form of forms.all) {
      this.#automaton.judge(form);
      this.#try(form);
    }
    return forms;
  }

  #cut(text: string): string {
    return this.#cuts ? withoutPictures(text) : text;
  }

  #endJoined(): void {
    const automaton = this.#automaton;
    for (const state of automaton.held) if (state !== automaton.joinedStart) automaton.end(state);
  }

  #join(slot: 0 | 1 | 2, text: string, joined?: readonly [string[], string[], string[]]): void {
    if (text === "") return;
    const automaton = this.#automaton;
    const state = automaton.held[slot]!;
    automaton.held[slot] = automaton.run(text, state === automaton.joinedStart ? state : automaton.blank(state));
    joined?.[slot].push(text);
  }

  #try(text: string): void {
    if (this.#regexps.length > 0 && text.length > MAX_REGEXP_INPUT) this.#capped = true;
    else this.#tryJoined(text);
  }

  #tryJoined(text: string): void {
    if (text.length > MAX_REGEXP_INPUT) return;
    for (const { index, regexp } of this.#regexps) {
      if (index < this.#automaton.best && regexp.test(text)) this.#automaton.best = index;
    }
  }
}

/** Whether everything that can be reached in an object is what a walk of plain data comes by. */
export function showsAll(value: object): boolean {
  const keys = Object.keys(value).length;
  if (Array.isArray(value)) return keys === value.length && Reflect.ownKeys(value).length === keys + 1;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) && Reflect.ownKeys(value).length === keys;
}

/** The texts of the values of plain data that the walk has passed. */
function leavesOf(value: unknown, out: string[]): string[] {
  if (typeof value === "string") out.push(value);
  else if (typeof value === "number") out.push(String(value));
  else if (Array.isArray(value)) { for (const item of value) leavesOf(item, out); }
  else if (typeof value === "object" && value !== null) {
    for (const key of Object.keys(value)) leavesOf((value as Record<string, unknown>)[key], out);
  }
  return out;
}
