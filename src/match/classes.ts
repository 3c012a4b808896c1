import type { CharSet } from "./charset.ts";

/** Which UTF-16 units no pattern tells apart: one number for each such class. */
export interface Classes {
  /** How many there are. Those of ASCII come first, so they are below 128. */
  readonly count: number;
  /** The class of a unit. */
  classOf(unit: number): number;
  /** The classes of units by their high and low bytes, where they were asked for before. */
  readonly pages: readonly (Uint16Array | undefined)[];
  /** The classes that make up a set; every set given to {@linkcode partition} is made up of whole ones. */
  classesOf(set: CharSet): ReadonlySet<number>;
}

/**
 * Splits the UTF-16 units by the sets that tell them apart.
 *
 * Source: partition refinement (Paige and Tarjan 1987), on the intervals between the sets' bounds. A set refines as its
 * complement does, so the smaller of the two is walked.
 */
export function partition(sets: Iterable<CharSet>): Classes {
  const all = [...sets];
  const bounds = new Set<number>([0, 128, 0x10000]);
  for (const set of all) for (let i = 0; i < set.length; i += 2) bounds.add(set[i]!).add(set[i + 1]! + 1);
  const starts = Int32Array.from(bounds).sort();
  const count = starts.length - 1;
  const index = new Map<number, number>();
  starts.forEach((start, i) => index.set(start, i));

  const block = new Int32Array(count);
  let blocks = 1;
  for (const set of all) {
    const spans = smaller(set, index, count);
    const renamed = new Map<number, number>();
    for (const [from, to] of spans) {
      for (let i = from; i < to; i++) {
        const old = block[i]!;
        let fresh = renamed.get(old);
        if (fresh === undefined) renamed.set(old, fresh = blocks++);
        block[i] = fresh;
      }
    }
  }

  const names = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    if (!names.has(block[i]!)) names.set(block[i]!, names.size);
    block[i] = names.get(block[i]!)!;
  }
  const pages: (Uint16Array | undefined)[] = [];

  function page(high: number): Uint16Array {
    const made = new Uint16Array(256);
    let interval = 0;
    for (let low = 0, end = count; low < end;) {
      const middle = (low + end) >> 1;
      if (starts[middle]! <= high << 8) low = (interval = middle) + 1;
      else end = middle;
    }
    for (let i = 0; i < 256; i++) {
      while (starts[interval + 1]! <= (high << 8) + i) interval++;
      made[i] = block[interval]!;
    }
    return (pages[high] = made);
  }

  return {
    count: names.size,
    pages,
    classOf(unit: number): number {
      return (pages[unit >> 8] ?? page(unit >> 8))[unit & 255]!;
    },
    classesOf(set: CharSet): ReadonlySet<number> {
      const out = new Set<number>();
      for (let r = 0; r < set.length; r += 2) {
        for (let i = index.get(set[r]!)!, end = index.get(set[r + 1]! + 1)!; i < end; i++) out.add(block[i]!);
      }
      return out;
    },
  };
}

function smaller(
  set: CharSet,
  index: ReadonlyMap<number, number>,
  count: number,
): readonly (readonly [number, number])[] {
  const spans: [number, number][] = [];
  const gaps: [number, number][] = [];
  let inside = 0;
  let last = 0;
  for (let r = 0; r < set.length; r += 2) {
    const from = index.get(set[r]!)!;
    const to = index.get(set[r + 1]! + 1)!;
    spans.push([from, to]);
    gaps.push([last, from]);
    inside += to - from;
    last = to;
  }
  gaps.push([last, count]);
  return inside * 2 <= count ? spans : gaps;
}
