import { isWhole, ownOptions, wrongType } from "../base/check.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { createHasher, type Hash, isHash } from "./hash.ts";
import { looksLikeHeader, looksLikeSeal, readSeal } from "./line.ts";
import { isSignedBy, readVkeys } from "./note.ts";
import { linesOf } from "./read.ts";
import { isIncluded, pathTo } from "./tree.ts";
import type { AuditSource } from "./types.ts";

/** What was proven of an entry. */
export interface InclusionVerification {
  /** The entry stands at `seq` in the log. */
  readonly ok: boolean;
  /** The entry's place, from 0. */
  readonly seq?: number;
  /** How many entries the checkpoint counts. */
  readonly size?: number;
  /** Whose log it is. */
  readonly origin?: string;
  /** Why not; for people. */
  readonly reason?: string;
}

/** A proof that was read (c2sp.org/tlog-proof), and nothing of it believed. */
export interface TlogProof {
  readonly index: number;
  readonly path: readonly Hash[];
  readonly checkpoint: string;
}

const MAGIC = "c2sp.org/tlog-proof@v1";
const MOST_HASHES = 64;
/** No entry has a longer line. */
const MOST_ENTRY = 1 << 20;

/**
 * Proves that an entry is in a log, to somebody who does not have the log: its line, and a C2SP tlog-proof with the
 * checkpoint that sealed it, which other tools verify too.
 *
 * Reads the log only up to that checkpoint; the other entries of its batch need not be there. Nothing is verified: that
 * is what {@linkcode verifyInclusion} does, and a proof from a log that was changed does not pass it.
 *
 * @throws {RangeError} Rejects if the entry or its checkpoint is not there.
 * @example Usage
 * ```ts
 * import { createAuditKey, createAuditLog, memorySink, proveInclusion, verifyInclusion } from "@sallyport/sallyport/audit";
 * import assert from "node:assert/strict";
 *
 * const key = await createAuditKey("example.com/audit");
 * const memory = memorySink();
 * const log = createAuditLog({ signers: key, to: memory });
 * log.note("policy.changed", { version: "2" });
 * await log.close();
 *
 * const { entry, proof } = await proveInclusion(memory.text(), 1);
 * assert.deepEqual(JSON.parse(entry).data, { version: "2" });
 * assert.equal((await verifyInclusion(entry, proof, { keys: [key.vkey] })).ok, true);
 * ```
 */
export async function proveInclusion(
  log: AuditSource,
  seq: number,
): Promise<{ readonly entry: string; readonly proof: string }> {
  if (!isWhole(seq, 0)) throw wrongType("proveInclusion()", "seq", "a whole number >= 0", seq);
  const hasher = createHasher();
  // Of lines that say that they are this entry, the one that was sealed.
  let candidates: string[] = [];
  for await (const lines of linesOf("proveInclusion()", log)) {
    for (const { text } of lines) {
      if (looksLikeSeal(text)) {
        const seal = readSeal(text);
        if (seal === undefined) continue;
        const index = seq - seal.from;
        const leaf = seal.leaves[index];
        if (leaf === undefined) {
          candidates = [];
          continue;
        }
        const hashes = await hasher.leaves(candidates);
        const entry = candidates.find((_, at) => hashes[at] === leaf);
        candidates = [];
        if (entry === undefined) continue;
        const path = await pathTo({ size: seal.from, stack: seal.before }, seal.leaves, index, hasher);
        return { entry, proof: proofText({ index: seq, path, checkpoint: seal.text }) };
      } else if (
        text.length <= MOST_ENTRY && !looksLikeHeader(text) && candidates.length < MOST_HASHES &&
        text.includes(`"seq":${seq},`)
      ) {
        candidates.push(text);
      }
    }
  }
  throw new RangeError(
    `Cannot prove that entry ${seq} is in the log: it, or the checkpoint that sealed it, is not there`,
  );
}

/**
 * Verifies that an entry stands in a log, by its line and a proof: the log itself is not needed.
 *
 * Answers `ok: false` with a reason for whatever does not prove it; only wrong options throw.
 *
 * @throws {TypeError} Rejects if `keys` holds what is no verifier key.
 * @example Usage
 * ```ts
 * import { createAuditKey, verifyInclusion } from "@sallyport/sallyport/audit";
 * import assert from "node:assert/strict";
 *
 * const { vkey } = await createAuditKey("example.com/audit");
 * const { ok, reason } = await verifyInclusion('{"seq":0}', "no proof", { keys: [vkey] });
 * assert.equal(ok, false);
 * assert.equal(reason, "The proof is no tlog-proof");
 * ```
 */
export async function verifyInclusion(
  entry: string,
  proof: string,
  options: { keys: readonly string[]; origin?: string },
): Promise<InclusionVerification> {
  const where = "verifyInclusion()";
  const { keys: given, origin } = ownOptions(where, options, ["keys", "origin"]);
  const keys = await readVkeys(where, given);
  if (origin !== undefined && typeof origin !== "string") throw wrongType(where, "origin", "a string", origin);
  const read = readProof(proof);
  if (read === undefined) return no("The proof is no tlog-proof");
  const checkpoint = readCheckpoint(read.checkpoint);
  if (checkpoint === undefined) return no("The proof's checkpoint is none");
  if (!(await isSignedBy(checkpoint.note, keys))) return no("The checkpoint is not signed by a known key");
  if (origin !== undefined && checkpoint.origin !== origin) return no("The checkpoint is of another log");
  if (typeof entry !== "string" || entry.includes("\n")) return no("The entry is not one line");
  const hasher = createHasher();
  const [leaf] = await hasher.leaves([entry]);
  const { size, root } = checkpoint;
  if (!(await isIncluded(leaf as Hash, read.index, size, read.path, root, hasher))) {
    return no("The entry is not at that place in the log");
  }
  return Object.freeze({ ok: true, seq: read.index, size, origin: checkpoint.origin });
}

function no(reason: string): InclusionVerification {
  return Object.freeze({ ok: false, reason });
}

/** Writes a proof. */
export function proofText({ index, path, checkpoint }: TlogProof): string {
  return [MAGIC, `index ${index}`, ...path, "", checkpoint].join("\n");
}

/** Reads a proof; `undefined` if it is none. What is extra in it is not signed, and is passed over. */
export function readProof(text: unknown): TlogProof | undefined {
  if (typeof text !== "string") return undefined;
  const end = text.indexOf("\n\n");
  if (end < 0) return undefined;
  const lines = text.slice(0, end).split("\n");
  if (lines.shift() !== MAGIC) return undefined;
  if (lines[0]?.startsWith("extra ") === true) lines.shift();
  const [, digits] = /^index (0|[1-9][0-9]{0,15})$/.exec(lines.shift() ?? "") ?? [];
  const index = digits === undefined ? NaN : Number(digits);
  if (!Number.isSafeInteger(index) || lines.length > MOST_HASHES) return undefined;
  if (!lines.every(isHash)) return undefined;
  return { index, path: lines, checkpoint: text.slice(end + 2) };
}
