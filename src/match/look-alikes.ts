import { type Edit, edited, type Rewritable } from "./traced.ts";

// Letters that are drawn like a Latin one, in pairs of letter and Latin letter. After Unicode's confusables, kept to
// what is used for deception in words: Cyrillic, Greek, Armenian, and Latin letters of phonetics.
const PAIRS = "АAВBЕEЗ3ІIЈJКKМMНHОOРPСCТTУYХXЅSԀDԌGԚQԜWѴVҮYҺHӀl" +
  "аaвbеeгrдgіiјjкkмmнhоoпnрpсcтtуyхxѕsԁdԍgԛqԝwѵvүyһhӏlьbєeѓrґr" +
  "ΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϹCͿJ" +
  "αaβbεeηnιiκkνvοoρpτtυuχxωwγyσoϲcϳjςc" +
  "օoսuոnհhցgզqյjՏSՍUՕOԼL";
// Never letters of a word in their own right, so they stand for the Latin letter wherever they are.
const STYLED = "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpʀrꜱsᴛtᴜuᴠvᴡwʏyᴢzɑaɡg";
// The digit nought of each script that has digits of its own and no compatibility form.
const NOUGHTS = [
  0x660,
  0x6f0,
  0x7c0,
  0x966,
  0x9e6,
  0xa66,
  0xae6,
  0xb66,
  0xbe6,
  0xc66,
  0xce6,
  0xd66,
  0xde6,
  0xe50,
  0xed0,
  0xf20,
  0x1040,
  0x1090,
  0x17e0,
  0x1810,
  0x1946,
  0x19d0,
  0x1a80,
  0x1a90,
  0x1b50,
  0x1bb0,
  0x1c40,
  0x1c50,
  0xa620,
  0xa8d0,
  0xa900,
  0xa9d0,
  0xa9f0,
  0xaa50,
  0xabf0,
];

function table(pairs: string): ReadonlyMap<string, string> {
  const letters = [...pairs];
  return new Map(letters.flatMap((letter, i) => (i % 2 === 0 ? [[letter, letters[i + 1]!] as const] : [])));
}

// Letters in squares and circles, black on white and white on black.
const ENCLOSED = [0x1f130, 0x1f150, 0x1f170];

/** Characters that follow each other from a first one, each with one of a text. */
function row(first: number, text: string): readonly (readonly [string, string])[] {
  return Array.from(text, (one, i) => [String.fromCodePoint(first + i), one] as const);
}

const latin = table(PAIRS);
const plain: ReadonlyMap<string, string> = new Map([
  ...table(STYLED),
  ...NOUGHTS.flatMap((zero) => row(zero, "0123456789")),
  ...ENCLOSED.flatMap((first) => row(first, "abcdefghijklmnopqrstuvwxyz")),
  ["\u2044", "/"],
  ["\u2215", "/"],
]);

const STYLED_CHARACTER = /(?![\0-\x7f])[ɐ-ʯᴀ-ᵿꜰꜱ\p{Nd}\p{Pd}\u2212\u2044\u2215\u{1f130}-\u{1f189}]/gu;
const DASH = /[\p{Pd}\u2212]/u;
const LETTER = /[\p{L}\p{M}]/u;
const LATIN = /\p{Script=Latin}/u;
const FOREIGN = /[\u0370-\u058f]/;
const FOREIGN_RUN = /[\u0370-\u058f]+/g;
// What stands for bytes that are no text has no other form, and is no letter of any.
const BEYOND_ASCII = /[^\0-\x7f\ufffd]/;

/**
 * Writes what only looks like a Latin letter, a digit, a dash or a slash as one.
 *
 * Letters of other scripts change only in a word that is Latin otherwise: every letter of it is Latin or has a Latin
 * look-alike, and at least one is Latin. A word in one script stays what it is, and a dotless i is a letter of Turkish.
 */
export function unmask<T extends Rewritable<T>>(text: T): T {
  const bare = text.replace(STYLED_CHARACTER, plainOf);
  return edited(bare, maskedWords(bare.toString()));
}

/** The words that are Latin but for letters of other scripts; where there are none of those, nothing is looked at. */
function maskedWords(text: string): Edit[] {
  const edits: Edit[] = [];
  let last = 0;
  for (const { 0: run, index } of text.matchAll(FOREIGN_RUN)) {
    if (index < last) continue;
    let from = index;
    while (from > last && isLetter(text, from - 1)) from--;
    let to = index + run.length;
    while (to < text.length && isLetter(text, to)) to++;
    const word = text.slice(from, to);
    const plainWord = unmaskWord(word);
    if (plainWord !== word) edits.push({ from, to, text: plainWord });
    last = to;
  }
  return edits;
}

function isLetter(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  if (unit < 128) return (unit > 96 && unit < 123) || (unit > 64 && unit < 91);
  // Either half of a pair is a letter if both together are.
  const isTrail = (unit & 0xfc00) === 0xdc00;
  return LETTER.test(isTrail ? text.slice(at - 1, at + 1) : String.fromCodePoint(text.codePointAt(at)!));
}

function plainOf(c: string): string {
  return plain.get(c) ?? (DASH.test(c) ? "-" : c);
}

function unmaskWord(word: string): string {
  if (!FOREIGN.test(word) || !LATIN.test(word)) return word;
  let out = "";
  for (const c of word) {
    const letter = latin.get(c);
    if (letter === undefined && FOREIGN.test(c)) return word;
    out += letter ?? c;
  }
  return out;
}

/** Whether a text has anything beyond ASCII but U+FFFD, which stands for what is no text. */
export function isBeyondAscii(text: string): boolean {
  return BEYOND_ASCII.test(text);
}

/** The Latin letter or the digit that a character looks like, whatever stands beside it: for names of people. */
export function lookAlike(character: string): string | undefined {
  // No i in a text, but too like one to tell two people apart.
  if (character === "ı") return "i";
  return latin.get(character) ?? plain.get(character);
}
