import { pickOwn } from "../base/own.ts";
import { ownOptions } from "../base/check.ts";
import { type Bytes, bytesOf, fromBase64Url } from "../crypto/bytes.ts";
import { didOf, oneDid, readDid } from "../crypto/did.ts";
import { publicKeyOf } from "../crypto/ed25519.ts";
import type { PublicJwk } from "./identity.ts";
import { isContext, verifyClaim } from "./signature.ts";
import { judgeStanding, STANDING, type StandingOptions } from "./check-standing.ts";
import { cacheOf, type VerificationCache } from "./verification-cache.ts";

export type { StandingOptions } from "./check-standing.ts";

const KEYS = ["did", "publicKey", "message", "signature", "context", "cache", ...STANDING] as const;

/** What {@linkcode verifyIdentity} looks at. */
export interface IdentityProof extends StandingOptions {
  /** Who is said to have signed: `did:agentmesh:…` or `did:key:…`. */
  readonly did: string;
  /** The signer's public key, raw or as a JSON Web Key. A `did:key` holds its own, and then this may be absent. */
  readonly publicKey?: Uint8Array | PublicJwk | undefined;
  /** What was signed. */
  readonly message: Uint8Array;
  /** 64 bytes, made by `identity.sign`. */
  readonly signature: Uint8Array;
  /** The context that it was signed under. Default: `message`. */
  readonly context?: string | undefined;
  /** Remembers valid signatures. Default: none. */
  readonly cache?: VerificationCache | undefined;
}

/**
 * Verifies that the key behind a DID signed a message under a context.
 *
 * Answers `true` only if the DID is derived from the key, the key has large order, the signature is the one that
 * `identity.sign` makes (64 bytes, S below the group order) and, where `agent` or `minTrustScore` is given, the
 * verifier's own record of the agent allows it; that is looked at first. Anything malformed is `false`, never an error.
 * Says nothing about when: for that there are challenges.
 *
 * @throws {TypeError} Rejects if a field of `proof` is unknown, `cache` is none, or `agent` or `cache` is of another
 *   copy of the package.
 * @throws {RangeError} Rejects if `minTrustScore` is wrong, or with the runtime's error where it has no Ed25519.
 * @example Usage
 * ```ts
 * import { createIdentity, verifyIdentity } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const alice = await createIdentity();
 * const mallory = await createIdentity();
 * const message = new TextEncoder().encode("pay 10");
 * const signature = await mallory.sign(message);
 *
 * assert.equal(await verifyIdentity({ did: mallory.didKey, message, signature }), true);
 * assert.equal(await verifyIdentity({ did: alice.did, publicKey: mallory.publicKey, message, signature }), false);
 * ```
 */
export async function verifyIdentity(proof: IdentityProof): Promise<boolean> {
  const own = ownOptions("verifyIdentity()", proof, KEYS);
  const { context = "message", agent, minTrustScore } = own;
  const cache = cacheOf("verifyIdentity()", own.cache);
  // Copied before the first await, so that nobody swaps them while the DID is being hashed.
  const message = bytesOf(own.message);
  const signature = bytesOf(own.signature);
  const publicKey = keyOf(own);
  const did = oneDid(own.did);
  if (await judgeStanding("verifyIdentity()", did, { agent, minTrustScore }) !== undefined) return false;
  if (message === undefined || publicKey === undefined || !isContext(context) || await didOf(publicKey) !== did) {
    return false;
  }
  return verifyClaim({ publicKey, context, message, signature }, cache);
}

function keyOf({ did, publicKey: given }: Partial<IdentityProof>): Bytes | undefined {
  if (given === undefined) {
    const parsed = readDid(did);
    return parsed?.method === "key" ? publicKeyOf(parsed.publicKey) : undefined;
  }
  if (given instanceof Uint8Array) return publicKeyOf(given);
  const { kty, crv, x } = pickOwn(given, ["kty", "crv", "x"]);
  return kty === "OKP" && crv === "Ed25519" ? publicKeyOf(fromBase64Url(x, 32)) : undefined;
}
