import type { PendingAct } from "../kernel/seam.ts";

/** A grant, each field read once: nobody else holds it, so that what was verified is what counts. */
export interface ReadGrant {
  readonly id: string;
  readonly digest: string;
  readonly approved: boolean;
  readonly by: string | undefined;
  readonly expiresAt: number;
  /** `undefined`: the call as it is. */
  readonly payload: unknown;
  readonly signature: string;
}

const MOST_GRANTS = 64;
/** What is wanted where something else came. */
export const NO_GRANT = "a grant is an object that grantApproval() signed, or a list of them";

/** Reads a grant or a list of them, by own keys; `undefined` where it is anything else. Never throws. */
export function readGrants(value: unknown, act: Pick<PendingAct, "copy">): readonly ReadGrant[] | undefined {
  try {
    if (!Array.isArray(value)) {
      const one = readGrant(value, act);
      return one === undefined ? undefined : [one];
    }
    const { length } = value;
    if (length > MOST_GRANTS) return undefined;
    const grants: ReadGrant[] = [];
    for (let at = 0; at < length; at++) {
      const one = readGrant(value[at], act);
      if (one === undefined) return undefined;
      grants.push(one);
    }
    return grants;
  } catch {
    // A getter or a proxy that throws.
    return undefined;
  }
}

function readGrant(value: unknown, act: Pick<PendingAct, "copy">): ReadGrant | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const own = (key: keyof ReadGrant): unknown =>
    Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  const id = own("id");
  const digest = own("digest");
  const approved = own("approved");
  const by = own("by");
  const expiresAt = own("expiresAt");
  const signature = own("signature");
  if (typeof id !== "string" || typeof digest !== "string" || typeof signature !== "string") return undefined;
  if (typeof approved !== "boolean" || (by !== undefined && typeof by !== "string")) return undefined;
  if (typeof expiresAt !== "number" || !Number.isFinite(expiresAt)) return undefined;
  const payload = act.copy(own("payload"));
  if (payload === undefined) return undefined;
  return { id, digest, approved, by, expiresAt, payload: payload.value, signature };
}
