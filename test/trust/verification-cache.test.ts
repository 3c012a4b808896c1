import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createVerificationCache } from "../../src/trust/verification-cache.ts";

describe("createVerificationCache()", () => {
  test("remembers what was added, and forgets it when cleared", () => {
    const cache = createVerificationCache();
    cache.add("a");
    expect([cache.has("a"), cache.has("b"), cache.size]).toEqual([true, false, 1]);
    cache.clear();
    expect([cache.has("a"), cache.size]).toEqual([false, 0]);
  });

  test("forgets the one unused for the longest, when there are too many", () => {
    const cache = createVerificationCache({ max: 2 });
    cache.add("a");
    cache.add("b");
    cache.has("a");
    cache.add("c");
    expect([cache.has("a"), cache.has("b"), cache.has("c")]).toEqual([true, false, true]);
  });

  test("never grows beyond max, whatever is added", () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 5 }), fc.array(fc.string()), (max, digests) => {
      const cache = createVerificationCache({ max });
      for (const digest of digests) cache.add(digest);
      return cache.size === Math.min(max, new Set(digests).size);
    }));
  });

  test.each([0, -1, 1.5, NaN, 1_000_001, "9", null])("throws, when max is %o", (max) => {
    expect(() => createVerificationCache({ max: max as number })).toThrow(
      'Cannot build createVerificationCache(): "max" must be a whole number from 1 to 1000000',
    );
  });

  test("throws, when an option is unknown", () => {
    expect(() => createVerificationCache({ size: 3 } as object)).toThrow('"size" must be one of the known options');
  });
});
