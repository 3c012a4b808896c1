import { isPlainObject } from "./place.ts";
import { type Truth, truth, UNKNOWN } from "./truth.ts";

const MAX_CHARS = 2 ** 20;
const MAX_DEPTH = 64;

/**
 * What a session's user said, and trusted tools answered: at most 1 MiB of text; beyond it nothing more is known. A
 * child knows what its parent knows.
 */
export class KnownTexts {
  readonly #parent: KnownTexts | undefined;
  readonly #texts: string[] = [];
  #left: number = MAX_CHARS;

  constructor(parent?: KnownTexts) {
    this.#parent = parent;
  }

  /** Learns all texts in plain data, each for itself. */
  learn(value: unknown, depth = 0): void {
    if (depth > MAX_DEPTH) return;
    if (typeof value === "string") this.#add(value);
    else if (typeof value === "number" || typeof value === "bigint") this.#add(String(value));
    else if (value instanceof URL) this.#add(value.href);
    else if (Array.isArray(value) || value instanceof Set) { for (const item of value) this.learn(item, depth + 1); }
    else if (value instanceof Map) { for (const item of value.values()) this.learn(item, depth + 1); }
    else if (isPlainObject(value)) { for (const key of Object.keys(value)) this.learn(value[key], depth + 1); }
  }

  #add(text: string): void {
    if (text.length === 0 || text.length > this.#left) return;
    this.#left -= text.length;
    this.#texts.push(plain(text));
  }

  /** Whether a text stands in one of them, whole. Too short a text stands everywhere, and is unknown. */
  has(text: string): Truth {
    const wanted = plain(text).trim();
    if (wanted.length < 3 || (wanted.length < 6 && /^\d*$/.test(wanted))) return UNKNOWN;
    return truth(this.#stands(wanted));
  }

  #stands(wanted: string): boolean {
    return this.#texts.some((text) => standsIn(text, wanted)) ||
      (this.#parent !== undefined && this.#parent.#stands(wanted));
  }
}

function plain(text: string): string {
  return text.toLowerCase().replace(/\s+/g, " ");
}

const EDGE = /[\s()[\]{}<>"'`“”„‘’‚«»]/;
const MARK = /[,.;:!?]/;

function standsIn(text: string, wanted: string): boolean {
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    const end = at + wanted.length;
    if (isEdge(text, at - 1) && (isEdge(text, end) || (MARK.test(text[end] as string) && isEdge(text, end + 1)))) {
      return true;
    }
  }
  return false;
}

function isEdge(text: string, at: number): boolean {
  const char = text[at];
  return char === undefined || EDGE.test(char);
}
