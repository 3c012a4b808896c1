import { type Bytes, sha256, toHex, utf8 } from "../crypto/bytes.ts";
import { KEY_LENGTH, publicKeyOf, SIGNATURE_LENGTH, signatureOf } from "../crypto/ed25519.ts";
import { show, wrongType } from "../base/check.ts";
import { bare } from "../base/own.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import type { AuditKey } from "./types.ts";

/** Signed notes: c2sp.org/signed-note. A text, an empty line, and lines with a name and a signature. */

const ED25519 = 1;
const ID_LENGTH = 4;
/** A signed note with more signature lines is refused. */
const MOST_SIGNATURES = 64;
/** Half a surrogate pair: such a text has no UTF-8 of its own. */
const HALF = /\p{Cs}/u;
const NAME = /^[^\s+\p{Cc}\p{Z}]+$/u;
const SIGNATURE_LINE = /^\u2014 ([^\s+\p{Cc}\p{Z}]+) ([A-Za-z0-9+/]+={0,2})$/u;

/** A key that verifies notes. */
export interface Verifier {
  readonly name: string;
  /** Eight hexadecimal digits. */
  readonly id: string;
  readonly publicKey: CryptoKey;
}

/** One signature of a note. */
export interface NoteSignature {
  readonly name: string;
  readonly id: string;
  readonly signature: Bytes;
}

/** A note that was read, and nothing of it believed. */
export interface Note {
  /** What is signed, with its last line end. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Whether a text can be a key's name: not empty, without white space, control characters and `+`. */
export function isKeyName(name: unknown): name is string {
  return typeof name === "string" && name.length <= 256 && !HALF.test(name) && NAME.test(name);
}

/** The first four bytes of the hash of name and key. */
async function idOf(name: string, publicKey: Uint8Array): Promise<Bytes> {
  const head = utf8(`${name}\n`);
  const whole = new Uint8Array(head.length + 1 + publicKey.length);
  whole.set(head);
  whole[head.length] = ED25519;
  whole.set(publicKey, head.length + 1);
  return (await sha256(whole)).slice(0, ID_LENGTH);
}

/** The text form of a key that verifies: `name+keyid+base64`. */
export async function vkeyOf(name: string, publicKey: Uint8Array): Promise<string> {
  return `${name}+${toHex(await idOf(name, publicKey))}+${toBase64(Uint8Array.of(ED25519, ...publicKey))}`;
}

/**
 * Reads the text form of a key that verifies.
 *
 * @throws {TypeError} If it is none, is of another algorithm, or its id is not the key's.
 */
export async function readVkey(where: string, field: string, vkey: unknown): Promise<Verifier> {
  const refused = (): TypeError => wrongType(where, field, "an Ed25519 verifier key, name+keyid+base64", vkey);
  const parts = typeof vkey === "string" ? /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey) : null;
  const [, name, id, encoded] = parts ?? [];
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || id === undefined || bytes?.length !== 1 + KEY_LENGTH || bytes[0] !== ED25519) throw refused();
  const raw = publicKeyOf(bytes.subarray(1));
  if (raw === undefined || toHex(await idOf(name, raw)) !== id) throw refused();
  try {
    const publicKey = await crypto.subtle.importKey("raw", raw, bare({ name: "Ed25519" }), false, ["verify"]);
    return { name, id, publicKey };
  } catch (error) {
    if ((error as { name?: unknown } | null)?.name === "NotSupportedError") throw error;
    throw refused();
  }
}

/** Signs a text that ends in a line end. */
export async function signNote(text: string, signers: readonly AuditKey[]): Promise<string> {
  const message = utf8(text);
  const lines = await Promise.all(signers.map(async ({ name, vkey, privateKey }) => {
    const signature = new Uint8Array(await crypto.subtle.sign(bare({ name: "Ed25519" }), privateKey, message));
    const id = vkey.slice(name.length + 1, name.length + 9);
    const signed = new Uint8Array(ID_LENGTH + signature.length);
    for (let at = 0; at < ID_LENGTH; at++) signed[at] = Number.parseInt(id.slice(2 * at, 2 * at + 2), 16);
    signed.set(signature, ID_LENGTH);
    return `\u2014 ${name} ${toBase64(signed)}\n`;
  }));
  return `${text}\n${lines.join("")}`;
}

/** Reads a note; `undefined` if it is none. One without any signature line is read too. */
export function readNote(note: unknown): Note | undefined {
  if (typeof note !== "string" || !note.endsWith("\n") || HALF.test(note)) return undefined;
  // deno-lint-ignore no-control-regex -- the specification forbids them
  if (/[\0-\x09\x0b-\x1f]/.test(note)) return undefined;
  // The last empty line parts text and signatures.
  const parted = note.endsWith("\n\n") ? note.length - 2 : note.lastIndexOf("\n\n");
  if (parted < 0) return undefined;
  const text = note.slice(0, parted + 1);
  const lines = note.slice(parted + 2).split("\n");
  lines.pop();
  if (lines.length > MOST_SIGNATURES) return undefined;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name, encoded] = SIGNATURE_LINE.exec(line) ?? [];
    const bytes = fromBase64(encoded);
    if (name === undefined || bytes === undefined || bytes.length <= ID_LENGTH) return undefined;
    signatures.push({ name, id: toHex(bytes.subarray(0, ID_LENGTH)), signature: bytes.slice(ID_LENGTH) });
  }
  return { text, signatures };
}

/** Whether a known key signed a note, and none of those that are known to have signed it did so wrongly. */
export async function isSignedBy(note: Note, verifiers: readonly Verifier[]): Promise<boolean> {
  const message = utf8(note.text);
  let isSigned = false;
  for (const { name, id, signature } of note.signatures) {
    // Who else signs is nothing to us: witnesses do, and keys that are still to come.
    const verifier = verifiers.find((one) => one.name === name && one.id === id);
    if (verifier === undefined) continue;
    const safe = signature.length === SIGNATURE_LENGTH ? signatureOf(signature) : undefined;
    if (safe === undefined) return false;
    if (await crypto.subtle.verify(bare({ name: "Ed25519" }), verifier.publicKey, safe, message) !== true) return false;
    isSigned = true;
  }
  return isSigned;
}

/** Reads the keys that verify, from an option. */
export async function readVkeys(where: string, keys: unknown): Promise<Verifier[]> {
  if (!Array.isArray(keys)) throw wrongType(where, "keys", "an array of verifier keys", keys);
  return await Promise.all(Array.from(keys, (key: unknown, at) => readVkey(where, `keys[${at}]`, key)));
}

/** What was wrong with a name of a key. */
export function wrongKeyName(where: string, name: unknown): TypeError {
  return new TypeError(
    `Cannot build ${where}: "name" must be 1 to 256 characters without white space, control characters and "+", and is ${
      show(name)
    }`,
  );
}
