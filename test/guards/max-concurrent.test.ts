import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { withTimeout } from "../../src/combine/with-timeout.ts";
import { isReadOnly } from "../../src/combine/guard-traits.ts";
import { allow, type Decision } from "../../src/base/decision.ts";
import { maxConcurrent } from "../../src/guards/max-concurrent.ts";
import type { Guard } from "../../src/base/guard.ts";
import { branch, DRY, Reservations } from "../../src/base/taking.ts";
import { request } from "../helpers.ts";
import { act, codeOf, sessionOf, type TestSession } from "./session-context.ts";

const LIMIT = "concurrency_limit";

/** An act that may have to wait: what it was answered shows in `codes`, in the order of the answers. */
function begin(guard: Guard, session: TestSession, name: string, codes: string[], dry = false): Reservations {
  const takings = dry ? branch(DRY) : new Reservations();
  const answer = guard(request({ name }), session.context, takings);
  const note = (decision: Decision): void =>
    void codes.push(`${name}${decision.allowed ? "" : `: ${codeOf(decision)}`}`);
  if (answer instanceof Promise) void answer.then(note);
  else note(answer);
  return takings;
}
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

describe("maxConcurrent()", () => {
  test("has its name, judges before things happen and is known to only read, when it is built", () => {
    const guard = maxConcurrent(1);
    expect([guard.guardName, guard.stages, isReadOnly(guard)]).toEqual(["maxConcurrent", [
      "input",
      "pre_model_call",
      "pre_tool_call",
    ], true]);
  });

  test("allows so many at once and denies the next, when none waits", () => {
    const guard = maxConcurrent(2);
    const session = sessionOf();
    expect([act(guard, session).decision, act(guard, session).decision]).toEqual([allow(), allow()]);
    expect(act(guard, session).decision).toEqual({
      effect: "deny",
      allowed: false,
      code: LIMIT,
      reason: "Too many acts are under way at once: maxConcurrent is 2 for acts of one kind",
      guard: "maxConcurrent",
      details: { max: 2 },
    });
  });

  test("lets any number go at once, when it is told so", () => {
    const session = sessionOf();
    const guards = [maxConcurrent(Infinity), maxConcurrent(2, { backpressureThreshold: Infinity })];
    expect(guards.map((guard) => [1, 2].map(() => act(guard, session).code))).toEqual([["", ""], ["", ""]]);
  });

  test("returns a place once, whatever happens to the act", () => {
    const guard = maxConcurrent(1);
    const session = sessionOf();
    for (
      const over of [
        (one: Reservations) => Reservations.giveBack(one, true),
        (one: Reservations) => Reservations.settle(one, undefined),
        (one: Reservations) => Reservations.settle(one, { totalTokens: 3 }),
      ]
    ) {
      const { code, takings } = act(guard, session);
      expect([code, act(guard, session).code]).toEqual(["", LIMIT]);
      over(takings);
      Reservations.giveBack(takings, true);
      Reservations.settle(takings, undefined);
    }
    expect([act(guard, session).code, act(guard, session).code]).toEqual(["", LIMIT]);
  });

  test("counts runs, model calls and tool calls apart, and sessions apart", () => {
    const guard = maxConcurrent(1);
    const session = sessionOf();
    expect(
      (["input", "pre_model_call", "pre_tool_call", "input"] as const).map((stage) =>
        act(guard, session, { stage }).code
      ),
    ).toEqual(["", "", "", LIMIT]);
    expect(act(guard, sessionOf({ sessionId: "other" })).code).toBe("");
  });

  test.each([
    [0, {}, '"max" must be a whole number >= 1, and is 0'],
    [NaN, {}, '"max"'],
    ["2", {}, '"max"'],
    [2, { backpressureThreshold: 0 }, '"backpressureThreshold" must be a whole number >= 1, and is 0'],
    [2, { backpressureThreshold: NaN }, '"backpressureThreshold"'],
    [2, { threshold: 1 }, '"threshold" must be one of the known options'],
    [2, null, '"options"'],
  ])("throws, when it is built with %j and %j", (max, options, message) => {
    expect(() => maxConcurrent(max as number, options as never)).toThrow(`Cannot build maxConcurrent(): ${message}`);
  });
});

describe("maxConcurrent() with a backpressure threshold", () => {
  test("lets acts wait between the thresholds in the order they came, and refuses above", async () => {
    const guard = maxConcurrent(4, { backpressureThreshold: 2 });
    const session = sessionOf();
    const codes: string[] = [];
    const [a, b] = ["a", "b", "c", "d", "e"].map((name) => begin(guard, session, name, codes));
    await turn();
    expect(codes.splice(0)).toEqual(["a", "b", `e: ${LIMIT}`]);
    Reservations.settle(b as Reservations, undefined);
    await turn();
    expect(codes.splice(0)).toEqual(["c"]);
    Reservations.giveBack(a as Reservations, true);
    await turn();
    expect(codes.splice(0)).toEqual(["d"]);
  });

  test("answers at once, when nobody has to wait", () => {
    const guard = maxConcurrent(4, { backpressureThreshold: 2 });
    expect([act(guard, sessionOf()).code, act(guard, sessionOf()).code]).toEqual(["", ""]);
  });

  test("lets nobody wait, when the threshold is not below max", () => {
    const guard = maxConcurrent(1, { backpressureThreshold: 5 });
    const session = sessionOf();
    expect([act(guard, session).code, act(guard, session).code]).toEqual(["", LIMIT]);
  });

  test("never waits and takes nothing, when it is asked dry", () => {
    const guard = maxConcurrent(2, { backpressureThreshold: 1 });
    const session = sessionOf();
    act(guard, session);
    const codes: string[] = [];
    begin(guard, session, "dry", codes, true);
    begin(guard, session, "waiting", codes);
    begin(guard, session, "late", codes, true);
    expect(codes).toEqual(["dry", `late: ${LIMIT}`]);
  });

  test("gives the place in the queue back at once, when an act is cancelled while it waits", async () => {
    const guard = maxConcurrent(3, { backpressureThreshold: 1 });
    const session = sessionOf();
    const codes: string[] = [];
    const [a, b, c] = ["a", "b", "c"].map((name) => begin(guard, session, name, codes));
    expect(act(guard, session).code).toBe(LIMIT);
    Reservations.giveBack(b as Reservations, true);
    await turn();
    expect(codes.splice(0)).toEqual(["a", `b: ${LIMIT}`]);
    const d = begin(guard, session, "d", codes);
    Reservations.settle(a as Reservations, undefined);
    await turn();
    expect(codes).toEqual(["c"]);
    Reservations.giveBack(d, true);
    Reservations.settle(c as Reservations, undefined);
    expect([act(guard, session).code, guard(request(), session.context, branch(DRY))]).toEqual([
      "",
      allow(),
    ]);
  });

  test("denies those who wait and keeps the place of those who run, when the session is aborted", async () => {
    const guard = maxConcurrent(3, { backpressureThreshold: 1 });
    const session = sessionOf();
    const codes: string[] = [];
    const a = begin(guard, session, "a", codes);
    begin(guard, session, "b", codes);
    session.controller.abort();
    begin(guard, session, "c", codes);
    await turn();
    expect(codes).toEqual(["a", `c: ${LIMIT}`, `b: ${LIMIT}`]);
    Reservations.settle(a, undefined);
    expect(act(guard, session).code).toBe("");
  });

  test("gives a place once, when the session is aborted after the turn came", async () => {
    const guard = maxConcurrent(2, { backpressureThreshold: 1 });
    const session = sessionOf();
    const codes: string[] = [];
    const a = begin(guard, session, "a", codes);
    const b = begin(guard, session, "b", codes);
    Reservations.settle(a, undefined);
    session.controller.abort();
    await turn();
    expect(codes).toEqual(["a", "b"]);
    Reservations.settle(b, undefined);
    expect(act(guard, session).code).toBe("");
  });

  test("listens to the session once and lets go, when many have waited", async () => {
    const guard = maxConcurrent(50, { backpressureThreshold: 1 });
    const session = sessionOf();
    const codes: string[] = [];
    const acts = Array.from({ length: 50 }, (_, i) => begin(guard, session, String(i), codes));
    expect(getEventListeners(session.controller.signal, "abort")).toHaveLength(1);
    for (const one of acts) Reservations.settle(one, undefined);
    await turn();
    expect([codes.length, getEventListeners(session.controller.signal, "abort").length]).toEqual([50, 0]);
    expect(act(guard, session).code).toBe("");
    begin(guard, session, "again", codes);
    session.controller.abort();
    await turn();
    expect(codes.at(-1)).toBe(`again: ${LIMIT}`);
  });

  test("passes a place on without end to the stack, when very many were cancelled while they waited", async () => {
    const guard = maxConcurrent(30_000, { backpressureThreshold: 1 });
    const session = sessionOf();
    const codes: string[] = [];
    const [first, ...rest] = Array.from({ length: 30_000 }, (_, i) => begin(guard, session, String(i), codes));
    for (const one of rest) Reservations.giveBack(one, true);
    Reservations.settle(first as Reservations, undefined);
    await turn();
    expect([codes.length, act(guard, session).code]).toEqual([30_000, ""]);
  });

  test("stops waiting, when withTimeout stands around it", async () => {
    const guard = withTimeout(maxConcurrent(2, { backpressureThreshold: 1 }), 5);
    const session = sessionOf();
    const codes: string[] = [];
    const a = begin(guard, session, "a", codes);
    const b = new Reservations();
    const decision = await guard(request(), session.context, b);
    expect(codeOf(decision)).toBe("guard_timeout");
    Reservations.settle(a, undefined);
    expect(act(guard, session).code).toBe("");
  });
});
