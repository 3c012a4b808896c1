import { functionOf, ownOptions, wholeNumber, wrong } from "../base/check.ts";
import { type Deny, deny } from "../base/decision.ts";
import { type Bytes, fromBase64Url } from "../crypto/bytes.ts";
import { type DelegationChain, grantOf, linkId, linkMessage, MAX_LINKS, readChain } from "./delegation-link.ts";
import { canonicalAgentKey, didKeyOf, didOf, oneDid } from "../crypto/did.ts";
import { skewOf, timeOf } from "./clock.ts";
import { capabilitiesOf } from "./fields.ts";
import { type Grant, narrowAll } from "./narrow.ts";
import { verifyClaim } from "./signature.ts";
import { cacheOf, type VerificationCache } from "./verification-cache.ts";

/** Somebody from whom the verifier takes delegations, and what they may pass on at most. */
export interface DelegationRoot {
  /** Who: `did:agentmesh:…` with the key's hash, or `did:key:…`. */
  readonly did: string;
  /** What they hold. */
  readonly capabilities: readonly string[];
  /** How many links may be below them: 16 by default, which is the most. 0: none. */
  readonly maxDepth?: number;
  /** Until when, exclusive, in ms since the epoch. Default: without end. */
  readonly expiresAt?: number;
}

/** How {@linkcode verifyDelegation} judges. */
export interface VerifyDelegationOptions {
  /** Whom the verifier trusts, and how far. A chain from anybody else denies. */
  readonly roots: readonly DelegationRoot[];
  /**
   * Who shows the chain: the DID that has been proven, by a challenge for instance. A chain of somebody else's denies.
   */
  readonly holder: string;
  /**
   * What is revoked: a set of link ids and DIDs, or a function that is asked for each and may be asynchronous. A set
   * may name an agent by either DID of its key. A function is asked for `did:agentmesh:…`, for those that signed as
   * `did:key:…` too, and for `holder` as it is given: what it looks in should keep agents under
   * {@linkcode canonicalAgentKey}. Anything that a function answers but `false` revokes. Default: nothing is.
   */
  readonly revoked?: ReadonlySet<string> | ((idOrDid: string) => boolean | Promise<boolean>) | undefined;
  /**
   * How far ahead the signers' clocks may be, in ms: a minute by default, as everywhere, and at most 300000. Makes no
   * link live longer.
   */
  readonly skewMs?: number | undefined;
  /** Remembers valid signatures; everything else is judged anew. Default: none. */
  readonly cache?: VerificationCache | undefined;
  /**
   * Now, in ms since the epoch. Default: `Date.now`. The same function each time: what has lapsed by it stays so,
   * though it goes back.
   */
  readonly clock?: () => number;
}

/** What {@linkcode verifyDelegation} answers. A denial can be returned by a guard as it is. */
export type DelegationVerdict =
  | (Grant & {
    /** The discriminant. */
    readonly allowed: true;
    /** From whom it all comes, as `did:agentmesh:…`. */
    readonly root: string;
    /** Who holds it, as `did:agentmesh:…`. */
    readonly holder: string;
    /** The ids of the links, from the root's down. */
    readonly ids: readonly string[];
  })
  | Deny;

const WHERE = "verifyDelegation()";

/**
 * Verifies a chain of delegations from outside, and answers what its holder may really do.
 *
 * The root must be one of `roots`, the last receiver must be `holder`, each link must follow from the one above (by DID
 * and by hash), and nobody may stand in it twice. Each link may pass on at most what its parent has: more capabilities
 * or depth deny, and the lifetime is the shortest of all. A link that was revoked, or one of whose two agents was,
 * takes everything below it; that is asked once every signature has been verified. Never rejects for what is in the
 * chain; 16 links are the most.
 *
 * Denies with `identity_unverified` for whatever is wrong with the chain, and with `missing_capabilities` where it
 * passes on more than somebody above holds.
 *
 * @throws {TypeError} Rejects if an option is wrong; what a `revoked` function throws is passed on.
 * @throws {RangeError} Rejects if a number among the options is out of range.
 * @example Usage
 * ```ts
 * import { createIdentity, delegate, verifyDelegation } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const [owner, worker, thief] = await Promise.all([createIdentity(), createIdentity(), createIdentity()]);
 * const chain = await delegate(owner, { to: worker.did, capabilities: ["read"], expiresAt: Date.now() + 60_000 });
 * const roots = [{ did: owner.did, capabilities: ["read"] }];
 * assert.equal((await verifyDelegation(chain, { holder: worker.did, roots })).allowed, true);
 * assert.equal((await verifyDelegation(chain, { holder: thief.did, roots })).allowed, false);
 * assert.equal((await verifyDelegation(chain, { holder: worker.did, roots: [] })).allowed, false);
 * ```
 */
export async function verifyDelegation(chain: unknown, options: VerifyDelegationOptions): Promise<DelegationVerdict> {
  const own = ownOptions(WHERE, options, ["roots", "holder", "revoked", "skewMs", "cache", "clock"]);
  const { holder: stated, clock = Date.now } = own;
  const skewMs = skewOf(WHERE, own.skewMs);
  functionOf(WHERE, "clock", clock);
  const cache = cacheOf(WHERE, own.cache);
  const isRevoked = revocation(own.revoked);
  // Read before the first await, so that nobody swaps a link while another is being hashed.
  const links = readChain(chain);
  const roots = rootsOf(own.roots);
  const holder = oneDid(stated);
  if (holder === undefined) throw wrong(WHERE, "holder", "the DID of a key, did:agentmesh:… or did:key:…", stated);

  const first = links?.[0];
  if (links === undefined || first === undefined) {
    return denied(`The delegation is no chain of 1 to ${MAX_LINKS} well-formed links`);
  }
  const root = roots.get(first.from);
  if (root === undefined) return denied("The delegation comes from a root that is not trusted");
  if (links.at(-1)?.to !== holder) return denied("The delegation is somebody else's");
  // What a signer of this library refuses to make, a verifier refuses to take.
  if (links.some(({ issuedAt, expiresAt }) => !(issuedAt < expiresAt))) return denied("A link lapses before it begins");
  const broken = judgeOrder(links);
  if (broken !== undefined) return denied(broken);
  const grant = narrowAll(root, links.map(grantOf));
  if (typeof grant === "string") return deny("missing_capabilities", grant);
  const now = timeOf(clock);
  // Written so that NaN denies.
  if (!(now < grant.expiresAt && links.every((link) => link.issuedAt <= now + skewMs))) {
    return denied("The delegation is not in force");
  }

  const ids = await Promise.all(links.map(linkId));
  if (links.some((link, at) => link.parent !== (at === 0 ? "" : ids[at - 1]))) {
    return denied("A link was signed for another chain");
  }
  const names = new Set([...ids, stated]);
  for (const link of links) {
    const publicKey = fromBase64Url(link.publicKey, 32) as Bytes;
    if (await didOf(publicKey) !== link.from) return denied("A link's DID is not derived from its key");
    const claim = {
      publicKey,
      context: ":delegation",
      message: linkMessage(link),
      signature: fromBase64Url(link.signature, 64),
    };
    if (!await verifyClaim(claim, cache)) return denied("A link's signature is not valid");
    names.add(link.from).add(didKeyOf(publicKey)).add(link.to);
  }
  // Asked last, so that the answer is as new as can be and nobody's inventions reach the place where it is looked up.
  for (const name of names) {
    if (await isRevoked(name) !== false) return denied("The delegation was revoked");
  }
  return Object.freeze({ allowed: true, root: first.from, holder, ...grant, ids: Object.freeze(ids) });
}

const denied = (reason: string): Deny => deny("identity_unverified", reason);

/** Says what is wrong with the way the links follow one another. */
function judgeOrder(links: DelegationChain): string | undefined {
  const seen = new Set([links[0]?.from]);
  for (const [at, link] of links.entries()) {
    if (at > 0 && link.from !== links[at - 1]?.to) return "A link does not follow from the one above";
    if (seen.has(link.to)) return "The delegation goes round in a circle";
    seen.add(link.to);
  }
  return undefined;
}

function revocation(revoked: VerifyDelegationOptions["revoked"]): (name: string) => unknown {
  if (revoked === undefined) return () => false;
  if (typeof revoked === "function") return revoked;
  if (typeof revoked === "object" && revoked !== null && typeof revoked.has === "function") {
    const keys = typeof revoked.keys === "function" ? keysOf(revoked) : new Set<string>();
    return (name) => keys.has(name) || revoked.has(name);
  }
  throw wrong(WHERE, "revoked", "a set or a function", revoked);
}

/** What the entries of a list mean, from the last time that it was read: to tell it of a did:key takes a hash. */
const meant = new WeakMap<object, ReadonlyMap<string, string>>();

/** A list names agents and links as whoever wrote it did, and is asked under their one name too. */
function keysOf(revoked: ReadonlySet<string>): ReadonlySet<string> {
  const before = meant.get(revoked);
  const now = new Map<string, string>();
  const keys = new Set<string>();
  for (const name of revoked.keys() as Iterable<unknown>) {
    if (typeof name !== "string") continue;
    const key = before?.get(name) ?? canonicalAgentKey(name);
    now.set(name, key);
    keys.add(key).add(name.trim().toLowerCase());
  }
  meant.set(revoked, now);
  return keys;
}

function rootsOf(roots: readonly DelegationRoot[]): ReadonlyMap<string, Grant> {
  if (!Array.isArray(roots)) throw wrong(WHERE, "roots", "an array", roots);
  const out = new Map<string, Grant>();
  for (const [at, root] of (roots as readonly DelegationRoot[]).entries()) {
    const own = ownOptions(`${WHERE} roots[${at}]`, root, ["did", "capabilities", "maxDepth", "expiresAt"]);
    const { did, capabilities, maxDepth = MAX_LINKS, expiresAt = Number.MAX_SAFE_INTEGER } = own;
    const name = oneDid(did);
    if (name === undefined) {
      throw wrong(WHERE, `roots[${at}].did`, "the DID of a key, did:agentmesh:… or did:key:…", did);
    }
    if (out.has(name)) throw wrong(WHERE, `roots[${at}].did`, "named once", did);
    const held = capabilitiesOf(capabilities);
    if (held === undefined) {
      throw wrong(
        WHERE,
        `roots[${at}].capabilities`,
        "an array of at most 256 strings of 1 to 256 characters",
        capabilities,
      );
    }
    wholeNumber(WHERE, `roots[${at}].maxDepth`, maxDepth, 0, MAX_LINKS);
    wholeNumber(WHERE, `roots[${at}].expiresAt`, expiresAt, 0);
    out.set(name, { capabilities: held, maxDepth, expiresAt });
  }
  return out;
}
