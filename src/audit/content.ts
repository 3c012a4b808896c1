import { kindOf, kindText } from "../snapshot/kind-text.ts";

/** How much of a payload is read, in characters. */
const MOST = 1 << 20;
const DEPTH = 64;

/**
 * A payload as one text, keys sorted, so that equal payloads have the same: JSON, and what JSON does not have as an
 * object with one key that begins with `$`. `undefined` for a payload that is too large.
 */
export function contentText(payload: unknown): string | undefined {
  const budget = { left: MOST };
  try {
    return write(payload, budget, 0);
  } catch {
    return undefined;
  }
}

function write(value: unknown, budget: { left: number }, depth: number): string {
  if (depth > DEPTH) throw new RangeError("Too deep");
  const text = writeOne(value, budget, depth);
  budget.left -= typeof value === "object" ? 2 : text.length;
  if (budget.left < 0) throw new RangeError("Too large");
  return text;
}

function writeOne(value: unknown, budget: { left: number }, depth: number): string {
  switch (typeof value) {
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "number":
      return Number.isFinite(value) ? JSON.stringify(value) : tagged("number", JSON.stringify(String(value)));
    case "bigint":
      return tagged("bigint", `"${value}"`);
    case "object":
      return value === null ? "null" : writeObject(value, budget, depth);
    default:
      return tagged(typeof value, "null");
  }
}

function writeObject(value: object, budget: { left: number }, depth: number): string {
  const each = (items: Iterable<unknown>): string => {
    const parts: string[] = [];
    for (const item of items) parts.push(write(item, budget, depth + 1));
    return `[${parts.join(",")}]`;
  };
  if (Array.isArray(value)) return each(value);
  const kind = kindOf(value);
  if (kind === "Map") return tagged("Map", each(value as Map<unknown, unknown>));
  if (kind === "Set") return tagged("Set", each(value as Set<unknown>));
  const text = kind === undefined ? undefined : kindText(value);
  if (typeof text === "string") {
    budget.left -= text.length;
    return tagged(kind as string, JSON.stringify(text));
  }
  const parts: string[] = [];
  for (const key of Object.keys(value).sort()) {
    budget.left -= key.length;
    parts.push(`${JSON.stringify(key)}:${write((value as Record<string, unknown>)[key], budget, depth + 1)}`);
  }
  const own = `{${parts.join(",")}}`;
  return kind === undefined ? own : tagged(kind, own);
}

function tagged(kind: string, text: string): string {
  return `{"$${kind}":${text}}`;
}
