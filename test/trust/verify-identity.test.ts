import { afterEach, describe, expect, test, vi } from "vitest";
import { utf8 } from "../../src/crypto/bytes.ts";
import { agentProfile } from "../../src/trust/profile.ts";
import { createVerificationCache } from "../../src/trust/verification-cache.ts";
import { type IdentityProof, verifyIdentity } from "../../src/trust/verify-identity.ts";
import { fromHex, fromText, JWKS, littleEndian, malleated, RFC_8032, three } from "./identities.ts";

const MESSAGE = utf8("pay 10");
const [alice, mallory] = await three();
const signature = await alice.sign(MESSAGE);
const jwk = await alice.exportJwk();
const forPayments = await alice.sign(MESSAGE, "payments");
const proof: IdentityProof = { did: alice.did, publicKey: alice.publicKey, message: MESSAGE, signature };

afterEach(() => vi.restoreAllMocks());

describe("verifyIdentity()", () => {
  test.each<[string, IdentityProof]>([
    ["a raw key", proof],
    ["a JSON Web Key", { ...proof, publicKey: jwk }],
    ["a did:key and the key", { ...proof, did: alice.didKey }],
    ["a did:key alone", { did: alice.didKey, message: MESSAGE, signature }],
    ["the context that is the default", { ...proof, context: "message" }],
  ])("answers true, when it is given %s", async (_, given) => {
    expect(await verifyIdentity(given)).toBe(true);
  });

  const truncated = signature.slice(0, 63);
  test.each<[string, object]>([
    ["another's DID (ID-02)", { did: mallory.did }],
    ["another's did:key", { did: mallory.didKey }],
    ["another's key", { publicKey: mallory.publicKey }],
    ["another's key and DID", { did: mallory.did, publicKey: mallory.publicKey }],
    ["a chosen DID", { did: "did:agentmesh:alice" }],
    ["a DID with a line break", { did: `${alice.did}\n` }],
    ["no key", { publicKey: undefined }],
    ["a key that is null", { publicKey: null }],
    ["a key of another kind", { publicKey: { kty: "OKP", crv: "X25519", x: JWKS[0]?.x } }],
    ["a symmetric key", { publicKey: { kty: "oct", crv: "Ed25519", x: JWKS[0]?.x } }],
    ["a key that is text", { publicKey: JWKS[0]?.x }],
    ["another message", { message: utf8("pay 11") }],
    ["no message", { message: undefined }],
    ["another context", { context: "payments" }],
    ["a context of the library's own", { context: ":challenge" }],
    ["a signature with S + L (ID-10)", { signature: malleated(signature) }],
    ["a truncated signature (ID-12)", { signature: truncated }],
    ["a longer signature", { signature: Uint8Array.from([...signature, 0]) }],
    ["an empty signature", { signature: new Uint8Array() }],
    ["a signature in text", { signature: Buffer.from(signature).toString("hex") }],
    ["no signature", { signature: undefined }],
  ])("answers false, when it is given %s", async (_, change) => {
    expect(await verifyIdentity({ ...proof, ...change } as IdentityProof)).toBe(false);
  });

  test("answers false, when any bit of the signature is turned", async () => {
    for (let bit = 0; bit < 512; bit += 7) {
      const turned = signature.slice();
      turned[bit >> 3] = (turned[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(await verifyIdentity({ ...proof, signature: turned })).toBe(false);
    }
  });

  test("answers false, when a key of small order would verify any message (ID-11)", async () => {
    const point = littleEndian(1n);
    const forged = Uint8Array.from([...point, ...new Uint8Array(32)]);
    // Some runtimes take it (those on OpenSSL before 3.5, so Node 20 and 22), others refuse it themselves.
    const fingerprint = Buffer.from(await crypto.subtle.digest("SHA-256", point)).toString("hex");
    expect(
      await verifyIdentity({
        did: `did:agentmesh:${fingerprint}`,
        publicKey: point,
        message: MESSAGE,
        signature: forged,
      }),
    ).toBe(false);
  });

  test("answers false, when the signature is of the bare message", async () => {
    const [d, x, message, bare] = (RFC_8032[1] as (typeof RFC_8032)[number]).map(fromHex) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    expect(d).toHaveLength(32);
    expect(await verifyIdentity({ did: mallory.did, publicKey: x, message, signature: bare })).toBe(false);
  });

  test("judges what it was given, when the caller writes to it afterwards", async () => {
    const message = utf8("pay 99");
    const later = { ...proof, message };
    const answer = verifyIdentity(later);
    message.set(MESSAGE);
    expect(await answer).toBe(false);
  });

  describe("with the verifier's own record", () => {
    const agent = agentProfile({ did: alice.did, name: "Alice", trustScore: 700 });
    test.each<[string, boolean, object]>([
      ["an active agent", true, { agent }],
      ["an agent on record by its did:key", true, { agent: { ...agent, did: alice.didKey } }],
      ["a score that is just enough", true, { agent, minTrustScore: 700 }],
      ["a least score of 0", true, { agent: { ...agent, trustScore: 0 }, minTrustScore: 0 }],
      ["a score that is too low", false, { agent, minTrustScore: 701 }],
      ["a suspended agent (ID-13)", false, { agent: { ...agent, status: "suspended" } }],
      ["a revoked agent", false, { agent: { ...agent, status: "revoked" } }],
      ["a misspelt status", false, { agent: { ...agent, status: "Active" } }],
      ["another agent", false, { agent: { ...agent, did: mallory.did } }],
      ["an agent whose DID is a name", false, { agent: { ...agent, did: "did:agentmesh:alice" } }],
      ["a score that is NaN", false, { agent: { ...agent, trustScore: NaN } }],
      ["a score in text", false, { agent: { ...agent, trustScore: "700" } }],
      ["no record, but a least score", false, { minTrustScore: 0 }],
    ])("judges %s: %s", async (_, wanted, change) => {
      expect(await verifyIdentity({ ...proof, ...change } as IdentityProof)).toBe(wanted);
    });

    test("looks at no signature, when the agent is suspended (ID-13)", async () => {
      const verify = vi.spyOn(crypto.subtle, "verify");
      await verifyIdentity({ ...proof, agent: { ...agent, status: "suspended" } });
      expect(verify).not.toHaveBeenCalled();
    });

    test.each([NaN, -1, 1001, 0.5, "500", null])("rejects, when the least score is %o", async (minTrustScore) => {
      await expect(verifyIdentity({ ...proof, agent, minTrustScore: minTrustScore as number })).rejects.toThrow(
        '"minTrustScore" must be a whole number from 0 to 1000',
      );
    });
  });

  describe("with a cache", () => {
    const agent = agentProfile({ did: alice.did, name: "Alice", trustScore: 100 });

    test("verifies once, when the same proof comes again", async () => {
      const verify = vi.spyOn(crypto.subtle, "verify");
      const cache = createVerificationCache();
      expect([await verifyIdentity({ ...proof, cache }), await verifyIdentity({ ...proof, cache })]).toEqual([
        true,
        true,
      ]);
      expect(verify).toHaveBeenCalledTimes(1);
      expect(cache.size).toBe(1);
    });

    test("denies under a higher threshold, when the answer under a lower one is remembered (ID-23)", async () => {
      const cache = createVerificationCache();
      expect(await verifyIdentity({ ...proof, cache, agent, minTrustScore: 0 })).toBe(true);
      expect(await verifyIdentity({ ...proof, cache, agent, minTrustScore: 101 })).toBe(false);
      expect(await verifyIdentity({ ...proof, cache, minTrustScore: 1 })).toBe(false);
      expect(await verifyIdentity({ ...proof, cache, agent: { ...agent, status: "suspended" } })).toBe(false);
    });

    test.each<[string, object]>([
      ["key", { did: mallory.did, publicKey: mallory.publicKey }],
      ["DID", { did: mallory.did }],
      ["context", { context: "payments" }],
      ["message", { message: utf8("pay 11") }],
      ["signature", { signature: forPayments }],
      ["signature, by S + L", { signature: malleated(signature) }],
    ])("takes no remembered answer, when the %s is another", async (_, change) => {
      const cache = createVerificationCache();
      expect(await verifyIdentity({ ...proof, cache })).toBe(true);
      expect(await verifyIdentity({ ...proof, cache, ...change })).toBe(false);
    });

    test.each([1, "yes", {}, Promise.resolve(false), Promise.resolve(true)])(
      "takes no answer for yes but true, when a cache of somebody's own says %o",
      async (answer) => {
        const cache = { size: 0, has: () => answer as boolean, add: () => {}, clear: () => {} };
        expect(await verifyIdentity({ ...proof, cache })).toBe(true);
        expect(await verifyIdentity({ ...proof, cache, message: utf8("pay 11") })).toBe(false);
      },
    );

    test.each([[{}, "cache.has"], [{ has: () => false }, "cache.add"], [null, "cache.has"]])(
      "throws, when the cache is none: %o",
      async (cache, field) => {
        await expect(verifyIdentity({ ...proof, cache: cache as never })).rejects.toThrow(
          `Cannot build verifyIdentity(): "${field}" must be a function, and is undefined`,
        );
      },
    );

    test("remembers no forgery, so that none pushes out what is right", async () => {
      const cache = createVerificationCache({ max: 1 });
      await verifyIdentity({ ...proof, cache });
      for (let i = 0; i < 5; i++) await verifyIdentity({ ...proof, cache, message: utf8(`pay ${i}`) });
      const verify = vi.spyOn(crypto.subtle, "verify");
      expect(await verifyIdentity({ ...proof, cache })).toBe(true);
      expect(verify).not.toHaveBeenCalled();
    });
  });

  test("verifies with the key that RFC 8037 prints, when the message is empty", async () => {
    const empty = new Uint8Array();
    const publicKey = fromText("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    expect(await verifyIdentity({ did: alice.did, publicKey, message: empty, signature: await alice.sign(empty) }))
      .toBe(true);
  });
});

test("verifyIdentity() refuses a field that it does not know, since a misspelt minTrustScore would ask for none", async () => {
  const [alice] = await three();
  const message = utf8("m");
  const signature = await alice.sign(message);
  const proof = { did: alice.didKey, message, signature };
  expect(await verifyIdentity(proof)).toBe(true);
  await expect(verifyIdentity({ ...proof, minTrust: 900 } as never)).rejects.toThrow('"minTrust"');
  await expect(alice.exportJwk({ secret: true } as never)).rejects.toThrow('"secret"');
});

test.each([
  ["a did:key", alice.didKey, true],
  ["upper-case digits", alice.did.slice(0, 14) + alice.did.slice(14).toUpperCase(), true],
  ["needless percent signs", alice.did.replace(/[0-9a-f]$/, (digit) => `%${digit.charCodeAt(0).toString(16)}`), true],
  ["somebody else's DID", mallory.didKey, false],
  ["a DID that names no key", "did:agentmesh:alice", false],
])("verifyIdentity() knows the agent on record, when it is kept under %s", async (_, did, isKnown) => {
  expect(await verifyIdentity({ ...proof, agent: agentProfile({ did, name: "Alice" }) })).toBe(isKnown);
});
