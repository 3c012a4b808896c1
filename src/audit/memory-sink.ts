import { ownOptions, wholeNumber } from "../base/check.ts";
import { looksLikeHeader, looksLikeSeal } from "./line.ts";
import type { AuditChunk, AuditEntry, AuditTarget } from "./types.ts";

/** A batch, as the lines that are left of it. */
interface Kept {
  /** Whole lines, the last of which is the checkpoint. */
  text: string;
  entries: number;
}

/**
 * Keeps a log in memory: its last `maxEntries` entries (10 000), with the checkpoints that prove them.
 *
 * Older entries leave from the front; verifying {@linkcode text} names those that left as missing, and proves the rest.
 * What is handed out is a copy.
 *
 * @throws {RangeError} If `maxEntries` is not a whole number of at least 1.
 * @example Usage
 * ```ts
 * import { createAuditLog, memorySink } from "@sallyport/sallyport/audit";
 * import assert from "node:assert/strict";
 *
 * const memory = memorySink({ maxEntries: 1000 });
 * const log = createAuditLog({ to: memory });
 * log.note("policy.changed", { version: "2" });
 * await log.close();
 * assert.deepEqual(memory.entries().map(({ kind }) => kind), ["log", "note", "log"]);
 * ```
 */
export function memorySink(
  options: { maxEntries?: number } = {},
): AuditTarget & { text(): string; entries(): readonly AuditEntry[] } {
  const { maxEntries: most = 10_000 } = ownOptions("memorySink()", options, ["maxEntries"]);
  const maxEntries = wholeNumber("memorySink()", "maxEntries", most, 1);
  const batches: Kept[] = [];
  let first = 0; // the first batch that is left: removing from the front of an array would move all others
  let header = "";
  let count = 0;

  const write = (text: string, chunk?: AuditChunk): void => {
    const body = takeHeader(text);
    const entries = chunk?.entries ?? countLines(body) - 1;
    batches.push({ text: body, entries });
    count += entries;
    for (let excess = count - maxEntries; excess > 0; excess = count - maxEntries) drop(excess);
  };
  /** The first header is kept, so that verifying starts at the beginning; that of a log that goes on stays in place. */
  const takeHeader = (text: string): string => {
    if (header !== "" || !looksLikeHeader(text)) return text;
    const end = text.indexOf("\n") + 1;
    header = text.slice(0, end);
    return text.slice(end);
  };
  const drop = (excess: number): void => {
    const oldest = batches[first] as Kept;
    if (oldest.entries <= excess) {
      count -= oldest.entries;
      batches[first++] = { text: "", entries: 0 };
      if (first > 1024 && first * 2 > batches.length) {
        batches.splice(0, first);
        first = 0;
      }
      return;
    }
    let at = 0;
    for (let left = excess; left > 0; left--) at = oldest.text.indexOf("\n", at) + 1;
    oldest.text = oldest.text.slice(at);
    oldest.entries -= excess;
    count -= excess;
  };
  const text = (): string => header + batches.slice(first).map((batch) => batch.text).join("");
  return {
    write,
    text,
    entries: () =>
      text().split("\n").filter((line) => line !== "" && !looksLikeHeader(line) && !looksLikeSeal(line))
        .map((line) => JSON.parse(line) as AuditEntry),
  };
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
