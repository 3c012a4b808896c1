import { isWhole } from "../base/check.ts";
import { type Bytes, frame, fromBase64Url, sha256, toHex, utf8 } from "../crypto/bytes.ts";
import { canonicalJson } from "../crypto/canonical.ts";
import { readDid } from "../crypto/did.ts";
import { capabilitiesOf, isTime, ownFields } from "./fields.ts";
import type { Grant } from "./narrow.ts";

/** The most links that a chain may have. */
export const MAX_LINKS = 16;

/** One step of a delegation, as it is sent: plain JSON data. */
export interface DelegationLink {
  /** Who passes on: `did:agentmesh:…`, derived from `publicKey`. */
  readonly from: string;
  /** Who receives: `did:agentmesh:…`. */
  readonly to: string;
  /** What is passed on. */
  readonly capabilities: readonly string[];
  /** How many more links may follow. */
  readonly maxDepth: number;
  /** When it was signed, in ms since the epoch. */
  readonly issuedAt: number;
  /** When it lapses, in ms since the epoch. */
  readonly expiresAt: number;
  /** 16 random bytes, in base64url: what is granted again after a revocation is another link. */
  readonly nonce: string;
  /**
   * The {@linkcode delegationId} of the link above; empty in a root's own link. Ties a link to one place in one chain.
   */
  readonly parent: string;
  /** The raw public key of `from`, in base64url. */
  readonly publicKey: string;
  /** By `from`, over all other fields, in base64url. */
  readonly signature: string;
}

/** A delegation from its root's own link down to its holder's. */
export type DelegationChain = readonly DelegationLink[];

const FIELDS = [
  "from",
  "to",
  "capabilities",
  "maxDepth",
  "issuedAt",
  "expiresAt",
  "nonce",
  "parent",
  "publicKey",
  "signature",
];

/** Reads a link into a frozen one, each field once; `undefined` if it is malformed. */
export function readLink(value: unknown): DelegationLink | undefined {
  const fields = ownFields(value, FIELDS);
  if (fields === undefined) return undefined;
  const { from, to, maxDepth, issuedAt, expiresAt, nonce, parent, publicKey, signature } =
    fields as unknown as DelegationLink;
  const capabilities = capabilitiesOf(fields["capabilities"]);
  // One key has one name here: a did:key beside a did:agentmesh would hide a cycle or a revocation.
  if (readDid(from)?.method !== "agentmesh" || readDid(to)?.method !== "agentmesh") return undefined;
  if (capabilities === undefined || !isWhole(maxDepth, 0, MAX_LINKS - 1) || !isTime(issuedAt) || !isTime(expiresAt)) {
    return undefined;
  }
  if (typeof parent !== "string" || !/^(?:[0-9a-f]{64})?$/.test(parent)) return undefined;
  if (
    fromBase64Url(nonce, 16) === undefined || fromBase64Url(publicKey, 32) === undefined ||
    fromBase64Url(signature, 64) === undefined
  ) return undefined;
  return Object.freeze({ from, to, capabilities, maxDepth, issuedAt, expiresAt, nonce, parent, publicKey, signature });
}

/** Reads a chain of 1 to 16 links; `undefined` if anything in it is malformed. */
export function readChain(value: unknown): DelegationChain | undefined {
  try {
    if (!Array.isArray(value) || value.length < 1 || value.length > MAX_LINKS) return undefined;
    const links: DelegationLink[] = [];
    for (let at = 0; at < value.length; at++) {
      const link = readLink(value[at]);
      if (link === undefined) return undefined;
      links.push(link);
    }
    return Object.freeze(links);
  } catch {
    return undefined;
  }
}

/** What a link passes on. */
export function grantOf({ capabilities, maxDepth, expiresAt }: DelegationLink): Grant {
  return { capabilities, maxDepth, expiresAt };
}

/** What of a link is signed: every field but the signature. */
export function linkMessage(link: Omit<DelegationLink, "signature">): Bytes {
  const { from, to, capabilities, maxDepth, issuedAt, expiresAt, nonce, parent, publicKey } = link;
  return utf8(canonicalJson({ from, to, capabilities, maxDepth, issuedAt, expiresAt, nonce, parent, publicKey }));
}

/**
 * The link's id: SHA-256, in hexadecimal digits, of what is signed. Not of the signature, so nobody can give a link a
 * second id.
 */
export async function linkId(link: DelegationLink): Promise<string> {
  return toHex(await sha256(frame(utf8("sallyport/delegation/v1"), linkMessage(link))));
}
