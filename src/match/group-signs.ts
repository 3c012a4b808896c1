import {
  type Alphabet,
  BASE64_ALPHABET,
  HEX_ALPHABET,
  mayStand,
  nextMember,
  placesOf,
  separates,
} from "./group-alphabets.ts";

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

const HEX_LETTER = /[a-f]/i;

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
  if (separates(unit)) return -32;
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
  return separates(unit) ? step : step & ~((1 << 21) | MAY_BE_HEX);
});
/** The same with one more for all that is not in ASCII, which separates. */
const STEPS = Int32Array.of(...GROUPS, -32);
const encoder = new TextEncoder();
const BYTES = new Uint8Array(4096);

/**
 * Whether groups near a place, where a state has {@linkcode MAY_BE_GROUPS}, say something that `wants` wants. Only so
 * much is read as any beginning of a match takes.
 */
export function isNearGroups(text: string, place: number, state: number, wants: (said: string) => boolean): boolean {
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
    for (let count = 1; count < length; count++) first = nextMember(text, first, -1);
    if (saysWanted(text, first, BASE64_ALPHABET, wants)) return true;
  }
  return false;
}

/** Whether a chain that has come to a place at some phase, and is so long, goes on as far as it must; most do not. */
function goesOn(text: string, place: number, phase: number, length: number): boolean {
  let at = place;
  for (let more = 1; more <= CHAIN - length; more++) {
    at = nextMember(text, at, 1);
    if (!mayStand(text, at, (phase + more) & 3)) return false;
  }
  return true;
}

/** Where hexadecimal of text begins of which a letter stands at a place; -1 where it is none, or shorter than it must. */
function firstHex(text: string, place: number): number {
  const [begins, goes] = HEX_ALPHABET.at as readonly [Uint8Array, Uint8Array];
  let first = nextMember(text, place, -1);
  let count = 2;
  for (; count < HEX_BACK; count += 2) {
    const second = nextMember(text, first, -1);
    if (goes[text.charCodeAt(second)] !== 1) break;
    const before = nextMember(text, second, -1);
    if (begins[text.charCodeAt(before)] !== 1) break;
    first = before;
  }
  for (let at = place; count < CHAIN; count++) {
    at = nextMember(text, at, 1);
    if ((count & 1 ? goes : begins)[text.charCodeAt(at)] !== 1) return -1;
  }
  return first;
}

/** Whether groups of base64 that a capital is in say something that `wants` wants. */
export function isBase64Groups(text: string, capital: number, wants: (said: string) => boolean): boolean {
  if (chainLength(text, capital) < CHAIN) return false;
  for (let phase = 0; phase < 4; phase++) {
    if (!mayStand(text, capital, phase)) continue;
    let first = phase === 0 ? capital : -1;
    let length = 1;
    for (let count = 1, at = nextMember(text, capital, -1); count < BACK; count++, at = nextMember(text, at, -1)) {
      const now = (phase - count) & 3;
      if (!mayStand(text, at, now)) break;
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

/** The length of a chain that a character may be in, whatever its place: more than most are, and soon known. */
function chainLength(text: string, place: number): number {
  const own = placesOf(text, place);
  let length = 1;
  for (let places = own, at = place; length < CHAIN; length++) {
    at = nextMember(text, at, 1);
    places = ((places << 1) | (places >> 3)) & placesOf(text, at);
    if (places === 0) break;
  }
  for (let places = own, at = place; length < CHAIN; length++) {
    at = nextMember(text, at, -1);
    places = ((places >> 1) | (places << 3)) & placesOf(text, at);
    if (places === 0) break;
  }
  return length;
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
    at = nextMember(text, at, 1);
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
    at = nextMember(text, at, 1);
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
  let hasLetter: boolean | undefined;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 90) continue;
    if (unit > 64) {
      if (isBase64Groups(text, i, wants)) return true;
    } else if (unit > 49 && unit < 56 && (hasLetter ??= HEX_LETTER.test(text)) && isHexGroups(text, i, wants)) {
      return true;
    }
  }
  return false;
}

function hasLongGroups(text: string, wants: (said: string) => boolean): boolean {
  const steps = STEPS;
  const bytes = BYTES;
  let state = NO_GROUPS;
  for (let begin = 0; begin < text.length;) {
    // In parts: a platform may copy all that it is given.
    const { read, written } = encoder.encodeInto(
      text.length <= bytes.length ? text : text.slice(begin, begin + bytes.length),
      bytes,
    );
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
