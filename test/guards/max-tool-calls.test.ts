import { describe, expect, test } from "vitest";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow } from "../../src/base/decision.ts";
import { maxToolCalls } from "../../src/guards/max-tool-calls.ts";
import { memoryStore } from "../../src/state/memory-store.ts";
import { ask, context, request, taking } from "../helpers.ts";
import { act, actLater, BROKEN_STORES, later, sessionOf, storeThat } from "./session-context.ts";
import { Reservations } from "../../src/base/taking.ts";

const EXCEEDED = "max_tool_calls_exceeded";

describe("maxToolCalls()", () => {
  test("has its name, judges tool calls and is known to only read, when it is built", () => {
    for (const guard of [maxToolCalls(1), maxToolCalls(1, { per: "agent" })]) {
      expect([guard.guardName, guard.stages, isReadOnly(guard)]).toEqual(["maxToolCalls", ["pre_tool_call"], true]);
    }
  });

  test("allows so many calls and denies the next, when they are made one after the other", () => {
    const guard = maxToolCalls(2);
    const session = sessionOf();
    expect([act(guard, session).decision, act(guard, session).decision]).toEqual([allow(), allow()]);
    expect(act(guard, session).decision).toEqual({
      effect: "deny",
      allowed: false,
      code: EXCEEDED,
      reason: "All the tool calls that may be made have been made: maxToolCalls is 2 for a session",
      guard: "maxToolCalls",
      details: { max: 2 },
    });
  });

  test("denies every call, when max is 0", () => {
    expect([act(maxToolCalls(0), sessionOf()).code, act(maxToolCalls(0, { per: "agent" }), sessionOf()).code]).toEqual([
      EXCEEDED,
      EXCEEDED,
    ]);
  });

  test("gives back what was denied or cancelled, and not what ran or failed", () => {
    const guard = maxToolCalls(1);
    const where = context();
    const [denied, ran] = [taking(), taking()];
    expect(ask(guard, {}, where, denied)).toBe(allow());
    denied.giveBack();
    expect(ask(guard, {}, where, ran)).toBe(allow());
    ran.settle();
    expect(ask(guard, {}, where)).toMatchObject({ code: EXCEEDED });
  });

  test("takes nothing, when it is asked dry", () => {
    const guard = maxToolCalls(1);
    const session = sessionOf();
    const dry = (): string => act(guard, session, {}, true).code;
    expect([dry(), dry(), act(guard, session).code, dry()]).toEqual(["", "", "", EXCEEDED]);
  });

  test("registers nothing, when it is asked dry", () => {
    const dry = taking(true);
    expect([ask(maxToolCalls(1), {}, context(), dry), dry.taken]).toEqual([allow(), 0]);
  });

  test("counts sessions of one id apart, when they are of different agents", () => {
    const guard = maxToolCalls(1, { windowMs: 1000 });
    expect(
      [["a", "s"], ["b", "s"], ["a", "s"]].map(([agentKey, sessionId]) =>
        act(guard, sessionOf({ agentKey, sessionId })).code
      ),
    ).toEqual(["", "", EXCEEDED]);
  });

  test("counts sessions apart, unless they are of one agent and it is told so", () => {
    const codes = (guard: ReturnType<typeof maxToolCalls>): readonly string[] =>
      [sessionOf({ sessionId: "1" }), sessionOf({ sessionId: "2" }), sessionOf({ agentKey: "other", sessionId: "3" })]
        .map((session) => act(guard, session).code);
    expect([codes(maxToolCalls(1)), codes(maxToolCalls(1, { per: "tree" })), codes(maxToolCalls(1, { per: "agent" }))])
      .toEqual([["", "", ""], ["", "", ""], ["", EXCEEDED, ""]]);
  });

  test("forgets calls, when they are older than its window", () => {
    const guard = maxToolCalls(1, { windowMs: 1000 });
    const session = sessionOf();
    const codes = [0, 999, 1000].map((now) => {
      session.state.now = now;
      return act(guard, session).code;
    });
    expect(codes).toEqual(["", EXCEEDED, ""]);
  });

  test("counts for ever without holding on to acts, when many have ended", () => {
    const guard = maxToolCalls(1000, { per: "agent" });
    const session = sessionOf();
    for (let i = 0; i < 1000; i++) Reservations.settle(act(guard, session).takings, undefined);
    expect(act(guard, session).code).toBe(EXCEEDED);
  });

  test.each([["at once", memoryStore()], ["later", later(memoryStore())]])(
    "counts in a store, of any session with the same id, when it answers %s",
    async (_when, store) => {
      const [here, there] = [maxToolCalls(2, { store }), maxToolCalls(2, { store })];
      const codes: string[] = [];
      for (const guard of [here, there, here]) {
        const { code, takings } = await actLater(guard, sessionOf({ sessionId: "resumed" }));
        Reservations.settle(takings, undefined);
        codes.push(code);
      }
      codes.push((await actLater(here, sessionOf({ sessionId: "another" }))).code);
      expect(codes).toEqual(["", "", EXCEEDED, ""]);
    },
  );

  test.each(BROKEN_STORES)("denies with store_unavailable, when the store %s", async (_what, take) => {
    expect((await actLater(maxToolCalls(1, { store: storeThat(take) }), sessionOf())).code).toBe("store_unavailable");
  });

  test("never passes its limit, when calls are judged while a store still answers", async () => {
    const guard = maxToolCalls(3, { store: later(memoryStore()) });
    const session = sessionOf();
    const decisions = await Promise.all(Array.from({ length: 10 }, () => guard(request(), session.context, taking())));
    expect(decisions.filter((one) => one.allowed)).toHaveLength(3);
  });

  test.each([[-1, RangeError], [0.5, RangeError], [NaN, RangeError], [Infinity, RangeError], ["5", TypeError], [
    undefined,
    TypeError,
  ], [null, TypeError]])("throws, when max is %s", (max, type) => {
    expect(() => maxToolCalls(max as number)).toThrow(type);
    expect(() => maxToolCalls(max as number)).toThrow('Cannot build maxToolCalls(): "max" must be a whole number >= 0');
  });

  test("throws, when an option is wrong", () => {
    expect(() => maxToolCalls(1, { per: "team" as never })).toThrow('Cannot build maxToolCalls(): "per" must be');
  });
});
