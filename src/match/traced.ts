/**
 * What a text's forms are made of: a string, or a {@linkcode Traced} one, which also knows where it comes from. Of
 * a string's methods only these are used, so that both go through the very same steps. A pattern has the flag `g`.
 */
export interface Rewritable<T> {
  /** UTF-16 units. */
  readonly length: number;
  /** Replaces every match. */
  replace(pattern: RegExp, to: string): T;
  /** Replaces every match by what a function makes of it and of its groups. */
  replace(pattern: RegExp, to: (match: string, ...groups: string[]) => string): T;
  /** As a string does. */
  toLowerCase(): T;
  /** As a string does. */
  toUpperCase(): T;
  /** As a string does. */
  normalize(form: "NFC" | "NFKC"): T;
  /** The text. */
  toString(): string;
}

/** A part of a text to replace; parts are in order and apart. */
export interface Edit {
  /** Where it begins. */
  readonly from: number;
  /** Where it ends. */
  readonly to: number;
  /** What takes its place. */
  readonly text: string;
}

/** A character with what composes with it. */
const CLUSTER = /[^][\p{M}\u1160-\u11ff]*/gu;
const CHARACTER = /[^]/gu;

/** A form of a text that knows for each of its units which part of the text it was made of. */
export class Traced implements Rewritable<Traced> {
  readonly #text: string;
  // For each unit, where the part of the text begins that it was made of, and where that ends.
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;

  constructor(
    text: string,
    starts: Int32Array = Int32Array.from({ length: text.length }, (_, i) => i),
    ends: Int32Array = Int32Array.from({ length: text.length }, (_, i) => i + 1),
  ) {
    this.#text = text;
    this.#starts = starts;
    this.#ends = ends;
  }

  get length(): number {
    return this.#text.length;
  }

  toString(): string {
    return this.#text;
  }

  /** The part of the text, half-open, from which a part of the form was made. */
  origin(from: number, to: number): [number, number] {
    let start = Infinity;
    let end = 0;
    for (let i = from; i < to; i++) {
      start = Math.min(start, this.#starts[i]!);
      end = Math.max(end, this.#ends[i]!);
    }
    return [start, end];
  }

  /**
   * Replaces parts of the form. What is as long as the part that it replaces was made of it unit by unit, since a
   * decoder shortens what it decodes; else every unit was made of all of the part.
   */
  edit(edits: Iterable<Edit>): Traced {
    const starts: number[] = [];
    const ends: number[] = [];
    let text = "";
    let at = 0;
    const keep = (from: number, to: number): void => {
      for (let i = from; i < to; i++) {
        starts.push(this.#starts[i]!);
        ends.push(this.#ends[i]!);
      }
    };
    for (const { from, to, text: replacement } of edits) {
      text += this.#text.slice(at, from) + replacement;
      keep(at, from);
      if (replacement.length === to - from) keep(from, to);
      else if (replacement !== "") {
        const [start, end] = from === to ? [0, this.#text.length] : this.origin(from, to);
        for (let i = 0; i < replacement.length; i++) {
          starts.push(start);
          ends.push(end);
        }
      }
      at = to;
    }
    if (at === 0) return this;
    keep(at, this.#text.length);
    return new Traced(text + this.#text.slice(at), Int32Array.from(starts), Int32Array.from(ends));
  }

  replace(pattern: RegExp, to: string | ((match: string, ...groups: string[]) => string)): Traced {
    const edits: Edit[] = [];
    for (const match of this.#text.matchAll(pattern)) {
      const [whole, ...groups] = match;
      const text = typeof to === "string" ? to : to(whole, ...(groups as string[]));
      if (text !== whole) edits.push({ from: match.index, to: match.index + whole.length, text });
    }
    return this.edit(edits);
  }

  toLowerCase(): Traced {
    return this.#map(CHARACTER, (text) => text.toLowerCase());
  }

  toUpperCase(): Traced {
    return this.#map(CHARACTER, (text) => text.toUpperCase());
  }

  normalize(form: "NFC" | "NFKC"): Traced {
    return this.#map(CLUSTER, (text) => text.normalize(form));
  }

  /** Maps the whole text, and its parts to learn which part became what. */
  #map(parts: RegExp, to: (text: string) => string): Traced {
    const whole = to(this.#text);
    if (whole === this.#text) return this;
    const mapped = this.replace(parts, to);
    if (mapped.#text === whole) return mapped;
    // A part depends on what stands beside it: a final sigma, a letter that composes with the next.
    if (mapped.length === whole.length) return new Traced(whole, mapped.#starts, mapped.#ends);
    const { length } = whole;
    const [start, end] = this.origin(0, this.#text.length);
    return new Traced(whole, new Int32Array(length).fill(start), new Int32Array(length).fill(end));
  }
}

/** Replaces parts of a text of either kind. */
export function edited<T extends Rewritable<T>>(text: T, edits: readonly Edit[]): T {
  if (edits.length === 0) return text;
  if (text instanceof Traced) return text.edit(edits) as unknown as T;
  const whole = text.toString();
  let out = "";
  let at = 0;
  for (const { from, to, text: replacement } of edits) {
    out += whole.slice(at, from) + replacement;
    at = to;
  }
  return (out + whole.slice(at)) as unknown as T;
}
