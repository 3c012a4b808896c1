import { allow, type Deny, denyBy } from "../decision.ts";
import { Draft } from "../draft.ts";
import type { Guard } from "../guard.ts";
import { CAPPED, compileMatcher, type Matcher, NO_MATCH } from "../match/matcher.ts";
import type { BlockedPattern } from "../policy/policy.ts";
import type { GovernedRequest, Stage } from "../request.ts";
import { builtIn } from "./built-in.ts";

const ALLOW = allow();

/** The gates at which text passes. */
export const PATTERN_STAGES: readonly Stage[] = Object.freeze(
  ["input", "pre_model_call", "post_model_call", "pre_tool_call", "post_tool_call", "output"] as const,
);

/**
 * Denies what holds text that one of the patterns matches.
 *
 * A string is a case-insensitive substring; `{ pattern, type: "regex" | "glob" }` are the others, case-insensitive as
 * well.
 * Patterns are searched in every string however deep, keys included: as it stands; folded, so that spelling it with
 * look-alikes, invisible characters or other white space changes nothing; decoded where it shows an encoding; and in
 * the
 * values joined by blanks, so that `{ cmd: "rm", args: ["-rf"] }` holds `rm -rf`. A glob, `^` and `$` speak of one
 * string.
 * A date is searched as its ISO text, a URL as its `href`, a bigint as its digits, a regular expression as its source, an
 * error, a map and a set with all that they hold, and bytes where they are valid UTF-8.
 * The time is linear in the text whatever the patterns, except for a `{ regexp }`, which is unbounded and therefore
 * tried
 * on strings of at most 4096 characters only. Patterns see text, not meaning: `find / -delete` is not `rm -rf`.
 *
 * At `post_model_call` the `toolCalls` of a model's answer are left out: each is judged at its own `pre_tool_call`
 * before
 * it runs, where the model can read the refusal.
 *
 * Denies with `blocked_pattern`; its `details` name the pattern by index, its reason does not name it.
 * Denies with `payload_too_large` when a cap was reached before a pattern was found: depth 64, 100 000 values,
 * 16 Mi characters, three times the length when folded, 4096 characters for a `{ regexp }`; also when reading threw.
 *
 * @throws {TypeError} If the list is empty or a pattern is none, with its index and the position in its text.
 * @example Usage
 * ```ts
 * import { blockPatterns, createKernel } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const guard = blockPatterns(["drop table", { pattern: "rm\\s+-rf", type: "regex" }]);
 * const session = createKernel({ guards: [guard] }).session({ agentId: "ops" });
 * const payload = { cmd: "r\u200bm", args: ["-rf", "/"] };
 * const decision = await session.check({ stage: "pre_tool_call", name: "shell", payload });
 * assert.equal(decision.effect === "deny" && decision.code, "blocked_pattern");
 * ```
 */
export function blockPatterns(patterns: readonly BlockedPattern[]): Guard {
  const matcher = compilePatterns("blockPatterns()", patterns);
  return builtIn("blockPatterns", PATTERN_STAGES, (request) => {
    const found = matcher.search(searchable(request), Draft.isRead(request));
    return found === NO_MATCH ? ALLOW : denyFound("blockPatterns", found);
  });
}

/** Compiles the patterns of a guard: at least one. */
export function compilePatterns(where: string, patterns: readonly BlockedPattern[]): Matcher {
  if (Array.isArray(patterns) && patterns.length === 0) {
    throw new TypeError(
      `Cannot build ${where}: "blockedPatterns" must be an array of at least one pattern, and is an array of 0`,
    );
  }
  return compileMatcher(patterns, where);
}

/**
 * What a guard of patterns looks at: the payload, at `post_model_call` without the calls that have a gate of their own.
 */
export function searchable({ stage, payload }: GovernedRequest): unknown {
  if (stage !== "post_model_call" || !isModelAnswer(payload)) return payload;
  const { toolCalls: _, ...rest } = payload;
  return rest;
}

/** Tells whether a payload has the shape of a model's answer with calls. */
export function isModelAnswer(
  payload: unknown,
): payload is { readonly content: unknown; readonly toolCalls: readonly unknown[] } {
  return typeof payload === "object" && payload !== null && Object.hasOwn(payload, "content") &&
    Object.hasOwn(payload, "toolCalls") && Array.isArray((payload as { toolCalls: unknown }).toolCalls);
}

/** The denial for what a matcher answered to a guard. */
export function denyFound(guard: string, found: number): Deny {
  return found === CAPPED
    ? denyBy(guard, "payload_too_large", "The payload is too large, or cannot be read, to be searched for blocked text")
    : denyBy(guard, "blocked_pattern", "The payload holds text that is blocked", { pattern: found });
}
