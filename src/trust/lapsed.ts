/** How many are remembered one by one. */
const MOST = 10_000;

const lapsed = new Set<string>();
/** What lapsed before this is dead, remembered or not. */
let latest = -Infinity;

/**
 * Whether something is dead at `now`, or was found dead before: by any clock of this process, so that none which is set
 * back, or is another one, gives it life again. `NaN` is no time, and nothing is alive at it.
 *
 * `id` must name one thing, and whoever shows it must not be able to choose it freely for what is somebody else's: a
 * nonce or a signature, which belongs to its `expiresAt` here. Past 10000, what is forgotten draws a line: whatever
 * lapsed no later than that is dead. Nobody can draw it later than a clock of this process has been.
 */
export function hasLapsed(id: string, expiresAt: number, now: number): boolean {
  if (now < expiresAt && expiresAt > latest && (lapsed.size === 0 || !lapsed.has(`${expiresAt} ${id}`))) return false;
  if (now >= expiresAt) remember(`${expiresAt} ${id}`);
  return true;
}

function remember(key: string): void {
  lapsed.add(key);
  if (lapsed.size <= MOST) return;
  const oldest = lapsed.values().next().value as string;
  lapsed.delete(oldest);
  latest = Math.max(latest, Number.parseInt(oldest, 10));
}
