import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { any } from "../../src/combine/any.ts";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow, deny } from "../../src/base/decision.ts";
import { defineGuard } from "../../src/base/guard.ts";
import { rateLimit, type RateLimitOptions } from "../../src/guards/rate-limit.ts";
import { memoryStore } from "../../src/state/memory-store.ts";
import { Reservations } from "../../src/base/taking.ts";
import { ask, context, request, taking } from "../helpers.ts";
import { act, actLater, BROKEN_STORES, codeOf, later, sessionOf, storeThat } from "./session-context.ts";

const LIMITED = "rate_limited";
const minute = (max: number, more: Partial<RateLimitOptions> = {}) => rateLimit({ max, windowMs: 60_000, ...more });

/** What a guard says to calls at these times, in one session. */
function codesAt(guard: ReturnType<typeof rateLimit>, times: readonly number[]): readonly string[] {
  const session = sessionOf();
  return times.map((now) => {
    session.state.now = now;
    return act(guard, session).code;
  });
}

describe("rateLimit()", () => {
  test("has its name, judges tool calls and is known to only read, when it is built", () => {
    const guard = minute(1);
    expect([
      guard.guardName,
      guard.stages,
      isReadOnly(guard),
      isReadOnly(minute(1, { by: () => "k" })),
      isReadOnly(minute(1, { weight: () => 1 })),
    ]).toEqual(["rateLimit", ["pre_tool_call"], true, false, false]);
  });

  test("denies with everything a caller needs, when the limit is reached", () => {
    const guard = minute(1);
    const session = sessionOf({ now: 1000 });
    expect(act(guard, session).decision).toBe(allow());
    session.state.now = 11_000;
    expect(act(guard, session).decision).toEqual({
      effect: "deny",
      allowed: false,
      code: LIMITED,
      reason: "Rate limit exceeded: rateLimit is 1 in 60000 ms",
      guard: "rateLimit",
      details: { max: 1, windowMs: 60_000, retryAfterMs: 50_000 },
    });
  });

  test.each([
    ["RL-04: a burst over a fixed window's boundary", 2, [59_900, 59_950, 60_050, 60_100], ["", "", LIMITED, LIMITED]],
    ["RL-07: the clock stands still", 2, [0, 0, 0], ["", "", LIMITED]],
    ["RL-05: the clock runs back", 2, [100_000, 100_000, 0, -100_000, 99_999], ["", "", LIMITED, LIMITED, LIMITED]],
    ["RL-06: the clock is NaN", 2, [NaN, NaN], [LIMITED, LIMITED]],
    ["the clock is infinite", 2, [Infinity, -Infinity], [LIMITED, LIMITED]],
    ["the clock fails for a while", 1, [0, NaN, 59_999, 60_000], ["", LIMITED, LIMITED, ""]],
    ["a taking is exactly a window old", 1, [5, 60_004, 60_005], ["", LIMITED, ""]],
    ["max is 0", 0, [0, 1e9], [LIMITED, LIMITED]],
  ])("%s: decides right", (_what, max, times, codes) => {
    expect(codesAt(minute(max), times)).toEqual(codes);
  });

  test("allows exactly max in every window, whatever the clock does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -50, max: 60 }), { maxLength: 60 }),
        fc.integer({ min: 0, max: 5 }),
        (moves, max) => {
          const guard = rateLimit({ max, windowMs: 100 });
          const session = sessionOf();
          let latest = -Infinity;
          const passed: number[] = [];
          for (const move of moves) {
            session.state.now += move;
            latest = Math.max(latest, session.state.now);
            const within = passed.filter((time) => latest - time < 100).length;
            const { code } = act(guard, session);
            expect(code).toBe(within < max ? "" : LIMITED);
            if (code === "") passed.push(latest);
          }
        },
      ),
    );
  });

  test("counts an agent's calls together, when it opens new sessions (RL-22)", () => {
    const guard = minute(1);
    expect(["s1", "s2"].map((sessionId) => act(guard, sessionOf({ sessionId })).code)).toEqual(["", LIMITED]);
  });

  test("counts agents apart by their whole key, when they share a last segment (RL-12)", () => {
    const guard = minute(1);
    expect(
      ["did:agentmesh:a:bot", "did:agentmesh:b:bot", "bot", "did:agentmesh:a:bot"].map((agentKey) =>
        act(guard, sessionOf({ agentKey })).code
      ),
    ).toEqual(["", "", "", LIMITED]);
  });

  test.each([undefined, "", null, 7, {}, "x".repeat(1025)])(
    "denies and counts nothing, when the agent's key is %j (RL-13)",
    (agentKey) => {
      for (const by of ["agent", "session"] as const) {
        expect(act(minute(1, { by }), sessionOf({ agentKey: agentKey ?? "" })).decision).toMatchObject({
          code: LIMITED,
          reason: "There is nothing to count this act under",
        });
      }
      expect(codeOf(ask(minute(1), {}, context({ agentKey: agentKey as string })) as never)).toBe(LIMITED);
    },
  );

  test("counts each tool apart, whoever calls it, when by is tool", () => {
    const guard = minute(1, { by: "tool" });
    const calls = [["a", "search"], ["a", "read"], ["b", "search"], ["b", "__proto__"], ["b", "constructor"], [
      "b",
      "constructor",
    ]] as const;
    expect(calls.map(([agentKey, name]) => act(guard, sessionOf({ agentKey }), { name }).code)).toEqual([
      "",
      "",
      LIMITED,
      "",
      "",
      LIMITED,
    ]);
  });

  test("counts each session apart, and an agent's apart from another's of the same id, when by is session", () => {
    const guard = minute(1, { by: "session" });
    const sessions = [["a", "s"], ["a", "t"], ["b", "s"], ["a", "s"], ['a","s', "t"]] as const;
    expect(sessions.map(([agentKey, sessionId]) => act(guard, sessionOf({ agentKey, sessionId })).code)).toEqual([
      "",
      "",
      "",
      LIMITED,
      "",
    ]);
  });

  test("counts under what a function answers, when by is one", () => {
    const guard = minute(1, { by: ({ payload }) => (payload as { host: string }).host });
    expect(["x", "y", "x"].map((host) => act(guard, sessionOf(), { payload: { host } }).code)).toEqual([
      "",
      "",
      LIMITED,
    ]);
  });

  test.each([undefined, "", 7, ["a"], Promise.resolve("a"), "x".repeat(1025)])(
    "denies, when the function answers %s",
    (key) => {
      expect(act(minute(1, { by: () => key as string }), sessionOf()).code).toBe(LIMITED);
    },
  );

  test("leaves an error to who composes it, when the function throws", () => {
    const guard = minute(1, {
      by: () => {
        throw new Error("no host");
      },
    });
    expect(() => act(guard, sessionOf())).toThrow("no host");
  });

  test("takes what an act weighs, when there are weights", () => {
    const guard = minute(10, { weight: ({ payload }) => (payload as { size: number }).size });
    expect([7, 4, 3, 0, 1].map((size) => act(guard, sessionOf(), { payload: { size } }).code)).toEqual([
      "",
      LIMITED,
      "",
      "",
      LIMITED,
    ]);
    const fixed = minute(10, { weight: 5 });
    expect([1, 2, 3].map(() => act(fixed, sessionOf()).code)).toEqual(["", "", LIMITED]);
  });

  test("names no time to come back, when the weight is above max", () => {
    expect(act(minute(2, { weight: 3 }), sessionOf()).decision).toMatchObject({
      code: LIMITED,
      details: { max: 2, windowMs: 60_000 },
    });
    expect((act(minute(2, { weight: 3 }), sessionOf()).decision as { details: object }).details).not.toHaveProperty(
      "retryAfterMs",
    );
  });

  test.each([-1, 0.5, NaN, Infinity, "1", undefined, 2 ** 53])(
    "throws for whoever composes it, when the weight function answers %s",
    (weight) => {
      expect(() => act(minute(10, { weight: () => weight as number }), sessionOf())).toThrow(
        /^The weight function of rateLimit\(\) must answer a whole number/,
      );
    },
  );

  test("gives back, when the act is denied, and not when it ran", () => {
    const guard = minute(1);
    const session = sessionOf();
    Reservations.giveBack(act(guard, session).takings, true);
    const { code, takings } = act(guard, session);
    Reservations.settle(takings, undefined);
    Reservations.giveBack(takings, true);
    expect([code, act(guard, session).code]).toEqual(["", LIMITED]);
  });

  test("takes nothing, when it is asked dry", () => {
    const guard = minute(1);
    const session = sessionOf();
    const dry = (): string => act(guard, session, {}, true).code;
    expect([dry(), dry(), act(guard, session).code, dry()]).toEqual(["", "", "", LIMITED]);
  });

  test("is given back within any(), when the branch that took denies", () => {
    const limit = minute(1);
    const guard = any(
      defineGuard({
        name: "first",
        check: (seen, where, take) => {
          const answer = limit(seen, where, take);
          return answer === allow() ? deny("no", "no") : answer;
        },
      }),
      limit,
    );
    const session = sessionOf();
    expect([act(guard, session).code, act(guard, session).code]).toEqual(["", LIMITED]);
  });

  test("keeps its options, when they are changed later", () => {
    const options = { max: 1, windowMs: 60_000, stages: ["pre_tool_call" as const, "input" as const] };
    const guard = rateLimit(options);
    Object.assign(options, { max: 100 });
    options.stages.pop();
    expect([guard.stages, act(guard, sessionOf()).code, act(guard, sessionOf()).code]).toEqual([
      ["pre_tool_call", "input"],
      "",
      LIMITED,
    ]);
  });

  test.each([
    [{ max: 1 }, '"windowMs" must be a whole number >= 1, and is undefined'],
    [{ max: -1, windowMs: 1 }, '"max" must be a whole number >= 0, and is -1'],
    [{ max: NaN, windowMs: 1 }, '"max" must be a whole number >= 0, and is NaN'],
    [{ max: 0.5, windowMs: 1 }, '"max" must be'],
    [{ max: "2/min", windowMs: 1 }, '"max" must be a whole number >= 0, and is "2/min"'],
    [{ max: 1, windowMs: 0 }, '"windowMs" must be a whole number >= 1, and is 0'],
    [{ max: 1, windowMs: "minute" }, '"windowMs" must be'],
    [{ max: 1, windowMs: Infinity }, '"windowMs" must be'],
    [{ max: 1, windowMs: 1, by: "tenant" }, '"by" must be "agent", "tool", "session" or a function, and is "tenant"'],
    [{ max: 1, windowMs: 1, by: null }, '"by" must be a function'],
    [{ max: 1, windowMs: 1, weight: -1 }, '"weight" must be'],
    [{ max: 1, windowMs: 1, weight: "1" }, '"weight" must be'],
    [{ max: 1, windowMs: 1, stages: [] }, '"stages" must be'],
    [{ max: 1, windowMs: 1, stages: ["tool"] }, '"stages[0]" must be'],
    [{ max: 1, windowMs: 1, store: {} }, '"store.take" must be a function'],
    [{ max: 1, windowMs: 1, store: { take: () => 1 } }, '"store.giveBack" must be a function'],
    [{ max: 1, windowMs: 1, store: null }, '"store" must be a state store'],
    [{ max: 1, windowMs: 1, id: "" }, '"id" must be'],
    [{ spec: "2/min" }, '"spec" must be one of the known options'],
    [undefined, '"options" must be an object'],
    ["2/min", '"options" must be an object'],
  ])("throws, when it is built with %j (RL-10)", (options, message) => {
    expect(() => rateLimit(options as never)).toThrow(`Cannot build rateLimit(): ${message}`);
  });
});

describe.each(
  [["at once", (store = memoryStore()) => store], ["later", (store = memoryStore()) => later(store)]] as const,
)("rateLimit() over a store that answers %s", (when, make) => {
  test("answers at once exactly where the store does, when it is asked", () => {
    const answer = minute(1, { store: make() })(request(), sessionOf().context, taking());
    expect(answer instanceof Promise).toBe(when === "later");
    return answer;
  });

  test("denies as it does without one, when the limit is reached", async () => {
    const guard = minute(1, { store: make() });
    const session = sessionOf({ now: 1000 });
    expect((await actLater(guard, session)).decision).toBe(allow());
    session.state.now = 11_000;
    expect((await actLater(guard, session)).decision).toMatchObject({
      code: LIMITED,
      details: { max: 1, windowMs: 60_000, retryAfterMs: 50_000 },
    });
    session.state.now = 61_000;
    expect((await actLater(guard, session)).code).toBe("");
  });

  test("counts together with other guards of the same store, and apart from other limits, when they share it", async () => {
    const store = memoryStore();
    const [one, two] = [minute(2, { store: make(store) }), minute(2, { store: make(store) })];
    const others = [
      minute(1, { store: make(store), id: "other" }),
      minute(1, { store: make(store), by: "tool" }),
      rateLimit({ max: 1, windowMs: 1000, store: make(store) }),
    ];
    const session = sessionOf();
    const codes: string[] = [];
    for (const guard of [one, two, one, two, ...others]) {
      codes.push((await actLater(guard, session, { name: "did:agentmesh:tester" })).code);
    }
    expect(codes).toEqual(["", "", LIMITED, LIMITED, "", "", ""]);
  });

  test("gives back, when the act is denied or over before the store has answered", async () => {
    const guard = minute(1, { store: make() });
    const session = sessionOf();
    const late = new Reservations();
    const answer = guard(request(), session.context, late);
    Reservations.giveBack(late, true);
    await answer;
    Reservations.giveBack((await actLater(guard, session)).takings, true);
    await Promise.resolve();
    expect([(await actLater(guard, session)).code, (await actLater(guard, session)).code]).toEqual(["", LIMITED]);
  });

  test("takes nothing, when it is asked dry", async () => {
    const guard = minute(1, { store: make(), weight: 1 });
    const session = sessionOf();
    const dry = async (): Promise<string> => (await actLater(guard, session, {}, true)).code;
    expect([await dry(), await dry(), (await actLater(guard, session)).code, await dry()]).toEqual([
      "",
      "",
      "",
      LIMITED,
    ]);
  });

  test("holds nothing, when the act weighs nothing", async () => {
    const take = taking();
    expect(await minute(0, { store: make(), weight: 0 })(request(), sessionOf().context, take)).toBe(allow());
    expect(take.taken).toBe(0);
  });
});

describe("rateLimit() over a store that is full", () => {
  test("denies new agents and forgets none, when all of them count (RL-14)", () => {
    const guard = minute(1, { store: memoryStore({ maxKeys: 2 }) });
    const codes = ["victim", "a", "b", "c", "victim"].map((agentKey) => act(guard, sessionOf({ agentKey })).code);
    expect(codes).toEqual(["", "", "store_unavailable", "store_unavailable", LIMITED]);
    expect(act(guard, sessionOf({ agentKey: "b", now: 60_000 })).code).toBe("");
  });
});

describe("rateLimit() over a store that is broken", () => {
  test.each(BROKEN_STORES)("denies with store_unavailable, when it %s (RL-25)", async (_what, take) => {
    const guard = minute(1, { store: storeThat(take) });
    const { decision } = await actLater(guard, sessionOf());
    expect(decision).toMatchObject({
      code: "store_unavailable",
      guard: "rateLimit",
      reason: "The limit could not be looked up",
      details: expect.any(Error),
    });
    expect((await actLater(guard, sessionOf(), {}, true)).code).toBe("store_unavailable");
  });

  test("denies without asking it, when the clock gives no time", () => {
    let asked = 0;
    const guard = minute(1, { store: storeThat(() => asked++) });
    expect([act(guard, sessionOf({ now: NaN })).code, asked]).toEqual([LIMITED, 0]);
  });

  test.each([["throws", () => {
    throw new Error("gone");
  }], ["rejects", () => Promise.reject(new Error("gone"))]])(
    "stays closed and quiet, when giving back %s",
    async (_what, giveBack) => {
      let taken = 0;
      const guard = minute(1, {
        store: storeThat(() => ({ taken: taken++ === 0, receipt: "1", remaining: 0 }), giveBack),
      });
      const session = sessionOf();
      Reservations.giveBack((await actLater(guard, session)).takings, true);
      expect((await actLater(guard, session)).code).toBe(LIMITED);
    },
  );

  test("believes no time to come back that is none, when the store answers one", () => {
    const guard = minute(1, {
      store: storeThat(() => ({ taken: false, receipt: "", remaining: 0, retryAfterMs: "soon" })),
    });
    expect((act(guard, sessionOf()).decision as { details: object }).details).toEqual({ max: 1, windowMs: 60_000 });
  });
});
