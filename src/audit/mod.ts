/**
 * The record: a tamper-evident log of what kernels decide, that other tools can verify too.
 *
 * @module
 */

export { createAuditKey } from "./key.ts";
export { createAuditLog } from "./log.ts";
export { memorySink } from "./memory-sink.ts";
export { type InclusionVerification, proveInclusion, verifyInclusion } from "./prove.ts";
export type { ByteSink, ByteSource } from "./streams.ts";
export type {
  AuditChunk,
  AuditEntry,
  AuditEntryBody,
  AuditFinding,
  AuditKey,
  AuditLog,
  AuditLogOptions,
  AuditSource,
  AuditStats,
  AuditTarget,
  AuditTo,
  AuditVerification,
  VerifyAuditLogOptions,
} from "./types.ts";
export { verifyAuditLog } from "./verify.ts";
