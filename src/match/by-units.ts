/** A step that takes a text as a whole; undefined where the text would grow too long. */
export type Whole = (text: string) => string | undefined;

/** How texts are mapped. */
export interface Mapping {
  /** What a text becomes, however its parts depend on each other. */
  readonly whole: Whole;
  /** What tells of a unit, besides what it becomes alone, what it is: its other forms, all in one text. */
  readonly formsOf: (unit: string) => string;
  /** White space becomes one blank, and words of two scripts are mapped as a whole. */
  readonly folds: boolean;
  /** The most that a text may become. */
  readonly mostOf: (length: number) => number;
}

// What a unit becomes, with bits for what it is. 0 is a unit that depends on what stands beside it.
const SIMPLE = 1 << 16;
const WHITE = 1 << 17;
const DROPPED = 1 << 18;
const LETTER = 1 << 19;
const LATIN = 1 << 20;
const FOREIGN = 1 << 21;
const GROWS = 1 << 22;
const MARK = 1 << 23;
// A mark that may change places with another.
const SORTED = 1 << 24;
const SAME = 1 << 25;
const TWO_SCRIPTS = LATIN | FOREIGN;

/**
 * What composes with a unit before it (NFC_Quick_Check is Maybe), and halves of characters. Marks beside these stay as
 * they are.
 */
const COMPOSES =
  /[\u0300-\u0304\u0306-\u030c\u030f\u0311\u0313\u0314\u031b\u0323-\u0328\u032d\u032e\u0330\u0331\u0338\u0342\u0345\u0653-\u0655\u093c\u09be\u09d7\u0b3e\u0b56\u0b57\u0bbe\u0bd7\u0c56\u0cc2\u0cd5\u0cd6\u0d3e\u0d57\u0dca\u0dcf\u0ddf\u102e\u1160-\u11ff\u1b35\u3099\u309a\p{Cs}]/u;
const IS_LETTER = /[\p{L}\p{M}]/u;
const IS_MARK = /\p{M}/u;
const IS_LATIN = /\p{Script=Latin}/u;
const IS_FOREIGN = /[\u0370-\u058f]/;
const ONLY_WHITE = /^\s$/;
const ENDS_WHITE = /\s$/;
const BEGINS_WHITE = /^\s/;
// Marks of which one is before all others, and one after them.
const FIRST_MARK = "\u0334";
const LAST_MARK = "\u0345";
/** More marks together are cut off. */
const MAX_MARKS = 16;
const PIECE = 8192;
const MAX_WHOLE = 1024;

/**
 * Maps texts unit by unit, and only those parts as a whole that are more than their units.
 *
 * The answer is that of the mapping of the whole text: units of which another depends are never parted from it.
 */
export class ByUnits {
  readonly #mapping: Mapping;
  readonly #pages: (Int32Array | undefined)[] = new Array<undefined>(256).fill(undefined);
  readonly #grown = new Map<number, string>();
  readonly #units = new Uint16Array(PIECE + 1);

  constructor(mapping: Mapping) {
    this.#mapping = mapping;
  }

  /** What a text becomes. */
  map(text: string): string | undefined {
    const from = this.#changes(text);
    if (from === text.length) return text;
    const { whole, folds, mostOf } = this.#mapping;
    const most = mostOf(text.length);
    const units = this.#units;
    let out = "";
    let size = 0;
    // Where a part may begin that is mapped as a whole, and how much was written before it.
    let start = 0;
    let written = 0;
    let script = 0;
    let marks = 0;
    let isAfterWhite = false;
    // Where parts are many, they are taken together: to begin one costs as much as some words.
    let lastEnd = -1;
    let reach = 1;
    for (let i = 0; i < text.length; i++) {
      const entry = this.#entry(text.charCodeAt(i));
      let isSimple = entry !== 0;
      if ((entry & LETTER) === 0) {
        if ((entry & (SIMPLE | WHITE)) !== 0) {
          start = i;
          written = out.length + size;
          script = marks = 0;
        }
      } else {
        script |= entry & TWO_SCRIPTS;
        if ((entry & MARK) === 0) marks = 0;
        else {
          isSimple = ++marks < MAX_MARKS && !((entry & SORTED) !== 0 && (marks & 0x100) !== 0);
          if ((entry & SORTED) !== 0) marks |= 0x100;
        }
      }
      if (!isSimple || (folds && script === TWO_SCRIPTS)) {
        reach = start - lastEnd < 16 ? Math.min(reach * 2, MAX_WHOLE) : 1;
        const end = this.#cutAfter(text, i + reach);
        const part = whole(text.slice(start, end));
        if (part === undefined) return undefined;
        if (size > 0) out += textOf(units, Math.max(0, written - out.length));
        if (out.length > written) out = out.slice(0, written);
        size = 0;
        out += folds && ENDS_WHITE.test(out.slice(-1)) && BEGINS_WHITE.test(part) ? part.slice(1) : part;
        if (out.length > most) return undefined;
        isAfterWhite = ENDS_WHITE.test(out.slice(-1));
        i = end - 1;
        start = lastEnd = end;
        written = out.length;
        script = marks = 0;
        continue;
      }
      if ((entry & DROPPED) !== 0) continue;
      if ((entry & WHITE) !== 0) {
        if (!isAfterWhite) units[size++] = 32;
        isAfterWhite = true;
      } else {
        isAfterWhite = false;
        if ((entry & GROWS) === 0) units[size++] = entry & 0xffff;
        else {
          out += textOf(units, size) + this.#grown.get(text.charCodeAt(i))!;
          size = 0;
          if (out.length > most) return undefined;
        }
      }
      if (size === PIECE) {
        out += textOf(units, size);
        size = 0;
      }
    }
    return out + textOf(units, size);
  }

  /** The first place that may change. */
  #changes(text: string): number {
    if (this.#mapping.folds) return 0;
    let marks = 0;
    for (let at = 0; at < text.length; at++) {
      const entry = this.#entry(text.charCodeAt(at));
      marks = (entry & MARK) === 0 ? 0 : marks + 1;
      if ((entry & (SAME | SORTED)) !== SAME || marks === MAX_MARKS) return at;
    }
    return text.length;
  }

  /** The first place from `from` on where a part may end: a word does, and nothing composes with what is before it. */
  #cutAfter(text: string, from: number): number {
    let at = from;
    while (at < text.length) {
      const entry = this.#entry(text.charCodeAt(at));
      if ((entry & (SIMPLE | WHITE)) !== 0 && (entry & LETTER) === 0) return at;
      at++;
    }
    return text.length;
  }

  #entry(unit: number): number {
    return (this.#pages[unit >> 8] ?? this.#page(unit >> 8))[unit & 255]!;
  }

  #page(high: number): Int32Array {
    return (this.#pages[high] = Int32Array.from({ length: 256 }, (_, low) => this.#learn((high << 8) + low)));
  }

  #learn(unit: number): number {
    const c = String.fromCharCode(unit);
    if (COMPOSES.test(c)) return 0;
    const mapped = this.#mapping.whole(c);
    if (mapped === undefined) return 0;
    if (mapped === "") return DROPPED;
    const forms = c + mapped + this.#mapping.formsOf(c);
    if (COMPOSES.test(forms)) return 0;
    const isMark = IS_MARK.test(forms);
    // Only a mark that stays alone what it is.
    if (isMark && isSorted(forms) && (mapped !== c || forms.length > 4)) return 0;
    if (this.#mapping.folds && ONLY_WHITE.test(mapped)) return WHITE;
    if (mapped.length > 1 && /\s/.test(mapped)) return 0;
    const isForeign = IS_FOREIGN.test(forms);
    const isLetter = IS_LETTER.test(forms);
    // Between letters it is one of them, though it is none.
    if (isForeign && !isLetter) return 0;
    let entry = SIMPLE | (mapped === c ? SAME : 0);
    if (isLetter) entry |= LETTER;
    if (IS_LATIN.test(forms)) entry |= LATIN;
    if (isForeign) entry |= FOREIGN;
    if (isMark) entry |= MARK | (isSorted(forms) ? SORTED : 0);
    if (mapped.length === 1) return entry | mapped.charCodeAt(0);
    this.#grown.set(unit, mapped);
    return entry | GROWS;
  }
}

/** Whether any unit of a text is a mark that changes places with others. */
function isSorted(forms: string): boolean {
  return Array.from(forms).some((c) => {
    return `${c}${FIRST_MARK}`.normalize("NFD") !== `${c.normalize("NFD")}${FIRST_MARK}` ||
      `${LAST_MARK}${c}`.normalize("NFD") !== `${LAST_MARK}${c.normalize("NFD")}`;
  });
}

function textOf(units: Uint16Array, size: number): string {
  return String.fromCharCode.apply(null, units.subarray(0, size) as unknown as number[]);
}
