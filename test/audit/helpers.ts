import { createAuditKey, createAuditLog, memorySink } from "sallyport/audit";
import type { AuditEntry, AuditKey, AuditLog, AuditLogOptions } from "sallyport/audit";
import type { AuditRecord, AuditSink, DecisionRecord, PluginHost } from "sallyport";

let made: Promise<AuditKey> | undefined;

/** One key for all tests of a file. */
export function theKey(): Promise<AuditKey> {
  return made ??= createAuditKey("example.com/audit");
}

/** What a sink gets for an ordinary call. */
export function decision(at: number, more: Partial<DecisionRecord> = {}): DecisionRecord {
  return {
    kind: "decision",
    timestamp: 1_000 + at,
    agentKey: "helper",
    sessionId: "s-1",
    stage: "pre_tool_call",
    name: "search",
    callId: `#${at}`,
    policy: "default@1.0.0",
    effect: "allow",
    shadow: false,
    ...more,
  };
}

/** A log with the sink that it gives to a kernel, and the memory that it is written to. */
export interface Opened {
  readonly log: AuditLog;
  readonly memory: ReturnType<typeof memorySink>;
  readonly key: AuditKey;
  readonly write: (record: AuditRecord) => void;
  readonly sink: AuditSink;
}

/** Opens a log without a kernel. */
export async function opened(options: AuditLogOptions = {}): Promise<Opened> {
  const key = await theKey();
  const memory = memorySink({ maxEntries: 1_000_000 });
  const log = createAuditLog({ signers: key, to: memory, origin: "example.com/log", clock: () => 5_000, ...options });
  const sink = sinkOf(log);
  return { log, memory, key, sink, write: (record) => sink.write(record) };
}

/** The sink that a log gives to a kernel. */
export function sinkOf(log: AuditLog): AuditSink {
  let sink: AuditSink | undefined;
  const host: Partial<PluginHost> = {
    clock: () => 5_000,
    sink: (one) => void (sink = one),
    on: () => () => undefined,
    opening: () => undefined,
  };
  log.setup?.(host as PluginHost);
  if (sink === undefined) throw new Error("The log must have given a sink");
  return sink;
}

/** The text of a closed log of so many entries, its beginning and end included. */
export async function logOf(entries: number, size: number): Promise<{ text: string; vkey: string; origin: string }> {
  const { log, memory, key, write } = await opened({ batch: { size } });
  for (let at = 1; at < entries - 1; at++) {
    write(decision(at));
    if (at % size === 0) await log.flush();
  }
  await log.close();
  return { text: memory.text(), vkey: key.vkey, origin: log.origin };
}

/** The lines of a log, without their ends. */
export function linesOf(text: string): string[] {
  return text.split("\n").slice(0, -1);
}

/** The text of lines. */
export function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** The entries of a text, read back. */
export function entriesOf(text: string): AuditEntry[] {
  return linesOf(text).filter((line) => line.includes('"seq":')).map((line) => JSON.parse(line) as AuditEntry);
}
