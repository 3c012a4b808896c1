import type { CharSet } from "./charset.ts";
import type { Node } from "./syntax.ts";

/** How many characters of a match's beginning are looked at. */
export const MAX_PREFIX = 6;

/** What every match of some patterns begins with, in text of ASCII. */
export interface Prefix {
  /** How many characters are told: no match is shorter. */
  readonly length: number;
  /** For each character, bit `i` where it can stand `i` characters after the beginning. */
  readonly bits: Uint8Array;
}

const PLACES = (1 << MAX_PREFIX) - 1;
/** What text is made of, each character as often as it is met. */
const ORDINARY = "         eeeeeeetttttaaaaooooiiiinnnnsssshhhrrrddlluucmmwfgypbvk.,-/_:0123456789";

/** What the matches of one pattern begin with; boundaries are passed as if they held, so it may tell of too many. */
export function prefixOf(node: Node): Prefix {
  const bits = new Uint8Array(128);
  const ends = pass(node, 1, bits);
  return { length: ends === 0 ? MAX_PREFIX : 31 - Math.clz32(ends & -ends), bits };
}

/**
 * Passes a node from all places in `from` at once, one bit each; returns the places after it, and notes in `bits` what
 * stands where.
 */
function pass(node: Node, from: number, bits: Uint8Array | undefined): number {
  switch (node.kind) {
    case "assert":
      return from;
    case "set":
      return passSet(node.set, from, bits);
    case "seq":
      return node.items.reduce((at, item) => pass(item, at, bits), from);
    case "alt":
      return node.items.reduce((ends, item) => ends | pass(item, from, bits), 0);
    case "repeat": {
      const { item, min, max } = node;
      // Known for one place, it is known for all: so what is nested is not passed again and again.
      const once = pass(item, 1, undefined);
      let at = from;
      let starts = 0;
      let ends = min === 0 ? from : 0;
      for (let times = 1; times <= max && at !== 0; times++) {
        const last = at;
        starts |= at;
        at = shifted(once, at);
        // From here on it stays so: an item that can be empty leaves no place out.
        if (times >= min || at === last) ends |= at;
        if (at === last) break;
      }
      if (bits !== undefined) pass(item, starts, bits);
      return ends;
    }
  }
}

/** Text outside ASCII is not told of, so a set without ASCII leads nowhere. */
function passSet(set: CharSet, from: number, bits: Uint8Array | undefined): number {
  if (set.length === 0 || set[0]! > 127) return 0;
  if (bits !== undefined) {
    for (let i = 0; i < set.length; i += 2) {
      for (let c = set[i]!; c <= set[i + 1]! && c < 128; c++) bits[c]! |= from;
    }
  }
  return (from << 1) & PLACES;
}

/** The places after an item that begins at all of `from`, where `once` are those after one that begins at the first. */
function shifted(once: number, from: number): number {
  let ends = 0;
  for (let i = 0; i < MAX_PREFIX; i++) if ((from >> i & 1) === 1) ends |= once << i;
  return ends & PLACES;
}

/** What the matches of both begin with. */
export function both(one: Prefix, other: Prefix): Prefix {
  return { length: Math.min(one.length, other.length), bits: one.bits.map((mask, c) => mask | other.bits[c]!) };
}

/** About how many places of ordinary text look like the beginning of a match: 0 to 1. */
export function shareOf({ length, bits }: Prefix): number {
  let share = 1;
  for (let i = 0; i < length; i++) {
    let met = 0;
    for (let at = 0; at < ORDINARY.length; at++) met += (bits[ORDINARY.charCodeAt(at)]! >> i) & 1;
    share *= met / ORDINARY.length;
  }
  return share;
}
