const MAX_DEPTH = 32;
const MAX_LENGTH = 1 << 18;
const LONE_SURROGATE = /\p{Cs}/u;

/**
 * Writes plain data as canonical JSON (RFC 8785): keys sorted by their UTF-16 units, no white space, numbers and
 * strings as ECMAScript prints them. Equal data gives equal text, whatever order its keys were set in.
 *
 * @throws {TypeError} For what JSON can't hold faithfully: `undefined`, functions, symbols, bigints, NaN and
 *   infinities, lone surrogates, holes, class instances, a `__proto__` key, more than 32 levels or 262144 characters.
 */
export function canonicalJson(value: unknown): string {
  return write(value, { left: MAX_LENGTH }, 0);
}

function write(value: unknown, budget: { left: number }, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError(`Cannot write canonical JSON: it has more than ${MAX_DEPTH} levels`);
  if (typeof value === "object" && value !== null) {
    spend(budget, 2);
    return Array.isArray(value)
      ? writeArray(value, budget, depth)
      : writeObject(value as Record<string, unknown>, budget, depth);
  }
  const text = writeScalar(value);
  spend(budget, text.length);
  return text;
}

function spend(budget: { left: number }, length: number): void {
  budget.left -= length + 1;
  if (budget.left < 0) throw new TypeError(`Cannot write canonical JSON: it has more than ${MAX_LENGTH} characters`);
}

function writeScalar(value: unknown): string {
  if (typeof value === "string") {
    // A lone surrogate is written as U+FFFD in UTF-8, so that two texts would have the same bytes.
    if (LONE_SURROGATE.test(value)) {
      throw new TypeError("Cannot write canonical JSON: a string holds half a surrogate pair");
    }
    return JSON.stringify(value);
  }
  if (value === null || typeof value === "boolean" || Number.isFinite(value)) return JSON.stringify(value);
  throw new TypeError(
    `Cannot write canonical JSON: it holds ${typeof value === "number" ? value : `a value of type ${typeof value}`}`,
  );
}

function writeArray(items: readonly unknown[], budget: { left: number }, depth: number): string {
  const parts: string[] = [];
  for (let at = 0; at < items.length; at++) parts.push(write(items[at], budget, depth + 1));
  return `[${parts.join(",")}]`;
}

function writeObject(object: Record<string, unknown>, budget: { left: number }, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new TypeError("Cannot write canonical JSON: it holds an object that is not plain");
  }
  if (Object.getOwnPropertySymbols(object).length > 0) {
    throw new TypeError("Cannot write canonical JSON: it holds a key that is a symbol");
  }
  const parts = Object.keys(object).sort().map((key) => {
    if (key === "__proto__") throw new TypeError('Cannot write canonical JSON: it holds a key "__proto__"');
    const name = writeScalar(key);
    spend(budget, name.length);
    return `${name}:${write(object[key], budget, depth + 1)}`;
  });
  return `{${parts.join(",")}}`;
}
