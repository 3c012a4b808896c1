import { describe, expect, test } from "vitest";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { SessionContext, SessionState } from "../../src/base/context.ts";
import { allow } from "../../src/base/decision.ts";
import { timeLimit } from "../../src/guards/time-limit.ts";
import { ask, context } from "../helpers.ts";

/** A session that began at 1000. */
function session(): { where: SessionContext; at: (now: number) => SessionContext } {
  const state = new SessionState(1000);
  const where = new SessionContext({ ...context(), agent: undefined, state }, { signal: AbortSignal.abort() });
  return { where, at: (now) => ((state.now = now), where) };
}

describe("timeLimit()", () => {
  test.each([1000, 1001, 1099])("timeLimit() of 100 allows, when the session of 1000 has reached %s", (now) => {
    expect(ask(timeLimit(100), {}, session().at(now))).toBe(allow());
  });

  test.each([1100, 1101, 1e15, Infinity, NaN])(
    "timeLimit() of 100 denies, when the session of 1000 has reached %s",
    (now) => {
      expect(ask(timeLimit(100), {}, session().at(now))).toEqual({
        effect: "deny",
        allowed: false,
        code: "timeout",
        reason: "The session has run out of time: timeLimit is 100 ms for a session",
        guard: "timeLimit",
        details: { limitMs: 100 },
      });
    },
  );

  test("timeLimit() denies, when the session's beginning is no number", () => {
    expect(ask(timeLimit(100), {}, context({ startTime: NaN }))).toMatchObject({ code: "timeout" });
  });

  test("timeLimit() goes by the time of now, when the context was made by hand", () => {
    expect(ask(timeLimit(60_000), {}, context())).toBe(allow());
    expect(ask(timeLimit(60_000), {}, context({ startTime: Date.now() - 60_001 }))).toMatchObject({ code: "timeout" });
  });

  test("timeLimit() judges where acts begin, and never writes", () => {
    expect(timeLimit(1).stages).toEqual(["input", "pre_model_call", "pre_tool_call"]);
    expect(isReadOnly(timeLimit(1))).toBe(true);
  });

  test.each([[0, RangeError], [-1, RangeError], [1.5, RangeError], [NaN, RangeError], ["100", TypeError], [
    undefined,
    TypeError,
  ]])("timeLimit() throws, when the time is %s", (ms, kind) => {
    expect(() => timeLimit(ms as number)).toThrow(kind);
    expect(() => timeLimit(ms as number)).toThrow('Cannot build timeLimit(): "ms" must be a whole number >= 1, and is');
  });
});
