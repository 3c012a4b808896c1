import { bare } from "../base/own.ts";
import { type Bytes, bytesOf, toHex } from "./bytes.ts";

/** How long a raw public key is, in bytes. */
export const KEY_LENGTH = 32;
/** How long a signature is, in bytes. */
export const SIGNATURE_LENGTH = 64;

// The field's prime and the order of the base point: RFC 8032 section 5.1.
const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;

/** The y of the eight points whose order divides 8; for each, both signs of x are refused. */
const Y8 = 0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n;
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([0n, 1n, P - 1n, Y8, P - Y8]);

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.slice().reverse())}`);
}

/**
 * Whether 32 bytes are a point in its one canonical encoding, and of large order. Whether it is on the curve is left to
 * `verify`.
 */
function isSafePoint(bytes: Uint8Array): boolean {
  const y = littleEndian(bytes) & (2n ** 255n - 1n);
  return y < P && !SMALL_ORDER_Y.has(y);
}

/**
 * Copies a raw Ed25519 public key that is fit to be trusted, else answers `undefined`.
 *
 * Refused are other lengths, y >= p (a second encoding of the same key) and the points of small order, with which one
 * signature fits every message: the runtimes' own `verify` accepts those.
 */
export function publicKeyOf(value: unknown): Bytes | undefined {
  const key = bytesOf(value, KEY_LENGTH);
  return key !== undefined && isSafePoint(key) ? key : undefined;
}

/**
 * Copies a signature that has only one form, else answers `undefined`.
 *
 * Refused are other lengths, S >= L (RFC 8032 section 5.1.7: adding L to S makes a second signature of the same
 * message) and an R that is not canonical or of small order, which no honest signer makes.
 */
export function signatureOf(value: unknown): Bytes | undefined {
  const signature = bytesOf(value, SIGNATURE_LENGTH);
  if (signature === undefined || littleEndian(signature.subarray(32)) >= L) return undefined;
  return isSafePoint(signature.subarray(0, 32)) ? signature : undefined;
}

/**
 * Verifies a signature over exactly these bytes. `key` and `signature` must have passed {@linkcode publicKeyOf} and
 * {@linkcode signatureOf}.
 *
 * @throws {Error} Rejects where the runtime has no Ed25519: that is no answer about the signature.
 */
export async function verifyRaw(key: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  let imported: CryptoKey;
  try {
    imported = await crypto.subtle.importKey("raw", key, bare({ name: "Ed25519" }), false, ["verify"]);
  } catch (error) {
    if ((error as { name?: unknown } | null)?.name === "NotSupportedError") throw error;
    return false; // some runtimes refuse points off the curve here, others in verify
  }
  return await crypto.subtle.verify(bare({ name: "Ed25519" }), imported, signature, message) === true;
}
