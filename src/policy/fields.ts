import { patternMistake } from "../match/matcher.ts";
import { TOOL_NAME } from "../request.ts";
import type { Report } from "./error.ts";
import type { BlockedPattern, PolicyInit } from "./policy.ts";

/** Items of one list at most: a longer one is taken for a mistake, not for a policy. */
export const MAX_ITEMS = 100_000;

/** Reads one field into a value of our own, once; reports what is wrong with it, and then returns anything. */
export type FieldReader = (value: unknown, path: string, report: Report) => unknown;

/** How a field is read, and what it is when absent. */
export interface Field {
  readonly read: FieldReader;
  readonly fallback: unknown;
}

/** Accepts a string that is not empty. */
export const text: FieldReader = (value, path, report) => {
  if (typeof value !== "string" || value === "") report({ path, wanted: "a string that is not empty", got: value });
  return value;
};

/** Accepts `true` and `false`. */
export const flag: FieldReader = (value, path, report) => {
  if (typeof value !== "boolean") report({ path, wanted: "true or false", got: value });
  return value;
};

/** Accepts a whole number from `min` to `max`. */
export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): FieldReader {
  const wanted = max === Number.MAX_SAFE_INTEGER ? `a whole number >= ${min}` : `a whole number from ${min} to ${max}`;
  return (value, path, report) => {
    if (Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max) return (value as number) + 0;
    report({ path, wanted, got: value });
    return value;
  };
}

/** Accepts a number from 0 to 1. */
export const fraction: FieldReader = (value, path, report) => {
  // Adding zero turns -0, which compares the same and prints otherwise, into 0; NaN fails both comparisons.
  if (typeof value === "number" && value >= 0 && value <= 1) return value + 0;
  report({ path, wanted: "a number from 0 to 1", got: value });
  return value;
};

/** Accepts an array and reads its items by index, so that neither an iterator nor a hole shows something else. */
export function list(wanted: string, readItem: FieldReader): FieldReader {
  return (value, path, report) => {
    const length = Array.isArray(value) ? value.length : MAX_ITEMS + 1;
    if (!Array.isArray(value) || length > MAX_ITEMS) {
      report({ path, wanted: Array.isArray(value) ? `an array of at most ${MAX_ITEMS} items` : wanted, got: value });
      return value;
    }
    const out: unknown[] = [];
    for (let at = 0; at < length; at++) out.push(readItem(value[at], `${path}[${at}]`, report));
    return Object.freeze(out);
  };
}

const toolName: FieldReader = (value, path, report) => {
  // A name that no call can have would silently protect nothing.
  if (typeof value !== "string" || !TOOL_NAME.test(value)) report({ path, wanted: "a tool's name: 1 to 128 letters, digits and _ . : / -", got: value });
  return value;
};

const tools = list("an array of tools' names", toolName);

const pattern: FieldReader = (value, path, report) => {
  const copy = copied(value);
  const mistake = patternMistake(copy);
  if (mistake !== undefined) report({ path, wanted: mistake.wanted, got: mistake.got });
  return copy;
};

/** Reads each key of a pattern once; what is checked is then the copy. */
function copied(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof RegExp) return value;
  const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const key of Reflect.ownKeys(value)) copy[String(key)] = (value as Record<string | symbol, unknown>)[key];
  if ("regexp" in copy) copy["regexp"] = copiedRegExp(copy["regexp"]);
  return Object.freeze("__proto__" in copy ? copy : { ...copy });
}

const SOURCE = Object.getOwnPropertyDescriptor(RegExp.prototype, "source")!.get as () => string;

/** Takes what a RegExp is, and not what its overridden properties say; what only looks like one is none. */
function copiedRegExp(value: unknown): unknown {
  if (Object.prototype.toString.call(value) !== "[object RegExp]") return value;
  try {
    // Throws where there is no RegExp behind the name: new RegExp() would make a pattern of its printed form.
    SOURCE.call(value);
    return Object.freeze(new RegExp(value as RegExp));
  } catch {
    return null;
  }
}

/** Reads `blockedPatterns`. */
export const patterns: FieldReader = list("an array of patterns", pattern);

const approval: FieldReader = (value, path, report) => {
  if (Array.isArray(value)) return tools(value, path, report);
  if (typeof value !== "boolean") report({ path, wanted: "true, false or an array of tools' names", got: value });
  return value;
};

const NONE: readonly never[] = Object.freeze([]);

/** Every field of a policy, in the order in which policies show them. */
export const FIELDS: Readonly<Record<keyof PolicyInit, Field>> = Object.freeze({
  name: { read: text, fallback: "default" },
  version: { read: text, fallback: "1.0.0" },
  maxTokens: { read: whole(1), fallback: 4096 },
  maxToolCalls: { read: whole(0), fallback: 10 },
  allowedTools: { read: tools, fallback: undefined },
  deniedTools: { read: tools, fallback: NONE },
  blockedPatterns: { read: patterns, fallback: NONE as readonly BlockedPattern[] },
  requireHumanApproval: { read: approval, fallback: false },
  timeoutMs: { read: whole(1), fallback: 300_000 },
  confidenceThreshold: { read: fraction, fallback: 0.8 },
  driftThreshold: { read: fraction, fallback: 0.15 },
  logAllCalls: { read: flag, fallback: true },
  checkpointFrequency: { read: whole(1), fallback: 5 },
  maxConcurrent: { read: whole(1), fallback: 10 },
  backpressureThreshold: { read: whole(1), fallback: 8 },
});

/** The names of the fields, in the same order. */
export const FIELD_NAMES: readonly (keyof PolicyInit)[] = Object.freeze(Object.keys(FIELDS) as (keyof PolicyInit)[]);
