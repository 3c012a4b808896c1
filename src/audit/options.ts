import { functionOf, ownOptions, wholeNumber, wrong, wrongType } from "../base/check.ts";
import { memberOf, pickOwn } from "../base/own.ts";
import type { CryptoKeyLike } from "../base/platform.ts";
import { randomText } from "../crypto/bytes.ts";
import { type Evidence, hmacEvidence, saltedEvidence } from "./evidence.ts";
import type { Reasons } from "./entry.ts";
import { isKeyName } from "./note.ts";
import { memorySink } from "./memory-sink.ts";
import { type Start, startOf } from "./resume.ts";
import { type Target, targetOf } from "./target.ts";
import { EMPTY } from "./tree.ts";
import type { AuditKey, AuditLogOptions, AuditTarget } from "./types.ts";

const WHERE = "createAuditLog()";
const KNOWN = [
  "origin",
  "signers",
  "to",
  "batch",
  "durable",
  "onFailure",
  "maxQueued",
  "timeoutMs",
  "reasons",
  "contents",
  "onCheckpoint",
  "clock",
  "resume",
] as const;

/** A batch holds no more: its checkpoint lists the hashes of all. */
const MAX_BATCH = 10_000;
const MAX_MS = 2 ** 31 - 1;

/** The options, checked, with what is absent filled in. */
export interface Settings {
  readonly origin: string;
  readonly signers: readonly AuditKey[];
  readonly target: Target;
  readonly size: number;
  readonly ms: number;
  readonly durable: "act" | "result" | undefined;
  readonly goesOn: boolean;
  readonly maxQueued: number;
  readonly timeoutMs: number;
  readonly reasons: Reasons;
  readonly evidence: Evidence | undefined;
  readonly onCheckpoint: ((checkpoint: string) => void) | undefined;
  readonly clock: (() => number) | undefined;
  /** Where the log goes on; `undefined` for a new one. */
  readonly start: Start | undefined;
}

/** Checks the options of a log. */
export function settingsOf(given: AuditLogOptions): Settings {
  const options = ownOptions(WHERE, given, KNOWN);
  const batch = options.batch === undefined ? {} : ownOptions(`${WHERE}: batch`, options.batch, ["size", "ms"]);
  const start = startFrom(options.resume);
  return {
    origin: originOf(options.origin, start),
    signers: signersOf(options.signers),
    size: wholeNumber(WHERE, "batch.size", batch.size ?? 1000, 1, MAX_BATCH),
    ms: wholeNumber(WHERE, "batch.ms", batch.ms ?? 250, 0, MAX_MS),
    durable: oneOf("durable", options.durable, ["act", "result"]),
    goesOn: oneOf("onFailure", options.onFailure, ["deny", "go-on"]) === "go-on",
    maxQueued: wholeNumber(WHERE, "maxQueued", options.maxQueued ?? 100_000, 1),
    timeoutMs: wholeNumber(WHERE, "timeoutMs", options.timeoutMs ?? 10_000, 1, MAX_MS),
    reasons: oneOf("reasons", options.reasons, ["ours", "all", "none"]) ?? "ours",
    evidence: evidenceOf(options.contents),
    onCheckpoint: options.onCheckpoint === undefined
      ? undefined
      : functionOf(WHERE, "onCheckpoint", options.onCheckpoint),
    clock: options.clock === undefined ? undefined : functionOf(WHERE, "clock", options.clock),
    start,
    // Last, since it takes hold of a stream.
    target: targetOf(WHERE, options.to ?? memorySink()),
  };
}

function startFrom(resume: unknown): Start | undefined {
  if (resume === undefined || resume === "") return undefined;
  if (typeof resume !== "string") throw wrongType(WHERE, "resume", "the text of a log", resume);
  return startOf(resume);
}

function originOf(origin: unknown, start: Start | undefined): string {
  if (origin === undefined) return start?.origin ?? `sallyport/${randomText(16)}`;
  // A key's name and a log's follow the same rule, so that one can be the other's.
  if (!isKeyName(origin)) {
    throw wrongType(
      WHERE,
      "origin",
      "1 to 256 characters without white space, control characters and +",
      origin,
    );
  }
  if (start !== undefined && start.origin !== origin) {
    throw wrongType(WHERE, "origin", "that of the log in resume, where both are given", origin);
  }
  return origin;
}

function signersOf(signers: unknown): readonly AuditKey[] {
  if (signers === undefined) return [];
  const list: readonly unknown[] = Array.isArray(signers) ? Array.from(signers) : [signers];
  return list.map((signer, at) => {
    const { name, vkey, privateKey } = pickOwn(signer as AuditKey, ["name", "vkey", "privateKey"]);
    const isKey = isKeyName(name) && typeof vkey === "string" && vkey.startsWith(`${name}+`) &&
      privateKey?.type === "private" && privateKey.algorithm.name === "Ed25519" && privateKey.usages.includes("sign");
    if (!isKey) throw wrongType(WHERE, `signers[${at}]`, "a key of createAuditKey()", signer);
    return { name, vkey, privateKey };
  });
}

function oneOf<T extends string>(field: string, value: unknown, allowed: readonly T[]): T | undefined {
  if (value === undefined) return undefined;
  if (allowed.includes(value as T)) return value as T;
  throw wrong(WHERE, field, `one of ${allowed.join(", ")}`, value);
}

function evidenceOf(contents: unknown): Evidence | undefined {
  if (contents === undefined) return undefined;
  const { key, to } = pickOwn(contents as { key?: CryptoKeyLike; to?: AuditTarget }, ["key", "to"]);
  if (key !== undefined && to === undefined) {
    if (key?.type === "secret" && key.algorithm.name === "HMAC" && key.usages.includes("sign")) {
      return hmacEvidence(key);
    }
    throw wrongType(WHERE, "contents.key", "an HMAC key that signs", key);
  }
  if (to !== undefined && key === undefined) {
    if (typeof memberOf(to, "write") === "function") return saltedEvidence(to);
    throw wrongType(WHERE, "contents.to", "a target with write()", to);
  }
  throw wrongType(WHERE, "contents", "{ key } or { to }", contents);
}

/** Where a log begins that does not go on from another. */
export const BEGINNING: { readonly tree: typeof EMPTY; readonly checkpoint: undefined } = {
  tree: EMPTY,
  checkpoint: undefined,
};
