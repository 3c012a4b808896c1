import type { Bytes } from "../base/platform.ts";

/** What is asked of a stream that is written to: every `WritableStream<Uint8Array>` has it. */
export interface ByteSink {
  /** Takes hold of the stream. */
  getWriter(): {
    /** Settles once the stream takes more. */
    readonly ready: Promise<unknown>;
    /** Rejects when the stream breaks. */
    readonly closed: Promise<unknown>;
    /** Settles once the bytes are written. */
    write(bytes: Bytes): Promise<unknown>;
    /** Ends the stream. */
    close(): Promise<unknown>;
  };
}

/** What is asked of a stream that is read: every `ReadableStream<Uint8Array>` has it. */
export interface ByteSource {
  /** Takes hold of the stream. */
  getReader(): {
    /** The next bytes. */
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
    /** Ends reading. */
    cancel(): Promise<unknown>;
    /** Lets go of the stream. */
    releaseLock(): void;
  };
}
