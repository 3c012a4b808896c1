const DEPTH = 64;
const NODES = 100_000;

interface Walk {
  nodes: number;
  /** Objects already counted; absent as long as the value looks like a tree. */
  readonly seen: Set<object> | undefined;
}

/**
 * The length of all strings in a payload, keys not included, in UTF-16 code units. Levels beyond 64 are not counted.
 *
 * Every payload that a gate has copied is measured in one walk. What goes by reference may hold cycles, or the same
 * object
 * in many places: then a second walk counts each object once, and ends.
 */
export function textLength(value: unknown): number {
  const length = lengthOf(value, DEPTH, { nodes: NODES, seen: undefined });
  return length ?? lengthOf(value, DEPTH, { nodes: Infinity, seen: new Set() }) ?? 0;
}

/** `undefined` where the value is no tree of the size that gates let pass. */
function lengthOf(value: unknown, depth: number, walk: Walk): number | undefined {
  if (--walk.nodes < 0) return undefined;
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 0;
  if (depth === 0) return walk.seen === undefined ? undefined : 0;
  if (walk.seen?.has(value) === true) return 0;
  walk.seen?.add(value);
  let length = 0;
  for (const item of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) {
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
