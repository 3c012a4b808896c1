import { kindText, partsOf } from "./kind-text.ts";

const DEPTH = 1000;
const NODES = 100_000;

interface Walk {
  nodes: number;
  /** Objects already counted; absent as long as the value looks like a tree. */
  readonly seen: Set<object> | undefined;
}

/**
 * The length of all texts in a payload, keys not included, in UTF-16 code units: strings, and what else is text to
 * patterns, so not the bytes of a picture. No gate lets more than 1000 levels pass, and no more are counted.
 *
 * Every payload that a gate has copied is measured in one walk. What is shown to a guard by hand may hold cycles, or
 * the same object in many places: then a second walk counts each object once, and ends.
 */
export function textLength(value: unknown): number {
  const length = lengthOf(value, DEPTH, { nodes: NODES, seen: undefined });
  return length ?? lengthOf(value, DEPTH, { nodes: Infinity, seen: new Set() }) ?? 0;
}

/** `undefined` where the value is no tree of the size that gates let pass. */
function lengthOf(value: unknown, depth: number, walk: Walk): number | undefined {
  if (--walk.nodes < 0) return undefined;
  if (typeof value === "string") return value.length;
  if (typeof value === "bigint") return String(value).length;
  if (typeof value !== "object" || value === null) return 0;
  if (depth === 0) return walk.seen === undefined ? undefined : 0;
  if (walk.seen?.has(value) === true) return 0;
  walk.seen?.add(value);
  const text = kindText(value);
  if (text !== undefined) return text?.length ?? 0;
  let length = 0;
  for (const item of Array.isArray(value) ? (value as unknown[]) : partsOf(value) ?? Object.values(value)) {
    const inner = lengthOf(item, depth - 1, walk);
    if (inner === undefined) return undefined;
    length += inner;
  }
  return length;
}

/** What a payload is taken to have in tokens, where nobody says: one for every four characters of its text. */
export function tokensIn(payload: unknown): number {
  return Math.ceil(textLength(payload) / 4);
}
