import { bare, define, ownField, pickOwn } from "../base/own.ts";
import { ownOptions, show, wrong } from "../base/check.ts";
import { made, refuseOtherCopy } from "../base/copy.ts";
import { type Bytes, bytesOf, fromBase64Url, toBase64Url } from "../crypto/bytes.ts";
import { didKeyOf, didOf } from "../crypto/did.ts";
import { publicKeyOf } from "../crypto/ed25519.ts";
import { isText } from "./fields.ts";
import { isContext, type Purpose, signingInput, verifyClaim } from "./signature.ts";

/** A public key as a JSON Web Key (RFC 8037). */
export interface PublicJwk {
  /** Always `OKP`. */
  readonly kty: "OKP";
  /** Always `Ed25519`. */
  readonly crv: "Ed25519";
  /** The raw public key, 32 bytes in base64url. */
  readonly x: string;
  /** Always `EdDSA`. */
  readonly alg: "EdDSA";
  /** The DID, derived from the key. */
  readonly kid: string;
}

/** A key pair as a JSON Web Key. Whoever has it is the agent. */
export interface PrivateJwk extends PublicJwk {
  /** The private key, 32 bytes in base64url. */
  readonly d: string;
}

/** What everybody may know about an identity. */
export interface PublicIdentity {
  /** The DID. */
  readonly did: string;
  /** The same key as a `did:key`. */
  readonly didKey: string;
  /** For people. */
  readonly name?: string;
  /** The public key. */
  readonly publicKey: PublicJwk;
}

/**
 * An agent's key pair. Its private key stays in the runtime's key store and shows in no property, JSON or inspection.
 */
export interface Identity {
  /** `did:agentmesh:` and the SHA-256 of the public key in 64 hexadecimal digits. */
  readonly did: string;
  /** The same key as a `did:key`. */
  readonly didKey: string;
  /** For people; no proof of anything. */
  readonly name?: string;
  /** The raw public key, 32 bytes: a new copy at each reading. */
  readonly publicKey: Bytes;
  /**
   * Signs bytes under a context: 1 to 64 letters, digits and `. _ / -`, `message` by default. The signature is over
   * both and a label of the library, never over the bare bytes; `verifyIdentity` takes the same context. The bytes are
   * copied at once. Rejects with a `TypeError` for anything else.
   */
  sign(bytes: Uint8Array, context?: string): Promise<Bytes>;
  /** Exports both keys. Rejects with a `TypeError` unless the identity was made with `extractable: true`. */
  exportJwk(options: { readonly private: true }): Promise<PrivateJwk>;
  /** Exports the public key. */
  exportJwk(options?: { readonly private?: false }): Promise<PublicJwk>;
  /** What everybody may know. */
  toJSON(): PublicIdentity;
}

/** How {@linkcode createIdentity} and {@linkcode importIdentity} make an identity. */
export interface IdentityOptions {
  /** For people: up to 256 characters, none of them control, bidirectional or invisible. Default: none. */
  readonly name?: string;
  /** Whether `exportJwk({ private: true })` works. Default: `false`, and then nothing can ever read the private key. */
  readonly extractable?: boolean;
}

const JWK = ["kty", "crv", "x", "d", "kid", "did", "alg", "use", "ext", "key_ops"] as const;

/** The private keys: no method of an identity leads to its own. */
const keys = new WeakMap<Identity, CryptoKey>();

class KeyIdentity implements Identity {
  static {
    made(this.prototype);
  }

  readonly did: string;
  readonly didKey: string;
  declare readonly name?: string;
  readonly #raw: Bytes;

  constructor(key: CryptoKey, raw: Bytes, did: string, name: string | undefined) {
    keys.set(this, key);
    this.#raw = raw;
    this.did = did;
    this.didKey = didKeyOf(raw);
    if (name !== undefined) define(this, "name", name);
    Object.freeze(this);
  }

  get publicKey(): Bytes {
    return this.#raw.slice();
  }

  async sign(bytes: Uint8Array, context = "message"): Promise<Bytes> {
    const message = bytesOf(bytes);
    if (message === undefined) {
      throw new TypeError(`Cannot sign(): the message must be a Uint8Array, and is ${show(bytes)}`);
    }
    if (!isContext(context)) {
      throw new TypeError(
        `Cannot sign(): the context must be 1 to 64 letters, digits and . _ / -, and is ${show(context)}`,
      );
    }
    return signWith(this, context, message);
  }

  exportJwk(options: { readonly private: true }): Promise<PrivateJwk>;
  exportJwk(options?: { readonly private?: false }): Promise<PublicJwk>;
  async exportJwk(options: { readonly private?: boolean } = {}): Promise<PublicJwk | PrivateJwk> {
    const jwk = this.#jwk();
    if (ownOptions("exportJwk()", options, ["private"]).private !== true) return jwk;
    const key = keys.get(this) as CryptoKey;
    if (!key.extractable) {
      throw new TypeError(
        'Cannot exportJwk(): the private key can\'t be read, because the identity was made without "extractable: true"',
      );
    }
    const { d } = await crypto.subtle.exportKey("jwk", key);
    return { ...jwk, d: d as string };
  }

  toJSON(): PublicIdentity {
    // Named one by one: what leaves the process is said here, and not by whatever fields there are.
    const { did, didKey } = this;
    const name = ownField(this as Identity, "name");
    return { did, didKey, ...(name === undefined ? {} : { name }), publicKey: this.#jwk() };
  }

  #jwk(): PublicJwk {
    return { kty: "OKP", crv: "Ed25519", x: toBase64Url(this.#raw), alg: "EdDSA", kid: this.did };
  }
}

async function signWith(identity: Identity, context: string, message: Uint8Array): Promise<Bytes> {
  const key = keys.get(identity);
  if (key === undefined) {
    refuseOtherCopy("a signature", "identity", identity);
    throw new TypeError(
      `Cannot sign: the identity must be made by createIdentity() or importIdentity(), and is ${show(identity)}`,
    );
  }
  return new Uint8Array(await crypto.subtle.sign(bare({ name: "Ed25519" }), key, signingInput(context, message)));
}

/** Signs canonical bytes of the library under one of its own contexts, which `sign` refuses. */
export function signAs(identity: Identity, purpose: Purpose, message: Bytes): Promise<Bytes> {
  return signWith(identity, purpose, message);
}

function optionsOf(where: string, options: IdentityOptions): { name: string | undefined; extractable: boolean } {
  const { name, extractable = false } = ownOptions(where, options, ["name", "extractable"]);
  if (name !== undefined && !isText(name, 256)) {
    throw wrong(where, "name", "1 to 256 characters without control, bidirectional and invisible ones", name);
  }
  if (typeof extractable !== "boolean") throw wrong(where, "extractable", "a boolean", extractable);
  return { name, extractable };
}

/**
 * Creates an identity with a new Ed25519 key pair. Its DID is derived from the key, so nobody can have the DID without
 * the key.
 *
 * The private key can't be read unless `extractable` says so; what has it in memory is the runtime's own key store.
 *
 * @throws {TypeError} Rejects if an option is wrong, or where the runtime has no Ed25519.
 * @example Usage
 * ```ts
 * import { createIdentity, verifyIdentity } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const deployer = await createIdentity({ name: "deployer" });
 * const message = new TextEncoder().encode("deploy v2");
 * const signature = await deployer.sign(message);
 *
 * const { did, publicKey } = deployer;
 * assert.equal(await verifyIdentity({ did, publicKey, message, signature }), true);
 * assert.equal(await verifyIdentity({ did, publicKey, message, signature, context: "payments" }), false);
 * assert.doesNotMatch(JSON.stringify(deployer), /"d"/);
 * ```
 */
export async function createIdentity(options: IdentityOptions = {}): Promise<Identity> {
  const { name, extractable } = optionsOf("createIdentity()", options);
  const pair = await crypto.subtle.generateKey(bare({ name: "Ed25519" }), extractable, [
    "sign",
    "verify",
  ]) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  return new KeyIdentity(pair.privateKey, raw, await didOf(raw), name);
}

/**
 * Imports an identity from a JSON Web Key with `kty: "OKP"`, `crv: "Ed25519"`, `x` and `d`.
 *
 * The DID is always derived from the key: a `kid` or `did` that says anything else is an error, and so are keys that do
 * not belong together, an `alg` other than `EdDSA` or `Ed25519`, a `use` other than `sig`, and `key_ops` without
 * `sign`. Other members are ignored. `ext: false` forbids `extractable`. Errors never hold the private key.
 *
 * @throws {TypeError} Rejects if the key or an option is wrong.
 * @example Usage
 * ```ts
 * import { createIdentity, importIdentity } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const jwk = await (await createIdentity({ extractable: true })).exportJwk({ private: true });
 * const again = await importIdentity(jwk, { name: "deployer" });
 * assert.equal(again.did, jwk.kid);
 * await assert.rejects(importIdentity({ ...jwk, kid: "did:agentmesh:admin" }), TypeError);
 * ```
 */
export async function importIdentity(jwk: object, options: IdentityOptions = {}): Promise<Identity> {
  const where = "importIdentity()";
  const { name, extractable } = optionsOf(where, options);
  if (typeof jwk !== "object" || jwk === null) throw wrong(where, "jwk", "an object", jwk);
  const { kty, crv, x, d, kid, did: stated, alg, use, ext, key_ops: uses } = pickOwn(
    jwk as Record<string, unknown>,
    JWK,
  );
  if (kty !== "OKP") throw wrong(where, "kty", '"OKP"', kty);
  if (crv !== "Ed25519") throw wrong(where, "crv", '"Ed25519"', crv);
  if (alg !== undefined && alg !== "EdDSA" && alg !== "Ed25519") throw wrong(where, "alg", '"EdDSA"', alg);
  if (use !== undefined && use !== "sig") throw wrong(where, "use", '"sig"', use);
  if (uses !== undefined && !(Array.isArray(uses) && uses.includes("sign"))) {
    throw wrong(where, "key_ops", 'an array with "sign"', uses);
  }
  if (ext === false && extractable) {
    throw wrong(where, "extractable", "false, because the key says ext: false", extractable);
  }
  const raw = publicKeyOf(fromBase64Url(x, 32));
  if (raw === undefined) throw wrong(where, "x", "a public key of large order, 32 bytes in base64url", x);
  // Not through wrong(): what is wrong with a private key must not print it.
  if (fromBase64Url(d, 32) === undefined) {
    throw new TypeError(`Cannot build ${where}: "d" must be a private key, 32 bytes in base64url`);
  }
  const did = await didOf(raw);
  for (const [field, value] of [["kid", kid], ["did", stated]] as const) {
    if (value !== undefined && value !== did && value !== didKeyOf(raw)) {
      throw wrong(where, field, "the DID that is derived from the key", value);
    }
  }
  return new KeyIdentity(await importPair(where, raw, x as string, d as string, extractable), raw, did, name);
}

async function importPair(where: string, raw: Bytes, x: string, d: string, extractable: boolean): Promise<CryptoKey> {
  const mismatch = `Cannot build ${where}: "d" must be the private key of "x"`;
  let key: CryptoKey;
  try {
    const jwk = bare({ kty: "OKP", crv: "Ed25519", x, d });
    key = await crypto.subtle.importKey("jwk", jwk, bare({ name: "Ed25519" }), extractable, ["sign"]);
  } catch {
    throw new TypeError(mismatch);
  }
  // Some runtimes take any two keys. An identity that signs with another key than it shows would be nobody.
  const input = signingInput(":import", raw);
  const signature = new Uint8Array(await crypto.subtle.sign(bare({ name: "Ed25519" }), key, input));
  if (!await verifyClaim({ publicKey: raw, context: ":import", message: raw, signature })) {
    throw new TypeError(mismatch);
  }
  return key;
}
