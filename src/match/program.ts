import { type CharSet, slice, WORD } from "./charset.ts";
import { type Classes, partition } from "./classes.ts";
import { asserts, type Node, PatternError } from "./syntax.ts";

/** Steps over one class of units: `a` the next state, `b` the row of classes. */
export const CHAR = 0;
/** Goes on at `a` and at `b`. */
export const SPLIT = 1;
/**
 * A node of the tree of literals: `a` the match that ends here, or -1; `b` its first child, or -1; the others are in
 * `tree`.
 */
export const TREE = 2;
/** Pattern `a` was found; where `b` is 1, the match is the whole string, though the automaton stops at less. */
export const MATCH = 3;
/** Goes on at `a` where the boundary `b` holds: one of the four below. */
export const ASSERT = 4;
/** Before the first unit of a string. */
export const AT_START = 0;
/** After the last unit of a string. */
export const AT_END = 1;
/** Between a word character and another one. */
export const AT_WORD = 2;
/** Everywhere else. */
export const NOT_WORD = 3;

/** One pattern to compile: several of them may carry the same index. */
export interface Source {
  /** What it says. */
  readonly node: Node;
  /** Its place in the list. */
  readonly index: number;
  /** It speaks of one whole string (a glob, `^`, `$`), so it is not searched in strings joined by spaces. */
  readonly whole: boolean;
  /** It is a glob, so a match is a whole string. */
  readonly glob: boolean;
}

/** All patterns as one non-deterministic automaton over classes of units. */
export interface Program {
  /** What each state does. */
  readonly ops: Uint8Array;
  /** First operand of each state. */
  readonly a: Int32Array;
  /** Second operand of each state. */
  readonly b: Int32Array;
  /** The classes in each set that a `CHAR` steps over, one flag a class. */
  readonly rows: readonly Uint8Array[];
  /** The class that leads to each `TREE` state. */
  readonly own: Int32Array;
  /** `state * classes.count + class` to a child of a `TREE` state that is not its first. */
  readonly tree: ReadonlyMap<number, number>;
  /** Where the patterns begin that may span strings. */
  readonly spanning: Int32Array;
  /** Where the patterns begin that speak of one whole string. */
  readonly whole: Int32Array;
  /** The first state of the latter; all above are theirs. */
  readonly firstWhole: number;
  /** The classes. */
  readonly classes: Classes;
  /** Whether each class is of word characters. */
  readonly isWord: Uint8Array;
  /** Whether any state asks for `AT_WORD` or `NOT_WORD`. */
  readonly hasWord: boolean;
}

/** States that one pattern may need: `(a{1000}){1000}` would need a million. */
export const MAX_PATTERN = 10_000;
const MAX_PROGRAM = 1_000_000;
const ASSERTS = { start: AT_START, end: AT_END, word: AT_WORD, notWord: NOT_WORD } as const;

/** How many states a pattern needs; counts no further than the cap, and every part as one at least. */
function sizeOf(node: Node, left: number): number {
  if (left < 0) return 1;
  switch (node.kind) {
    case "assert":
      return 1;
    case "set":
      // Pairs take a few more: a set beyond the BMP is a choice of sequences.
      return (node.set.at(-1) ?? 0) > 0xffff ? 8 : 1;
    case "repeat": {
      const item = sizeOf(node.item, left);
      return node.max === Infinity
        ? item * Math.max(1, node.min) + 1
        : Math.max(1, item * node.max + node.max - node.min);
    }
    default: {
      let size = node.kind === "alt" ? node.items.length : 1;
      for (const item of node.items) size += sizeOf(item, left - size);
      return size;
    }
  }
}

/**
 * Throws where a pattern would need too many states.
 *
 * @throws {PatternError} At position 0.
 */
export function checkSize(node: Node): void {
  if (sizeOf(node, MAX_PATTERN) > MAX_PATTERN) {
    throw new PatternError(0, `a pattern that needs at most ${MAX_PATTERN} states`);
  }
}

/**
 * Compiles patterns into one automaton: Thompson's construction (1968), literals sharing their beginnings as a tree.
 *
 * @throws {RangeError} Where all patterns together need more than a million states.
 */
export function compileProgram(sources: readonly Source[]): Program {
  const lowered = new Map<CharSet, Node>();
  const sets = new Map<string, CharSet>();
  const nodes = sources.map(({ node }) => lower(node, lowered, sets));
  const hasWord = nodes.some((node) => asserts(node, "word", "notWord"));
  if (hasWord) sets.set("word", WORD);
  const classes = partition(sets.values());
  const ops: number[] = [];
  const a: number[] = [];
  const b: number[] = [];
  const own: number[] = [];
  const rows: Uint8Array[] = [];
  const rowOf = new Map<string, number>();
  const tree = new Map<number, number>();
  const seen = new Map<CharSet, number>();

  function emit(op: number, first: number, second: number): number {
    if (ops.length === MAX_PROGRAM) {
      throw new RangeError(`Cannot compile patterns that need more than ${MAX_PROGRAM} states together`);
    }
    a.push(first);
    b.push(second);
    own.push(-1);
    return ops.push(op) - 1;
  }

  function row(set: CharSet): number {
    const key = set.join();
    let found = rowOf.get(key);
    if (found === undefined) {
      const flags = new Uint8Array(classes.count);
      for (const c of classes.classesOf(set)) flags[c] = 1;
      rowOf.set(key, found = rows.push(flags) - 1);
    }
    return found;
  }

  function build(node: Node, next: number): number {
    switch (node.kind) {
      case "set":
        return emit(CHAR, next, row(node.set));
      case "assert":
        return emit(ASSERT, next, ASSERTS[node.what]);
      case "seq":
        return node.items.reduceRight((to, item) => build(item, to), next);
      case "alt":
        return node.items.map((item) => build(item, next)).reduceRight((to, from) => emit(SPLIT, from, to));
      case "repeat":
        return repeat(node.item, node.min, node.max, next);
    }
  }

  function repeat(item: Node, min: number, max: number, next: number): number {
    let to = next;
    let times = min;
    if (max === Infinity) {
      const loop = emit(SPLIT, -1, next);
      a[loop] = build(item, loop);
      to = min === 0 ? loop : a[loop]!;
      times = Math.max(0, min - 1);
    } else {
      for (let i = min; i < max; i++) to = emit(SPLIT, build(item, to), next);
    }
    for (let i = 0; i < times; i++) to = build(item, to);
    return to;
  }

  /** The class that makes up a set, or -1 where there are several or none. */
  function onlyClass(set: CharSet): number {
    let found = seen.get(set);
    if (found === undefined) {
      const [only, second] = classes.classesOf(set);
      seen.set(set, found = only === undefined || second !== undefined ? -1 : only);
    }
    return found;
  }

  /** The classes of a literal, or undefined for anything else. */
  function literalOf(node: Node): readonly number[] | undefined {
    const path: number[] = [];
    for (const item of node.kind === "seq" ? node.items : [node]) {
      const only = item.kind === "set" ? onlyClass(item.set) : -1;
      if (only < 0) return undefined;
      path.push(only);
    }
    return path.length === 0 ? undefined : path;
  }

  function starts(whole: boolean): Int32Array {
    const out: number[] = [];
    let root = -1;
    sources.forEach((source, i) => {
      if (source.whole !== whole) return;
      const path = literalOf(nodes[i]!);
      if (path === undefined) {
        out.push(build(nodes[i]!, emit(MATCH, source.index, source.glob ? 1 : 0)));
        return;
      }
      if (root < 0) out.push(root = emit(TREE, -1, -1));
      let at = root;
      for (const c of path) {
        const first = b[at]!;
        let child: number | undefined = first >= 0 && own[first] === c ? first : tree.get(at * classes.count + c);
        if (child === undefined) {
          child = emit(TREE, -1, -1);
          own[child] = c;
          if (first < 0) b[at] = child;
          else tree.set(at * classes.count + c, child);
        }
        at = child;
      }
      // Of two that are the same the first listed was here first.
      if (a[at] === -1) a[at] = emit(MATCH, source.index, source.glob ? 1 : 0);
    });
    return Int32Array.from(out);
  }

  const spanning = starts(false);
  const firstWhole = ops.length;
  const whole = starts(true);
  const isWord = new Uint8Array(classes.count);
  if (hasWord) { for (const c of classes.classesOf(WORD)) isWord[c] = 1; }
  return {
    ops: Uint8Array.from(ops),
    a: Int32Array.from(a),
    b: Int32Array.from(b),
    own: Int32Array.from(own),
    rows,
    tree,
    spanning,
    whole,
    firstWhole,
    classes,
    isWord,
    hasWord,
  };
}

/** Rewrites sets of code points as sets of UTF-16 units, pairs as sequences, and remembers the sets. */
function lower(node: Node, known: Map<CharSet, Node>, sets: Map<string, CharSet>): Node {
  switch (node.kind) {
    case "set": {
      let found = known.get(node.set);
      if (found === undefined) known.set(node.set, found = lowerSet(node.set, sets));
      return found;
    }
    case "repeat": {
      const { item, min, max } = node;
      // In an endless repeat a pair is two units that are both in the set, which spares the automaton the pairing.
      const units = max === Infinity && min < 2 && item.kind === "set" &&
        slice(item.set, 0xd800, 0x10ffff).join() === "55296,1114111";
      return {
        kind: "repeat",
        item: lower(units ? { kind: "set", set: slice(item.set, 0, 0xffff) } : item, known, sets),
        min,
        max,
      };
    }
    case "seq":
      return { kind: "seq", items: flattened(node.items, known, sets) };
    case "alt":
      return { kind: "alt", items: node.items.map((item) => lower(item, known, sets)) };
    default:
      return node;
  }
}

function flattened(items: readonly Node[], known: Map<CharSet, Node>, sets: Map<string, CharSet>): readonly Node[] {
  const out: Node[] = [];
  for (const item of items) {
    const lowered = lower(item, known, sets);
    if (lowered.kind === "seq") out.push(...lowered.items);
    else out.push(lowered);
  }
  return out;
}

function lowerSet(set: CharSet, sets: Map<string, CharSet>): Node {
  const unit = (ranges: CharSet): Node => {
    const key = ranges.join();
    if (!sets.has(key)) sets.set(key, ranges);
    return { kind: "set", set: sets.get(key)! };
  };
  const out: Node[] = [];
  const low = slice(set, 0, 0xffff);
  if (low.length > 0) out.push(unit(low));
  const high = slice(set, 0x10000, 0x10ffff);
  for (let i = 0; i < high.length; i += 2) {
    let from = high[i]! - 0x10000;
    const to = high[i + 1]! - 0x10000;
    while (from <= to) {
      // Either a part of one lead's trails, or as many whole leads as fit.
      const lead = from >> 10;
      const whole = (from & 1023) === 0 && to - from >= 1023;
      const lastLead = whole ? ((to + 1) >> 10) - 1 : lead;
      const end = whole ? lastLead * 1024 + 1023 : Math.min(to, lead * 1024 + 1023);
      out.push({
        kind: "seq",
        items: [unit([0xd800 + lead, 0xd800 + lastLead]), unit([0xdc00 + (from & 1023), 0xdc00 + (end & 1023)])],
      });
      from = end + 1;
    }
  }
  if (out.length === 0) return unit([]);
  return out.length === 1 ? out[0]! : { kind: "alt", items: out };
}
