import { allow, type Deny, denyBy } from "../base/decision.ts";
import { GateRequest } from "../base/gate-request.ts";
import type { Guard } from "../base/guard.ts";
import { CAPPED, compileMatcher, type Matcher, NO_MATCH } from "../match/matcher.ts";
import type { BlockedPattern } from "../policy/policy.ts";
import type { Stage } from "../base/request.ts";
import { builtIn } from "./built-in.ts";
import { searchRequest } from "./seams.ts";

const ALLOW = allow();

/** The gates at which text passes. */
export const PATTERN_STAGES: readonly Stage[] = Object.freeze(
  ["input", "pre_model_call", "post_model_call", "pre_tool_call", "post_tool_call", "output"] as const,
);

/**
 * Denies what holds text that one of the patterns matches.
 *
 * A string is a case-insensitive substring; `{ pattern, type: "regex" | "glob" }` are the others, case-insensitive as
 * well. Patterns are searched in every string however deep, keys included: as it stands; folded, so that spelling it with
 * look-alikes, invisible characters or other white space changes nothing; decoded where it shows an encoding; and in the
 * values joined by blanks, so that `{ cmd: "rm", args: ["-rf"] }` holds `rm -rf`. A glob, `^` and `$` speak of one
 * string. What one pattern finds does not depend on the others. The time is linear in the text whatever the patterns,
 * except for a `{ regexp }`, which is unbounded and therefore tried on strings of at most 4096 characters only. Patterns
 * see text, not meaning: `find / -delete` is not `rm -rf`.
 *
 * A date is searched as its ISO text, a URL as its `href`, a bigint as its digits, a regular expression as its source, an
 * error, a map and a set with all that they hold, and bytes where they are valid UTF-8.
 *
 * - *Folded*: compatibility forms (full width, mathematical letters, ligatures), invisible and control characters, lone
 *   surrogates and marks that stand alone dropped, white space as one blank, case (`ß`, `ẞ` and `ss` are one; the dotless
 *   `ı` is no `i`), Cyrillic, Greek and Armenian letters inside an otherwise Latin word. A word that is wholly of another
 *   script is not Latin.
 * - *Decoded*, three levels deep and each in the folded text as well: percent escapes (`%70`, `%u0070`, `+` for a blank
 *   beside one), entities (decimal and hexadecimal with any noughts, with a semicolon or without; those with a name that
 *   stand for ASCII, for nothing, for blanks or for letters in another style), escapes of JSON, JavaScript, Java, C and
 *   shells (`\x70`, `\x{70}`, `\u0070`, `\u{70}`, `\U00000070`, `\160`), backslashes that a shell drops, and quotes
 *   beside one; text in tag characters, variation selectors or turned by U+202E.
 * - *Hexadecimal and base64* of four or six bytes of ASCII and more: hexadecimal also with blanks, line ends, colons,
 *   commas, `0x` or `\x` between the bytes; base64 and base64url, in a data URL, after other text, in lines of any length
 *   that hold nothing else, indented or not, or in groups of eleven characters or more with blanks. Base64 of other text
 *   only for patterns that speak of characters outside ASCII.
 * - *In groups* of up to 24 characters, of one digit or letter too, with up to 64 of anything between them but letters,
 *   digits, `+`, `/`, `=`, `%` and `\` (and in groups of up to ten where it is one dash or underscore): hexadecimal where
 *   one of its digits is a letter, since numbers are seldom that; base64 of text in ASCII where of eight characters that
 *   follow each other two are capitals or digits, which is so for 99 in 100 words of six letters and more. A match of
 *   which groups say only a part is not found.
 * - *Not decoded*: quotes in a word without any backslash, CSS escapes, quoted-printable, base32, base85, lists of
 *   character codes, ciphers, compressed data.
 *
 * Chance is no match: what can match at most six characters does not count inside a long run (512 characters) of base64
 * or hexadecimal that looks random, and of bytes that are no text only pieces count that are too long for chance.
 *
 * No text is judged over a seam that no model sees joined: at `pre_model_call` each message of a `ModelRequest` is
 * searched by itself (its role, content and parts, without a blank between them and another message), and so is what
 * stands beside the messages; at `post_model_call` what a `ModelAnswer` says, and what is told beside it. The text
 * parts of one list there are one text as well, so that what is split over them is found.
 *
 * At `post_model_call` the `toolCalls` of a model's answer are left out: each is judged at its own `pre_tool_call`
 * before it runs, where the model can read the refusal.
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
    const found = searchRequest(request, matcher, GateRequest.isRead(request));
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

/** The denial for what a matcher answered to a guard. */
export function denyFound(guard: string, found: number): Deny {
  return found === CAPPED
    ? denyBy(guard, "payload_too_large", "The payload is too large, or cannot be read, to be searched for blocked text")
    : denyBy(guard, "blocked_pattern", "The payload holds text that is blocked", { pattern: found });
}
