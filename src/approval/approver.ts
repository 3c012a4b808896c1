import { lookAlike } from "../match/look-alikes.ts";
import { dropMarks, foldText } from "../match/fold.ts";
import { ownField } from "../base/own.ts";
import type { SessionHandle } from "../kernel/seam.ts";
import { type Bytes, fromBase64Url } from "../crypto/bytes.ts";
import { didOf, oneDid } from "../crypto/did.ts";

const LONGEST_NAME = 512;
/** What is not seen: white space, the blank of Braille, controls, formats, and code points that stand for nothing. */
const BLANK = /[\s\u2800\p{C}\p{Default_Ignorable_Code_Point}]+/gu;
const INVISIBLE = /[\p{C}\p{Default_Ignorable_Code_Point}]+/gu;
const ENDS = /^[\p{P}\p{Z}]+|[\p{P}\p{Z}]+$/gu;
const WORD = /[\p{L}\p{M}]+/gu;
const LATIN = /\p{Script=Latin}/u;
/** Scripts that are written beside Latin letters in one word, and look like none of them. */
const MAY_MIX =
  /[\p{Script=Latin}\p{Script=Common}\p{Script=Inherited}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}]/u;
// Capitals of Cherokee (in the small form that folding gives), Lisu and Coptic that are drawn like Latin ones.
const DRAWN_ALIKE = "ꭰdꭱrꭲtꭹyꭺaꭻjꭼeꮃwꮇmꮋhꮍyꮐgꮒhꮓzꮤwꮥsꮩvꮪsꮮlꮯcꮲpꮶkꮷdꮾb" +
  "ꓐbꓑpꓓdꓔtꓖgꓗkꓙjꓚcꓜzꓝfꓟmꓠnꓡlꓢsꓣrꓦvꓧhꓪwꓫxꓬyꓮaꓰeꓲiꓳoꓴu" +
  "ⲁaⲃbⲉeⲏhⲓiⲕkⲙmⲛnⲟoⲣpⲥcⲧtⲩyⲭx";
const alike: ReadonlyMap<string, string> = new Map(
  Array.from(DRAWN_ALIKE.matchAll(/(.)(.)/gu), ([, letter, latin]) => [letter as string, latin as string]),
);

/** Who signed. */
export interface Person {
  /** The names that tell people apart: who shares one with somebody is the same. Empty: nobody. */
  readonly names: readonly string[];
  /** Further names that would make it the requester, though they make nobody the same as another. */
  readonly hints: readonly string[];
}

const NOBODY: Person = Object.freeze({ names: [], hints: [] });

/**
 * Reads the name of a signer as people read it: case, blanks, invisible characters and look-alike letters make no other
 * person, and the names of one key are one name. `undefined`: it cannot be told whose name it is.
 */
export async function personOf(by: string | undefined): Promise<Person | undefined> {
  if (by === undefined) return NOBODY;
  if (by.length > LONGEST_NAME) return undefined;
  const text = by.replace(BLANK, "").normalize("NFKC").replace(BLANK, "");
  const key = await keyName(text);
  if (key !== undefined) return { names: [key], hints: [] };
  const name = asRead(text);
  if (name === undefined || mixesScripts(by) || isBrokenKeyName(text)) return undefined;
  if (name === "") return NOBODY;
  const raw = fromBase64Url(text, 32);
  const last = /^did:/i.test(text) ? asRead(text.slice(text.lastIndexOf(":") + 1)) : undefined;
  return {
    names: [name],
    hints: [...(raw === undefined ? [] : [await didOf(raw)]), ...(last === undefined || last === "" ? [] : [last])],
  };
}

/** The one name of a key, whichever of its names is given: a DID of either kind, or what stands behind its method. */
async function keyName(text: string): Promise<string | undefined> {
  const bare = text.replace(/^(did:[^#?/;]*)[#?/;].*$/is, "$1").replace(/^did:key:/i, "did:key:");
  if (/^(?:did:agentmesh:)?[0-9a-f]{64}$/i.test(bare)) return `did:agentmesh:${bare.slice(-64).toLowerCase()}`;
  return await oneDid(bare.startsWith("z6Mk") ? `did:key:${bare}` : bare);
}

/** A `did:key` in another case names no key, or another one: what it was before cannot be known. */
function isBrokenKeyName(text: string): boolean {
  const plain = Array.from(foldText(text) ?? "", (char) => alike.get(char) ?? lookAlike(char) ?? char).join("");
  return /^[\p{P}\p{Z}]*(?:d[il1|]d:key:|z6mk[a-z0-9]{44}(?![a-z0-9]))/iu.test(plain);
}

/** A name with everything equal that looks equal. */
function asRead(text: string): string | undefined {
  const folded = foldText(text);
  if (folded === undefined) return undefined;
  const latin = Array.from(dropMarks(folded), (char) => alike.get(char) ?? lookAlike(char) ?? char).join("");
  return latin.toLowerCase().replace(BLANK, "").replace(ENDS, "")
    .replace(/[i1|!\u0131]/g, "l").replaceAll("0", "o").replaceAll("rn", "m").replaceAll("vv", "w");
}

/** Whether a word has Latin letters beside those of a script of which it is not known what they look like. */
function mixesScripts(by: string): boolean {
  const words = by.replace(INVISIBLE, "").normalize("NFKC").match(WORD) ?? [];
  return words.some((word) =>
    LATIN.test(word) &&
    Array.from(word).some((char) =>
      !MAY_MIX.test(char) && !alike.has(foldText(char) ?? "") && lookAlike(char) === undefined
    )
  );
}

/** The agent that wants to act, and those that it acts for. */
export class Requester {
  readonly #names: ReadonlySet<string>;
  /** Whether an agent of it has a DID that is made from a key. */
  readonly #hasKey: boolean;

  constructor(names: ReadonlySet<string>, hasKey: boolean) {
    this.#names = names;
    this.#hasKey = hasKey;
  }

  /** Whether somebody is the requester under another name. */
  is({ names, hints }: Person): boolean {
    return names.some((name) => this.#names.has(name)) || hints.some((name) => this.#names.has(name));
  }

  /** Whether the key that verifies grants is the requester's own, or might be: then it would answer itself. */
  async holds(key: CryptoKey): Promise<boolean> {
    if (!this.#hasKey || key.algorithm.name !== "Ed25519") return false;
    if (!key.extractable) return true;
    return this.#names.has(await didOf(new Uint8Array(await crypto.subtle.exportKey("raw", key)) as Bytes));
  }
}

/** Every name of the agent of a session, and of those whose sessions it was opened in: nobody approves for itself. */
export async function requesterOf(session: SessionHandle): Promise<Requester> {
  const names = new Set<string>();
  let hasKey = false;
  for (let at: SessionHandle | undefined = session; at !== undefined; at = at.parent) {
    const { agentKey, agentId } = at.context;
    const agent = ownField(at.context, "agent");
    for (const name of [agentKey, agentId, agent?.did, agent?.name]) {
      if (name === undefined) continue;
      hasKey ||= (await keyName(name)) !== undefined;
      for (const one of (await personOf(name))?.names ?? []) names.add(one);
    }
  }
  return new Requester(names, hasKey);
}
