import { bytesOfBase64, textOfBytes } from "./bytes.ts";

/** A picture, a sound, a film or a document that stands in data as text. */
export interface Picture {
  /** What it stands for: bytes that are no text. */
  readonly bytes: Uint8Array;
  /** What can be read in it all the same: its media type, names in its header, words between. */
  readonly said: string;
}

/** A shorter text hardly counts. */
const MIN_LENGTH = 512;
const DATA_URL = /^data:[^,]{0,200};base64,/i;
/** How base64 of media begins: PNG, JPEG, GIF, RIFF (WebP, WAV), BMP, TIFF, PDF, Ogg, MP3, FLAC, Matroska, MP4 and HEIF. */
const MEDIA =
  /^(?:iVBORw0KGg|\/9j\/|R0lGODd|R0lGODl|UklGR|Qk[0-3]|SUkqA|TU0AK|JVBERi0|T2dnU|SUQz|\/\/[uvs]|Zkxh|GkXfo|AAAA.{2}Z0eX)/;
const STRICT = /^[A-Za-z\d+/]+={0,2}$/;

const BLOCK = 256;
/** Of two letters or digits side by side in base64 two in three are of another kind; in words and names one in five. */
const MIN_CHANGES = 1 / 3;
const REPEATED = /(.)\1{8,}/g;
const GAP = "\ufffd";
/** A shorter piece of text is chance, and one at an end hardly is. */
const MIN_PIECE = 16;
const MIN_END_PIECE = 10;

/**
 * The picture that a text stands for, as base64 or as a `data:` URL; `undefined` where it is a text: bytes that are
 * valid UTF-8, or none of a kind that is known by how it begins.
 *
 * Whoever counts the bytes as bytes must judge `said` as text: both what is readable in the text as it stands, and in
 * what it stands for, from wherever it is read.
 */
export function pictureIn(text: string): Picture | undefined {
  if (text.length < MIN_LENGTH) return undefined;
  const head = text.startsWith("data:") || text.startsWith("DATA:") ? DATA_URL.exec(text)?.[0] ?? "" : "";
  const packed = head === "" ? text : text.slice(head.length);
  if (packed.length < MIN_LENGTH || !MEDIA.test(packed) || !STRICT.test(packed)) return undefined;
  const bytes = bytesOfBase64(packed);
  if (bytes === undefined || textOfBytes(bytes) !== undefined) return undefined;
  const pieces = head === "" ? [] : [head];
  wordsIn(packed, pieces);
  textIn(bytes, pieces);
  // A reader may begin at any character, so that the bytes begin between these.
  for (const bits of [2, 4, 6]) textIn(shifted(bytes, bits), pieces);
  return { bytes, said: pieces.join(GAP) };
}

/** Bytes from some bits on. */
function shifted(bytes: Uint8Array, bits: number): Uint8Array {
  const moved = new Uint8Array(bytes.length - 1);
  for (let at = 0; at < moved.length; at++) {
    moved[at] = ((bytes[at] as number) << bits) | ((bytes[at + 1] as number) >> (8 - bits));
  }
  return moved;
}

/** Parts of a text in which letters and digits follow each other as in words, and not as in base64. */
function wordsIn(packed: string, pieces: string[]): void {
  let last = -1;
  for (let at = 0; at < packed.length; at += BLOCK) {
    const block = packed.slice(at, at + BLOCK);
    // The last may be too short to tell.
    const known = block.length < BLOCK ? packed.slice(-BLOCK) : block;
    if (changesOf(known) >= MIN_CHANGES || changesOf(known.replace(REPEATED, "$1")) >= MIN_CHANGES) continue;
    const words = block.replace(REPEATED, (run) => run.slice(0, 8));
    if (at === last + BLOCK && pieces.length > 0) pieces.push((pieces.pop() as string) + words);
    else pieces.push(words);
    last = at;
  }
}

/** The share of neighbours among a text's letters and digits that are of another kind. */
function changesOf(text: string): number {
  let changes = 0;
  let before = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    const kind = unit > 96 && unit < 123 ? 1 : unit > 64 && unit < 91 ? 2 : unit > 47 && unit < 58 ? 3 : 0;
    if (kind === 0) continue;
    if (before !== 0 && kind !== before) changes++;
    before = kind;
  }
  return text.length < 16 ? 1 : changes / text.length;
}

/** How many bytes follow the first of a letter in UTF-8; -1 for what is no text, -2 for NUL. */
const FOLLOW = Int8Array.from({ length: 256 }, (_, byte) => {
  if (byte === 0) return -2;
  if ((byte > 31 && byte < 127) || byte === 9 || byte === 10 || byte === 13) return 0;
  return byte < 0xc2 || byte > 0xf4 ? -1 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
});

/** Runs of text in bytes that are none as a whole: by bytes, since a picture has millions that are none. */
function textIn(bytes: Uint8Array, pieces: string[]): void {
  let start = 0;
  for (let at = 0; at < bytes.length;) {
    const next = at + letterAt(bytes, at);
    if (next > at) {
      at = next;
      continue;
    }
    if (at - start >= MIN_END_PIECE) addPiece(bytes, start, at, pieces);
    start = ++at;
  }
  addPiece(bytes, start, bytes.length, pieces);
}

/** How many bytes the letter at a place has; 0 where there is none. */
function letterAt(bytes: Uint8Array, at: number): number {
  const follow = FOLLOW[bytes[at] as number] as number;
  if (follow < 1) {
    // One NUL stands between the letters of UTF-16; two are no text.
    return follow === 0 || (follow === -2 && bytes[at - 1] !== 0 && bytes[at + 1] !== 0) ? 1 : 0;
  }
  for (let more = 1; more <= follow; more++) if (((bytes[at + more] as number) & 0xc0) !== 0x80) return 0;
  return at + follow < bytes.length ? follow + 1 : 0;
}

function addPiece(bytes: Uint8Array, start: number, end: number, pieces: string[]): void {
  const least = start === 0 || end === bytes.length ? MIN_END_PIECE : MIN_PIECE;
  if (end - start < least) return;
  const piece = new TextDecoder().decode(bytes.subarray(start, end));
  pieces.push(piece);
  if (piece.includes("\0")) pieces.push(piece.replaceAll("\0", ""));
}
