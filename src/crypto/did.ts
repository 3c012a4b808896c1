import { show } from "../base/check.ts";
import { type Bytes, sha256, toHex } from "./bytes.ts";
import { publicKeyOf } from "./ed25519.ts";
import { hashOfKey } from "./key-hash.ts";

/** A DID that names a key. */
export type Did =
  | {
    /** Names the key by its SHA-256. */
    readonly method: "agentmesh";
    /** The whole text. */
    readonly did: string;
    /** SHA-256 of the raw public key, as 64 lower-case hexadecimal digits. */
    readonly fingerprint: string;
  }
  | {
    /** Holds the key itself. */
    readonly method: "key";
    /** The whole text. */
    readonly did: string;
    /** The raw public key, 32 bytes. */
    readonly publicKey: Bytes;
  };

const AGENT_MESH = /^did:agentmesh:([0-9a-f]{64})$/;
const DID_KEY = /^did:key:z(6Mk[1-9A-HJ-NP-Za-km-z]{44})$/;
const BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
/** The multicodec name of an Ed25519 public key, 0xed, as a varint. */
const ED25519_CODEC = 0xed01n;

/** The DID of a raw public key: `did:agentmesh:` and its SHA-256 in hexadecimal digits. */
export async function didOf(publicKey: Bytes): Promise<string> {
  return `did:agentmesh:${toHex(await sha256(publicKey))}`;
}

/** The `did:key` of a raw public key: multicodec 0xed01, multibase base58btc. */
export function didKeyOf(publicKey: Uint8Array): string {
  let rest = BigInt(`0x${toHex(publicKey)}`) | (ED25519_CODEC << 256n);
  let out = "";
  for (; rest > 0n; rest /= 58n) out = BASE58.charAt(Number(rest % 58n)) + out;
  return `did:key:z${out}`;
}

/**
 * Parses a DID that names an Ed25519 key: `did:agentmesh:` with 64 lower-case hexadecimal digits, or `did:key:z6Mk…`.
 *
 * Exact: no white space, line break, fragment, path or upper-case digit passes, and a `did:key` whose key has small
 * order or another length is refused. DIDs that were chosen by somebody (`did:agentmesh:deployer`) prove nothing and
 * are refused too.
 *
 * @throws {TypeError} If the text is no such DID.
 * @example Usage
 * ```ts
 * import { createIdentity, parseDid } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const { did, didKey, publicKey } = await createIdentity();
 * assert.equal(parseDid(did).method, "agentmesh");
 * const parsed = parseDid(didKey);
 * assert.ok(parsed.method === "key");
 * assert.deepEqual(parsed.publicKey, publicKey);
 * assert.throws(() => parseDid(`${did}\n`), TypeError);
 * ```
 */
export function parseDid(text: string): Did {
  const did = readDid(text);
  if (did === undefined) {
    throw new TypeError(
      `Cannot parse a DID: it must be did:agentmesh: with 64 hexadecimal digits, or did:key:z6Mk…, and is ${
        show(text)
      }`,
    );
  }
  return did;
}

/** Does what {@linkcode parseDid} does, and answers `undefined` instead of throwing. */
export function readDid(text: unknown): Did | undefined {
  if (typeof text !== "string") return undefined;
  const fingerprint = AGENT_MESH.exec(text)?.[1];
  if (fingerprint !== undefined) return Object.freeze({ method: "agentmesh", did: text, fingerprint });
  const digits = DID_KEY.exec(text)?.[1];
  if (digits === undefined) return undefined;
  let value = 0n;
  for (const digit of digits) value = value * 58n + BigInt(BASE58.indexOf(digit));
  if (value >> 256n !== ED25519_CODEC) return undefined;
  const hex = (value & (2n ** 256n - 1n)).toString(16).padStart(64, "0");
  const publicKey = publicKeyOf(
    Uint8Array.from({ length: 32 }, (_, at) => Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16)),
  );
  return publicKey === undefined ? undefined : Object.freeze({ method: "key", did: text, publicKey });
}

/** The `did:agentmesh` form of a DID of either method, so that one key has one name; `undefined` if it names no key. */
export function oneDid(text: unknown): string | undefined {
  const parsed = readDid(text);
  return parsed?.method === "key" ? `did:agentmesh:${hashOfKey(parsed.publicKey)}` : parsed?.did;
}

/** How many hexadecimal digits name a key. */
const FINGERPRINT_LENGTH = 64;
const HEX_KEY = /^did:agentmesh:[0-9A-Fa-f]{64}$/;
/** As {@linkcode hashOfKey} is dear beside a look-up, and the agents of a process are the same ones again and again. */
const keys = new Map<string, string>();
const MOST_KEYS = 4096;

/**
 * The one name under which an agent is kept and compared, whichever of its names is given: of a key's two DIDs the
 * `did:agentmesh`, and of any other text that text.
 *
 * Everything that remembers something about an agent, or asks whether two are the same, uses this: a killed agent must
 * not go on, and a spent limit not begin anew, under the other name of its key. What a DID's text leaves open is one
 * too: upper-case digits of a fingerprint, characters written as `%xx` without need, the fragment, path or query of a
 * DID URL, `DID:`, and white space or what is invisible. An agentId that is the end of
 * either DID of a key stands for the whole. Whoever keeps revocations, quotas or notes by agent keeps them under this
 * name.
 *
 * @example Usage
 * ```ts
 * import { canonicalAgentKey, createIdentity } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const { did, didKey } = await createIdentity();
 * assert.equal(canonicalAgentKey(didKey), did);
 * assert.equal(canonicalAgentKey(did), did);
 * assert.equal(canonicalAgentKey("did:agentmesh:deployer"), "did:agentmesh:deployer");
 * ```
 */
export function canonicalAgentKey(agent: string): string {
  const isDid = agent.startsWith("did:");
  // An agentId that is no end of a key's DID is its own name: the case of the hot path.
  if (!isDid && agent.length < FINGERPRINT_LENGTH && !agent.startsWith("z6Mk") && !isUntidy(agent)) return agent;
  const known = keys.get(agent);
  if (known !== undefined) return known;
  const tidy = tidied(agent);
  const key = tidy.startsWith("did:") ? canonicalDid(tidy) : ofEnd(tidy, agent);
  if (keys.size >= MOST_KEYS) keys.clear();
  keys.set(agent, key);
  return key;
}

/** The DID of the key of which an agentId is the end; else the name as it was given. */
function ofEnd(agentId: string, given: string): string {
  const did = canonicalDid(`${agentId.length === FINGERPRINT_LENGTH ? "did:agentmesh:" : "did:key:"}${agentId}`);
  return AGENT_MESH.test(did) ? did : given;
}

/** Whether a name begins as no agentId and no DID does, or with the `D` of `DID:`: one look, on the hot path. */
function isUntidy(name: string): boolean {
  const first = name.charCodeAt(0);
  return first < 0x2d || first > 0x7a || first === 0x44;
}

const UNSEEN = /[\s\p{C}\p{Default_Ignorable_Code_Point}]+/gu;

/**
 * A DID as somebody copied it: without white space, what is not seen, and what makes it a URL, which no DID has in it.
 */
function tidied(name: string): string {
  const text = name.normalize("NFKC").replace(UNSEEN, "").replace(/[#?/;].*$/s, "");
  return text.replace(/^did:[a-z0-9]+:/i, (start) => start.toLowerCase());
}

function canonicalDid(text: string): string {
  const did = text.replace(/%[0-9A-Fa-f]{2}/g, (code) => {
    const char = String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return /[A-Za-z0-9._-]/.test(char) ? char : code.toUpperCase();
  });
  if (HEX_KEY.test(did)) return did.toLowerCase();
  const parsed = readDid(did);
  return parsed?.method === "key" ? `did:agentmesh:${hashOfKey(parsed.publicKey)}` : did;
}

/** Whether two names are one agent's. */
export function isSameAgent(one: string, other: string): boolean {
  return one === other || canonicalAgentKey(one) === canonicalAgentKey(other);
}
