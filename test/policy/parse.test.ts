import { describe, expect, test } from "vitest";
import { definePolicy } from "../../src/policy/define.ts";
import { isPolicyError } from "../../src/policy/error.ts";
import { parsePolicy, type ParsePolicyOptions } from "../../src/policy/parse.ts";
import type { PolicyInit } from "../../src/policy/policy.ts";

function pathsOf(json: unknown, options?: ParsePolicyOptions): string[] {
  try {
    parsePolicy(json, options);
  } catch (error) {
    if (isPolicyError(error)) return error.mistakes.map(({ path }) => path);
    throw error;
  }
  return [];
}

describe("parsePolicy()", () => {
  test.each<[string, unknown]>([
    ["an object", { maxTokens: 7, blockedPatterns: ["x", { pattern: "a+", type: "regex" }] }],
    ["JSON text", '{"maxTokens": 7, "blockedPatterns": ["x", {"pattern": "a+", "type": "regex"}]}'],
    ["an object with a $schema", {
      $schema: "./policy.schema.json",
      maxTokens: 7,
      blockedPatterns: ["x", { pattern: "a+", type: "regex" }],
    }],
    ["a policy", definePolicy({ maxTokens: 7, blockedPatterns: ["x", { pattern: "a+", type: "regex" }] })],
    [
      "a policy's JSON text",
      JSON.stringify(definePolicy({ maxTokens: 7, blockedPatterns: ["x", { pattern: "a+", type: "regex" }] })),
    ],
  ])("parsePolicy() takes %s", (_, json) => {
    expect(
      parsePolicy(json).diff(definePolicy({ maxTokens: 7, blockedPatterns: ["x", { pattern: "a+", type: "regex" }] })),
    ).toEqual({});
  });

  test.each<[string, unknown, string[]]>([
    ["a snake_case key", { max_tokens: 7 }, ["max_tokens"]],
    ["every mistake at once", '{"maxTokens": 0, "nope": 1, "allowedTools": ["a b"]}', [
      "nope",
      "maxTokens",
      "allowedTools[0]",
    ]],
    ["a __proto__ key in text", '{"__proto__": {}}', ["__proto__"]],
    ["a $schema that is no string", { $schema: 1 }, ["$schema"]],
    ["undefined", undefined, [""]],
    ["null", null, [""]],
    ["an array", "[]", [""]],
    ["a number", 5, [""]],
    ["an empty text", "", [""]],
    ["a pair as a pattern", { blockedPatterns: [["a", "glob"]] }, ["blockedPatterns[0]"]],
  ])("parsePolicy() refuses %s", (_, json, paths) => {
    expect(pathsOf(json)).toEqual(paths);
  });

  test("parsePolicy() says where, when a text is no JSON", () => {
    expect(() => parsePolicy('{\n  "maxTokens": 7,\n}')).toThrow(
      'Cannot build parsePolicy(): "policy" must be JSON text (a key in double quotes was wanted at line 3, column 1), and is ',
    );
  });

  test("parsePolicy() refuses a key that stands twice, since readers differ in which one counts", () => {
    expect(() => parsePolicy('{"allowedTools": [], "allowedTools": ["rm"]}')).toThrow(
      "a key that stands once was wanted at line 1, column 22",
    );
  });

  test.each([["python"], [null], [1], ["__proto__"]])(
    "parsePolicy() throws a TypeError, when the dialect is %j",
    (dialect) => {
      expect(() => parsePolicy({}, { dialect: dialect as "agent-os" })).toThrow(
        /Cannot build parsePolicy\(\): "dialect" must be "sallyport" or "agent-os"/,
      );
    },
  );
});

describe("parsePolicy() of the agent-os dialect", () => {
  const agentOs = { dialect: "agent-os" } as const;

  test.each<[string, unknown, PolicyInit]>([
    ["nothing", {}, {}],
    ["JSON text", '{"max_tokens": 7}', { maxTokens: 7 }],
    [
      "every field",
      {
        name: "n",
        version: "2",
        max_tokens: 1,
        max_tool_calls: 0,
        allowed_tools: ["a"],
        blocked_patterns: ["x"],
        require_human_approval: true,
        timeout_seconds: 30,
        confidence_threshold: 0.5,
        drift_threshold: 0.3,
        log_all_calls: false,
        checkpoint_frequency: 2,
        max_concurrent: 4,
        backpressure_threshold: 3,
      },
      {
        name: "n",
        version: "2",
        maxTokens: 1,
        maxToolCalls: 0,
        allowedTools: ["a"],
        blockedPatterns: ["x"],
        requireHumanApproval: true,
        timeoutMs: 30_000,
        confidenceThreshold: 0.5,
        driftThreshold: 0.3,
        logAllCalls: false,
        checkpointFrequency: 2,
        maxConcurrent: 4,
        backpressureThreshold: 3,
      },
    ],
    ["an empty list of tools as every tool", { allowed_tools: [] }, {}],
    ["a drift threshold of 0 as off", { drift_threshold: 0 }, { driftThreshold: 1 }],
    [
      "patterns of each form",
      { blocked_patterns: ["x", { pattern: "a+", type: "regex" }, ["*.exe", "glob"]] },
      { blockedPatterns: ["x", { pattern: "a+", type: "regex" }, { pattern: "*.exe", type: "glob" }] },
    ],
    ["sections that are off", {
      prompt_injection: {},
      token_budget: { enabled: false, limit: 5 },
      rate_limiter: undefined,
      bounded_semaphore: {},
      scope_guard: {},
      supply_chain: {},
      mcp_security: {},
      detection: {},
    }, {}],
  ])("parsePolicy() takes %s", (_, json, init) => {
    const policy = parsePolicy(json, agentOs);
    expect({ ...policy }).toStrictEqual({ ...definePolicy(init) });
  });

  test.each<[string, unknown, string[]]>([
    ["a camelCase key", { maxTokens: 7 }, ["maxTokens"]],
    ["a schema", { $schema: "x" }, ["$schema"]],
    ["a boolean for a number", { max_tokens: true, timeout_seconds: true }, ["timeout_seconds", "max_tokens"]],
    ["seconds that are none", { timeout_seconds: 0 }, ["timeout_seconds"]],
    ["a part of a second", { timeout_seconds: 0.5 }, ["timeout_seconds"]],
    ["more seconds than can be counted in ms", { timeout_seconds: 2 ** 52 }, ["timeout_seconds"]],
    ["null for a field", { allowed_tools: null, blocked_patterns: null, drift_threshold: null }, [
      "allowed_tools",
      "blocked_patterns",
      "drift_threshold",
    ]],
    ["a text for a list", { allowed_tools: "a" }, ["allowed_tools"]],
    ["wrong entries", { allowed_tools: ["a", 5], blocked_patterns: [["a", "GLOB"], ["a"], ["a", "glob", "x"], 5] }, [
      "allowed_tools[1]",
      "blocked_patterns[0]",
      "blocked_patterns[1]",
      "blocked_patterns[2]",
      "blocked_patterns[3]",
    ]],
    ["approval by name, which that form has not", { require_human_approval: ["a"] }, ["require_human_approval"]],
    ["approval that is only truthy", { require_human_approval: 1 }, ["require_human_approval"]],
    ["a section that is on", { prompt_injection: { enabled: true } }, ["prompt_injection"]],
    ["a section that does not say", { token_budget: { limit: 5 } }, ["token_budget"]],
    ["a section that is only falsy", { rate_limiter: { enabled: 0 } }, ["rate_limiter"]],
    ["a section that is no object", { scope_guard: [], supply_chain: null, mcp_security: false, detection: "off" }, [
      "scope_guard",
      "supply_chain",
      "mcp_security",
      "detection",
    ]],
    ["no object", [], [""]],
    ["a policy of ours", definePolicy(), [""]],
    ["a __proto__ key", '{"__proto__": {}}', ["__proto__"]],
  ])("parsePolicy() refuses %s", (_, json, paths) => {
    expect(pathsOf(json, agentOs)).toEqual(paths);
  });

  test("parsePolicy() refuses a regular expression that is not of the linear subset", () => {
    expect(pathsOf({ blocked_patterns: [{ pattern: "(a+)\\1", type: "regex" }] }, agentOs)).toEqual([
      "blocked_patterns[0]",
    ]);
  });

  test("parsePolicy() hints at the key that was meant", () => {
    expect(() => parsePolicy({ blocked_pattern: ["x"] }, agentOs)).toThrow(
      'a known field (did you mean "blocked_patterns"?)',
    );
  });
});
