import { functionOf, ownOptions, wholeNumber, wrong } from "../base/check.ts";
import { type Deny, deny } from "../base/decision.ts";
import { type Bytes, fromBase64Url, toBase64Url, utf8 } from "../crypto/bytes.ts";
import { canonicalJson } from "../crypto/canonical.ts";
import { skewOf, timeOf } from "./clock.ts";
import { type CapabilityMatching, isHierarchical, missing } from "./covers.ts";
import { didOf } from "../crypto/did.ts";
import { readFacts } from "./read-profile.ts";
import { capabilitiesOf, isText, isTime, ownFields, requirementsOf } from "./fields.ts";
import { type Identity, signAs } from "./identity.ts";
import { verifyClaim } from "./signature.ts";
import { judgeStanding, type StandingOptions } from "./check-standing.ts";
import { cacheOf, type VerificationCache } from "./verification-cache.ts";

/** What an agent says about itself. The signature proves who said it, not that it is so. */
export interface AgentCard {
  /** Who: `did:agentmesh:…`, derived from the key that signed. */
  readonly did: string;
  /** For people. */
  readonly name: string;
  /** For people; absent if there is none. */
  readonly description?: string;
  /** What the agent says that it can do. A claim, never a grant. */
  readonly capabilities: readonly string[];
  /** When it was signed, in ms since the epoch. */
  readonly issuedAt: number;
  /** When it lapses, in ms since the epoch. */
  readonly expiresAt: number;
  /** Anything else, as plain JSON data. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A card as it is sent: plain JSON data. */
export interface SignedCard {
  /** What is signed. */
  readonly card: AgentCard;
  /** The raw public key, in base64url. */
  readonly publicKey: string;
  /** Over the whole card, in base64url. */
  readonly signature: string;
}

/** What {@linkcode signCard} signs. */
export interface CardInit {
  /** For people: up to 256 characters without control, bidirectional and invisible ones. */
  readonly name: string;
  /** For people: up to 1024 characters without control, bidirectional and invisible ones. */
  readonly description?: string;
  /** Up to 256 capabilities of up to 256 characters; copied. Default: none. */
  readonly capabilities?: readonly string[];
  /** Plain JSON data; copied. Default: none. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** How long the card is good for, in ms. Default: one hour. At most 366 days. */
  readonly ttlMs?: number;
  /** Now, in ms since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
}

/** How {@linkcode verifyCard} judges. */
export interface VerifyCardOptions extends StandingOptions {
  /**
   * Capabilities that the agent must have on the card and on the verifier's own record of it. A card alone grants
   * nothing, so without `agent` they deny. Default: none.
   */
  readonly requiredCapabilities?: readonly string[] | undefined;
  /** Whether `read:*` counts as `read:db`, on either side. Default: `exact`, it does not. */
  readonly capabilityMatching?: CapabilityMatching | undefined;
  /**
   * How far ahead the signer's clock may be, in ms: a minute by default, as everywhere, and at most 300000. Does not
   * make a card live longer.
   */
  readonly skewMs?: number | undefined;
  /** Remembers valid signatures. Default: none. */
  readonly cache?: VerificationCache | undefined;
  /**
   * Now, in ms since the epoch. Default: `Date.now`. The same function each time: what has lapsed by it stays so,
   * though it goes back.
   */
  readonly clock?: () => number;
}

/** What {@linkcode verifyCard} answers. A denial can be returned by a guard as it is. */
export type CardVerdict =
  | {
    /** The discriminant. */
    readonly allowed: true;
    /** The card, read once, frozen. */
    readonly card: AgentCard;
  }
  | Deny;

const CARD_FIELDS = ["did", "name", "description", "capabilities", "issuedAt", "expiresAt", "metadata"];
const VERIFY = [
  "requiredCapabilities",
  "capabilityMatching",
  "skewMs",
  "cache",
  "agent",
  "minTrustScore",
  "clock",
] as const;
const YEAR_MS = 366 * 24 * 3_600_000;

/**
 * Signs a card that says who an agent is and what it can do. The signature covers every field, the key's DID and a
 * label that sets cards apart from everything else that is signed.
 *
 * @throws {TypeError} Rejects if a field is wrong, or the identity was not made by this library.
 * @throws {RangeError} Rejects if `ttlMs` or the clock is wrong.
 * @example Usage
 * ```ts
 * import { createIdentity, signCard, verifyCard } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const deployer = await createIdentity();
 * const signed = await signCard(deployer, { name: "deployer", capabilities: ["deploy:staging"] });
 * const verdict = await verifyCard(JSON.parse(JSON.stringify(signed)));
 * assert.ok(verdict.allowed);
 * assert.equal(verdict.card.did, deployer.did);
 *
 * const forged = { ...signed, card: { ...signed.card, capabilities: ["deploy:*"] } };
 * assert.equal((await verifyCard(forged)).allowed, false);
 * ```
 */
export async function signCard(identity: Identity, init: CardInit): Promise<SignedCard> {
  const where = "signCard()";
  const own = ownOptions(where, init, ["name", "description", "capabilities", "metadata", "ttlMs", "clock"]);
  const { name, description, capabilities = [], metadata, ttlMs = 3_600_000, clock = Date.now } = own;
  const issuedAt = wholeNumber(where, "clock()", Math.floor(clock()), 0);
  const expiresAt = issuedAt + wholeNumber(where, "ttlMs", ttlMs, 1, YEAR_MS);
  const optional = {
    ...(description === undefined ? {} : { description }),
    ...(metadata === undefined ? {} : { metadata }),
  };
  const card = readCard({ did: identity.did, name, capabilities, issuedAt, expiresAt, ...optional });
  if (typeof card === "string") throw wrong(where, card, WANTED[card] as string, own[card as keyof CardInit]);
  const message = bytesOfCard(card);
  if (message === undefined) throw wrong(where, "metadata", WANTED["metadata"] as string, metadata);
  const signature = await signAs(identity, ":agent-card", message);
  return Object.freeze({ card, publicKey: toBase64Url(identity.publicKey), signature: toBase64Url(signature) });
}

const WANTED: Readonly<Record<string, string>> = {
  name: "1 to 256 characters without control, bidirectional and invisible ones",
  description: "1 to 1024 characters without control, bidirectional and invisible ones",
  capabilities:
    "an array of at most 256 strings of 1 to 256 characters without control, bidirectional and invisible ones",
  metadata: "an object of plain JSON data, at most 262144 characters with the rest of the card",
};

/** Reads a card into a frozen one, else answers the name of the field that is wrong. */
function readCard(value: unknown): AgentCard | string {
  const fields = ownFields(value, CARD_FIELDS);
  if (fields === undefined) return "card";
  const { did, name, description, issuedAt, expiresAt, metadata } = fields;
  const capabilities = capabilitiesOf(fields["capabilities"]);
  if (typeof did !== "string") return "did";
  if (!isText(name, 256)) return "name";
  if (Object.hasOwn(fields, "description") && !isText(description, 1024)) return "description";
  if (capabilities === undefined) return "capabilities";
  if (!isTime(issuedAt)) return "issuedAt";
  if (!isTime(expiresAt)) return "expiresAt";
  const card = {
    did,
    name,
    capabilities,
    issuedAt,
    expiresAt,
    ...(Object.hasOwn(fields, "description") ? { description: description as string } : {}),
  };
  if (!Object.hasOwn(fields, "metadata")) return Object.freeze(card);
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) return "metadata";
  try {
    // Read once: what was signed is what the caller gets, whatever a getter says the second time.
    const copy = JSON.parse(canonicalJson(metadata), (_key, item: unknown) => Object.freeze(item)) as Record<
      string,
      unknown
    >;
    return Object.freeze({ ...card, metadata: copy });
  } catch {
    return "metadata";
  }
}

/** Whether a card lives as long as cards may: somebody else may have signed it without this library. */
function isLifetime({ issuedAt, expiresAt }: AgentCard): boolean {
  return expiresAt > issuedAt && expiresAt - issuedAt <= YEAR_MS;
}

/** The bytes of a card that are signed; `undefined` if they are too many. */
function bytesOfCard(card: AgentCard): Bytes | undefined {
  try {
    return utf8(canonicalJson(card));
  } catch {
    return undefined;
  }
}

/**
 * Verifies a card from outside: its form, whose it is, that it is in force, and its signature.
 *
 * Every field is read once and fields that are not known deny. What the card says about itself is a claim: `agent`,
 * `minTrustScore` and `requiredCapabilities` are judged by the verifier's own record, anew each time, `cache` or not.
 * Never rejects for what is in the card. A card lapses at `expiresAt` to the millisecond, stays so when the clock is
 * set back, and lives at most 366 days.
 *
 * Denies with `identity_unverified`, `agent_not_active`, `trust_too_low` or `missing_capabilities`.
 *
 * @throws {TypeError} Rejects if an option is wrong, or of another copy of the package.
 * @throws {RangeError} Rejects if `skewMs` or `minTrustScore` is wrong.
 * @example Usage
 * ```ts
 * import { createIdentity, signCard, verifyCard } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const signed = await signCard(await createIdentity(), { name: "reader", ttlMs: 1000, clock: () => 5000 });
 * assert.equal((await verifyCard(signed, { clock: () => 5999 })).allowed, true);
 * assert.equal((await verifyCard(signed, { clock: () => 6000 })).allowed, false);
 * ```
 */
export async function verifyCard(signed: unknown, options: VerifyCardOptions = {}): Promise<CardVerdict> {
  const where = "verifyCard()";
  const own = ownOptions(where, options, VERIFY);
  const {
    requiredCapabilities = [],
    capabilityMatching = "exact",
    agent,
    minTrustScore,
    clock = Date.now,
  } = own;
  const required = requirementsOf(where, "requiredCapabilities", requiredCapabilities);
  const hierarchical = isHierarchical(where, capabilityMatching);
  const skewMs = skewOf(where, own.skewMs);
  functionOf(where, "clock", clock);
  const cache = cacheOf(where, own.cache);
  const envelope = ownFields(signed, ["card", "publicKey", "signature"]);
  const publicKey = fromBase64Url(envelope?.["publicKey"], 32);
  const signature = fromBase64Url(envelope?.["signature"], 64);
  const card = readCard(envelope?.["card"]);
  const standing = await judgeStanding(where, typeof card === "string" ? undefined : card.did, {
    agent,
    minTrustScore,
  });
  const message = typeof card === "string" ? undefined : bytesOfCard(card);
  if (
    typeof card === "string" || message === undefined || !isLifetime(card) || publicKey === undefined ||
    signature === undefined
  ) {
    return deny("identity_unverified", "The agent card is malformed");
  }
  if (standing !== undefined) return standing;
  const now = timeOf(clock);
  // Written so that NaN denies.
  if (!(card.issuedAt <= now + skewMs && now < card.expiresAt)) {
    return deny("identity_unverified", "The agent card is not in force");
  }
  if (await didOf(publicKey) !== card.did) {
    return deny("identity_unverified", "The agent card's DID is not derived from its key");
  }
  if (!await verifyClaim({ publicKey, context: ":agent-card", message, signature }, cache)) {
    return deny("identity_unverified", "The agent card's signature is not valid");
  }
  const granted = agent === undefined ? [] : readFacts(agent).capabilities ?? [];
  const lacking = missing(card.capabilities, required, hierarchical) + missing(granted, required, hierarchical);
  if (lacking > 0) return deny("missing_capabilities", "The agent lacks a capability that is required");
  return Object.freeze({ allowed: true, card });
}
