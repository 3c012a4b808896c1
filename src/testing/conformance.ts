/** One thing that must hold, to be run by any test runner. */
export interface ConformanceCase {
  /** What is tested. */
  readonly title: string;
  /** Rejects with what is wrong. */
  run(): Promise<void>;
}

/** Throws unless two values hold the same, as JSON. */
export function same(what: string, found: unknown, wanted: unknown): void {
  const [a, b] = [JSON.stringify(found) ?? "undefined", JSON.stringify(wanted) ?? "undefined"];
  if (a !== b) throw new Error(`${what}: wanted ${b}, found ${a}`);
}

/** Throws unless something holds. */
export function holds(what: string, condition: boolean): void {
  if (!condition) throw new Error(`${what}: does not hold`);
}
