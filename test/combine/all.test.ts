import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { all, flatten } from "../../src/combine/all.ts";
import { any } from "../../src/combine/any.ts";
import { onTool } from "../../src/combine/on-tool.ts";
import { when } from "../../src/combine/when.ts";
import {
  allow,
  type Decision,
  deny,
  type Escalate,
  escalate,
  escalationsIn,
  transform,
  warn,
} from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import type { GovernedRequest, Stage } from "../../src/base/request.ts";
import { Reservations } from "../../src/base/taking.ts";
import { answering, ask, context, limited, request, taking } from "../helpers.ts";

const ANSWERS = {
  allow: allow(),
  transform: transform({ by: "?" }, "changed"),
  escalate: escalate("May I?"),
  deny: deny("no", "No"),
};
type Effect = keyof typeof ANSWERS;
const named = (effect: Effect, name: string): Decision =>
  effect === "transform"
    ? transform({ by: name }, `${name} changed`)
    : effect === "escalate"
    ? escalate(`${name}?`, `code_${name}`)
    : effect === "deny"
    ? deny(`no_${name}`, `${name}: no`)
    : allow();

describe("all() answers by its table", () => {
  const EFFECTS = Object.keys(ANSWERS) as Effect[];
  const RANK: Record<Effect, number> = { allow: 0, transform: 1, escalate: 2, deny: 3 };
  const rows = EFFECTS.flatMap((a) => EFFECTS.map((b) => [a, b] as const));

  test.each(
    rows.flatMap(([a, b]) =>
      [[a, b, false, false], [a, b, true, false], [a, b, false, true], [a, b, true, true]] as const
    ),
  )(
    "all() follows its table, when a answers %s and b %s (later: %s, %s)",
    async (a, b, aLater, bLater) => {
      const first = answering("a", named(a, "a"), aLater);
      const second = answering("b", named(b, "b"), bLater);
      const answer = ask(all(first, second));
      expect(answer instanceof Promise).toBe(aLater || (bLater && a !== "deny"));
      const decision = await answer;
      const strongest = RANK[a] >= RANK[b] ? a : b;
      expect(decision.effect).toBe(strongest);
      expect(second.asked.length).toBe(a === "deny" ? 0 : 1);
      if (strongest === "allow") expect(decision).toBe(allow());
      // Of two transforms the last one stands, of two escalations the first one's code and guard, of two denials the
      // first.
      const who = strongest === "transform" ? (b === "transform" ? "b" : "a") : a === strongest ? "a" : "b";
      if (decision.effect !== "allow") expect(decision.guard).toBe(who);
      if (decision.effect === "deny") {
        expect(decision).toEqual({
          effect: "deny",
          allowed: false,
          code: `no_${who}`,
          reason: `${who}: no`,
          guard: who,
        });
      }
      if (decision.effect === "transform") {
        expect(decision).toEqual({
          effect: "transform",
          allowed: true,
          payload: { by: who },
          reason: `${who} changed`,
          guard: who,
        });
      }
      if (decision.effect === "escalate") {
        expect(decision.code).toBe(`code_${who}`);
        expect(decision.reason).toBe(a === b ? "a?; b?" : `${who}?`);
        const changed = a === "transform" ? "a" : b === "transform" ? "b" : undefined;
        expect(decision.payload).toEqual(changed === undefined ? undefined : { by: changed });
      }
    },
  );
});

describe("all() with transforms", () => {
  const seen = (guard: { readonly asked: readonly GovernedRequest[] }): unknown[] =>
    guard.asked.map(({ payload }) => payload);

  test.each([false, true])(
    "all() shows a transform's payload to every later guard, and the final one to every earlier, when later is %s",
    async (later) => {
      const before = answering("before", allow(), later);
      const first = answering("first", transform({ text: "one" }, "first"), later);
      const between = answering("between", allow(), later);
      const second = answering("second", transform({ text: "two" }, "second"), later);
      const after = answering("after", allow(), later);
      const decision = await ask(all(before, first, between, second, after), { payload: { text: "zero" } });
      expect(decision).toMatchObject({
        effect: "transform",
        payload: { text: "two" },
        reason: "second",
        guard: "second",
      });
      expect(seen(before)).toEqual([{ text: "zero" }, { text: "two" }]);
      expect(seen(first)).toEqual([{ text: "zero" }, { text: "two" }]);
      expect(seen(between)).toEqual([{ text: "one" }, { text: "two" }]);
      expect(seen(second)).toEqual([{ text: "one" }]);
      expect(seen(after)).toEqual([{ text: "two" }]);
    },
  );

  const onlyOn = (text: string, answer: Decision, name = "onlyOn", later = false): Guard =>
    Object.assign(
      ((r: GovernedRequest) => {
        const decision = (r.payload as { text?: string }).text === text ? answer : allow();
        return later ? Promise.resolve(decision) : decision;
      }) as Guard,
      { guardName: name },
    );
  const toEvil = answering("rewrites", transform({ text: "evil" }, "rewritten"));

  test.each([false, true])(
    "all() denies, when an earlier guard denies the final payload (later: %s)",
    async (later) => {
      expect(await ask(all(onlyOn("evil", deny("bad", "Bad"), "judge", later), toEvil), { payload: { text: "good" } }))
        .toEqual({ effect: "deny", allowed: false, code: "bad", reason: "Bad", guard: "judge" });
    },
  );

  test.each([false, true])(
    "all() escalates with the payload, when an earlier guard escalates the final one (later: %s)",
    async (later) => {
      expect(await ask(all(onlyOn("evil", escalate("Sure?"), "judge", later), toEvil), { payload: { text: "good" } }))
        .toEqual({
          effect: "escalate",
          allowed: false,
          code: "approval_required",
          reason: "Sure?",
          guard: "judge",
          payload: { text: "evil" },
        });
    },
  );

  test("all() denies, when an earlier guard throws on the second look, or rejects", async () => {
    for (
      const fail of [() => {
        throw new Error("boom");
      }, () => Promise.reject(new Error("boom"))]
    ) {
      let looks = 0;
      const flaky: Guard = Object.assign((() => (++looks === 1 ? allow() : fail())) as Guard, { guardName: "flaky" });
      expect(await ask(all(flaky, toEvil))).toMatchObject({ effect: "deny", code: "guard_error", guard: "flaky" });
      expect(looks).toBe(2);
    }
  });

  test("all() keeps a warning of the second look, when the first gave none, and none twice", async () => {
    const decision = await ask(
      all(onlyOn("evil", warn("late", "Look out"), "late"), answering("both", warn("both", "Always")), toEvil),
      { payload: { text: "good" } },
    );
    expect(decision.warnings).toEqual([{ code: "both", reason: "Always", guard: "both" }, {
      code: "late",
      reason: "Look out",
      guard: "late",
    }]);
  });

  test("all() asks each question once, when a guard escalates on both looks, and both, when they differ", async () => {
    const always = answering("asks", escalate("Sure?"));
    const questions = async (...guards: Guard[]): Promise<string[]> =>
      escalationsIn((await ask(all(...guards), { payload: { text: "good" } })) as Escalate).map(({ reason }) => reason);
    expect(await questions(always, toEvil)).toEqual(["Sure?"]);
    // The same guard's name and code, but another question: two requireApproval() in one list.
    expect(await questions(onlyOn("evil", escalate("The second?"), "asks"), always, toEvil)).toEqual([
      "Sure?",
      "The second?",
    ]);
  });

  test.each([false, true])(
    "all() asks a guard that took only once, when a later one transforms (later: %s)",
    async (later) => {
      const limit = limited("limit", 1, later);
      expect(await ask(all(limit, toEvil))).toMatchObject({ effect: "transform" });
      expect(limit.count.held).toBe(1);
    },
  );

  test.each([
    ["when()", (inner: Guard) => when(() => true, inner)],
    ["onTool()", (inner: Guard) => onTool("search", inner)],
    ["any()", (inner: Guard) => any(inner)],
  ])("all() judges again inside %s, when another part of it took", async (_, around) => {
    for (const later of [false, true]) {
      const judge = onlyOn("evil", deny("bad", "Bad"), "judge", later);
      const limit = limited("limit", 1, later);
      // Both orders, and with an outer guard at the index of the inner one that took.
      for (const inner of [all(judge, limit), all(limit, judge)]) {
        const held = limit.count.held;
        const own = new Reservations();
        expect(await ask(all(around(inner), toEvil), { payload: { text: "good" } }, context(), own)).toMatchObject({
          code: "bad",
        });
        Reservations.giveBack(own, true);
        expect(limit.count.held).toBe(held);
      }
      const own = new Reservations();
      expect(
        await ask(
          all(judge, around(all(limit, answering("x", allow()))), toEvil),
          { payload: { text: "good" } },
          context(),
          own,
        ),
      ).toMatchObject({ code: "bad" });
      Reservations.giveBack(own, true);
      expect(await ask(all(around(all(limit, answering("x", allow()))), toEvil), { payload: { text: "good" } }))
        .toMatchObject({ effect: "transform" });
    }
  });

  test("all() gives guards and caller a frozen copy, when a transform's payload is changed afterwards", async () => {
    const mine = { list: [1] };
    const after = answering("after", allow());
    const decision = await ask(all(answering("t", transform(mine, "r")), after));
    mine.list.push(2);
    expect(decision).toMatchObject({ payload: { list: [1] } });
    expect(Object.isFrozen((after.asked[0]?.payload as typeof mine).list)).toBe(true);
  });

  test.each(
    [
      ["pre_tool_call", { run: String }, "payload_not_plain"],
      ["post_tool_call", { run: String }, "payload_not_plain"],
      ["post_tool_call", { when: new Map([["a", 1]]) }, undefined],
      ["post_tool_call", ["x".repeat(1 << 21)], "payload_too_large"],
      ["pre_model_call", ["x".repeat(1 << 21)], undefined],
    ] as const,
  )("all() at %s judges a transform's payload by the gate's own caps", async (stage, payload, code) => {
    const decision = await ask(all(answering("t", transform(payload, "r"))), { stage });
    expect(decision.effect === "deny" ? [decision.code, decision.guard] : [undefined, "t"]).toEqual([code, "t"]);
    if (code === undefined) expect((decision as { payload: unknown }).payload).toEqual(payload);
  });
});

describe("all() with warnings and escalations", () => {
  test.each([
    ["allow", allow()],
    ["deny", deny("no", "No")],
    ["transform", transform(1, "r")],
    ["escalate", escalate("?")],
  ])("all() joins warnings in order, when the end is %s", async (effect, last) => {
    const decision = await ask(
      all(answering("a", warn("w1", "one")), answering("b", warn("w2", "two")), answering("c", last)),
    );
    expect(decision).toMatchObject({
      effect,
      warnings: [{ code: "w1", reason: "one", guard: "a" }, { code: "w2", reason: "two", guard: "b" }],
    });
  });

  test("all() asks several questions as one, with every reason once, when several guards escalate", async () => {
    const decision = await ask(
      all(
        answering("a", escalate("First?", "one")),
        answering("b", escalate("Second?", "two")),
        answering("c", escalate("First?", "three")),
      ),
    );
    expect(decision).toEqual({
      effect: "escalate",
      allowed: false,
      code: "one",
      guard: "a",
      reason: "First?; Second?",
    });
  });

  test("all() denies, when an escalation comes before a denial", async () => {
    expect(await ask(all(answering("a", escalate("?")), answering("b", deny("no", "No"))))).toMatchObject({
      code: "no",
      guard: "b",
    });
  });
});

describe("all() takes failures for denials", () => {
  const boom = new Error("boom");
  const failing: [string, () => unknown][] = [
    ["throws", () => {
      throw boom;
    }],
    ["rejects", () => Promise.reject(boom)],
    ["answers nonsense", () => "allow"],
    ["answers nothing", () => undefined],
    ["answers nonsense later", () => Promise.resolve({ effect: "ALLOW", allowed: true })],
    ["answers a thenable whose then throws", () => ({
      then() {
        throw boom;
      },
    })],
    ["answers a thenable whose then cannot be read", () => ({
      get then(): never {
        throw boom;
      },
    })],
    [
      "answers a promise whose constructor cannot be read",
      () =>
        Object.defineProperty(Promise.resolve(allow()), "constructor", {
          get: () => {
            throw boom;
          },
        }),
    ],
  ];
  test.each(failing)("all() denies with guard_error, when a guard %s, wherever it stands", async (_, fail) => {
    const guard = Object.assign(fail as Guard, { guardName: "broken" });
    const fine = (): Guard => answering("fine", allow());
    for (let size = 1; size <= 7; size++) {
      for (let at = 0; at < size; at++) {
        const list = Array.from({ length: size }, (_, i) => (i === at ? guard : fine()));
        expect(await ask(all(...list)), `${at} of ${size}`).toMatchObject({
          effect: "deny",
          allowed: false,
          code: "guard_error",
          guard: "broken",
        });
      }
    }
  });
});

describe("all() is compiled by count", () => {
  test.each(Array.from({ length: 17 }, (_, i) => i + 1))(
    "all() asks each of %s guards once, whatever form an allowance has",
    async (size) => {
      for (const form of [allow(), { effect: "allow", allowed: true }, warn("w", "w")]) {
        for (const later of [false, true]) {
          for (let odd = 0; odd < size; odd++) {
            const guards = Array.from(
              { length: size },
              (_, i) => answering(`g${i}`, i === odd ? form : allow(), i === odd && later),
            );
            expect((await ask(all(...guards))).effect).toBe("allow");
            expect(guards.map(({ asked }) => asked.length)).toEqual(guards.map(() => 1));
          }
        }
      }
    },
  );

  test("all() answers without a promise, when every guard does", () => {
    expect(ask(all(...Array.from({ length: 12 }, () => answering("g", allow()))))).toBe(allow());
  });
});

describe("all() has stages", () => {
  const at = (stages: readonly Stage[], answer: Decision = deny("no", "No")): Guard =>
    defineGuard({ name: stages.join(), stages, check: () => answer });

  test("all() has the union of its parts' stages, in order, when every part names some", () => {
    expect(all(at(["output"]), at(["input", "pre_tool_call"])).stages).toEqual(["input", "pre_tool_call", "output"]);
    expect(all(at(["output"]), answering("every", allow())).stages).toBeUndefined();
  });

  test("all() leaves out the parts that do not judge there, when a stage is not theirs", async () => {
    const both = all(at(["input"], deny("input", "x")), at(["output"], deny("output", "x")));
    expect(await ask(both, { stage: "input" })).toMatchObject({ code: "input" });
    expect(await ask(both, { stage: "output" })).toMatchObject({ code: "output" });
  });

  test("all() denies, when it is asked at a stage that none of its parts judges", async () => {
    expect(await ask(all(at(["input"], allow())), { stage: "output" })).toMatchObject({
      code: "guard_error",
      guard: "all",
      details: new TypeError('all() has no part that judges at "output"'),
    });
  });

  test.each([
    ["no guard", [], "it needs at least one guard"],
    ["a part that is none", [answering("a", allow()), "deny"], '"guards[1]" must be a guard, and is "deny"'],
    [
      "stages that are no list",
      [Object.assign(() => allow(), { stages: "input" })],
      '"guards[0].stages" must be an array of at least one stage, and is "input"',
    ],
    [
      "no stage at all",
      [Object.assign(() => allow(), { stages: [] })],
      '"guards[0].stages" must be an array of at least one stage, and is an array of 0',
    ],
    [
      "an unknown stage",
      [Object.assign(() => allow(), { stages: ["Input"] })],
      '"guards[0].stages" names "Input", which is no stage',
    ],
    [
      "a name that is none",
      [Object.assign(() => allow(), { guardName: 5 })],
      '"guards[0].guardName" must be a string, and is 5',
    ],
  ])("all() throws, when it is given %s", (_, guards, message) => {
    expect(() => all(...(guards as Guard[]))).toThrow(`Cannot build all(): ${message}`);
  });

  test("all() ignores later changes, when the list or a part's stages are changed", async () => {
    const stages: Stage[] = ["pre_tool_call"];
    const list = [Object.assign((() => deny("no", "No")) as Guard, { stages })];
    const guard = all(...list);
    list.pop();
    stages[0] = "output";
    expect(guard.stages).toEqual(["pre_tool_call"]);
    expect(await ask(guard)).toMatchObject({ code: "no" });
  });
});

describe("laws", () => {
  const answer = fc.oneof(
    fc.constant({ effect: "allow" as const }),
    fc.record({ effect: fc.constant("warn" as const), n: fc.nat(2) }),
    fc.record({ effect: fc.constantFrom("transform", "escalate", "deny", "throw", "nonsense"), n: fc.nat(2) }),
    // Judges the payload, so that a second look matters.
    fc.record({ effect: fc.constant("picky" as const), n: fc.nat(2) }),
  );
  const spec = fc.record({ answer, later: fc.boolean() });
  const build = (
    index: number,
    { answer: { effect, ...more }, later }: { answer: { effect: string; n?: number }; later: boolean },
  ): Guard => {
    const n = more.n ?? 0;
    const judge = (r: GovernedRequest): Decision => {
      switch (effect) {
        case "warn":
          return warn(`w${n}`, "w");
        case "transform":
          return transform({ n }, `t${n}`);
        case "escalate":
          return escalate(`e${n}`, `e${n}`);
        case "deny":
          return deny(`d${n}`, "d");
        case "throw":
          throw new Error("t");
        case "nonsense":
          return { effect: "nonsense" } as unknown as Decision;
        case "picky":
          return (r.payload as { n?: number }).n === n ? deny("picky", "p") : allow();
        default:
          return allow();
      }
    };
    return Object.assign(
      ((r: GovernedRequest) => (later ? Promise.resolve().then(() => judge(r)) : judge(r))) as Guard,
      { guardName: `g${index}` },
    );
  };
  const specs = fc.array(spec, { minLength: 1, maxLength: 7 });
  // The thrown error itself is a new one each time.
  const plain = async (guard: Guard): Promise<unknown> => ({
    ...(await ask(guard, { payload: { n: -1 } })),
    details: undefined,
  });

  test("all() is associative, when guards are grouped", async () => {
    await fc.assert(
      fc.asyncProperty(specs, fc.nat(), fc.nat(), async (list, i, j) => {
        const guards = list.map((one, index) => build(index, one));
        const [from, to] = [i % guards.length, j % guards.length].sort((a, b) => a - b) as [number, number];
        const grouped = [...guards.slice(0, from), all(...guards.slice(from, to + 1)), ...guards.slice(to + 1)];
        expect(await plain(all(...grouped))).toEqual(await plain(all(...guards)));
      }),
      { numRuns: 200 },
    );
  });

  test("all() has allow as its unit and deny as its zero, when either is added", async () => {
    await fc.assert(
      fc.asyncProperty(specs, fc.nat(), async (list, i) => {
        const guards = list.map((one, index) => build(index, one));
        const at = i % (guards.length + 1);
        const add = (extra: Guard): Guard => all(...guards.slice(0, at), extra, ...guards.slice(at));
        expect(await plain(add(answering("unit", allow())))).toEqual(await plain(all(...guards)));
        expect((await ask(add(answering("zero", deny("zero", "z"))), { payload: { n: -1 } })).effect).toBe("deny");
      }),
      { numRuns: 200 },
    );
  });

  test("all() stays a denial, when any part is added", async () => {
    await fc.assert(
      fc.asyncProperty(specs, spec, fc.nat(), async (list, extra, i) => {
        // A transform can make a part that judges the payload deny less: that is its purpose, and it is left out here.
        fc.pre(extra.answer.effect !== "transform");
        const guards = list.map((one, index) => build(index, one));
        const at = i % (guards.length + 1);
        const before = await ask(all(...guards), { payload: { n: -1 } });
        const after = await ask(all(...guards.slice(0, at), build(99, extra), ...guards.slice(at)), {
          payload: { n: -1 },
        });
        if (before.effect === "deny") expect(after.effect).toBe("deny");
        if (before.effect === "escalate") expect(["deny", "escalate"]).toContain(after.effect);
      }),
      { numRuns: 200 },
    );
  });
});

test("flatten() puts the parts of every all() in its place, when they are nested", () => {
  const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => answering(name, allow()) as Guard) as [
    Guard,
    Guard,
    Guard,
    Guard,
  ];
  const other = any(c);
  expect(flatten([a, all(b, all(other, d))])).toEqual([a, b, other, d]);
});

test("all() asks a guard that took only once, when it took after it had waited for guards of its own", async () => {
  const inner = all(answering("inner", allow(), true));
  let asked = 0;
  const outer: Guard = async (about, where, own) => {
    asked++;
    const decision = await inner(about, where, own);
    own.take(() => {});
    return decision;
  };
  expect(await all(outer, answering("t", transform({}, "r")))(request(), context(), new Reservations()))
    .toMatchObject({
      effect: "transform",
    });
  expect(asked).toBe(1);
});

test("all() hands takings on to a taking of somebody else's, and asks who took only once, when a transform follows", async () => {
  const limit = limited("limit", 1);
  const recording = taking();
  expect(await all(limit, answering("t", transform({}, "r")))(request(), context(), recording)).toMatchObject({
    effect: "transform",
  });
  expect([recording.held, limit.count.held]).toEqual([1, 1]);
  recording.giveBack();
  expect(limit.count.held).toBe(0);
});
