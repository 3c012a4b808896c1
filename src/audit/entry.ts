import type { DecisionRecord, OutcomeRecord } from "../kernel/records.ts";
import { ownField, pickOwn } from "../base/own.ts";
import { holdsCredential, type Ids, jsonString } from "./text.ts";
import type { AuditEntryBody } from "./types.ts";

/** What waits to be written: its place, its time, and what it says. */
export interface Waiting {
  readonly seq: number;
  readonly timestamp: number;
  readonly body: Body;
  /** The payload as text, where it is asked for. */
  readonly content: string | undefined;
  /** What stands for it in the log: the value of `input` or `output`. */
  readonly evidence: string | undefined;
}

/** What a line is made of. A note's data is text by then. */
export type Body =
  | DecisionRecord
  | OutcomeRecord
  | Exclude<AuditEntryBody, { readonly kind: "decision" | "outcome" | "note" }>
  | { readonly kind: "note"; readonly type: string; readonly json: string };

/** Which reasons are kept. */
export type Reasons = "ours" | "all" | "none";

const MAX_REASON = 1024;

const DECISION = [
  "agentKey",
  "approval",
  "callId",
  "code",
  "durationMs",
  "effect",
  "guard",
  "isOurs",
  "name",
  "parentId",
  "policy",
  "reason",
  "rule",
  "sessionId",
  "shadow",
  "stage",
  "warnings",
] as const;
const OUTCOME = [
  "agentKey",
  "callId",
  "code",
  "durationMs",
  "name",
  "outcome",
  "policy",
  "sessionId",
  "stage",
  "usage",
] as const;
const USAGE = [
  "cachedInputTokens",
  "costUsd",
  "inputTokens",
  "outputTokens",
  "reasoningTokens",
  "totalTokens",
] as const;

/** Writes one entry as a line, without its end. Keys are sorted; what a kind does not have cannot get in. */
export function entryLine(entry: Waiting, ids: Ids, reasons: Reasons): string {
  const { body } = entry;
  switch (body.kind) {
    case "decision":
      return decisionLine(entry, body, ids, reasons);
    case "outcome":
      return outcomeLine(entry, body, ids);
    case "approval": {
      const { agentKey, approved, by, callId, codes, digest, event, grants, id, name, sessionId, stage } = body;
      return `{"agentKey":${ids.json(agentKey)}${approved === undefined ? "" : `,"approved":${approved}`}${
        optional("by", by, ids)
      },"callId":${ids.json(callId)}${list("codes", codes, ids)},"digest":${ids.json(digest)},"event":"${event}"${
        list("grants", grants, ids)
      },"id":${ids.json(id)},"kind":"approval","name":${ids.json(name)},"seq":${entry.seq},"sessionId":${
        ids.json(sessionId)
      },"stage":${ids.json(stage)},"timestamp":${time(entry)}}`;
    }
    case "signal":
      return `{"agent":${ids.json(body.agent)},"kind":"signal","seq":${entry.seq},"signal":${
        ids.json(body.signal)
      },"timestamp":${time(entry)}}`;
    case "trust":
      return `{"agent":${ids.json(body.agent)},"kind":"trust","outcome":${ids.json(body.outcome)},"score":${
        number(body.score)
      },"seq":${entry.seq},"timestamp":${time(entry)}}`;
    case "session":
      return `{"agentKey":${ids.json(body.agentKey)},"event":"${body.event}","kind":"session"${
        optional("parentId", body.parentId, ids)
      }${optional("policyDigest", body.policyDigest, ids)},"seq":${entry.seq},"sessionId":${
        ids.json(body.sessionId)
      },"timestamp":${time(entry)}}`;
    case "note":
      return `{"data":${body.json},"kind":"note","seq":${entry.seq},"timestamp":${time(entry)},"type":${
        ids.json(body.type)
      }}`;
    case "log":
      return `{${
        body.count === undefined ? "" : `"count":${number(body.count)},`
      }"event":"${body.event}","kind":"log","seq":${entry.seq},"timestamp":${time(entry)}}`;
  }
}

function decisionLine(entry: Waiting, record: DecisionRecord, ids: Ids, reasons: Reasons): string {
  const own = pickOwn(record, DECISION);
  // A reason of ours may name the tool, and a model chooses that name.
  const keepsReason = (reasons === "all" || (reasons === "ours" && own.isOurs === true)) &&
    typeof own.reason === "string" && !holdsCredential(own.reason);
  return `{"agentKey":${id(own.agentKey, ids)}${optional("approval", own.approval, ids)},"callId":${
    id(own.callId, ids)
  }${optional("code", own.code, ids)}${optionalNumber("durationMs", own.durationMs)},"effect":${id(own.effect, ids)}${
    optional("guard", own.guard, ids)
  }${entry.evidence === undefined ? "" : `,"input":${jsonString(entry.evidence)}`}${
    typeof own.isOurs === "boolean" ? `,"isOurs":${own.isOurs}` : ""
  },"kind":"decision","name":${id(own.name, ids)}${optional("parentId", own.parentId, ids)},"policy":${
    id(own.policy, ids)
  }${keepsReason ? `,"reason":${jsonString((own.reason as string).slice(0, MAX_REASON))}` : ""}${
    optional("rule", own.rule, ids)
  },"seq":${entry.seq},"sessionId":${id(own.sessionId, ids)},"shadow":${own.shadow === true},"stage":${
    id(own.stage, ids)
  },"timestamp":${time(entry)}${list("warnings", own.warnings, ids)}}`;
}

function outcomeLine(entry: Waiting, record: OutcomeRecord, ids: Ids): string {
  const own = pickOwn(record, OUTCOME);
  return `{"agentKey":${id(own.agentKey, ids)},"callId":${id(own.callId, ids)}${optional("code", own.code, ids)}${
    optionalNumber("durationMs", own.durationMs)
  },"kind":"outcome","name":${id(own.name, ids)},"outcome":${id(own.outcome, ids)}${
    entry.evidence === undefined ? "" : `,"output":${jsonString(entry.evidence)}`
  },"policy":${id(own.policy, ids)},"seq":${entry.seq},"sessionId":${id(own.sessionId, ids)},"stage":${
    id(own.stage, ids)
  },"timestamp":${time(entry)}${usageJson(own.usage)}}`;
}

function id(value: unknown, ids: Ids): string {
  return typeof value === "string" ? ids.json(value) : '""';
}

function optional(name: string, value: unknown, ids: Ids): string {
  return typeof value === "string" ? `,"${name}":${ids.json(value)}` : "";
}

function optionalNumber(name: string, value: unknown): string {
  return typeof value === "number" && Number.isFinite(value) ? `,"${name}":${value}` : "";
}

function list(name: string, values: readonly string[] | undefined, ids: Ids): string {
  if (values === undefined) return "";
  const parts: string[] = [];
  for (let at = 0; at < values.length && at < MAX_LIST; at++) parts.push(id(values[at], ids));
  return `,"${name}":[${parts.join(",")}]`;
}

const MAX_LIST = 100;

function usageJson(usage: unknown): string {
  if (typeof usage !== "object" || usage === null) return "";
  const parts: string[] = [];
  for (const name of USAGE) {
    const value = ownField(usage as Record<string, unknown>, name);
    if (typeof value === "number" && Number.isFinite(value)) parts.push(`"${name}":${value}`);
  }
  return `,"usage":{${parts.join(",")}}`;
}

function number(value: number): string {
  return Number.isFinite(value) ? String(value) : "null";
}

function time({ timestamp }: Waiting): string {
  return number(timestamp);
}
