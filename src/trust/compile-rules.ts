import { stringList, wholeNumber, wrong, wrongType } from "../base/check.ts";
import { MAX_SCORE } from "./read-profile.ts";
import { requirementsOf } from "./fields.ts";

/** What an action needs. */
export interface Plan {
  readonly blocked: boolean;
  /** Whether the name holds nothing but what names of actions may hold. */
  readonly isNamed: boolean;
  readonly threshold: number;
  readonly required: readonly string[];
}

/** What plans are made of. */
export interface PlanOptions {
  readonly minTrustScore: number;
  readonly sensitiveActions: unknown;
  readonly blockedActions: unknown;
  readonly requiredCapabilities: unknown;
}

/** The longest name of an action. */
export const MAX_ACTION = 512;

/**
 * What actions are called: what tools are, since a letter that looks like another one would get round every list; after
 * `model:` whatever providers call their models, without white space or anything beyond ASCII.
 */
const ACTION = /^(?:[A-Za-z0-9_.:/-]+|model:[\x21-\x7e]+)$/;
const REMEMBERED = 1024;
const PLAIN = /^[\x21-\x7e]*$/;
const IGNORABLE = /\p{Default_Ignorable_Code_Point}/gu;

/**
 * What names share that differ only by letter case, compatibility form, invisible characters or white space around
 * them.
 */
function fold(name: string): string {
  return PLAIN.test(name) ? name.toLowerCase() : name.normalize("NFKC").replace(IGNORABLE, "").trim().toLowerCase();
}

/** The own entries of an option that must be a plain object; a `Map` would look empty, and so protect nothing. */
function entries(where: string, field: string, value: unknown): [string, unknown][] {
  const isPlain = typeof value === "object" && value !== null &&
    Object.prototype.toString.call(value) === "[object Object]";
  if (!isPlain) throw wrong(where, field, "a plain object", value);
  return Object.entries(value);
}

/** A name that can be an action's: another one would protect nothing, however much it looks like one that is. */
function nameOf(where: string, field: string, name: string): string {
  if (ACTION.test(name)) return name;
  throw wrongType(where, field, "letters, digits and _ . : / -, after model: any printable ASCII", name);
}

function grouped<T>(list: readonly (readonly [string, T])[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const [name, item] of list) {
    const key = fold(name);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/**
 * Compiles what the options say about actions into one look-up.
 *
 * A name that is configured has exactly what is configured for it. One that differs from configured names only by
 * letter case or the like has at least what each of them has: it is either a mistake or an attempt to get round them.
 */
export function compilePlans(where: string, options: PlanOptions): (action: string) => Plan {
  const { minTrustScore } = options;
  const sensitive = new Map(
    entries(where, "sensitiveActions", options.sensitiveActions)
      .map((
        [name, score],
      ) => [
        nameOf(where, "sensitiveActions", name),
        wholeNumber(where, `sensitiveActions.${name}`, score, 0, MAX_SCORE),
      ]),
  );
  const required = new Map(
    entries(where, "requiredCapabilities", options.requiredCapabilities)
      .map((
        [name, list],
      ) => [
        nameOf(where, "requiredCapabilities", name),
        Object.freeze(requirementsOf(where, `requiredCapabilities.${name}`, list)),
      ]),
  );
  const blocked = new Set(
    stringList(where, "blockedActions", options.blockedActions)
      .map((name, index) => fold(nameOf(where, `blockedActions[${index}]`, name))),
  );
  const foldedScores = grouped([...sensitive]);
  const foldedLists = grouped([...required]);
  const plain: Plan = Object.freeze({
    blocked: false,
    isNamed: true,
    threshold: minTrustScore,
    required: Object.freeze([]),
  });
  const isPlain = blocked.size + sensitive.size + required.size === 0;

  const make = (action: string): Plan => {
    const isNamed = ACTION.test(action);
    if (isPlain && isNamed) return plain;
    const key = fold(action);
    return {
      blocked: blocked.has(key),
      isNamed,
      threshold: sensitive.get(action) ?? Math.max(minTrustScore, ...(foldedScores.get(key) ?? [])),
      required: required.get(action) ?? [...new Set(foldedLists.get(key)?.flat())],
    };
  };
  const plans = new Map<string, Plan>();
  return function planOf(action) {
    const known = plans.get(action);
    if (known !== undefined) return known;
    const plan = make(action);
    // Names of tools come from models: what is remembered is bounded, and past that merely slower.
    if (plans.size < REMEMBERED) plans.set(action, plan);
    return plan;
  };
}
