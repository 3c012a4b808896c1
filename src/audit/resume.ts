import { areSameHashes, type Hasher } from "./hash.ts";
import { looksLikeHeader, looksLikeSeal, readHeader, readSeal, type Seal } from "./line.ts";
import { isSignedBy, readVkey } from "./note.ts";
import { append, EMPTY, type Frontier, rootOf } from "./tree.ts";
import type { AuditKey } from "./types.ts";

const WHERE = "createAuditLog()";

/** Where a log goes on. */
export interface Start {
  readonly origin: string;
  readonly tree: Frontier;
  /** The last checkpoint. */
  readonly checkpoint: string | undefined;
  /** The last line has no end. */
  readonly isTorn: boolean;
  /** How many lines come after the last checkpoint. */
  readonly unsealed: number;
  /** What ended the last batch. */
  readonly seal: Seal | undefined;
}

/**
 * Finds where a log goes on: at its last checkpoint that is whole. What comes after it was never sealed, and stays
 * outside.
 *
 * @throws {TypeError} If the text is no log, or the log was closed.
 */
export function startOf(text: string): Start {
  const isTorn = !text.endsWith("\n");
  const lines = text.split("\n");
  // A last line without its end is one only if it is a whole checkpoint.
  const last = lines.pop() as string;
  if (looksLikeSeal(last) && readSeal(last) !== undefined) lines.push(last);
  for (let at = lines.length - 1; at >= 0; at--) {
    const line = lines[at] as string;
    const seal = looksLikeSeal(line) ? readSeal(line) : undefined;
    if (seal === undefined) continue;
    if (isEnd(lines[at - 1])) throw new TypeError(`Cannot build ${WHERE}: the log in "resume" was closed`);
    return {
      origin: seal.checkpoint.origin,
      tree: { size: seal.checkpoint.size, stack: seal.stack },
      checkpoint: seal.text,
      isTorn,
      unsealed: lines.length - 1 - at,
      seal,
    };
  }
  // The first batch was not stored whole: the log goes on from its beginning.
  const first = lines[0];
  const header = first !== undefined && looksLikeHeader(first) ? readHeader(first) : undefined;
  if (header?.from === 0) {
    const { origin } = header;
    return { origin, tree: EMPTY, checkpoint: undefined, isTorn, unsealed: lines.length - 1, seal: undefined };
  }
  throw new TypeError(`Cannot build ${WHERE}: "resume" must be the text of a log or its end, with a checkpoint`);
}

function isEnd(line: string | undefined): boolean {
  return line !== undefined && line.includes('"event":"closed","kind":"log"');
}

/**
 * Checks that the checkpoint to go on from is of the tree that it stands beside, and is signed by one of those who will
 * sign: nobody may have their own entries continued by us.
 */
export async function checkStart({ seal }: Start, signers: readonly AuditKey[], hasher: Hasher): Promise<void> {
  if (seal === undefined) return;
  const tree = await append({ size: seal.from, stack: seal.before }, seal.leaves, hasher);
  const isOfTree = areSameHashes(tree.stack, seal.stack) && await rootOf(tree, hasher) === seal.checkpoint.root;
  const keys = await Promise.all(signers.map(({ vkey }, at) => readVkey(WHERE, `signers[${at}].vkey`, vkey)));
  if (!isOfTree || (keys.length > 0 && !(await isSignedBy(seal.checkpoint.note, keys)))) {
    throw new Error("Cannot resume an audit log: its last checkpoint is not one of these signers'");
  }
}
