import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { definePolicy, isPolicy } from "../../src/policy/define.ts";
import { isPolicyError, type PolicyMistake } from "../../src/policy/error.ts";
import { parsePolicy } from "../../src/policy/parse.ts";
import type { PolicyInit } from "../../src/policy/policy.ts";
import { policyInit } from "./policies.ts";

const DEFAULTS = {
  name: "default",
  version: "1.0.0",
  maxTokens: 4096,
  maxToolCalls: 10,
  deniedTools: [],
  blockedPatterns: [],
  requireHumanApproval: false,
  rules: [],
  untrustedTools: [],
  trustedTools: [],
  timeoutMs: 300_000,
  confidenceThreshold: 0.8,
  driftThreshold: 0.15,
  logAllCalls: true,
  checkpointFrequency: 5,
  maxConcurrent: 10,
  backpressureThreshold: 8,
};

function mistakesOf(init: unknown): readonly PolicyMistake[] {
  try {
    definePolicy(init as PolicyInit);
  } catch (error) {
    if (isPolicyError(error)) return error.mistakes;
    throw error;
  }
  return [];
}

describe("definePolicy() defaults", () => {
  test("definePolicy() has the documented defaults, when nothing is given", () => {
    expect({ ...definePolicy() }).toStrictEqual(DEFAULTS);
    expect({ ...definePolicy({}) }).toStrictEqual(DEFAULTS);
  });

  test("definePolicy() has no allowedTools, when absent", () => {
    expect("allowedTools" in definePolicy()).toBe(false);
  });

  test("definePolicy() takes undefined for absent", () => {
    const init = Object.fromEntries([...Object.keys(DEFAULTS), "allowedTools"].map((key) => [key, undefined]));
    expect({ ...definePolicy(init as PolicyInit) }).toStrictEqual(DEFAULTS);
  });
});

describe("definePolicy() takes", () => {
  test.each<[string, PolicyInit]>([
    ["the least of each limit", {
      maxTokens: 1,
      maxToolCalls: 0,
      timeoutMs: 1,
      confidenceThreshold: 0,
      driftThreshold: 0,
      checkpointFrequency: 1,
      maxConcurrent: 1,
      backpressureThreshold: 1,
    }],
    ["the most of each limit", {
      maxTokens: Number.MAX_SAFE_INTEGER,
      maxToolCalls: Number.MAX_SAFE_INTEGER,
      confidenceThreshold: 1,
      driftThreshold: 1,
    }],
    ["names of Object.prototype as tools", {
      allowedTools: ["__proto__", "constructor", "toString"],
      deniedTools: ["hasOwnProperty"],
    }],
    ["a tool's name of 128 characters", { allowedTools: ["x".repeat(128)] }],
    ["every kind of pattern", {
      blockedPatterns: ["a", { pattern: "a", type: "substring" }, { pattern: "a+", type: "regex" }, {
        pattern: "*.exe",
        type: "glob",
      }],
    }],
    ["approval of some tools", { requireHumanApproval: ["pay", "mcp:files/write"] }],
    ["no approval of any tool", { requireHumanApproval: [] }],
  ])("%s", (_, init) => {
    expect({ ...definePolicy(init) }).toStrictEqual({ ...DEFAULTS, ...init });
  });

  test("an object without a prototype", () => {
    expect(definePolicy(Object.assign(Object.create(null), { maxTokens: 7 }) as PolicyInit).maxTokens).toBe(7);
  });

  test("-0 as 0", () => {
    const policy = definePolicy({ maxToolCalls: -0, driftThreshold: -0 });
    expect([policy.maxToolCalls, policy.driftThreshold]).toEqual([0, 0]);
  });

  test("a policy of ours, and returns it", () => {
    const policy = definePolicy({ maxTokens: 7 });
    expect(definePolicy(policy)).toBe(policy);
  });

  test("a spread policy", () => {
    expect(definePolicy({ ...definePolicy({ maxTokens: 7 }), maxToolCalls: 1 })).toMatchObject({
      maxTokens: 7,
      maxToolCalls: 1,
    });
  });
});

describe("definePolicy() refuses", () => {
  const whole = [
    "maxTokens",
    "maxToolCalls",
    "timeoutMs",
    "checkpointFrequency",
    "maxConcurrent",
    "backpressureThreshold",
  ];
  const fractions = ["confidenceThreshold", "driftThreshold"];
  const lists = ["allowedTools", "deniedTools", "blockedPatterns"];
  const cases: [string, unknown, string][] = [
    ...whole.flatMap((name): [string, unknown, string][] =>
      [-1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY, 2 ** 53, "5", true, null, 5n, [5], {}].map((
        value,
      ) => [name, value, name])
    ),
    ...whole.filter((name) => name !== "maxToolCalls").map((name): [string, unknown, string] => [name, 0, name]),
    ...fractions.flatMap((name): [string, unknown, string][] =>
      [-0.001, 1.001, Number.NaN, "0.5", true, null].map((value) => [name, value, name])
    ),
    ...lists.flatMap((name): [string, unknown, string][] =>
      ["a", null, {}, new Set(["a"]), 5, { length: 0 }, false].map((value) => [name, value, name])
    ),
    ...["allowedTools", "deniedTools", "requireHumanApproval"].flatMap((name): [string, unknown, string][] =>
      ["", "a b", "a\n", "é", "x".repeat(129), "a?", 5, null, undefined].map((
        value,
      ) => [name, ["ok", value], `${name}[1]`])
    ),
    ...["yes", 1, null, {}].map((
      value,
    ): [string, unknown, string] => ["requireHumanApproval", value, "requireHumanApproval"]),
    ...["name", "version"].flatMap((name): [string, unknown, string][] =>
      ["", 1, null, {}].map((value) => [name, value, name])
    ),
    ...["true", 0, null].map((value): [string, unknown, string] => ["logAllCalls", value, "logAllCalls"]),
    ...[
      "",
      5,
      null,
      ["a", "glob"],
      /a/,
      {},
      { pattern: "a" },
      { type: "glob" },
      { pattern: "a", type: "REGEX" },
      { pattern: "(", type: "regex" },
      { pattern: "a", type: "glob", flags: "i" },
      { regexp: "a" },
      { regexp: null },
      JSON.parse('{"pattern":"a","type":"glob","__proto__":1}'),
      { pattern: "a", type: "glob", [Symbol("s")]: 1 },
      { regexp: { [Symbol.toStringTag]: "RegExp", source: "a", flags: "i" } },
      { regexp: Object.create(RegExp.prototype, { [Symbol.toStringTag]: { value: "RegExp" } }) },
    ]
      .map((value): [string, unknown, string] => ["blockedPatterns", ["ok", value], "blockedPatterns[1]"]),
  ];
  test.each(cases)("%s (case %#)", (name, value, path) => {
    expect(mistakesOf({ [name]: value }).map((mistake) => mistake.path)).toEqual([path]);
  });

  test("a hole in a list", () => {
    expect(mistakesOf({ allowedTools: ["a", , "b"] }).map(({ path }) => path)).toEqual(["allowedTools[1]"]); // oxlint-disable-line no-sparse-arrays
  });

  test("a list that is longer than any policy needs", () => {
    expect(mistakesOf({ allowedTools: new Array(100_001) }).map(({ path, wanted }) => [path, wanted])).toEqual([[
      "allowedTools",
      "an array of at most 100000 items",
    ]]);
  });

  class Options {
    maxTokens = 5;
  }
  test.each<[string, unknown]>([
    ["null", null],
    ["an array", []],
    ["a string", "{}"],
    ["a number", 5],
    ["a function", () => ({})],
    ["a Map", new Map([["maxTokens", 5]])],
    ["a class instance", new Options()],
    ["an object that inherits its fields", Object.create({ maxTokens: 5 })],
    [
      "an object that inherits its fields from a bare one",
      Object.create(Object.assign(Object.create(null), { allowedTools: [] })),
    ],
  ])("%s as options", (_, init) => {
    expect(mistakesOf(init)).toMatchObject([{ path: "", wanted: "a plain object" }]);
  });

  test("an unknown key, with the field that was meant", () => {
    expect(mistakesOf({ blockedPattern: ["x"] })).toEqual([{
      path: "blockedPattern",
      wanted: 'a known field (did you mean "blockedPatterns"?)',
      got: ["x"],
    }]);
  });

  test.each([["max_tokens", "maxTokens"], ["AllowedTools", "allowedTools"], ["timeoutMS", "timeoutMs"]])(
    "the key %s, with %s as what was meant",
    (key, meant) => {
      expect(mistakesOf({ [key]: 1 })[0]?.wanted).toContain(`"${meant}"`);
    },
  );

  test.each<[string, unknown, string]>([
    ["an own __proto__ key", JSON.parse('{"__proto__": {"maxTokens": 1}}'), "__proto__"],
    ["a name of Object.prototype", { constructor: 1 }, "constructor"],
    ["a symbol", { [Symbol("maxTokens")]: 1 }, "Symbol(maxTokens)"],
    ["a hidden key", Object.defineProperty({}, "secret", { value: 1 }), "secret"],
    ["a schema, which only files name", { $schema: "x" }, "$schema"],
    ["a key that resembles nothing", { q: undefined }, "q"],
  ])("%s", (_, init, path) => {
    expect(mistakesOf(init)).toMatchObject([{ path, wanted: "a known field" }]);
  });

  test("every mistake at once, unknown keys first", () => {
    expect(
      mistakesOf({
        timeoutMs: 0,
        allowedTools: ["a b", "ok", 5],
        nope: 1,
        blockedPatterns: ["", "ok"],
        maxTokens: "many",
      }).map(({ path }) => path),
    )
      .toEqual(["nope", "timeoutMs", "allowedTools[0]", "allowedTools[2]", "blockedPatterns[0]", "maxTokens"]);
  });
});

describe("definePolicy() copies", () => {
  test("each option once, so that a getter can't show another value later", () => {
    let reads = 0;
    const init = Object.defineProperty({}, "maxTokens", { get: () => ++reads, enumerable: true });
    expect(definePolicy(init).maxTokens).toBe(1);
    expect(reads).toBe(1);
  });

  test("each key of a pattern once", () => {
    let reads = 0;
    const pattern = {
      get pattern() {
        return ++reads === 1 ? "rm" : "harmless";
      },
      type: "substring" as const,
    };
    expect(definePolicy({ blockedPatterns: [pattern] }).blockedPatterns).toEqual([{
      pattern: "rm",
      type: "substring",
    }]);
    expect(reads).toBe(1);
  });

  test("lists, so that a later change is not seen", () => {
    const allowedTools = ["a"];
    const pattern = { pattern: "rm", type: "substring" as const };
    const policy = definePolicy({ allowedTools, blockedPatterns: [pattern] });
    allowedTools.push("b");
    pattern.pattern = "harmless";
    expect([policy.allowedTools, policy.blockedPatterns]).toEqual([["a"], [{ pattern: "rm", type: "substring" }]]);
  });

  test("a list by its indices, whatever its iterator says", () => {
    const allowedTools = Object.assign(["a"], { [Symbol.iterator]: () => ["evil"].values() });
    expect(definePolicy({ allowedTools }).allowedTools).toEqual(["a"]);
  });

  test("a RegExp as it is, whatever its overridden properties say", () => {
    const regexp = Object.defineProperty(/evil/i, "source", { value: "harmless" });
    const [entry] = definePolicy({ blockedPatterns: [{ regexp }] }).blockedPatterns as [{ regexp: RegExp }];
    expect(entry.regexp).not.toBe(regexp);
    expect([entry.regexp.source, entry.regexp.flags]).toEqual(["evil", "i"]);
  });
});

test("definePolicy() makes a deeply frozen policy", () => {
  const policy = definePolicy({
    allowedTools: ["a"],
    deniedTools: ["b"],
    requireHumanApproval: ["a"],
    blockedPatterns: [{ pattern: "a", type: "glob" }, { regexp: /a/ }],
  });
  const parts = [
    policy,
    policy.allowedTools,
    policy.deniedTools,
    policy.requireHumanApproval,
    policy.blockedPatterns,
    ...policy.blockedPatterns,
    (policy.blockedPatterns[1] as { regexp: RegExp }).regexp,
    definePolicy().deniedTools,
    Object.getPrototypeOf(policy),
  ];
  expect(parts.map((part) => Object.isFrozen(part))).toEqual(parts.map(() => true));
});

describe("toJSON()", () => {
  test("toJSON() holds every field, and definePolicy() of it is equal", () => {
    fc.assert(
      fc.property(policyInit, (init) => {
        const policy = definePolicy(init);
        const again = definePolicy(policy.toJSON());
        expect({ ...again }).toStrictEqual({ ...policy });
        expect(parsePolicy(JSON.stringify(policy)).diff(policy)).toEqual({});
      }),
    );
  });

  test("toJSON() is data of its own", () => {
    const policy = definePolicy({ allowedTools: ["a"] });
    (policy.toJSON().allowedTools as string[]).push("b");
    expect(policy.allowedTools).toEqual(["a"]);
  });

  test("toJSON() keeps a RegExp as it is, and JSON text made of it is refused when read", () => {
    const policy = definePolicy({ blockedPatterns: [{ regexp: /a/i }] });
    expect(policy.toJSON().blockedPatterns).toEqual([{ regexp: /a/i }]);
    expect(mistakesOf(JSON.parse(JSON.stringify(policy))).map(({ path }) => path)).toEqual(["blockedPatterns[0]"]);
  });
});

test.each<[string, unknown, boolean]>([
  ["a policy", definePolicy(), true],
  ["a merged policy", definePolicy().merge(definePolicy()), true],
  ["its data", definePolicy().toJSON(), false],
  ["a spread policy", { ...definePolicy() }, false],
  ["an object that inherits from one", Object.create(definePolicy()), false],
  ["null", null, false],
  ["undefined", undefined, false],
  ["a string", "policy", false],
])("isPolicy() tells %s", (_, value, yes) => {
  expect(isPolicy(value)).toBe(yes);
});
