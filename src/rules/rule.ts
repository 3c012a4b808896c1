import type { Stage } from "../base/request.ts";

/** A value that conditions compare with. */
export type Scalar = string | number | boolean;

/**
 * What must hold at places of a payload, all of it together: a key is a place (`to`, `message.to`, `items.*.amount`,
 * `**.url`, `$tainted`), or `allOf`, `anyOf` or `not`.
 */
export interface Condition {
  /** A place and what must hold there. */
  readonly [place: string]: Test | Condition | readonly Condition[] | undefined;
  /** All of these hold. */
  readonly allOf?: readonly Condition[];
  /** One of these holds. */
  readonly anyOf?: readonly Condition[];
  /** This does not hold. */
  readonly not?: Condition;
}

/** What must hold for a value: all operators, of the same value. */
export interface Test {
  /** One of these tests holds. */
  readonly anyOf?: readonly Test[];
  /** The text stands, whole, in what the session's user said or a trusted tool answered. */
  readonly known?: true;
  /** Every link in the text has one of these hosts; `[]`: there is no link. */
  readonly links?: string | readonly string[];
  /** Something, or nothing, is there. */
  readonly exists?: boolean;
  /** The same type and value. */
  readonly eq?: Scalar;
  /** One of these. */
  readonly in?: readonly Scalar[];
  /** What a fact is: `$metadata.user`. */
  readonly same?: `$${string}`;
  /** Below. */
  readonly lt?: number;
  /** At most. */
  readonly lte?: number;
  /** Above. */
  readonly gt?: number;
  /** At least. */
  readonly gte?: number;
  /** The whole text is as one of these globs: `*` is any run of characters. */
  readonly glob?: string | readonly string[];
  /** The whole text is as a regular expression of the linear subset, exact in case unless `(?i:…)`. */
  readonly matches?: string;
  /** The list has it. */
  readonly contains?: Scalar;
  /** The path is in one of these folders. */
  readonly within?: string | readonly string[];
  /** The URL's host is one of these: `[scheme://]host[:port]`, with `*`. */
  readonly host?: string | readonly string[];
  /** The address's domain is one of these globs. */
  readonly email?: string | readonly string[];
  /** Each simple command of the shell line is as one of these: words, a last `*` any more. */
  readonly command?: string | readonly string[];
}

/** How much the acts that a rule applies to may use together. */
export interface RuleLimit {
  /** A whole number >= 0; of dollars, a number. */
  readonly max: number;
  /** What is counted. Default `"calls"`; tokens and dollars only at `pre_model_call`. */
  readonly of?: "calls" | "tokens" | "costUsd";
  /** How far back, in ms, sliding: a whole number >= 1. Absent: for ever. */
  readonly windowMs?: number;
  /** Whose acts count together. Default `"session"`; `"agent"`, or a fact of the session's metadata. */
  readonly by?: "session" | "agent" | `$metadata.${string}`;
}

/**
 * A rule: which acts it applies to, and what must hold for them.
 *
 * It is broken where `when` holds (absent: always) and `require` does not, or `limit` is used up; one with neither is
 * broken wherever `when` holds. What cannot be told counts as broken.
 */
export interface RuleInit {
  /** Stands in decisions and events. */
  readonly id?: string;
  /** Globs of tools, whose case does not count; only where all `stages` are of tools. Absent: all. */
  readonly tools?: string | readonly string[];
  /** Globs of agentIds, whose case does not count. Absent: all. */
  readonly agents?: string | readonly string[];
  /** The gates. Default `pre_tool_call`. */
  readonly stages?: readonly Stage[];
  /** Where it holds, or cannot be told, the rule speaks. Some of the values found must pass. */
  readonly when?: Condition;
  /** What must hold. There must be a value, and all of them must pass. */
  readonly require?: Condition;
  /** How much may be used. */
  readonly limit?: RuleLimit;
  /** What a broken rule does. Default `deny`; must be written where there is neither `require` nor `limit`. */
  readonly effect?: "deny" | "escalate";
  /** For people. */
  readonly reason?: string;
}
