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
 * Threads are kept in the order of their beginnings, and the first to reach a state stays, so a match knows the
 * earliest place where it can have begun. Source: Pike's simulation, as told by Cox (2009).
 */
export class Simulation {
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
  #size = 0;
  #ids: Int32Array;
  #starts: Int32Array;
  #nextSize = 0;
  #nextIds: Int32Array;
  #nextStarts: Int32Array;
  #waits = false;

  constructor(program: Program) {
    const { length } = program.ops;
    this.#program = program;
    this.#blank = program.classes.classOf(32);
    this.#added = new Int32Array(length);
    this.#stepped = new Int32Array(length);
    this.#ids = new Int32Array(length);
    this.#starts = new Int32Array(length);
    this.#nextIds = new Int32Array(length);
    this.#nextStarts = new Int32Array(length);
  }

  /** Begins a text: one string, or joined. */
  begin(flags: number): void {
    this.#open(flags);
    this.#restart(0);
    this.#close();
  }

  /** Goes to a known set of states. */
  load(ids: Int32Array, flags: number): void {
    this.#ids.set(ids);
    this.#starts.fill(0, 0, ids.length);
    this.#size = ids.length;
    this.flags = flags;
    this.late = Infinity;
  }

  /** The states that threads are in, each once, sorted. */
  set(): Int32Array {
    return this.#ids.slice(0, this.#size).sort();
  }

  /** Steps over a class, over the end of a string to the next one, or over the last end; returns what it cost. */
  advance(cls: number, place: number): number {
    const { classes, isWord, hasWord, ops, a, b, rows, firstWhole } = this.#program;
    const separates = cls === classes.count;
    const isUnit = cls < classes.count;
    const wordNext = isUnit && isWord[cls] === 1;
    const ids = this.#ids;
    const starts = this.#starts;
    const size = this.#size;
    const before = this.flags;
    this.#open((before & JOINED) | (wordNext && hasWord ? AFTER_WORD : 0) | (separates ? AT_BEGIN : 0));
    for (let i = 0; i < size; i++) {
      const id = ids[i]!;
      const unit = separates && id < firstWhole ? this.#blank : cls;
      if (ops[id] !== CHAR) this.#step(id, starts[i]!, unit, cls, before, wordNext);
      else if (unit < classes.count && rows[b[id]!]![unit] === 1) this.#add(a[id]!, starts[i]!);
    }
    if (cls <= classes.count) this.#restart(place);
    const cost = size + this.#nextSize + 1;
    this.#close();
    return cost;
  }

  /** The least index of a pattern that ends here or was late, or Infinity. */
  found(): number {
    const { ops, a } = this.#program;
    let least = this.late;
    for (let i = 0; i < this.#size; i++) {
      const id = this.#ids[i]!;
      if (ops[id] === MATCH) least = Math.min(least, a[id]!);
    }
    return least;
  }

  /** The earliest beginning of a match that ends here, or Infinity; -1 where one is the whole string. */
  earliest(): number {
    const { ops, b } = this.#program;
    let least = Infinity;
    for (let i = 0; i < this.#size; i++) {
      const id = this.#ids[i]!;
      if (ops[id] === MATCH) least = Math.min(least, b[id] === 1 ? -1 : this.#starts[i]!);
    }
    return least;
  }

  #open(flags: number): void {
    if (++this.#clock === 0x7fffffff) {
      this.#added.fill(0);
      this.#stepped.fill(0);
      this.#clock = 1;
    }
    this.#nextSize = 0;
    this.#waits = false;
    this.late = Infinity;
    this.lateStart = Infinity;
    this.flags = flags;
  }

  #close(): void {
    const ids = this.#ids;
    const starts = this.#starts;
    this.#ids = this.#nextIds;
    this.#starts = this.#nextStarts;
    this.#size = this.#nextSize;
    this.#nextIds = ids;
    this.#nextStarts = starts;
    // What is known about the place matters only to a boundary that waits for the next unit.
    if (!this.#waits) this.flags &= JOINED;
  }

  #restart(place: number): void {
    const { spanning, whole } = this.#program;
    for (let i = 0; i < spanning.length; i++) this.#add(spanning[i]!, place);
    if ((this.flags & JOINED) !== 0) return;
    for (let i = 0; i < whole.length; i++) this.#add(whole[i]!, place);
  }

  /** Steps one thread; boundaries that hold at the place that is being left are passed first. */
  #step(id: number, start: number, unit: number, cls: number, before: number, wordNext: boolean): void {
    const { ops, a, b, own, rows, tree, classes } = this.#program;
    const isUnit = unit < classes.count;
    const stack = this.#stack;
    const base = stack.length;
    stack.push(id);
    while (stack.length > base) {
      const at = stack.pop()!;
      if (this.#stepped[at] === this.#clock) continue;
      this.#stepped[at] = this.#clock;
      const to = a[at]!;
      const other = b[at]!;
      switch (ops[at]) {
        case CHAR:
          if (isUnit && rows[other]![unit] === 1) this.#add(to, start);
          break;
        case TREE: {
          const child = !isUnit || other < 0
            ? undefined
            : own[other] === unit
            ? other
            : tree.get(at * classes.count + unit);
          if (child !== undefined) this.#add(child, start);
          break;
        }
        case SPLIT:
          stack.push(other, to);
          break;
        case ASSERT:
          if (this.#holds(other, cls, before, wordNext)) stack.push(to);
          break;
        default:
          // A match in the list itself was counted when it got there.
          if (at !== id) {
            this.late = Math.min(this.late, to);
            this.lateStart = Math.min(this.lateStart, other === 1 ? -1 : start);
          }
      }
    }
  }

  #holds(what: number, cls: number, before: number, wordNext: boolean): boolean {
    if (what === AT_START) return (before & AT_BEGIN) !== 0;
    if (what === AT_END) return cls >= this.#program.classes.count;
    return (((before & AFTER_WORD) !== 0) !== wordNext) === (what === AT_WORD);
  }

  #add(id: number, start: number): void {
    const { ops, a, b } = this.#program;
    const added = this.#added;
    const stack = this.#stack;
    const base = stack.length;
    for (let at = id;; at = stack.pop()!) {
      if (added[at] !== this.#clock) {
        added[at] = this.#clock;
        const op = ops[at]!;
        if (op === SPLIT) stack.push(b[at]!, a[at]!);
        else if (op === ASSERT && b[at] === AT_START) {
          if ((this.flags & AT_BEGIN) !== 0) stack.push(a[at]!);
        } else {
          if (op === ASSERT) this.#waits = true;
          else if (op === TREE && a[at]! >= 0) stack.push(a[at]!);
          this.#nextStarts[this.#nextSize] = start;
          this.#nextIds[this.#nextSize++] = at;
        }
      }
      if (stack.length === base) return;
    }
  }
}
