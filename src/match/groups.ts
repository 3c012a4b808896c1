import { type Alphabet, ALPHABETS, BASE64_ALPHABET, nextMember } from "./group-alphabets.ts";
import { GROUPS, isBase64Groups, isNearGroups, MAY_BE_GROUPS, NO_GROUPS } from "./group-signs.ts";
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

/** Longer groups show by themselves what they are. */
const MAX_GROUP = 24;
/** A dash or an underscore between groups may be one of base64 as well, and pictures have many. */
const MAX_DASHED = 10;
/** Random names in a list write many short texts by chance; where there are more than this, only longer ones count. */
const MAX_CHANCE = 8;
const MIN_CERTAIN = 14;

const HEX_LETTER = /[a-f]/i;
const PADDING = /[ \t\r\n]*={1,2}/y;
const UNREADABLE = /[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]+|\0{2,}/g;
const GAP = "\ufffd";
const IS_ANY = (): boolean => true;

/** What groups of a text say, in order and apart. With `isCertain`, without what chance may have written. */
export function groupsIn(text: string, isCertain: boolean): readonly Groups[] {
  const out: Groups[] = [];
  let floor = 0;
  let state = NO_GROUPS;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const end = longGroupEnd(text, i);
    if (end > i) {
      i = end - 1;
      state = NO_GROUPS;
      continue;
    }
    const change = unit > 127 ? -32 : GROUPS[unit]!;
    state = ((state << change) & change) | NO_GROUPS;
    const isCapital = unit > 64 && unit < 91;
    if ((state & MAY_BE_GROUPS) === 0 && !isCapital) continue;
    const isShown = isNearGroups(text, i, state, IS_ANY) || (isCapital && isBase64Groups(text, i, IS_ANY));
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
  const to = nextMember(text, from, by);
  if (has[text.charCodeAt(to)] !== 1) return -1;
  if (to === from + by) return to;
  const isDashed = to === from + 2 * by && isDash(text.charCodeAt(from + by));
  const most = isDashed ? MAX_DASHED : MAX_GROUP;
  return lengthFrom(text, to, by, most) > most || (isDashed && lengthFrom(text, from, -by as 1 | -1, most) > most)
    ? -1
    : to;
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

/** Where a group ends that begins at a place and is too long to be one; the place where none does. */
function longGroupEnd(text: string, from: number): number {
  const { has } = BASE64_ALPHABET;
  if (has[text.charCodeAt(from)] !== 1 || (from > 0 && has[text.charCodeAt(from - 1)] === 1)) return from;
  if (lengthFrom(text, from, 1, MAX_GROUP) <= MAX_GROUP) return from;
  let end = from + MAX_GROUP;
  while (has[text.charCodeAt(end)] === 1) end++;
  return end;
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
