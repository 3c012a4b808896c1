import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allow, type Decision } from "../../src/base/decision.ts";
import type { Guard } from "../../src/base/guard.ts";
import { redactPatterns } from "../../src/guards/redact-patterns.ts";
import { compileMatcher, NO_MATCH } from "../../src/match/matcher.ts";
import type { BlockedPattern } from "../../src/policy/policy.ts";
import type { Stage } from "../../src/base/request.ts";

function judge(guard: Guard, payload: unknown, stage: Stage = "output"): Decision {
  const request = { stage, name: "run", payload, callId: "1", metadata: {} };
  return guard(request, undefined as never, { dry: true, take: () => undefined }) as Decision;
}
const ssn: BlockedPattern = { pattern: "\\d{3}-\\d{2}-\\d{4}", type: "regex" };

describe("redactPatterns()", () => {
  const guard = redactPatterns([ssn, "rm -rf", "secret", { pattern: "sk-[a-z0-9]{8,}", type: "regex" }]);

  test("allows with the one frozen allowance, when nothing matches", () => {
    expect(judge(guard, { text: "hello" })).toBe(allow());
  });

  test("transforms, with the whole decision, when a text matches", () => {
    expect(judge(guard, "SSN 123-45-6789, or 987-65-4321.")).toEqual({
      effect: "transform",
      allowed: true,
      payload: "SSN [redacted], or [redacted].",
      reason: "Blocked text was masked",
      guard: "redactPatterns",
    });
  });

  test.each<readonly [string, unknown, unknown]>([
    ["deep in plain data", { a: [{ b: "a Secret", c: 1 }], d: null, e: true }, {
      a: [{ b: "a [redacted]", c: 1 }],
      d: null,
      e: true,
    }],
    ["folded only", { a: "sec\u200bret and more", b: "x" }, { a: "[redacted] and more", b: "x" }],
    ["decoded only", { a: "rm%20-rf" }, { a: "[redacted]" }],
    ["as it stands and decoded", { a: "secret rm%20-rf" }, { a: "[redacted] [redacted]" }],
    ["as it stands and goes on in another form", { a: "secret, sk-abcdefgh%69jkl" }, { a: "[redacted], [redacted]" }],
    [
      "next to an own __proto__",
      JSON.parse('{"__proto__": {"a": "secret"}}'),
      JSON.parse('{"__proto__": {"a": "[redacted]"}}'),
    ],
    ["next to undefined", { a: "secret", b: undefined }, { a: "[redacted]", b: undefined }],
  ])("masks what a match was made of, when it is %s", (_, payload, masked) => {
    const decision = judge(guard, payload);
    expect(decision).toMatchObject({ effect: "transform" });
    expect((decision as { payload: unknown }).payload).toStrictEqual(masked);
  });

  test("masks a line and no more, when a pattern takes all of a line and the text has others", () => {
    const lines = redactPatterns([{ pattern: "key: .*", type: "regex" }, "rm -rf"]);
    expect(judge(lines, "a\nkey: x%20y\nb é")).toMatchObject({ payload: "a\n[redacted]\nb é" });
    expect(judge(lines, "a\nkey: x\nrm\n-rf b\nc")).toMatchObject({ payload: "a\n[redacted]\n[redacted] b\nc" });
  });

  test("masks exactly or the whole value, when a text is too long to be traced", () => {
    const long = "some words\n".repeat(12_500);
    expect(judge(guard, `${long}secret ${long}`)).toMatchObject({ payload: `${long}[redacted] ${long}` });
    expect(judge(guard, `${long}sk-abcdefgh%69jkl ${long}`)).toMatchObject({ payload: "[redacted]" });
    expect(judge(guard, `${long}sec\u200bret ${long}`)).toMatchObject({ payload: "[redacted]" });
  });

  test("changes nothing of the payload it was given, when it masks", () => {
    const payload = { a: ["secret"] };
    judge(guard, payload);
    expect(payload).toEqual({ a: ["secret"] });
  });

  test.each<readonly [string, unknown, number]>([
    ["in a key", { secret: 1 }, 2],
    ["over two values", { cmd: "rm", args: ["-rf"] }, 1],
    [
      "in an instance",
      new (class {
        a = "secret";
      })(),
      2,
    ],
    ["in plain data with an instance", { a: "secret", b: new WeakMap() }, 2],
    ["in plain data with a function", { a: "secret", b: () => 1 }, 2],
    ["in plain data with a symbol", { a: "secret", b: Symbol("x") }, 2],
    [
      "in plain data with a hidden property",
      Object.defineProperty({ a: "secret" }, "b", { value: 1, enumerable: false }),
      2,
    ],
  ])("denies with the pattern's index, when the match is %s", (_, payload, pattern) => {
    expect(judge(guard, payload)).toEqual({
      effect: "deny",
      allowed: false,
      code: "blocked_pattern",
      reason: "The payload holds blocked text in a place that cannot be masked",
      guard: "redactPatterns",
      details: { pattern },
    });
  });

  test("denies, when the match is a number", () => {
    expect(judge(redactPatterns(["12345"]), { pin: 123456 })).toMatchObject({
      effect: "deny",
      code: "blocked_pattern",
    });
  });

  test("denies with payload_too_large, when a payload cannot be read", () => {
    expect(judge(guard, {
      get x(): string {
        throw new Error("no");
      },
    })).toMatchObject({ effect: "deny", code: "payload_too_large" });
  });

  test("denies with payload_too_large, when a value is too long for a RegExp", () => {
    expect(judge(redactPatterns([{ regexp: /secret/ }]), "a".repeat(5000))).toMatchObject({
      effect: "deny",
      code: "payload_too_large",
    });
  });

  test("lets the calls of a model's answer pass unchanged, when its content is masked", () => {
    const toolCalls = [{ id: "1", name: "shell", arguments: { cmd: "secret" } }];
    const decision = judge(guard, { content: "a secret", toolCalls, finishReason: "stop" }, "post_model_call");
    expect(decision).toMatchObject({
      effect: "transform",
      payload: { content: "a [redacted]", toolCalls, finishReason: "stop" },
    });
    expect(judge(guard, { content: "none", toolCalls }, "post_model_call")).toBe(allow());
  });

  test("uses another mask, when one is given", () => {
    expect(judge(redactPatterns(["secret"], "$&"), "a secret b")).toMatchObject({ payload: "a $& b" });
    expect(judge(redactPatterns(["secret"], ""), "a secret b")).toMatchObject({ payload: "a  b" });
  });

  test("masks the whole value, when what is left of it would match", () => {
    expect(judge(redactPatterns(["secret"], ""), "secsecretret")).toMatchObject({ payload: "" });
  });

  test.each<readonly [string, unknown, unknown, string]>([
    ["no pattern", [], undefined, '"blockedPatterns" must be an array of at least one pattern'],
    ["a mask that is no string", ["a"], 5, '"mask" must be a string, and is 5'],
    ["a mask that matches", ["redact"], undefined, '"mask" must be text that no pattern matches'],
    [
      "a pattern that matches everything",
      [{ pattern: "x*", type: "regex" }],
      "#",
      '"mask" must be text that no pattern matches',
    ],
  ])("throws, when it is given %s", (_, patterns, mask, message) => {
    expect(() => redactPatterns(patterns as string[], mask as string)).toThrow(
      `Cannot build redactPatterns(): ${message}`,
    );
  });

  test("leaves nothing that matches, when a payload is random", () => {
    const patterns: BlockedPattern[] = ["ab", "b  c", { pattern: "c+a", type: "regex" }, {
      pattern: "*cc",
      type: "glob",
    }];
    const masking = redactPatterns(patterns, "#");
    const matcher = compileMatcher(patterns, "test()");
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c", " ", "%61", "\u200b", "\\u0062"), maxLength: 10 });
    fc.assert(
      fc.property(
        fc.oneof(text, fc.array(text, { maxLength: 3 }), fc.dictionary(text, text, { maxKeys: 3 })),
        (payload) => {
          const decision = judge(masking, payload);
          const wasClean = matcher.search(payload) === NO_MATCH;
          if (decision.effect === "transform") return !wasClean && matcher.search(decision.payload) === NO_MATCH;
          return wasClean ? decision === allow() : decision.effect === "deny";
        },
      ),
      { numRuns: 500 },
    );
  });
});
