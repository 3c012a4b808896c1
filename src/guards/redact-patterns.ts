import { onlyReads } from "../combine/guard-traits.ts";
import { wrong } from "../base/check.ts";
import { allow, type Decision, denyBy, transform } from "../base/decision.ts";
import { GateRequest } from "../base/gate-request.ts";
import { defineGuard, type Guard } from "../base/guard.ts";
import { CAPPED, type Matcher, NO_MATCH } from "../match/matcher.ts";
import { merged } from "../match/ranges.ts";
import { define } from "../base/own.ts";
import type { BlockedPattern } from "../policy/policy.ts";
import type { GovernedRequest } from "../base/request.ts";
import { NOT_PLAIN, rebuilt } from "../snapshot/rebuild.ts";
import { compilePatterns, denyFound, PATTERN_STAGES } from "./block-patterns.ts";
import { isModelAnswer, isTextPart, joinsParts, searchRequest, textOf } from "./seams.ts";

/**
 * Replaces what the patterns match in string values by a mask, `"[redacted]"` unless said otherwise.
 *
 * Patterns and what they are searched in are those of `blockPatterns`. The mask takes the characters that a match was
 * made of, from the first to the last, rounded out to whole escapes and encoded runs: a secret that goes on in another
 * form is masked to its end. Where that leaves a match, the mask takes the place of the whole value. Everything else
 * stays as it is, and where nothing matches the guard allows. Goes last: guards before it judge the masked payload
 * again.
 *
 * Of a `ModelRequest` and a `ModelAnswer` the text parts of one list are masked as the one text that they are: the mask
 * stands where a match begins, and the parts that it goes on in lose their share of it. `content` stays what the parts
 * say, where it was that.
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

/** How a payload is masked. */
interface Masking {
  readonly matcher: Matcher;
  readonly mask: string;
  /** The one part that stays what it is. */
  readonly passes: unknown;
  /** The text parts of one list are one text. */
  readonly joins: boolean;
}

function redact(request: GovernedRequest, matcher: Matcher, mask: string): Decision {
  const found = searchRequest(request, matcher, GateRequest.isRead(request));
  if (found === NO_MATCH) return allow();
  if (found === CAPPED) return denyFound("redactPatterns", found);
  const { stage } = request;
  const passes = stage === "post_model_call" && isModelAnswer(request.payload) ? request.payload.toolCalls : undefined;
  const payload = maskedIn(request.payload, { matcher, mask, passes, joins: joinsParts(request) });
  if (payload === NOT_PLAIN) return unmaskable(found);
  const left = searchRequest({ ...request, payload }, matcher, false);
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

/** A copy with the matches in string values masked. */
function maskedIn(value: unknown, how: Masking): unknown {
  if (typeof value === "string") return maskText(value, how.matcher, how.mask);
  if (typeof value !== "object" || value === null || value === how.passes) {
    return typeof value === "function" || typeof value === "symbol" ? NOT_PLAIN : value;
  }
  const isArray = Array.isArray(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!isArray && prototype !== Object.prototype && prototype !== null) {
    return rebuilt(value, {
      text: (text) => maskText(text, how.matcher, how.mask),
      part: (item) => maskedIn(item, how),
    });
  }
  const keys = Object.keys(value);
  // Hidden properties would be lost in the copy.
  if (Reflect.ownKeys(value).length !== keys.length + (isArray ? 1 : 0)) return NOT_PLAIN;
  const copy: object = isArray ? new Array(value.length) : {};
  for (const key of keys) {
    const item = maskedIn((value as Record<string, unknown>)[key], how);
    if (item === NOT_PLAIN) return NOT_PLAIN;
    // Defined, not assigned: a key "__proto__" is a key like any other.
    define(copy, key, item);
  }
  if (how.joins) {
    if (isArray) maskJoined(value, copy as unknown[], how);
    else tellParts(value, copy);
  }
  return copy;
}

/**
 * Masks the text parts of a list as the one text that they are, in a copy of it in which each was masked by itself: of a
 * match that goes on in the next part nothing may be left there.
 */
function maskJoined(parts: readonly unknown[], copy: readonly unknown[], { matcher, mask }: Masking): void {
  const places = parts.flatMap((part, place) => (isTextPart(part) ? [place] : []));
  if (places.length < 2 || matcher.search(textOf(parts)) === NO_MATCH) return;
  const texts = maskPieces(parts.filter(isTextPart).map(({ text }) => text), matcher, mask);
  places.forEach((place, i) => define(copy[place] as object, "text", texts[i]));
}

function maskPieces(pieces: readonly string[], matcher: Matcher, mask: string): readonly string[] {
  const finds = (text: string): boolean => matcher.search(text) !== NO_MATCH;
  let out = pieces;
  for (const joinsLines of [false, true]) {
    let begin = 0;
    const alone = out.flatMap((piece) => {
      const ranges = finds(piece) ? matcher.cover(piece, joinsLines) : [];
      begin += piece.length;
      return ranges.map(([from, to]): [number, number] => [from + begin - piece.length, to + begin - piece.length]);
    });
    out = replacedIn(out, merged([...alone, ...matcher.cover(out.join(""), joinsLines)]), mask);
    if (!finds(out.join("")) && !out.some(finds)) return out;
  }
  return pieces.map((_, i) => (i === 0 ? mask : ""));
}

/** Where the content of a message was what its text parts say, it is that again. */
function tellParts(before: object, after: object): void {
  if (!Object.hasOwn(before, "content") || !Object.hasOwn(before, "parts")) return;
  const { content, parts } = before as { readonly content: unknown; readonly parts: unknown };
  if (!Array.isArray(parts)) return;
  if (content === textOf(parts)) define(after, "content", textOf((after as { parts: unknown[] }).parts));
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

/** The same in a text that stands in pieces: a mask stands in the piece in which its match begins. */
function replacedIn(
  pieces: readonly string[],
  ranges: readonly (readonly [number, number])[],
  mask: string,
): string[] {
  let begin = 0;
  return pieces.map((piece) => {
    const [first, end] = [begin, begin + piece.length];
    begin = end;
    let out = "";
    let from = first;
    for (const [start, stop] of ranges) {
      if (stop <= first || start >= end) continue;
      if (start >= first) out += piece.slice(from - first, start - first) + mask;
      from = Math.min(stop, end);
    }
    return out + piece.slice(from - first);
  });
}
