import { wholeNumber } from "../base/check.ts";

/**
 * How far apart the clocks of those who sign and those who verify may be, in ms, where no `skewMs` says otherwise: a
 * minute, for challenges, cards and delegations alike. It lets in what a clock ahead has signed, and makes nothing that
 * is verified live longer.
 */
export const CLOCK_SKEW_MS = 60_000;
const MOST_SKEW_MS = 300_000;

/** Reads the option: a whole number from 0 to 300000. */
export function skewOf(where: string, skewMs: number = CLOCK_SKEW_MS): number {
  return wholeNumber(where, "skewMs", skewMs, 0, MOST_SKEW_MS);
}

const latest = new WeakMap<() => number, number>();

/**
 * Reads a clock, which never runs backwards here: what was dead once stays dead, although the clock is set back. `NaN`
 * where it gives no time.
 */
export function timeOf(clock: () => number): number {
  const time = clock();
  if (!Number.isFinite(time)) return NaN;
  const now = Math.max(time, latest.get(clock) ?? time);
  latest.set(clock, now);
  return now;
}
