import { missing } from "./covers.ts";

/** What somebody may do, how far they may pass it on, and until when. */
export interface Grant {
  /** What they may do; `read:*` stands for everything below `read`, `*` for everything. */
  readonly capabilities: readonly string[];
  /** How many more links may follow: 0 if it may not be passed on. */
  readonly maxDepth: number;
  /** Until when, exclusive, in ms since the epoch. */
  readonly expiresAt: number;
}

/**
 * Passes a grant on: answers what the receiver then has, or in words why not.
 *
 * Every capability asked for must be covered by one that is held, and the depth must be less than what is held. A
 * lifetime beyond what is held is cut down to it: nobody outlives their parent.
 */
export function narrow(held: Grant, asked: Grant): Grant | string {
  if (missing(held.capabilities, asked.capabilities, true) > 0) {
    return "It passes on a capability that its parent does not hold";
  }
  if (!(asked.maxDepth < held.maxDepth)) return "It goes deeper than its parent allows";
  return Object.freeze({
    capabilities: asked.capabilities,
    maxDepth: asked.maxDepth,
    expiresAt: Math.min(held.expiresAt, asked.expiresAt),
  });
}

/** Passes a grant down a whole chain. */
export function narrowAll(held: Grant, links: readonly Grant[]): Grant | string {
  let grant: Grant | string = held;
  for (const link of links) {
    grant = narrow(grant, link);
    if (typeof grant === "string") return grant;
  }
  return grant;
}
