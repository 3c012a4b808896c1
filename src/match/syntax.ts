import { foldText } from "./fold.ts";
import { ANY, bothCases, type CharSet, complement, DIGIT, DOT, SPACE, union, WORD } from "./charset.ts";

/** What a pattern says, before it is compiled. */
export type Node =
  | { readonly kind: "set"; readonly set: CharSet }
  | { readonly kind: "seq"; readonly items: readonly Node[] }
  | { readonly kind: "alt"; readonly items: readonly Node[] }
  | { readonly kind: "repeat"; readonly item: Node; readonly min: number; readonly max: number }
  | { readonly kind: "assert"; readonly what: "start" | "end" | "word" | "notWord" };

/** Whether a node asks for a boundary of some kinds. */
export function asserts(node: Node, ...kinds: readonly string[]): boolean {
  if (node.kind === "assert") return kinds.includes(node.what);
  return node.kind === "repeat"
    ? asserts(node.item, ...kinds)
    : node.kind !== "set" && node.items.some((item) => asserts(item, ...kinds));
}

/** The length of the longest text that a node matches, in characters; Infinity without a bound. */
export function lengthOf(node: Node): number {
  switch (node.kind) {
    case "assert":
      return 0;
    case "set":
      return 1;
    case "seq":
      return node.items.reduce((length, item) => length + lengthOf(item), 0);
    case "alt":
      return node.items.reduce((length, item) => Math.max(length, lengthOf(item)), 0);
    case "repeat": {
      const item = lengthOf(node.item);
      return item === 0 || node.max === 0 ? 0 : item * node.max;
    }
  }
}

/** Whether a part of a node stands only for characters outside ASCII. */
export function asksBeyondAscii(node: Node): boolean {
  if (node.kind === "set") return node.set.length > 0 && node.set[0]! > 127;
  if (node.kind === "repeat") return asksBeyondAscii(node.item);
  return node.kind !== "assert" && node.items.some(asksBeyondAscii);
}

/** A pattern that is not of the safe subset: where, and what was wanted there. */
export class PatternError extends Error {
  override readonly name = "PatternError";
  /** Index into the pattern's text, from 0. */
  readonly position: number;
  constructor(position: number, wanted: string) {
    super(wanted);
    this.position = position;
  }
}

const MAX_REPEAT = 1000;
const MAX_DEPTH = 100;
const CLASSES: ReadonlyMap<string, CharSet> = new Map([
  ["d", DIGIT],
  ["D", complement(DIGIT)],
  ["w", WORD],
  ["W", complement(WORD)],
  ["s", SPACE],
  ["S", complement(SPACE)],
]);
const CONTROLS: ReadonlyMap<string, number> = new Map([["t", 9], ["n", 10], ["v", 11], ["f", 12], ["r", 13]]);

const ascii: (Node | undefined)[] = [];

/** The node of one character, in either case. */
export function character(code: number): Node {
  if (code > 127) return { kind: "set", set: bothCases([code, code]) };
  return (ascii[code] ??= { kind: "set", set: bothCases([code, code]) });
}

// A longer class is a script, and no list of letters.
const MAX_FOLDED = 256;

/** The node of one character of a regex or a glob: in either case, and as it is in folded text, where `ß` is `ss`. */
function foldedCharacter(code: number): Node {
  const own = character(code);
  const folded = foldedFrom(code);
  return folded === undefined ? own : { kind: "alt", items: [own, { kind: "seq", items: literal(folded) }] };
}

/** What becomes of a character outside ASCII when it is folded, unless that is nothing new. */
function foldedFrom(code: number): string | undefined {
  if (code < 128) return undefined;
  const own = String.fromCodePoint(code);
  const folded = foldText(own);
  return folded === undefined || folded.trim() === "" || folded === own.toLowerCase() ? undefined : folded;
}

function foldedMembers(set: CharSet): readonly string[] {
  const out = new Set<string>();
  let left = MAX_FOLDED;
  for (let i = 0; i < set.length; i += 2) {
    for (let code = Math.max(128, set[i]!); code <= set[i + 1]! && left > 0; code++, left--) {
      const folded = foldedFrom(code);
      if (folded !== undefined) out.add(folded);
    }
  }
  return [...out];
}

/** The nodes of a literal, one a character, in either case. */
export function literal(text: string): readonly Node[] {
  return Array.from(text, (c) => character(c.codePointAt(0)!));
}

/**
 * Reads a regular expression of the safe subset: what an automaton can match in linear time.
 *
 * Groups, named or not, only group; lazy repeats mean what greedy ones mean, since only whether there is a match
 * counts.
 *
 * @throws {PatternError} With the position of what is not of the subset.
 */
export function parseRegex(source: string): Node {
  return parsed(new Reader(source), source);
}

/** The same, exact in case and in form; `(?i: )` is a group in which case does not count. */
export function parseExactRegex(source: string): Node {
  return parsed(new Reader(source, 0, "exact"), source);
}

function parsed(reader: Reader, source: string): Node {
  const node = reader.alternatives(0);
  if (reader.at < source.length) throw new PatternError(reader.at, "a group that was opened before it is closed");
  return node;
}

/**
 * Reads a glob: `*`, `?` and `[…]` (`[!…]` for all but), everything else as it stands; a backslash is a backslash.
 *
 * @throws {PatternError} With the position of a class that is not closed or runs backwards.
 */
export function parseGlob(source: string): readonly Node[] {
  const items: Node[] = [];
  for (let i = 0; i < source.length;) {
    const c = source[i]!;
    if (c === "*") {
      if (source[i - 1] !== "*") items.push({ kind: "repeat", item: { kind: "set", set: ANY }, min: 0, max: Infinity });
      i++;
    } else if (c === "?") {
      items.push({ kind: "set", set: ANY });
      i++;
    } else if (c === "[") {
      const reader = new Reader(source, i + 1);
      items.push(reader.globClass());
      i = reader.at;
    } else {
      const code = source.codePointAt(i)!;
      items.push(foldedCharacter(code));
      i += code > 0xffff ? 2 : 1;
    }
  }
  return items;
}

/** How characters are meant: as they are in folded text, in either case, or as they stand. */
type Mode = "folded" | "anyCase" | "exact";

class Reader {
  at: number;
  readonly #source: string;
  #mode: Mode;

  constructor(source: string, at = 0, mode: Mode = "folded") {
    this.#source = source;
    this.at = at;
    this.#mode = mode;
  }

  #character(code: number): Node {
    if (this.#mode === "folded") return foldedCharacter(code);
    return this.#mode === "anyCase" ? character(code) : { kind: "set", set: [code, code] };
  }

  alternatives(depth: number): Node {
    if (depth > MAX_DEPTH) throw new PatternError(this.at, `groups nested at most ${MAX_DEPTH} deep`);
    const items = [this.#sequence(depth)];
    while (this.#take("|")) items.push(this.#sequence(depth));
    return items.length === 1 ? items[0]! : { kind: "alt", items };
  }

  #sequence(depth: number): Node {
    const items: Node[] = [];
    for (let c = this.#source[this.at]; c !== undefined && c !== "|" && c !== ")"; c = this.#source[this.at]) {
      items.push(this.#term(depth));
    }
    return items.length === 1 ? items[0]! : { kind: "seq", items };
  }

  #term(depth: number): Node {
    const from = this.at;
    const node = this.#atom(depth);
    const bounds = this.#repeat();
    if (bounds === undefined) return node;
    if (node.kind === "assert" && this.#source[from] !== "(") {
      throw new PatternError(from, "something to repeat, not a boundary");
    }
    return { kind: "repeat", item: node, min: bounds[0], max: bounds[1] };
  }

  #repeat(): readonly [number, number] | undefined {
    const from = this.at;
    const bounds = this.#bounds();
    if (bounds === undefined) return undefined;
    if (this.#source[this.at] === "+") throw new PatternError(this.at, "a repeat that is not possessive");
    this.#take("?");
    const again = this.at;
    if (this.#bounds() !== undefined) throw new PatternError(again, "one repeat, not a repeat of a repeat");
    const [min, max] = bounds;
    if (max < min) throw new PatternError(from, "a repeat whose first number is not above its second");
    if (min > MAX_REPEAT || (max > MAX_REPEAT && max !== Infinity)) {
      throw new PatternError(from, `a repeat of at most ${MAX_REPEAT}`);
    }
    return bounds;
  }

  #bounds(): readonly [number, number] | undefined {
    if (this.#take("*")) return [0, Infinity];
    if (this.#take("+")) return [1, Infinity];
    if (this.#take("?")) return [0, 1];
    const found = /^\{(\d*)(,?)(\d*)\}/.exec(this.#source.slice(this.at, this.at + 40));
    if (found === null || (found[1] === "" && found[3] === "")) return undefined;
    if (found[1] === "") throw new PatternError(this.at, "a repeat with a first number, as {0,9}");
    this.at += found[0].length;
    const min = Number(found[1]);
    return [min, found[2] === "" ? min : found[3] === "" ? Infinity : Number(found[3])];
  }

  #atom(depth: number): Node {
    const from = this.at;
    const code = this.#source.codePointAt(from)!;
    this.at += code > 0xffff ? 2 : 1;
    switch (this.#source[from]) {
      case "(":
        return this.#group(from, depth);
      case "[":
        return this.#charClass(from);
      case "\\":
        return this.#escape(from);
      case ".":
        return { kind: "set", set: DOT };
      case "^":
        return { kind: "assert", what: "start" };
      case "$":
        return { kind: "assert", what: "end" };
      case "*":
      case "+":
      case "?":
        throw new PatternError(from, "something to repeat");
      default:
        this.at = from;
        if (this.#bounds() !== undefined) throw new PatternError(from, "something to repeat");
        this.at += code > 0xffff ? 2 : 1;
        return this.#character(code);
    }
  }

  #group(from: number, depth: number): Node {
    if (this.#take("?")) {
      const rest = this.#source.slice(this.at, this.at + 64);
      const name = /^<[A-Za-z_$][\w$]*>/.exec(rest);
      if (name !== null) this.at += name[0].length;
      else if (this.#mode !== "folded" && rest.startsWith("i:")) return this.#anyCase(from, depth);
      else if (!this.#take(":")) {
        throw new PatternError(
          from,
          /^<?[=!]/.test(rest) ? "a group without look-around" : "a group ( ), (?: ) or (?<name> ), without flags",
        );
      }
    }
    return this.#inside(from, depth);
  }

  #inside(from: number, depth: number): Node {
    const node = this.alternatives(depth + 1);
    if (!this.#take(")")) throw new PatternError(from, "a group that is closed");
    return node;
  }

  #anyCase(from: number, depth: number): Node {
    const outside = this.#mode;
    this.at += 2;
    this.#mode = "anyCase";
    const node = this.#inside(from, depth);
    this.#mode = outside;
    return node;
  }

  #escape(from: number): Node {
    const c = this.#source[this.at];
    if (c === "b" || c === "B") {
      this.at++;
      return { kind: "assert", what: c === "b" ? "word" : "notWord" };
    }
    const set = CLASSES.get(c ?? "");
    if (set !== undefined) {
      this.at++;
      return { kind: "set", set };
    }
    if (c !== undefined && ((c >= "1" && c <= "9") || c === "k")) {
      throw new PatternError(from, "a pattern without back-references");
    }
    return this.#character(this.#escapedCode(from));
  }

  #escapedCode(from: number): number {
    const code = this.#source.codePointAt(this.at);
    if (code === undefined) throw new PatternError(from, "a character after the backslash");
    const c = String.fromCodePoint(code);
    this.at += c.length;
    const control = CONTROLS.get(c);
    if (control !== undefined) return control;
    const hex = c === "x" ? /^([\da-f]{2})/i : c === "u" ? /^(?:([\da-f]{4})|\{([\da-f]{1,6})\})/i : undefined;
    if (hex !== undefined) {
      const found = hex.exec(this.#source.slice(this.at, this.at + 10));
      const value = found === null ? Infinity : Number.parseInt(found[1] ?? found[2]!, 16);
      if (value > 0x10ffff) throw new PatternError(from, "an escape \\xHH, \\uHHHH or \\u{…} of a character");
      this.at += found![0].length;
      return value;
    }
    if (c === "0" && !/\d/.test(this.#source[this.at] ?? "")) return 0;
    if (/[\dA-Za-z]/.test(c)) {
      throw new PatternError(
        from,
        "one of the escapes \\d \\w \\s \\D \\W \\S \\b \\B \\t \\n \\r \\f \\v \\0 \\x \\u or escaped punctuation",
      );
    }
    return code;
  }

  #charClass(from: number): Node {
    const negated = this.#take("^");
    const ranges: number[] = [];
    while (!this.#take("]")) {
      const start = this.at;
      const item = this.#classItem(from);
      if (this.#source[this.at] === "-" && this.#source[this.at + 1] !== "]" && typeof item === "number") {
        this.at++;
        const last = this.#classItem(from);
        if (typeof last !== "number") ranges.push(item, item, 45, 45, ...last);
        else if (last < item) throw new PatternError(start, "a range that does not run backwards");
        else ranges.push(item, last);
      } else if (typeof item === "number") ranges.push(item, item);
      else ranges.push(...item);
    }
    if (ranges.length === 0) throw new PatternError(from, "a class of at least one character");
    return this.#setOf(ranges, negated);
  }

  #classItem(open: number): number | CharSet {
    const from = this.at;
    const code = this.#source.codePointAt(from);
    if (code === undefined) throw new PatternError(open, "a class that is closed");
    this.at += code > 0xffff ? 2 : 1;
    if (code === 91 && /[:.=]/.test(this.#source[this.at] ?? "")) {
      throw new PatternError(from, "a class without [: :], [. .] or [= =]");
    }
    if (code !== 92) return code;
    const c = this.#source[this.at] ?? "";
    const set = CLASSES.get(c);
    if (set === undefined && c !== "b") return this.#escapedCode(from);
    this.at++;
    return set ?? 8;
  }

  globClass(): Node {
    const open = this.at - 1;
    const negated = this.#take("!") || this.#take("^");
    const ranges: number[] = [];
    while (ranges.length === 0 || !this.#take("]")) {
      const lo = this.#globItem(open);
      const isRange = this.#source[this.at] === "-" && this.#source[this.at + 1] !== "]";
      if (isRange) this.at++;
      const hi = isRange ? this.#globItem(open) : lo;
      if (hi < lo) throw new PatternError(open, "a range that does not run backwards");
      ranges.push(lo, hi);
    }
    return this.#setOf(ranges, negated);
  }

  #globItem(open: number): number {
    const code = this.#source.codePointAt(this.at);
    if (code === undefined) throw new PatternError(open, "a class that is closed");
    this.at += code > 0xffff ? 2 : 1;
    return code;
  }

  #setOf(ranges: readonly number[], negated: boolean): Node {
    const own = union(ranges);
    const set = this.#mode === "exact" ? own : bothCases(own);
    if (negated) return { kind: "set", set: complement(set) };
    if (this.#mode !== "folded") return { kind: "set", set };
    const folded = foldedMembers(own);
    const node: Node = { kind: "set", set };
    return folded.length === 0
      ? node
      : { kind: "alt", items: [node, ...folded.map((text): Node => ({ kind: "seq", items: literal(text) }))] };
  }

  #take(text: string): boolean {
    const there = this.#source[this.at] === text;
    if (there) this.at++;
    return there;
  }
}
