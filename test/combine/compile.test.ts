import { describe, expect, test } from "vitest";
import { all } from "../../src/combine/all.ts";
import { askSafely, goOn } from "../../src/combine/ask-guard.ts";
import { escalationsIn, faultDenial, foldAll } from "../../src/combine/fold-decisions.ts";
import { checkGuard, inherit, isComposite, isReadOnly, onlyReads } from "../../src/combine/guard-traits.ts";
import { partsAt, sequence } from "../../src/combine/compile.ts";
import { when } from "../../src/combine/when.ts";
import { allow, type Decision, deny, type Escalate, escalate, transform, warn } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import { Fault } from "../../src/snapshot/snapshot.ts";
import { DRY, Reservations } from "../../src/base/taking.ts";
import { answering, context, limited, request } from "../helpers.ts";

describe("sequence()", () => {
  test("sequence() allows, when there is no guard", () => {
    expect(sequence([])(request(), context(), DRY)).toBe(allow());
  });

  test("sequence() tells whose takings are whose, when guards take in one list", () => {
    const own = new Reservations();
    const guards = Array.from({ length: 7 }, (_, i) => limited(`g${i}`, 1));
    expect(sequence(guards)(request(), context(), own)).toBe(allow());
    const { skips } = Reservations.passOf(Reservations.again(own));
    expect(skips).toEqual(new Set(guards));
  });

  test("sequence() may be asked again by one of its guards, with the same taking", () => {
    const calls: string[] = [];
    const inner: Guard = () => (calls.push("inner"), allow());
    const outer = sequence([
      (about, where, own) => (about.name === "outer" ? outer(request({ name: "again" }), where, own) : allow()),
      (about) => (calls.push(about.name), about.name === "outer" ? deny("no", "No") : allow()),
      inner,
    ]);
    expect(outer(request({ name: "outer" }), context(), DRY)).toMatchObject({ code: "no" });
    expect(calls).toEqual(["again", "inner", "outer"]);
  });

  test.each([["before", true], ["after", false]])(
    "sequence() knows a guard's own taking from those of others, when it takes %s it asks guards itself",
    (_when, isBefore) => {
      const looker = answering("looker", allow());
      const inner = sequence([looker, limited("inner", 1)]);
      const outer: Guard = (about, where, taking) => {
        if (isBefore) taking.take(() => {});
        const decision = inner(about, where, taking);
        if (!isBefore) taking.take(() => {});
        return decision;
      };
      const own = new Reservations();
      sequence([outer, answering("last", allow())])(request(), context(), own);
      const names = [...(Reservations.passOf(Reservations.again(own)).skips ?? [])].map((guard) =>
        guard.guardName ?? guard.name
      );
      expect(names.toSorted()).toEqual(["inner", "outer"]);
    },
  );

  test("partsAt() keeps the guards of a stage and those of every stage, in order", () => {
    const [a, b, c] = [
      defineGuard({ name: "a", stages: ["input"], check: () => allow() }),
      answering("b", allow()),
      defineGuard({ name: "c", stages: ["output"], check: () => allow() }),
    ];
    expect(partsAt([a, b, c], "input")).toEqual([a, b]);
  });
});

describe("foldAll()", () => {
  test.each([false, true])(
    "foldAll() traces every guard that was asked, once, when explaining (later: %s)",
    async (later) => {
      const steps: [string | undefined, Decision["effect"]][] = [];
      const guards = [
        answering("a", allow(), later),
        answering("t", transform({}, "r"), later),
        answering("d", deny("no", "No"), later),
        answering("not asked", allow()),
      ];
      const decision = await foldAll(
        guards,
        request(),
        context(),
        DRY,
        (guard, one) => steps.push([guard.guardName, one.effect]),
      );
      expect(decision).toMatchObject({ code: "no" });
      expect(steps).toEqual([["a", "allow"], ["t", "transform"], ["d", "deny"]]);
    },
  );

  test("foldAll() allows, when there is no guard", () => {
    expect(foldAll([], request(), context(), DRY)).toBe(allow());
  });
});

describe("escalationsIn()", () => {
  test("escalationsIn() is the escalation itself, when it stands for no other", () => {
    const one = escalate("?");
    expect(escalationsIn(one)).toEqual([one]);
  });

  test.each([[], [answering("w", warn("w", "w"))]])(
    "escalationsIn() answers every question, when guards joined them and passed them on",
    async (...warned) => {
      const guard = all(
        ...warned,
        when(() => true, all(answering("a", escalate("a?", "a")), answering("b", escalate("b?", "b")))),
        answering("c", escalate("c?", "c")),
      );
      const decision = (await guard(request(), context(), DRY)) as Escalate;
      expect(escalationsIn(decision).map(({ code, guard }) => [code, guard])).toEqual([["a", "a"], ["b", "b"], [
        "c",
        "c",
      ]]);
    },
  );
});

describe("faultDenial()", () => {
  test.each(
    [
      ["payload_too_large", "too much text", "The payload is too large: too much text"],
      [
        "payload_not_plain",
        "a function",
        "The payload is not plain data at $.run: a function; pass plain data, or a view that reads it",
      ],
    ] as const,
  )("faultDenial() says what and where, when the code is %s", (code, what, reason) => {
    const fault = new Fault(code, what);
    fault.steps.push({ kind: "key", key: "run", at: 0 });
    expect(faultDenial(fault, "input")).toEqual({
      effect: "deny",
      allowed: false,
      code,
      reason,
      details: code === "payload_too_large" ? { path: "$.run" } : { path: "$.run", kind: what },
    });
    expect(faultDenial(fault, "input", "g").guard).toBe("g");
  });
});

describe("askSafely()", () => {
  test("askSafely() never throws and never rejects, when a guard fails in any way", async () => {
    const boom = new Error("boom");
    for (
      const fail of [
        () => {
          throw boom;
        },
        () => Promise.reject(boom),
        () => ({
          get then() {
            throw boom;
          },
        }),
        () => ({
          then() {
            throw boom;
          },
        }),
      ]
    ) {
      expect(await askSafely(fail as unknown as Guard, request(), context(), DRY)).toMatchObject({
        code: "guard_error",
        guard: "anonymous",
        details: boom,
      });
    }
  });

  test("askSafely() allows and does not ask, when a second look leaves the guard out", () => {
    const guard = limited("g", 1);
    const own = new Reservations();
    expect(askSafely(guard, request(), context(), own)).toBe(allow());
    expect(askSafely(guard, request(), context(), own)).toMatchObject({ effect: "deny" });
    expect(askSafely(guard, request(), context(), Reservations.again(own))).toBe(allow());
  });

  test.each([false, true])("goOn() waits only, when it must (later: %s)", async (later) => {
    const answer = goOn(later ? Promise.resolve(allow()) : allow(), ({ effect }) => effect);
    expect(answer instanceof Promise).toBe(later);
    expect(await answer).toBe("allow");
  });
});

describe("what is known of guards", () => {
  test("isReadOnly() holds for combinators, when it holds for every part and predicate", () => {
    const reads = (): Guard => onlyReads(defineGuard({ name: "r", check: () => allow() }));
    expect([
      isReadOnly(all(reads(), reads())),
      isReadOnly(all(reads(), answering("w", allow()))),
      isReadOnly(when(() => true, reads())),
    ]).toEqual([true, false, false]);
  });

  test("isComposite() holds for all() and what stands around it, and for nothing else", () => {
    const one = answering("a", allow());
    expect([
      isComposite(all(one)),
      isComposite(when(() => true, all(one))),
      isComposite(when(() => true, one)),
      isComposite(inherit(answering("x", allow()), [one], false)),
    ]).toEqual([true, true, false, false]);
  });

  test.each([undefined, null, 1, "g", {}, Symbol("g")])(
    "checkGuard() throws a TypeError, when it is given %s",
    (value) => {
      expect(() => checkGuard("x()", "guard", value)).toThrow(TypeError);
    },
  );
});
