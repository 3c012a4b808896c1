import type { Hash, Hasher } from "./hash.ts";

/**
 * All that is needed to go on with a Merkle tree (RFC 6962): how many leaves it has, and the roots of the perfect
 * subtrees that they form, the largest first. One for each bit that is set in the size.
 */
export interface Frontier {
  /** How many leaves. */
  readonly size: number;
  /** The roots of the perfect subtrees, left to right. */
  readonly stack: readonly Hash[];
}

/** A tree without leaves. */
export const EMPTY: Frontier = Object.freeze({ size: 0, stack: Object.freeze([]) });

/** How many perfect subtrees a tree of that size has. */
export function stackLength(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** Adds leaves to a tree, level by level. */
export async function append({ size, stack }: Frontier, leaves: readonly Hash[], hasher: Hasher): Promise<Frontier> {
  const done: Hash[] = [];
  let left = stack.length;
  let level: Hash[] = [...leaves];
  // Sizes pass 32 bits, so that bits are taken by division.
  for (let rest = size; level.length > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) level.unshift(stack[--left] as Hash);
    if (level.length % 2 === 1) done.unshift(level.pop() as Hash);
    level = await hasher.nodes(level);
  }
  return { size: size + leaves.length, stack: [...stack.slice(0, left), ...done] };
}

/** The hash of a whole tree. */
export async function rootOf({ stack }: Frontier, hasher: Hasher): Promise<Hash> {
  let root = stack.at(-1);
  if (root === undefined) return (await hasher.plain([""]))[0] as Hash;
  for (let at = stack.length - 2; at >= 0; at--) root = (await hasher.nodes([stack[at] as Hash, root]))[0] as Hash;
  return root;
}

/**
 * The audit path (RFC 6962 section 2.1.1) of a leaf that was added to a tree with others: from its sibling up to the
 * root's child, in the tree that they made. `index` is the leaf's place among those added.
 */
export async function pathTo(
  { size, stack }: Frontier,
  leaves: readonly Hash[],
  index: number,
  hasher: Hasher,
): Promise<Hash[]> {
  const path: Hash[] = [];
  const done: Hash[] = [];
  let left = stack.length;
  let level: Hash[] = [...leaves];
  let at = index; // the leaf's ancestor on this level; -1 once it is one of the perfect subtrees
  let behind = 0; // how many of those stand behind it
  for (let rest = size; level.length > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) {
      level.unshift(stack[--left] as Hash);
      if (at >= 0) at += 1;
    }
    if (level.length % 2 === 1) {
      if (at === level.length - 1) {
        at = -1;
        behind = done.length;
      }
      done.unshift(level.pop() as Hash);
    }
    if (at >= 0) {
      path.push(level[at % 2 === 0 ? at + 1 : at - 1] as Hash);
      at = Math.floor(at / 2);
    }
    level = await hasher.nodes(level);
  }
  const whole = [...stack.slice(0, left), ...done];
  const own = whole.length - 1 - behind;
  if (behind > 0) path.push(await rootOf({ size: 0, stack: whole.slice(own + 1) }, hasher));
  for (let place = own - 1; place >= 0; place--) path.push(whole[place] as Hash);
  return path;
}

/**
 * Whether a leaf stands at `index` in the tree of `size` leaves that has this root: RFC 9162 section 2.1.3.2, for sizes
 * beyond 32 bits too.
 */
export async function isIncluded(
  leaf: Hash,
  index: number,
  size: number,
  path: readonly Hash[],
  root: Hash,
  hasher: Hasher,
): Promise<boolean> {
  if (index < 0 || index >= size) return false;
  let at = index;
  let last = size - 1;
  let hash = leaf;
  for (const sibling of path) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = (await hasher.nodes([sibling, hash]))[0] as Hash;
      // A node without a sibling of its own goes up unhashed.
      while (at % 2 === 0 && at !== 0) {
        at = Math.floor(at / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = (await hasher.nodes([hash, sibling]))[0] as Hash;
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && hash === root;
}
