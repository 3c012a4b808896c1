import { describe, expect, test } from "vitest";
import * as v from "valibot";
import * as z from "zod";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow } from "../../src/base/decision.ts";
import { type StandardSchemaV1, validateArguments } from "../../src/guards/validate-arguments.ts";
import { act, actLater, sessionOf } from "./session-context.ts";

const INVALID = "invalid_arguments";

/** A schema made by hand, that answers this. */
function answering(result: unknown, version: unknown = 1): StandardSchemaV1 {
  return {
    "~standard": {
      version: version as 1,
      vendor: "test",
      validate: (
        value,
      ) => (typeof result === "function" ? (result as (value: unknown) => never)(value) : (result as never)),
    },
  };
}

describe("validateArguments() with zod", () => {
  const guard = validateArguments({
    pay: z.object({
      to: z.string().min(1),
      cents: z.number().int().positive(),
      items: z.array(z.object({ name: z.string() })).default([]),
    }),
    read: z.object({ path: z.string() }),
    late: z.object({ id: z.string() }).refine(async ({ id }) => id !== "taken"),
    loose: z.looseObject({ a: z.coerce.number() }),
    when: z.object({ at: z.coerce.date() }),
    later: z.object({ at: z.date().transform((at) => new Date(at.getTime() + 1)) }),
    odd: z.object({ at: z.string().transform(() => () => 1) }),
  });
  const judge = (name: string, payload: unknown) => act(guard, sessionOf(), { name, payload });

  test("allows plainly, when the arguments fit as they are, whatever the order of their keys", () => {
    expect([
      judge("read", { path: "/tmp" }).decision,
      judge("pay", { items: [{ name: "a" }], cents: 5, to: "b" }).decision,
    ]).toEqual([allow(), allow()]);
    expect(judge("read", { path: "/tmp" }).decision).toBe(allow());
  });

  test("denies with paths and no values, when they do not fit", () => {
    const { decision } = judge("pay", { to: "", cents: "secret", items: [{ name: "a" }, { name: 7 }] });
    expect(decision).toEqual({
      effect: "deny",
      allowed: false,
      code: INVALID,
      guard: "validateArguments",
      reason: 'The arguments of tool "pay" do not fit its schema',
      details: { paths: ["to", "cents", "items[1].name"] },
    });
    expect(JSON.stringify(decision)).not.toContain("secret");
  });

  test.each([undefined, null, "text", [], 7])("denies, when the arguments are %j", (payload) => {
    expect(judge("read", payload).decision).toMatchObject({ code: INVALID, details: { paths: [""] } });
  });

  test("hands the tool the schema's output, when it differs", () => {
    expect(judge("pay", { to: "b", cents: 5, admin: true }).decision).toEqual({
      effect: "transform",
      allowed: true,
      payload: { to: "b", cents: 5, items: [] },
      guard: "validateArguments",
      reason: 'The arguments of tool "pay" were brought into the form of its schema',
    });
    expect(judge("loose", { a: "7", b: 1 }).decision).toMatchObject({ effect: "transform", payload: { a: 7, b: 1 } });
  });

  test("answers later, when the schema does", async () => {
    expect((await actLater(guard, sessionOf(), { name: "late", payload: { id: "free" } })).decision).toBe(allow());
    expect((await actLater(guard, sessionOf(), { name: "late", payload: { id: "taken" } })).decision).toMatchObject({
      code: INVALID,
      details: { paths: [""] },
    });
    expect((await actLater(guard, sessionOf(), { name: "late", payload: {} })).decision).toMatchObject({
      code: INVALID,
      details: { paths: ["id"] },
    });
  });

  test("hands the tool a date, when the schema makes one of a text, and another, when of a date", () => {
    expect(judge("when", { at: "2026-01-01" }).decision).toMatchObject({ payload: { at: new Date("2026-01-01") } });
    expect(judge("when", { at: new Date(5) }).decision).toBe(allow());
    expect(judge("later", { at: new Date(5) }).decision).toMatchObject({ payload: { at: new Date(6) } });
  });

  test("denies, when the output is not plain", () => {
    expect(judge("odd", { at: "2026-01-01" }).decision).toMatchObject({
      code: "payload_not_plain",
      details: { path: "$.at" },
    });
  });
});

describe("validateArguments() with valibot", () => {
  const guard = validateArguments({
    pay: v.object({
      to: v.pipe(v.string(), v.minLength(1)),
      cents: v.pipe(v.number(), v.integer()),
      items: v.optional(v.array(v.object({ name: v.string() })), []),
    }),
    late: v.pipeAsync(v.object({ id: v.string() }), v.checkAsync(async ({ id }) => id !== "taken")),
  });
  const judge = (name: string, payload: unknown) => act(guard, sessionOf(), { name, payload });

  test("allows, hands on the output, and denies with paths", () => {
    expect(judge("pay", { to: "b", cents: 5, items: [] }).decision).toBe(allow());
    expect(judge("pay", { to: "b", cents: 5, admin: true }).decision).toMatchObject({
      effect: "transform",
      payload: { to: "b", cents: 5, items: [] },
    });
    expect(judge("pay", { to: "", cents: 5, items: [{ name: 7 }] }).decision).toMatchObject({
      code: INVALID,
      details: { paths: ["to", "items[0].name"] },
    });
  });

  test("answers later, when the schema does", async () => {
    expect((await actLater(guard, sessionOf(), { name: "late", payload: { id: "free" } })).decision).toBe(allow());
    expect((await actLater(guard, sessionOf(), { name: "late", payload: { id: "taken" } })).decision).toMatchObject({
      code: INVALID,
    });
  });
});

describe("validateArguments()", () => {
  const judge = (result: unknown, payload: unknown = { a: 1 }) =>
    act(validateArguments({ tool: answering(result) }), sessionOf(), { name: "tool", payload });

  test("has its name, judges tool calls and is not known to only read, since schemas are others' code", () => {
    const guard = validateArguments({ a: answering({}) });
    expect([guard.guardName, guard.stages, isReadOnly(guard)]).toEqual(["validateArguments", ["pre_tool_call"], false]);
  });

  test("passes tools without a schema, unless it is strict", () => {
    const schemas = { tool: answering({ value: {} }) };
    expect(
      ["other", "__proto__", "constructor", "toString"].map((name) =>
        act(validateArguments(schemas), sessionOf(), { name }).code
      ),
    ).toEqual(["", "", "", ""]);
    expect(act(validateArguments(schemas, { strict: true }), sessionOf(), { name: "constructor" }).decision)
      .toMatchObject({ code: INVALID, reason: 'Tool "constructor" has no schema' });
  });

  test("judges a tool named like a member of every object, when it has a schema", () => {
    const guard = validateArguments({ constructor: answering({ issues: [] }) });
    expect(act(guard, sessionOf(), { name: "constructor" }).code).toBe(INVALID);
  });

  test.each([
    [undefined, "no result"],
    [null, "no result"],
    [true, "no result"],
    ["ok", "no result"],
    [{}, "neither a value nor issues"],
    [{ ok: true }, "neither a value nor issues"],
    [{ issues: "none" }, "issues that are no list"],
    [{ issues: null }, "issues that are no list"],
    [{ issues: false, value: 1 }, "issues that are no list"],
  ])("throws for whoever composes it, when a schema answers %j", (result, what) => {
    expect(() => judge(result)).toThrow(new TypeError(`The schema of tool "tool" answered ${what}`));
  });

  test("holds the output to the caps of tool calls, and says how to do better", () => {
    const { decision } = judge({ value: { a: "x".repeat(2 ** 20) } });
    expect(decision).toMatchObject({ code: "payload_too_large", reason: expect.stringContaining("limits.tool") });
    expect(judge({ value: { a: () => 1 } }).decision).toMatchObject({
      reason: expect.stringContaining("; pass plain data, or a view that reads it"),
    });
  });

  test("denies, when there are issues and a value too, or a list of none", () => {
    expect([judge({ value: { a: 1 }, issues: [{ message: "x" }] }).code, judge({ issues: [] }).code]).toEqual([
      INVALID,
      INVALID,
    ]);
  });

  test("names at most 20 paths, each cut short, when there are more", () => {
    const issues = [
      { message: "m", path: [{ key: "a" }, 0, { key: 1 }, Symbol("s"), "x".repeat(1000)] },
      { message: "m", path: "a.b" },
      null,
      "x",
      { message: "m", path: Array.from({ length: 100 }, () => "long") },
      ...Array.from({ length: 50 }, () => ({ message: "m" })),
    ];
    const { paths } = (judge({ issues }).decision as { details: { paths: string[] } }).details;
    expect(paths).toHaveLength(20);
    expect(paths.slice(0, 4)).toEqual([`a[0][1].Symbol(s).${"x".repeat(64)}`, "", "", ""]);
    expect(paths[4]).toHaveLength(200);
  });

  test.each([
    [{ a: 1 }, true],
    [{ a: 2 }, false],
    [{ a: 1, b: undefined }, false],
    [{}, false],
    [{ b: 1 }, false],
    [{ b: undefined }, false],
    [[1], false],
    [{ a: "1" }, false],
    [{ a: { b: 1 } }, false],
    [null, false],
    [{ a: -0 }, false],
  ])("compares an output of %j with { a: 1 } by what it holds", (value, same) => {
    expect(judge({ value }).decision.effect).toBe(same ? "allow" : "transform");
  });

  test("tells a list from an object, when they have the same keys", () => {
    expect([
      judge({ value: [1] }, { 0: 1 }).decision.effect,
      judge({ value: { 0: 1 } }, [1]).decision.effect,
      judge({ value: [1] }, [1]).decision.effect,
    ]).toEqual(["transform", "transform", "allow"]);
  });

  test("reads the output once, when it has getters", () => {
    let reads = 0;
    const { decision } = judge({
      value: {
        get a() {
          return ++reads;
        },
      },
    });
    expect([decision.effect, reads]).toEqual(["allow", 1]);
  });

  test("reads the schemas when it is built, when they are changed later", () => {
    const schemas: Record<string, StandardSchemaV1> = { tool: answering({ issues: [] }) };
    const guard = validateArguments(schemas);
    schemas["tool"] = answering({ value: {} });
    delete schemas["tool"];
    expect(act(guard, sessionOf(), { name: "tool" }).code).toBe(INVALID);
  });

  test("takes a schema that is a function, as some libraries make them", () => {
    const schema = Object.assign(() => undefined, answering({ issues: [] }));
    expect(act(validateArguments({ tool: schema }), sessionOf(), { name: "tool" }).code).toBe(INVALID);
  });

  test.each([
    [null, {}, '"schemas" must be an object of schemas by tool name'],
    [[], {}, '"schemas"'],
    [{ "bad name": answering({}) }, {}, '"schemas[0]" must be 1 to 128 letters'],
    [{ a: null }, {}, '"schemas.a" must be a Standard Schema'],
    [{ a: "string" }, {}, '"schemas.a"'],
    [{ a: {} }, {}, '"schemas.a["~standard"]" must be'],
    [{ a: { "~standard": {} } }, {}, '"schemas.a["~standard"]" must be what Standard Schema 1 asks for'],
    [{ a: { "~standard": null } }, {}, '"schemas.a["~standard"]" must be what Standard Schema 1 asks for'],
    [{ a: { "~standard": "1" } }, {}, '"schemas.a["~standard"]" must be what Standard Schema 1 asks for'],
    ["schemas", {}, '"schemas" must be an object of schemas by tool name'],
    [{ a: answering({}, 2) }, {}, '"schemas.a["~standard"].version" must be 1, and is 2'],
    [{}, { strict: "yes" }, '"strict" must be true or false'],
    [{}, { loose: true }, '"loose" must be one of the known options'],
    [{}, null, '"options"'],
  ])("throws, when it is built with %j and %j", (schemas, options, message) => {
    expect(() => validateArguments(schemas as never, options as never)).toThrow(
      `Cannot build validateArguments(): ${message}`,
    );
  });
});
