import fc from "fast-check";
import { expect, test } from "vitest";
import { sequenceSimilarity } from "../../src/drift/sequence-similarity.ts";
import { FIELD_NAMES } from "../../src/policy/fields.ts";
import { wantedKey } from "../../src/policy/read.ts";

/** The field that resembles a key most, by more than 0.7; the first of several. */
function meant(key: string): string | undefined {
  const scores = FIELD_NAMES.map((name) => sequenceSimilarity(key.slice(0, 64).toLowerCase(), name.toLowerCase()));
  const best = Math.max(...scores);
  return best > 0.7 ? FIELD_NAMES[scores.indexOf(best)] : undefined;
}

const letter = fc.oneof(
  fc.constantFrom("_", "e", "T", "o", "\u{1f600}", "\ud800"),
  fc.string({ minLength: 1, maxLength: 1 }),
);
const mistyped = fc.tuple(fc.constantFrom(...FIELD_NAMES), fc.nat(20), fc.nat(8), fc.array(letter, { maxLength: 4 }))
  .map(([name, at, gone, put]) => name.slice(0, at) + put.join("") + name.slice(at + gone));

test("wantedKey() names the field that sequenceSimilarity() finds nearest, when a key was mistyped", () => {
  fc.assert(
    fc.property(fc.oneof(mistyped, fc.string({ maxLength: 80 })), (key) => {
      const name = meant(key);
      expect(wantedKey(key, FIELD_NAMES)).toBe(
        name === undefined ? "a known field" : `a known field (did you mean "${name}"?)`,
      );
    }),
    { numRuns: 500 },
  );
});
