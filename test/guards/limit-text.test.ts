import { expect, test } from "vitest";
import { limitText, scopeText } from "../../src/guards/limit-text.ts";

test.each([
  [undefined, "tokenBudget() is 5"],
  [{ field: "maxTokens", isDefault: true }, "maxTokens is 5, the policy's default"],
  [{ field: "maxTokens", isDefault: false }, "maxTokens is 5, set by the policy"],
])("limitText() says who set a limit, when the field is %j", (field, text) => {
  expect(limitText("tokenBudget()", 5, field)).toBe(text);
});

test.each([
  [undefined, undefined, "for a session"],
  ["tree", 5, "for a session in 5 ms"],
  ["agent", undefined, "for an agent"],
  ["agent", 60_000, "for an agent in 60000 ms"],
])("scopeText() says whose acts count, when they are per %s in %s ms", (per, windowMs, text) => {
  expect(scopeText(per, windowMs)).toBe(text);
});
