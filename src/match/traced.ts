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

/** A character with what composes with it; in ASCII nothing does that stands alone. */
const CLUSTER = /[^][\p{M}\u1160-\u11ff]+|[^\0-\x7f]/gu;
/** A character that may change its length with its case. */
const CHANGING = /[^\0-\x7f]|[a-zA-Z]+/gu;

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
  edit(edits: readonly Edit[]): Traced {
    if (edits.length === 0) return this;
    const { length } = this.#text;
    const size = edits.reduce((sum, { from, to, text }) => sum + text.length - (to - from), length);
    const starts = new Int32Array(size);
    const ends = new Int32Array(size);
    let text = "";
    let at = 0;
    let out = 0;
    const keep = (to: number): void => {
      starts.set(this.#starts.subarray(at, to), out);
      ends.set(this.#ends.subarray(at, to), out);
      out += to - at;
      at = to;
    };
    for (const { from, to, text: replacement } of edits) {
      text += this.#text.slice(at, from) + replacement;
      keep(replacement.length === to - from ? to : from);
      if (at === to) continue;
      if (replacement !== "") {
        const [start, end] = this.origin(from, to);
        starts.fill(start, out, out + replacement.length);
        ends.fill(end, out, out + replacement.length);
      }
      out += replacement.length;
      at = to;
    }
    text += this.#text.slice(at);
    keep(length);
    return new Traced(text, starts, ends);
  }

  replace(pattern: RegExp, to: string | ((match: string, ...groups: string[]) => string)): Traced {
    const edits: Edit[] = [];
    this.#text.replace(pattern, (whole: string, ...rest: unknown[]) => {
      const text = typeof to === "string" ? to : to(whole, ...(rest as string[]));
      const from = rest.at(-2) as number;
      if (text !== whole) edits.push({ from, to: from + whole.length, text });
      return "";
    });
    return this.edit(edits);
  }

  toLowerCase(): Traced {
    return this.#map(this.#text.toLowerCase(), CHANGING, (text) => text.toLowerCase());
  }

  toUpperCase(): Traced {
    return this.#map(this.#text.toUpperCase(), CHANGING, (text) => text.toUpperCase());
  }

  normalize(form: "NFC" | "NFKC"): Traced {
    return this.#map(this.#text.normalize(form), CLUSTER, (text) => text.normalize(form));
  }

  /** What the whole text became; its parts tell which of them became what. */
  #map(whole: string, parts: RegExp, to: (text: string) => string): Traced {
    if (whole === this.#text) return this;
    // No letter has a shorter one in another case, so none has a longer one here.
    if (parts === CHANGING && whole.length === this.length) return new Traced(whole, this.#starts, this.#ends);
    const mapped = this.replace(parts, to);
    if (mapped.#text === whole) return mapped;
    // A part depends on what stands beside it: a final sigma, a letter that composes with the next.
    if (mapped.length === whole.length) return new Traced(whole, mapped.#starts, mapped.#ends);
    const { length } = whole;
    const [start, end] = this.origin(0, this.length);
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
