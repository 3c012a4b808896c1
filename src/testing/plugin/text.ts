const MOST = 50_000;

/** Everything that can be read in a value, however deep: texts, keys, messages of errors, their causes, bytes. */
export function readable(value: unknown): string {
  const found: string[] = [];
  walk(value, found, new Set(), (error) => [error.name, error.message, error.cause, ...ownValues(error)]);
  return found.join("\n");
}

/** The same but for errors, of which only that is read that leaves a process: name, message, code, reason and JSON. */
export function leaving(value: unknown): string {
  const found: string[] = [];
  walk(value, found, new Set(), (error) => {
    const { name, message, code, reason } = error as Error & { code?: unknown; reason?: unknown };
    return [name, message, code, reason, jsonOf(error)];
  });
  return found.join("\n");
}

function walk(value: unknown, found: string[], seen: Set<object>, readError: (error: Error) => unknown[]): void {
  if (typeof value === "string") found.push(value);
  if (typeof value !== "object" || value === null || seen.has(value) || seen.size > MOST) return;
  seen.add(value);
  for (const inner of insideOf(value, readError)) walk(inner, found, seen, readError);
}

function insideOf(value: object, readError: (error: Error) => unknown[]): unknown[] {
  if (value instanceof Error) return readError(value);
  if (value instanceof Map) return [...value.keys(), ...value.values()];
  if (value instanceof Set) return [...value];
  if (ArrayBuffer.isView(value)) return [new TextDecoder().decode(value as Uint8Array)];
  return [...Object.keys(value), ...ownValues(value)];
}

function ownValues(value: object): unknown[] {
  return Object.keys(value).map((key) => {
    try {
      return (value as Record<string, unknown>)[key];
    } catch {
      return undefined;
    }
  });
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

/** A value as text that is equal where the data is: keys in order, no functions, errors by name and message. */
export function canonical(value: unknown): string {
  const seen = new Set<unknown>();
  const plain = (_key: string, given: unknown): unknown => {
    if (typeof given === "bigint") return `${given}n`;
    if (typeof given !== "object" || given === null || Array.isArray(given)) return given;
    if (seen.size > MOST) return undefined;
    seen.add(given);
    if (given instanceof Error) return { name: given.name, message: given.message };
    if (given instanceof Map) return [...given];
    if (given instanceof Set) return [...given];
    const own = given as Record<string, unknown>;
    return Object.fromEntries(Object.keys(own).sort().map((key) => [key, own[key]]));
  };
  try {
    return JSON.stringify(value, plain) ?? "undefined";
  } catch {
    return "what has no JSON";
  }
}

/** A copy of plain data in which one text stands for another. */
export function swapped(value: unknown, from: string, to: string): unknown {
  if (typeof value === "string") return value.replaceAll(from, to);
  if (Array.isArray(value)) return value.map((item) => swapped(item, from, to));
  if (typeof value !== "object" || value === null) return value;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, swapped(item, from, to)]));
}
