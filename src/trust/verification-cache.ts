import { functionOf, ownOptions, wholeNumber } from "../base/check.ts";
import { made, refuseOtherCopy } from "../base/copy.ts";
import { memberOf } from "../base/own.ts";

/**
 * Remembers signatures that were found valid. Made by {@linkcode createVerificationCache}; holds no key and no message.
 */
export interface VerificationCache {
  /** How many signatures are remembered. */
  readonly size: number;
  /** Tells whether this digest was remembered, and makes it the last to be forgotten. */
  has(digest: string): boolean;
  /** Remembers a digest, and forgets the one that was not asked for the longest when there are too many. */
  add(digest: string): void;
  /** Forgets everything. */
  clear(): void;
}

/**
 * Creates a bounded memory of valid signatures, for agents that show the same card or chain again and again.
 *
 * What is remembered is only that a signature is right, under the SHA-256 of everything which that depends on: key,
 * context, message and signature. It is not an answer about an agent: expiry, revocation, status, trust score and
 * capabilities are judged anew each time, so no answer given under a low threshold is ever used under a higher one.
 * Signatures that are wrong are not remembered, so nobody can push out the right ones with forgeries.
 *
 * A cache of one's own answers `true` for what it remembers, at once, and anything else for what it does not.
 *
 * `max` is how many are remembered, 1024 by default; beyond it the one unused for the longest is forgotten and will be
 * verified again.
 *
 * @throws {RangeError} If `max` is not a whole number from 1 to 1000000.
 * @example Usage
 * ```ts
 * import { createIdentity, createVerificationCache, signCard, verifyCard } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const cache = createVerificationCache({ max: 100 });
 * const signed = await signCard(await createIdentity(), { name: "reader", capabilities: ["read:*"] });
 * assert.equal((await verifyCard(signed, { cache })).allowed, true);
 * assert.equal(cache.size, 1);
 * assert.equal((await verifyCard(signed, { cache, minTrustScore: 900 })).allowed, false);
 * ```
 */
export function createVerificationCache(options: { readonly max?: number } = {}): VerificationCache {
  const { max = 1024 } = ownOptions("createVerificationCache()", options, ["max"]);
  wholeNumber("createVerificationCache()", "max", max, 1, 1_000_000);
  const digests = new Set<string>();
  return Object.freeze(made({
    get size(): number {
      return digests.size;
    },
    has(digest: string): boolean {
      if (!digests.delete(digest)) return false;
      digests.add(digest);
      return true;
    },
    add(digest: string): void {
      digests.delete(digest);
      digests.add(digest);
      for (const oldest of digests) {
        if (digests.size <= max) break;
        digests.delete(oldest);
      }
    },
    clear(): void {
      digests.clear();
    },
  }));
}

/**
 * Reads the option: a cache of ours, or whatever has its methods.
 *
 * @throws {TypeError} If it is neither, or of another copy of the package, which may take for valid what this one does
 *   not.
 */
export function cacheOf(where: string, cache: VerificationCache | undefined): VerificationCache | undefined {
  if (cache === undefined) return undefined;
  refuseOtherCopy(where, "cache", cache);
  functionOf(where, "cache.has", memberOf(cache, "has"));
  functionOf(where, "cache.add", memberOf(cache, "add"));
  return cache;
}
