import { type Hash, isHash } from "./hash.ts";
import { type Note, readNote } from "./note.ts";

/** A checkpoint of a log (c2sp.org/tlog-checkpoint) that was read, and nothing of it believed. */
export interface Checkpoint {
  readonly origin: string;
  readonly size: number;
  readonly root: Hash;
  readonly note: Note;
}

/** What is signed: the log's name, how many entries, the tree's hash. */
export function checkpointText(origin: string, size: number, root: Hash): string {
  return `${origin}\n${size}\n${root}\n`;
}

/** Reads a checkpoint; `undefined` if it is none. Further lines of its text are let through, as the format says. */
export function readCheckpoint(text: unknown): Checkpoint | undefined {
  const note = readNote(text);
  if (note === undefined) return undefined;
  const [origin = "", count = "", root, ...more] = note.text.split("\n");
  const size = /^(?:0|[1-9][0-9]{0,15})$/.test(count) ? Number(count) : NaN;
  // The text ends in a line end, so that an empty part comes last; no line before it may be empty.
  if (origin === "" || !Number.isSafeInteger(size) || !isHash(root)) return undefined;
  if (more.pop() !== "" || more.includes("")) return undefined;
  return { origin, size, root, note };
}
