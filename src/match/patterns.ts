import { show } from "../base/check.ts";
import { pickOwn } from "../base/own.ts";
import type { BlockedPattern } from "../policy/policy.ts";
import { foldText } from "./fold.ts";
import { checkSize, MAX_PATTERN, type Source } from "./program.ts";
import { asserts, literal, type Node, parseGlob, parseRegex, PatternError } from "./syntax.ts";

/** A pattern that was read: parts of a program, or a RegExp of our own. */
export type ReadPattern = { readonly nodes: readonly Omit<Source, "index">[] } | { readonly regexp: RegExp };

/** What is wrong with a pattern. */
export interface PatternMistake {
  /** What was wanted, with the position of the mistake in a pattern's text, from 0. */
  readonly wanted: string;
  /** What came. */
  readonly got: unknown;
}

const FORMS = "a string, { pattern, type } or { regexp }";
const TYPES = ["substring", "regex", "glob"];

const KEYS = ["pattern", "type", "regexp"] as const;

/** Whether a pattern is a RegExp that somebody opted in to. */
function isOptedIn(pattern: BlockedPattern): pattern is { readonly regexp: RegExp } {
  return typeof pattern !== "string" && Object.hasOwn(pattern, "regexp");
}

/** Whether a pattern could not be read. */
export function isMistake(read: ReadPattern | PatternMistake): read is PatternMistake {
  return Object.hasOwn(read, "wanted");
}

/** Says what is wrong with one pattern, or returns undefined. */
export function patternMistake(pattern: unknown): PatternMistake | undefined {
  const read = readPattern(pattern);
  return isMistake(read) ? read : undefined;
}

/** Reads one pattern, or says what is wrong with it. */
export function readPattern(pattern: unknown): ReadPattern | PatternMistake {
  if (typeof pattern === "string") return readText(pattern, "substring");
  if (typeof pattern !== "object" || pattern === null || Array.isArray(pattern) || isRegExp(pattern)) {
    return { wanted: FORMS, got: pattern };
  }
  const { pattern: text, type, regexp } = pickOwn(pattern as Record<string, unknown>, KEYS);
  const unknown = Object.keys(pattern).find((key) => !(KEYS as readonly string[]).includes(key));
  if (unknown !== undefined) return { wanted: `${FORMS}, without a key ${show(unknown)}`, got: pattern };
  if (regexp !== undefined) {
    if (text !== undefined || type !== undefined) return { wanted: FORMS, got: pattern };
    return isRegExp(regexp)
      ? { regexp: new RegExp(regexp.source, regexp.flags.replace(/[gy]/g, "")) }
      : { wanted: "{ regexp } with a RegExp", got: regexp };
  }
  if (typeof text !== "string") return { wanted: "{ pattern, type } with a string as pattern", got: text };
  if (typeof type !== "string" || !TYPES.includes(type)) {
    return { wanted: `{ pattern, type } with a type of ${TYPES.join(", ")}`, got: type };
  }
  return readText(text, type);
}

function readText(text: string, type: string): ReadPattern | PatternMistake {
  if (text === "") return { wanted: "a pattern that is not empty, since an empty one matches every text", got: text };
  if (text.length > MAX_PATTERN) return { wanted: `a pattern of at most ${MAX_PATTERN} characters`, got: text };
  try {
    if (type === "substring") return { nodes: readLiteral(text) };
    const node = type === "glob" ? anchored(parseGlob(text)) : parseRegex(text);
    checkSize(node);
    return { nodes: [{ node, whole: type === "glob" || asserts(node, "start", "end"), glob: type === "glob" }] };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return {
      wanted: `a ${type} of the linear subset (at position ${error.position}: ${error.message} was wanted)`,
      got: text,
    };
  }
}

function readLiteral(text: string): readonly Omit<Source, "index">[] {
  const nodes = [{ node: sequence(literal(text)), whole: false, glob: false }];
  const folded = foldedLiteral(text);
  if (folded !== undefined && folded !== text.toLowerCase()) {
    nodes.push({ node: sequence(literal(folded)), whole: false, glob: false });
  }
  return nodes;
}

/** The folded form, unless nothing is left of it that tells one text from another. */
function foldedLiteral(text: string): string | undefined {
  const folded = foldText(text);
  return folded === undefined || folded.trim() === "" ? undefined : folded;
}

function sequence(items: readonly Node[]): Node {
  return { kind: "seq", items };
}

/** A glob speaks of one whole string; a star at an end takes the boundary away. */
function anchored(items: readonly Node[]): Node {
  const out = [...items];
  if (out[0]!.kind === "repeat") out.shift();
  else out.unshift({ kind: "assert", what: "start" });
  if (out.length > 0 && out.at(-1)!.kind === "repeat") out.pop();
  else if (items.at(-1)!.kind !== "repeat") out.push({ kind: "assert", what: "end" });
  return sequence(out);
}

function isRegExp(value: unknown): value is RegExp {
  return Object.prototype.toString.call(value) === "[object RegExp]" && typeof (value as RegExp).source === "string" &&
    typeof (value as RegExp).flags === "string";
}

/**
 * Returns the canonical text of a pattern: equal for patterns that match the same by their form.
 *
 * A literal is compared folded, a glob without case outside its classes and with its runs of stars as one, a regex as
 * it is written. Two patterns that match the same for another reason have different keys.
 */
export function patternKey(pattern: BlockedPattern): string {
  if (typeof pattern === "string") return `substring:${foldedLiteral(pattern) ?? pattern.toLowerCase()}`;
  if (isOptedIn(pattern)) {
    return `regexp:/${pattern.regexp.source}/${[...pattern.regexp.flags.replace(/[gy]/g, "")].sort().join("")}`;
  }
  if (pattern.type === "substring") return patternKey(pattern.pattern);
  if (pattern.type === "regex") return `regex:${pattern.pattern}`;
  return `glob:${
    pattern.pattern.replace(
      /\[[!^]?\][^\]]*\]|\[[^\]]*\]|\*+|[^*[]+/g,
      (part) => (part[0] === "*" ? "*" : part[0] === "[" ? part : part.toLowerCase()),
    )
  }`;
}
