// How far an output is from the first one.

import { show } from "../base/check.ts";
import { isThenable } from "../base/decision.ts";
import { kindText, partsOf } from "../snapshot/kind-text.ts";

/** Tells how alike two texts are: from 0 (nothing in common) to 1 (the same), at once or later. */
export type Similarity = (a: string, b: string) => number | Promise<number>;

const MAX_DEPTH = 64;
const MAX_NODES = 100_000;

/**
 * Returns the drift of an output from its baseline: `1 - similarity`, from 0 (the same) to 1 (nothing in common).
 *
 * At once where the measure answers at once, else a promise; a measure that throws or rejects does so here.
 *
 * @throws {TypeError} If the measure answers anything but a number from 0 to 1 (`NaN` is none); a promise rejects with
 *   it.
 */
export function driftOf(similarity: Similarity, baseline: string, output: string): number | Promise<number> {
  const score: unknown = similarity(baseline, output);
  return isThenable(score) ? Promise.resolve(score).then(fromSimilarity) : fromSimilarity(score);
}

function fromSimilarity(score: unknown): number {
  // Written so that NaN fails: every comparison with it is false, and a NaN drift would never exceed a threshold.
  if (typeof score === "number" && score >= 0 && score <= 1) return 1 - score;
  throw new TypeError(`A similarity must be a number from 0 to 1, and is ${show(score)}`);
}

interface Reading {
  readonly words: string[];
  nodes: number;
}

/** Reads a data property; an accessor has no text, as reading it would run its code. */
function collectAt(object: object, key: string | number, depth: number, reading: Reading): void {
  const property = Object.getOwnPropertyDescriptor(object, key);
  if (property !== undefined && Object.hasOwn(property, "value")) collect(property.value, depth, reading);
  else reading.nodes--;
}

function collect(value: unknown, depth: number, reading: Reading): void {
  reading.nodes--;
  if (typeof value === "string") reading.words.push(value);
  else if (typeof value === "number" || typeof value === "bigint") reading.words.push(String(value));
  else if (typeof value === "object" && value !== null && depth < MAX_DEPTH) {
    try {
      const text = kindText(value);
      if (text !== undefined) {
        if (text !== null) reading.words.push(text);
        return;
      }
      // What a class above an array of bytes is used for is its own business.
      if (ArrayBuffer.isView(value)) return;
      const parts = partsOf(value);
      if (parts !== undefined) {
        for (let at = 0; at < parts.length && reading.nodes > 0; at++) collect(parts[at], depth + 1, reading);
        return;
      }
      if (Array.isArray(value)) {
        for (let at = 0; at < value.length && reading.nodes > 0; at++) collectAt(value, at, depth + 1, reading);
        return;
      }
      const keys = Object.keys(value);
      for (let at = 0; at < keys.length && reading.nodes > 0; at++) collectAt(value, keys[at]!, depth + 1, reading);
    } catch {
      // A Proxy may refuse; what can't be read has no text.
    }
  }
}

/**
 * Returns the text of a payload on which drift is measured.
 *
 * A string is its own text. Of anything else it is the strings and numbers in it, joined by a space, in the order in
 * which they stand (keys of an object in JavaScript's order); dates, URLs, errors, maps, sets and bytes that are UTF-8
 * have text as patterns see it; keys, booleans, functions, symbols and other bytes have none. No code of the value is
 * run: accessors are passed over, and `toJSON` and `toString` are never called. An object that stands twice is read
 * twice; what lies deeper than 64 levels, or behind the first 100 000 values, is left out.
 */
export function textOf(payload: unknown): string {
  if (typeof payload === "string") return payload;
  const reading: Reading = { words: [], nodes: MAX_NODES };
  collect(payload, 0, reading);
  return reading.words.join(" ");
}
