/** Identities on the runtime's own Ed25519. */
import * as sallyport from "../../../mod.ts";
import { fakeClock } from "../../../src/testing/mod.ts";
import { type Case, codeIn, errorOf, same } from "./kit.ts";

const message = new TextEncoder().encode("deploy v2 — naïve 😀");

/** What a verdict says: `allowed`, or the code of the denial. */
const said = (verdict: { readonly allowed: true } | sallyport.Deny): string =>
  verdict.allowed ? "allowed" : codeIn(verdict);

/** A key that was made elsewhere (RFC 8032, section 7.1, test 1), so that every runtime is held to the same bytes. */
const RFC = {
  kty: "OKP",
  crv: "Ed25519",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
};

/** The cases, in order. */
export const identityCases: readonly Case[] = [
  {
    name: "an identity signs, and only its own key, message and context verify",
    async run(): Promise<void> {
      const [alice, mallory] = await Promise.all([
        sallyport.createIdentity({ name: "alice" }),
        sallyport.createIdentity(),
      ]);
      const signature = await alice.sign(message);
      const { did, didKey, publicKey } = alice;
      const proof = { did, publicKey, message, signature };
      const forged = signature.slice();
      forged[0] = (forged[0] ?? 0) ^ 1;
      const answers = await Promise.all([
        sallyport.verifyIdentity(proof),
        sallyport.verifyIdentity({ did: didKey, message, signature }),
        sallyport.verifyIdentity({ ...proof, context: "payments" }),
        sallyport.verifyIdentity({ ...proof, signature: forged }),
        sallyport.verifyIdentity({ ...proof, message: message.slice(1) }),
        sallyport.verifyIdentity({ ...proof, did: mallory.did }),
        sallyport.verifyIdentity({ ...proof, publicKey: mallory.publicKey }),
        sallyport.verifyIdentity({ ...proof, signature: new Uint8Array(64) }),
        sallyport.verifyIdentity({ ...proof, signature: signature.slice(1) }),
      ]);
      same(answers, [true, true, false, false, false, false, false, false, false]);
    },
  },
  {
    name: "a key gives the same DIDs and the same signature in every runtime",
    async run(): Promise<void> {
      const identity = await sallyport.importIdentity(RFC);
      same(identity.didKey, "did:key:z6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw");
      same(identity.did, IDENTITY_DID);
      // Ed25519 is deterministic: the bytes are the same wherever the key signs.
      same(
        [...await identity.sign(message)].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
        IDENTITY_SIGNATURE,
      );
    },
  },
  {
    name: "a private key leaves only where that was asked for, and comes back the same",
    async run(): Promise<void> {
      const closed = await sallyport.createIdentity();
      same((await errorOf(closed.exportJwk({ private: true }))) instanceof Error, true, "an error");
      same(JSON.stringify(closed).includes('"d"'), false, "d in the JSON");
      const made = await sallyport.createIdentity({ extractable: true });
      const again = await sallyport.importIdentity(
        JSON.parse(JSON.stringify(await made.exportJwk({ private: true }))) as object,
      );
      same(again.did, made.did);
      same([...await again.sign(message)], [...await made.sign(message)], "the signature");
    },
  },
  {
    name: "points of small order and keys that are none are no identities",
    async run(): Promise<void> {
      for (
        const x of [
          "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
          "7P___________________________________________38",
        ]
      ) {
        const publicKey = { kty: "OKP", crv: "Ed25519", x, alg: "EdDSA", kid: "" } as const;
        same(
          await sallyport.verifyIdentity({ did: "did:agentmesh:x", publicKey, message, signature: new Uint8Array(64) }),
          false,
          x,
        );
      }
      same((await errorOf(sallyport.importIdentity({ ...RFC, d: "AA" }))) instanceof TypeError, true, "a short key");
    },
  },
  {
    name: "a card verifies until it expires, and not once anything in it was changed",
    async run(): Promise<void> {
      const clock = fakeClock(5000);
      const signed = await sallyport.signCard(await sallyport.createIdentity(), {
        name: "Réader 😀",
        capabilities: ["read:*"],
        metadata: { team: ["a", { b: 1.5 }] },
        ttlMs: 1000,
        clock,
      });
      const sent = JSON.parse(JSON.stringify(signed)) as sallyport.SignedCard;
      const judge = async (card: unknown): Promise<string> =>
        said(await sallyport.verifyCard(card, { clock, skewMs: 0 }));
      const changed = { ...sent, card: { ...sent.card, capabilities: ["*"] } };
      same([await judge(sent), await judge(changed), await judge({ ...sent, signature: "" }), await judge(null)], [
        "allowed",
        "identity_unverified",
        "identity_unverified",
        "identity_unverified",
      ]);
      clock.advance(1000);
      same(await judge(sent), "identity_unverified", "at its end");
    },
  },
  {
    name: "a verification cache spares the second verification, and never a change",
    async run(): Promise<void> {
      const cache = sallyport.createVerificationCache();
      const signed = await sallyport.signCard(await sallyport.createIdentity(), {
        name: "reader",
        capabilities: ["read"],
      });
      same([
        said(await sallyport.verifyCard(signed, { cache })),
        cache.size,
        said(await sallyport.verifyCard(signed, { cache })),
        cache.size,
      ], ["allowed", 1, "allowed", 1]);
      same(
        said(await sallyport.verifyCard({ ...signed, card: { ...signed.card, name: "writer" } }, { cache })),
        "identity_unverified",
      );
    },
  },
  {
    name: "a challenge is answered once, for its audience, in time",
    async run(): Promise<void> {
      const clock = fakeClock(1000);
      const audience = "https://gateway.example";
      const verifier = sallyport.challengeVerifier({ audience, ttlMs: 100, clock });
      const identity = await sallyport.createIdentity();
      const answer = async (): Promise<sallyport.ChallengeResponse> => {
        const issued = await verifier.issue();
        if (!issued.allowed) throw new Error(issued.reason);
        return JSON.parse(
          JSON.stringify(await sallyport.answerChallenge(identity, issued.challenge, { audience, clock })),
        ) as sallyport.ChallengeResponse;
      };
      const [first, late] = [await answer(), await answer()];
      const verdicts = [
        said(await verifier.verify(first)),
        said(await verifier.verify(first)),
        said(await verifier.verify({ ...late, did: "did:agentmesh:other" })),
      ];
      clock.advance(100);
      verdicts.push(said(await verifier.verify(late)));
      same(verdicts, ["allowed", "identity_unverified", "identity_unverified", "identity_unverified"]);
    },
  },
  {
    name: "nonces do not repeat",
    async run(): Promise<void> {
      const verifier = sallyport.challengeVerifier({ audience: "a" });
      const issued = await Promise.all(Array.from({ length: 50 }, () => verifier.issue()));
      same(new Set(issued.map((one) => one.allowed ? one.challenge.nonce : "")).size, 50);
    },
  },
  {
    name: "a delegation chain narrows, and gives nothing to a thief, a stranger's root or a revoked link",
    async run(): Promise<void> {
      const [owner, planner, worker] = await Promise.all([
        sallyport.createIdentity(),
        sallyport.createIdentity(),
        sallyport.createIdentity(),
      ]);
      const expiresAt = Date.now() + 600_000;
      const first = await sallyport.delegate(owner, {
        to: planner.did,
        capabilities: ["read:*"],
        maxDepth: 1,
        expiresAt,
      });
      const chain = await sallyport.delegate(planner, {
        to: worker.did,
        capabilities: ["read:db"],
        expiresAt,
        parent: first,
      });
      same(
        (await errorOf(
          sallyport.delegate(planner, { to: worker.did, capabilities: ["write:db"], expiresAt, parent: first }),
        )) instanceof TypeError,
        true,
        "no more than the parent has",
      );
      const roots = [{ did: owner.did, capabilities: ["read:*", "write:*"] }];
      const sent = JSON.parse(JSON.stringify(chain)) as unknown;
      const verdict = await sallyport.verifyDelegation(sent, { holder: worker.did, roots });
      same(verdict.allowed && verdict.capabilities, ["read:db"]);
      const revoked = new Set([await sallyport.delegationId(chain[0])]);
      const others = await Promise.all([
        sallyport.verifyDelegation(sent, { holder: planner.did, roots }),
        sallyport.verifyDelegation(sent, { holder: worker.did, roots: [{ did: planner.did, capabilities: ["*"] }] }),
        sallyport.verifyDelegation(sent, { holder: worker.did, roots, revoked }),
        sallyport.verifyDelegation(sent, { holder: worker.did, roots, clock: () => expiresAt + 3_600_000 }),
        sallyport.verifyDelegation([...chain].reverse(), { holder: worker.did, roots }),
      ]);
      same(others.map((one) => one.allowed), [false, false, false, false, false]);
    },
  },
];

// SHA-256 of the key, and the signature of the framed message, as OpenSSL gives them.
const IDENTITY_DID = "did:agentmesh:21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9";
const IDENTITY_SIGNATURE =
  "1e103400a6b1e79d70aa46b60ca63a2d59b8f3524de6085a6a3e3416121e94f03dd3a0cb69996c34dee243dcfb095a53c8a83d70ee9874d25fdc0ca6ebb0570e";
