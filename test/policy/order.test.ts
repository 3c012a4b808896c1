import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { definePolicy } from "../../src/policy/define.ts";
import { policyText } from "../../src/policy/digest.ts";
import { decide } from "../rules/reference.ts";
import type { GovernancePolicy, PolicyInit } from "../../src/policy/policy.ts";
import { policyInit } from "./policies.ts";

const policy = policyInit.map((init) => definePolicy(init));

interface Call {
  readonly tool: string;
  readonly text: string;
  readonly calls: number;
  readonly tokens: number;
  readonly ageMs: number;
  readonly confidence: number;
  readonly open: number;
  readonly amount: number;
}

const call: fc.Arbitrary<Call> = fc.record({
  tool: fc.constantFrom("a", "A", "b", "c", "constructor", "other"),
  text: fc.constantFrom("", "rm", "Drop", "rm drop"),
  calls: fc.nat(2),
  tokens: fc.nat(3),
  ageMs: fc.nat(3),
  confidence: fc.constantFrom(0, 0.25, 0.5, 1),
  open: fc.nat(4),
  amount: fc.nat(2),
});

/**
 * What a policy says to a call: [0 no, 1 ask a person, 2 yes; 0 no, 1 wait, 2 yes]. Written as the words of the design,
 * one after another.
 */
function reference(
  policy: GovernancePolicy,
  { tool, text, calls, tokens, ageMs, confidence, open, amount }: Call,
): [number, number] {
  const named = (globs: readonly string[], flags: string): boolean =>
    globs.some((glob) => new RegExp(`^${glob.replaceAll("*", ".*")}$`, flags).test(tool));
  if (policy.allowedTools !== undefined && !named(policy.allowedTools, "")) return [0, 0];
  if (named(policy.deniedTools, "i")) return [0, 0];
  const about = policy.rules.filter(({ tools = "*" }) => named([tools].flat(), "i"));
  const broken = decide(about as never, { amount });
  if (broken === "deny") return [0, 0];
  for (const pattern of policy.blockedPatterns) {
    const part = typeof pattern === "string" ? pattern : (pattern as { pattern: string }).pattern;
    if (text.toLowerCase().includes(part.toLowerCase())) return [0, 0];
  }
  if (calls >= policy.maxToolCalls || tokens > policy.maxTokens || ageMs > policy.timeoutMs) return [0, 0];
  if (confidence < policy.confidenceThreshold || open >= policy.maxConcurrent) return [0, 0];
  const asks = policy.requireHumanApproval;
  return [
    broken === "escalate" || asks === true || (Array.isArray(asks) && named(asks, "i")) ? 1 : 2,
    open >= policy.backpressureThreshold ? 1 : 2,
  ];
}

describe("isStricterThan()", () => {
  test("isStricterThan() is irreflexive", () => {
    fc.assert(fc.property(policyInit, (init) => !definePolicy(init).isStricterThan(definePolicy(init))));
  });

  test("isStricterThan() is asymmetric", () => {
    fc.assert(fc.property(policy, policy, (a, b) => !(a.isStricterThan(b) && b.isStricterThan(a))), { numRuns: 2000 });
  });

  test("isStricterThan() is transitive", () => {
    // Merging makes chains that random triples seldom are.
    fc.assert(
      fc.property(policy, policy, policy, (a, b, c) => {
        const [low, middle] = [a.merge(b).merge(c), a.merge(b)];
        for (const [x, y, z] of [[a, b, c], [low, middle, a], [low, b.merge(c), b]] as const) {
          if (x.isStricterThan(y) && y.isStricterThan(z) && !x.isStricterThan(z)) return false;
        }
        return true;
      }),
      { numRuns: 2000 },
    );
  });

  test("isStricterThan() is sound: the other allows whatever the stricter one allows", () => {
    let compared = 0;
    fc.assert(
      fc.property(policy, policy, call, (a, b, request) => {
        for (const [strict, loose] of [[a, b], [a.merge(b), a], [a.merge(b), b]] as const) {
          if (!strict.isStricterThan(loose)) continue;
          compared++;
          const [left, right] = [reference(strict, request), reference(loose, request)];
          if (left[0] > right[0] || left[1] > right[1]) return false;
        }
        return true;
      }),
      { numRuns: 3000 },
    );
    expect(compared).toBeGreaterThan(1000);
  });

  test.each<[string, PolicyInit, PolicyInit, boolean]>([
    ["fewer tokens", { maxTokens: 1 }, {}, true],
    ["more tokens", { maxTokens: 5000 }, {}, false],
    ["fewer tool calls", { maxToolCalls: 9 }, {}, true],
    ["a shorter time", { timeoutMs: 1 }, {}, true],
    ["more confidence", { confidenceThreshold: 0.9 }, {}, true],
    ["less confidence", { confidenceThreshold: 0.7 }, {}, false],
    ["fewer open acts", { maxConcurrent: 9 }, {}, true],
    ["waiting earlier", { backpressureThreshold: 7 }, {}, true],
    ["a list of tools against every tool", { allowedTools: ["a"] }, {}, true],
    ["no tool against every tool", { allowedTools: [] }, {}, true],
    ["every tool against no tool", {}, { allowedTools: [] }, false],
    ["a part of the tools", { allowedTools: ["a"] }, { allowedTools: ["b", "a"] }, true],
    ["fewer, but other tools", { allowedTools: ["c"] }, { allowedTools: ["a", "b"] }, false],
    ["a denied tool", { deniedTools: ["a"] }, {}, true],
    ["the same by other words", { allowedTools: ["a"] }, { allowedTools: ["a", "b"], deniedTools: ["b"] }, false],
    ["every tool but one against a list", { deniedTools: ["a"] }, { allowedTools: ["b"] }, false],
    ["one more pattern", { blockedPatterns: ["x", "y"] }, { blockedPatterns: ["y"] }, true],
    ["more, but other patterns", { blockedPatterns: ["x", "y"] }, { blockedPatterns: ["z"] }, false],
    ["the same pattern by another form", { blockedPatterns: ["X"] }, {
      blockedPatterns: [{ pattern: "x", type: "substring" }],
    }, false],
    ["approval of everything", { requireHumanApproval: true }, { requireHumanApproval: ["a"] }, true],
    ["approval of a tool", { requireHumanApproval: ["a"] }, {}, true],
    ["approval of no tool", { requireHumanApproval: [] }, {}, false],
    ["no approval of a tool that the other alone has", { allowedTools: ["a"] }, {
      allowedTools: ["a", "b"],
      requireHumanApproval: ["b"],
    }, true],
    ["approval of one tool against that of all", { allowedTools: ["a"], requireHumanApproval: ["a"] }, {
      requireHumanApproval: true,
    }, true],
    ["one field stricter, one looser", { maxTokens: 1, maxToolCalls: 11 }, {}, false],
    [
      "a name, version and record keeping",
      { name: "x", version: "9", driftThreshold: 0, logAllCalls: false, checkpointFrequency: 1 },
      {},
      false,
    ],
    ["names of Object.prototype", { allowedTools: ["constructor"] }, { allowedTools: ["toString"] }, false],
  ])("isStricterThan() compares %s", (_, a, b, stricter) => {
    expect(definePolicy(a).isStricterThan(definePolicy(b))).toBe(stricter);
  });
});

describe("merge()", () => {
  const text = policyText;

  test("merge() is commutative", () => {
    fc.assert(fc.property(policy, policy, (a, b) => {
      expect(a.merge(b).diff(b.merge(a))).toEqual({});
    }));
  });

  test("merge() is associative", () => {
    fc.assert(fc.property(policy, policy, policy, (a, b, c) => {
      expect(a.merge(b).merge(c).diff(a.merge(b.merge(c)))).toEqual({});
    }));
  });

  test("merge() is idempotent", () => {
    fc.assert(fc.property(policy, (a) => {
      expect(a.merge(a).diff(a)).toEqual({});
    }));
  });

  test("merge() allows a call as the stricter of both does", () => {
    fc.assert(
      fc.property(policy, policy, call, (a, b, request) => {
        const [left, right] = [reference(a, request), reference(b, request)];
        const least = [Math.min(left[0], right[0]), Math.min(left[1], right[1])];
        expect(reference(a.merge(b), request)).toEqual(least);
      }),
      { numRuns: 3000 },
    );
  });

  test("merge() is never looser than a part, and no lower bound is looser than it", () => {
    const noMore = (a: GovernancePolicy, b: GovernancePolicy): boolean =>
      a.isStricterThan(b) || !b.isStricterThan(a) && text(a.merge(b)) === text(a);
    fc.assert(
      fc.property(policy, policy, policy, (a, b, c) => {
        const both = a.merge(b);
        expect(noMore(both, a) && noMore(both, b)).toBe(true);
        expect(noMore(c.merge(a).merge(b), both)).toBe(true);
        if (c.isStricterThan(a) && c.isStricterThan(b)) expect(both.isStricterThan(c)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });

  test("merge() of lists without a tool in common allows no tool", () => {
    expect(definePolicy({ allowedTools: ["a"] }).merge(definePolicy({ allowedTools: ["b"] })).allowedTools).toEqual([]);
  });

  test("merge() of globs that would need too many stars allows less, and never more", () => {
    const [a, b] = [definePolicy({ allowedTools: ["*a*b*c*", "x"] }), definePolicy({ allowedTools: ["*d*e*f*", "x"] })];
    expect(a.merge(b).allowedTools).toEqual(["x"]);
  });

  test("merge() joins names and versions that differ, each once", () => {
    const [a, b] = [definePolicy({ name: "b", version: "1" }), definePolicy({ name: "a", version: "2" })];
    const merged = a.merge(b).merge(a);
    expect([merged.name, merged.version]).toEqual(["a + b", "1 + 2"]);
  });

  test("merge() takes the more watchful of what does not decide", () => {
    const a = definePolicy({ driftThreshold: 0.1, logAllCalls: false, checkpointFrequency: 9 });
    const b = definePolicy({ driftThreshold: 0.9, logAllCalls: true, checkpointFrequency: 2 });
    expect(a.merge(b)).toMatchObject({ driftThreshold: 0.1, logAllCalls: true, checkpointFrequency: 2 });
  });

  test("merge() keeps patterns of every kind", () => {
    const regexp = definePolicy({ blockedPatterns: [{ regexp: /(a)\1/u }, "x"] });
    const merged = regexp.merge(definePolicy({ blockedPatterns: ["X", { pattern: "*.exe", type: "glob" }] }));
    expect(merged.blockedPatterns).toHaveLength(3);
    expect(merged.isStricterThan(regexp)).toBe(true);
  });
});

describe("diff()", () => {
  test("diff() is empty, when policies are equal", () => {
    expect(definePolicy({ maxTokens: 5 }).diff(definePolicy({ maxTokens: 5 }))).toEqual({});
  });

  test("diff() holds each field that differs, as this and other", () => {
    const a = definePolicy({
      name: "a",
      maxTokens: 5,
      allowedTools: ["x"],
      requireHumanApproval: ["x"],
      blockedPatterns: ["p"],
    });
    expect(a.diff(definePolicy({ allowedTools: [], blockedPatterns: ["q"] }))).toEqual({
      name: ["a", "default"],
      maxTokens: [5, 4096],
      allowedTools: [["x"], []],
      requireHumanApproval: [["x"], false],
      blockedPatterns: [["p"], ["q"]],
    });
  });

  test("diff() tells every tool from no tool", () => {
    expect(definePolicy().diff(definePolicy({ allowedTools: [] }))).toEqual({ allowedTools: [undefined, []] });
  });

  test("diff() takes lists for sets", () => {
    const a = definePolicy({ allowedTools: ["x", "y", "x"], blockedPatterns: ["P", "q"] });
    expect(
      a.diff(definePolicy({ allowedTools: ["y", "x"], blockedPatterns: [{ pattern: "Q", type: "substring" }, "p"] })),
    ).toEqual({});
  });

  test("diff() is frozen", () => {
    const diff = definePolicy({ maxTokens: 5 }).diff(definePolicy());
    expect(Object.isFrozen(diff) && Object.isFrozen(diff["maxTokens"])).toBe(true);
  });
});

test.each(["diff", "isStricterThan", "merge"] as const)(
  "%s() throws a TypeError, when the other is no policy of ours",
  (method) => {
    const look = { ...definePolicy() } as unknown as GovernancePolicy;
    expect(() => definePolicy()[method](look)).toThrow("must be a policy made by definePolicy() or parsePolicy()");
  },
);

test.each(["toJSON", "conflicts"] as const)(
  "%s() throws a TypeError, when called on anything but a policy",
  (method) => {
    expect(() => Reflect.apply(definePolicy()[method], {}, [])).toThrow(TypeError);
  },
);
