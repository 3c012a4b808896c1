import { expect, test } from "vitest";
import { trustTier } from "../../src/trust/tier.ts";

test.each([
  [0, "untrusted"],
  [299, "untrusted"],
  [300, "probationary"],
  [499, "probationary"],
  [500, "standard"],
  [699, "standard"],
  [700, "trusted"],
  [899, "trusted"],
  [900, "verified"],
  [1000, "verified"],
  [NaN, "untrusted"],
  [Infinity, "untrusted"],
  [1001, "untrusted"],
  [-1, "untrusted"],
  [950.5, "untrusted"],
  ["950", "untrusted"],
  [undefined, "untrusted"],
  [null, "untrusted"],
  [950n, "untrusted"],
])("trustTier() names the tier, when the score is %s", (score, tier) => {
  expect(trustTier(score as number)).toBe(tier);
});
