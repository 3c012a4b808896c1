import type { ByteSource } from "./streams.ts";
import type { AuditSource } from "./types.ts";
import { wrongType } from "../base/check.ts";
import { bare } from "../base/own.ts";

/** Whether a value is an object that is no list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A line of a log. */
export interface Line {
  /** Without its end; cut where it is longer than any line of a log. */
  readonly text: string;
  /** From 1. */
  readonly number: number;
  /** The text ended before the line did. */
  readonly isTorn: boolean;
}

/** No line of a log is longer: what is, is kept only so far. */
const MAX_LINE = 4 * 1024 * 1024;

/** Reads a log line by line, however it is cut into pieces; memory is a line and a piece. */
export async function* linesOf(where: string, source: AuditSource): AsyncGenerator<readonly Line[], void, void> {
  let rest = "";
  let number = 0;
  for await (const piece of piecesOf(where, source)) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = piece.indexOf("\n"); end !== -1; end = piece.indexOf("\n", start)) {
      const text = rest + piece.slice(start, end);
      rest = "";
      lines.push({ text: text.length > MAX_LINE ? text.slice(0, MAX_LINE) : text, number: ++number, isTorn: false });
      start = end + 1;
    }
    const tail = piece.slice(start);
    // One more than is kept, so that a line that is too long is never taken for one that is not.
    if (rest.length <= MAX_LINE) rest = (rest + tail).slice(0, MAX_LINE + 1);
    if (lines.length > 0) yield lines;
  }
  if (rest !== "") yield [{ text: rest, number: number + 1, isTorn: true }];
}

/** How much of a text is looked at in one go. */
const PIECE = 1 << 18;

async function* piecesOf(where: string, source: AuditSource): AsyncGenerator<string, void, void> {
  if (typeof source === "string") {
    for (let at = 0; at < source.length; at += PIECE) yield source.slice(at, at + PIECE);
    return;
  }
  // A byte order mark is no part of a log, so it is not passed over; bytes that are no UTF-8 are no part of one either.
  const decoder = new TextDecoder("utf-8", bare({ ignoreBOM: true }));
  for await (const piece of chunksOf(where, source)) {
    if (typeof piece === "string") yield piece;
    else if (piece instanceof Uint8Array) yield decoder.decode(piece, bare({ stream: true }));
    else throw wrongType(where, "log", "a stream of bytes or text", piece);
  }
  yield decoder.decode();
}

async function* chunksOf(
  where: string,
  source: Exclude<AuditSource, string>,
): AsyncGenerator<Uint8Array | string, void, void> {
  if (typeof source !== "object" || source === null) throw wrongType(where, "log", "a text or a stream", source);
  if (Symbol.asyncIterator in source) {
    yield* source as AsyncIterable<Uint8Array | string>;
    return;
  }
  if (typeof (source as ByteSource).getReader !== "function") {
    throw wrongType(where, "log", "a text or a stream", source);
  }
  const reader = (source as ByteSource).getReader();
  let isDone = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value === undefined) break;
      yield value;
    }
    isDone = true;
  } finally {
    if (!isDone) await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  }
}
