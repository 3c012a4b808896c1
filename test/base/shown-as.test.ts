import { describe, expect, test } from "vitest";
import { contextFields } from "../../src/base/context.ts";
import { shown, shownAs } from "../../src/base/inspect.ts";
import { context } from "../helpers.ts";

const NODE = Symbol.for("nodejs.util.inspect.custom");
const DENO = Symbol.for("Deno.customInspect");
type Inspected = Record<symbol, (...given: unknown[]) => string> & { toJSON?: () => unknown };

function made(isJson?: boolean): Inspected {
  const target = { secret: 1 };
  shownAs(target, () => "Thing", () => ({ a: 1 }), ...(isJson === undefined ? [] : [isJson] as const));
  return target as unknown as Inspected;
}

describe("shownAs()", () => {
  const print = (value: unknown, options?: unknown): string => `<${JSON.stringify([value, options])}>`;

  test.each([
    ["Node and Bun", NODE, [2, { colors: true }, print]],
    ["Deno", DENO, [print, { colors: true }]],
  ])("shownAs() prints name and fields with what prints, as %s call it", (_, symbol, given) => {
    expect(made()[symbol]?.(...given)).toBe('Thing <[{"a":1},{"colors":true}]>');
  });

  test("shownAs() prints JSON, when nothing prints", () => {
    expect([made()[NODE]?.(), made()[DENO]?.(null)]).toEqual(['Thing {"a":1}', 'Thing {"a":1}']);
  });

  test("shownAs() shows the same in JSON only where it is told to, and adds nothing that loops see", () => {
    expect(JSON.stringify([made(), made(false), made(true)])).toBe('[{"secret":1},{"secret":1},{"a":1}]');
    const target = made(true);
    expect(Object.keys(target)).toEqual(["secret"]);
    for (const key of [NODE, DENO, "toJSON"]) {
      expect(Object.getOwnPropertyDescriptor(target, key)?.configurable).toBe(true);
    }
  });
});

test("shown() leaves out what is undefined, and nothing else", () => {
  expect(Object.entries(shown({ a: undefined, b: null, c: 0, d: "" }))).toEqual([["b", null], ["c", 0], ["d", ""]]);
});

test("contextFields() has a key of limits that is not the agent's id, and metadata where there is some", () => {
  const policy = { name: "p", version: "2.0.0" } as never;
  const one = contextFields(context({ agentId: "a", agentKey: "a", policy }));
  expect(one).toMatchObject({ agentId: "a", policy: "p@2.0.0" });
  expect(["agentKey", "metadata"].map((key) => Object.hasOwn(one, key))).toEqual([false, false]);
  expect(contextFields(context({ agentId: "a", agentKey: "did:x:a", metadata: { m: 1 } }))).toMatchObject({
    agentKey: "did:x:a",
    metadata: { m: 1 },
  });
});
