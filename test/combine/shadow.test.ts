import { describe, expect, test } from "vitest";
import { all } from "../../src/combine/all.ts";
import { shadow } from "../../src/combine/shadow.ts";
import { type ExecutionContext, SessionContext, SessionState } from "../../src/base/context.ts";
import { allow, type Decision, deny, escalate, transform } from "../../src/base/decision.ts";
import { defineGuard, type Guard } from "../../src/base/guard.ts";
import { Reservations } from "../../src/base/taking.ts";
import { answering, ask, context, limited, request, taking } from "../helpers.ts";

/** A context that collects what shadowed guards would have decided. */
function watched(): { where: ExecutionContext; seen: Decision[] } {
  const seen: Decision[] = [];
  return { where: reporting((decision) => void seen.push(decision)), seen };
}

function reporting(report: (decision: Decision) => void): ExecutionContext {
  const { agentId, agentKey, sessionId, policy, metadata, signal } = context();
  return new SessionContext({
    agentId,
    agentKey,
    sessionId,
    agent: undefined,
    policy,
    metadata,
    state: new SessionState(0),
  }, { signal, report: (_request, decision) => report(decision) });
}
const turn = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await Promise.resolve();
};

describe("shadow()", () => {
  test.each(
    [allow(), deny("no", "No"), escalate("?"), transform({ a: 1 }, "r")].flatMap((answer) =>
      [[answer.effect, answer, false], [answer.effect, answer, true]] as const
    ),
  )(
    "shadow() allows at once and reports, when the guard answers %s",
    async (_, answer, later) => {
      const { where, seen } = watched();
      expect(ask(shadow(answering("g", answer, later)), {}, where)).toBe(allow());
      await turn();
      expect(seen).toEqual([answer.effect === "allow" ? answer : { ...answer, guard: "g" }]);
    },
  );

  test.each([
    ["throws", () => {
      throw new Error("x");
    }],
    ["rejects", () => Promise.reject(new Error("x"))],
    ["answers nonsense", () => 5],
  ])("shadow() allows and reports a guard_error, when the guard %s", async (_, fail) => {
    const { where, seen } = watched();
    expect(ask(shadow(Object.assign(fail as Guard, { guardName: "g" })), {}, where)).toBe(allow());
    await turn();
    expect(seen).toMatchObject([{ effect: "deny", code: "guard_error", guard: "g" }]);
  });

  test("shadow() allows, when the guard never settles", () => {
    expect(ask(shadow(() => new Promise<never>(() => {})))).toBe(allow());
  });

  test.each([false, true])("shadow() allows, when reporting fails (later: %s)", async (later) => {
    const where = reporting(() => {
      throw new Error("x");
    });
    expect(ask(shadow(answering("g", deny("no", "No"), later)), {}, where)).toBe(allow());
    await turn();
  });

  test("shadow() changes nothing in all(), when it would transform or escalate", async () => {
    const after = answering("after", allow());
    expect(
      await ask(all(shadow(answering("t", transform({ a: 1 }, "r"))), shadow(answering("e", escalate("?"))), after), {
        payload: { a: 0 },
      }),
    ).toBe(allow());
    expect(after.asked[0]?.payload).toEqual({ a: 0 });
  });

  test.each([false, true])(
    "shadow() takes from its own guard's limit, when it would allow, and nothing, when it would deny (later: %s)",
    async (later) => {
      const limit = limited("l", 1, later);
      const { where, seen } = watched();
      const own = taking();
      const guard = shadow(limit);
      guard(request(), where, own);
      await turn();
      guard(request(), where, own);
      await turn();
      expect(seen.map(({ effect }) => effect)).toEqual(["allow", "deny"]);
      expect([own.held, limit.count.held]).toEqual([1, 1]);
      own.settle();
      expect(limit.count).toEqual({ held: 1, settled: 1 });
    },
  );

  test.each([false, true])(
    "shadow() gives back what a part took, when another part would deny (later: %s)",
    async (later) => {
      const limit = limited("l", 1, later);
      const own = taking();
      shadow(all(limit, answering("no", deny("no", "No"))))(request(), context(), own);
      await turn();
      expect([limit.count.held, own.taken]).toEqual([0, 0]);
    },
  );

  test("shadow() gives back, when a later guard denies the act before the shadowed one has answered", async () => {
    const limit = limited("l", 1, true);
    const own = new Reservations();
    const { where } = watched();
    expect(await all(shadow(limit), answering("no", deny("no", "No")))(request(), where, own)).toMatchObject({
      code: "no",
    });
    Reservations.giveBack(own, true);
    await turn();
    expect(limit.count.held).toBe(0);
  });

  test("shadow() takes nothing, when it is asked dry", async () => {
    const limit = limited("l", 1);
    shadow(limit)(request(), context(), taking(true));
    expect(limit.count.held).toBe(0);
  });

  test("shadow() reports again on a second look, only when it would stop the final payload", async () => {
    const { where, seen } = watched();
    const picky: Guard = Object.assign(
      ((r) => ((r.payload as { a?: number }).a === 1 ? deny("one", "One") : allow())) as Guard,
      { guardName: "picky" },
    );
    await ask(
      all(shadow(picky), shadow(answering("calm", allow())), answering("t", transform({ a: 1 }, "r"))),
      {},
      where,
    );
    expect(seen.map((decision) => decision.effect === "deny" ? decision.code : decision.effect)).toEqual([
      "allow",
      "allow",
      "one",
    ]);
  });

  test("shadow() has its guard's stages, and throws, when it is given no guard", () => {
    expect(shadow(defineGuard({ name: "g", stages: ["input"], check: () => allow() })).stages).toEqual(["input"]);
    expect(() => shadow(1 as unknown as Guard)).toThrow(
      new TypeError('Cannot build shadow(): "guard" must be a guard, and is 1'),
    );
  });
});
