// The tamper-evident log: lines, tree, checkpoints, proofs, and verifying them.

import { wrongType } from "../base/check.ts";
import { ownField } from "../base/own.ts";
import type { PluginHost } from "../kernel/seam.ts";
import type { AuditRecord, AuditSink, DecisionRecord } from "../kernel/records.ts";
import { contentText } from "./content.ts";
import type { Body } from "./entry.ts";
import { closedSession, listen } from "./events.ts";
import { settingsOf } from "./options.ts";
import { Queue } from "./queue.ts";
import { isRecord } from "./read.ts";
import { targetOf } from "./target.ts";
import { jsonData } from "./text.ts";
import type { AuditLog, AuditLogOptions, AuditStats, AuditTo } from "./types.ts";

/** How many characters of data a note may have. */
const MAX_NOTE = 1 << 16;

/**
 * Makes a tamper-evident log of everything that a kernel decides: hand it to kernels as a plugin.
 *
 * Every decision and outcome, approval, signal, change of trust and session becomes a line of JSON. Lines are leaves of
 * a Merkle tree (RFC 6962), and after each batch comes a signed checkpoint of it (C2SP tlog-checkpoint). An edit, a
 * removal, an insertion or a move is found, with its place, by {@linkcode verifyAuditLog}.
 *
 * No payload is kept, and of reasons those alone that built-in guards gave. An id or name that is not at most 128
 * printable ASCII characters, or that looks like a credential, is written as its digest.
 *
 * Calls do not wait for the log, unless `durable` says so. When it cannot be written, calls are denied with
 * `audit_unavailable` until it can be again, and nothing is lost; under `onFailure: "go-on"` what is lost is counted.
 * A crash loses what was not stored yet: at most a batch in time, and `maxQueued` entries.
 *
 * @throws {TypeError} If an option is not of its type, or `resume` is no log or one that was closed.
 * @throws {RangeError} If a number is out of range.
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import { createAuditKey, createAuditLog, memorySink, verifyAuditLog } from "@sallyport/sallyport/audit";
 * import assert from "node:assert/strict";
 *
 * const key = await createAuditKey("example.com/audit");
 * const memory = memorySink();
 * const log = createAuditLog({ signers: key, to: memory });
 * const kernel = createKernel({ policy: { allowedTools: ["search"] }, plugins: [log] });
 *
 * const session = kernel.session({ agentId: "helper" });
 * await session.tool({ name: "search", arguments: { q: "ports" } }, () => "found");
 * await assert.rejects(session.tool({ name: "shell", arguments: {} }, () => "never"));
 * await log.close();
 *
 * assert.equal((await verifyAuditLog(memory.text(), { keys: [key.vkey] })).ok, true);
 * const forged = memory.text().replace('"effect":"deny"', '"effect":"allow"');
 * const { findings } = await verifyAuditLog(forged, { keys: [key.vkey] });
 * assert.equal(findings[0]?.kind, "changed");
 * ```
 */
export function createAuditLog(options: AuditLogOptions = {}): AuditLog {
  const settings = settingsOf(options);
  const { origin, goesOn, start } = settings;
  const queue = new Queue(settings);
  let hasBegun = false;

  // The kernel's clock, once there is a kernel: entries of two clocks would seem to go back in time.
  let now = settings.clock ?? Date.now;

  const begin = (timestamp: number): void => {
    if (hasBegun) return;
    hasBegun = true;
    queue.addOwn(
      start === undefined ? { kind: "log", event: "opened" } : { kind: "log", event: "resumed", count: start.unsealed },
      timestamp,
    );
  };
  const add = (body: Body, timestamp: number, content?: string): boolean => {
    begin(timestamp);
    return queue.add(body, timestamp, content);
  };

  const write = (record: AuditRecord): void => {
    const content = settings.evidence === undefined ? undefined : contentOf(record);
    const failure = goesOn ? undefined : queue.failure;
    if (failure !== undefined) queue.retry();
    // What happened already is kept; what would begin while nothing can be stored is denied, and recorded as that.
    const isDenied = failure !== undefined && record.kind === "decision" && record.effect !== "deny" && !record.shadow;
    if (!add(isDenied ? denied(record) : record, record.timestamp, content) && !goesOn) throw refused(queue);
    if (record.stage === "agent_shutdown") add(closedSession(record), record.timestamp);
    if (isDenied) throw new Error("The audit log could not be written", { cause: failure.error });
  };
  const stored = async (): Promise<void> => {
    if (await queue.store() || goesOn) return;
    throw new Error("The audit log could not be written", { cause: queue.failure?.error });
  };
  const sink: AuditSink = {
    name: NAME,
    write,
    ...(settings.evidence === undefined ? {} : { payloads: true }),
    ...(settings.durable === undefined ? {} : { durable: settings.durable, stored }),
  };
  const flush = async (): Promise<string | undefined> => await queue.store() ? queue.checkpoint : undefined;

  return Object.freeze({
    name: NAME,
    origin,
    get size(): number {
      return queue.size;
    },
    get stats(): AuditStats {
      return queue.stats;
    },
    setup(host: PluginHost): () => Promise<void> {
      now = settings.clock ?? host.clock;
      host.sink(sink);
      const end = listen(host, (body, timestamp) => void add(body, timestamp));
      return async () => {
        end();
        await flush();
      };
    },
    note(type: string, data: Readonly<Record<string, unknown>> = {}): void {
      if (typeof type !== "string" || type === "") {
        throw wrongType("note()", "type", "a string that is not empty", type);
      }
      if (!isRecord(data)) throw wrongType("note()", "data", "an object", data);
      const body: Body = { kind: "note", type, json: jsonData(data, MAX_NOTE) };
      if (!add(body, timeOf(now)) && !goesOn) throw refused(queue);
    },
    flush,
    async rotate(to: AuditTo): Promise<void> {
      if (!queue.isOpen) throw new Error("The audit log was closed");
      const target = targetOf("rotate()", to);
      begin(timeOf(now));
      await queue.moveTo(target, () => timeOf(now));
    },
    async close(): Promise<string | undefined> {
      if (queue.isOpen) {
        begin(timeOf(now));
        queue.end(timeOf(now));
      }
      return await queue.close() ? queue.checkpoint : undefined;
    },
  });
}

const NAME = "auditLog";

function refused(queue: Queue): Error {
  return new Error(queue.isOpen ? "The audit log takes no more: too many entries wait" : "The audit log was closed");
}

/** The record of a call that may not begin, because that could not be recorded. */
function denied(record: DecisionRecord): DecisionRecord {
  const { timestamp, agentKey, sessionId, stage, name, callId, policy } = record;
  const code = "audit_unavailable";
  return {
    kind: "decision",
    timestamp,
    agentKey,
    sessionId,
    stage,
    name,
    callId,
    policy,
    effect: "deny",
    code,
    shadow: false,
  };
}

function contentOf(record: AuditRecord): string | undefined {
  const payload = ownField(record, "payload");
  return payload === undefined ? undefined : contentText(payload);
}

function timeOf(clock: () => number): number {
  try {
    return clock();
  } catch {
    return NaN;
  }
}
