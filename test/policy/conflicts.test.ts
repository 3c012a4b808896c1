import { describe, expect, test } from "vitest";
import { definePolicy } from "../../src/policy/define.ts";
import type { PolicyInit } from "../../src/policy/policy.ts";

test.each<[string, PolicyInit, string[]]>([
  ["nothing, when the policy is the default", {}, []],
  ["nothing, when limits are just apart", {
    maxConcurrent: 9,
    backpressureThreshold: 8,
    timeoutMs: 5000,
    confidenceThreshold: 0.01,
  }, []],
  ["nothing, when no tool is allowed and none may be called", { maxToolCalls: 0, allowedTools: [] }, []],
  ["nothing, when approval is of every call", { requireHumanApproval: true, allowedTools: [] }, []],
  ["nothing, when approval is of an allowed tool", { requireHumanApproval: ["a"], allowedTools: ["a"] }, []],
  ["nothing, when approval is of any tool of all", { requireHumanApproval: ["a"] }, []],
  ["waiting that never happens", { maxConcurrent: 8 }, [
    "backpressureThreshold (8) is not below maxConcurrent (8): acts are refused before any has to wait its turn",
  ]],
  ["tools without calls", { maxToolCalls: 0, allowedTools: ["a"] }, [
    "maxToolCalls is 0, but allowedTools names tools: none of them can be called",
  ]],
  ["a tool both allowed and denied", { allowedTools: ["a", "b"], deniedTools: ["b"] }, [
    'allowedTools and deniedTools both name "b": it cannot be called',
  ]],
  ["approval of a denied tool", { requireHumanApproval: ["a"], deniedTools: ["a"] }, [
    'requireHumanApproval names "a", which deniedTools denies: nobody is ever asked',
  ]],
  ["approval of a tool that is not allowed", { requireHumanApproval: ["a", "a"], allowedTools: ["b"] }, [
    'requireHumanApproval names "a", which allowedTools does not allow: nobody is ever asked',
  ]],
  ["a short time", { timeoutMs: 4999 }, ["timeoutMs (4999) is under 5000: a session may end before its first answer"]],
  ["confidence that never stops", { confidenceThreshold: 0 }, [
    "confidenceThreshold is 0: no answer is ever stopped for its confidence",
  ]],
])("conflicts() tells of %s", (_, init, conflicts) => {
  expect(definePolicy(init).conflicts()).toEqual(conflicts);
});

test("conflicts() tells of all of them, when there are several", () => {
  expect(
    definePolicy({
      maxConcurrent: 1,
      maxToolCalls: 0,
      allowedTools: ["a"],
      deniedTools: ["a"],
      requireHumanApproval: ["a", "c"],
      timeoutMs: 1,
      confidenceThreshold: 0,
    }).conflicts(),
  ).toHaveLength(7);
});

test("conflicts() is frozen", () => {
  expect(Object.isFrozen(definePolicy().conflicts())).toBe(true);
});

describe("conflicts() of rules and globs", () => {
  test.each<[PolicyInit, string]>([
    [{ allowedTools: ["mail_*"], deniedTools: ["MAIL_*"] }, 'allowedTools and deniedTools both name "mail_*"'],
    [{ allowedTools: ["mail_*"], requireHumanApproval: ["pay_*"] }, 'names "pay_*", which allowedTools does not allow'],
    [
      { rules: [{ id: "a", tools: "y", effect: "deny" }, { id: "a", tools: "x", effect: "escalate" }] },
      'two are called "a"',
    ],
    [
      { deniedTools: ["pay*"], rules: [{ id: "p", tools: ["pay", "payout"], limit: { max: 1 } }] },
      '"p" is about tools that cannot be called',
    ],
    [
      { allowedTools: ["read"], rules: [{ tools: "pay", effect: "deny" }] },
      '"#1" is about tools that cannot be called',
    ],
    [
      {
        rules: [
          { id: "narrow", tools: "pay_now", require: { amount: { lte: 5 } }, effect: "escalate" },
          { id: "wide", tools: "pay_*", require: { amount: { lte: 5 } } },
        ],
      },
      '"wide" stops whatever "narrow" stops',
    ],
    [{ rules: [{ tools: "a", effect: "deny" }, { tools: "A", effect: "deny" }] }, '"#1" stops whatever "#2" stops'],
  ])("%j", (init, message) => {
    expect(definePolicy(init).conflicts()).toEqual([expect.stringContaining(message)]);
  });

  test.each<PolicyInit>([
    { allowedTools: ["mail_*"], deniedTools: ["mail_delete"] },
    { allowedTools: ["mail_*"], requireHumanApproval: ["*_send"] },
    { rules: [{ tools: "pay", require: { a: { lte: 5 } } }, { tools: "pay", require: { a: { lte: 6 } } }] },
    { rules: [{ tools: "pay", limit: { max: 1 } }, { tools: "pay", effect: "escalate", when: { a: { gt: 1 } } }] },
  ])("%j has none", (init) => expect(definePolicy(init).conflicts()).toEqual([]));
});
