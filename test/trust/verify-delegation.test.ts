import fc from "fast-check";
import { afterEach, describe, expect, test, vi } from "vitest";
import { randomText, toBase64Url } from "../../src/crypto/bytes.ts";
import { capabilityCovers } from "../../src/trust/capability.ts";
import { linkId, linkMessage } from "../../src/trust/delegation-link.ts";
import { delegate, type DelegationChain, delegationId, type DelegationLink } from "../../src/trust/delegation.ts";
import { createIdentity, type Identity, signAs } from "../../src/trust/identity.ts";
import { createVerificationCache } from "../../src/trust/verification-cache.ts";
import {
  type DelegationRoot,
  verifyDelegation,
  type VerifyDelegationOptions,
} from "../../src/trust/verify-delegation.ts";
import { didKeyOf } from "../../src/crypto/did.ts";
import { fromText, malleated, three } from "./identities.ts";

const NOW = 1_800_000_000_000;
const clock = (): number => NOW;
const [owner, planner, worker] = await three();
const [helper, thief] = await Promise.all([createIdentity(), createIdentity()]);
const first = await delegate(owner, {
  to: planner.did,
  capabilities: ["read:*", "deploy"],
  maxDepth: 2,
  expiresAt: NOW + 1000,
  clock,
});
const second = await delegate(planner, {
  to: worker.did,
  capabilities: ["read:db:*"],
  maxDepth: 1,
  expiresAt: NOW + 900,
  parent: first,
  clock,
});
const chain = await delegate(worker, {
  to: helper.did,
  capabilities: ["read:db:users"],
  expiresAt: NOW + 800,
  parent: second,
  clock,
});
const root: DelegationRoot = { did: owner.did, capabilities: ["read:*", "write:*", "deploy"] };
const options: VerifyDelegationOptions = { roots: [root], holder: helper.did, clock };

afterEach(() => vi.restoreAllMocks());

/**
 * Signs a link as its delegator could with its own key, whatever it passes on: what `delegate` would refuse to make.
 */
async function forged(
  from: Identity,
  parent: DelegationChain,
  change: Partial<DelegationLink>,
): Promise<DelegationChain> {
  const above = parent.at(-1);
  const unsigned = {
    from: from.did,
    to: helper.did,
    capabilities: ["read:db:users"],
    maxDepth: 0,
    issuedAt: NOW,
    expiresAt: NOW + 500,
    nonce: randomText(16),
    parent: above === undefined ? "" : await linkId(above),
    publicKey: toBase64Url(from.publicKey),
    ...change,
  };
  return [...parent, { ...unsigned, signature: toBase64Url(await signAs(from, ":delegation", linkMessage(unsigned))) }];
}

describe("verifyDelegation()", () => {
  test("answers what the holder has, when the chain came over the wire", async () => {
    const verdict = await verifyDelegation(JSON.parse(JSON.stringify(chain)), options);
    expect(verdict).toEqual({
      allowed: true,
      root: owner.did,
      holder: helper.did,
      capabilities: ["read:db:users"],
      maxDepth: 0,
      expiresAt: NOW + 800,
      ids: await Promise.all(chain.map(delegationId)),
    });
    expect(Object.isFrozen(verdict)).toBe(true);
  });

  test("takes root and holder by their did:key, when the chain names them otherwise", async () => {
    expect(
      (await verifyDelegation(chain, { ...options, roots: [{ ...root, did: owner.didKey }], holder: helper.didKey }))
        .allowed,
    ).toBe(true);
  });

  test.each<[string, () => Promise<unknown>, Partial<VerifyDelegationOptions>]>([
    ["comes from an unknown root", async () => chain, { roots: [{ ...root, did: thief.did }] }],
    ["comes from somebody below the root", async () => chain.slice(1), {}],
    ["is verified without roots", async () => chain, { roots: [] }],
    ["is shown by somebody else", async () => chain, { holder: thief.did }],
    ["is shown by somebody above", async () => chain, { holder: worker.did }],
    ["lacks its middle", async () => [chain[0], chain[2]], {}],
    ["is turned round", async () => [...chain].reverse(), {}],
    ["is no array", async () => ({ 0: chain[0], length: 1 }), {}],
    ["is empty", async () => [], {}],
    ["has 17 links", async () => new Array(17).fill(chain[0]), {}],
    ["has a hole", async () => [chain[0], , chain[2]], {}],
    ["is nothing", async () => undefined, {}],
    ["goes back to the root (ID-15)", async () => forged(worker, second, { to: owner.did }), { holder: owner.did }],
    ["goes to the delegator itself (ID-15)", async () => forged(worker, second, { to: worker.did }), {
      holder: worker.did,
    }],
    ["names somebody by did:key, to hide a circle", async () => forged(worker, second, { to: owner.didKey }), {
      holder: owner.did,
    }],
    ["goes on from somebody who received nothing", async () => forged(thief, second, {}), {}],
    ["was signed by another than it says", async () => forged(thief, second, { from: worker.did }), {}],
    [
      "was signed by another, with the right key in it",
      async () => forged(thief, second, { from: worker.did, publicKey: toBase64Url(worker.publicKey) }),
      {},
    ],
    ["was signed for another parent", async () => forged(worker, second, { parent: "ab".repeat(32) }), {}],
    ["says that it has no parent", async () => forged(worker, second, { parent: "" }), {}],
    ["gives the root a parent", async () => forged(owner, [], { parent: "ab".repeat(32) }), {}],
    ["was issued in the future (ID-08)", async () => forged(worker, second, { issuedAt: NOW + 1 }), { skewMs: 0 }],
    [
      "was issued beyond the skew",
      async () => forged(worker, second, { issuedAt: NOW + 60_001, expiresAt: NOW + 60_002 }),
      {},
    ],
    ["lapses before it begins", async () => forged(worker, second, { issuedAt: NOW + 400, expiresAt: NOW + 400 }), {}],
    ["may be deeper than any signer makes it", async () => forged(owner, [], { maxDepth: 16 }), {}],
    ["has lapsed", async () => chain, { clock: () => NOW + 800 }],
    ["outlives its parent (ID-19)", async () => forged(worker, second, { expiresAt: NOW + 31_536_000_000 }), {
      clock: () => NOW + 900,
    }],
    ["outlives its root's own rights", async () => chain, { roots: [{ ...root, expiresAt: NOW }] }],
    ["is judged by a broken clock", async () => chain, { clock: () => NaN }],
  ])("denies with identity_unverified, when the chain %s", async (_, make, change) => {
    expect(await verifyDelegation(await make(), { ...options, ...change })).toMatchObject({
      effect: "deny",
      allowed: false,
      code: "identity_unverified",
    });
  });

  test.each<[string, () => Promise<unknown>, Partial<VerifyDelegationOptions>]>([
    ["a capability that the parent lacks (ID-16)", () => forged(worker, second, { capabilities: ["deploy"] }), {}],
    ["a broader capability", () => forged(worker, second, { capabilities: ["read:*"] }), {}],
    ["as much depth as the parent (ID-17)", () => forged(worker, second, { maxDepth: 1 }), {}],
    ["anything, where the parent may not", () => forged(helper, chain, { to: thief.did }), { holder: thief.did }],
    ["a capability that the root lacks", async () => chain, { roots: [{ ...root, capabilities: ["deploy"] }] }],
    ["deeper than the root may", async () => chain, { roots: [{ ...root, maxDepth: 2 }] }],
  ])("denies with missing_capabilities, when a link passes on %s", async (_, make, change) => {
    expect(await verifyDelegation(await make(), { ...options, ...change })).toMatchObject({
      allowed: false,
      code: "missing_capabilities",
    });
  });

  test("takes the shortest lifetime of all, when a link outlives its parent (ID-19)", async () => {
    const long = await forged(worker, second, { expiresAt: NOW + 31_536_000_000 });
    expect(await verifyDelegation(long, options)).toMatchObject({ allowed: true, expiresAt: NOW + 900 });
    expect(await verifyDelegation(long, { ...options, roots: [{ ...root, expiresAt: NOW + 5 }] })).toMatchObject({
      allowed: true,
      expiresAt: NOW + 5,
    });
  });

  test("takes a link from a clock ahead, when that is within the skew", async () => {
    const ahead = await forged(worker, second, { issuedAt: NOW + 1 });
    expect((await verifyDelegation(ahead, { ...options, skewMs: 1 })).allowed).toBe(true);
    const minute = await forged(worker, second, { issuedAt: NOW + 60_000, expiresAt: NOW + 60_001 });
    expect((await verifyDelegation(minute, options)).allowed).toBe(true);
  });

  test("stays dead once it was, when the clock is set back", async () => {
    let now = NOW;
    const set = { ...options, clock: () => now };
    expect((await verifyDelegation(chain, set)).allowed).toBe(true);
    now = NOW + 800;
    expect((await verifyDelegation(chain, set)).allowed).toBe(false);
    now = NOW;
    expect(await verifyDelegation(chain, set)).toMatchObject({ reason: "The delegation is not in force" });
  });

  test.each([0, 1, 2])("denies, when any field of link %i is changed", async (at) => {
    const other: Partial<DelegationLink> = {
      from: thief.did,
      to: thief.did,
      capabilities: [],
      maxDepth: 0,
      issuedAt: NOW - 1,
      expiresAt: NOW + 700,
      nonce: "A".repeat(22),
      parent: "ab".repeat(32),
      publicKey: toBase64Url(thief.publicKey),
      signature: toBase64Url(malleated(fromText(chain[at]?.signature as string))),
    };
    const wrong: object = {
      to: 7,
      capabilities: "read:db:users",
      maxDepth: NaN,
      issuedAt: "0",
      expiresAt: NaN,
      nonce: "",
      parent: null,
      publicKey: undefined,
      signature: "",
      alg: "none",
    };
    for (const [field, value] of [...Object.entries(other), ...Object.entries(wrong)]) {
      const verdict = await verifyDelegation(
        chain.map((
          link,
          index,
        ) => (index === at && JSON.stringify(link[field as keyof DelegationLink]) !== JSON.stringify(value)
          ? { ...link, [field]: value }
          : link)
        ),
        options,
      );
      const same = JSON.stringify(chain[at]?.[field as keyof DelegationLink]) === JSON.stringify(value);
      expect(verdict.allowed, field).toBe(same);
    }
  });

  test("never rejects and never allows, whatever it is given", async () => {
    const throwing = new Proxy([], {
      get: () => {
        throw new Error("no");
      },
    });
    for (const value of [throwing, [chain[0], throwing]]) {
      expect((await verifyDelegation(value, options)).allowed).toBe(false);
    }
    await fc.assert(fc.asyncProperty(fc.anything(), async (value) => {
      expect((await verifyDelegation(value, options)).allowed).toBe(false);
      expect((await verifyDelegation([chain[0], chain[1], value], options)).allowed).toBe(false);
    }));
  });

  describe("with revocations", () => {
    test.each([0, 1, 2])("denies all that lies below, when link %i is revoked (ID-14)", async (at) => {
      const revoked = new Set([await delegationId(chain[at])]);
      const holders = [planner, worker, helper];
      for (let length = 1; length <= 3; length++) {
        const verdict = await verifyDelegation(chain.slice(0, length), {
          ...options,
          holder: holders[length - 1]?.did as string,
          revoked,
        });
        expect(verdict.allowed, `${length} links`).toBe(length <= at);
      }
    });

    test.each<[string, string]>([
      ["the root", owner.did],
      ["somebody between", planner.did],
      ["the holder", helper.did],
      ["a signer by its did:key", worker.didKey],
    ])("denies, when %s is revoked", async (_, did) => {
      expect(await verifyDelegation(chain, { ...options, revoked: new Set([did]) })).toMatchObject({
        code: "identity_unverified",
        reason: "The delegation was revoked",
      });
    });

    test("denies, when the holder is revoked by the did:key that it is known by", async () => {
      expect(
        (await verifyDelegation(chain, { ...options, holder: helper.didKey, revoked: new Set([helper.didKey]) }))
          .allowed,
      ).toBe(false);
    });

    test("allows, when others are revoked and when the same was granted again", async () => {
      const revoked = new Set([thief.did, await delegationId(first[0])]);
      const again = await delegate(owner, {
        to: planner.did,
        capabilities: ["read:*", "deploy"],
        maxDepth: 2,
        expiresAt: NOW + 1000,
        clock,
      });
      expect((await verifyDelegation(again, { ...options, holder: planner.did, revoked })).allowed).toBe(true);
    });

    test("asks a function for each id and DID, when it is one", async () => {
      const asked: string[] = [];
      const revoked = async (name: string): Promise<boolean> => {
        asked.push(name);
        return false;
      };
      expect((await verifyDelegation(chain, { ...options, revoked })).allowed).toBe(true);
      expect(asked).toEqual(
        expect.arrayContaining([
          ...await Promise.all(chain.map(delegationId)),
          owner.did,
          planner.did,
          worker.did,
          helper.did,
          owner.didKey,
        ]),
      );
      expect(new Set(asked).size).toBe(asked.length);
    });

    test.each([true, undefined, null, 0, "no"])("denies, when the function answers %o", async (answer) => {
      expect((await verifyDelegation(chain, { ...options, revoked: () => answer as boolean })).allowed).toBe(false);
    });

    test("rejects, when the function does", async () => {
      await expect(verifyDelegation(chain, { ...options, revoked: () => Promise.reject(new Error("down")) })).rejects
        .toThrow("down");
    });

    test("asks nothing, when a signature is wrong", async () => {
      const revoked = vi.fn(() => false);
      await verifyDelegation([...second, { ...chain[2], signature: chain[1]?.signature }], { ...options, revoked });
      expect(revoked).not.toHaveBeenCalled();
    });
  });

  test("judges everything but the signatures anew, when those are remembered (ID-23)", async () => {
    const cache = createVerificationCache();
    const verify = vi.spyOn(crypto.subtle, "verify");
    for (let times = 0; times < 2; times++) {
      expect((await verifyDelegation(chain, { ...options, cache })).allowed).toBe(true);
    }
    expect(verify).toHaveBeenCalledTimes(3);
    for (
      const change of [{ clock: () => NOW + 800 }, { roots: [{ ...root, capabilities: [] }] }, { roots: [] }, {
        holder: thief.did,
      }, { revoked: new Set([planner.did]) }]
    ) {
      expect((await verifyDelegation(chain, { ...options, cache, ...change })).allowed).toBe(false);
    }
  });

  test.each<[string, object]>([
    ["roots", { roots: undefined }],
    ["roots", { roots: { [owner.did]: ["read"] } }],
    ["roots[0].did", { roots: [{ ...root, did: "did:agentmesh:owner" }] }],
    ["roots[1].did", { roots: [root, { ...root, did: owner.didKey }] }],
    ["roots[0].capabilities", { roots: [{ ...root, capabilities: "*" }] }],
    ["roots[0].maxDepth", { roots: [{ ...root, maxDepth: 17 }] }],
    ["roots[0].expiresAt", { roots: [{ ...root, expiresAt: NaN }] }],
    ["depth", { roots: [{ ...root, depth: 3 }] }],
    ["options", { roots: [null] }],
    ["holder", { holder: undefined }],
    ["holder", { holder: "did:agentmesh:helper" }],
    ["revoked", { revoked: ["a"] }],
    ["revoked", { revoked: null }],
    ["skewMs", { skewMs: NaN }],
    ["skewMs", { skewMs: 300_001 }],
    ["clock", { clock: NOW }],
    ["now", { now: NOW }],
  ])("rejects with the option %s, when the options have %o", async (field, change) => {
    await expect(verifyDelegation(chain, { ...options, ...change } as VerifyDelegationOptions)).rejects.toThrow(
      `"${field}" must`,
    );
  });

  test("gives no leaf a capability, depth or lifetime that its root lacks, in random trees that are really signed", async () => {
    const agents = await Promise.all(Array.from({ length: 5 }, () => createIdentity()));
    const capability = fc.constantFrom("*", "read:*", "read:db", "read:db:users", "read", "deploy");
    const node = fc.record({
      capabilities: fc.uniqueArray(capability, { minLength: 1, maxLength: 2 }),
      maxDepth: fc.nat(3),
      life: fc.integer({ min: 1, max: 100 }),
      above: fc.nat(),
      honest: fc.boolean(),
    });
    const held = fc.record({
      capabilities: fc.uniqueArray(capability, { minLength: 1, maxLength: 3 }),
      maxDepth: fc.nat(4),
      life: fc.integer({ min: 1, max: 100 }),
    });
    let allowed = 0;
    let denied = 0;
    await fc.assert(
      fc.asyncProperty(held, fc.array(node, { minLength: 1, maxLength: 4 }), async ({ life, ...grant }, nodes) => {
        const roots = [{ did: owner.did, ...grant, expiresAt: NOW + life }];
        const paths: DelegationChain[] = [[]];
        for (const [at, { above, honest, capabilities, maxDepth, life: asked }] of nodes.entries()) {
          const parent = paths[above % paths.length] as DelegationChain;
          const from = parent.length === 0 ? owner : agents.find(({ did }) => did === parent.at(-1)?.to) as Identity;
          const wish = { to: (agents[at] as Identity).did, capabilities, maxDepth, expiresAt: NOW + asked };
          const made = honest
            ? await delegate(from, { ...wish, clock, ...(parent.length === 0 ? {} : { parent }) }).catch(
              (error: unknown) => {
                expect(error).toBeInstanceOf(TypeError);
                return undefined;
              },
            )
            : await forged(from, parent, wish);
          if (made !== undefined) paths.push(made);
        }
        for (const path of paths.slice(1)) {
          const verdict = await verifyDelegation(path, { roots, holder: path.at(-1)?.to as string, clock });
          if (!verdict.allowed) {
            denied++;
            continue;
          }
          allowed++;
          for (const one of verdict.capabilities) {
            expect(grant.capabilities.some((other) => capabilityCovers(other, one))).toBe(true);
          }
          expect(verdict.maxDepth + path.length).toBeLessThanOrEqual(grant.maxDepth);
          expect(verdict.expiresAt).toBe(Math.min(NOW + life, ...path.map(({ expiresAt }) => expiresAt)));
        }
      }),
      { numRuns: 200 },
    );
    expect(Math.min(allowed, denied)).toBeGreaterThan(20);
  });
});

describe("a list of what is revoked that is asked under an agent's other name", () => {
  const asked = async (revoked: unknown): Promise<boolean> =>
    (await verifyDelegation(first, {
      roots: [{ did: owner.did, capabilities: ["read:*", "deploy"] }],
      holder: planner.did,
      clock,
      revoked: revoked as ReadonlySet<string>,
    })).allowed;

  test("is read, when it is a map, or holds what is no text", async () => {
    expect(await asked(new Map([[planner.didKey, "stolen"]]))).toBe(false);
    expect(await asked(new Map([[thief.didKey, "stolen"]]))).toBe(true);
    expect(await asked(new Set([5, null, planner.didKey]))).toBe(false);
    expect(await asked(new Set([5, null]))).toBe(true);
  });

  test("is read by all its names, when its own answers come later", async () => {
    const later = (name: string): unknown => ({ has: () => Promise.resolve(false), keys: () => [name].values() });
    expect(await asked(later(planner.didKey))).toBe(false);
    expect(await asked(later(thief.didKey))).toBe(true);
  });

  test("is hashed once, however often and under however many names it is asked", async () => {
    const many = new Set(
      Array.from(
        { length: 5000 },
        (_, at) => didKeyOf(Uint8Array.from({ length: 32 }, (_, i) => [at, at >> 8][i] ?? 77)),
      ),
    );
    // Each that is decoded has its digits padded once.
    const decode = vi.spyOn(String.prototype, "padStart");
    expect(await asked(many)).toBe(true);
    const first = decode.mock.calls.length;
    expect(first).toBeGreaterThanOrEqual(5000);
    expect(await asked(many)).toBe(true);
    expect(decode.mock.calls.length - first).toBeLessThan(100);
    // And what is new in it counts at once, also in the place of another.
    many.delete(many.values().next().value as string);
    many.add(planner.didKey);
    expect(await asked(many)).toBe(false);
    many.delete(planner.didKey);
    expect(await asked(many)).toBe(true);
  });

  test("is read as it was written: lines, cells, URLs of keys, ends of DIDs, ids in upper case", async () => {
    const id = await delegationId(first[0]);
    for (
      const entry of [
        `${planner.did}\r`,
        `\ufeff${planner.didKey}`,
        `${planner.didKey}#${planner.didKey.slice(8)}`,
        planner.did.replace("did:agentmesh", "DID:agentmesh"),
        planner.did.slice(14),
        planner.didKey.slice(8),
        `${id}\r`,
        id.toUpperCase(),
      ]
    ) expect(await asked(new Set([entry]))).toBe(false);
    for (const entry of [`${thief.did}\r`, thief.didKey.slice(8), "ab".repeat(32), "x", ""]) {
      expect(await asked(new Set([entry]))).toBe(true);
    }
  });
});
