import { expect, test } from "vitest";
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
