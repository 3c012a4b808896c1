import { inheritedOf, pickOwn } from "./own.ts";

/** What a value is, in a few words that never hold much of it: for messages about configuration. */
export function show(value: unknown): string {
  switch (typeof value) {
    case "string":
      return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}…` : JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "function":
      return "a function";
    case "symbol":
      return "a symbol";
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? `an array of ${value.length}` : "an object";
    default:
      return Object.is(value, -0) ? "-0" : String(value);
  }
}

/** Makes the error of a wrong option: `Cannot build rateLimit(): "max" must be a whole number >= 1, and is 0`. */
export function wrong(where: string, field: string, wanted: string, got: unknown): TypeError | RangeError {
  return typeof got === "number"
    ? new RangeError(mistake(where, field, wanted, got))
    : wrongType(where, field, wanted, got);
}

/** The same, where no number would do: always a `TypeError`. */
export function wrongType(where: string, field: string, wanted: string, got: unknown): TypeError {
  return new TypeError(mistake(where, field, wanted, got));
}

function mistake(where: string, field: string, wanted: string, got: unknown): string {
  return `Cannot build ${where}: "${field}" must be ${wanted}, and is ${show(got)}`;
}

/** Whether `value` is a whole number of at least `min` and at most `max`. */
export function isWhole(value: unknown, min: number, max: number = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** What to say was wanted where it is none. */
export function wantedWhole(min: number, max: number): string {
  return max === Number.MAX_SAFE_INTEGER ? `a whole number >= ${min}` : `a whole number from ${min} to ${max}`;
}

/** Returns `value` if it is a whole number of at least `min` and at most `max`, else throws. */
export function wholeNumber(
  where: string,
  field: string,
  value: unknown,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): number {
  if (isWhole(value, min, max)) return value;
  throw wrong(where, field, wantedWhole(min, max), value);
}

/** Returns `value` if it is a number from `min` to `max`, else throws; `NaN` is none. */
export function numberBetween(where: string, field: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw wrong(where, field, `a number from ${min} to ${max}`, value);
}

/** Returns a copy of a list of strings, else throws with the index of the first that is none. */
export function stringList(where: string, field: string, value: unknown): string[] {
  if (!Array.isArray(value)) throw wrongType(where, field, "an array of strings", value);
  return Array.from(value, (item: unknown, index) => {
    if (typeof item === "string") return item;
    throw wrongType(where, `${field}[${index}]`, "a string", item);
  });
}

/** Returns `value` if it is a function, else throws. */
export function functionOf<F>(where: string, field: string, value: F): F {
  if (typeof value === "function") return value;
  throw wrongType(where, field, "a function", value);
}

/**
 * Reads options by their own keys, each once, into a record that inherits nothing.
 *
 * @throws {TypeError} If `value` is no object, has a key beyond `known`, or takes a known one from a class.
 */
export function ownOptions<T extends object>(where: string, value: T, known: readonly (keyof T & string)[]): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType(where, "options", "an object", value);
  }
  for (const key of Object.keys(value)) {
    if (!(known as readonly string[]).includes(key)) {
      throw wrongType(where, key, `one of the known options (${known.join(", ")})`, value[key as keyof T]);
    }
  }
  const inherited = inheritedOf(value, known);
  if (inherited !== undefined) {
    throw new TypeError(`Cannot build ${where}: "${inherited}" must be the options' own, and is their class's`);
  }
  return pickOwn(value, known) as T;
}
