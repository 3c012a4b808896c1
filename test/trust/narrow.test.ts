import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { capabilityCovers } from "../../src/trust/capability.ts";
import { type Grant, narrow, narrowAll } from "../../src/trust/narrow.ts";

const held: Grant = { capabilities: ["read:*", "deploy"], maxDepth: 2, expiresAt: 1000 };

describe("narrow()", () => {
  test.each<[string, Grant, Grant | string]>([
    ["a part", { capabilities: ["read:db"], maxDepth: 1, expiresAt: 500 }, {
      capabilities: ["read:db"],
      maxDepth: 1,
      expiresAt: 500,
    }],
    ["all of it, one less deep", { ...held, maxDepth: 1 }, { ...held, maxDepth: 1 }],
    ["nothing", { capabilities: [], maxDepth: 0, expiresAt: 1 }, { capabilities: [], maxDepth: 0, expiresAt: 1 }],
    ["a longer life (ID-19)", { capabilities: ["deploy"], maxDepth: 0, expiresAt: 9999 }, {
      capabilities: ["deploy"],
      maxDepth: 0,
      expiresAt: 1000,
    }],
    [
      "one more capability (ID-16)",
      { capabilities: ["read:db", "write"], maxDepth: 0, expiresAt: 1 },
      "It passes on a capability that its parent does not hold",
    ],
    [
      "a broader capability",
      { capabilities: ["*"], maxDepth: 0, expiresAt: 1 },
      "It passes on a capability that its parent does not hold",
    ],
    [
      "what only looks narrower",
      { capabilities: ["readonly:db"], maxDepth: 0, expiresAt: 1 },
      "It passes on a capability that its parent does not hold",
    ],
    [
      "what stands above",
      { capabilities: ["read"], maxDepth: 0, expiresAt: 1 },
      "It passes on a capability that its parent does not hold",
    ],
    [
      "the same depth (ID-17)",
      { capabilities: [], maxDepth: 2, expiresAt: 1 },
      "It goes deeper than its parent allows",
    ],
    ["a depth that is NaN", { capabilities: [], maxDepth: NaN, expiresAt: 1 }, "It goes deeper than its parent allows"],
  ])("judges what is asked for, when it is %s", (_, asked, wanted) => {
    expect(narrow(held, asked)).toEqual(wanted);
  });
});

describe("narrowAll()", () => {
  const capability = fc.constantFrom(
    "*",
    "read:*",
    "read:db",
    "read:db:*",
    "read:db:users",
    "read",
    "readonly:db",
    "deploy",
    "deploy:*",
    "deploy:live",
  );
  const grant = fc.record({
    capabilities: fc.uniqueArray(capability, { maxLength: 4 }),
    maxDepth: fc.nat(5),
    expiresAt: fc.nat(1000),
  });
  /** A tree: each node hangs below an earlier one, or below the root. */
  const tree = fc.record({
    root: grant,
    nodes: fc.array(fc.record({ asked: grant, above: fc.nat() }), { minLength: 1, maxLength: 8 }),
  });

  test("gives no leaf a capability, depth or lifetime that its root lacks, in 10 000 random trees", () => {
    let leaves = 0;
    let refused = 0;
    fc.assert(
      fc.property(tree, ({ root, nodes }) => {
        const paths: (readonly Grant[])[] = [[]];
        for (const { asked, above } of nodes) paths.push([...(paths[above % paths.length] as readonly Grant[]), asked]);
        for (const path of paths.slice(1)) {
          const leaf = narrowAll(root, path);
          if (typeof leaf === "string") {
            refused++;
            continue;
          }
          leaves++;
          for (const one of leaf.capabilities) {
            expect(root.capabilities.some((other) => capabilityCovers(other, one))).toBe(true);
          }
          expect(leaf.maxDepth + path.length).toBeLessThanOrEqual(root.maxDepth);
          expect(leaf.expiresAt).toBe(Math.min(root.expiresAt, ...path.map(({ expiresAt }) => expiresAt)));
        }
      }),
      { numRuns: 10_000 },
    );
    // The property says something only if both happen often.
    expect(Math.min(leaves, refused)).toBeGreaterThan(1000);
  });

  test("refuses whatever lies below, when one link is refused", () => {
    fc.assert(
      fc.property(
        grant,
        fc.array(grant, { maxLength: 4 }),
        fc.array(grant, { maxLength: 4 }),
        (root, path, below) =>
          typeof narrowAll(root, path) !== "string" || typeof narrowAll(root, [...path, ...below]) === "string",
      ),
    );
  });

  test("answers what is held, when nothing was passed on", () => {
    expect(narrowAll(held, [])).toBe(held);
  });
});
