import { type Checkpoint, readCheckpoint } from "./checkpoint.ts";
import { areHashes, type Hash } from "./hash.ts";
import { isRecord } from "./read.ts";
import { jsonString } from "./text.ts";
import { stackLength } from "./tree.ts";

/** The two kinds of lines that are no entries. Which kind a line is, its first key tells. */

/** The version of the format. */
const VERSION = 1;

/** Begins a file. */
export interface Header {
  readonly origin: string;
  /** How many entries come before. */
  readonly from: number;
  /** The last checkpoint before; there is one unless there are no entries. */
  readonly checkpoint: string | undefined;
  /** The tree's frontier. */
  readonly stack: readonly Hash[];
}

/** Ends a batch. */
export interface Seal {
  /** How many entries come before the batch. */
  readonly from: number;
  /** The tree's frontier before the batch. */
  readonly before: readonly Hash[];
  /** The batch's leaves. */
  readonly leaves: readonly Hash[];
  /** The tree's frontier after the batch. */
  readonly stack: readonly Hash[];
  readonly checkpoint: Checkpoint;
  /** The checkpoint as it stands there. */
  readonly text: string;
}

/** Writes a header, without its line end. */
export function headerLine({ origin, from, checkpoint, stack }: Header): string {
  const before = checkpoint === undefined ? "" : `"checkpoint":${jsonString(checkpoint)},`;
  return `{${before}"from":${from},"origin":${jsonString(origin)},"sallyport":${VERSION},"stack":${listOf(stack)}}`;
}

/** Writes what ends a batch, without its line end. */
export function sealLine(
  from: number,
  before: readonly Hash[],
  leaves: readonly Hash[],
  stack: readonly Hash[],
  checkpoint: string,
): string {
  return `{"before":${listOf(before)},"checkpoint":${jsonString(checkpoint)},"from":${from},"leaves":${
    listOf(leaves)
  },"stack":${listOf(stack)}}`;
}

/** Writes hashes, which hold nothing that is to be escaped. */
function listOf(hashes: readonly Hash[]): string {
  return hashes.length === 0 ? "[]" : `["${hashes.join('","')}"]`;
}

/** Whether a line is, or was, a header. */
export function looksLikeHeader(line: string): boolean {
  return line.startsWith('{"from":') || line.startsWith('{"checkpoint":');
}

/** Whether a line ends, or ended, a batch. */
export function looksLikeSeal(line: string): boolean {
  return line.startsWith('{"before":');
}

/** Reads a header; `undefined` unless it is the one text that {@linkcode headerLine} writes. */
export function readHeader(line: string): Header | undefined {
  const value = parsed(line);
  if (value === undefined) return undefined;
  const { origin, from, checkpoint, stack } = value;
  if (typeof origin !== "string" || !isPlace(from) || !areHashes(stack)) return undefined;
  if (stack.length !== stackLength(from) || (checkpoint !== undefined) !== (from > 0)) return undefined;
  if (checkpoint !== undefined && typeof checkpoint !== "string") return undefined;
  const header: Header = { origin, from, checkpoint, stack };
  return headerLine(header) === line ? header : undefined;
}

/** Reads what ends a batch; `undefined` unless it is the one text that {@linkcode sealLine} writes. */
export function readSeal(line: string): Seal | undefined {
  const value = parsed(line);
  if (value === undefined) return undefined;
  const { from, before, leaves, stack, checkpoint: text } = value;
  if (!isPlace(from) || !areHashes(before) || !areHashes(leaves) || !areHashes(stack)) return undefined;
  const checkpoint = readCheckpoint(text);
  if (checkpoint === undefined || leaves.length === 0 || before.length !== stackLength(from)) return undefined;
  if (checkpoint.size !== from + leaves.length || stack.length !== stackLength(checkpoint.size)) return undefined;
  if (sealLine(from, before, leaves, stack, text as string) !== line) return undefined;
  return { from, before, leaves, stack, checkpoint, text: text as string };
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isPlace(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
