import { describe, expect, test } from "vitest";
import {
  delegate,
  type DelegateOptions,
  type DelegationChain,
  delegationId,
  type DelegationLink,
} from "../../src/trust/delegation.ts";
import { createIdentity } from "../../src/trust/identity.ts";
import { three } from "./identities.ts";

const NOW = 1_800_000_000_000;
const clock = (): number => NOW;
const [owner, planner, worker] = await three();
const first = await delegate(owner, {
  to: planner.did,
  capabilities: ["read:*", "deploy"],
  maxDepth: 1,
  expiresAt: NOW + 1000,
  clock,
});

describe("delegate()", () => {
  test("signs a root's own link, when there is no parent", () => {
    expect(first).toEqual([{
      from: owner.did,
      to: planner.did,
      capabilities: ["read:*", "deploy"],
      maxDepth: 1,
      issuedAt: NOW,
      expiresAt: NOW + 1000,
      nonce: expect.stringMatching(/^[\w-]{22}$/),
      parent: "",
      publicKey: expect.any(String),
      signature: expect.any(String),
    }]);
  });

  test("adds a link that names the one above, when there is a parent", async () => {
    const chain = await delegate(planner, {
      to: worker.didKey,
      capabilities: ["read:db"],
      expiresAt: NOW + 500,
      parent: first,
      clock,
    });
    expect(chain[0]).toEqual(first[0]);
    expect(chain[1]).toMatchObject({
      from: planner.did,
      to: worker.did,
      capabilities: ["read:db"],
      maxDepth: 0,
      expiresAt: NOW + 500,
      parent: await delegationId(first[0]),
    });
  });

  test("cuts a lifetime down to the parent's, when more is asked for (ID-19)", async () => {
    const chain = await delegate(planner, {
      to: worker.did,
      capabilities: [],
      expiresAt: NOW + 31_536_000_000,
      parent: first,
      clock,
    });
    expect(chain[1]?.expiresAt).toBe(NOW + 1000);
  });

  test("copies and freezes, so that nobody changes a link afterwards", async () => {
    const capabilities = ["read:db"];
    const chain = await delegate(planner, { to: worker.did, capabilities, expiresAt: NOW + 500, parent: first, clock });
    capabilities.push("write");
    expect(chain[1]?.capabilities).toEqual(["read:db"]);
    for (const part of [chain, ...chain, ...chain.map((link) => link.capabilities)]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test("makes another link each time, when the same is passed on again", async () => {
    const again = await delegate(owner, {
      to: planner.did,
      capabilities: ["read:*", "deploy"],
      maxDepth: 1,
      expiresAt: NOW + 1000,
      clock,
    });
    expect(await delegationId(again[0])).not.toBe(await delegationId(first[0]));
  });

  const base: DelegateOptions = {
    to: worker.did,
    capabilities: ["read:db"],
    expiresAt: NOW + 500,
    parent: first,
    clock,
  };
  test.each<[string, object, string]>([
    ["a capability that it does not hold (ID-16)", { capabilities: ["read:db", "write"] }, "capability"],
    ["a broader capability", { capabilities: ["*"] }, "capability"],
    ["a capability above its own", { capabilities: ["read"] }, "capability"],
    ["more depth than it holds (ID-17)", { maxDepth: 1 }, "deeper"],
    ["what has lapsed", { expiresAt: NOW }, '"expiresAt"'],
    ["what its parent no longer holds (ID-18)", { clock: () => NOW + 1000 }, '"expiresAt"'],
    ["to the root (ID-15)", { to: owner.did }, "not in the chain yet"],
    ["to the root by its did:key (ID-15)", { to: owner.didKey }, "not in the chain yet"],
    ["to itself", { to: planner.did }, "not in the chain yet"],
    ["to a name", { to: "did:agentmesh:worker" }, '"to"'],
    ["to a DID with a line break", { to: `${worker.did}\n` }, '"to"'],
    ["to nobody", { to: undefined }, '"to"'],
    ["capabilities in text", { capabilities: "read:db" }, '"capabilities"'],
    ["257 capabilities", { capabilities: new Array(257).fill("read:db") }, '"capabilities"'],
    ["a depth of 16", { maxDepth: 16, parent: undefined }, '"maxDepth"'],
    ["a depth of NaN", { maxDepth: NaN }, '"maxDepth"'],
    ["a depth below 0", { maxDepth: -1 }, '"maxDepth"'],
    ["an expiry of NaN (ID-07)", { expiresAt: NaN }, '"expiresAt"'],
    ["an expiry in text", { expiresAt: "never" }, '"expiresAt"'],
    ["no expiry", { expiresAt: undefined }, '"expiresAt"'],
    ["a clock that is broken", { clock: () => NaN }, '"clock()"'],
    ["no clock", { clock: 5 }, '"clock"'],
    ["an empty parent", { parent: [] }, '"parent"'],
    ["a malformed parent", { parent: [{ ...first[0], maxDepth: "9" }] }, '"parent"'],
    ["a parent of 17 links", { parent: new Array(17).fill(first[0]) }, '"parent"'],
    ["an unknown option", { trustScore: 1000 }, '"trustScore"'],
  ])("rejects, when an identity passes on %s", async (_, change, text) => {
    await expect(delegate(planner, { ...base, ...change } as DelegateOptions)).rejects.toThrow(text);
  });

  test("rejects, when the parent is somebody else's", async () => {
    await expect(delegate(worker, { ...base, to: (await createIdentity()).did })).rejects.toThrow(
      "a chain that ends at the identity",
    );
  });

  test("rejects, when the parent's own links do not narrow", async () => {
    const chain = await delegate(planner, base);
    const widened: DelegationChain = [{ ...first[0] as DelegationLink, capabilities: [] }, chain[1] as DelegationLink];
    await expect(delegate(worker, { ...base, to: (await createIdentity()).did, parent: widened })).rejects.toThrow(
      '"parent" is no chain that narrows',
    );
  });

  test("rejects, when the identity is not one of the library's", async () => {
    await expect(delegate({ did: planner.did, publicKey: planner.publicKey } as never, base)).rejects.toThrow(
      "Cannot sign",
    );
  });
});

describe("delegationId()", () => {
  test("stays, when a link comes over the wire or with another signature", async () => {
    const link = first[0] as DelegationLink;
    const id = await delegationId(link);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await delegationId(JSON.parse(JSON.stringify(link)) as DelegationLink)).toBe(id);
    expect(await delegationId({ ...link, signature: "A".repeat(86) })).toBe(id);
  });

  test.each(
    ["to", "from", "capabilities", "maxDepth", "issuedAt", "expiresAt", "nonce", "parent", "publicKey"] as const,
  )("changes, when %s does", async (field) => {
    const other = {
      from: worker.did,
      to: worker.did,
      capabilities: [],
      maxDepth: 0,
      issuedAt: 1,
      expiresAt: 1,
      nonce: "A".repeat(22),
      parent: "ab".repeat(32),
      publicKey: "A".repeat(43),
    };
    expect(await delegationId({ ...first[0] as DelegationLink, [field]: other[field] })).not.toBe(
      await delegationId(first[0]),
    );
  });

  test("rejects, when the link is malformed or missing", async () => {
    await expect(delegationId(undefined)).rejects.toThrow('"link" must be a link made by delegate()');
    await expect(delegationId({ ...first[0] as DelegationLink, from: owner.didKey })).rejects.toThrow(TypeError);
  });
});
