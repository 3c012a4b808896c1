import { describe, expect, test, vi } from "vitest";
import { perSession, SessionContext, SessionState, stateOf } from "../../src/base/context.ts";
import type { GovernancePolicy } from "../../src/policy/policy.ts";
import { context } from "../helpers.ts";

function session(now = 100): { made: SessionContext; state: SessionState; aborts: AbortController } {
  const aborts = new AbortController();
  const state = new SessionState(now);
  const { agentId, agentKey, sessionId, metadata } = context({ metadata: { a: 1 } });
  const policy = { checkpointFrequency: 3 } as GovernancePolicy;
  return {
    made: new SessionContext({
      agentId,
      agentKey,
      sessionId,
      policy,
      metadata,
      agent: undefined,
      state,
    }, aborts),
    state,
    aborts,
  };
}

describe("SessionContext", () => {
  test("SessionContext shows what moves, when the state has moved", () => {
    const { made, state, aborts } = session();
    expect(made).toMatchObject({
      agentId: "tester",
      startTime: 100,
      tainted: false,
      callCount: 0,
      toolCallCount: 0,
      modelCallCount: 0,
      totalTokens: 0,
      costUsd: 0,
      checkpoints: [],
      metadata: { a: 1 },
    });
    Object.assign(state, {
      now: 200,
      tainted: true,
      callCount: 7,
      toolCallCount: 2,
      modelCallCount: 3,
      totalTokens: 4,
      microUsd: 5_000_000,
    });
    expect([
      made.startTime,
      made.tainted,
      made.callCount,
      made.toolCallCount,
      made.modelCallCount,
      made.totalTokens,
      made.costUsd,
      made.checkpoints,
    ]).toEqual([100, true, 7, 2, 3, 4, 5, ["session-1:3", "session-1:6"]]);
    expect(made.signal).toBe(aborts.signal);
    expect("agent" in made).toBe(false);
  });

  test.each(["agentId", "policy", "callCount", "tainted", "extra"])(
    "SessionContext throws, when a guard sets %s",
    (key) => {
      const { made } = session();
      expect(() => Object.assign(made, { [key]: 5 })).toThrow(TypeError);
    },
  );

  test("SessionContext has the agent, when there is one", () => {
    const agent = { did: "did:x:a" } as never;
    const { agentId, agentKey, sessionId, policy, metadata } = context();
    expect(
      new SessionContext({
        agentId,
        agentKey,
        sessionId,
        policy,
        metadata,
        agent,
        state: new SessionState(0),
      }, { signal: AbortSignal.abort() }).agent,
    ).toBe(agent);
  });
});

describe("SessionState", () => {
  test("reads the clock once after each tick, and only when somebody asks", () => {
    let readings = 0;
    const state = new SessionState(100, () => 200 + readings++);
    const seen = [state.now, readings];
    state.tick();
    state.tick();
    seen.push(readings, state.now, state.now, readings);
    expect(seen).toEqual([100, 0, 0, 200, 200, 1]);
  });

  test("never runs backwards, and is NaN while the clock gives no number", () => {
    const times: readonly unknown[] = [300, 200, NaN, Infinity, "400", 250, 400];
    let at = 0;
    const state = new SessionState(100, () => times[at++] as number);
    const seen = times.map(() => (state.tick(), state.now));
    expect(seen).toEqual([300, 300, NaN, NaN, NaN, 300, 400]);
  });

  test("is NaN, when the clock throws", () => {
    const state = new SessionState(100, () => {
      throw new Error("no clock");
    });
    state.tick();
    expect(state.now).toBe(NaN);
  });

  test("is one reading for a child and its parents, when the child acts", () => {
    let readings = 0;
    const parent = new SessionState(0, () => ++readings);
    const child = new SessionState(0, () => -1, new SessionState(0, () => -2, parent));
    child.tick();
    expect([child.now, parent.now, readings]).toEqual([1, 1, 1]);
  });
});

describe("stateOf()", () => {
  test("stateOf() is the session's own state, when the context is ours", () => {
    const { made, state } = session();
    expect(stateOf(made)).toBe(state);
  });

  test("stateOf() is one state per context with the time of now, when the context was made by hand", () => {
    vi.useFakeTimers();
    try {
      vi.setSystemTime(1000);
      const [one, other] = [context(), context()];
      expect(stateOf(one).now).toBe(1000);
      vi.setSystemTime(2000);
      expect([stateOf(one).now, stateOf(one) === stateOf(one), stateOf(one) === stateOf(other)]).toEqual([
        2000,
        true,
        false,
      ]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("perSession()", () => {
  test("perSession() keeps one thing per session and guard, when sessions take turns", () => {
    const [a, b] = [session().made, session().made];
    let made = 0;
    const [one, other] = [perSession(() => ({ id: ++made })), perSession(() => ({ id: ++made }))];
    expect([one(a).id, one(b).id, one(a).id, one(b).id, other(a).id, one(a).id, made]).toEqual([1, 2, 1, 2, 3, 1, 3]);
  });
});
