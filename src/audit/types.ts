import type { CryptoKeyLike } from "../base/platform.ts";
import type { DecisionRecord, OutcomeRecord, RecordBase } from "../kernel/records.ts";
import type { Plugin } from "../kernel/plugin.ts";
import type { ByteSink, ByteSource } from "./streams.ts";

/** Signs checkpoints. */
export interface AuditKey {
  /** The key's name, which stands in the signature line. */
  readonly name: string;
  /** What verifies its signatures, as C2SP signed notes write it: `name+keyid+base64`. Public. */
  readonly vkey: string;
  /** An Ed25519 key. */
  readonly privateKey: CryptoKeyLike;
}

/** A sealed batch: whole lines, of which the last is the checkpoint. */
export interface AuditChunk {
  /** The lines, each with its line end. */
  readonly text: string;
  /** How many entries are in it. */
  readonly entries: number;
  /** The first entry's place in the log, from 0. */
  readonly from: number;
  /** The signed checkpoint that closes it. */
  readonly checkpoint: string;
}

/** Where a log is written to. A write that rejects has stored nothing, or all of it. */
export interface AuditTarget {
  /** Stores a batch; the next one waits for the answer. */
  write(text: string, chunk: AuditChunk): void | Promise<void>;
}

/**
 * A target, a `WritableStream` of bytes (the log closes it), or a function.
 *
 * Stored is what the target says is stored. Node's `Writable.toWeb` says so before the bytes are in the file; where that
 * matters, hand in a function that awaits `appendFile(path, text, { flush: true })`.
 */
export type AuditTo = AuditTarget | ByteSink | ((chunk: AuditChunk) => void | Promise<void>);

/** Options of {@linkcode createAuditLog}. */
export interface AuditLogOptions {
  /** Names the log in its checkpoints; random if absent. One log has one writer: two processes have two origins. */
  origin?: string;
  /** Who signs the checkpoints. Without any, whoever can write the file can write another one. */
  signers?: AuditKey | readonly AuditKey[];
  /** Where the log goes; by default a {@linkcode memorySink} of its own. */
  to?: AuditTo;
  /** A batch is sealed at `size` entries (1000), or `ms` milliseconds after its first (250). */
  batch?: { size?: number; ms?: number };
  /** `act`: an act begins only once its decision is stored; `result`: its result goes on once both records are. */
  durable?: "act" | "result";
  /** What a failed write does: `deny` calls until one succeeds, or `go-on` and count what was lost. Default `deny`. */
  onFailure?: "deny" | "go-on";
  /** How many entries may wait to be stored, 100 000; further ones are refused. */
  maxQueued?: number;
  /** How long a write may take, in ms, before it counts as failed; 10 000. */
  timeoutMs?: number;
  /** Which reasons are kept: `ours` (default) are those of built-in guards, which hold no value. */
  reasons?: "ours" | "all" | "none";
  /** Keeps evidence of payloads: an HMAC under a key, or a salted digest with the content in another target. */
  contents?: { key: CryptoKeyLike } | { to: AuditTarget };
  /** Is shown each checkpoint once it is stored: keep the latest elsewhere. */
  onCheckpoint?: (checkpoint: string) => void;
  /** The time of entries that have none of their own, in ms since the epoch; by default the kernel's. */
  clock?: () => number;
  /** What is in the file already, or its end: the log goes on from its last checkpoint. Empty: a new log. */
  resume?: string;
}

/** How many entries were handed in, and what became of them. Those that wait are the difference. */
export interface AuditStats {
  /** Handed in. */
  readonly submitted: number;
  /** Stored by the target. */
  readonly delivered: number;
  /** In a write that failed, under `go-on`. */
  readonly failed: number;
  /** Refused, because too many waited or the log was closed. */
  readonly dropped: number;
}

/** A tamper-evident log; a plugin of one or more kernels. */
export interface AuditLog extends Plugin {
  /** Names the log in its checkpoints. */
  readonly origin: string;
  /** How many entries the log has, stored or not. */
  readonly size: number;
  /** What became of them. */
  readonly stats: AuditStats;
  /**
   * Records what happens outside a kernel: an identity, a delegation, another policy.
   *
   * @throws {TypeError} If the data is not plain JSON data, has more than 64 Ki characters or 32 levels.
   * @throws {Error} If the log takes no more.
   */
  note(type: string, data?: Readonly<Record<string, unknown>>): void;
  /** Seals and stores what waits; answers the checkpoint, or `undefined` if not all of it could be stored. */
  flush(): Promise<string | undefined>;
  /**
   * Goes on in another target: what waits is stored in the old one first, if it still can be. Rejects if the old one
   * cannot be closed; the log goes on in the new one all the same.
   */
  rotate(to: AuditTo): Promise<void>;
  /** Ends the log and closes its stream; answers the last checkpoint, or `undefined` if not all could be stored. */
  close(): Promise<string | undefined>;
}

/** What an entry of each kind says. */
export type AuditEntryBody =
  | (Omit<DecisionRecord, "timestamp" | "payload"> & {
    readonly input?: string;
  })
  | (Omit<OutcomeRecord, "timestamp" | "payload"> & {
    readonly output?: string;
  })
  | (Omit<RecordBase, "timestamp" | "policy"> & {
    readonly kind: "approval";
    readonly event: "requested" | "resolved";
    readonly id: string;
    readonly digest: string;
    readonly codes?: readonly string[];
    readonly approved?: boolean;
    readonly by?: string;
    readonly grants?: readonly string[];
  })
  | { readonly kind: "signal"; readonly signal: "suspend" | "resume" | "kill"; readonly agent: string }
  | { readonly kind: "trust"; readonly agent: string; readonly outcome: string; readonly score: number }
  | {
    readonly kind: "session";
    readonly event: "opened" | "closed";
    readonly sessionId: string;
    readonly agentKey: string;
    readonly parentId?: string;
    readonly policyDigest?: string;
  }
  | { readonly kind: "note"; readonly type: string; readonly data: Readonly<Record<string, unknown>> }
  | {
    readonly kind: "log";
    readonly event: "opened" | "resumed" | "rotated" | "dropped" | "closed";
    readonly count?: number;
  };

/** A line of a log, as it is read back. */
export type AuditEntry = { readonly seq: number; readonly timestamp: number | null } & AuditEntryBody;

/** A log: its text, or what streams it, such as a `ReadableStream` of bytes. */
export type AuditSource = string | AsyncIterable<Uint8Array | string> | ByteSource;

/** What is wrong with a log, and where. */
export interface AuditFinding {
  /**
   * What was done to it.
   *
   * - `changed`: entries that are not what was sealed;
   * - `missing`: entries, a header or a checkpoint that are gone, or that the log itself counts as lost;
   * - `inserted`: lines that the log never had there;
   * - `moved`: an entry in another place of its batch;
   * - `rebuilt`: entries or a whole log that a later or kept checkpoint disproves;
   * - `forked`: two histories of one log, both signed, or another log than was asked for;
   * - `truncated`: a kept checkpoint is of more entries than are there;
   * - `forged`: a checkpoint or header that is not the log's own;
   * - `unsealed`: lines without a checkpoint: a crash, or an addition;
   * - `torn`: a line that ends in the middle;
   * - `unreadable`: what is no entry of a log;
   * - `not_closed`: the log does not end with its own end.
   */
  readonly kind:
    | "changed"
    | "missing"
    | "inserted"
    | "moved"
    | "rebuilt"
    | "forked"
    | "truncated"
    | "forged"
    | "unsealed"
    | "torn"
    | "unreadable"
    | "not_closed";
  /** For people; holds nothing of the log. */
  readonly message: string;
  /** The entry's place in the log, from 0; the first of several. */
  readonly seq?: number;
  /** The last of several. */
  readonly to?: number;
  /** The line of the file, from 1. */
  readonly line?: number;
}

/** What verifying a log has shown. */
export interface AuditVerification {
  /** Nothing was found. Without `keys`, that says only that the file is consistent with itself. */
  readonly ok: boolean;
  /** How many entries the last checkpoint counts. */
  readonly size: number;
  /** How many of them are there, as they were sealed. */
  readonly entries: number;
  /** How many of them are gone. */
  readonly missing: number;
  /** How many lines have no checkpoint. */
  readonly unsealed: number;
  /** The log ends with its own end. */
  readonly closed: boolean;
  /** Every checkpoint is signed by one of `keys`. */
  readonly signed: boolean;
  /** How often an entry is older than the one before it: no finding, since order is by `seq`. */
  readonly clockSteps: number;
  /** The last checkpoint: keep it elsewhere, and hand it in next time. */
  readonly checkpoint?: string;
  /** What is wrong, in the order of the file; at most `maxFindings`. */
  readonly findings: readonly AuditFinding[];
  /** How many there are in all. */
  readonly findingCount: number;
}

/** Options of {@linkcode verifyAuditLog}. */
export interface VerifyAuditLogOptions {
  /** The `vkey` of whoever may sign. */
  keys?: readonly string[];
  /** Whose log this must be; else another genuine log of the same key passes. */
  origin?: string;
  /** Checkpoints that were kept elsewhere: this log must hold them. */
  checkpoints?: readonly string[];
  /** The log is still being written: it need not be closed. */
  open?: boolean;
  /** This is one file of a log that was rotated: it need neither begin at 0 nor be closed. */
  part?: boolean;
  /** How many findings are named, 100. */
  maxFindings?: number;
  /** Is told how many lines were read, now and then and at the end. */
  onProgress?: (lines: number) => void;
}
