import { made, refuseOtherCopy } from "../base/copy.ts";
import { conflictsOf } from "./conflicts.ts";
import { PolicyError, type PolicyMistake, type Report } from "./error.ts";
import { FIELD_NAMES, FIELDS, LIMITS } from "./fields.ts";
import { globCovers } from "../base/glob.ts";
import { bare } from "../base/own.ts";
import { diffOf, isStricter, mergedInit } from "./order.ts";
import type { GovernancePolicy, PolicyInit } from "./policy.ts";
import { entriesOf, wantedKey } from "./read.ts";

const policies = new WeakSet<object>();
/** The fields that a policy left to their defaults. */
const defaults = new WeakMap<object, ReadonlySet<string>>();

/** Whether a policy left a field to its default: a denial says so, since nobody chose that number. */
export function isDefault(policy: GovernancePolicy, field: keyof PolicyInit): boolean {
  return defaults.get(policy)?.has(field) === true;
}

/**
 * Tells a policy that {@linkcode definePolicy} or {@linkcode parsePolicy} made from anything that looks like one.
 *
 * One of another copy of the package is not recognized: hand its `toJSON()` to {@linkcode definePolicy}.
 *
 * @example Usage
 * ```ts
 * import { definePolicy, isPolicy } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.equal(isPolicy(definePolicy()), true);
 * assert.equal(isPolicy({ ...definePolicy() }), false);
 * ```
 */
export function isPolicy(value: unknown): value is GovernancePolicy {
  return typeof value === "object" && value !== null && policies.has(value);
}

/** Returns `value` if it is a policy of ours, else throws. */
function ours(where: string, what: string, value: unknown): GovernancePolicy {
  if (isPolicy(value)) return value;
  refuseOtherCopy(where, what, value);
  throw new TypeError(`Cannot run ${where}: ${what} must be a policy made by definePolicy() or parsePolicy()`);
}

/** On the prototype, so that spreading a policy gives its fields alone. */
const methods:
  & Pick<GovernancePolicy, "toJSON" | "diff" | "isStricterThan" | "merge" | "conflicts">
  & ThisType<GovernancePolicy> = Object.freeze({
    toJSON(): PolicyInit {
      const policy = ours("toJSON()", "this", this);
      return Object.fromEntries(
        FIELD_NAMES.filter((name) => Object.hasOwn(policy, name)).map((name) => {
          const value = policy[name];
          return [name, Array.isArray(value) ? [...(value as readonly unknown[])] : value];
        }),
      ) as PolicyInit;
    },
    diff(other: GovernancePolicy): Readonly<Record<string, readonly [unknown, unknown]>> {
      return diffOf(ours("diff()", "this", this), ours("diff()", "other", other));
    },
    isStricterThan(other: GovernancePolicy): boolean {
      return isStricter(ours("isStricterThan()", "this", this), ours("isStricterThan()", "other", other));
    },
    merge(other: GovernancePolicy): GovernancePolicy {
      const [a, b] = [ours("merge()", "this", this), ours("merge()", "other", other)];
      const merged = definePolicy(mergedInit(a, b));
      defaults.set(merged, new Set(FIELD_NAMES.filter((name) => isDefault(a, name) && isDefault(b, name))));
      return merged;
    },
    conflicts(): readonly string[] {
      return conflictsOf(ours("conflicts()", "this", this));
    },
  });

/**
 * Says which field a key stands for, and what is read into it; `undefined` for one that was reported, or stands for
 * none.
 */
export type Place = (
  key: string,
  value: unknown,
  report: Report,
) => readonly [field: keyof PolicyInit, value: unknown] | undefined;

/** What a field is where it is absent: where nobody is refused, nobody has to wait either. */
function fallbackOf(name: keyof PolicyInit, given: ReadonlyMap<string, unknown>): unknown {
  return name === "backpressureThreshold" && given.get("maxConcurrent") === Infinity ? Infinity : FIELDS[name].fallback;
}

/** Reports tools that are to taint the session and are trusted too. */
function reportTrusted(given: ReadonlyMap<string, unknown>, report: Report): void {
  const trusted = (given.get("trustedTools") ?? []) as readonly string[];
  const plain = new Set(trusted.filter((glob) => !glob.includes("*")).map((name) => name.toLowerCase()));
  const globs = trusted.filter((glob) => glob.includes("*"));
  ((given.get("untrustedTools") ?? []) as readonly string[]).forEach((name, at) => {
    if (plain.has(name.toLowerCase()) || globs.some((glob) => globCovers(glob, name, true))) {
      report({ path: `untrustedTools[${at}]`, wanted: "none of the trustedTools", got: name });
    }
  });
}

/** Makes a policy of what a plain object's keys stand for; every mistake is thrown at once. */
export function buildPolicy(where: string, init: unknown, placeOf: Place): GovernancePolicy {
  refuseOtherCopy(where, "policy", init);
  const mistakes: PolicyMistake[] = [];
  const report: Report = (mistake) => mistakes.push(mistake);
  const places = entriesOf(init, report).map(([key, value]) => [key, placeOf(key, value, report)] as const);
  const given = new Map<string, unknown>();
  for (const [key, place] of places) {
    if (place?.[1] !== undefined) given.set(place[0], FIELDS[place[0]].read(place[1], key, report));
  }
  if (mistakes.length === 0) reportTrusted(given, report);
  if (mistakes.length > 0) throw new PolicyError(where, mistakes);
  const policy = Object.create(methods) as Record<string, unknown>;
  for (const name of FIELD_NAMES) {
    const value = given.has(name) ? given.get(name) : fallbackOf(name, given);
    if (value !== undefined) Object.defineProperty(policy, name, bare({ value, enumerable: true }));
  }
  policies.add(Object.freeze(made(policy)));
  defaults.set(policy, new Set(FIELD_NAMES.filter((name) => !given.has(name))));
  return policy as unknown as GovernancePolicy;
}

/**
 * Makes a policy: plain data, validated and immutable.
 *
 * Every field is optional and has the default that {@linkcode PolicyInit} names; one that is `undefined` is absent, so
 * beware of an `allowedTools` that was never filled: absent means every tool, `[]` none. The options are read once and
 * copied. Every key must be known and the options a plain object (a policy of ours is returned as it is). A `RegExp` is
 * copied too, but is not JSON: `toJSON()` keeps such an entry as it is, and a text made of it is refused when read.
 * `merge`, `diff`, `isStricterThan` compare with policies of this copy of the package only, and throw `TypeError` else.
 * In them, lists are sets: order and repetition do not count.
 *
 * @throws {PolicyError} A `TypeError` that lists every mistake at once (path, wanted, got).
 * @example Usage
 * ```ts
 * import { definePolicy } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const base = definePolicy({ allowedTools: ["read", "search"], blockedPatterns: ["drop table"] });
 * const night = base.merge(definePolicy({ name: "night", maxToolCalls: 3, requireHumanApproval: ["search"] }));
 * assert.deepEqual(night.allowedTools, ["read", "search"]);
 * assert.equal(night.isStricterThan(base), true);
 * assert.deepEqual(night.conflicts(), []);
 * ```
 */
export function definePolicy(init: PolicyInit | GovernancePolicy = {}): GovernancePolicy {
  return readPolicy("definePolicy()", init, false);
}

/** Reads the fields of a policy; `where` names the caller in errors, and a file may name its schema. */
export function readPolicy(where: string, init: unknown, isFile: boolean): GovernancePolicy {
  if (isPolicy(init)) return init;
  return buildPolicy(where, init, (key, value, report) => {
    if (Object.hasOwn(FIELDS, key)) {
      // JSON has no Infinity: there, a limit of null is none.
      return [key as keyof PolicyInit, isFile && value === null && LIMITS.has(key) ? Infinity : value];
    }
    if (!isFile || key !== "$schema" || typeof value !== "string") {
      report({ path: key, wanted: wantedKey(key, FIELD_NAMES), got: value });
    }
    return undefined;
  });
}
