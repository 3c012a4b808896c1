import { wrongType } from "../check.ts";
import { capsOf, Fault, snapshot } from "../snapshot/snapshot.ts";
import { type Bytes, fromBase64Url, toBase64Url, utf8 } from "../trust/bytes.ts";
import { plainText } from "./digest.ts";
import type { ApprovalGrant, ApprovalRequest } from "./request.ts";

/**
 * Signs the answer to an approval request.
 *
 * The grant is bound to the request by its id and digest, so it fits that one call of that one agent under that one
 * policy;
 * the kernel that asked verifies it with its `approvalKey`, and spends it once. An edited `payload` is judged again.
 *
 * @param request The question, as it came: in the event, in the error, or through `approve`.
 * @param key An HMAC key, or an Ed25519 private key whose public half the kernel has.
 * @throws {TypeError} If the answer or its payload is malformed, or the key can't sign.
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
  request: ApprovalRequest,
  key: CryptoKey,
  answer: { approved: boolean; by?: string; payload?: unknown },
): Promise<ApprovalGrant> {
  const { approved, by } = answer;
  if (typeof approved !== "boolean") throw wrongType("grantApproval()", "approved", "true or false", approved);
  if (by !== undefined && typeof by !== "string") throw wrongType("grantApproval()", "by", "a string", by);
  const { id, digest, expiresAt } = request;
  const unsigned: Omit<ApprovalGrant, "signature"> = {
    id,
    digest,
    approved,
    expiresAt,
    ...(by === undefined ? {} : { by }),
    ...("payload" in answer ? { payload: plain(answer.payload) } : {}),
  };
  const signature = new Uint8Array(await crypto.subtle.sign(key.algorithm.name, key, signedBytes(unsigned)));
  return Object.freeze({ ...unsigned, signature: toBase64Url(signature) });
}

function plain(payload: unknown): unknown {
  const copy = snapshot(payload, capsOf("input"), false);
  if (copy instanceof Fault) {
    throw wrongType("grantApproval()", "payload", `plain data (${copy.path}: ${copy.what})`, payload);
  }
  return copy;
}

function signedBytes(grant: Omit<ApprovalGrant, "signature">): Bytes {
  const { id, digest, approved, by, expiresAt } = grant;
  return utf8(
    `sallyport approval grant 1\n${
      plainText([id, digest, approved, by, expiresAt, "payload" in grant, grant.payload])
    }`,
  );
}

/** Whether a grant answers this request, was signed with the kernel's key, and has not lapsed; a reason if not. */
export async function grantMistake(
  grant: ApprovalGrant,
  request: ApprovalRequest,
  key: CryptoKey | undefined,
  now: number,
): Promise<string | undefined> {
  if (key === undefined) return "the kernel has no key to verify grants with";
  if (grant.id !== request.id && grant.digest !== request.digest) return "the grant is for another call";
  if (grant.digest !== request.digest) return "the call is not the one that was approved";
  if (typeof grant.approved !== "boolean" || !(now < grant.expiresAt)) return "the grant has expired";
  const length = key.algorithm.name === "HMAC" ? hmacLength(key) : 64;
  const signature = fromBase64Url(grant.signature, length);
  if (
    signature === undefined || !(await crypto.subtle.verify(key.algorithm.name, key, signature, signedBytes(grant)))
  ) return "the grant's signature is not valid";
  return undefined;
}

function hmacLength(key: CryptoKey): number {
  const { hash } = key.algorithm as unknown as { hash: { name: string } };
  return ({ "SHA-1": 20, "SHA-256": 32, "SHA-384": 48, "SHA-512": 64 } as Record<string, number>)[hash.name] ?? 0;
}
