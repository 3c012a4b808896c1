import { ownOptions, wrongType } from "../base/check.ts";
import { memberOf } from "../base/own.ts";
import type { CryptoKeyLike } from "../base/platform.ts";
import { capsOf, Fault, snapshot } from "../snapshot/snapshot.ts";
import { type Bytes, fromBase64Url, toBase64Url, utf8 } from "../crypto/bytes.ts";
import { SIGNATURE_LENGTH, signatureOf } from "../crypto/ed25519.ts";
import { plainText } from "../snapshot/same-data.ts";
import type { ReadGrant } from "./read-grant.ts";
import type { ApprovalGrant, ApprovalRequest } from "./request.ts";

/**
 * Signs the answer to an approval request.
 *
 * The grant is bound to the request by its id and digest, so it fits that one call of that one agent in that one
 * session, under that one policy, and the escalations that were shown. Kernels with the `approvalKey` verify it. A
 * question lets one act run, however many people sign it. An edited `payload` is judged from the first guard, and what
 * guards escalate about it is asked anew: the next question is answered by another grant.
 *
 * `by` tells people apart where several must sign. It is compared without regard to case, blanks, invisible characters
 * and look-alike letters, and is never a name of the agent that asks. Absent or empty: nobody, which counts only where
 * one approver is enough.
 *
 * @param request The question, as it came: in the event, in the error, or through `approve`.
 * @param key An HMAC key, or an Ed25519 private key whose public half the kernel has.
 * @throws {TypeError} If the request, the answer or its payload is malformed, an option is unknown, or the key can't
 *   sign.
 * @example Usage
 * ```ts
 * import { createKernel, grantApproval, requireApproval } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
 * const kernel = createKernel({
 *   guards: [requireApproval(["pay"])],
 *   approvalKey: key,
 *   approve: (request) => grantApproval(request, key, { approved: true, by: "ada" }),
 * });
 * assert.equal(await kernel.session({ agentId: "a" }).tool({ name: "pay", arguments: {} }, () => "paid"), "paid");
 * ```
 */
export async function grantApproval(
  request: Pick<ApprovalRequest, "id" | "digest" | "expiresAt">,
  key: CryptoKeyLike,
  answer: { approved: boolean; by?: string; payload?: unknown },
): Promise<ApprovalGrant> {
  // Own properties only: a polluted prototype must not approve.
  const own = ownOptions(WHERE, answer, ["approved", "by", "payload"]);
  const { approved, by } = own;
  const payload = plain(own.payload);
  if (typeof approved !== "boolean") throw wrongType(WHERE, "approved", "true or false", approved);
  if (by !== undefined && typeof by !== "string") throw wrongType(WHERE, "by", "a string", by);
  const { id, digest, expiresAt } = asked(request);
  if (!canSign(key)) throw wrongType(WHERE, "key", "an HMAC key or an Ed25519 private key that may sign", key);
  const unsigned = { id, digest, approved, by, expiresAt, payload };
  const signature = new Uint8Array(await crypto.subtle.sign(key.algorithm.name, key, signedBytes(unsigned)));
  return Object.freeze({
    id,
    digest,
    approved,
    ...(by === undefined ? {} : { by }),
    expiresAt,
    ...(payload === undefined ? {} : { payload }),
    signature: toBase64Url(signature),
  });
}

const WHERE = "grantApproval()";

function asked(request: unknown): { id: string; digest: string; expiresAt: number } {
  if (typeof request !== "object" || request === null) {
    throw wrongType(WHERE, "request", "an approval request", request);
  }
  const own = (key: "id" | "digest" | "expiresAt"): unknown =>
    Object.hasOwn(request, key) ? (request as Record<string, unknown>)[key] : undefined;
  const id = own("id");
  const digest = own("digest");
  const expiresAt = own("expiresAt");
  if (typeof id !== "string") throw wrongType(WHERE, "request.id", "the id of an approval request", id);
  if (typeof digest !== "string") throw wrongType(WHERE, "request.digest", "the digest of an approval request", digest);
  if (typeof expiresAt !== "number" || !Number.isFinite(expiresAt)) {
    throw wrongType(WHERE, "request.expiresAt", "a time in ms", expiresAt);
  }
  return { id, digest, expiresAt };
}

function plain(payload: unknown): unknown {
  // As large as any gate takes: the gate that it is for has its own caps.
  const copy = snapshot(payload, capsOf("pre_model_call"), false);
  if (copy instanceof Fault) throw wrongType(WHERE, "payload", `plain data (${copy.path}: ${copy.what})`, payload);
  return copy;
}

/** Of these two kinds a signature has one form, and its key one use. */
function canSign(key: unknown): boolean {
  return isKey(key, "HMAC", "secret", "sign") || isKey(key, "Ed25519", "private", "sign");
}

/** Returns the key that verifies grants, else throws. */
export function approvalKeyOf(where: string, key: unknown): CryptoKeyLike {
  if (isKey(key, "HMAC", "secret", "verify") || isKey(key, "Ed25519", "public", "verify")) return key as CryptoKeyLike;
  throw wrongType(where, "approvalKey", "an HMAC key or an Ed25519 public key that may verify", key);
}

function isKey(key: unknown, name: string, type: string, usage: string): boolean {
  const one = key as { algorithm?: { name?: unknown }; type?: unknown; usages?: unknown };
  const kind = memberOf(one, "type"), usages = memberOf(one, "usages");
  return memberOf(memberOf(one, "algorithm"), "name") === name && kind === type && Array.isArray(usages) &&
    usages.includes(usage);
}

function signedBytes({ id, digest, approved, by, expiresAt, payload }: Omit<ReadGrant, "signature">): Bytes {
  return utf8(
    `sallyport approval grant 1\n${plainText([id, digest, approved, by, expiresAt, payload !== undefined, payload])}`,
  );
}

/** Whether the key's holder signed this very grant. */
export async function isSigned(grant: ReadGrant, key: CryptoKeyLike): Promise<boolean> {
  const isHmac = key.algorithm.name === "HMAC";
  const bytes = fromBase64Url(grant.signature, isHmac ? hmacLength(key) : SIGNATURE_LENGTH);
  const signature = isHmac ? bytes : signatureOf(bytes);
  return signature !== undefined &&
    (await crypto.subtle.verify(key.algorithm.name, key, signature, signedBytes(grant))) === true;
}

function hmacLength(key: CryptoKeyLike): number {
  const { hash } = key.algorithm as unknown as { hash: { name: string } };
  return HASH_LENGTH.get(hash.name) ?? 0;
}

const HASH_LENGTH: ReadonlyMap<string, number> = new Map([
  ["SHA-1", 20],
  ["SHA-256", 32],
  ["SHA-384", 48],
  ["SHA-512", 64],
]);
