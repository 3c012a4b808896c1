import fc from "fast-check";
import { expect, test } from "vitest";
import { union } from "../../src/match/charset.ts";
import { partition } from "../../src/match/classes.ts";

const set = fc.array(fc.tuple(fc.nat(0xffff), fc.nat(300)), { maxLength: 4 }).map((pairs) =>
  union(pairs.flatMap(([lo, more]) => [lo, Math.min(0xffff, lo + more)]))
);

test("partition() makes every set of whole classes, when sets overlap at random", () => {
  fc.assert(
    fc.property(
      fc.array(set, { maxLength: 6 }),
      fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 40 }),
      (sets, units) => {
        const classes = partition(sets);
        for (const ranges of sets) {
          const own = classes.classesOf(ranges);
          const edges = [...ranges, ...ranges.map((c) => Math.min(0xffff, c + 1)), ...units];
          for (const unit of edges) {
            const inside = ranges.some((lo, i) => i % 2 === 0 && unit >= lo && unit <= ranges[i + 1]!);
            if (own.has(classes.classOf(unit)) !== inside) return false;
          }
        }
        return true;
      },
    ),
    { numRuns: 200 },
  );
});

test("partition() numbers the classes of ASCII first, when others come before them in the sets", () => {
  const classes = partition([[0x4e00, 0x4eff], [97, 97], [0, 0xffff]]);
  expect(classes.classOf(97)).toBeLessThan(2);
  expect(classes.classOf(0x4e00)).toBe(2);
  expect(classes.count).toBe(3);
});
