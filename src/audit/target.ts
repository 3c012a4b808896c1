import { memberOf } from "../base/own.ts";
import { wrongType } from "../base/check.ts";
import { utf8 } from "../crypto/bytes.ts";
import type { ByteSink } from "./streams.ts";
import type { AuditChunk, AuditTarget, AuditTo } from "./types.ts";

/** Whatever a log is written to, in one form. */
export interface Target {
  /** Stores a batch. */
  write(chunk: AuditChunk): unknown;
  /** Says that no more will come. */
  close(): Promise<void>;
}

/** Reads the option `to`. */
export function targetOf(where: string, to: AuditTo): Target {
  if (typeof to === "function") return { write: (chunk) => to(chunk), close: nothing };
  const [getWriter, write] = [
    memberOf(to as ByteSink, "getWriter"),
    memberOf(to as AuditTarget, "write"),
  ];
  if (typeof getWriter === "function") return streamTarget(to as ByteSink);
  if (typeof write === "function") {
    return { write: (chunk) => (to as AuditTarget).write(chunk.text, chunk), close: nothing };
  }
  throw wrongType(where, "to", "a target with write(), a WritableStream or a function", to);
}

async function nothing(): Promise<void> {}

/** A stream tells by `ready` when it takes more, and by the promise of a write when that is stored. */
function streamTarget(stream: ByteSink): Target {
  const writer = stream.getWriter();
  // Told by every write too: here it would be a rejection that nobody handles.
  writer.closed.catch(() => undefined);
  return {
    async write(chunk): Promise<void> {
      writer.ready.catch(() => undefined);
      await writer.ready;
      await writer.write(utf8(chunk.text));
    },
    close: async () => void (await writer.close()),
  };
}
