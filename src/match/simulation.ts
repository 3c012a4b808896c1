import { ASSERT, AT_END, AT_START, AT_WORD, CHAR, MATCH, type Program, SPLIT, TREE } from "./program.ts";

/** The unit before this place is a word character. */
export const AFTER_WORD = 1;
/** A string begins at this place. */
export const AT_BEGIN = 2;
/** The text is joined of several strings, so patterns that speak of one are left out. */
export const JOINED = 4;

/**
 * Steps through a program, all threads at once: each unit costs at most the program's size.
 *
 * Threads are kept in the order of their beginnings, and the first to reach a state stays, so a match knows the earliest
 * place where it can have begun. Source: Pike's simulation, as told by Cox (2009).
 */
export class Simulation {
  /** The states that threads are in, each once. */
  ids: number[] = [];
  /** What is known about the place: the bits above. */
  flags: number = 0;
  /** The least index of a pattern of which only the last step told that it had ended before it, or Infinity. */
  late: number = Infinity;
  /** The earliest beginning of those matches, or Infinity; -1 where one is the whole string. */
  lateStart: number = Infinity;

  readonly #program: Program;
  readonly #blank: number;
  readonly #added: Int32Array;
  readonly #stepped: Int32Array;
  readonly #stack: number[] = [];
  #clock = 0;
  #starts: number[] = [];
  #nextIds: number[] = [];
  #nextStarts: number[] = [];

  constructor(program: Program) {
    this.#program = program;
    this.#blank = program.classes.classOf(32);
    this.#added = new Int32Array(program.ops.length);
    this.#stepped = new Int32Array(program.ops.length);
  }

  /** Begins a text: one string, or joined. */
  begin(flags: number): void {
    this.#open(flags);
    this.#restart(0);
    this.#close();
  }

  /** Goes to a known set of states. */
  load(ids: Int32Array, flags: number): void {
    this.ids = Array.from(ids);
    this.#starts = this.ids.map(() => 0);
    this.late = Infinity;
    this.flags = flags;
  }

  /** Steps over a class, over the end of a string to the next one, or over the last end; returns what it cost. */
  advance(cls: number, place: number): number {
    const { classes, isWord, hasWord } = this.#program;
    const isEnd = cls > classes.count;
    const wordNext = cls < classes.count && isWord[cls] === 1;
    const { ids } = this;
    const starts = this.#starts;
    const before = this.flags;
    this.#open((before & JOINED) | (wordNext && hasWord ? AFTER_WORD : 0) | (cls === classes.count ? AT_BEGIN : 0));
    for (let i = 0; i < ids.length; i++) this.#step(ids[i]!, starts[i]!, cls, before, wordNext);
    if (!isEnd) this.#restart(place);
    const cost = ids.length + this.#nextIds.length + 1;
    this.#close();
    return cost;
  }

  /** The least index of a pattern that ends here or was late, or Infinity. */
  found(): number {
    const { ops, a } = this.#program;
    let least = this.late;
    for (const id of this.ids) if (ops[id] === MATCH) least = Math.min(least, a[id]!);
    return least;
  }

  /** The earliest beginning of a match that ends here, or Infinity; -1 where one is the whole string. */
  earliest(): number {
    const { ops, b } = this.#program;
    let least = Infinity;
    this.ids.forEach((id, i) => {
      if (ops[id] === MATCH) least = Math.min(least, b[id] === 1 ? -1 : this.#starts[i]!);
    });
    return least;
  }

  #open(flags: number): void {
    this.#clock++;
    this.#nextIds = [];
    this.#nextStarts = [];
    this.late = Infinity;
    this.lateStart = Infinity;
    this.flags = flags;
  }

  #close(): void {
    this.ids = this.#nextIds;
    this.#starts = this.#nextStarts;
    // What is known about the place matters only to a boundary that waits for the next unit.
    if (!this.ids.some((id) => this.#program.ops[id] === ASSERT)) this.flags &= JOINED;
  }

  #restart(place: number): void {
    const { spanning, whole } = this.#program;
    for (const id of spanning) this.#add(id, place);
    if ((this.flags & JOINED) === 0) for (const id of whole) this.#add(id, place);
  }

  #step(id: number, start: number, cls: number, before: number, wordNext: boolean): void {
    const { ops, a, b, own, rows, tree, classes, firstWhole } = this.#program;
    const separates = cls === classes.count;
    const unit = separates && id < firstWhole ? this.#blank : cls;
    this.#stack.push(id);
    while (this.#stack.length > 0) {
      const at = this.#stack.pop()!;
      if (this.#stepped[at] === this.#clock) continue;
      this.#stepped[at] = this.#clock;
      const to = a[at]!;
      switch (ops[at]) {
        case CHAR:
          if (unit < classes.count && rows[b[at]!]![unit] === 1) this.#add(to, start);
          break;
        case TREE: {
          const first = b[at]!;
          if (first < 0 || unit >= classes.count) break;
          const child = own[first] === unit ? first : tree.get(at * classes.count + unit);
          if (child !== undefined) this.#add(child, start);
          break;
        }
        case SPLIT:
          this.#stack.push(b[at]!, to);
          break;
        case ASSERT:
          if (this.#holds(b[at]!, cls, before, wordNext)) this.#stack.push(to);
          break;
        default:
          // A match in the list itself was counted when it got there.
          if (at !== id) {
            this.late = Math.min(this.late, to);
            this.lateStart = Math.min(this.lateStart, b[at] === 1 ? -1 : start);
          }
      }
    }
  }

  #holds(what: number, cls: number, before: number, wordNext: boolean): boolean {
    if (what === AT_START) return (before & AT_BEGIN) !== 0;
    if (what === AT_END) return cls >= this.#program.classes.count;
    return ((before & AFTER_WORD) !== 0) !== wordNext === (what === AT_WORD);
  }

  #add(id: number, start: number): void {
    const { ops, a, b } = this.#program;
    const base = this.#stack.length;
    this.#stack.push(id);
    while (this.#stack.length > base) {
      const at = this.#stack.pop()!;
      if (this.#added[at] === this.#clock) continue;
      this.#added[at] = this.#clock;
      if (ops[at] === SPLIT) this.#stack.push(b[at]!, a[at]!);
      else if (ops[at] === ASSERT && b[at] === AT_START) {
        if ((this.flags & AT_BEGIN) !== 0) this.#stack.push(a[at]!);
      } else {
        this.#nextIds.push(at);
        this.#nextStarts.push(start);
        if (ops[at] === TREE && a[at]! >= 0) this.#stack.push(a[at]!);
      }
    }
  }
}
