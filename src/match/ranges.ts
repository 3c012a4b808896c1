/** Adds a range whose end is not before any other's, and joins those it overlaps; an empty one is not added. */
export function addRange(ranges: [number, number][], from: number, end: number): void {
  if (from >= end) return;
  let start = from;
  for (let last = ranges.at(-1); last !== undefined && start < last[1]; last = ranges.at(-1)) {
    start = Math.min(start, last[0]);
    ranges.pop();
  }
  ranges.push([start, end]);
}

/** Sorts ranges and joins those that overlap. */
export function merged(ranges: readonly (readonly [number, number])[]): readonly [number, number][] {
  const out: [number, number][] = [];
  for (const [start, end] of [...ranges].sort((a, b) => a[1] - b[1])) addRange(out, start, end);
  return out;
}
