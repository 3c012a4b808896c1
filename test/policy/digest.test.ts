import fc from "fast-check";
import { expect, test } from "vitest";
import { definePolicy } from "../../src/policy/define.ts";
import { DECIDING_FIELDS, policyText } from "../../src/policy/digest.ts";
import type { PolicyInit } from "../../src/policy/policy.ts";
import { policyInit } from "./policies.ts";

test("policyText() is JSON with sorted keys of all that decides, when the policy is the default", () => {
  expect(policyText(definePolicy())).toBe(
    '{"backpressureThreshold":8,"blockedPatterns":[],"confidenceThreshold":0.8,"deniedTools":[],"maxConcurrent":10,"maxTokens":4096,"maxToolCalls":10,"requireHumanApproval":false,"timeoutMs":300000}',
  );
});

test.each<[string, PolicyInit]>([
  ["the order of keys and lists, and repetition", {
    maxToolCalls: 5,
    maxTokens: 9,
    allowedTools: ["b", "a", "b"],
    blockedPatterns: ["Q", "p"],
    deniedTools: [],
  }],
  ["the form of a pattern", {
    maxTokens: 9,
    maxToolCalls: 5,
    allowedTools: ["a", "b"],
    blockedPatterns: [{ pattern: "p", type: "substring" }, "q"],
  }],
  ["what does not decide", {
    name: "n",
    version: "v",
    driftThreshold: 0,
    logAllCalls: false,
    checkpointFrequency: 1,
    maxTokens: 9,
    maxToolCalls: 5,
    allowedTools: ["a", "b"],
    blockedPatterns: ["p", "q"],
  }],
])("policyText() does not depend on %s", (_, init) => {
  expect(policyText(definePolicy(init))).toBe(
    policyText(definePolicy({ maxTokens: 9, maxToolCalls: 5, allowedTools: ["a", "b"], blockedPatterns: ["p", "q"] })),
  );
});

test.each<[PolicyInit]>([
  [{ maxTokens: 1 }],
  [{ maxToolCalls: 1 }],
  [{ allowedTools: [] }],
  [{ deniedTools: ["a"] }],
  [{ blockedPatterns: ["a"] }],
  [{ blockedPatterns: [{ regexp: /a/ }] }],
  [{ requireHumanApproval: true }],
  [{ timeoutMs: 1 }],
  [{ confidenceThreshold: 0 }],
  [{ maxConcurrent: 1 }],
  [{ backpressureThreshold: 1 }],
])("policyText() is another, when the policy has %j", (init) => {
  expect(policyText(definePolicy(init))).not.toBe(policyText(definePolicy()));
});

test("policyText() is another, when a policy is stricter", () => {
  fc.assert(
    fc.property(policyInit, policyInit, (a, b) => {
      const [left, right] = [definePolicy(a), definePolicy(b)];
      return !left.isStricterThan(right) || policyText(left) !== policyText(right);
    }),
    { numRuns: 2000 },
  );
});

test("policyText() keeps lone surrogates apart, which an encoder would make one", () => {
  const of = (pattern: string): string => {
    return policyText(definePolicy({ blockedPatterns: [{ pattern: `x${pattern}`, type: "regex" }] }));
  };
  expect(new TextEncoder().encode(of("\ud800"))).not.toEqual(new TextEncoder().encode(of("\ud801")));
});

test("DECIDING_FIELDS is sorted", () => {
  expect([...DECIDING_FIELDS].sort()).toEqual(DECIDING_FIELDS);
});
