import { sextet } from "./signs.ts";
import { type Edit, edited, type Rewritable } from "./traced.ts";

/** Text that is written in groups of base64 or of hexadecimal. */
export interface Groups {
  /** Where the first group begins. */
  readonly from: number;
  /** Where the last one ends, padding included. */
  readonly to: number;
  /** How many characters they say. */
  readonly length: number;
  /** What they say, in the parts that hold whole bytes. */
  readonly parts: readonly Edit[];
}

/** What text is written in. */
interface Alphabet {
  /** For each character of ASCII whether it is one of the alphabet. */
  readonly has: Uint8Array;
  /** The same for each place in a group of bytes of text. */
  readonly at: readonly Uint8Array[];
  readonly bits: number;
  readonly leastBytes: number;
  value(unit: number): number;
}

/** A state of {@linkcode GROUPS} at the beginning of a text. */
export const NO_GROUPS: number = (1 << 5) | (1 << 12);
/** Where a state has these, base64 may have been read: from a chain's second place on, eight at most. */
const MAY_BE_BASE64 = 0b1111111 << 23;
/** The same for hexadecimal: a small letter or a capital after a digit that text begins its bytes with. */
const MAY_BE_HEX = (1 << 22) | (1 << 30);
/** A state has one of these where groups may have been read that say something. */
export const MAY_BE_GROUPS: number = MAY_BE_BASE64 | MAY_BE_HEX;
const CHAIN = 8;
/** The last row begins after this bit. */
const ROW = 21;

/** The least that says something in groups, with what stands between two of them. */
export const MIN_GROUPS = 9;

/** To read a longer text as bytes costs less. */
export const SHORT = 192;
/** Longer groups show by themselves what they are. */
const MAX_GROUP = 24;
/** A dash or an underscore between groups may be one of base64 as well, and pictures have many. */
const MAX_DASHED = 10;
/** A look at one place goes this far: what a pattern begins with is nearer. */
const REACH = 24;
const MAX_SAID = 18;
/** A capital in base64 may be so far from where a match begins. */
const BACK = 12;
/** A letter in hexadecimal, which shows it, may be the last of so many digits, and a match begin with the first. */
const HEX_BACK = 32;
const HEX_REACH: number = HEX_BACK + REACH;
/** What is read as something else than it says is longer than this. */
const MIN_NESTED = 9;
/** Random names in a list write many short texts by chance; where there are more than this, only longer ones count. */
const MAX_CHANCE = 8;
const MIN_CERTAIN = 14;

// Not as in base64url: here a dash and an underscore stand between groups.
const BASE64_ALPHABET: Alphabet = {
  has: marks((unit) => unit !== 45 && unit !== 95 && sextet(unit) >= 0),
  at: [0, 1, 2, 3].map((place) => marks((unit) => unit !== 45 && unit !== 95 && mayBeText(sextet(unit), place))),
  bits: 6,
  leastBytes: 6,
  value: sextet,
};
const HEX_ALPHABET: Alphabet = {
  has: marks((unit) => isHexDigit(unit)),
  at: [marks((unit) => unit > 49 && unit < 56), marks((unit) => isHexDigit(unit))],
  bits: 4,
  leastBytes: 4,
  value: (unit) => (unit < 58 ? unit - 48 : (unit & 31) + 9),
};
const ALPHABETS = [BASE64_ALPHABET, HEX_ALPHABET];
/** For each character of ASCII bit `i` where it can be the `i`-th of four that hold bytes of text. */
const TEXT_PLACES = Uint8Array.from({ length: 128 }, (_, unit) => {
  return BASE64_ALPHABET.at.reduce((places, at, i) => places | (at[unit]! << i), 0);
});
// What an escape begins with is decoded first, and padding ends what is encoded.
const SEPARATES = marks((unit) => BASE64_ALPHABET.has[unit] === 0 && unit !== 37 && unit !== 92 && unit !== 61);
const HEX_LETTER = /[a-f]/i;
const PADDING = /[ \t\r\n]*={1,2}/y;
const UNREADABLE = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]+|\0{2,}/g;
const GAP = "\ufffd";

/**
 * For each character of ASCII how a state changes at it: `state = ((state << g) & g) | NO_GROUPS`, where a shift takes
 * the low five bits of `g`.
 *
 * This is the Shift-And algorithm over the characters of the groups alone: what stands between them moves nothing. A
 * chain of base64 of text moves by one place at a small letter, and by one place and a row of eight at a capital, a
 * digit or a sign, of which prose has few: the rows hold chains with none of those, with one and with two, and a chain
 * in the last one is reported. Between the rows, a digit that text begins its bytes with and a letter are reported as
 * hexadecimal.
 */
export const GROUPS: Int32Array = Int32Array.from({ length: 128 }, (_, unit) => {
  if (SEPARATES[unit] === 1) return -32;
  if (BASE64_ALPHABET.has[unit] === 0) return 0;
  const isSmall = unit > 96 && unit < 123;
  let places = 0;
  for (let i = 0; i < CHAIN; i++) {
    // A chain that is too long for two more capitals is in none of the first rows, nor a short one in the last.
    const rows = (i < 6 ? 1 : 0) | (i < 7 ? 1 << 8 : 0) | (i > 0 ? 1 << 16 : 0);
    if (BASE64_ALPHABET.at[i & 3]![unit] === 1) places |= rows << (6 + i);
  }
  if (HEX_ALPHABET.at[0]![unit] === 1) places |= 1 << 21;
  else if (HEX_ALPHABET.has[unit] === 1) places |= isSmall ? 1 << 22 : unit > 64 ? 1 << 30 : 0;
  return places | (isSmall ? 1 : 9);
});

/** The same without hexadecimal. */
export const BASE64_GROUPS: Int32Array = GROUPS.map((step, unit) => {
  return SEPARATES[unit] === 1 ? step : step & ~((1 << 21) | MAY_BE_HEX);
});
/** The same with one more for all that is not in ASCII, which separates. */
const STEPS = new Int32Array(129);
STEPS.set(GROUPS);
STEPS[128] = -32;
const encoder = new TextEncoder();
const BYTES = new Uint8Array(4096);

function marks(has: (unit: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, unit) => (has(unit) ? 1 : 0));
}

export function isHexDigit(unit: number): boolean {
  return (unit > 47 && unit < 58) || ((unit | 32) > 96 && (unit | 32) < 103);
}

/** Whether a sextet can be the `place`-th of four that hold three bytes of text. */
function mayBeText(value: number, place: number): boolean {
  if (value < 0) return false;
  for (const byte of [0, 9, 10, 13, ...Array.from({ length: 95 }, (_, i) => i + 32)]) {
    if (place === 0 && byte >> 2 === value) return true;
    if (place === 1 && byte >> 4 === (value & 15)) return true;
    if (place === 2 && byte >> 6 === (value & 3)) return true;
  }
  return place === 3;
}

/**
 * Whether groups near a place, where a state has {@linkcode MAY_BE_GROUPS}, say something that `wants` wants. Only so
 * much is read as any beginning of a match takes.
 */
function isNearGroups(text: string, place: number, state: number, wants: (said: string) => boolean): boolean {
  if ((state & MAY_BE_HEX) !== 0) {
    const first = firstHex(text, place);
    if (first >= 0 && saysWanted(text, first, HEX_ALPHABET, wants)) return true;
  }
  for (let chains = state & MAY_BE_BASE64; chains !== 0;) {
    // The longest chain first: the top bit of the last row.
    const top = 31 - Math.clz32(chains);
    chains ^= 1 << top;
    const length = top - ROW;
    if (!goesOn(text, place, (length - 1) & 3, length)) continue;
    let first = place;
    for (let count = 1; count < length; count++) first = memberBefore(text, first);
    if (saysWanted(text, first, BASE64_ALPHABET, wants)) return true;
  }
  return false;
}

/** Whether a chain that has come to a place at some phase, and is so long, goes on as far as it must; most do not. */
function goesOn(text: string, place: number, phase: number, length: number): boolean {
  let at = place;
  for (let more = 1; more <= CHAIN - length; more++) {
    do at++; while (at < text.length && isSeparator(text.charCodeAt(at)));
    if (at >= text.length || !mayStand(text, at, (phase + more) & 3)) return false;
  }
  return true;
}

function memberBefore(text: string, from: number): number {
  let at = from - 1;
  while (at >= 0 && isSeparator(text.charCodeAt(at))) at--;
  return at;
}

/** Where hexadecimal of text begins of which a letter stands at a place; -1 where it is none, or shorter than it must. */
function firstHex(text: string, place: number): number {
  const [begins, goes] = HEX_ALPHABET.at as readonly [Uint8Array, Uint8Array];
  let first = memberBefore(text, place);
  let count = 2;
  for (; count < HEX_BACK; count += 2) {
    const second = memberBefore(text, first);
    if (goes[text.charCodeAt(second)] !== 1) break;
    const before = memberBefore(text, second);
    if (begins[text.charCodeAt(before)] !== 1) break;
    first = before;
  }
  for (let at = place; count < CHAIN; count++) {
    do at++; while (isSeparator(text.charCodeAt(at)));
    if ((count & 1 ? goes : begins)[text.charCodeAt(at)] !== 1) return -1;
  }
  return first;
}

/** Whether groups of base64 that a capital is in say something that `wants` wants. */
export function isBase64Groups(text: string, capital: number, wants: (said: string) => boolean): boolean {
  for (let phase = 0; phase < 4; phase++) {
    if (!mayStand(text, capital, phase)) continue;
    let first = phase === 0 ? capital : -1;
    let length = 1;
    for (let count = 1, at = memberBefore(text, capital); count < BACK; count++, at = memberBefore(text, at)) {
      const now = (phase - count) & 3;
      if (at < 0 || !mayStand(text, at, now)) break;
      if (now !== 0) continue;
      first = at;
      length = count + 1;
    }
    if (first >= 0 && goesOn(text, capital, phase, length) && saysWanted(text, first, BASE64_ALPHABET, wants)) {
      return true;
    }
  }
  return false;
}

function mayStand(text: string, at: number, phase: number): boolean {
  const unit = text.charCodeAt(at);
  return unit < 128 && (TEXT_PLACES[unit]! >> phase & 1) === 1;
}

/** Whether groups of hexadecimal that begin at a place say something that `wants` wants. */
export function isHexGroups(text: string, first: number, wants: (said: string) => boolean): boolean {
  const [begins, goes] = HEX_ALPHABET.at as readonly [Uint8Array, Uint8Array];
  let hasLetter = false;
  let count = 0;
  for (let at = first; at >= 0 && count < HEX_REACH; count++) {
    const unit = text.charCodeAt(at);
    if ((count & 1 ? goes : begins)[unit] !== 1) break;
    hasLetter ||= unit > 64;
    do at++; while (isSeparator(text.charCodeAt(at)));
  }
  if (count < CHAIN || (!hasLetter && count < HEX_REACH)) return false;
  return saysWanted(text, first, HEX_ALPHABET, wants);
}

function saysWanted(
  text: string,
  first: number,
  { at: places, bits, value }: Alphabet,
  wants: (said: string) => boolean,
): boolean {
  const reach = bits === 4 ? HEX_REACH : REACH;
  let said = "";
  let held = 0;
  let have = 0;
  let at = first;
  for (let count = 0; count < reach && places[count % places.length]![text.charCodeAt(at)] === 1; count++) {
    held = ((held << bits) | value(text.charCodeAt(at))) & 0xffff;
    have += bits;
    if (have >= 8) said += String.fromCharCode((held >> (have -= 8)) & 255);
    do at++; while (isSeparator(text.charCodeAt(at)));
  }
  return wants(said);
}

/** Whether what is read as something else than it says is long enough for that. */
export function mayBeNested(said: string): boolean {
  return said.length >= MIN_NESTED;
}

/** Whether there may be more than the beginning. */
export function mayGoOn(said: string): boolean {
  return said.length >= MAX_SAID;
}

/** Whether any groups of a text say something that `wants` wants, of which it gets the beginning. */
export function hasGroups(text: string, wants: (said: string) => boolean): boolean {
  if (text.length > SHORT) return hasLongGroups(text, wants);
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 90) continue;
    if (unit > 64 ? isBase64Groups(text, i, wants) : unit > 49 && unit < 56 && isHexGroups(text, i, wants)) return true;
  }
  return false;
}

function hasLongGroups(text: string, wants: (said: string) => boolean): boolean {
  const steps = STEPS;
  const bytes = BYTES;
  let state = NO_GROUPS;
  for (let begin = 0; begin < text.length;) {
    const { read, written } = encoder.encodeInto(begin === 0 ? text : text.slice(begin), bytes);
    if (read !== written) return passGroups(text, begin, text.length, state, wants) === 0;
    for (let i = 0; i < written;) {
      for (const end = written - 3; i < end; i += 4) {
        const a = steps[bytes[i]!]!;
        const b = steps[bytes[i + 1]!]!;
        const c = steps[bytes[i + 2]!]!;
        const d = steps[bytes[i + 3]!]!;
        const state1 = ((state << a) & a) | NO_GROUPS;
        const state2 = ((state1 << b) & b) | NO_GROUPS;
        const state3 = ((state2 << c) & c) | NO_GROUPS;
        const state4 = ((state3 << d) & d) | NO_GROUPS;
        if (((state1 | state2 | state3 | state4) & MAY_BE_GROUPS) !== 0) break;
        state = state4;
      }
      const next = Math.min(i + 4, written);
      state = passGroups(text, begin + i, begin + next, state, wants);
      if (state === 0) return true;
      i = next;
    }
    begin += written;
  }
  return false;
}

/**
 * Takes a state over some characters of a text; 0 where groups near them say something that `wants` wants, of which it
 * gets the beginning.
 */
export function passGroups(
  text: string,
  from: number,
  to: number,
  before: number,
  wants: (said: string) => boolean,
): number {
  const steps = STEPS;
  let state = before;
  for (let i = from; i < to;) {
    for (; i < to && (state & MAY_BE_GROUPS) === 0; i++) {
      const unit = text.charCodeAt(i);
      const step = steps[unit > 127 ? 128 : unit]!;
      state = ((state << step) & step) | NO_GROUPS;
    }
    if ((state & MAY_BE_GROUPS) === 0) break;
    if (isNearGroups(text, i - 1, state, wants)) return 0;
    state &= ~MAY_BE_GROUPS;
  }
  return state;
}

/** What groups of a text say, in order and apart. With `isCertain`, without what chance may have written. */
export function groupsIn(text: string, isCertain: boolean): readonly Groups[] {
  const out: Groups[] = [];
  let floor = 0;
  let state = NO_GROUPS;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const change = unit > 127 ? -32 : GROUPS[unit]!;
    state = ((state << change) & change) | NO_GROUPS;
    if ((state & MAY_BE_GROUPS) === 0) continue;
    const isShown = isNearGroups(text, i, state, () => true);
    state &= ~MAY_BE_GROUPS;
    if (!isShown) continue;
    const found = ALPHABETS.flatMap((alphabet) => readAt(text, i, alphabet, floor));
    if (found.length === 0) continue;
    const [first] = found;
    floor = Math.max(...found.map((one) => one.to));
    if (found.length === 1) out.push(first!);
    else {
      // What can be read in two ways is read in both.
      const from = Math.min(...found.map((one) => one.from));
      const text = found.map(({ parts }) => parts.map((part) => part.text).join("")).join(GAP);
      out.push({ from, to: floor, length: text.length, parts: [{ from, to: floor, text }] });
    }
    i = floor - 1;
    state = NO_GROUPS;
  }
  return isCertain && out.length > MAX_CHANCE ? out.filter((one) => one.length >= MIN_CERTAIN) : out;
}

/** What groups of a text say, without anything else: what was not said in groups is read in other ways. */
export function decodeGroups<T extends Rewritable<T>>(text: T): T {
  return said(text, groupsIn(text.toString(), false));
}

/** The same without what chance may have written. */
export function decodeCertainGroups<T extends Rewritable<T>>(text: T): T {
  return said(text, groupsIn(text.toString(), true));
}

function said<T extends Rewritable<T>>(text: T, groups: readonly Groups[]): T {
  if (groups.length === 0) return text;
  const edits: Edit[] = [];
  let at = 0;
  for (const one of groups) {
    if (one.from > at) edits.push({ from: at, to: one.from, text: GAP });
    edits.push(...one.parts);
    at = one.to;
  }
  if (at < text.length) edits.push({ from: at, to: text.length, text: GAP });
  return edited(text, edits);
}

/** What the groups say that a place is in, whatever place in its group of bytes it has. */
function readAt(text: string, place: number, alphabet: Alphabet, floor: number): Groups[] {
  const out: Groups[] = [];
  for (let phase = 0; phase < alphabet.at.length; phase++) {
    const chain = chainAt(text, place, phase, alphabet, floor);
    const groups = chain && readChain(text, chain, alphabet);
    // What stands together is no group, and is read as it is.
    if (groups !== undefined && !isLong(text, place)) out.push(groups);
  }
  return out;
}

function readChain(
  text: string,
  { from, to }: Chain,
  { has, at, bits, value, leastBytes }: Alphabet,
): Groups | undefined {
  const places: number[] = [];
  let digits = "";
  for (let i = from; i < to; i++) {
    if (has[text.charCodeAt(i)] !== 1) continue;
    places.push(i);
    digits += text[i];
  }
  if (places.length === to - from || (bits === 4 && !HEX_LETTER.test(digits))) return undefined;
  const said = bytesOf(digits, bits, value);
  if (!said.split(UNREADABLE).some((one) => one.length >= leastBytes)) return undefined;
  const parts: Edit[] = [];
  // So many characters hold so many whole bytes.
  const members = at.length;
  const bytes = (members * bits) / 8;
  const last = places[Math.ceil((said.length * 8) / bits) - 1]!;
  for (let i = 0; i * bytes < said.length; i++) {
    const begin = places[i * members]!;
    // What stands between two parts is a part of neither.
    if (i > 0 && begin > parts.at(-1)!.to) parts.push({ from: parts.at(-1)!.to, to: begin, text: "" });
    const isLast = (i + 1) * bytes >= said.length;
    parts.push({
      from: begin,
      to: isLast ? paddingAfter(text, last + 1) : places[(i + 1) * members - 1]! + 1,
      text: said.slice(i * bytes, (i + 1) * bytes).replace(UNREADABLE, GAP),
    });
  }
  return { from, to: parts.at(-1)!.to, length: said.length, parts };
}

interface Chain {
  readonly from: number;
  readonly to: number;
}

/** The chain of characters that a place is in where it has this place in its group of bytes of text. */
function chainAt(
  text: string,
  place: number,
  phase: number,
  { has, at }: Alphabet,
  floor: number,
): Chain | undefined {
  const places = at.length;
  if (at[phase]![text.charCodeAt(place)] !== 1) return undefined;
  let from = phase === 0 ? place : -1;
  let before = place;
  for (let count = 1;; count++) {
    before = neighbour(text, before, -1, has);
    const now = (phase + count * (places - 1)) % places;
    if (before < floor || at[now]![text.charCodeAt(before)] !== 1) break;
    if (now === 0) from = before;
  }
  if (from < 0) return undefined;
  let last = place;
  for (let count = 1;; count++) {
    const after = neighbour(text, last, 1, has);
    if (after < 0 || at[(phase + count) % places]![text.charCodeAt(after)] !== 1) break;
    last = after;
  }
  return { from, to: last + 1 };
}

/** The next character of the same group, or of the one beside it; -1 where there is none. */
function neighbour(text: string, from: number, by: 1 | -1, has: Uint8Array): number {
  let to = from + by;
  while (isSeparator(text.charCodeAt(to))) to += by;
  if (has[text.charCodeAt(to)] !== 1) return -1;
  if (to === from + by) return to;
  const isDashed = to === from + 2 * by && isDash(text.charCodeAt(from + by));
  const most = isDashed ? MAX_DASHED : MAX_GROUP;
  return lengthFrom(text, to, by, most) > most || (isDashed && lengthFrom(text, from, -by as 1 | -1, most) > most)
    ? -1
    : to;
}

/** Whether a character of ASCII can stand between groups. */
export function separates(unit: number): boolean {
  return SEPARATES[unit] === 1;
}

function isSeparator(unit: number): boolean {
  return unit > 127 || SEPARATES[unit] === 1;
}

function isDash(unit: number): boolean {
  return unit === 45 || unit === 95;
}

/** How many characters a group has from one of them on, up to one more than `most`. */
function lengthFrom(text: string, from: number, by: 1 | -1, most: number): number {
  let count = 1;
  while (count <= most && BASE64_ALPHABET.has[text.charCodeAt(from + count * by)] === 1) count++;
  return count;
}

function isLong(text: string, place: number): boolean {
  return lengthFrom(text, place, -1, MAX_GROUP) + lengthFrom(text, place, 1, MAX_GROUP) - 1 > MAX_GROUP;
}

function bytesOf(digits: string, bits: number, value: (unit: number) => number): string {
  let out = "";
  let held = 0;
  let count = 0;
  for (let i = 0; i < digits.length; i++) {
    held = ((held << bits) | value(digits.charCodeAt(i))) & 0xffff;
    count += bits;
    if (count < 8) continue;
    count -= 8;
    out += String.fromCharCode((held >> count) & 255);
  }
  return out;
}

function paddingAfter(text: string, to: number): number {
  PADDING.lastIndex = to;
  return PADDING.test(text) ? PADDING.lastIndex : to;
}
