import type { Hasher } from "./hash.ts";

/** How a log writes texts: as JSON in ASCII, one form for each text, so that no text can end a line or forge another. */

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const ODD = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g;

/** Writes a text as JSON: everything beyond 0x20 to 0x7e is `\uXXXX`. */
export function jsonString(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : `"${text.replace(ODD, escaped)}"`;
}

function escaped(unit: string): string {
  if (unit === '"' || unit === "\\") return `\\${unit}`;
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const MOST_ID = 128;
const PRINTABLE = /^[\x20-\x7e]*$/;
const DIGEST = "sha256:";
/**
 * What has the form of a credential is none of a name's business: private keys, tokens with the well-known beginnings,
 * and JSON Web Tokens.
 */
const CREDENTIAL =
  /(?:\b(?:sk|pk|rk)[-_](?:[A-Za-z0-9]+[-_])*[A-Za-z0-9]{12}|\bgh[opsur]_\w{16}|\bgithub_pat_\w{16}|\bglpat-[\w-]{16}|\bxox[a-z]-[\w-]{10}|\b(?:AKIA|ASIA)[A-Z0-9]{12}|\bAIza[\w-]{20}|\bya29\.[\w-]{16}|\b(?:npm|hf)_\w{16}|\beyJ[\w-]{8,}\.eyJ|-----BEGIN|\bBearer )/;

/** No credential is shorter. */
const SHORTEST = 7;
/** Longer ids recur: agents, sessions, tools. */
const RECURRING = 8;
const MOST_KNOWN = 4096;

/** Writes ids and names; what is no short printable text, or looks like a credential, as a digest. */
export class Ids {
  /** The JSON of ids that were written before. */
  readonly #known = new Map<string, string>();
  /** Of a batch's ids that are written as digests, the JSON of those; `""` for one that is still to be made. */
  readonly #digests = new Map<string, string>();
  #isComplete = true;

  /** Writes an id as JSON. One whose digest is missing is written as nothing until {@linkcode Ids.complete} made it. */
  json(id: string): string {
    if (id.length < RECURRING) return isKept(id) ? jsonString(id) : this.#digest(id);
    return this.#known.get(id) ?? this.#written(id);
  }

  #written(id: string): string {
    if (!isKept(id)) return this.#digest(id);
    const json = jsonString(id);
    if (this.#known.size >= MOST_KNOWN) this.#known.clear();
    this.#known.set(id, json);
    return json;
  }

  #digest(id: string): string {
    const known = this.#digests.get(id);
    if (known !== undefined) return known;
    this.#digests.set(id, "");
    this.#isComplete = false;
    return "";
  }

  /** Makes the digests that are missing; answers whether there were any, so that what was written is written again. */
  async complete(hasher: Hasher): Promise<boolean> {
    if (this.#isComplete) return false;
    this.#isComplete = true;
    const missing = [...this.#digests.keys()].filter((id) => this.#digests.get(id) === "");
    // Half a surrogate pair has no UTF-8 of its own: its JSON form has one.
    const hashes = await hasher.plain(missing.map(jsonString));
    missing.forEach((id, at) => this.#digests.set(id, `"${DIGEST}${hashes[at] as string}"`));
    return true;
  }

  /** Forgets the digests of a batch. */
  forget(): void {
    this.#digests.clear();
  }
}

/** Whether a text holds what has the form of a credential. */
export function holdsCredential(text: string): boolean {
  return CREDENTIAL.test(text);
}

function isKept(id: string): boolean {
  // A name that is written as one is written as a digest must not be taken for it.
  return id.length <= MOST_ID && PRINTABLE.test(id) && !id.startsWith(DIGEST) &&
    !(id.length >= SHORTEST && CREDENTIAL.test(id));
}

const MAX_DEPTH = 32;

/**
 * Writes plain data as JSON in ASCII, keys sorted, by own keys alone.
 *
 * @throws {TypeError} For what JSON does not have, more than 32 levels, or more than `most` characters.
 */
export function jsonData(value: unknown, most: number): string {
  const budget = { left: most };
  return write(value, budget, 0);
}

function write(value: unknown, budget: { left: number }, depth: number): string {
  if (depth > MAX_DEPTH) throw refused(`more than ${MAX_DEPTH} levels`);
  const text = writeOne(value, budget, depth);
  if (typeof value !== "object" || value === null) budget.left -= text.length;
  else budget.left -= 2;
  if (budget.left < 0) throw refused("too much of it");
  return text;
}

function writeOne(value: unknown, budget: { left: number }, depth: number): string {
  switch (typeof value) {
    case "string":
      return jsonString(value);
    case "boolean":
      return String(value);
    case "number":
      if (!Number.isFinite(value)) throw refused(String(value));
      return JSON.stringify(value);
    case "object":
      if (value === null) return "null";
      return Array.isArray(value) ? writeList(value, budget, depth) : writeObject(value, budget, depth);
    default:
      throw refused(`a value of type ${typeof value}`);
  }
}

function writeList(list: readonly unknown[], budget: { left: number }, depth: number): string {
  const parts: string[] = [];
  for (let at = 0; at < list.length; at++) parts.push(write(list[at], budget, depth + 1));
  return `[${parts.join(",")}]`;
}

function writeObject(object: object, budget: { left: number }, depth: number): string {
  const proto: unknown = Object.getPrototypeOf(object);
  if (proto !== null && Object.getPrototypeOf(proto) !== null) throw refused("an object that is not plain");
  const parts: string[] = [];
  for (const key of Object.keys(object).sort()) {
    const name = jsonString(key);
    budget.left -= name.length + 2;
    const item = (object as Record<string, unknown>)[key];
    // As JSON has it: what is undefined is not there.
    if (item !== undefined) parts.push(`${name}:${write(item, budget, depth + 1)}`);
  }
  return `{${parts.join(",")}}`;
}

function refused(what: string): TypeError {
  return new TypeError(`Cannot write audit data: it must be plain JSON data, and holds ${what}`);
}
