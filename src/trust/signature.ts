import { type Bytes, frame, sha256, toHex, utf8 } from "../crypto/bytes.ts";
import { publicKeyOf, signatureOf, verifyRaw } from "../crypto/ed25519.ts";
import type { VerificationCache } from "./verification-cache.ts";

/** What the library itself signs. The colon keeps these apart from every context that a user can name. */
export type Purpose = ":agent-card" | ":challenge" | ":delegation" | ":import";

const DOMAIN = utf8("sallyport/signature/v1");
const CONTEXT = /^[A-Za-z0-9._/-]{1,64}$/;

/** Tells whether a user may sign under this context: 1 to 64 letters, digits and `. _ / -`. */
export function isContext(value: unknown): value is string {
  return typeof value === "string" && CONTEXT.test(value);
}

/**
 * The bytes that are really signed: domain, context and message, each behind its length. A signature made for one
 * context is worth nothing in another, nor in any other protocol, so signing a stranger's bytes gives away nothing but
 * that.
 */
export function signingInput(context: string, message: Uint8Array): Bytes {
  return frame(DOMAIN, utf8(context), message);
}

/** What a signature claims. The key and the signature may come from anywhere. */
export interface Claim {
  readonly publicKey: unknown;
  readonly context: string;
  readonly message: Bytes;
  readonly signature: unknown;
}

/**
 * Verifies a claim, or remembers that it was. Every input of the answer is in the digest under which it is remembered.
 */
export async function verifyClaim(claim: Claim, cache?: VerificationCache): Promise<boolean> {
  const publicKey = publicKeyOf(claim.publicKey);
  const signature = signatureOf(claim.signature);
  if (publicKey === undefined || signature === undefined) return false;
  const input = signingInput(claim.context, claim.message);
  if (cache === undefined) return verifyRaw(publicKey, input, signature);
  const digest = toHex(await sha256(frame(publicKey, input, signature)));
  // Exactly `true`: what a cache answers later is no answer.
  if (cache.has(digest) === true) return true;
  const valid = await verifyRaw(publicKey, input, signature);
  if (valid) cache.add(digest);
  return valid;
}
