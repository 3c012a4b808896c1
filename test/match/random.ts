const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Numbers below 2^32 that look random, the same for the same seed: mulberry32 (Ettinger 2017). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Base64 as of a picture. */
export function randomBase64(length: number, seed: number): string {
  const next = randomNumbers(seed);
  return Array.from({ length }, () => BASE64[next() & 63]).join("");
}

/** Hexadecimal as of a picture. */
export function randomHex(length: number, seed: number): string {
  const next = randomNumbers(seed);
  return Array.from({ length }, () => (next() & 15).toString(16)).join("");
}

/** Words of the first letters of the alphabet. */
export function randomWords(count: number, length: number, seed: number, letters = 26): string[] {
  const next = randomNumbers(seed);
  const word = (): string => Array.from({ length }, () => String.fromCharCode(97 + (next() % letters))).join("");
  return Array.from({ length: count }, word);
}
