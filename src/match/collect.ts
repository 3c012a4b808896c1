import { kindText } from "../snapshot/kind-text.ts";
import { textOf } from "./decode.ts";

/** How deep a payload may be. */
export const MAX_DEPTH = 64;
/** How many values a payload may have. */
export const MAX_NODES = 100_000;
/** How many UTF-16 units the texts of a payload may have together. */
export const MAX_UNITS: number = 1 << 24;

/** The texts of a payload, in the order in which they are met. */
export interface Texts {
  /** Names: of properties, and keys of a `Map` that are strings. */
  readonly keys: string[];
  /** Values: strings, numbers, dates as ISO text, URLs, what a regular expression matches, bytes that are UTF-8. */
  readonly leaves: string[];
  /** A cap was reached, so there may be more. */
  capped: boolean;
}

/**
 * Collects the texts that can be reached in a value of any kind.
 *
 * Besides plain data: own properties whatever their names and whether or not they are enumerable, `Map`, `Set`, errors,
 * boxed strings and numbers, symbols' descriptions, bytes. An object that is met again is not read again. Never calls a
 * method of the value; a getter is read like any property, and what it throws is thrown.
 */
export function collectTexts(payload: unknown): Texts {
  const texts: Texts = { keys: [], leaves: [], capped: false };
  const seen = new Set<object>();
  let nodes = 0;
  let units = 0;

  function add(to: string[], text: string): void {
    units += text.length;
    if (units > MAX_UNITS) texts.capped = true;
    else to.push(text);
  }

  function addKey(key: string | symbol): void {
    add(texts.keys, typeof key === "symbol" ? (key.description ?? "") : key);
  }

  function visit(value: unknown, depth: number): void {
    nodes++;
    if (texts.capped || nodes > MAX_NODES) {
      texts.capped = true;
      return;
    }
    switch (typeof value) {
      case "string":
        return add(texts.leaves, value);
      case "number":
      case "bigint":
        return add(texts.leaves, String(value));
      case "symbol":
        return add(texts.leaves, value.description ?? "");
      case "object":
        if (value !== null && !seen.has(value)) visitObject(value, depth);
    }
  }

  function visitObject(value: object, depth: number): void {
    seen.add(value);
    if (depth > MAX_DEPTH) {
      texts.capped = true;
      return;
    }
    const text = kindText(value);
    if (text !== undefined) {
      if (text !== null) add(texts.leaves, text);
      return;
    }
    const bytes = bytesOf(value);
    if (bytes !== undefined) {
      if (bytes.length > MAX_UNITS) texts.capped = true;
      else add(texts.leaves, textOf(bytes));
      return;
    }
    const boxed = unboxed(value);
    if (boxed !== undefined) add(texts.leaves, boxed);
    if (value instanceof Map) {
      Map.prototype.forEach.call(value, (item: unknown, key: unknown) => {
        if (typeof key === "string") addKey(key);
        else visit(key, depth + 1);
        visit(item, depth + 1);
      });
    } else if (value instanceof Set) Set.prototype.forEach.call(value, (item: unknown) => visit(item, depth + 1));
    const isError = value instanceof Error;
    // The name of an error is inherited as a rule; its stack is of the program, not of the payload.
    if (isError) visit(value.name, depth + 1);
    const isList = Array.isArray(value) || boxed !== undefined;
    for (const key of Reflect.ownKeys(value)) {
      const isIndex = isList && typeof key === "string" && (key === "length" || /^\d+$/.test(key));
      if ((isError && key === "stack") || (isIndex && (key === "length" || boxed !== undefined))) continue;
      if (!isIndex) addKey(key);
      visit((value as Record<string | symbol, unknown>)[key], depth + 1);
      if (texts.capped) return;
    }
  }

  visit(payload, 0);
  return texts;
}

function bytesOf(value: object): Uint8Array | undefined {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  return value instanceof ArrayBuffer ? new Uint8Array(value) : undefined;
}

function unboxed(value: object): string | undefined {
  if (value instanceof String) return String.prototype.valueOf.call(value);
  return value instanceof Number ? String(Number.prototype.valueOf.call(value)) : undefined;
}
