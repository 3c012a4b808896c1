import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromBase64Url, toBase64Url, utf8 } from "../../src/crypto/bytes.ts";
import { canonicalJson } from "../../src/crypto/canonical.ts";
import {
  answerChallenge,
  type Challenge,
  type ChallengeResponse,
  type ChallengeVerifier,
  challengeVerifier,
  type ChallengeVerifierOptions,
} from "../../src/trust/challenge.ts";
import { signAs } from "../../src/trust/identity.ts";
import { agentProfile } from "../../src/trust/profile.ts";
import { fromText, malleated, three } from "./identities.ts";
import { memoryStore } from "./memory-store.ts";

const AUDIENCE = "https://gateway.example";
const NOW = 1_800_000_000_000;
const [alice, mallory] = await three();

interface Scene {
  now: number;
  readonly verifier: ChallengeVerifier;
  readonly challenge: Challenge;
  readonly response: ChallengeResponse;
}

/** A verifier with one challenge, and the right answer to it. */
async function scene(options: Partial<ChallengeVerifierOptions> = {}): Promise<Scene> {
  const out = { now: NOW } as { -readonly [K in keyof Scene]: Scene[K] };
  out.verifier = challengeVerifier({ audience: AUDIENCE, ttlMs: 1000, clock: () => out.now, ...options });
  out.challenge = await asked(out.verifier);
  out.response = await answerChallenge(alice, out.challenge, { audience: AUDIENCE, clock: () => NOW });
  return out;
}

async function asked(verifier: ChallengeVerifier): Promise<Challenge> {
  const issued = await verifier.issue();
  if (!issued.allowed) throw new Error(issued.code);
  return issued.challenge;
}

describe("challengeVerifier()", () => {
  test("asks with a random nonce, its audience and a time to live", async () => {
    const { challenge, verifier } = await scene();
    expect(challenge).toEqual({ nonce: expect.any(String), audience: AUDIENCE, issuedAt: NOW, expiresAt: NOW + 1000 });
    expect(fromBase64Url(challenge.nonce, 32)).toHaveLength(32);
    expect((await asked(verifier)).nonce).not.toBe(challenge.nonce);
    expect(await asked(challengeVerifier({ audience: "a", clock: () => 5.7 }))).toMatchObject({
      issuedAt: 5,
      expiresAt: 60_005,
    });
  });

  test("answers who holds the key, when the answer came over the wire", async () => {
    const { verifier, response } = await scene();
    expect(await verifier.verify(JSON.parse(JSON.stringify(response)))).toEqual({
      allowed: true,
      did: alice.did,
      didKey: alice.didKey,
      publicKey: alice.publicKey,
    });
  });

  test("denies, when the same answer comes twice (ID-04)", async () => {
    const { verifier, response } = await scene();
    expect((await verifier.verify(response)).allowed).toBe(true);
    expect(await verifier.verify(response)).toMatchObject({
      effect: "deny",
      allowed: false,
      code: "identity_unverified",
    });
  });

  test("lets one pass, when the same answer comes many times at once (ID-04)", async () => {
    const { verifier, response } = await scene();
    const verdicts = await Promise.all(Array.from({ length: 10 }, () => verifier.verify(response)));
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(1);
  });

  test("denies another's answer, when the challenge was answered already", async () => {
    const { verifier, response, challenge } = await scene();
    await verifier.verify(response);
    expect(
      (await verifier.verify(await answerChallenge(mallory, challenge, { audience: AUDIENCE, clock: () => NOW })))
        .allowed,
    ).toBe(false);
  });

  test("still takes the real answer, when forgeries came first (ID-05)", async () => {
    const { verifier, response } = await scene();
    const forgery = { ...response, signature: toBase64Url(new Uint8Array(64).fill(2)) };
    for (
      const forged of [forgery, { ...response, did: mallory.did }, {
        ...response,
        publicKey: toBase64Url(mallory.publicKey),
      }, { ...response, signature: toBase64Url(malleated(fromText(response.signature))) }]
    ) {
      expect((await verifier.verify(forged)).allowed).toBe(false);
    }
    expect((await verifier.verify(response)).allowed).toBe(true);
  });

  test("still takes the answer, when the agent was suspended for a while (ID-13)", async () => {
    const { verifier, response } = await scene();
    const agent = agentProfile({ did: alice.did, name: "Alice", trustScore: 500 });
    expect(await verifier.verify(response, { agent: { ...agent, status: "suspended" } })).toMatchObject({
      code: "agent_not_active",
    });
    expect(await verifier.verify(response, { agent, minTrustScore: 501 })).toMatchObject({ code: "trust_too_low" });
    expect(await verifier.verify(response, { agent: { ...agent, did: mallory.did } })).toMatchObject({
      code: "identity_unverified",
    });
    expect((await verifier.verify(response, { agent, minTrustScore: 500 })).allowed).toBe(true);
    await expect(verifier.verify(response, { agent, minTrustScore: NaN })).rejects.toThrow(RangeError);
  });

  test("issues nothing new and drops nothing old, when too many wait (ID-06)", async () => {
    const state = await scene({ maxPending: 2 });
    await asked(state.verifier);
    expect(await state.verifier.issue()).toMatchObject({ effect: "deny", code: "rate_limited" });
    expect((await state.verifier.verify(state.response)).allowed).toBe(true);
    expect((await state.verifier.issue()).allowed).toBe(true);
    expect((await state.verifier.issue()).allowed).toBe(false);
    state.now += 1000;
    expect((await state.verifier.issue()).allowed).toBe(true);
  });

  const changes = (challenge: Challenge): [string, object][] => [
    ["expiry that is NaN (ID-07)", { expiresAt: NaN }],
    ["expiry in text", { expiresAt: "never" }],
    ["missing expiry", { expiresAt: undefined }],
    ["later expiry", { expiresAt: challenge.expiresAt + 1 }],
    ["infinite expiry", { expiresAt: Infinity }],
    ["issue date in the future (ID-08)", { issuedAt: NOW + 1 }],
    ["issue date in text", { issuedAt: "2027-01-15T08:00:00" }],
    ["earlier issue date", { issuedAt: NOW - 1 }],
    ["other nonce", { nonce: toBase64Url(new Uint8Array(32)) }],
    ["short nonce", { nonce: "AAAA" }],
    ["missing nonce", { nonce: undefined }],
    ["other audience (ID-09)", { audience: "https://other.example" }],
    ["missing audience", { audience: undefined }],
    ["empty audience", { audience: "" }],
    ["unknown field", { alg: "none" }],
  ];

  test.each(changes({ nonce: "", audience: "", issuedAt: NOW, expiresAt: NOW + 1000 }))(
    "denies, when the challenge came back with %s, rightly signed",
    async (_, change) => {
      const { verifier, challenge, response } = await scene();
      const changed = { ...challenge, ...change };
      // Signed as the library would, had it not looked: its canonical form where there is one.
      const plain = JSON.parse(JSON.stringify({ challenge: changed, did: alice.did })) as unknown;
      const signature = toBase64Url(await signAs(alice, ":challenge", utf8(canonicalJson(plain))));
      for (const forged of [{ ...response, challenge: changed }, { ...response, challenge: changed, signature }]) {
        expect(await verifier.verify(forged)).toMatchObject({ allowed: false, code: "identity_unverified" });
      }
      expect((await verifier.verify(response)).allowed).toBe(true);
    },
  );

  test("denies an invented challenge, when its answer is right in itself", async () => {
    const { verifier, challenge } = await scene();
    const invented = { ...challenge, nonce: toBase64Url(new Uint8Array(32).fill(1)) };
    expect(await verifier.verify(await answerChallenge(alice, invented, { audience: AUDIENCE, clock: () => NOW })))
      .toMatchObject({ reason: "The challenge was not issued here, or was answered before" });
    const longer = { ...challenge, expiresAt: challenge.expiresAt + 1000 };
    expect(
      (await verifier.verify(await answerChallenge(alice, longer, { audience: AUDIENCE, clock: () => NOW }))).allowed,
    ).toBe(false);
  });

  test("denies, when another verifier of the same audience asked", async () => {
    const [one, two] = await Promise.all([scene(), scene()]);
    expect((await one.verifier.verify(two.response)).allowed).toBe(false);
  });

  test.each([
    ["its last moment", NOW + 999, true],
    ["its end", NOW + 1000, false],
    ["a clock that was set back", NOW - 1, true],
    ["no time", NaN, false],
  ])("judges the time, when it is %s", async (_, now, wanted) => {
    const state = await scene();
    state.now = now;
    expect((await state.verifier.verify(state.response)).allowed).toBe(wanted);
  });

  test("denies what has lapsed, when the clock is set back", async () => {
    const state = await scene();
    state.now = NOW + 1000;
    expect((await state.verifier.verify(state.response)).allowed).toBe(false);
    state.now = NOW;
    expect(await state.verifier.verify(state.response)).toMatchObject({ reason: "The challenge is not in force" });
  });

  test.each([[60_000, {}, true], [60_001, {}, false], [1, { skewMs: 0 }, false], [2, { skewMs: 2 }, true]])(
    "judges what another process asked %d ms ahead, with %j",
    async (ahead, options, wanted) => {
      const store = memoryStore();
      const asker = challengeVerifier({ audience: AUDIENCE, store, clock: () => NOW + ahead });
      const challenge = await asked(asker);
      const response = await answerChallenge(alice, challenge, { audience: AUDIENCE, clock: () => NOW + ahead });
      const judge = challengeVerifier({ audience: AUDIENCE, store, clock: () => NOW, ...options });
      expect((await judge.verify(response)).allowed).toBe(wanted);
    },
  );

  test("refuses options that it does not know", async () => {
    const { verifier, response } = await scene();
    await expect(verifier.verify(response, { minTrust: 900 } as never)).rejects.toThrow('"minTrust"');
  });

  test("denies, when the same bytes were signed as something else (signing oracle)", async () => {
    const { verifier, challenge, response } = await scene();
    const message = utf8(canonicalJson({ challenge, did: alice.did }));
    for (const context of ["message", "challenge"]) {
      expect(
        (await verifier.verify({ ...response, signature: toBase64Url(await alice.sign(message, context)) })).allowed,
      ).toBe(false);
    }
  });

  test("never rejects and never allows, whatever it is given", async () => {
    const { verifier, response } = await scene();
    await fc.assert(
      fc.asyncProperty(
        fc.anything(),
        fc.constantFrom("challenge", "did", "publicKey", "signature"),
        async (value, field) => {
          expect((await verifier.verify(value)).allowed).toBe(false);
          expect((await verifier.verify({ ...response, [field]: value })).allowed).toBe(false);
        },
      ),
    );
  });

  test.each<[string, object]>([
    ["audience", {}],
    ["audience", { audience: "" }],
    ["audience", { audience: "a\nb" }],
    ["ttlMs", { audience: "a", ttlMs: 0 }],
    ["ttlMs", { audience: "a", ttlMs: null }],
    ["ttlMs", { audience: "a", ttlMs: 3_600_001 }],
    ["maxPending", { audience: "a", maxPending: 0 }],
    ["maxPending", { audience: "a", maxPending: Infinity }],
    ["clock", { audience: "a", clock: 5 }],
    ["store.read", { audience: "a", store: null }],
    ["store.read", { audience: "a", store: {} }],
    ["store.put", { audience: "a", store: { read: () => undefined } }],
    ["alg", { audience: "a", alg: "none" }],
  ])("throws with the field %s, when the options are %o", (field, options) => {
    expect(() => challengeVerifier(options as ChallengeVerifierOptions)).toThrow(
      `Cannot build challengeVerifier(): "${field}"`,
    );
  });

  test("rejects to ask, when the clock is broken", async () => {
    await expect(challengeVerifier({ audience: "a", clock: () => NaN }).issue()).rejects.toThrow('"clock()"');
  });
});

describe("challengeVerifier() with a store", () => {
  test("lets an answer pass once, when several processes see it at once", async () => {
    const store = memoryStore();
    const { response } = await scene({ store });
    const others = Array.from({ length: 5 }, () => challengeVerifier({ audience: AUDIENCE, store, clock: () => NOW }));
    const verdicts = await Promise.all(others.map((verifier) => verifier.verify(response)));
    expect(verdicts.filter(({ allowed }) => allowed)).toHaveLength(1);
    expect((await others[0]?.verify(response))?.allowed).toBe(false);
  });

  test("spends nothing, when the answer is forged (ID-05)", async () => {
    const { verifier, response } = await scene({ store: memoryStore() });
    expect((await verifier.verify({ ...response, signature: toBase64Url(new Uint8Array(64).fill(2)) })).allowed).toBe(
      false,
    );
    expect((await verifier.verify(response)).allowed).toBe(true);
  });

  test("denies, when a verifier of another audience asked and shares the store (ID-09)", async () => {
    const store = memoryStore();
    const { verifier, response } = await scene({ store });
    const other = challengeVerifier({ audience: "https://other.example", store, clock: () => NOW });
    expect(await other.verify(response)).toMatchObject({
      code: "identity_unverified",
      reason: "The challenge is for another audience",
    });
    expect((await verifier.verify(response)).allowed).toBe(true);
  });

  const broken = (): never => {
    throw new Error("down");
  };
  test("denies with store_unavailable, when the store fails", async () => {
    const store = memoryStore();
    const { verifier, response } = await scene({ store });
    store.onPut = broken;
    expect(await verifier.issue()).toMatchObject({ code: "store_unavailable", details: new Error("down") });
    expect(await verifier.verify(response)).toMatchObject({ code: "store_unavailable" });
    store.onRead = broken;
    expect(await verifier.verify(response)).toMatchObject({ code: "store_unavailable" });
  });

  test.each([["false", false], ["1", 1], ["yes", "yes"]])(
    "denies, when the store answers %s instead of true",
    async (_, answer) => {
      const store = memoryStore();
      const { verifier, response } = await scene({ store });
      store.onPut = () => answer;
      expect(await verifier.issue()).toMatchObject({ code: "rate_limited" });
      expect((await verifier.verify(response)).allowed).toBe(false);
    },
  );
});

describe("answerChallenge()", () => {
  test("refuses, when the challenge is for another audience (relay)", async () => {
    const { challenge } = await scene();
    await expect(answerChallenge(alice, challenge, { audience: "https://other.example", clock: () => NOW })).rejects
      .toThrow('"challenge.audience" must be the audience that was expected');
  });

  test.each(["", undefined, 7, "a\nb"])("refuses, when the audience is %o (ID-09)", async (audience) => {
    const { challenge } = await scene();
    await expect(answerChallenge(alice, challenge, { audience: audience as string })).rejects.toThrow(
      '"audience" must be',
    );
  });

  test.each([[NOW - 1, 0], [NOW + 1000, 0], [NaN, 300_000], [NOW - 60_001, undefined], [NOW + 61_000, undefined]])(
    "refuses, when it is not in force at %d with a skew of %s",
    async (now, skewMs) => {
      const { challenge } = await scene();
      const skew = skewMs === undefined ? {} : { skewMs };
      await expect(answerChallenge(alice, challenge, { audience: AUDIENCE, clock: () => now, ...skew })).rejects
        .toThrow(
          RangeError,
        );
    },
  );

  test.each([NOW - 60_000, NOW + 60_999])("answers, when its clock is apart by an ordinary skew (%d)", async (now) => {
    const { verifier, challenge } = await scene();
    const response = await answerChallenge(alice, challenge, { audience: AUDIENCE, clock: () => now });
    expect((await verifier.verify(response)).allowed).toBe(true);
  });

  test("refuses, when it would be in force for longer than an hour", async () => {
    const { challenge } = await scene();
    await expect(
      answerChallenge(alice, { ...challenge, expiresAt: NOW + 3_600_001 }, { audience: AUDIENCE, clock: () => NOW }),
    ).rejects.toThrow(RangeError);
  });

  test.each([[null], ["nonce"], [{}], [{ nonce: "AAAA", audience: AUDIENCE, issuedAt: NOW, expiresAt: NOW + 1 }]])(
    "refuses, when the challenge is %o",
    async (challenge) => {
      await expect(answerChallenge(alice, challenge as Challenge, { audience: AUDIENCE })).rejects.toThrow(
        "a challenge made by challengeVerifier()",
      );
    },
  );
});
