import { wrong } from "../base/check.ts";

/**
 * How a held capability is compared with a wanted one: as it stands, or with `*` as the last segment standing for all
 * below.
 */
export type CapabilityMatching = "exact" | "hierarchical";

/** Reads the option; throws at anything but its two values. */
export function isHierarchical(where: string, matching: unknown): boolean {
  if (matching !== "exact" && matching !== "hierarchical") {
    throw wrong(where, "capabilityMatching", "exact or hierarchical", matching);
  }
  return matching === "hierarchical";
}

/** Whether holding one capability means holding the other, in a hierarchy. */
export function covers(held: string, wanted: string): boolean {
  if (held === wanted) return true;
  // An empty text is no capability: not even everything covers it.
  if (held === "*") return wanted !== "";
  const stem = held.length - 1;
  // Comparing up to and with the colon keeps `read:*` from `read` and `readonly:db`.
  return held.endsWith(":*") && wanted.length > stem && wanted.startsWith(held.slice(0, stem));
}

/** Whether one of the held capabilities is, or covers, the wanted one. */
export function holds(held: readonly string[], wanted: string, hierarchical: boolean): boolean {
  for (let i = 0; i < held.length; i++) {
    if ((held[i] === wanted && wanted !== "") || (hierarchical && covers(held[i] as string, wanted))) return true;
  }
  return false;
}

/** How many of the wanted capabilities are not held. */
export function missing(held: readonly string[], wanted: readonly string[], hierarchical: boolean): number {
  let count = 0;
  for (let i = 0; i < wanted.length; i++) if (!holds(held, wanted[i] as string, hierarchical)) count++;
  return count;
}

/**
 * What two lists have in common, sorted: what either holds of the other, without what another of them covers, which
 * says nothing more.
 */
export function inCommon(ours: readonly string[], theirs: readonly string[], hierarchical: boolean): readonly string[] {
  const common = [
    ...ours.filter((one) => holds(theirs, one, hierarchical)),
    ...theirs.filter((one) => holds(ours, one, hierarchical)),
  ];
  const each = [...new Set(common)].sort();
  return Object.freeze(
    hierarchical ? each.filter((one) => !each.some((other) => other !== one && covers(other, one))) : each,
  );
}
