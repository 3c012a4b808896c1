import fc from "fast-check";
import { expect, test } from "vitest";
import { createKernel, type Decision, type RuleInit, rules } from "../../mod.ts";
import { decide } from "./reference.ts";

const scalar = fc.oneof(fc.constantFrom("a", "b", "ab", "", "5"), fc.integer({ min: -2, max: 6 }), fc.boolean());
const number = fc.integer({ min: -2, max: 6 });
const test_ = fc.letrec<{ test: Record<string, unknown> }>((tie) => ({
  test: fc.dictionary(fc.constantFrom("eq", "in", "gt", "lte", "contains", "glob", "exists", "anyOf"), fc.nat(), {
    minKeys: 1,
    maxKeys: 2,
  }).chain((keys) =>
    fc.record(Object.fromEntries(
      Object.keys(keys).map((key) => [
        key,
        key === "exists"
          ? fc.boolean()
          : key === "in"
          ? fc.array(scalar, { minLength: 1, maxLength: 3 })
          : key === "glob"
          ? fc.constantFrom("a*", "*b", "*", "ab", "a*b")
          : key === "anyOf"
          ? fc.array(fc.oneof({ maxDepth: 2, withCrossShrink: true }, fc.record({ eq: scalar }), tie("test")), {
            minLength: 1,
            maxLength: 2,
          })
          : key === "eq" || key === "contains"
          ? scalar
          : number,
      ]),
    ))
  ),
})).test;
const place = fc.constantFrom("a", "b", "a.b", "a.*", "a.0", "a.length", "*", "**.b", "a.*.b", "**.a.b", "c");
const condition = fc.letrec<{ condition: Record<string, unknown> }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 3 },
    fc.dictionary(place, test_, { minKeys: 1, maxKeys: 2 }),
    fc.record({ not: tie("condition") }),
    fc.record({ anyOf: fc.array(tie("condition"), { minLength: 1, maxLength: 2 }) }),
    fc.record({ allOf: fc.array(tie("condition"), { minLength: 1, maxLength: 2 }) }),
  ),
})).condition;
const effect = fc.constantFrom("deny" as const, "escalate" as const);
const rule = fc.oneof(
  fc.record({ when: condition, effect }),
  fc.record({ require: condition, effect }),
  fc.record({ when: condition, require: condition }),
) as fc.Arbitrary<RuleInit>;
const payload = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.constantFrom(null, NaN, Infinity, 5n),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom("a", "b", "A", "c"), tie("value"), { maxKeys: 3 }),
  ),
})).value;
const arguments_ = fc.dictionary(fc.constantFrom("a", "b", "A", "c"), payload, { maxKeys: 3 });

const effectOf = (list: readonly RuleInit[], given: unknown): string => {
  const session = createKernel({ guards: [rules(list)] }).session({ agentId: "a" });
  return (session.check({ stage: "pre_tool_call", name: "t", payload: given }) as Decision).effect;
};

test("compiled rules decide as their plain meaning does", { timeout: 300_000 }, () => {
  const seen: Record<string, number> = {};
  fc.assert(
    fc.property(
      fc.array(rule, { minLength: 1, maxLength: 3 }),
      fc.array(arguments_, { minLength: 10, maxLength: 10 }),
      (list, all) => {
        const session = createKernel({ guards: [rules(list)] }).session({ agentId: "a" });
        for (const given of all) {
          const wanted = decide(list as never, given);
          seen[wanted] = (seen[wanted] ?? 0) + 1;
          expect((session.check({ stage: "pre_tool_call", name: "t", payload: given }) as Decision).effect).toBe(
            wanted,
          );
        }
      },
    ),
    { numRuns: 10_000 },
  );
  // Neither answer is the rare one.
  for (const each of ["allow", "deny", "escalate"]) expect(seen[each]).toBeGreaterThan(5_000);
});

test("one rule more never allows more", () => {
  const rank = { allow: 0, transform: 0, escalate: 1, deny: 2 };
  fc.assert(
    fc.property(
      fc.array(rule, { maxLength: 2 }),
      rule,
      arguments_,
      (list, more, given) =>
        rank[effectOf([...list, more], given) as "deny"] >=
          (list.length === 0 ? 0 : rank[effectOf(list, given) as "deny"]),
    ),
    { numRuns: 2_000 },
  );
});
