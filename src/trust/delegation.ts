import { functionOf, ownOptions, wholeNumber, wrong } from "../base/check.ts";
import { type Bytes, randomText, toBase64Url } from "../crypto/bytes.ts";
import {
  type DelegationChain,
  type DelegationLink,
  grantOf,
  linkId,
  linkMessage,
  MAX_LINKS,
  readChain,
  readLink,
} from "./delegation-link.ts";
import { oneDid } from "../crypto/did.ts";
import { capabilitiesOf } from "./fields.ts";
import { type Identity, signAs } from "./identity.ts";
import { type Grant, narrow, narrowAll } from "./narrow.ts";

export type { DelegationChain, DelegationLink } from "./delegation-link.ts";
export type { Grant } from "./narrow.ts";

/** What {@linkcode delegate} passes on. */
export interface DelegateOptions {
  /** Who receives: `did:agentmesh:…` with the key's hash, or `did:key:…`. */
  readonly to: string;
  /**
   * What is passed on: up to 256. Each must be covered by one that is held: `read:*` covers `read:db`, `*` everything.
   */
  readonly capabilities: readonly string[];
  /** How many more links the receiver may have below: 0 by default, at most 15, and less than what is held. */
  readonly maxDepth?: number;
  /** When it lapses, in ms since the epoch. Cut down to the parent's. */
  readonly expiresAt: number;
  /**
   * The chain through which the identity holds what it passes on. Absent: the identity is the root, and only verifiers
   * know its rights.
   */
  readonly parent?: DelegationChain;
  /** Now, in ms since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
}

/**
 * Passes on a part of what an identity holds, and answers the whole chain for the receiver to show.
 *
 * Never more than the identity itself has: a capability that the parent chain does not cover, or a depth that is not
 * less, is an error, and a lifetime beyond the parent's is cut down to it. Nobody may stand in a chain twice. The
 * parent's signatures are not verified here; `verifyDelegation` does.
 *
 * @throws {TypeError} Rejects if an option is malformed, the parent is not the identity's, or more is asked for than it
 *   holds.
 * @throws {RangeError} Rejects if a number is out of range, or the parent or the new link has lapsed.
 * @example Usage
 * ```ts
 * import { createIdentity, delegate, verifyDelegation } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const [owner, planner, worker] = await Promise.all([createIdentity(), createIdentity(), createIdentity()]);
 * const expiresAt = Date.now() + 60_000;
 * const first = await delegate(owner, { to: planner.did, capabilities: ["read:*"], maxDepth: 1, expiresAt });
 * const chain = await delegate(planner, { to: worker.did, capabilities: ["read:db"], expiresAt, parent: first });
 *
 * const verdict = await verifyDelegation(chain, { holder: worker.did, roots: [{ did: owner.did, capabilities: ["read:*", "write:*"] }] });
 * assert.ok(verdict.allowed);
 * assert.deepEqual(verdict.capabilities, ["read:db"]);
 * await assert.rejects(delegate(planner, { to: worker.did, capabilities: ["write:db"], expiresAt, parent: first }), TypeError);
 * ```
 */
export async function delegate(identity: Identity, options: DelegateOptions): Promise<DelegationChain> {
  const where = "delegate()";
  const own = ownOptions(where, options, ["to", "capabilities", "maxDepth", "expiresAt", "parent", "clock"]);
  const { maxDepth = 0, expiresAt, clock = Date.now } = own;
  const capabilities = capabilitiesOf(own.capabilities);
  if (capabilities === undefined) {
    throw wrong(
      where,
      "capabilities",
      "an array of at most 256 strings of 1 to 256 characters without control, bidirectional and invisible ones",
      own.capabilities,
    );
  }
  wholeNumber(where, "maxDepth", maxDepth, 0, MAX_LINKS - 1);
  wholeNumber(where, "expiresAt", expiresAt, 1);
  functionOf(where, "clock", clock);
  const parent = own.parent === undefined ? [] : readChain(own.parent);
  if (parent === undefined) {
    throw wrong(where, "parent", `a chain of 1 to ${MAX_LINKS} links made by delegate()`, own.parent);
  }
  const to = oneDid(own.to);
  if (to === undefined) throw wrong(where, "to", "the DID of a key, did:agentmesh:… or did:key:…", own.to);
  const now = wholeNumber(where, "clock()", Math.floor(clock()), 0);
  const granted = pass(where, identity.did, parent, { capabilities, maxDepth, expiresAt }, to);
  if (granted.expiresAt <= now) {
    throw wrong(where, "expiresAt", "later than now, and so must the parent's", granted.expiresAt);
  }
  const above = parent.at(-1);
  const unsigned: Omit<DelegationLink, "signature"> = {
    from: identity.did,
    to,
    ...granted,
    issuedAt: now,
    nonce: randomText(16),
    parent: above === undefined ? "" : await linkId(above),
    publicKey: toBase64Url(identity.publicKey),
  };
  const signature: Bytes = await signAs(identity, ":delegation", linkMessage(unsigned));
  return Object.freeze([...parent, readLink({ ...unsigned, signature: toBase64Url(signature) }) as DelegationLink]);
}

/** What the receiver gets, or an error that says why the identity can't give it. */
function pass(where: string, did: string, parent: DelegationChain, asked: Grant, to: string): Grant {
  const [root, ...rest] = parent;
  const above = parent.at(-1);
  if (above !== undefined && above.to !== did) {
    throw wrong(where, "parent", "a chain that ends at the identity", above.to);
  }
  if (to === did || parent.some((link) => link.from === to || link.to === to)) {
    throw wrong(where, "to", "somebody who is not in the chain yet", to);
  }
  if (root === undefined) return asked;
  const held = narrowAll(grantOf(root), rest.map(grantOf));
  if (typeof held === "string") {
    throw new TypeError(`Cannot build ${where}: "parent" is no chain that narrows. ${held}`);
  }
  const granted = narrow(held, asked);
  if (typeof granted === "string") {
    throw new TypeError(`Cannot build ${where}: more is asked for than the parent holds. ${granted}`);
  }
  return granted;
}

/**
 * Answers a link's id, by which `verifyDelegation` asks whether it was revoked: SHA-256 of what is signed, in
 * hexadecimal digits.
 *
 * @throws {TypeError} Rejects if the link is malformed.
 * @example Usage
 * ```ts
 * import { createIdentity, delegate, delegationId, verifyDelegation } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const [owner, worker] = await Promise.all([createIdentity(), createIdentity()]);
 * const chain = await delegate(owner, { to: worker.did, capabilities: ["read"], expiresAt: Date.now() + 60_000 });
 * const revoked = new Set([await delegationId(chain[0])]);
 * const verdict = await verifyDelegation(chain, { holder: worker.did, roots: [{ did: owner.did, capabilities: ["read"] }], revoked });
 * assert.equal(verdict.allowed, false);
 * ```
 */
export async function delegationId(link: DelegationLink | undefined): Promise<string> {
  const read = readLink(link);
  if (read === undefined) throw wrong("delegationId()", "link", "a link made by delegate()", link);
  return linkId(read);
}
