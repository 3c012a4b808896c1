import { isWhole } from "../base/check.ts";
import { otherCopy, refuseOtherCopy } from "../base/copy.ts";
import { pickOwn } from "../base/own.ts";
import { Profile } from "./profile-object.ts";

/** The highest trust score. */
export const MAX_SCORE = 1000;

/** What the gates judge of an agent, each field read once; what is malformed has become what no gate lets pass. */
export interface Facts {
  /** Empty when it is no DID. */
  readonly did: string;
  /** As it stands; only `"active"` passes. */
  readonly status: unknown;
  /** `NaN` when it is no whole number from 0 to 1000. */
  readonly score: number;
  /** `undefined` when they are no array of strings. */
  readonly capabilities: readonly string[] | undefined;
  /** Says so, where another copy of the package made the profile: then nothing of it is known. */
  readonly stranger: string | undefined;
}

// A store that keeps scores in a plain object must not be led to its prototype.
// A did:key is written in base58btc and no other way: another spelling would be another name of the same key.
const DID = /^did:(?!key:(?!z))[a-z0-9]+(?::(?!__proto__(?::|$))(?:[A-Za-z0-9._-]|%[0-9A-Fa-f]{2})+)+$/;

/**
 * Whether this is a well-formed DID (of any method) of at most 512 characters, none of whose segments is `__proto__`.
 */
export function isDid(value: unknown): value is string {
  return typeof value === "string" && value.length <= 512 && DID.test(value);
}

/** Whether this is a whole number from 0 to 1000. */
export function isScore(value: unknown): value is number {
  return isWhole(value, 0, MAX_SCORE);
}

/** A copy of an array of strings, read once; `undefined` for anything else, a string above all. */
export function strings(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const out: string[] = [];
  // By index: an array can carry an iterator or an `includes` of its own.
  for (let i = 0; i < value.length; i++) {
    const item: unknown = value[i];
    if (typeof item !== "string") return undefined;
    out.push(item);
  }
  return out;
}

/** What is held: an empty text among capabilities is a mistake, and a list with one is no list. */
function capabilitiesIn(value: unknown): readonly string[] | undefined {
  const list = strings(value);
  return list?.includes("") === true ? undefined : list;
}

const FACTS = ["did", "status", "trustScore", "capabilities"] as const;
const NOBODY: Facts = { did: "", status: undefined, score: NaN, capabilities: undefined, stranger: undefined };

/** Reads what somebody passed as an agent: a profile of ours, or any object of its shape. Never throws. */
export function readFacts(agent: unknown): Facts {
  if (typeof agent !== "object" || agent === null) return NOBODY;
  try {
    if (Profile.is(agent)) {
      const { did, status, trustScore, capabilities } = agent;
      return { did, status, score: trustScore, capabilities, stranger: undefined };
    }
    const stranger = otherCopy("The agent", agent);
    if (stranger !== undefined) return { ...NOBODY, stranger };
    const { did, status, trustScore, capabilities } = pickOwn(agent as Record<string, unknown>, FACTS);
    return {
      did: isDid(did) ? did : "",
      status,
      score: isScore(trustScore) ? trustScore : NaN,
      capabilities: capabilitiesIn(capabilities),
      stranger: undefined,
    };
  } catch {
    return NOBODY;
  }
}

/**
 * Reads what somebody passed as an agent to a function, which is no gate.
 *
 * @throws {TypeError} If it is a profile of another copy of the package.
 */
export function factsIn(where: string, field: string, agent: unknown): Facts {
  refuseOtherCopy(where, field, agent);
  return readFacts(agent);
}
