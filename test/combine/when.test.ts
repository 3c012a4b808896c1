import { describe, expect, test } from "vitest";
import { all } from "../../src/combine/all.ts";
import { unless, when } from "../../src/combine/when.ts";
import { allow, type Deny, deny, escalate, transform } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import type { ExecutionContext } from "../../src/base/context.ts";
import type { GovernedRequest, Stage } from "../../src/base/request.ts";
import { answering, ask, context, limited, request, taking } from "../helpers.ts";

const ANSWERS = [allow(), deny("no", "No"), escalate("?"), transform({ a: 1 }, "r")];

describe.each([["when()", when, true], ["unless()", unless, false]] as const)(
  "%s answers by its table",
  (name, build, asked) => {
    test.each(ANSWERS.flatMap((answer) => [[answer.effect, answer, false], [answer.effect, answer, true]] as const))(
      `${name} answers as the guard, when it is asked and the guard answers %s`,
      async (_, answer, later) => {
        const inner = answering("g", answer, later);
        const alone = await ask(all(inner), { payload: 1 });
        expect(await ask(build(() => asked, inner))).toEqual(alone);
        expect(inner.asked.length).toBe(2);
      },
    );

    test(`${name} allows and does not ask, when the predicate says so`, () => {
      const inner = answering("g", deny("no", "No"));
      expect(ask(build(() => !asked, inner))).toBe(allow());
      expect(inner.asked).toEqual([]);
    });

    const odd: [string, () => unknown][] = [
      ["throws", () => {
        throw new Error("x");
      }],
      ...[undefined, null, 0, 1, "", "false", [], Promise.resolve(true), new Boolean(false)].map((
        value,
      ): [string, () => unknown] => [`answers ${typeof value} ${String(value)}`, () => value]),
    ];
    test.each(odd)(`${name} denies and does not ask, when the predicate %s`, async (how, predicate) => {
      const inner = answering("g", allow());
      const decision = await ask(build(predicate as never, inner));
      expect(decision).toMatchObject({ effect: "deny", code: "guard_error", guard: "g" });
      expect(String((decision as Deny).details)).toMatch(
        how === "throws"
          ? /^Error: x$/
          : `TypeError: The predicate of ${name} must answer true or false, and answered `,
      );
      expect(inner.asked).toEqual([]);
    });

    test(`${name} shows request and context to the predicate`, async () => {
      const seen: unknown[] = [];
      const where = context({ agentId: "x" });
      const about = request({ name: "t" });
      await build((r: GovernedRequest, c: ExecutionContext) => {
        seen.push(r, c);
        return asked;
      }, answering("g", allow()))(about, where, taking());
      expect(seen).toEqual([about, where]);
      expect(seen[1]).toBe(where);
    });

    test(`${name} lets the guard take, when it is asked`, async () => {
      const limit = limited("l", 1);
      const own = taking();
      await build(() => asked, limit)(request(), context(), own);
      expect([own.held, limit.count.held]).toEqual([1, 1]);
    });

    test(`${name} keeps its guard's stages, when they are changed afterwards`, () => {
      const stages: Stage[] = ["input"];
      const guard = build(() => true, Object.assign((() => allow()) as Guard, { stages }));
      stages.push("output");
      expect(guard.stages).toEqual(["input"]);
      expect(Object.isFrozen(guard.stages)).toBe(true);
    });

    test(`${name} has its guard's stages, and throws, when it is built wrong`, () => {
      expect(build(() => true, defineGuard({ name: "g", stages: ["input"], check: () => allow() })).stages).toEqual([
        "input",
      ]);
      expect(() => build(true as never, answering("g", allow()))).toThrow(
        new TypeError(`Cannot build ${name}: "predicate" must be a function, and is true`),
      );
      expect(() => build(() => true, "g" as unknown as Guard)).toThrow(
        new TypeError(`Cannot build ${name}: "guard" must be a guard, and is "g"`),
      );
    });
  },
);

test.each([["when()", when], ["unless()", unless]])(
  "%s denies with guard_error and leaves no rejection unhandled, when the predicate is async and fails",
  async (_name, build) => {
    const guard = build(
      (async () => {
        throw new Error("x");
      }) as never,
      answering("g", allow()),
    );
    expect(await ask(guard)).toMatchObject({ code: "guard_error" });
  },
);
