import { define, pickOwn } from "../base/own.ts";
import { type Stage, STAGES } from "../base/request.ts";
import { checkCondition, type Report } from "./condition.ts";
import { readPlace } from "./place.ts";
import type { RuleInit, RuleLimit } from "./rule.ts";

const KEYS = ["id", "tools", "agents", "stages", "when", "require", "limit", "effect", "reason"] as const;
const LIMIT_KEYS = ["max", "of", "windowMs", "by"] as const;
const RULE_STAGES: readonly Stage[] = STAGES.filter((stage) => stage !== "agent_startup" && stage !== "agent_shutdown");
const TOOL_STAGES: readonly string[] = ["pre_tool_call", "post_tool_call"];
const LIMIT_STAGES: readonly string[] = ["input", "pre_model_call", "pre_tool_call"];
const MAX_USD = 9e9;

/** The fields of a rule, each by what is its own: whatever everything inherits is no part of it. */
export function ownRule(rule: RuleInit): RuleInit {
  return pickOwn(rule, KEYS);
}

/** The stages of a rule that says none. */
export const DEFAULT_STAGES: readonly Stage[] = ["pre_tool_call"];

/**
 * Reads a list of rules by their own keys into copies that nobody else holds, and reports everything that is wrong with
 * them: paths begin with `path`.
 */
export function readRules(path: string, list: unknown, report: Report): readonly RuleInit[] {
  if (!Array.isArray(list)) {
    report(path, "an array of rules", list);
    return [];
  }
  return Array.from(list, (rule: unknown, at) => readRule(`${path}[${at}]`, rule, report));
}

function readRule(path: string, given: unknown, report: Report): RuleInit {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    report(path, "a rule: an object", given);
    return {};
  }
  const rule = structured(pickOwn(given as RuleInit, KEYS)) as RuleInit;
  for (const key of Object.keys(given)) {
    if (!(KEYS as readonly string[]).includes(key)) {
      report(`${path}.${key}`, `one of ${KEYS.join(", ")}`, (given as Record<string, unknown>)[key]);
    }
  }
  const { id, tools, agents, stages, when, require, limit, effect, reason } = ownRule(rule);
  for (const [key, text] of Object.entries({ id, reason })) {
    if (text !== undefined && (typeof text !== "string" || text === "" || text.length > 1000)) {
      report(`${path}.${key}`, "a text of 1 to 1000 characters", text);
    }
  }
  checkStages(path, stages, report);
  checkGlobs(`${path}.tools`, tools, report);
  checkGlobs(`${path}.agents`, agents, report);
  const gates: readonly string[] = Array.isArray(stages) ? stages : DEFAULT_STAGES;
  if (tools !== undefined && !gates.every((stage) => TOOL_STAGES.includes(stage))) {
    report(`${path}.tools`, "absent where a stage is not of tools", tools);
  }
  if (Object.hasOwn(given, "when")) checkCondition(`${path}.when`, when, report);
  if (Object.hasOwn(given, "require")) checkCondition(`${path}.require`, require, report);
  if (Object.hasOwn(given, "limit")) checkLimit(`${path}.limit`, limit, gates, report);
  if (effect !== undefined && effect !== "deny" && effect !== "escalate") {
    report(`${path}.effect`, '"deny" or "escalate"', effect);
  }
  if (require === undefined && limit === undefined && effect === undefined) {
    report(path, 'a rule with "require" or "limit", or one whose "effect" is written', given);
  }
  return rule;
}

function checkStages(path: string, stages: unknown, report: Report): void {
  if (stages === undefined) return;
  if (!Array.isArray(stages) || stages.length === 0) {
    report(`${path}.stages`, `an array of at least one of ${RULE_STAGES.join(", ")}`, stages);
  } else {
    stages.forEach((stage: unknown, at) => {
      if (!RULE_STAGES.includes(stage as Stage)) {
        report(`${path}.stages[${at}]`, `one of ${RULE_STAGES.join(", ")}`, stage);
      }
    });
  }
}

/** One glob or a list of them. */
function checkGlobs(path: string, globs: unknown, report: Report): void {
  if (globs === undefined) return;
  const list: unknown = typeof globs === "string" ? [globs] : globs;
  if (!Array.isArray(list) || list.length === 0) report(path, "a glob, or an array of at least one", globs);
  else {
    list.forEach((glob: unknown, at) => {
      if (typeof glob !== "string" || !/^[A-Za-z0-9_.:/*-]{1,128}$/.test(glob)) {
        report(`${path}[${at}]`, "1 to 128 letters, digits and _ . : / - *", glob);
      }
    });
  }
}

function checkLimit(path: string, given: unknown, stages: readonly string[], report: Report): void {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    report(path, "a limit: an object with max", given);
    return;
  }
  const { max, of = "calls", windowMs, by = "session" } = pickOwn(given as RuleLimit, LIMIT_KEYS);
  for (const key of Object.keys(given)) {
    if (!(LIMIT_KEYS as readonly string[]).includes(key)) {
      report(`${path}.${key}`, `one of ${LIMIT_KEYS.join(", ")}`, (given as Record<string, unknown>)[key]);
    }
  }
  if (of !== "calls" && of !== "tokens" && of !== "costUsd") report(`${path}.of`, '"calls", "tokens" or "costUsd"', of);
  if (of === "costUsd") {
    if (typeof max !== "number" || !(max >= 0 && max <= MAX_USD)) report(`${path}.max`, "a number of dollars", max);
  } else if (!Number.isSafeInteger(max) || (max as number) < 0) report(`${path}.max`, "a whole number >= 0", max);
  if (windowMs !== undefined && (!Number.isSafeInteger(windowMs) || windowMs < 1)) {
    report(`${path}.windowMs`, "a whole number >= 1", windowMs);
  }
  const allowed = of === "calls" ? LIMIT_STAGES : ["pre_model_call"];
  if (!stages.every((stage) => allowed.includes(stage))) {
    report(`${path}`, `absent where a stage is not ${allowed.join(", ")}`, given);
  }
  if (by !== "session" && by !== "agent" && !isMetadata(by)) {
    report(`${path}.by`, '"session", "agent" or "$metadata." and a key', by);
  } else if (by !== "session" && windowMs === undefined) {
    report(`${path}.windowMs`, "a whole number >= 1, since it counts for more than one session", windowMs);
  }
}

function isMetadata(by: unknown): boolean {
  if (typeof by !== "string" || !by.startsWith("$metadata.") || by.includes("*")) return false;
  try {
    readPlace(by);
    return true;
  } catch {
    return false;
  }
}

/** A deep copy of plain data by own keys, frozen; what is no plain data stays, to be reported. */
function structured(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || depth > 64) return value;
  if (Array.isArray(value)) return Object.freeze(Array.from(value, (item) => structured(item, depth + 1)));
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (item !== undefined || depth > 0) define(out, key, structured(item, depth + 1));
  }
  return Object.freeze(out);
}
