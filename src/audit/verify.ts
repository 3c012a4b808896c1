import { functionOf, ownOptions, wholeNumber, wrongType } from "../base/check.ts";
import { createHasher } from "./hash.ts";
import { Findings } from "./findings.ts";
import { Kept } from "./kept.ts";
import { looksLikeHeader, looksLikeSeal } from "./line.ts";
import { readVkeys } from "./note.ts";
import { type Line, linesOf } from "./read.ts";
import type { AuditSource, AuditVerification, VerifyAuditLogOptions } from "./types.ts";
import { Walk } from "./walk.ts";

const WHERE = "verifyAuditLog()";
/** How many lines lie between two reports of progress. */
const PROGRESS = 10_000;
const KNOWN = ["keys", "origin", "checkpoints", "open", "part", "maxFindings", "onProgress"] as const;

/**
 * Verifies a log and names what was done to it: every edit, removal, insertion and move, forged and missing checkpoints,
 * each with its place, and a log that was not closed.
 *
 * Reads line by line, in memory that does not grow with the log. Without `keys` it only sees whether the file is
 * consistent with itself, which whoever rewrites it can bring about. What the file alone cannot show: a log that still
 * runs (`open`) and was cut at a checkpoint, another genuine log of the same key where no `origin` is given, and what
 * the holder of the key rewrote. A checkpoint that was kept elsewhere shows all three, for what came before it.
 *
 * @throws {TypeError} Rejects if an option is not of its type, a key or a kept checkpoint is none, or the log is neither
 *   text nor a stream of it.
 * @example Usage
 * ```ts
 * import { createAuditKey, createAuditLog, memorySink, verifyAuditLog } from "@sallyport/sallyport/audit";
 * import assert from "node:assert/strict";
 *
 * const key = await createAuditKey("example.com/audit");
 * const memory = memorySink();
 * const log = createAuditLog({ signers: key, to: memory });
 * for (const version of ["1", "2", "3"]) log.note("policy.changed", { version });
 * await log.close();
 *
 * const lines = memory.text().split("\n");
 * lines.splice(3, 1); // the second note
 * const { ok, findings } = await verifyAuditLog(lines.join("\n"), { keys: [key.vkey] });
 * assert.equal(ok, false);
 * assert.deepEqual(findings.map(({ kind, seq }) => [kind, seq]), [["missing", 2]]);
 * ```
 */
export async function verifyAuditLog(
  log: AuditSource,
  options: VerifyAuditLogOptions = {},
): Promise<AuditVerification> {
  const { keys: given, origin, checkpoints, open, part, maxFindings, onProgress } = ownOptions(WHERE, options, KNOWN);
  if (origin !== undefined && typeof origin !== "string") throw wrongType(WHERE, "origin", "a string", origin);
  for (const [name, value] of [["open", open], ["part", part]] as const) {
    if (value !== undefined && typeof value !== "boolean") throw wrongType(WHERE, name, "true or false", value);
  }
  if (onProgress !== undefined) functionOf(WHERE, "onProgress", onProgress);
  const findings = new Findings(wholeNumber(WHERE, "maxFindings", maxFindings ?? 100, 0));
  const keys = given === undefined ? undefined : await readVkeys(WHERE, given);
  const hasher = createHasher();
  const kept = await Kept.from(WHERE, checkpoints ?? [], keys, findings, hasher);
  const walk = new Walk({ keys, origin, part: part === true, open: open === true, findings, kept, hasher });

  let count = 0;
  for await (const lines of linesOf(WHERE, log)) {
    const entries = lines.filter(isEntry);
    const hashes = await hasher.leaves(entries.map(({ text }) => text));
    let at = 0;
    for (const line of lines) {
      if (looksLikeSeal(line.text)) await walk.seal(line);
      else if (looksLikeHeader(line.text)) await walk.header(line);
      else walk.entry(line, hashes[at++] as string);
      if (++count % PROGRESS === 0) onProgress?.(count);
    }
  }
  await walk.end();
  if (count % PROGRESS !== 0) onProgress?.(count);
  return walk.result;
}

function isEntry({ text }: Line): boolean {
  return !looksLikeSeal(text) && !looksLikeHeader(text);
}
