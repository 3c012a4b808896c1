import type { Program } from "./program.ts";
import { BEGIN, BEYOND_ASCII, HEX } from "./signs.ts";
import { AT_BEGIN, JOINED, Simulation } from "./simulation.ts";

/** The state in which a string, or a payload, begins. */
export const START = 0;

const UNKNOWN = -1;
const MAX_STATES = 8192;
const MAX_TABLE = 1 << 20;
const MAX_ENTRIES = 1 << 20;
const MAX_FLUSHES = 2;
/** What one search may spend on building and simulating; more is as good as endless. */
const MAX_WORK = 1 << 25;

/**
 * Runs a program as a deterministic automaton that is built as the text asks for it.
 *
 * Each unit costs one look-up once its transition is known, and at most the program's size when it is not. The states
 * are thrown away when there are too many, and when that happens again and again the rest of the search steps through
 * the program itself. Source: the lazy automaton of RE2 (Cox 2010); the boundaries are resolved one unit late, as
 * there.
 */
export class Automaton {
  /** The least index of a pattern that was found since {@linkcode begin}, or Infinity. */
  best: number = Infinity;
  /** Whether the search cost more than it may. */
  exhausted: boolean = false;
  /** Steps since the automaton was made. */
  steps: number = 0;
  /** Signs seen since {@linkcode begin}; bits of `signs.ts`, and others. */
  signs: number = 0;
  /** States that a throwing away keeps, by number: put a state here before running another string. */
  readonly held: Int32Array = new Int32Array(3);
  /** The runs of signs at the end of the last string, which go on over a separator. */
  tail: number = 0;

  readonly #program: Program;
  readonly #simulation: Simulation;
  readonly #info: Int32Array;
  readonly #separator: number;
  readonly #end: number;
  readonly #stride: number;
  readonly #maxStates: number;
  #table: Int32Array;
  #count = 0;
  #entries = 0;
  #flushes = 0;
  #work = 0;
  #ids = new Map<string, number>();
  #sets: Int32Array[] = [];
  #flags: number[] = [];
  #found: number[] = [];

  constructor(program: Program, signs: Int32Array) {
    this.#program = program;
    this.#simulation = new Simulation(program);
    this.#separator = program.classes.count;
    this.#end = this.#separator + 1;
    this.#stride = this.#separator + 2;
    this.#maxStates = Math.max(64, Math.min(MAX_STATES, Math.floor(MAX_TABLE / this.#stride)));
    this.#info = signs.map((mask, c) => mask | program.classes.classOf(c));
    this.#table = new Int32Array(0);
    this.#reset();
  }

  /** The state in which a text joined of several strings begins; patterns that speak of one string are not in it. */
  get joinedStart(): number {
    return this.#stride;
  }

  /** Forgets what was found and seen. */
  begin(): void {
    this.best = Infinity;
    this.exhausted = false;
    this.signs = 0;
    this.tail = 0;
    this.#flushes = 0;
    this.#work = 0;
  }

  /** Runs a string from a state; returns the state after it. */
  run(text: string, from: number): number {
    const info = this.#info;
    const table = this.#table;
    const { length } = text;
    let state = from;
    let run = this.tail;
    let seen = 0;
    this.steps += length;
    let i = 0;
    for (; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) break;
      const mask = info[unit]!;
      const next = table[state + (mask & 255)]!;
      if (next < 0) break;
      run = ((run << 1) | BEGIN) & mask;
      seen |= run;
      state = next;
    }
    this.tail = run;
    this.signs |= seen;
    return i === length ? state : this.#runOn(text, i, state);
  }

  /** Goes on where the short way ended: outside ASCII, at a transition that is not known, or at a match. */
  #runOn(text: string, from: number, at: number): number {
    const { classOf, pages } = this.#program.classes;
    const info = this.#info;
    const { length } = text;
    let table = this.#table;
    let state = at;
    let run = this.tail;
    let seen = 0;
    for (let i = from; i < length; i++) {
      const unit = text.charCodeAt(i);
      let mask = BEYOND_ASCII;
      let cls = 0;
      if (unit < 128) cls = (mask = info[unit]!) & 255;
      else {
        const page = pages[unit >> 8];
        cls = page === undefined ? classOf(unit) : page[unit & 255]!;
      }
      run = ((run << 1) | BEGIN) & mask;
      seen |= run;
      const next = table[state + cls]!;
      if (next >= 0) {
        state = next;
        continue;
      }
      state = this.#enter(state, cls);
      table = this.#table;
      if (this.#flushes > MAX_FLUSHES) {
        this.tail = run;
        this.signs |= seen;
        return this.#runSimulated(text, i + 1, state);
      }
    }
    this.tail = run;
    this.signs |= seen;
    return state;
  }

  /** Goes on without states: there were too many. */
  #runSimulated(text: string, from: number, at: number): number {
    const { classOf } = this.#program.classes;
    const info = this.#info;
    let run = this.tail;
    let seen = 0;
    this.#load(at);
    for (let i = from; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      const mask = unit < 128 ? info[unit]! : BEYOND_ASCII;
      run = ((run << 1) | BEGIN) & mask;
      seen |= run;
      this.#simulate(unit < 128 ? mask & 255 : classOf(unit));
    }
    this.tail = run;
    this.signs |= seen;
    return this.#intern();
  }

  /** Runs the digits of a whole number from 0 to 2^31 - 1, without making a string of it. */
  runDigits(value: number, from: number): number {
    let state = from;
    let unit = 1;
    while (value >= unit * 10) unit *= 10;
    for (let rest = value; unit > 0; unit = (unit / 10) | 0) {
      const digit = (rest / unit) | 0;
      rest -= digit * unit;
      state = this.#over(state, this.#info[48 + digit]! & 255);
    }
    this.tail = 0;
    return state;
  }

  /**
   * Passes from one string to the next: what speaks of one string ends and begins, what may span strings sees a blank.
   */
  separate(from: number): number {
    const mask = this.#info[32]!;
    // What ends with this blank is no hexadecimal: each string is decoded alone.
    this.tail = ((this.tail << 1) | BEGIN) & mask & ~HEX;
    this.signs |= this.tail;
    return this.#over(from, this.#separator);
  }

  /** Passes over one blank. */
  blank(from: number): number {
    return this.#over(from, this.#info[32]! & 255);
  }

  /** Ends a string or a joined text. */
  end(from: number): void {
    this.#over(from, this.#end);
    this.tail = 0;
  }

  /** Notes what every string matches, the empty one too; to be called once there is a string. */
  open(): void {
    if (this.#found[0]! < this.best) this.best = this.#found[0]!;
  }

  /** Judges the empty string. */
  judgeEmpty(): void {
    const { tail } = this;
    this.open();
    this.end(START);
    this.tail = tail;
  }

  /** Runs a whole string. */
  judge(text: string): void {
    this.tail = 0;
    this.open();
    this.end(this.run(text, START));
  }

  #over(state: number, cls: number): number {
    this.steps++;
    const next = this.#table[state + cls]!;
    return next >= 0 ? next : this.#enter(state, cls);
  }

  #enter(state: number, cls: number): number {
    let next = this.#table[state + cls]!;
    if (next === UNKNOWN) {
      if (this.exhausted) return START;
      const { length } = this.#load(state);
      // Remembering a state costs a few times what stepping to it does.
      this.#spend(this.#simulation.advance(cls, 0) + length, 4);
      const flushes = this.#flushes;
      next = this.#intern();
      if (this.#found[next / this.#stride]! < Infinity) next = -2 - next;
      if (flushes === this.#flushes) this.#table[state + cls] = next;
    }
    if (next >= 0) return next;
    this.#note(-2 - next);
    return -2 - next;
  }

  #spend(steps: number, weight: number): void {
    this.steps += steps;
    this.#work += steps * weight;
    this.exhausted ||= this.#work > MAX_WORK;
  }

  #note(state: number): void {
    this.best = Math.min(this.best, this.#found[state / this.#stride]!);
  }

  /** Steps without remembering where to. */
  #simulate(cls: number): void {
    if (this.exhausted) return;
    this.#spend(this.#simulation.advance(cls, 0), 1);
    this.best = Math.min(this.best, this.#simulation.found());
  }

  #load(state: number): Int32Array {
    const set = this.#sets[state / this.#stride]!;
    this.#simulation.load(set, this.#flags[state / this.#stride]!);
    return set;
  }

  /** The number of the state that the simulation is in. */
  #intern(): number {
    const ids = this.#simulation.set();
    const { flags, late } = this.#simulation;
    const key = keyOf(ids, flags, late);
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const found = this.#simulation.found();
    if (this.#count >= this.#maxStates || this.#entries + ids.length > MAX_ENTRIES) {
      this.#flushes++;
      this.#reset();
    }
    return this.#add(key, ids, flags, found);
  }

  #add(key: string, ids: Int32Array, flags: number, found: number): number {
    const known = this.#ids.get(key);
    if (known !== undefined) return known;
    const state = this.#count++ * this.#stride;
    if (state + this.#stride > this.#table.length) {
      const grown = new Int32Array(Math.max(this.#table.length * 2, this.#stride * 32)).fill(UNKNOWN);
      grown.set(this.#table);
      this.#table = grown;
    }
    this.#ids.set(key, state);
    this.#sets.push(ids);
    this.#flags.push(flags);
    this.#found.push(found);
    this.#entries += ids.length;
    return state;
  }

  /** Throws all states away but the two starts and the held ones. */
  #reset(): void {
    const kept = Array.from(
      this.held,
      (state) => ({ ids: this.#sets[state / this.#stride], flags: this.#flags[state / this.#stride]! }),
    );
    this.#count = 0;
    this.#entries = 0;
    this.#ids = new Map();
    this.#sets = [];
    this.#flags = [];
    this.#found = [];
    this.#table.fill(UNKNOWN);
    for (const flags of [AT_BEGIN, JOINED]) {
      this.#simulation.begin(flags);
      const ids = this.#simulation.set();
      // The two are told apart even where they hold the same threads, so that they have fixed numbers.
      this.#add(`${flags === JOINED ? "joined" : "start"}`, ids, this.#simulation.flags, this.#simulation.found());
    }
    kept.forEach(({ ids, flags }, i) => {
      if (ids === undefined) return;
      this.#simulation.load(ids, flags);
      this.held[i] = this.#add(keyOf(ids, flags, Infinity), ids, flags, this.#simulation.found());
    });
  }
}

function keyOf(ids: Int32Array, flags: number, late: number): string {
  let key = String.fromCharCode(flags);
  for (const id of ids) key += String.fromCharCode(id & 0xffff, id >> 16);
  return late === Infinity ? key : `${key}+${late}`;
}
