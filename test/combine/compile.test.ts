import { describe, expect, test } from "vitest";
import { all } from "../../src/combine/all.ts";
import { askSafely, goOn } from "../../src/combine/ask-guard.ts";
import { escalationsIn, faultDenial, foldAll, joinedTo } from "../../src/combine/fold-decisions.ts";
import {
  checkGuard,
  counts,
  doubleLimit,
  inherit,
  isComposite,
  isReadOnly,
  onlyReads,
} from "../../src/combine/guard-traits.ts";
import { partsAt, sequence } from "../../src/combine/compile.ts";
import { any } from "../../src/combine/any.ts";
import { failOpen } from "../../src/combine/fail-open.ts";
import { not } from "../../src/combine/not.ts";
import { onStage } from "../../src/combine/on-stage.ts";
import { onTool } from "../../src/combine/on-tool.ts";
import { shadow } from "../../src/combine/shadow.ts";
import { unless, when } from "../../src/combine/when.ts";
import { withTimeout } from "../../src/combine/with-timeout.ts";
import {
  allow,
  type Decision,
  deny,
  type Escalate,
  escalate,
  readDecision,
  transform,
  warn,
} from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import { Fault } from "../../src/snapshot/snapshot.ts";
import { STAGES } from "../../src/base/request.ts";
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

  test("sequence() answers what a guard answers and asks none after it, at whichever place of many it stands", () => {
    const COUNT = 12;
    for (let place = 0; place < COUNT; place++) {
      const guards = Array.from(
        { length: COUNT },
        (_, at) => answering(`g${at}`, at === place ? deny("no", "No") : allow()),
      );
      expect(sequence(guards)(request(), context(), DRY)).toMatchObject({ code: "no", guard: `g${place}` });
      expect(guards.map((guard) => guard.asked.length)).toEqual(guards.map((_, at) => (at <= place ? 1 : 0)));
    }
  });

  test("sequence() denies with what a guard threw, at whichever place of many it stands", () => {
    const COUNT = 12;
    for (let place = 0; place < COUNT; place++) {
      const boom = new Error("boom");
      const guards = Array.from({ length: COUNT }, (_, at) =>
        defineGuard({
          name: `g${at}`,
          check: () => {
            if (at === place) throw boom;
            return allow();
          },
        }));
      expect(sequence(guards)(request(), context(), DRY)).toMatchObject({
        code: "guard_error",
        guard: `g${place}`,
        details: boom,
      });
    }
  });

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

  test("foldAll() asks nobody more, when the act is over before a guard has answered", async () => {
    const own = new Reservations();
    const after = answering("after", allow());
    const answer = foldAll([answering("late", allow(), true), after], request(), context(), own);
    Reservations.giveBack(own, true);
    expect([await answer, after.asked]).toEqual([allow(), []]);
  });

  test("foldAll() shows the payload of an escalation to those after it, and answers it, when it has one", async () => {
    const both = when(() => true, all(answering("t", transform({ a: 1 }, "r")), answering("e", escalate("?"))));
    const after = answering("after", allow());
    const decision = await foldAll([both, after], request(), context(), DRY);
    expect(after.asked.map(({ payload }) => payload)).toEqual([{ a: 1 }]);
    expect(decision).toStrictEqual({
      effect: "escalate",
      allowed: false,
      code: "approval_required",
      reason: "?",
      guard: "e",
      payload: { a: 1 },
    });
  });

  test("foldAll() knows whose a taking is, when a guard before it has changed the payload", () => {
    const own = new Reservations();
    const limit = limited("limit", 1);
    const changes = answering("changes", transform({ a: 1 }, "r"));
    expect(sequence([changes, limit])(request(), context(), own)).toMatchObject({ effect: "transform" });
    expect(Reservations.passOf(Reservations.again(own)).skips).toEqual(new Set([limit]));
  });

  test("foldAll() allows, when there is no guard", () => {
    expect(foldAll([], request(), context(), DRY)).toBe(allow());
  });
});

describe("warnings", () => {
  test("foldAll() joins warnings of one text, when they are of different guards, and tells none twice", async () => {
    const warning = (name: string, when: (payload: unknown) => boolean): Guard =>
      defineGuard({ name, check: ({ payload }) => (when(payload) ? warn("w", "w") : allow()) });
    const decision = await foldAll(
      [warning("a", () => true), warning("b", (payload) => payload === 1), answering("t", transform(1, "r"))],
      request({ payload: 0 }),
      context(),
      DRY,
    );
    expect(decision.warnings?.map(({ guard }) => guard)).toEqual(["a", "b"]);
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

describe("joinedTo()", () => {
  const first = readDecision({ ...escalate("a?", "a"), warnings: [{ code: "w", reason: "first" }] }, "g") as Escalate;
  const question = { effect: "escalate", allowed: false, code: "a", reason: "a?", guard: "g" };
  const warning = { code: "w", reason: "first", guard: "g" };

  test("joinedTo() is the later answer, when that is a denial", () => {
    const denial = deny("no", "No");
    expect(joinedTo(first, denial)).toBe(denial);
  });

  test("joinedTo() is the earlier question, when the later gate allows", () => {
    const joined = joinedTo(first, allow());
    expect(joined).toStrictEqual({ ...question, warnings: [warning] });
    expect(escalationsIn(joined as Escalate)).toEqual([first]);
    expect(Object.hasOwn(joinedTo(escalate("a?"), allow()), "warnings")).toBe(false);
  });

  test("joinedTo() asks with what the later gate made of the payload and warned of", () => {
    const later = readDecision({ ...transform({ a: 1 }, "r"), warnings: [{ code: "w", reason: "then" }] }, "t");
    expect(joinedTo(first, later)).toStrictEqual({
      ...question,
      payload: { a: 1 },
      warnings: [warning, { code: "w", reason: "then", guard: "t" }],
    });
  });

  test("joinedTo() asks both questions at once, when the later gate escalates too", () => {
    const later = escalate("b?", "b");
    const joined = joinedTo(first, later);
    expect(joined).toStrictEqual({ ...question, reason: "a?; b?", warnings: [warning] });
    expect(escalationsIn(joined as Escalate)).toEqual([first, later]);
    expect(joinedTo(first, escalate("a?")).effect === "escalate" && joinedTo(first, escalate("a?"))).toMatchObject({
      reason: "a?",
    });
  });
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
    expect(Object.hasOwn(faultDenial(fault, "input"), "guard")).toBe(false);
    expect(faultDenial(fault, "input", "g").guard).toBe("g");
  });

  test.each(STAGES)("faultDenial() says what to do about it at %s", (stage) => {
    const isBefore = ["input", "pre_model_call", "pre_tool_call"].includes(stage);
    expect(faultDenial(new Fault("payload_not_plain", "a function"), stage).reason).toBe(
      "The payload is not plain data at $: a function; " +
        (isBefore ? "pass plain data, or a view that reads it" : "return plain data, or pass a view that reads it"),
    );
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

  test("askSafely() knows whose each taking is, when guards take in turn", () => {
    const own = new Reservations();
    const [first, second] = [answering("first", allow()), limited("second", 1)];
    askSafely(first, request(), context(), own);
    askSafely(second, request(), context(), own);
    expect(Reservations.passOf(Reservations.again(own)).skips).toEqual(new Set([second]));
  });

  test("askSafely() knows whose a taking is, when the guard takes while it is waited for", async () => {
    const own = new Reservations();
    const late: Guard = async (_request, _context, taking) => {
      await Promise.resolve();
      taking.take(() => {});
      return allow();
    };
    await askSafely(late, request(), context(), own);
    expect(Reservations.passOf(Reservations.again(own)).skips).toEqual(new Set([late]));
  });

  test.each([false, true])("goOn() waits only, when it must (later: %s)", async (later) => {
    const answer = goOn(later ? Promise.resolve(allow()) : allow(), ({ effect }) => effect);
    expect(answer instanceof Promise).toBe(later);
    expect(await answer).toBe("allow");
  });
});

describe("what is known of guards", () => {
  const around: [string, (guard: Guard) => Guard][] = [
    ["not", (guard) => not(guard, "No")],
    ["when", (guard) => when(onlyReads(defineGuard({ name: "p", check: () => allow() })) as never, guard)],
    ["unless", (guard) => unless(onlyReads(defineGuard({ name: "p", check: () => allow() })) as never, guard)],
    ["onTool", (guard) => onTool("search", guard)],
    ["onTool", (guard) => onTool((name) => name === "search", guard)],
    ["onStage", (guard) => onStage(["input", "pre_tool_call"], guard)],
    ["withTimeout", (guard) => withTimeout(guard, 5)],
    ["shadow", shadow],
  ];
  const of: typeof around = [["all", (guard) => all(guard)], ["any", (guard) => any(guard)]];
  const single: typeof around = [["failOpen", failOpen]];
  const reads = (): Guard => onlyReads(defineGuard({ name: "r", check: () => allow() }));
  const writes = (): Guard => defineGuard({ name: "w", check: () => allow() });
  const atInput = (): Guard => defineGuard({ name: "i", stages: ["input"], check: () => allow() });

  test.each([...around, ...of, ...single])("%s() makes a guard of that name", (name, build) => {
    const guard = build(writes());
    expect([guard.guardName, guard.name]).toEqual([name, name]);
  });

  test.each([...around, ...of, ...single])("%s() only reads, when its guard does", (_name, build) => {
    expect([isReadOnly(build(reads())), isReadOnly(build(writes()))]).toEqual([true, false]);
  });

  test.each(around)("%s() is composite, when its guard is", (_name, build) => {
    expect([isComposite(build(writes())), isComposite(build(all(writes())))]).toEqual([false, true]);
  });

  test.each(of)("%s() is composite, at whichever stages its guard judges", (_name, build) => {
    expect([isComposite(build(writes())), isComposite(build(atInput()))]).toEqual([true, true]);
  });

  test("failOpen() is not composite, and its guard may stand in another", () => {
    expect(isComposite(failOpen(writes()))).toBe(false);
  });

  test("isReadOnly() holds for combinators, when it holds for every part and predicate", () => {
    expect([
      isReadOnly(all(reads(), reads())),
      isReadOnly(all(reads(), writes())),
      isReadOnly(when(() => true, reads())),
    ]).toEqual([true, false, false]);
  });

  test("isComposite() is passed on by inherit() only, when a part is composite or the guard itself", () => {
    expect([
      isComposite(inherit(writes(), [writes()], false)),
      isComposite(inherit(writes(), [writes()], true)),
      isComposite(inherit(writes(), [writes(), all(writes())], false)),
    ]).toEqual([false, true, true]);
  });

  test.each([...around, ...of, ...single])("doubleLimit() finds a limit, when it stands in %s()", (_name, build) => {
    const limit = (id: string, prefix: string): Guard => counts(writes(), { id, prefix });
    const [one, same, other] = [limit("one", "p"), limit("same", "p"), limit("other", "q")];
    expect([
      doubleLimit([build(one), same]),
      doubleLimit([build(one), other]),
      // One guard in two places is one limit, and a guard without one is none.
      doubleLimit([build(one), one, build(counts(writes(), undefined)), writes()]),
    ]).toEqual(["same", undefined, undefined]);
  });

  test.each([undefined, null, 1, "g", {}, Symbol("g")])(
    "checkGuard() throws a TypeError, when it is given %s",
    (value) => {
      expect(() => checkGuard("x()", "guard", value)).toThrow(TypeError);
    },
  );
});
