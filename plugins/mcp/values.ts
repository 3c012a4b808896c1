import { memberOf, ownOf } from "../shared/own.ts";
import type { Fields } from "./types.ts";

const MAX_DEPTH = 64;
const OPEN = { writable: true, enumerable: true, configurable: true };

/** Whether a value is an object with keys, and no array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * A private copy of a value as `JSON.stringify` would write it, each part read once.
 *
 * @throws {TypeError} If it has a cycle, more than 64 levels, or a number that JSON has not.
 */
export function jsonCopy(value: unknown): unknown {
  return copied(value, "", 0);
}

/** A copy of an object; `undefined` for what is none. */
export function fieldsCopy(value: unknown): Fields | undefined {
  const copy = jsonCopy(value);
  return isFields(copy) ? copy : undefined;
}

function copied(given: unknown, key: string | number, depth: number): unknown {
  let value = given;
  if (typeof value === "object" && value !== null) {
    if (depth > MAX_DEPTH) throw new TypeError("More than 64 levels, or a cycle");
    // Asked first, since nearly nothing has one.
    if ("toJSON" in value) {
      const toJSON = memberOf(value as { toJSON?: unknown }, "toJSON");
      if (typeof toJSON === "function") value = toJSON.call(value, String(key));
    }
  }
  switch (typeof value) {
    case "bigint":
      throw new TypeError("A number that JSON does not have");
    case "function":
    case "symbol":
      return undefined;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "object":
      break;
    default:
      return value;
  }
  if (value === null) return null;
  if (Array.isArray(value)) {
    const items: unknown[] = [];
    for (let at = 0; at < value.length; at++) items.push(copied(value[at], at, depth + 1) ?? null);
    return items;
  }
  const copy: Fields = {};
  for (const name of Object.keys(value)) {
    const item = copied((value as Fields)[name], name, depth + 1);
    if (item === undefined) continue;
    // Only what everything has already could swallow an assignment, and what is lost is not judged.
    if (!(name in Object.prototype)) copy[name] = item;
    else Object.defineProperty(copy, name, { __proto__: null, value: item, ...OPEN } as PropertyDescriptor);
  }
  return copy;
}

/** What an SDK notes on a result under symbols: it is nobody's words, and goes with the result. */
export function symbolsOf(value: object): Record<symbol, unknown> {
  const keys = Object.getOwnPropertySymbols(value);
  if (keys.length === 0) return {};
  return Object.fromEntries(keys.map((key) => [key, (value as Record<symbol, unknown>)[key]]));
}

const SILENT: ReadonlySet<string> = new Set(["_meta", "params", "progressToken", "progress", "total", "requestId"]);

/** Whether a message says anything: texts, or keys beside those that count and number. */
export function saysAnything(value: unknown): boolean {
  if (typeof value === "string") return true;
  if (typeof value !== "object" || value === null) return false;
  if (Array.isArray(value)) return value.some(saysAnything);
  return Object.entries(value).some(([name, item]) => !SILENT.has(name) || saysAnything(item));
}

/** How long, and by whom, an answer may be cached: numbers and one of two words, which are nobody's. */
export function withoutCaching(message: Fields): { readonly said: Fields; readonly caching: Fields } {
  const given = ownOf(message, "cacheScope");
  if (given !== "public" && given !== "private") return { said: message, caching: {} };
  const { cacheScope, ...said } = message;
  return { said, caching: { cacheScope } };
}
