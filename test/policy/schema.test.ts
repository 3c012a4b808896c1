import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { definePolicy } from "../../src/policy/define.ts";
import { FIELD_NAMES } from "../../src/policy/fields.ts";
import { parsePolicy } from "../../src/policy/parse.ts";
import { policySchema } from "../../src/policy/schema.ts";
import { policyInit } from "./policies.ts";

const validate = new Ajv2020({ strict: true, allErrors: true }).compile(structuredClone(policySchema));
const properties = policySchema["properties"] as Readonly<
  Record<string, { readonly default?: unknown; readonly description?: string }>
>;

function parses(json: unknown): boolean {
  try {
    return parsePolicy(json) !== undefined;
  } catch {
    return false;
  }
}

test("policySchema is what the file says", () => {
  expect(JSON.parse(readFileSync(new URL("../../src/policy/policy.schema.json", import.meta.url), "utf8")))
    .toStrictEqual(policySchema);
});

test("policySchema is deeply frozen", () => {
  const open: unknown[] = [policySchema];
  for (const value of open) {
    if (typeof value !== "object" || value === null) continue;
    expect(Object.isFrozen(value)).toBe(true);
    open.push(...Object.values(value));
  }
});

test("policySchema has every field, in order, with a description", () => {
  expect(Object.keys(properties)).toEqual(["$schema", ...FIELD_NAMES]);
  expect(Object.values(properties).map(({ description }) => typeof description)).toEqual(
    Object.keys(properties).map(() => "string"),
  );
});

test.each(FIELD_NAMES)("policySchema has the default of %s", (name) => {
  expect(properties[name]?.default).toEqual(definePolicy()[name]);
});

test("policySchema takes whatever a policy's JSON text holds", () => {
  fc.assert(fc.property(policyInit, (init) => {
    expect(validate(JSON.parse(JSON.stringify(definePolicy(init))))).toBe(true);
  }));
});

describe("policySchema agrees with parsePolicy()", () => {
  const values: unknown[] = [
    0,
    -1,
    1,
    0.5,
    1.5,
    2 ** 53,
    "",
    "a",
    "a b",
    "x".repeat(10_001),
    true,
    false,
    null,
    [],
    {},
    [""],
    ["a"],
    ["a b"],
    ["x".repeat(129)],
    ["a", 5],
    [null],
    [["a", "glob"]],
    [{ pattern: "a", type: "glob" }],
    [{ pattern: "", type: "glob" }],
    [{ pattern: "a", type: "GLOB" }],
    [{ pattern: "a" }],
    [{ type: "glob" }],
    [{ pattern: "a", type: "regex", flags: "i" }],
    [{ regexp: {} }],
  ];
  const samples = ["$schema", "unknown", "max_tokens", ...FIELD_NAMES].flatMap((name) =>
    values.map((value): [string, unknown] => [name, value])
  );

  test.each(samples)("%s (case %#)", (name, value) => {
    expect(validate({ [name]: value })).toBe(parses({ [name]: value }));
  });

  test.each([[null], [[]], [5], [true]])("the whole being %j", (value) => {
    expect(validate(value)).toBe(parses(value));
  });
});

test("policySchema leaves to parsePolicy() whether a pattern is of the linear subset", () => {
  const json = { blockedPatterns: [{ pattern: "(a)\\1", type: "regex" }] };
  expect([validate(json), parses(json)]).toEqual([true, false]);
});
