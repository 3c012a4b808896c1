import type { Asked } from "./asked.ts";
import { commandMistake, compileCommand } from "./command.ts";
import { compileEmail, emailMistake } from "./email.ts";
import { compileGlobs } from "../base/glob.ts";
import { compileHost, hostMistake } from "./host.ts";
import { factOf, knownTo } from "./facts.ts";
import { compileLinks } from "./links.ts";
import { compileRegex, regexMistake } from "./regex.ts";
import { PlaceError, readPlace } from "./place.ts";
import { FALSE, TRUE, type Truth, truth, UNKNOWN } from "./truth.ts";
import { compileWithin, withinMistake } from "./within.ts";
import type { Scalar } from "./rule.ts";

/** Tells of a value whether an operator holds; `isAny`: the reading of `when`. */
export type Check = (value: unknown, asked: Asked, isAny: boolean) => Truth;

/** An operator of a test. */
export interface Operator {
  /** What it wants of a value, in words that hold no operand: for reasons. */
  readonly wants: string;
  /** What its operand must be, where it is not. */
  readonly mistake: (operand: unknown) => string | undefined;
  readonly compile: (operand: never) => Check;
}

const SCALARS: readonly string[] = ["string", "number", "boolean"];

function isScalar(value: unknown): value is Scalar {
  return SCALARS.includes(typeof value) && !Number.isNaN(value);
}

function onText(judge: (text: string, isAny: boolean, asked: Asked) => Truth): Check {
  return (value, asked, isAny) => typeof value === "string" ? judge(value, isAny, asked) : UNKNOWN;
}

/** What one text, or a list of them, must be; an empty list says nothing, unless `isEmptyAllowed`. */
function texts(wanted: string, mistake: (text: string) => string | undefined, isEmptyAllowed = false) {
  return (operand: unknown): string | undefined => {
    const list: unknown = typeof operand === "string" ? [operand] : operand;
    if (!Array.isArray(list) || (list.length === 0 && !isEmptyAllowed)) return wanted;
    for (let at = 0; at < list.length; at++) {
      const text: unknown = list[at];
      const wrong = typeof text !== "string" || text === "" ? wanted : mistake(text);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
}

function listOf(operand: string | readonly string[]): readonly string[] {
  return typeof operand === "string" ? [operand] : operand;
}

const noMistake = (): undefined => undefined;
const finite = (operand: unknown): string | undefined =>
  typeof operand === "number" && Number.isFinite(operand) ? undefined : "a finite number";
const scalar = (operand: unknown): string | undefined => isScalar(operand) ? undefined : "a string, number or boolean";

function compared(holds: (value: number | bigint, bound: number) => boolean) {
  return (bound: number): Check => (value) =>
    typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value))
      ? truth(holds(value, bound))
      : UNKNOWN;
}

function sameAs(value: unknown, wanted: unknown): Truth {
  return typeof value === typeof wanted ? truth(value === wanted) : UNKNOWN;
}

/** A fact that a test compares with; `undefined` where its name is none. */
function factPlace(text: unknown): string | undefined {
  if (typeof text !== "string" || !text.startsWith("$") || text === "$payload" || text.includes("*")) {
    return WANTED_FACT;
  }
  try {
    readPlace(text);
    return undefined;
  } catch (error) {
    if (error instanceof PlaceError) return WANTED_FACT;
    throw error;
  }
}
const WANTED_FACT = "a fact, such as $agentId or $metadata.user";

/** All operators, but `exists` and `anyOf`, which are about more than a value that is there. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  eq: { wants: "a certain value", mistake: scalar, compile: (wanted: Scalar) => (value) => sameAs(value, wanted) },
  in: {
    wants: "one of certain values",
    mistake: (list) => Array.isArray(list) && list.length > 0 && list.every(isScalar) ? undefined : "a list of values",
    compile: (list: readonly Scalar[]) => (value) =>
      list.includes(value as Scalar) ? TRUE : list.some((one) => typeof one === typeof value) ? FALSE : UNKNOWN,
  },
  same: {
    wants: "what a fact is",
    mistake: factPlace,
    compile: (text: string): Check => {
      const place = readPlace(text);
      return (value, asked) => {
        const { values: [fact], isUnknown } = factOf(place, asked);
        return isUnknown || fact === undefined || !isScalar(fact) ? UNKNOWN : sameAs(value, fact);
      };
    },
  },
  lt: { wants: "a number below a bound", mistake: finite, compile: compared((value, bound) => value < bound) },
  lte: { wants: "a number up to a bound", mistake: finite, compile: compared((value, bound) => value <= bound) },
  gt: { wants: "a number above a bound", mistake: finite, compile: compared((value, bound) => value > bound) },
  gte: { wants: "a number from a bound on", mistake: finite, compile: compared((value, bound) => value >= bound) },
  contains: {
    wants: "a list with a certain value",
    mistake: scalar,
    compile: (wanted: Scalar): Check => (value) => Array.isArray(value) ? truth(value.includes(wanted)) : UNKNOWN,
  },
  glob: {
    wants: "a text of a certain form",
    mistake: texts("a glob, or a list of them", noMistake),
    compile: (globs: string | readonly string[]): Check => {
      const matches = compileGlobs(listOf(globs));
      return onText((text) => truth(matches(text)));
    },
  },
  matches: {
    wants: "a text of a certain form",
    mistake: (operand) => typeof operand === "string" ? regexMistake(operand) : "a regular expression as text",
    compile: (source: string): Check => {
      const matches = compileRegex(source);
      return onText((text) => truth(matches(text)));
    },
  },
  known: {
    wants: "a value that the user or a trusted tool gave",
    mistake: (operand) => operand === true ? undefined : "true",
    compile: () => onText((text, _isAny, { context }) => knownTo(context).has(text)),
  },
  within: {
    wants: "a path in certain folders",
    mistake: texts("a folder, or a list of them", withinMistake),
    compile: (folders: string | readonly string[]): Check => onText(compileWithin(listOf(folders))),
  },
  host: {
    wants: "a URL of certain hosts",
    mistake: texts("a host, or a list of them", hostMistake),
    compile: (hosts: string | readonly string[]): Check => onText(compileHost(listOf(hosts))),
  },
  email: {
    wants: "one address of certain domains",
    mistake: texts("a domain, or a list of them", emailMistake),
    compile: (domains: string | readonly string[]): Check => onText(compileEmail(listOf(domains))),
  },
  command: {
    wants: "certain commands",
    mistake: texts("the words of a command, or a list of such", commandMistake),
    compile: (patterns: string | readonly string[]): Check => onText(compileCommand(listOf(patterns))),
  },
  links: {
    wants: "links to certain hosts at most",
    mistake: texts("a host, or a list of them", hostMistake, true),
    compile: (hosts: string | readonly string[]): Check => onText(compileLinks(listOf(hosts))),
  },
};
