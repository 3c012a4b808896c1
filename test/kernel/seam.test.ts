import { describe, expect, test } from "vitest";
import {
  allow,
  type Approver,
  createKernel,
  type Decision,
  defineGuard,
  deny,
  escalate,
  type ExtensionEvent,
  type Guard,
  type PendingAct,
  type Plugin,
  type PluginHost,
  type Session,
  type SessionHandle,
  type SessionOpener,
  transform,
} from "../../src/core.ts";
import * as whole from "../../mod.ts";

const asks = defineGuard({ name: "asks", stages: ["pre_tool_call"], check: () => escalate("May it?") });
const pay = { name: "pay", arguments: { amount: 5 } };
const begun = { stage: "pre_tool_call", name: "pay", payload: { amount: 5 } } as const;

function plugin(setup: (host: PluginHost) => void, name = "own"): Plugin {
  return { name, setup };
}

/** What an approver shows a person, made by hand. */
const request = Object.freeze({
  id: "q",
  digest: "d",
  stage: "pre_tool_call",
  name: "pay",
  callId: "c",
  agentKey: "a",
  sessionId: "s",
  policyDigest: "p",
  codes: [],
  reasons: [],
  text: "pay",
  expiresAt: Infinity,
}) as whole.ApprovalRequest;

function approvedBy(approver: Partial<Approver>, guards: readonly Guard[] = [asks]): Session {
  const whole: Approver = { ask: async () => {}, answer: async () => {}, unanswered: () => {}, ...approver };
  return createKernel({ guards, plugins: [plugin((host) => host.approver(whole))] }).session({ agentId: "a" });
}

describe("an approver", () => {
  /** Puts the question, and holds the answer. */
  const held = (act: PendingAct, decision: whole.Escalate): void => {
    expect(act.open(decision, request)).toBe(true);
    expect(act.hold()).toBeTypeOf("number");
  };

  test("has an act run, when it settles what judge() answered", async () => {
    const session = approvedBy({
      ask: async (act, { decision }) => {
        held(act, decision);
        expect(act.settle(await act.judge())).toBe(true);
      },
    });
    expect(await session.tool(pay, ({ amount }) => amount)).toBe(5);
  });

  test.each<[string, (act: PendingAct, decision: whole.Escalate) => void | Promise<void>]>([
    ["the escalation that nobody judged again", (act, decision) => void act.settle(decision)],
    ["an allowance of its own", (act) => void act.settle(allow())],
    ["an allowance of its own, before it asked", async (act) => void act.settle(allow())],
    ["an allowance of its own, after the guards have judged", async (act, decision) => {
      held(act, decision);
      await act.judge();
      act.settle(allow());
    }],
    ["a copy of what judge() answered", async (act, decision) => {
      held(act, decision);
      act.settle({ ...await act.judge() });
    }],
    ["a transform of its own", async (act, decision) => {
      held(act, decision);
      await act.judge();
      act.settle(transform({ amount: 1e9 }, "more"));
    }],
    ["what judge() answered before an edit", async (act, decision) => {
      held(act, decision);
      const first = await act.judge();
      await act.judge({ payload: { amount: 1e9 } });
      act.settle(first);
    }],
    ["what judge() answers, before it was asked", async (act) => void act.settle(await act.judge())],
    ["what judge() answers later", (act, decision) => {
      held(act, decision);
      void act.judge();
      act.settle(decision);
    }],
    ["what it asked about anew", async (act, decision) => {
      held(act, decision);
      const judged = await act.judge();
      act.again(judged as whole.Escalate);
      act.settle(judged);
    }],
  ])("is refused, and the act denied, when it settles %s", async (_what, settle) => {
    let ran = 0;
    const session = approvedBy({ ask: async (act, { decision }) => await settle(act, decision) });
    await expect(session.tool(pay, () => ran++)).rejects.toMatchObject({
      name: "PolicyViolationError",
      code: "guard_error",
    });
    expect(ran).toBe(0);
  });

  test.each([["denies", () => deny("no", "No"), "no"], ["breaks", () => {
    throw new Error("broken");
  }, "guard_error"]])(
    "cannot have an act run that a guard %s when it is judged again",
    async (_what, answer, code) => {
      let round = 0;
      const second = defineGuard({ name: "second", check: () => (round++ === 0 ? allow() : answer()) });
      const session = approvedBy({
        ask: async (act, { decision }) => {
          held(act, decision);
          expect(act.settle(await act.judge())).toBe(false);
          expect(() => act.settle(allow())).toThrow(TypeError);
        },
      }, [second, asks]);
      await expect(session.tool(pay, () => 1)).rejects.toMatchObject({ code });
    },
  );

  test("cannot change what runs by the copies that it is given", async () => {
    const session = approvedBy({
      ask: async (act, { decision, payload, origin }) => {
        Object.assign(payload as object, { amount: 1e9 });
        Object.assign(origin as object, { amount: 1e9 });
        held(act, decision);
        const judged = await act.judge();
        Object.assign(act.payload() as object, { amount: 1e9 });
        act.settle(judged);
      },
    });
    expect(await session.tool(pay, ({ amount }) => amount)).toBe(5);
  });

  test("edits a call, which is judged from the first guard, and tells that it was changed", async () => {
    const most = defineGuard({
      name: "most",
      stages: ["pre_tool_call"],
      check: ({ payload }) => ((payload as { amount: number }).amount > 100 ? deny("too_much", "Too much") : allow()),
    });
    const edit = (amount: number): Session =>
      approvedBy({
        ask: async (act, { decision }) => {
          held(act, decision);
          act.settle(await act.judge({ payload: { amount } }));
        },
      }, [most, asks]);
    expect(await edit(7).tool(pay, (args, _signal, changed) => [args, changed])).toEqual([{ amount: 7 }, true]);
    await expect(edit(700).tool(pay, () => 1)).rejects.toMatchObject({ code: "too_much" });
  });

  test("has no hold of an act that was stopped, or is settled", async () => {
    const acts: PendingAct[] = [];
    const session = approvedBy({
      ask: async (act, { decision }) => {
        acts.push(act);
        held(act, decision);
        act.refuse("No");
      },
    });
    await expect(session.tool(pay, () => 1)).rejects.toMatchObject({ code: "approval_denied", reason: "No" });
    const [act] = acts as [PendingAct];
    expect([act.isOpen, act.isHeld, act.hold(), act.signal.aborted]).toEqual([false, false, undefined, true]);
    expect(() => act.judge()).toThrow(TypeError);
    expect(() => act.settle(allow())).toThrow(TypeError);
    act.refuse("again");
    act.reopen();
    expect(act.isOpen).toBe(false);
  });

  test("settles nothing, when the session is closed while it judges", async () => {
    let answer: (decision: Decision) => void = () => {};
    let round = 0;
    const late = defineGuard({
      name: "late",
      stages: ["pre_tool_call"],
      check: () => (round++ === 0 ? escalate("May it?") : new Promise<Decision>((resolve) => (answer = resolve))),
    });
    const told: unknown[] = [];
    const session = approvedBy({
      ask: async (act, { decision }) => {
        held(act, decision);
        told.push(act.settle(await act.judge()));
      },
      unanswered: (_act, reason) => void told.push(reason),
    }, [late]);
    const call = session.tool(pay, () => 1);
    await Promise.resolve();
    void session.close();
    await expect(call).rejects.toMatchObject({ code: "session_killed" });
    answer(allow());
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(told).toEqual(["The session is closed", false]);
  });

  test.each<[string, Partial<Approver>, string]>([
    ["throws", {
      ask: () => {
        throw new Error("broken");
      },
    }, "guard_error"],
    ["rejects", { ask: () => Promise.reject(new Error("broken")) }, "guard_error"],
    ["neither asks nor settles", { ask: async () => {} }, "approval_required"],
    [
      "asks, and nobody answers",
      { ask: async (act, { decision }) => void act.open(decision, request) },
      "approval_required",
    ],
  ])("denies, when it %s", async (_what, approver, code) => {
    const session = approvedBy(approver);
    await expect(session.tool(pay, () => 1)).rejects.toMatchObject({ code });
    await expect(session.tool(pay, () => 1)).rejects.toMatchObject({ code });
  });

  test.each<[string, Approver["answer"]]>([
    ["throws", () => {
      throw new Error("broken");
    }],
    ["rejects", () => Promise.reject(new Error("broken"))],
    ["rejects while it holds the act", async (act) => {
      act.hold();
      throw new Error("broken");
    }],
  ])("denies, when it %s while it reads an answer", async (_what, answer) => {
    const session = approvedBy({ ask: async (act, { decision }) => void act.open(decision, request), answer });
    const act = await session.begin({ ...begun, approval: "return" });
    expect(act.decision).toMatchObject({ effect: "escalate", approval: request });
    expect(await act.resume(true)).toMatchObject({ effect: "deny", code: "guard_error" });
  });

  test("is one for a kernel, and must have its three functions", () => {
    const approver: Approver = { ask: async () => {}, answer: async () => {}, unanswered: () => {} };
    const adds = (name: string): Plugin => plugin((host) => host.approver(approver), name);
    expect(() => createKernel({ plugins: [adds("one"), adds("two")] })).toThrow(
      'Plugin "two" brings an approver, and the kernel already has one',
    );
    expect(() => whole.createKernel({ plugins: [adds("one")] })).toThrow("already has one");
    expect(() => createKernel({ plugins: [plugin((host) => host.approver({} as Approver))] })).toThrow("approver.ask");
  });
});

describe("a channel", () => {
  const takes = (type: string, name = "own"): Plugin =>
    plugin((host) => void host.channel(type as ExtensionEvent), name);

  test.each(["policy_check", "policy_violation", "tool_call_blocked", "call_completed", "listener_error", "mine"])(
    "is refused, when it is of the kernel's event %s",
    (type) => {
      expect(() => createKernel({ plugins: [takes(type)] })).toThrow('"channel" must be checkpoint_created, ');
    },
  );

  test.each(
    [
      "checkpoint_created",
      "drift_detected",
      "approval_requested",
      "approval_resolved",
      "trust_changed",
      "agent_signal",
    ],
  )("is refused, when %s is another plugin's event", (type) => {
    expect(() => createKernel({ plugins: [takes(type, "one"), takes(type, "two")] })).toThrow(
      `Plugin "two" cannot emit "${type}": plugin "one" does`,
    );
    const trustTracker = whole.trustTracker();
    expect(() => whole.createKernel({ trustTracker, plugins: [takes(type)] })).toThrow(`cannot emit "${type}"`);
  });

  test("tells everybody, and answers what a listener objects, where listeners may", () => {
    let own: whole.EventChannel<"drift_detected"> | undefined;
    let signals: whole.EventChannel<"agent_signal"> | undefined;
    const kernel = createKernel({
      plugins: [plugin((host) => {
        own = host.channel("drift_detected");
        signals = host.channel("agent_signal");
      })],
    });
    const event = {
      agentId: "a",
      agentKey: "a",
      sessionId: "s",
      timestamp: 0,
      callId: "c",
      driftScore: 1,
      threshold: 0,
    };
    const signal = { agent: "a", signal: "kill", reason: "", timestamp: 0 } as const;
    expect(own?.isHeard).toBe(false);
    const failures: unknown[] = [];
    const objects = (): void => {
      throw new whole.PolicyViolationError("No", { code: "drift_exceeded" });
    };
    kernel.on("drift_detected", objects);
    kernel.on("agent_signal", objects);
    kernel.on("listener_error", ({ type }) => void failures.push(type));
    expect(own?.isHeard).toBe(true);
    expect(own?.emit(event)).toMatchObject({ effect: "deny" });
    expect(signals?.emit(signal)).toBeUndefined();
    own?.failed(new Error("x"));
    expect(failures).toEqual(["agent_signal", "drift_detected"]);
  });
});

describe("an opener", () => {
  const opened = (opener: SessionOpener): whole.CoreKernel =>
    createKernel({ plugins: [plugin((host) => host.opening(opener))] });

  test("reads options of its own, fills in the parts, and keeps state by the session's handle", async () => {
    const seen: unknown[] = [];
    const kernel = opened({
      keys: ["team"],
      open: (init, parts, parent) => {
        seen.push((init as { team?: string }).team, parent?.context.agentId);
        parts.guards.push(defineGuard({ name: "extra", stages: ["input"], check: () => deny("extra", "No") }));
      },
      opened: (_init, session) => void seen.push(session.context.agentId),
    });
    const session = kernel.session({ agentId: "a", team: "blue" } as whole.SessionInit);
    expect(seen).toEqual(["blue", undefined, "a"]);
    await expect(session.run("hi", () => 1)).rejects.toMatchObject({ code: "extra" });
    session.child();
    expect(seen.slice(3)).toEqual([undefined, "a", "a"]);
    expect(() => kernel.session({ agentId: "a", taem: "blue" } as whole.SessionInit)).toThrow(
      '"taem" must be one of the known options (agentId, parent, signal, sessionId, metadata, team)',
    );
  });

  test("reads nothing that everything inherits", () => {
    const seen: unknown[] = [];
    const kernel = opened({ keys: ["team"], open: (init) => void seen.push((init as { team?: string }).team) });
    const everything = Object.prototype;
    Object.defineProperty(everything, "team", { value: "polluted", configurable: true });
    try {
      kernel.session({ agentId: "a" });
    } finally {
      Reflect.deleteProperty(everything, "team");
    }
    expect(seen).toEqual([undefined]);
  });

  test("keeps a session from being opened by what it throws", () => {
    const no = (): never => {
      throw new RangeError("no");
    };
    expect(() => opened({ open: no }).session({ agentId: "a" })).toThrow("no");
    expect(() => opened({ opened: no }).session({ agentId: "a" })).toThrow("no");
  });

  test.each<[string, SessionOpener["ready"], object]>([
    ["denies at once", () => deny("closed", "No"), { code: "closed" }],
    ["denies later", async () => deny("closed", "No"), { code: "closed" }],
    ["throws", () => {
      throw new Error("x");
    }, { code: "guard_error" }],
    ["rejects", () => Promise.reject(new Error("x")), { code: "guard_error" }],
  ])("is the answer to every act, when ready() %s", async (_what, ready, error) => {
    const session = opened({ ...(ready === undefined ? {} : { ready }) }).session({ agentId: "a" });
    await new Promise((resolve) => setTimeout(resolve, 0));
    await expect(session.run("hi", () => 1)).rejects.toMatchObject(error);
    await expect(session.tool(pay, () => 1)).rejects.toMatchObject(error);
  });

  test("has the first act wait, and the others not", async () => {
    let go = (): void => {};
    const session = opened({ ready: () => new Promise<undefined>((resolve) => (go = () => resolve(undefined))) })
      .session({ agentId: "a" });
    const first = session.check({ stage: "input", name: "x", payload: 1 });
    expect(first).toBeInstanceOf(Promise);
    go();
    expect(await first).toBe(allow());
    expect(session.check({ stage: "input", name: "x", payload: 1 })).toBe(allow());
  });
});

describe("a stop check", () => {
  test("is asked before any guard, of parents too, and only once it was armed", async () => {
    const asked: string[] = [];
    let stopped: string | undefined;
    let arm = (): void => {};
    let host: PluginHost | undefined;
    const kernel = createKernel({
      guards: [defineGuard({ name: "never", stages: ["input"], check: () => (asked.push("guard"), allow()) })],
      plugins: [plugin((given) => {
        host = given;
        arm = given.stop(({ context }) => {
          asked.push(context.agentId);
          return context.agentId === stopped ? deny("agent_suspended", "Stopped") : undefined;
        });
      })],
    });
    const parent = kernel.session({ agentId: "outer" });
    const child = parent.child({ agentId: "inner" });
    expect(await child.run("hi", () => 1)).toBe(1);
    expect(asked).not.toContain("inner");
    arm();
    arm();
    asked.length = 0;
    stopped = "outer";
    await expect(child.run("hi", () => 1)).rejects.toMatchObject({ code: "agent_suspended" });
    expect(asked.slice(0, 2)).toEqual(["inner", "outer"]);
    expect(asked).not.toContain("guard");
    stopped = undefined;
    const { signal } = child.context;
    host?.sessions((session) => session.halt(deny("agent_suspended", "Stopped")));
    expect(signal.aborted).toBe(true);
  });

  test("denies, when it throws", async () => {
    const kernel = createKernel({
      plugins: [plugin((host) =>
        host.stop(() => {
          throw new Error("x");
        })()
      )],
    });
    await expect(kernel.session({ agentId: "a" }).run("hi", () => 1)).rejects.toMatchObject({ code: "guard_error" });
  });
});

describe("an observer", () => {
  const observing = (...observers: whole.ActObserver[]): Session =>
    createKernel({ plugins: [plugin((host) => observers.forEach((observer) => host.observe(observer)))] })
      .session({ agentId: "a" });

  test("sees what acts came to at its stages, in the order of observers, and an objection before its own", async () => {
    const seen: unknown[] = [];
    const session = observing(
      {
        stages: ["post_tool_call"],
        ended: (_session, act) => (seen.push({ ...act }), act.result === "bad" ? deny("bad", "Bad") : undefined),
      },
      {
        stages: ["post_tool_call"],
        ended: async (_session, { objection }) => (seen.push(objection?.code), deny("second", "Second")),
      },
      { stages: ["post_tool_call"], isNeeded: () => false, ended: () => void seen.push("never") as undefined },
    );
    await expect(session.tool(pay, () => "good")).rejects.toMatchObject({ code: "second" });
    await expect(session.tool(pay, () => "bad")).rejects.toMatchObject({ code: "bad" });
    expect(await session.run("hi", () => "hello")).toBe("hello");
    const act = { stage: "post_tool_call", name: "pay", isError: false, isAllowed: true, objection: undefined };
    expect(seen).toEqual([
      { ...act, callId: "#1", result: "good", nth: 1 },
      undefined,
      { ...act, callId: "#2", result: "bad", nth: 2 },
      "bad",
    ]);
  });

  test.each<[string, whole.ActObserver["ended"]]>([
    ["throws", () => {
      throw new Error("x");
    }],
    ["rejects", () => Promise.reject(new Error("x"))],
  ])("denies, when it %s", async (_what, ended) => {
    await expect(observing({ stages: ["output"], ended }).run("hi", () => 1)).rejects.toMatchObject({
      code: "guard_error",
    });
  });

  test("is shown nothing of a response that was denied", async () => {
    const seen: unknown[] = [];
    const no = defineGuard({ name: "no", stages: ["output"], check: () => deny("no", "No") });
    const observer: whole.ActObserver = {
      stages: ["output"],
      ended: (_session, { result, isAllowed }) => void seen.push(result, isAllowed) as undefined,
    };
    const session = createKernel({ guards: [no], plugins: [plugin((host) => host.observe(observer))] })
      .session({ agentId: "a" });
    await expect(session.run("hi", () => "secret")).rejects.toMatchObject({ code: "no" });
    expect(seen).toEqual([undefined, false]);
  });
});

describe("a listener of denials", () => {
  test("is told of every one, also in shadow mode, and one that throws changes nothing", async () => {
    const told: string[] = [];
    const failures: unknown[] = [];
    const kernel = createKernel({
      mode: "shadow",
      guards: [defineGuard({ name: "no", stages: ["input"], check: () => deny("no", "No") })],
      plugins: [plugin((host) =>
        host.denied((session: SessionHandle, { stage }, { code }) => {
          told.push(`${session.context.agentId} ${stage} ${code}`);
          throw new Error("x");
        })
      )],
    });
    kernel.on("listener_error", ({ type }) => void failures.push(type));
    expect(await kernel.session({ agentId: "a" }).run("hi", () => 1)).toBe(1);
    expect(told).toEqual(["a input no"]);
    expect(failures).toEqual(["policy_violation"]);
  });
});

test.each<[string, (host: PluginHost) => unknown]>([
  ["guard", (host) => host.guard(asks)],
  ["intercept", (host) => host.intercept((_request, next) => next())],
  ["stop", (host) => host.stop(() => undefined)],
  ["opening", (host) => host.opening({})],
  ["approver", (host) => host.approver({ ask: async () => {}, answer: async () => {}, unanswered: () => {} })],
  ["observe", (host) => host.observe({ stages: ["output"], ended: () => undefined })],
  ["denied", (host) => host.denied(() => {})],
  ["channel", (host) => host.channel("drift_detected")],
  ["store", (host) => host.store(whole.memoryStore())],
  ["sink", (host) => host.sink({ name: "s", write: () => {} })],
])("%s() is too late after the first session", (_name, add) => {
  let host: PluginHost | undefined;
  const kernel = createKernel({ plugins: [plugin((given) => void (host = given))] });
  kernel.session({ agentId: "a" });
  expect(() => add(host as PluginHost)).toThrow('Plugin "own" is too late: the kernel already has a session');
});

test("a guard's place says when it judges: who may act, then the rules, then all others", async () => {
  const asked: string[] = [];
  const says = (name: string): Guard =>
    defineGuard({ name, stages: ["input"], check: () => (asked.push(name), allow()) });
  const kernel = createKernel({
    guards: [says("kernel's")],
    plugins: [plugin((host) => {
      host.guard(says("own"));
      host.guard(says("what"), "what");
      host.guard(says("who"), "who");
      expect(() => host.guard(says("x"), "first" as "own")).toThrow('"place" must be who, what, own');
      expect(host.mode).toBe("enforce");
      expect(host.storeOf()).toBeUndefined();
    })],
  });
  await kernel.session({ agentId: "a" }).run("hi", () => 1);
  expect(asked).toEqual(["who", "what", "own", "kernel's"]);
});
