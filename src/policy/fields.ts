import { isWhole, wantedWhole } from "../base/check.ts";
import { patternMistake } from "../match/matcher.ts";
import { TOOL_GLOB } from "../base/request.ts";
import type { Report } from "./error.ts";
import { readRules } from "../rules/read-rule.ts";
import { approvals, inBoth, inEither, intersection, joined, patternsInEither, rulesInEither } from "./merge.ts";
import type { PolicyInit } from "./policy.ts";
import { ownEntries } from "./read.ts";

/** Items of one list at most: a longer one is taken for a mistake, not for a policy. */
export const MAX_ITEMS = 100_000;

/** Reads one field into a value of our own, once; reports what is wrong with it, and then returns anything. */
export type FieldReader = (value: unknown, path: string, report: Report) => unknown;

/** How a field is read, what it is when absent, and what it is in a policy that two are merged into. */
export interface Field {
  readonly read: FieldReader;
  readonly fallback: unknown;
  // deno-lint-ignore no-explicit-any -- of each field its own values, which only the field's name tells
  readonly merge: (a: any, b: any) => unknown;
}

function only(wanted: string, isRight: (value: unknown) => boolean): FieldReader {
  return (value, path, report) => {
    if (!isRight(value)) report({ path, wanted, got: value });
    // -0 compares the same as 0 and prints otherwise.
    return value === 0 ? 0 : value;
  };
}

/** Accepts a string that is not empty. */
const text = only("a string that is not empty", (value) => typeof value === "string" && value !== "");

/** Accepts `true` and `false`. */
const flag = only("true or false", isBoolean);

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

/** Accepts a whole number from `min` to `max`. */
function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): FieldReader {
  return only(wantedWhole(min, max), (value) => isWhole(value, min, max));
}

/** Accepts a whole number of at least `min`, or Infinity: no limit. */
function limit(min: number): FieldReader {
  return only(
    `${wantedWhole(min, Number.MAX_SAFE_INTEGER)}, or Infinity (in a file null) for no limit`,
    (value) => value === Infinity || isWhole(value, min),
  );
}

/** Accepts a number from 0 to 1. */
const fraction = only("a number from 0 to 1", (value) => typeof value === "number" && value >= 0 && value <= 1);

/** Accepts an array and reads its items by index, so that neither an iterator nor a hole shows something else. */
function list(wanted: string, readItem: FieldReader): FieldReader {
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

// A name that no call can have would silently protect nothing.
const toolName = only(
  "a tool's name: 1 to 128 letters, digits and _ . : / - *",
  (value) => typeof value === "string" && TOOL_GLOB.test(value),
);
const tools = list("an array of tools' names", toolName);
const yesOrNo = only("true, false or an array of tools' names", isBoolean);
const approval: FieldReader = (value, path, report) => (Array.isArray(value) ? tools : yesOrNo)(value, path, report);

const pattern: FieldReader = (value, path, report) => {
  const copy = copied(value);
  const mistake = patternMistake(copy);
  if (mistake !== undefined) report({ path, wanted: mistake.wanted, got: mistake.got });
  return copy;
};

/** Reads each key of a pattern once; what is checked is then the copy. */
function copied(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof RegExp) return value;
  const copy: Record<string, unknown> = Object.fromEntries(ownEntries(value));
  if (Object.hasOwn(copy, "regexp")) copy["regexp"] = copiedRegExp(copy["regexp"]);
  return Object.freeze(copy);
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

const patterns = list("an array of patterns", pattern);

const rules: FieldReader = (value, path, report) =>
  Object.freeze(readRules(path, value, (at, wanted, got) => report({ path: at, wanted, got })));

const NONE: readonly never[] = Object.freeze([]);

/** Every field of a policy, in the order in which policies show them. */
export const FIELDS: Readonly<Record<keyof PolicyInit, Field>> = {
  name: { read: text, fallback: "default", merge: joined },
  version: { read: text, fallback: "1.0.0", merge: joined },
  maxTokens: { read: limit(1), fallback: 4096, merge: Math.min },
  maxToolCalls: { read: limit(0), fallback: 10, merge: Math.min },
  allowedTools: { read: tools, fallback: undefined, merge: inBoth },
  deniedTools: { read: tools, fallback: NONE, merge: inEither },
  blockedPatterns: { read: patterns, fallback: NONE, merge: patternsInEither },
  requireHumanApproval: { read: approval, fallback: false, merge: approvals },
  rules: { read: rules, fallback: NONE, merge: rulesInEither },
  untrustedTools: { read: tools, fallback: NONE, merge: inEither },
  trustedTools: { read: tools, fallback: NONE, merge: intersection },
  timeoutMs: { read: limit(1), fallback: 300_000, merge: Math.min },
  confidenceThreshold: { read: fraction, fallback: 0.8, merge: Math.max },
  driftThreshold: { read: fraction, fallback: 0.15, merge: Math.min },
  logAllCalls: { read: flag, fallback: true, merge: (a: boolean, b: boolean) => a || b },
  checkpointFrequency: { read: whole(1), fallback: 5, merge: Math.min },
  maxConcurrent: { read: limit(1), fallback: 10, merge: Math.min },
  backpressureThreshold: { read: limit(1), fallback: 8, merge: Math.min },
};

/** The fields that are limits: Infinity, in a file null, is none. */
export const LIMITS: ReadonlySet<string> = new Set<keyof PolicyInit>([
  "maxTokens",
  "maxToolCalls",
  "timeoutMs",
  "maxConcurrent",
  "backpressureThreshold",
]);

/** The names of the fields, in the same order. */
export const FIELD_NAMES: readonly (keyof PolicyInit)[] = Object.keys(FIELDS) as (keyof PolicyInit)[];
