import { memberOf } from "../base/own.ts";
import { functionOf, ownOptions, wholeNumber, wrong } from "../base/check.ts";
import { type Deny, deny } from "../base/decision.ts";
import type { RateLimitDetails } from "../guards/limit-details.ts";
import type { StateStore } from "../state/store.ts";
import { type Bytes, fromBase64Url, randomText, toBase64Url, utf8 } from "../crypto/bytes.ts";
import { canonicalJson } from "../crypto/canonical.ts";
import { skewOf, timeOf } from "./clock.ts";
import { didKeyOf, didOf } from "../crypto/did.ts";
import { isText, isTime, ownFields } from "./fields.ts";
import { type Identity, signAs } from "./identity.ts";
import { type PendingChallenges, pendingInMemory, pendingInStore } from "./pending-challenges.ts";
import { verifyClaim } from "./signature.ts";
import { judgeStanding, STANDING, type StandingOptions } from "./check-standing.ts";

/** A question that only the holder of a key can answer, once, here and now. Plain JSON data. */
export interface Challenge {
  /** 32 random bytes, in base64url. */
  readonly nonce: string;
  /** Who asks. */
  readonly audience: string;
  /** When it was asked, in ms since the epoch. */
  readonly issuedAt: number;
  /** When it lapses, in ms since the epoch. */
  readonly expiresAt: number;
}

/** The answer to a {@linkcode Challenge}. Plain JSON data. */
export interface ChallengeResponse {
  /** The question, unchanged. */
  readonly challenge: Challenge;
  /** Who answers: `did:agentmesh:…`, derived from the key. */
  readonly did: string;
  /** The raw public key, in base64url. */
  readonly publicKey: string;
  /** Over the question and the DID, in base64url. */
  readonly signature: string;
}

/** How {@linkcode challengeVerifier} asks and judges. */
export interface ChallengeVerifierOptions {
  /** Who asks: 1 to 256 characters that no other verifier of these agents uses, such as the service's address. */
  readonly audience: string;
  /** How long a challenge can be answered, in ms: 60000 by default, at most an hour. */
  readonly ttlMs?: number;
  /** How many challenges may wait for an answer in this process: 10000 by default. Has no meaning with `store`. */
  readonly maxPending?: number;
  /**
   * How far the clock of another process that asked may be ahead, in ms: a minute by default, as everywhere, and at most
   * 300000. Makes no challenge live longer.
   */
  readonly skewMs?: number;
  /** Keeps the challenges for several processes. Absent: this process keeps them. */
  readonly store?: Pick<StateStore, "read" | "put">;
  /** Now, in ms since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
}

/** What {@linkcode ChallengeVerifier.issue} answers. */
export type ChallengeIssue =
  | {
    /** The discriminant. */
    readonly allowed: true;
    /** For the agent. */
    readonly challenge: Challenge;
  }
  | Deny;

/** What {@linkcode ChallengeVerifier.verify} answers. A denial can be returned by a guard as it is. */
export type ChallengeVerdict =
  | {
    /** The discriminant. */
    readonly allowed: true;
    /** Who has proven to hold the key. */
    readonly did: string;
    /** The same key as a `did:key`. */
    readonly didKey: string;
    /** The raw public key. */
    readonly publicKey: Bytes;
  }
  | Deny;

/** Asks agents to prove that they hold their key. */
export interface ChallengeVerifier {
  /** Asks. Denies with `rate_limited` while too many wait, and with `store_unavailable` if the store failed. */
  issue(): Promise<ChallengeIssue>;
  /**
   * Judges an answer, whatever it is. Only a valid one spends its challenge. Rejects only with a `RangeError` or
   * `TypeError` for wrong options. A challenge that has lapsed stays so when the clock is set back.
   *
   * Denies with `identity_unverified`, `agent_not_active`, `trust_too_low` or `store_unavailable`.
   */
  verify(response: unknown, options?: StandingOptions): Promise<ChallengeVerdict>;
}

const FIELDS = ["nonce", "audience", "issuedAt", "expiresAt"];
const HOUR_MS = 3_600_000;

function readChallenge(value: unknown): Challenge | undefined {
  const fields = ownFields(value, FIELDS);
  if (fields === undefined) return undefined;
  const { nonce, audience, issuedAt, expiresAt } = fields;
  if (fromBase64Url(nonce, 32) === undefined || !isText(audience, 256) || !isTime(issuedAt) || !isTime(expiresAt)) {
    return undefined;
  }
  return Object.freeze({ nonce: nonce as string, audience, issuedAt, expiresAt });
}

/**
 * Whether a challenge is in force, at a clock that may be behind the asker's by `behindMs`, or ahead of it by
 * `aheadMs`. Written so that NaN is not in force.
 */
const inForce = ({ issuedAt, expiresAt }: Challenge, now: number, behindMs: number, aheadMs: number): boolean =>
  issuedAt <= now + behindMs && now < expiresAt + aheadMs;

const messageOf = (challenge: Challenge, did: string): Bytes => utf8(canonicalJson({ challenge, did }));

/**
 * Answers a challenge: proves to one audience, once, that the identity's key is here.
 *
 * `audience` is who the agent believes it is talking to, and must be given: an agent that signs for whatever audience
 * stands in the challenge can be made to log in somebody else. What is signed is a labelled form of question and DID,
 * so a challenge can't get anything else signed.
 *
 * @throws {TypeError} Rejects if the challenge is malformed or for another audience, or the identity is not one of this
 *   library's. `skewMs` is how far apart the two clocks may be: a minute by default, as everywhere, and at most 300000.
 *
 * @throws {RangeError} Rejects if the challenge is not in force, or lives longer than an hour.
 * @example Usage
 * ```ts
 * import { answerChallenge, challengeVerifier, createIdentity } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const verifier = challengeVerifier({ audience: "https://gateway.example" });
 * const issued = await verifier.issue();
 * assert.ok(issued.allowed);
 * await assert.rejects(answerChallenge(await createIdentity(), issued.challenge, { audience: "https://other.example" }), TypeError);
 * ```
 */
export async function answerChallenge(
  identity: Identity,
  challenge: Challenge,
  options: { readonly audience: string; readonly skewMs?: number; readonly clock?: () => number },
): Promise<ChallengeResponse> {
  const where = "answerChallenge()";
  const own = ownOptions(where, options, ["audience", "skewMs", "clock"]);
  const { audience, clock = Date.now } = own;
  if (!isText(audience, 256)) {
    throw wrong(where, "audience", "1 to 256 characters without control, bidirectional and invisible ones", audience);
  }
  const read = readChallenge(challenge);
  if (read === undefined) throw wrong(where, "challenge", "a challenge made by challengeVerifier()", challenge);
  if (read.audience !== audience) {
    throw wrong(where, "challenge.audience", "the audience that was expected", read.audience);
  }
  const skewMs = skewOf(where, own.skewMs);
  functionOf(where, "clock", clock);
  const now = timeOf(clock);
  // The asker alone says when a challenge has lapsed; here it only must not be an old one.
  if (!inForce(read, now, skewMs, skewMs) || read.expiresAt - read.issuedAt > HOUR_MS) {
    throw wrong(where, "challenge", "in force, for at most an hour", now);
  }
  const signature = await signAs(identity, ":challenge", messageOf(read, identity.did));
  return Object.freeze({
    challenge: read,
    did: identity.did,
    publicKey: toBase64Url(identity.publicKey),
    signature: toBase64Url(signature),
  });
}

/**
 * Makes a verifier that has agents prove, by challenge and response, that they hold the key of their DID.
 *
 * Each challenge has a random nonce of 256 bits, this audience and a time to live, and is good for one valid answer: a
 * replayed one denies, and a forged one spends nothing, so the real agent can still answer. Challenges that this
 * verifier did not issue, or that came back changed, deny. While `maxPending` wait, no new one is issued and none that
 * waits is dropped.
 *
 * With a `store`, several processes share the challenges, and two that see the same answer at once let it pass once.
 *
 * @throws {TypeError} If `audience` is missing, or an option is wrong.
 * @throws {RangeError} If `ttlMs` or `maxPending` is out of range.
 * @example Usage
 * ```ts
 * import { answerChallenge, challengeVerifier, createIdentity } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const audience = "https://gateway.example";
 * const verifier = challengeVerifier({ audience });
 * const agent = await createIdentity();
 *
 * const issued = await verifier.issue();
 * assert.ok(issued.allowed);
 * const response = await answerChallenge(agent, issued.challenge, { audience });
 * const verdict = await verifier.verify(response);
 * assert.ok(verdict.allowed);
 * assert.equal(verdict.did, agent.did);
 * assert.equal((await verifier.verify(response)).allowed, false);
 * ```
 */
export function challengeVerifier(options: ChallengeVerifierOptions): ChallengeVerifier {
  const where = "challengeVerifier()";
  const own = ownOptions(where, options, ["audience", "ttlMs", "maxPending", "skewMs", "store", "clock"]);
  const { audience, ttlMs = 60_000, maxPending = 10_000, store, clock = Date.now } = own;
  if (!isText(audience, 256)) {
    throw wrong(where, "audience", "1 to 256 characters without control, bidirectional and invisible ones", audience);
  }
  wholeNumber(where, "ttlMs", ttlMs, 1, HOUR_MS);
  const skewMs = skewOf(where, own.skewMs);
  wholeNumber(where, "maxPending", maxPending, 1, 1_000_000);
  functionOf(where, "clock", clock);
  if (store !== undefined) {
    functionOf(where, "store.read", memberOf(store, "read"));
    functionOf(where, "store.put", memberOf(store, "put"));
  }
  const pending: PendingChallenges = store === undefined ? pendingInMemory(maxPending) : pendingInStore(store);
  const failed = (cause: unknown): Deny => deny("store_unavailable", "The challenge could not be looked up", cause);
  const denied = (reason: string): Deny => deny("identity_unverified", reason);

  return Object.freeze({
    async issue(): Promise<ChallengeIssue> {
      const issuedAt = wholeNumber(where, "clock()", Math.floor(timeOf(clock)), 0);
      const challenge: Challenge = Object.freeze({
        nonce: randomText(32),
        audience,
        issuedAt,
        expiresAt: issuedAt + ttlMs,
      });
      try {
        if (!await pending.add(challenge.nonce, canonicalJson(challenge), issuedAt, challenge.expiresAt)) {
          return deny(
            "rate_limited",
            "Too many challenges wait for an answer",
            store === undefined ? { max: maxPending, windowMs: ttlMs } satisfies RateLimitDetails : undefined,
          );
        }
      } catch (error) {
        return failed(error);
      }
      return Object.freeze({ allowed: true, challenge });
    },

    async verify(response: unknown, standing: StandingOptions = {}): Promise<ChallengeVerdict> {
      const record = ownOptions("verify()", standing, STANDING);
      const fields = ownFields(response, ["challenge", "did", "publicKey", "signature"]);
      const challenge = readChallenge(fields?.["challenge"]);
      const publicKey = fromBase64Url(fields?.["publicKey"], 32);
      const signature = fromBase64Url(fields?.["signature"], 64);
      const did = publicKey === undefined ? undefined : await didOf(publicKey);
      const against = await judgeStanding("verify()", did, record);
      if (challenge === undefined || publicKey === undefined || signature === undefined || did === undefined) {
        return denied("The response is malformed");
      }
      if (against !== undefined) return against;
      if (fields?.["did"] !== did) return denied("The DID is not derived from the key");
      if (challenge.audience !== audience) return denied("The challenge is for another audience");
      const now = timeOf(clock);
      if (!inForce(challenge, now, skewMs, 0)) return denied("The challenge is not in force");
      let found: Awaited<ReturnType<PendingChallenges["find"]>>;
      try {
        found = await pending.find(challenge.nonce);
      } catch (error) {
        return failed(error);
      }
      if (found?.text !== canonicalJson(challenge)) {
        return denied("The challenge was not issued here, or was answered before");
      }
      if (!await verifyClaim({ publicKey, context: ":challenge", message: messageOf(challenge, did), signature })) {
        return denied("The signature is not valid");
      }
      try {
        // Spent last, and only here: a forged answer must not use up the real one's challenge.
        if (!await found.spend(now)) return denied("The challenge was answered before");
      } catch (error) {
        return failed(error);
      }
      return Object.freeze({ allowed: true, did, didKey: didKeyOf(publicKey), publicKey });
    },
  });
}
