/** What an option must be, in words, and whether a value is that. */
export type OptionRule = readonly [wanted: string, isGood: (value: unknown) => boolean];

/** Throws unless an object has known keys only, and each of them what it must be. */
export function checkOptions(
  where: string,
  options: object,
  wanted: Readonly<Record<string, OptionRule>>,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`Cannot build ${where}: "options" must be an object, and is ${shown(options)}`);
  }
  for (const key of Reflect.ownKeys(options)) {
    const rule = typeof key === "string" && Object.hasOwn(wanted, key) ? wanted[key] : undefined;
    if (rule === undefined) {
      const names = Object.keys(wanted).map((name) => `"${name}"`).join(", ");
      throw new TypeError(
        `Cannot build ${where}: an option must be one of ${names}, and is ${JSON.stringify(String(key))}`,
      );
    }
    const value = (options as Record<PropertyKey, unknown>)[key];
    if (value !== undefined && !rule[1](value)) {
      throw new TypeError(`Cannot build ${where}: "${String(key)}" must be ${rule[0]}, and is ${shown(value)}`);
    }
  }
}

/** An option of an object's own: what a prototype has is none. */
export function own<T extends object, K extends keyof T, D>(options: T, key: K, fallback: D): NonNullable<T[K]> | D {
  return Object.hasOwn(options, key) ? options[key] ?? fallback : fallback;
}

/** What both sides can be told. */
export const SHARED: Readonly<Record<string, OptionRule>> = {
  maxListEntries: ["a whole number >= 1", (value) => Number.isSafeInteger(value) && (value as number) >= 1],
  lists: ['"free" or "calls"', (value) => value === "free" || value === "calls"],
  strict: ["a boolean", (value) => typeof value === "boolean"],
  grantOf: ["a function", (value) => typeof value === "function"],
};

function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
