import { describe, expect, test } from "vitest";
import { allow, type Decision } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import { blockPatterns } from "../../src/guards/block-patterns.ts";
import { createKernel } from "../../src/preset/create-kernel.ts";
import type { BlockedPattern } from "../../src/policy/policy.ts";
import type { GovernedRequest, Stage } from "../../src/base/request.ts";

function judge(guard: Guard, payload: unknown, stage: Stage = "pre_tool_call"): Decision {
  const request = { stage, name: "shell", payload, callId: "1", metadata: {} };
  return guard(request, undefined as never, { dry: true, take: () => undefined }) as Decision;
}

describe("blockPatterns()", () => {
  const guard = blockPatterns(["drop table", { pattern: "rm\\s+-rf", type: "regex" }]);

  test("has a name and the gates at which text passes, when it is made", () => {
    expect([guard.guardName, guard.stages]).toEqual(["blockPatterns", [
      "input",
      "pre_model_call",
      "post_model_call",
      "pre_tool_call",
      "post_tool_call",
      "output",
    ]]);
  });

  test("allows with the one frozen allowance, when nothing matches", () => {
    expect(judge(guard, { cmd: "ls", args: ["-la"] })).toBe(allow());
  });

  test("denies with the pattern's index and without its text, when a payload matches", () => {
    expect(judge(guard, { cmd: "rm", args: ["-rf", "/"] })).toEqual({
      effect: "deny",
      allowed: false,
      code: "blocked_pattern",
      reason: "The payload holds text that is blocked",
      guard: "blockPatterns",
      details: { pattern: 1 },
    });
  });

  test.each<readonly [string, unknown]>([
    ["cannot be read", {
      get x(): string {
        throw new Error("no");
      },
    }],
    ["grows too long when folded", "\ufdfa".repeat(50_000)],
  ])("denies with payload_too_large, when a payload %s", (_, payload) => {
    expect(judge(guard, payload)).toMatchObject({ effect: "deny", code: "payload_too_large" });
  });

  test("leaves the calls to their own gate, when a model's answer holds a blocked one", () => {
    const toolCalls = [{ id: "1", name: "shell", arguments: { cmd: "rm -rf /" } }];
    expect(judge(guard, { content: "on it", toolCalls }, "post_model_call")).toBe(allow());
  });

  // Where nothing runs on it, what can't be copied goes on by reference, and whoever gets it can reach all of it.
  const hidden: readonly (readonly [string, unknown])[] = [
    ["under a symbol", { [Symbol("k")]: "drop table" }],
    ["in a symbol's name", { a: [{ [Symbol("drop table")]: 1 }] }],
    [
      "in a property that is not enumerable",
      Object.defineProperty({ run: () => 1 }, "x", { value: "drop table" }),
    ],
    ["in an array's property", Object.assign([Symbol("s")], { extra: "drop table" })],
    ["in a Map with an own constructor", Object.assign(new Map([["q", "drop table"]]), { constructor: Object })],
    ["in a Set that has properties", [Object.assign(new Set(["drop table"]), { a: 1 })]],
  ];

  test.each(hidden)("denies at output, when the match is %s", async (_, payload) => {
    const session = createKernel({ guards: [guard] }).session({ agentId: "a" });
    expect(await session.check({ stage: "output", name: "execute", payload })).toMatchObject({
      effect: "deny",
      code: "blocked_pattern",
    });
  });

  test.each(hidden)("denies, when another guard has it asked about a match %s", async (_, payload) => {
    const others: Guard[] = [
      (request, context, taking) => guard({ ...request, payload }, context, taking),
      (request, context, taking) =>
        guard(Object.create(request, { payload: { value: payload } }) as GovernedRequest, context, taking),
      (request, context, taking) =>
        guard(
          new Proxy(request, { get: (target, key) => (key === "payload" ? payload : Reflect.get(target, key)) }),
          context,
          taking,
        ),
      (request, context, taking) => {
        const { payload: own } = request;
        const draft = request as { payload: unknown };
        draft.payload = payload;
        const answer = guard(request, context, taking);
        draft.payload = own;
        return answer;
      },
    ];
    for (const check of others) {
      const session = createKernel({ guards: [defineGuard({ name: "other", stages: ["pre_tool_call"], check })] })
        .session({ agentId: "a" });
      expect(await session.check({ stage: "pre_tool_call", name: "shell", payload: {} })).toMatchObject({
        effect: "deny",
        code: "blocked_pattern",
      });
    }
  });

  test.each<readonly [string, unknown, Stage]>([
    ["the content of a model's answer", { content: "rm -rf /", toolCalls: [] }, "post_model_call"],
    ["a tool's arguments of the same shape", { content: "", toolCalls: ["rm -rf /"] }, "pre_tool_call"],
    ["a model's answer without content", { toolCalls: ["rm -rf /"] }, "post_model_call"],
    ["calls that are no list", { content: "", toolCalls: { a: "rm -rf /" } }, "post_model_call"],
    ["an answer that is text", "rm -rf /", "post_model_call"],
    ["an input", "rm -rf /", "input"],
  ])("denies, when the match is in %s", (_, payload, stage) => {
    expect(judge(guard, payload, stage)).toMatchObject({ effect: "deny", code: "blocked_pattern" });
  });

  test.each<readonly [string, unknown, string]>([
    ["no pattern", [], '"blockedPatterns" must be an array of at least one pattern, and is an array of 0'],
    ["no list", "rm", '"blockedPatterns" must be an array of patterns, and is "rm"'],
    [
      "a pattern that is empty",
      ["a", ""],
      '"blockedPatterns[1]" must be a pattern that is not empty, since an empty one matches every text, and is ""',
    ],
    [
      "a pattern with look-around",
      [{ pattern: "a(?=b)", type: "regex" }],
      '"blockedPatterns[0]" must be a regex of the linear subset (at position 1: a group without look-around was wanted), and is "a(?=b)"',
    ],
  ])("throws a TypeError, when it is given %s", (_, patterns, message) => {
    expect(() => blockPatterns(patterns as BlockedPattern[])).toThrow(
      new TypeError(`Cannot build blockPatterns(): ${message}`),
    );
  });

  test("keeps its patterns, when the list is emptied later", () => {
    const patterns = ["secret"];
    const own = blockPatterns(patterns);
    patterns.length = 0;
    expect(judge(own, "my secret").effect).toBe("deny");
  });
});
