import type { Report } from "./error.ts";

/**
 * Reads the own entries of a plain object, each once, in their order; reports what is no plain object.
 *
 * Hidden and symbol keys count, so that an unknown one can be reported. A prototype of its own is refused: a field that
 * stands there would be passed over, and its rule with it.
 */
export function entriesOf(value: unknown, report: Report): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value) || !isPlain(value)) {
    report({ path: "", wanted: "a plain object", got: value });
    return [];
  }
  return ownEntries(value);
}

/** The own entries of an object, each read once. */
export function ownEntries(value: object): [string, unknown][] {
  return Reflect.ownKeys(value).map((key) => [String(key), (value as Record<string | symbol, unknown>)[key]]);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null) return true;
  // Object.prototype of any realm.
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "isPrototypeOf");
}

/** What to say was wanted where a key is unknown. */
export function wantedKey(key: string, known: readonly string[]): string {
  const typed = key.slice(0, 64).toLowerCase();
  let best = 0.7;
  let hint = "";
  for (const name of known) {
    const score = (2 * shared(typed, name.toLowerCase())) / ([...typed].length + name.length);
    if (score > best) [best, hint] = [score, ` (did you mean "${name}"?)`];
  }
  return `a known field${hint}`;
}

/**
 * How many letters two words share: the first of their longest runs in common, then what is shared before it and behind
 * it. As `sequenceSimilarity` counts, in the few lines that short words need.
 */
function shared(a: string, b: string): number {
  let length = 0;
  let inA = 0;
  let inB = 0;
  for (let at = 0; at + length < a.length;) {
    const found = b.indexOf(a.slice(at, at + length + 1));
    if (found < 0) at++;
    else [length, inA, inB] = [length + 1, at, found];
  }
  return length === 0
    ? 0
    : length + shared(a.slice(0, inA), b.slice(0, inB)) + shared(a.slice(inA + length), b.slice(inB + length));
}
