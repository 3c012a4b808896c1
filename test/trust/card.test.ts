import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64Url, utf8 } from "../../src/crypto/bytes.ts";
import { canonicalJson } from "../../src/crypto/canonical.ts";
import { type CardInit, signCard, verifyCard, type VerifyCardOptions } from "../../src/trust/card.ts";
import { signAs } from "../../src/trust/identity.ts";
import { agentProfile } from "../../src/trust/profile.ts";
import { createVerificationCache } from "../../src/trust/verification-cache.ts";
import { fromText, malleated, three } from "./identities.ts";

const NOW = 1_800_000_000_000;
const clock = (): number => NOW;
const [alice, mallory] = await three();
const init: CardInit = {
  name: "deployer",
  description: "Deploys",
  capabilities: ["deploy:staging", "read:*"],
  metadata: { url: "https://a.example", tags: ["x"] },
  ttlMs: 1000,
  clock,
};
const signed = await signCard(alice, init);

describe("signCard()", () => {
  test("signs what the card says, when every field is given", async () => {
    const { ttlMs, clock: now, ...said } = init;
    expect(signed.card).toEqual({ did: alice.did, issuedAt: now?.(), expiresAt: NOW + (ttlMs as number), ...said });
    expect(Object.keys(signed)).toEqual(["card", "publicKey", "signature"]);
    expect((await signCard(alice, { name: "a", clock: () => NOW + 0.5 })).card).toEqual({
      did: alice.did,
      name: "a",
      capabilities: [],
      issuedAt: NOW,
      expiresAt: NOW + 3_600_000,
    });
  });

  test("copies what it was given, so that a later change is neither shown nor signed", async () => {
    const capabilities = ["read"];
    const metadata = { nested: { url: "a" } };
    const card = await signCard(alice, { name: "a", capabilities, metadata, clock });
    capabilities.push("admin");
    metadata.nested.url = "b";
    expect(card.card).toMatchObject({ capabilities: ["read"], metadata: { nested: { url: "a" } } });
    expect((await verifyCard(card, { clock })).allowed).toBe(true);
    expect(() => {
      (card.card.metadata as { nested: { url: string } }).nested.url = "c";
    }).toThrow(TypeError);
  });

  test.each([
    ["name", { name: "a\nb" }],
    ["name", { name: "" }],
    ["name", {}],
    ["description", { description: "" }],
    ["description", { description: "a\u2028b" }],
    ["description", { description: 4 }],
    ["capabilities", { capabilities: "read,admin" }],
    ["capabilities", { capabilities: ["a", 1] }],
    ["capabilities", { capabilities: ["a\n"] }],
    ["capabilities", { capabilities: new Array(257).fill("a") }],
    ["metadata", { metadata: { when: new Date() } }],
    ["metadata", { metadata: [] }],
    ["metadata", { metadata: null }],
    ["metadata", { metadata: { a: undefined } }],
    ["metadata", { metadata: { text: "x".repeat(262_120) } }],
    ["ttlMs", { ttlMs: 0 }],
    ["ttlMs", { ttlMs: NaN }],
    ["ttlMs", { ttlMs: Infinity }],
    ["ttlMs", { ttlMs: 367 * 86_400_000 }],
    ["clock()", { clock: () => NaN }],
    ["trustScore", { trustScore: 1000 }],
  ])("rejects with the field %s, when the card has %o", async (field, change) => {
    await expect(signCard(alice, { ...(field === "name" ? {} : { name: "a" }), clock, ...change } as CardInit)).rejects
      .toThrow(`Cannot build signCard(): "${field}"`);
  });

  test("rejects, when the identity is not one of the library's", async () => {
    await expect(signCard({ did: alice.did, publicKey: alice.publicKey } as never, { name: "a" })).rejects.toThrow(
      "Cannot sign",
    );
    await expect(signCard({ did: 7 } as never, { name: "a" })).rejects.toThrow(TypeError);
  });
});

describe("verifyCard()", () => {
  test("answers the card, frozen, when it came over the wire", async () => {
    const verdict = await verifyCard(JSON.parse(JSON.stringify(signed)), { clock });
    expect(verdict).toEqual({ allowed: true, card: signed.card });
    expect(verdict.allowed && Object.isFrozen(verdict.card) && Object.isFrozen(verdict.card.metadata)).toBe(true);
  });

  const changed = (change: object): object => ({ ...signed, card: { ...signed.card, ...change } });
  const { description: _, ...withoutDescription } = signed.card;
  test.each<[string, unknown]>([
    ["more capabilities", changed({ capabilities: ["deploy:*", "read:*"] })],
    ["capabilities in another order", changed({ capabilities: ["read:*", "deploy:staging"] })],
    ["two capabilities joined (ID-03)", changed({ capabilities: ["deploy:staging,read:*"] })],
    ["another name", changed({ name: "admin" })],
    ["other metadata", changed({ metadata: { url: "https://b.example", tags: ["x"] } })],
    ["no description", { ...signed, card: withoutDescription }],
    ["a longer life", changed({ expiresAt: NOW + 1001 })],
    ["an earlier beginning", changed({ issuedAt: NOW - 1 })],
    ["another's DID (ID-01)", changed({ did: mallory.did })],
    ["another's key", { ...signed, publicKey: toBase64Url(mallory.publicKey) }],
    ["another's key and DID", { ...changed({ did: mallory.did }), publicKey: toBase64Url(mallory.publicKey) }],
    ["S + L (ID-10)", { ...signed, signature: toBase64Url(malleated(fromText(signed.signature))) }],
    ["a truncated signature (ID-12)", { ...signed, signature: signed.signature.slice(0, -2) }],
    ["no signature", { card: signed.card, publicKey: signed.publicKey }],
    ["a field that is not known", changed({ trustScore: 1000 })],
    ["a field beside the card", { ...signed, alg: "none" }],
    ["an expiry that is NaN (ID-07)", changed({ expiresAt: NaN })],
    ["an expiry in text", changed({ expiresAt: "never" })],
    ["no expiry", changed({ expiresAt: undefined })],
    ["an issue date in text", changed({ issuedAt: "2027-01-15T08:00:00" })],
    ["no card", { publicKey: signed.publicKey, signature: signed.signature }],
    ["nothing", undefined],
  ])("denies with identity_unverified, when it has or is %s", async (_name, value) => {
    expect(await verifyCard(value, { clock })).toMatchObject({
      effect: "deny",
      allowed: false,
      code: "identity_unverified",
    });
  });

  test("denies, when the same fields were signed as something else (domain separation)", async () => {
    const bytes = utf8(canonicalJson(signed.card));
    for (
      const signature of [
        await alice.sign(bytes),
        await alice.sign(bytes, "agent-card"),
        await signAs(alice, ":challenge", bytes),
      ]
    ) {
      expect((await verifyCard({ ...signed, signature: toBase64Url(signature) }, { clock })).allowed).toBe(false);
    }
  });

  test("denies, when somebody signs a card that states another's DID (ID-01)", async () => {
    for (const did of [alice.did, mallory.didKey, "did:agentmesh:alice"]) {
      const card = { ...signed.card, did };
      const signature = toBase64Url(await signAs(mallory, ":agent-card", utf8(canonicalJson(card))));
      expect(await verifyCard({ card, publicKey: toBase64Url(mallory.publicKey), signature }, { clock })).toMatchObject(
        { code: "identity_unverified", reason: "The agent card's DID is not derived from its key" },
      );
    }
  });

  test.each([
    ["the moment it begins", NOW, 0, true],
    ["a moment before it begins (ID-08)", NOW - 1, 0, false],
    ["a moment before it begins, within the skew", NOW - 1, 1, true],
    ["beyond the skew", NOW - 2, 1, false],
    ["its last moment", NOW + 999, 0, true],
    ["its end", NOW + 1000, 0, false],
    ["its end, with a skew", NOW + 1000, 300_000, false],
    ["no time", NaN, 300_000, false],
  ])("judges the time, when it is %s", async (_name, now, skewMs, wanted) => {
    expect((await verifyCard(signed, { clock: () => now, skewMs })).allowed).toBe(wanted);
  });

  test.each<[string, object]>([
    ["a name with a bidirectional control", { name: "ada\u202egnp" }],
    ["an invisible name", { name: "\u200b" }],
    ["a description that is tagged", { description: "ok\u{e0041}" }],
    ["a capability with a zero-width space", { capabilities: ["read\u200b"] }],
    ["an end before its beginning", { expiresAt: NOW }],
    ["a life of more than 366 days", { expiresAt: NOW + 366 * 86_400_000 + 1 }],
    ["an endless life", { expiresAt: Number.MAX_SAFE_INTEGER }],
  ])("denies what no signer of the library makes, when it has %s", async (_, change) => {
    const card = { ...signed.card, ...change };
    const signature = toBase64Url(await signAs(alice, ":agent-card", utf8(canonicalJson(card))));
    expect(await verifyCard({ card, publicKey: toBase64Url(alice.publicKey), signature }, { clock })).toMatchObject({
      code: "identity_unverified",
      reason: "The agent card is malformed",
    });
  });

  test("takes a card of the longest life and of a clock a minute ahead, and one that has lapsed never again", async () => {
    let now = NOW;
    const made = await signCard(alice, { name: "a", ttlMs: 366 * 86_400_000, clock: () => NOW + 60_000 });
    expect((await verifyCard(made, { clock: () => now })).allowed).toBe(true);
    const set = { clock: (): number => now };
    expect((await verifyCard(signed, set)).allowed).toBe(true);
    now = NOW + 1000;
    expect((await verifyCard(signed, set)).allowed).toBe(false);
    now = NOW;
    expect(await verifyCard(signed, set)).toMatchObject({ reason: "The agent card is not in force" });
  });

  test("refuses options that it does not know", async () => {
    await expect(verifyCard(signed, { minTrust: 900 } as never)).rejects.toThrow('"minTrust"');
    await expect(verifyCard(signed, { clock: 5 } as never)).rejects.toThrow('"clock"');
  });

  test("gives back what was verified, when a getter says something else the second time", async () => {
    let reads = 0;
    const tricky = {
      ...signed,
      card: {
        ...signed.card,
        get capabilities() {
          return reads++ === 0 ? signed.card.capabilities : ["*"];
        },
        get metadata() {
          return { url: reads > 1 ? "b" : "https://a.example", tags: ["x"] };
        },
      },
    };
    expect(await verifyCard(tricky, { clock })).toEqual({ allowed: true, card: signed.card });
  });

  test("never rejects and never allows, whatever it is given", async () => {
    const throwing = {
      get card(): never {
        throw new Error("no");
      },
    };
    const proxy = new Proxy([], {
      get: () => {
        throw new Error("no");
      },
    });
    for (
      const value of [
        throwing,
        changed({ capabilities: proxy }),
        changed({
          metadata: {
            get a(): never {
              throw new Error("no");
            },
          },
        }),
      ]
    ) expect((await verifyCard(value, { clock })).allowed).toBe(false);
    await fc.assert(fc.asyncProperty(fc.anything(), async (value) => {
      expect((await verifyCard(value, { clock })).allowed).toBe(false);
      expect((await verifyCard({ ...signed, card: value }, { clock })).allowed).toBe(false);
    }));
  });

  test("denies, when a card of many quotes would be too long to sign", async () => {
    const value = changed({
      capabilities: new Array(256).fill('"'.repeat(256)),
      metadata: { text: "x".repeat(140_000) },
    });
    expect(await verifyCard(value, { clock })).toMatchObject({
      code: "identity_unverified",
      reason: "The agent card is malformed",
    });
  });

  const agent = agentProfile({ did: alice.did, name: "Alice", trustScore: 600, capabilities: ["read:db", "deploy:*"] });
  test.each<[string, string, VerifyCardOptions]>([
    ["an active agent", "", { agent }],
    ["a score that is just enough", "", { agent, minTrustScore: 600 }],
    ["a score that is too low", "trust_too_low", { agent, minTrustScore: 601 }],
    ["an unknown agent", "trust_too_low", { minTrustScore: 0 }],
    ["a suspended agent (ID-13)", "agent_not_active", {
      agent: { ...agent, status: "suspended" },
      minTrustScore: 1000,
    }],
    ["another agent", "identity_unverified", { agent: { ...agent, did: mallory.did } }],
    ["no requirement", "", { requiredCapabilities: [] }],
    ["a requirement of an unknown agent", "missing_capabilities", { requiredCapabilities: ["deploy:staging"] }],
    ["a capability that only the card claims", "missing_capabilities", {
      agent,
      requiredCapabilities: ["deploy:staging"],
    }],
    ["a capability that both have", "", {
      agent,
      requiredCapabilities: ["deploy:staging", "read:db"],
      capabilityMatching: "hierarchical",
    }],
    ["a capability that only the record has", "missing_capabilities", {
      agent,
      requiredCapabilities: ["deploy:live"],
      capabilityMatching: "hierarchical",
    }],
    ["capabilities on record that are text", "missing_capabilities", {
      agent: { ...agent, capabilities: "read:db" as never },
      requiredCapabilities: ["read:db"],
      capabilityMatching: "hierarchical",
    }],
  ])("judges by the verifier's own record, when it is %s", async (_name, code, options) => {
    const verdict = await verifyCard(signed, { clock, ...options });
    expect(verdict.allowed ? "" : verdict.code).toBe(code);
  });

  test("judges everything but the signature anew, when that is remembered (ID-23)", async () => {
    const cache = createVerificationCache();
    const options: VerifyCardOptions = { clock, cache, agent, minTrustScore: 0 };
    expect((await verifyCard(signed, options)).allowed).toBe(true);
    expect(await verifyCard(signed, { ...options, minTrustScore: 900 })).toMatchObject({ code: "trust_too_low" });
    expect(await verifyCard(signed, { ...options, requiredCapabilities: ["admin"] })).toMatchObject({
      code: "missing_capabilities",
    });
    expect(await verifyCard(signed, { ...options, clock: () => NOW + 1000 })).toMatchObject({
      code: "identity_unverified",
    });
    expect(await verifyCard(changed({ name: "admin" }), options)).toMatchObject({ code: "identity_unverified" });
    expect(cache.size).toBe(1);
  });

  test.each([
    ["skewMs", { skewMs: -1 }],
    ["skewMs", { skewMs: 300_001 }],
    ["skewMs", { skewMs: NaN }],
    ["requiredCapabilities", { requiredCapabilities: "read" }],
    ["capabilityMatching", { capabilityMatching: "fuzzy" }],
    ["minTrustScore", { minTrustScore: NaN }],
  ])(
    "rejects with the option %s, when it is wrong",
    async (field, options) => {
      await expect(verifyCard(signed, { clock, ...options } as VerifyCardOptions)).rejects.toThrow(`"${field}"`);
    },
  );
});
