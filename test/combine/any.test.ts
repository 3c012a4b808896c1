import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { all } from "../../src/combine/all.ts";
import { any } from "../../src/combine/any.ts";
import { allow, type Decision, deny, escalate, transform, warn } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import { answering, ask, context, limited, request, taking } from "../helpers.ts";

const answerOf = (effect: string, name: string): Decision =>
  effect === "transform"
    ? transform({ by: name }, `${name} changed`)
    : effect === "escalate"
    ? escalate(`${name}?`)
    : effect === "deny"
    ? deny(`no_${name}`, `${name}: no`)
    : allow();
const EFFECTS = ["allow", "transform", "escalate", "deny"];

describe("any() answers by its table", () => {
  const rows = EFFECTS.flatMap((a) =>
    EFFECTS.flatMap((b) =>
      [false, true].flatMap((aLater) => [false, true].map((bLater) => [a, b, aLater, bLater] as const))
    )
  );

  test.each(rows)(
    "any() follows its table, when a answers %s and b %s (later: %s, %s)",
    async (a, b, aLater, bLater) => {
      const first = answering("a", answerOf(a, "a"), aLater);
      const second = answering("b", answerOf(b, "b"), bLater);
      const answer = ask(any(first, second));
      expect(answer instanceof Promise).toBe(aLater || (a === "deny" && bLater));
      const [effect, who] = a === "deny" ? [b, "b"] : [a, "a"];
      const expected = answerOf(effect, who);
      expect(await answer).toEqual(effect === "allow" ? expected : { ...expected, guard: who });
      expect(second.asked.length).toBe(a === "deny" ? 1 : 0);
    },
  );

  test("any() answers the last denial, when every part denies", async () => {
    expect(
      await ask(
        any(
          answering("a", deny("one", "1")),
          answering("b", deny("two", "2"), true),
          answering("c", deny("three", "3")),
        ),
      ),
    ).toEqual({ effect: "deny", allowed: false, code: "three", reason: "3", guard: "c" });
  });

  test("any() joins the warnings of every part it asked, when one of them answers", async () => {
    const warned = (name: string): Decision => ({
      effect: "deny",
      allowed: false,
      code: "no",
      reason: "No",
      warnings: [{ code: name, reason: "w" }],
    });
    expect(
      (await ask(any(answering("a", warned("a")), answering("b", warn("b", "w")), answering("c", warn("c", "w")))))
        .warnings,
    ).toEqual([{ code: "a", reason: "w", guard: "a" }, { code: "b", reason: "w", guard: "b" }]);
    expect((await ask(any(answering("a", warned("a")), answering("b", warned("b"))))).warnings?.map(({ code }) => code))
      .toEqual(["a", "b"]);
  });

  test("any() keeps the single questions apart, when a part joined several", async () => {
    const { escalationsIn } = await import("../../src/combine/fold-decisions.ts");
    const joined = all(answering("x", escalate("x?", "x")), answering("y", escalate("y?", "y")));
    const warned: Decision = {
      effect: "deny",
      allowed: false,
      code: "no",
      reason: "No",
      warnings: [{ code: "w", reason: "w" }],
    };
    const decision = await ask(all(any(answering("a", warned), joined), answering("w", warn("later", "w"))));
    expect(decision).toMatchObject({ effect: "escalate", code: "x", reason: "x?; y?", guard: "x" });
    expect(escalationsIn(decision as never).map(({ code }) => code)).toEqual(["x", "y"]);
  });
});

describe("any() gives back", () => {
  test.each([false, true])(
    "any() keeps only what the answering part took, when others denied (later: %s)",
    async (later) => {
      const [one, two] = [limited("one", 1, later), limited("two", 1, later)];
      const own = taking();
      const decision = await any(all(one, answering("no", deny("no", "No"))), two, limited("three", 1))(
        request(),
        context(),
        own,
      );
      expect(decision).toBe(allow());
      expect([one.count.held, two.count.held, own.held]).toEqual([0, 1, 1]);
      own.giveBack();
      expect(two.count.held).toBe(0);
    },
  );

  test("any() takes nothing, when every part denies", async () => {
    const [one, two] = [limited("one", 1), limited("two", 1)];
    const own = taking();
    const no = answering("no", deny("no", "No"));
    await any(all(one, no), all(two, no))(request(), context(), own);
    expect([one.count.held, two.count.held, own.taken]).toEqual([0, 0, 0]);
  });

  test("any() hands the settling on, when the answering part took", async () => {
    const limit = limited("one", 1);
    const own = taking();
    await any(limit)(request(), context(), own);
    own.settle({ totalTokens: 3 });
    expect(limit.count).toEqual({ held: 1, settled: 1 });
  });

  test("any() takes nothing, when it is asked dry", async () => {
    const limit = limited("one", 1);
    const own = taking(true);
    expect(await any(limit)(request(), context(), own)).toBe(allow());
    expect([limit.count.held, own.taken]).toEqual([0, 0]);
  });

  test("any() gives back at once, when a part that denied takes later", async () => {
    let take: () => void = () => {};
    const given: string[] = [];
    const late: Guard = (_request, _context, own) => {
      take = () => own.take(() => given.push("back"));
      return deny("no", "No");
    };
    await ask(any(late, answering("yes", allow())));
    take();
    expect(given).toEqual(["back"]);
  });
});

describe("any() takes failures for denials", () => {
  const failing: [string, Guard][] = [
    ["throws", () => {
      throw new Error("x");
    }],
    ["rejects", () => Promise.reject(new Error("x"))],
    ["answers nonsense", () => ({ effect: "allow" }) as never],
    ["has a then that cannot be read", () =>
      ({
        get then(): never {
          throw new Error("x");
        },
      }) as never],
  ];
  test.each(failing)(
    "any() goes on to the next part, when one %s, and denies, when it is the last",
    async (_, broken) => {
      expect(await ask(any(broken, answering("yes", allow())))).toEqual(allow());
      expect(await ask(any(answering("no", deny("no", "No")), broken))).toMatchObject({
        effect: "deny",
        code: "guard_error",
      });
    },
  );
});

describe("laws", () => {
  const effects = fc.array(fc.constantFrom(...EFFECTS, "throw"), { minLength: 1, maxLength: 6 });
  const build = (effect: string, i: number): Guard =>
    effect === "throw"
      ? Object.assign(() => {
        throw new Error("x");
      }, { guardName: `g${i}` }) as Guard
      : answering(`g${i}`, answerOf(effect, `g${i}`), i % 2 === 0);
  const plain = async (guard: Guard): Promise<unknown> => ({ ...(await ask(guard)), details: undefined });

  test("any() is associative and has deny as its unit in front, when guards are grouped or one is added", async () => {
    await fc.assert(
      fc.asyncProperty(effects, fc.nat(), async (list, i) => {
        const guards = list.map(build);
        const at = i % guards.length;
        const whole = await plain(any(...guards));
        expect(await plain(any(...guards.slice(0, at), any(...guards.slice(at))))).toEqual(whole);
        expect(await plain(any(answering("zero", deny("zero", "z")), ...guards))).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  test("any() denies exactly when every part denies", async () => {
    await fc.assert(
      fc.asyncProperty(effects, async (list) => {
        const denies = (await ask(any(...list.map(build)))).effect === "deny";
        expect(denies).toBe(list.every((effect) => effect === "deny" || effect === "throw"));
      }),
      { numRuns: 100 },
    );
  });
});

describe("any() is built", () => {
  test("any() throws, when there is no part or one is no guard", () => {
    expect(() => any()).toThrow(new TypeError("Cannot build any(): it needs at least one guard"));
    expect(() => any(answering("a", allow()), null as unknown as Guard)).toThrow(
      new TypeError('Cannot build any(): "guards[1]" must be a guard, and is null'),
    );
  });

  test("any() leaves out parts that do not judge there, when a stage is not theirs", async () => {
    const guard = any(
      defineGuard({ name: "i", stages: ["input"], check: () => allow() }),
      defineGuard({ name: "o", stages: ["output"], check: () => deny("o", "o") }),
    );
    expect(guard.stages).toEqual(["input", "output"]);
    expect(await ask(guard, { stage: "output" })).toMatchObject({ code: "o" });
    expect(await ask(guard, { stage: "input" })).toBe(allow());
  });
});
