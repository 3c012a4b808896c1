import { expect, test } from "vitest";
import { NO_POLICY } from "../../src/base/no-policy.ts";
import { definePolicy } from "../../src/policy/define.ts";

test("NO_POLICY allows everything, and says so", () => {
  expect({ ...NO_POLICY }).toEqual(NO_POLICY.toJSON());
  expect(NO_POLICY.toJSON()).toMatchObject({ name: "none", maxTokens: Infinity, deniedTools: [] });
  expect([NO_POLICY.isStricterThan(definePolicy()), NO_POLICY.conflicts()]).toEqual([false, []]);
});

test("NO_POLICY gives way to any other, and tells what that changes", () => {
  const other = definePolicy({ name: "other", deniedTools: ["rm"], allowedTools: ["ls"] });
  expect(NO_POLICY.merge(other)).toBe(other);
  const { name, deniedTools, allowedTools, version, blockedPatterns } = NO_POLICY.diff(other);
  expect([name, deniedTools, allowedTools]).toEqual([["none", "other"], [[], ["rm"]], [undefined, ["ls"]]]);
  expect([version, blockedPatterns]).toEqual([undefined, undefined]);
  expect(NO_POLICY.diff(NO_POLICY)).toEqual({});
});
