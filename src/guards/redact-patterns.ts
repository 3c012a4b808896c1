import { onlyReads } from "../combine/guard-traits.ts";
import { wrong } from "../base/check.ts";
import { allow, type Decision, denyBy, transform } from "../base/decision.ts";
import { GateRequest } from "../base/gate-request.ts";
import { defineGuard, type Guard } from "../base/guard.ts";
import { CAPPED, type Matcher, NO_MATCH } from "../match/matcher.ts";
import { define } from "../base/own.ts";
import type { BlockedPattern } from "../policy/policy.ts";
import type { GovernedRequest } from "../base/request.ts";
import { NOT_PLAIN, rebuilt } from "../snapshot/rebuild.ts";
import { compilePatterns, denyFound, isModelAnswer, PATTERN_STAGES, searchable } from "./block-patterns.ts";

/**
 * Replaces what the patterns match in string values by a mask, `"[redacted]"` unless said otherwise.
 *
 * Patterns and what they are searched in are those of `blockPatterns`. The mask takes the characters that a match was
 * made of, from the first to the last, rounded out to whole escapes and encoded runs: a secret that goes on in another
 * form is masked to its end. Where that leaves a match, the mask takes the place of the whole value. Everything else
 * stays as it is, and where nothing matches the guard allows. Goes last: guards before it judge the masked payload
 * again.
 *
 * Maps, sets, errors, URLs and bytes that are text are given back as what they were, with what matches in them masked.
 *
 * Denies with `blocked_pattern` where masking values cannot help: the match is in a key, a number, a date or a regular
 * expression, spans several values, the payload is not plain data, or a URL or typed array would be none with the mask.
 * Denies with `payload_too_large` when a cap was reached.
 *
 * At `post_model_call` the `toolCalls` of a model's answer pass unchanged; each is judged at its own `pre_tool_call`.
 *
 * @throws {TypeError} If the list is empty, a pattern is none, or the mask is no string or matches a pattern itself.
 * @example Usage
 * ```ts
 * import { createKernel, redactPatterns } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const guard = redactPatterns([{ pattern: "\\d{3}-\\d{2}-\\d{4}", type: "regex" }]);
 * const session = createKernel({ guards: [guard] }).session({ agentId: "desk" });
 * const decision = await session.check({ stage: "output", name: "run", payload: "SSN 123-45-6789" });
 * assert.equal(decision.effect === "transform" && decision.payload, "SSN [redacted]");
 * ```
 */
export function redactPatterns(patterns: readonly BlockedPattern[], mask = "[redacted]"): Guard {
  const matcher = compilePatterns("redactPatterns()", patterns);
  if (typeof mask !== "string") throw wrong("redactPatterns()", "mask", "a string", mask);
  if (matcher.search(mask) !== NO_MATCH) throw wrong("redactPatterns()", "mask", "text that no pattern matches", mask);
  return onlyReads(
    defineGuard({ name: "redactPatterns", stages: PATTERN_STAGES, check: (request) => redact(request, matcher, mask) }),
  );
}

function redact(request: GovernedRequest, matcher: Matcher, mask: string): Decision {
  const found = matcher.search(searchable(request), GateRequest.isRead(request));
  if (found === NO_MATCH) return allow();
  if (found === CAPPED) return denyFound("redactPatterns", found);
  const passes = request.stage === "post_model_call" && isModelAnswer(request.payload)
    ? request.payload.toolCalls
    : undefined;
  const payload = masked(request.payload, matcher, mask, passes);
  if (payload === NOT_PLAIN) return unmaskable(found);
  const left = matcher.search(searchable({ ...request, payload }));
  return left === NO_MATCH ? transform(payload, "Blocked text was masked") : unmaskable(left);
}

/** The denial where blocked text stands where no mask can. */
function unmaskable(found: number): Decision {
  if (found === CAPPED) return denyFound("redactPatterns", found);
  return denyBy(
    "redactPatterns",
    "blocked_pattern",
    "The payload holds blocked text in a place that cannot be masked",
    {
      pattern: found,
    },
  );
}

/** A copy with the matches in string values masked; `passes` is the one part that stays what it is. */
function masked(value: unknown, matcher: Matcher, mask: string, passes: unknown): unknown {
  if (typeof value === "string") return maskText(value, matcher, mask);
  if (typeof value !== "object" || value === null || (value === passes && passes !== undefined)) {
    return typeof value === "function" || typeof value === "symbol" ? NOT_PLAIN : value;
  }
  const isArray = Array.isArray(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!isArray && prototype !== Object.prototype && prototype !== null) {
    return rebuilt(value, {
      text: (text) => maskText(text, matcher, mask),
      part: (item) => masked(item, matcher, mask, passes),
    });
  }
  const keys = Object.keys(value);
  // Hidden properties would be lost in the copy.
  if (Reflect.ownKeys(value).length !== keys.length + (isArray ? 1 : 0)) return NOT_PLAIN;
  const copy: object = isArray ? new Array(value.length) : {};
  for (const key of keys) {
    const item = masked((value as Record<string, unknown>)[key], matcher, mask, passes);
    if (item === NOT_PLAIN) return NOT_PLAIN;
    // Defined, not assigned: a key "__proto__" is a key like any other.
    define(copy, key, item);
  }
  return copy;
}

function maskText(text: string, matcher: Matcher, mask: string): string {
  const found = matcher.search(text);
  if (found === NO_MATCH) return text;
  // Line by line where that is enough; a match that spans lines is masked after that.
  let out = text;
  for (const joinsLines of [false, true]) {
    out = replaced(out, matcher.cover(out, joinsLines), mask);
    if (matcher.search(out) === NO_MATCH) return out;
  }
  return mask;
}

function replaced(text: string, ranges: readonly (readonly [number, number])[], mask: string): string {
  let out = "";
  let from = 0;
  for (const [start, end] of ranges) {
    out += text.slice(from, start) + mask;
    from = end;
  }
  return out + text.slice(from);
}
