import { wrongType } from "../base/check.ts";
import { bare } from "../base/own.ts";
import type { CryptoKeyLike } from "../base/platform.ts";
import { utf8 } from "../crypto/bytes.ts";
import { publicKeyOf } from "../crypto/ed25519.ts";
import { isKeyName, vkeyOf, wrongKeyName } from "./note.ts";
import type { AuditKey } from "./types.ts";

const WHERE = "createAuditKey()";

/**
 * Makes a key that signs the checkpoints of audit logs.
 *
 * The name stands in every signature; it should look like an address without a scheme, such as `example.com/audit`. A
 * new key cannot be exported; to keep one, make the pair with `crypto.subtle.generateKey` and hand it in. Give the `vkey`
 * to whoever verifies.
 *
 * @throws {TypeError} Rejects if the name is empty, has white space, control characters or `+`, or the pair is not of
 *   Ed25519 keys of which the private one signs and the public one can be exported.
 * @example Usage
 * ```ts
 * import { createAuditKey } from "@sallyport/sallyport/audit";
 * import assert from "node:assert/strict";
 *
 * const key = await createAuditKey("example.com/audit");
 * assert.match(key.vkey, /^example\.com\/audit\+[0-9a-f]{8}\+/);
 * ```
 */
export async function createAuditKey(
  name: string,
  pair?: { readonly privateKey: CryptoKeyLike; readonly publicKey: CryptoKeyLike },
): Promise<AuditKey> {
  if (!isKeyName(name)) throw wrongKeyName(WHERE, name);
  const { privateKey, publicKey } = pair === undefined
    ? await crypto.subtle.generateKey(bare({ name: "Ed25519" }), false, ["sign", "verify"]) as CryptoKeyPair
    : pair;
  if (
    privateKey?.type !== "private" || privateKey.algorithm.name !== "Ed25519" || !privateKey.usages.includes("sign")
  ) {
    throw wrongType(WHERE, "pair.privateKey", "an Ed25519 key that signs", privateKey);
  }
  if (publicKey?.type !== "public" || publicKey.algorithm.name !== "Ed25519") {
    throw wrongType(WHERE, "pair.publicKey", "an Ed25519 key that verifies", publicKey);
  }
  const raw = publicKeyOf(new Uint8Array(await crypto.subtle.exportKey("raw", publicKey)));
  if (raw === undefined) throw wrongType(WHERE, "pair.publicKey", "an Ed25519 key fit to be trusted", publicKey);
  const probe = utf8(WHERE);
  const signature = await crypto.subtle.sign(bare({ name: "Ed25519" }), privateKey, probe);
  if (!await crypto.subtle.verify(bare({ name: "Ed25519" }), publicKey, signature, probe)) {
    throw wrongType(WHERE, "pair", "the two keys of one pair", pair);
  }
  return Object.freeze({ name, vkey: await vkeyOf(name, raw), privateKey });
}
