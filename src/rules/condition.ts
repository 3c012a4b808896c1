import { show } from "../base/check.ts";
import type { Asked } from "./asked.ts";
import { type Check, OPERATORS } from "./operators.ts";
import { find, type Found, type Place, PlaceError, readPlace } from "./place.ts";
import { factOf } from "./facts.ts";
import type { Condition, Test } from "./rule.ts";
import { every, FALSE, not, some, TRUE, type Truth, truth, UNKNOWN } from "./truth.ts";

/** Something that is wrong: where, what was wanted there, and what came. */
export type Report = (path: string, wanted: string, got: unknown) => void;

/** Where a condition did not hold, and what was wanted there. */
export interface Missed {
  readonly place: string;
  readonly wants: string;
}

/** Judges an act by a condition; tells where it failed. */
export type Judge = (asked: Asked, missed: (miss: Missed) => void) => Truth;

/** What nothing is; and a fact that is not known, which is nothing to `exists` alone. */
const NOTHING = Symbol("nothing");
const UNKNOWN_FACT = Symbol("an unknown fact");

const JOINTS = ["allOf", "anyOf", "not"];
const MAX_DEPTH = 32;

/** Reports what is wrong with a condition. */
export function checkCondition(path: string, condition: unknown, report: Report, depth = 0): void {
  if (!isObject(condition) || Object.keys(condition).length === 0 || depth > MAX_DEPTH) {
    report(path, `a condition: an object with at least one place, at most ${MAX_DEPTH} deep`, condition);
    return;
  }
  for (const key of Object.keys(condition)) {
    const value = condition[key];
    const here = `${path}.${key}`;
    if (key === "not") checkCondition(here, value, report, depth + 1);
    else if (JOINTS.includes(key)) {
      checkList(here, value, "conditions", report, (at, one) => checkCondition(at, one, report, depth + 1));
    } else checkPlace(here, key, value, report, depth);
  }
}

function checkPlace(path: string, key: string, test: unknown, report: Report, depth: number): void {
  try {
    readPlace(key);
  } catch (error) {
    if (!(error instanceof PlaceError)) throw error;
    report(path, `at a place: ${error.message}`, key);
  }
  checkTest(path, test, report, depth + 1);
}

function checkTest(path: string, test: unknown, report: Report, depth: number): void {
  if (!isObject(test) || Object.keys(test).length === 0 || depth > MAX_DEPTH) {
    report(path, "a test: an object with at least one operator", test);
    return;
  }
  for (const key of Object.keys(test)) {
    const here = `${path}.${key}`;
    const operand = test[key];
    if (key === "exists") {
      if (typeof operand !== "boolean") report(here, "true or false", operand);
    } else if (key === "anyOf") {
      checkList(here, operand, "tests", report, (at, one) => checkTest(at, one, report, depth + 1));
    } else if (!Object.hasOwn(OPERATORS, key)) {
      report(here, `one of the operators ${["exists", ...Object.keys(OPERATORS), "anyOf"].join(", ")}`, operand);
    } else {
      const wanted = OPERATORS[key]?.mistake(operand);
      if (wanted !== undefined) report(here, wanted, operand);
    }
  }
}

function checkList(
  path: string,
  list: unknown,
  what: string,
  report: Report,
  check: (path: string, one: unknown) => void,
): void {
  if (!Array.isArray(list) || list.length === 0) report(path, `an array of at least one of ${what}`, list);
  else for (let at = 0; at < list.length; at++) check(`${path}[${at}]`, list[at]);
}

function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const proto: unknown = Object.getPrototypeOf(value);
  return proto === null || proto === Object.prototype;
}

/**
 * Compiles a condition that was checked. `isAny`: the reading of `when`, where some value must pass; else that of
 * `require`, where there must be one and all pass. `not` turns the reading round, so that nothing is false for both.
 */
export function compileCondition(condition: Condition, isAny: boolean): Judge {
  const parts = Object.keys(condition).map((key): Judge => {
    const value = condition[key];
    if (key === "not") {
      const inner = compileCondition(value as Condition, !isAny);
      return (asked, missed) => {
        const answer = not(inner(asked, () => undefined));
        if (answer !== TRUE) missed({ place: "not", wants: "something else" });
        return answer;
      };
    }
    if (key === "allOf" || key === "anyOf") {
      const all = (value as readonly Condition[]).map((one) => compileCondition(one, isAny));
      if (key === "allOf") return (asked, missed) => every(all, (one) => one(asked, missed));
      return (asked, missed) => {
        let first: Missed | undefined;
        const answer = some(all, (one) => one(asked, (miss) => void (first ??= miss)));
        if (answer !== TRUE && first !== undefined) missed(first);
        return answer;
      };
    }
    return compilePlace(readPlace(key), value as Test, isAny);
  });
  return (asked, missed) => every(parts, (part) => part(asked, missed));
}

function compilePlace(place: Place, test: Test, isAny: boolean): Judge {
  const check = compileTest(test);
  const wants = wantsOf(test);
  return (asked, missed) => {
    const found = place.fact === undefined ? find(place, asked.request.payload) : factOf(place, asked);
    const answer = judged(found, place, check, asked, isAny);
    if (answer !== TRUE) missed({ place: place.text, wants });
    return answer;
  };
}

function judged({ values, isUnknown }: Found, place: Place, check: Check, asked: Asked, isAny: boolean): Truth {
  if (values.length === 0) {
    if (isUnknown) return UNKNOWN;
    const isFact = place.fact !== undefined && place.fact !== "$payload";
    return check(isFact ? UNKNOWN_FACT : NOTHING, asked, isAny);
  }
  const all = isAny
    ? some(values, (value) => check(value, asked, isAny))
    : every(values, (value) => check(value, asked, isAny));
  // What was not found might pass, or fail.
  return isUnknown && all === (isAny ? FALSE : TRUE) ? UNKNOWN : all;
}

function compileTest(test: Test): Check {
  const parts = Object.keys(test).map((key): Check => {
    const operand = test[key as keyof Test];
    if (key === "exists") return (value) => truth((value !== NOTHING && value !== UNKNOWN_FACT) === operand);
    if (key === "anyOf") {
      const all = (operand as readonly Test[]).map(compileTest);
      return (value, asked, isAny) => some(all, (one) => one(value, asked, isAny));
    }
    const check = OPERATORS[key]?.compile(operand as never) as Check;
    return (value, asked, isAny) =>
      value === NOTHING ? FALSE : value === UNKNOWN_FACT ? UNKNOWN : check(value, asked, isAny);
  });
  const [only] = parts;
  return parts.length === 1 && only !== undefined
    ? only
    : (value, asked, isAny) => every(parts, (part) => part(value, asked, isAny));
}

/** What a test wants, in words that hold no operand. */
function wantsOf(test: Test): string {
  const all = Object.keys(test).map((key) => {
    if (key === "exists") return test.exists === true ? "something" : "nothing";
    return key === "anyOf"
      ? (test.anyOf as readonly Test[]).map(wantsOf).join(" or ")
      : OPERATORS[key]?.wants ?? show(key);
  });
  return [...new Set(all)].join(" and ");
}
