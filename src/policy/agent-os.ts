import { isWhole, wantedWhole } from "../base/check.ts";
import { ownField } from "../base/own.ts";
import { buildPolicy } from "./define.ts";
import type { Report } from "./error.ts";
import { FIELD_NAMES } from "./fields.ts";
import type { GovernancePolicy, PolicyInit } from "./policy.ts";
import { wantedKey } from "./read.ts";

const MS = 1000;
const MOST_SECONDS = Math.floor(Number.MAX_SAFE_INTEGER / MS);

/**
 * Turns a value of that form into one of ours; reports what has no counterpart, and answers `undefined` so that it is
 * reported once.
 */
type Translate = (value: unknown, path: string, report: Report) => unknown;

/** The fields whose values mean something else there. */
const TRANSLATIONS: { readonly [K in keyof PolicyInit]?: Translate } = {
  allowedTools: (value) => (Array.isArray(value) && value.length === 0 ? undefined : value),
  /** A pattern there is text, `{ pattern, type }` or `[pattern, type]`. */
  blockedPatterns: (value) =>
    Array.isArray(value)
      ? Array.from(
        value as unknown[],
        (item) => (Array.isArray(item) && item.length === 2
          ? { pattern: item[0] as unknown, type: item[1] as unknown }
          : item),
      )
      : value,
  requireHumanApproval: (value, path, report) => {
    if (typeof value === "boolean") return value;
    report({ path, wanted: "true or false", got: value });
    return undefined;
  },
  timeoutMs: (value, path, report) => {
    if (isWhole(value, 1, MOST_SECONDS)) return value * MS;
    report({ path, wanted: wantedWhole(1, MOST_SECONDS), got: value });
    return undefined;
  },
  /** There, zero switches drift detection off; no drift is above 1. */
  driftThreshold: (value) => (value === 0 ? 1 : value),
};

/** The names there, in snake_case; there is none for what may not be called. */
const KEYS: ReadonlyMap<string, keyof PolicyInit> = new Map(
  FIELD_NAMES.filter((name) => name !== "deniedTools")
    .map((
      name,
    ) => [
      name === "timeoutMs" ? "timeout_seconds" : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      name,
    ]),
);

/** Sections that ask for modules which a policy of ours does not have. */
const SECTIONS: ReadonlySet<string> = new Set([
  "prompt_injection",
  "token_budget",
  "rate_limiter",
  "bounded_semaphore",
  "scope_guard",
  "supply_chain",
  "mcp_security",
  "detection",
]);

function isOff(section: unknown): boolean {
  if (typeof section !== "object" || section === null || Array.isArray(section)) return false;
  return Reflect.ownKeys(section).length === 0 ||
    (ownField(section as { enabled?: unknown }, "enabled") === false);
}

/** Reads the Python toolkit's form of a policy; `where` names the caller in errors. */
export function readAgentOs(where: string, json: unknown): GovernancePolicy {
  return buildPolicy(where, json, (key, value, report) => {
    const field = KEYS.get(key);
    if (field !== undefined) {
      const translate = value === undefined ? undefined : ownField(TRANSLATIONS, field);
      return [field, translate === undefined ? value : translate(value, key, report)];
    }
    if (!SECTIONS.has(key)) report({ path: key, wanted: wantedKey(key, [...KEYS.keys()]), got: value });
    else if (value !== undefined && !isOff(value)) {
      report({ path: key, wanted: "absent, {} or { enabled: false }, as a policy has no such section", got: value });
    }
    return undefined;
  });
}
