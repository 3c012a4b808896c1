import type { Findings } from "./findings.ts";
import type { Hash } from "./hash.ts";

/** An entry's line that was read, and is not yet proven. */
export interface Read {
  readonly hash: Hash;
  /** The line of the file. */
  readonly line: number;
  /** What the line says of itself; `undefined` where it is no entry. */
  readonly said: Said | undefined;
  readonly isTorn: boolean;
}

/** What verifying asks of an entry. */
export interface Said {
  readonly seq: number;
  readonly timestamp: number | null;
  /** Of what the log says of itself. */
  readonly event: string | undefined;
  readonly count: number | undefined;
}

/** What is left of a batch. */
export interface Compared {
  /** The lines that are what was sealed, in the order of the log. */
  readonly proven: readonly Read[];
  readonly missing: number;
}

/**
 * Compares the lines that stand where a batch was with the leaves that were sealed, and names what was done to them.
 */
export function compare(lines: readonly Read[], leaves: readonly Hash[], from: number, findings: Findings): Compared {
  if (lines.length === leaves.length && lines.every(({ hash }, at) => hash === leaves[at])) {
    return { proven: lines, missing: 0 };
  }
  const places = new Map(leaves.map((leaf, at) => [leaf, at]));
  const taken: (Read | undefined)[] = leaves.map(() => undefined);
  const found = lines.map((line) => {
    const place = places.get(line.hash);
    if (place === undefined || taken[place] !== undefined) return -1;
    taken[place] = line;
    return place;
  });
  const inOrder = longestRise(found);
  const changed = new Set<number>();
  const isFree = (place: number): boolean =>
    place >= 0 && place < leaves.length && taken[place] === undefined && !changed.has(place);
  let next = 0;
  lines.forEach((line, at) => {
    const place = found[at] as number;
    if (place >= 0) {
      if (inOrder.has(at)) next = place + 1;
      else findings.add("moved", "An entry is not in its place", { seq: from + place, line: line.line });
      return;
    }
    // What is said is believed where nothing contradicts it, and else what stands before.
    const said = (line.said?.seq ?? -1) - from;
    const instead = isFree(said) ? said : isFree(next) ? next : undefined;
    if (instead === undefined) {
      findings.add("inserted", "A line was never sealed", { line: line.line });
      return;
    }
    changed.add(instead);
    next = Math.max(next, instead + 1);
    findings.add("changed", "An entry is not what was sealed", { seq: from + instead, line: line.line });
  });
  return { proven: taken.filter((line) => line !== undefined), missing: nameMissing(isFree, leaves, from, findings) };
}

function nameMissing(
  isFree: (place: number) => boolean,
  leaves: readonly Hash[],
  from: number,
  findings: Findings,
): number {
  let missing = 0;
  for (let at = 0; at < leaves.length; at++) {
    if (!isFree(at)) continue;
    const first = at;
    while (isFree(at + 1)) at++;
    missing += at - first + 1;
    findings.add("missing", "Entries are gone", { seq: from + first, to: from + at });
  }
  return missing;
}

/** The places of a longest rising part of a list, negative numbers left out. */
function longestRise(list: readonly number[]): Set<number> {
  const tails: number[] = []; // of rises by length, the place of the least last number
  const before: number[] = [];
  list.forEach((value, at) => {
    if (value < 0) return;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((list[tails[middle] as number] as number) < value) low = middle + 1;
      else high = middle;
    }
    before[at] = low === 0 ? -1 : (tails[low - 1] as number);
    tails[low] = at;
  });
  const rise = new Set<number>();
  for (let at = tails.at(-1) ?? -1; at >= 0; at = before[at] as number) rise.add(at);
  return rise;
}
