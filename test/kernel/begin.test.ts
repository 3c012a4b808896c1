import { describe, expect, test } from "vitest";
import {
  type Act,
  allow,
  createKernel,
  type Decision,
  defineGuard,
  deny,
  escalate,
  type KernelOptions,
  transform,
  warn,
} from "../../mod.ts";

const open = (options: KernelOptions = {}) => createKernel(options).session({ agentId: "tester" });
const pay = (payload: unknown = {}, more: object = {}) => ({
  stage: "pre_tool_call" as const,
  name: "pay",
  payload,
  ...more,
});

describe("begin()", () => {
  test("answers at once, when every guard does", () => {
    const act = open().begin(pay({ amount: 1 })) as Act;
    expect(act).toMatchObject({ callId: "#1", payload: { amount: 1 }, changed: false, decision: { effect: "allow" } });
    act.cancel();
  });

  test("answers the same act and takes nothing, when callId, name and payload are an open act's", async () => {
    const session = open({ policy: { maxToolCalls: 2 } });
    const first = await session.begin(pay({ amount: 1 }, { callId: "c1" }));
    expect(await session.begin(pay({ amount: 1 }, { callId: "c1" }))).toBe(first);
    const other = await session.begin(pay({ amount: 2 }, { callId: "c1" }));
    expect(other).not.toBe(first);
    expect(other.decision.allowed).toBe(true);
    expect((await session.begin(pay({ amount: 3 }, { callId: "c2" }))).decision).toMatchObject({
      code: "max_tool_calls_exceeded",
    });
  });

  test("is not the same act, when the caller changed the payload that was judged", async () => {
    const session = open();
    const payload = { amount: 1 };
    const first = await session.begin(pay(payload, { callId: "c1" }));
    payload.amount = 1000;
    expect(await session.begin(pay(payload, { callId: "c1" }))).not.toBe(first);
  });

  test("is found by act(), until it has ended", async () => {
    const session = open();
    const act = await session.begin(pay({}, { callId: "c1" }));
    expect(session.act("c1")).toBe(act);
    expect(session.act("c2")).toBeUndefined();
    await act.end("done");
    expect(session.act("c1")).toBeUndefined();
  });

  test("end, fail and cancel work once", async () => {
    const session = open({ policy: { maxToolCalls: 1 } });
    const act = await session.begin(pay());
    const decision = await act.end("done");
    expect(await act.end("again")).toBe(decision);
    expect(await act.fail(new Error("x"))).toBe(decision);
    act.cancel();
    expect(session.context.callCount).toBe(1);
    expect((await session.begin(pay())).decision).toMatchObject({ code: "max_tool_calls_exceeded" });
  });

  test("gives everything back, when the act is cancelled", async () => {
    const session = open({ policy: { maxToolCalls: 1 } });
    for (let i = 0; i < 3; i++) {
      const act = await session.begin(pay());
      expect(act.decision.allowed).toBe(true);
      act.cancel();
    }
    expect(session.context.callCount).toBe(0);
  });

  test("has spent what it took, when the act ran and failed", async () => {
    const session = open({ policy: { maxToolCalls: 1 } });
    await (await session.begin(pay())).fail(new Error("down"));
    expect((await session.begin(pay())).decision).toMatchObject({ code: "max_tool_calls_exceeded" });
  });

  test("frees its place, when it ends, fails, is cancelled or its session is closed", async () => {
    const session = open({ policy: { maxConcurrent: 1, backpressureThreshold: 1, maxToolCalls: 100 } });
    for (
      const finish of [(act: Act) => act.end(1), (act: Act) => act.fail(new Error("x")), (act: Act) => act.cancel()]
    ) {
      const act = await session.begin(pay());
      expect(act.decision.allowed).toBe(true);
      await finish(act);
    }
  });

  test("answers the denial, when it was denied, and end does not open it", async () => {
    const act = await open({ policy: { deniedTools: ["pay"] } }).begin(pay());
    expect(act.decision).toMatchObject({ code: "tool_not_allowed" });
    expect(await act.end("forged")).toMatchObject({ allowed: false });
  });

  test("gives a mutable payload and says changed, when a guard transformed", async () => {
    const half = defineGuard({
      name: "half",
      stages: ["pre_tool_call"],
      check: ({ payload }) => transform({ amount: (payload as { amount: number }).amount / 2 }, "halved"),
    });
    const act = await open({ guards: [half] }).begin(pay({ amount: 10 }));
    expect(act).toMatchObject({ changed: true, payload: { amount: 5 } });
    act.payload.amount = 6;
    expect(act.payload.amount).toBe(6);
    act.cancel();
  });

  test.each([["an unknown stage", { stage: "output" }], ["an unknown approval", { approval: "maybe" }]])(
    "throws, when called with %s",
    (_what, fields) => {
      expect(() => open().begin({ ...pay(), ...fields } as never)).toThrow(TypeError);
    },
  );
});

describe("approval", () => {
  const asks = defineGuard({ name: "asks", stages: ["pre_tool_call"], check: () => escalate("A payment") });

  test("goes on, when the approver says true", async () => {
    const seen: string[] = [];
    const session = open({ guards: [asks], approve: async (request) => (seen.push(request.text), true) });
    expect(await session.tool({ name: "pay", arguments: { amount: 5 } }, (args) => args.amount)).toBe(5);
    expect(seen).toEqual(['pay {"amount":5}']);
  });

  test.each([
    ["refuses", async () => false],
    ["answers something truthy", async () => "yes" as never],
    ["throws", () => {
      throw new Error("x");
    }],
    ["rejects", () => Promise.reject(new Error("x"))],
    [
      "answers a grant that nobody signed",
      async () => ({ id: "x", digest: "y", approved: true, expiresAt: 9e15, signature: "" }),
    ],
  ])("denies with approval_denied, when the approver %s", async (_what, approve) => {
    let ran = 0;
    await expect(open({ guards: [asks], approve }).tool({ name: "pay", arguments: {} }, () => ran++)).rejects
      .toMatchObject({ code: "approval_denied" });
    expect(ran).toBe(0);
  });

  test("denies with approval_required and the request, when there is nobody to ask", async () => {
    const session = open({ guards: [asks], policy: { maxToolCalls: 1 } });
    for (let i = 0; i < 2; i++) {
      await expect(session.tool({ name: "pay", arguments: { amount: 5 } }, () => "ran")).rejects.toMatchObject({
        code: "approval_required",
        approval: { name: "pay", codes: ["approval_required"], reasons: ["A payment"] },
      });
    }
  });

  test("denies with approval_denied, when nobody answers in time", async () => {
    const session = open({ guards: [asks], approve: () => new Promise(() => {}), approvalTtlMs: 5 });
    await expect(session.tool({ name: "pay", arguments: {} }, () => "ran")).rejects.toMatchObject({
      code: "approval_denied",
      reason: "Nobody answered in time",
    });
  });

  test("asks once with every reason, when several guards escalate", async () => {
    const other = defineGuard({ name: "other", stages: ["pre_tool_call"], check: () => escalate("At night", "night") });
    const asked: unknown[] = [];
    const session = open({
      guards: [asks, other],
      approve: async ({ codes, reasons }) => (asked.push([codes, reasons]), true),
    });
    expect(await session.tool({ name: "pay", arguments: {} }, () => "paid")).toBe("paid");
    expect(asked).toEqual([[["approval_required", "night"], ["A payment", "At night"]]]);
  });

  test("judges again after the wait, when the agent was killed meanwhile", async () => {
    const kernel = createKernel({ guards: [asks], approve: async () => (kernel.kill("a"), true) });
    await expect(kernel.session({ agentId: "a" }).tool({ name: "pay", arguments: {} }, () => "ran")).rejects
      .toMatchObject({ code: expect.stringMatching(/session_killed|approval_denied/) });
  });

  test("asks anew, when a guard escalates with another code after the approval", async () => {
    let round = 0;
    const moving = defineGuard({
      name: "moving",
      stages: ["pre_tool_call"],
      check: () => escalate("again", `code_${round++}`),
    });
    const asked: string[] = [];
    const session = open({ guards: [moving], approve: async ({ codes }) => (asked.push(...codes), asked.length < 3) });
    await expect(session.tool({ name: "pay", arguments: {} }, () => "ran")).rejects.toMatchObject({
      code: "approval_denied",
    });
    expect(asked).toEqual(["code_0", "code_1", "code_2"]);
  });

  test("denies, when the guards show another payload than was approved", async () => {
    let amount = 10;
    const rises = defineGuard({
      name: "rises",
      stages: ["pre_tool_call"],
      check: () => transform({ amount: amount *= 10 }, "rises"),
    });
    await expect(
      open({ guards: [rises, asks], approve: async () => true }).tool({ name: "pay", arguments: {} }, () => "ran"),
    ).rejects.toMatchObject({ code: "approval_denied" });
  });

  test("returns an open act, when asked to, that the framework resumes", async () => {
    const session = open({ guards: [asks], approve: async () => true });
    const act = await session.begin(pay({ amount: 5 }, { approval: "return" }));
    expect(act.decision).toMatchObject({ effect: "escalate", approval: { name: "pay" } });
    expect(await act.resume(true)).toMatchObject({ effect: "allow" });
    expect(act.payload).toEqual({ amount: 5 });
    await act.end("paid");
    const refused = await session.begin(pay({ amount: 5 }, { approval: "return" }));
    expect(await refused.resume(false)).toMatchObject({ code: "approval_denied" });
  });

  test("keeps what it took while it waits, and gives it back when cancelled", async () => {
    const session = open({ policy: { maxToolCalls: 1 }, guards: [asks] });
    const act = await session.begin(pay({}, { approval: "return" }));
    expect((await session.begin(pay({ other: 1 }, { approval: "return" }))).decision).toMatchObject({
      code: "max_tool_calls_exceeded",
    });
    act.cancel();
    expect((await session.begin(pay({}, { approval: "return" }))).decision.effect).toBe("escalate");
  });

  test("a denial beats an escalation, and nobody is asked", async () => {
    let asked = 0;
    const no = defineGuard({ name: "no", stages: ["pre_tool_call"], check: () => deny("no", "no") });
    await expect(
      open({ guards: [asks, no], approve: async () => (asked++, true) }).tool({ name: "pay", arguments: {} }, () => 1),
    ).rejects.toMatchObject({ code: "no" });
    expect(asked).toBe(0);
  });

  test("denies, when the payload and the caller's object were changed alike after the question was put", async () => {
    const payload = { amount: 5 };
    const act = await open({ guards: [asks] }).begin(pay(payload, { approval: "return" }));
    payload.amount = 5000;
    act.payload.amount = 5000;
    expect(await act.resume(true)).toMatchObject({ code: "approval_denied" });
    const builtIn = await createKernel({ policy: { requireHumanApproval: true } }).session({ agentId: "a" }).begin(
      pay(payload, { approval: "return" }),
    );
    payload.amount = 9;
    builtIn.payload.amount = 9;
    expect(await builtIn.resume(true)).toMatchObject({ code: "approval_denied" });
  });

  test("denies with payload_not_plain, when a guard made what is to be approved something that is not plain", async () => {
    const odd = defineGuard({ name: "odd", stages: ["input"], check: () => transform({ run: () => 1 }, "odd") });
    const then = defineGuard({ name: "then", stages: ["input"], check: () => escalate("look") });
    await expect(open({ guards: [odd, then], approve: async () => true }).run("hi", () => 1)).rejects.toMatchObject({
      code: "payload_not_plain",
    });
  });

  test("asks nobody, and opens nothing, when the session is closed before the question is put", async () => {
    let asked = 0;
    const session = open({ guards: [asks], approve: async () => (asked++, true) });
    const begun = session.begin(pay());
    session.close();
    expect((await begun).decision.allowed).toBe(false);
    expect(asked).toBe(0);
  });

  test("denies, when the agent was killed while the guards judged again", async () => {
    let round = 0;
    const slow = defineGuard({
      name: "slow",
      stages: ["pre_tool_call"],
      check: async () => (round++ === 1 && kernel.kill("tester"), allow()),
    });
    const kernel = createKernel({ guards: [slow, asks], approve: async () => true });
    expect((await kernel.session({ agentId: "tester" }).begin(pay())).decision).toMatchObject({
      code: "session_killed",
    });
  });

  test("keeps the warnings, when a person approves", async () => {
    const warns = defineGuard({ name: "warns", stages: ["pre_tool_call"], check: () => warn("odd", "An odd amount") });
    expect((await open({ guards: [warns, asks], approve: async () => true }).begin(pay())).decision).toMatchObject({
      effect: "allow",
      warnings: [{ code: "odd" }],
    });
  });

  test("denies with approval_required under whatever code was asked, when there is nobody to ask", async () => {
    const other = defineGuard({ name: "other", stages: ["pre_tool_call"], check: () => escalate("At night", "night") });
    await expect(open({ guards: [other] }).tool({ name: "pay", arguments: {} }, () => 1)).rejects.toMatchObject({
      code: "approval_required",
      approval: { codes: ["night"] },
      decision: { code: "night" },
    });
  });

  test("denies with payload_not_plain, when what is to be approved could change behind the approver", async () => {
    const anywhere = defineGuard({ name: "anywhere", stages: ["input"], check: () => escalate("look") });
    await expect(open({ guards: [anywhere], approve: async () => true }).run({ run: () => 1 }, () => 1)).rejects
      .toMatchObject({ code: "payload_not_plain" });
  });

  test("denies, when a response is escalated: nobody is asked about what is there already", async () => {
    const late = defineGuard({ name: "late", stages: ["post_tool_call"], check: () => escalate("look") });
    await expect(open({ guards: [late], approve: async () => true }).tool({ name: "pay", arguments: {} }, () => 1))
      .rejects.toMatchObject({ code: "approval_required", stage: "post_tool_call" });
    expect(allow().allowed).toBe(true);
  });
});

describe("an act that is still judged", () => {
  /** A session whose one guard answers when it is told to. */
  const waiting = () => {
    let answer: (decision: Decision) => void = () => undefined;
    const slow = defineGuard({
      name: "slow",
      stages: ["pre_tool_call"],
      check: () => new Promise((resolve) => (answer = resolve)),
    });
    return { session: open({ guards: [slow] }), answer: (decision: Decision) => answer(decision) };
  };

  test("begin() answers a denial, when the session is closed meanwhile", async () => {
    const { session, answer } = waiting();
    const act = session.begin(pay());
    void session.close();
    answer(allow());
    expect((await act).decision).toMatchObject({ effect: "deny", code: "session_killed" });
  });

  test("begin() answers a denial and tells it, when a listener closes the session", async () => {
    const kernel = createKernel();
    const session = kernel.session({ agentId: "tester" });
    const blocked: string[] = [];
    kernel.on("policy_check", () => void session.close());
    kernel.on("tool_call_blocked", ({ code }) => void blocked.push(code));
    expect((await session.begin(pay())).decision).toMatchObject({ effect: "deny", code: "session_killed" });
    expect(blocked).toEqual(["session_killed"]);
  });

  test("begin() waits for the same answer, when the same call begins meanwhile", async () => {
    const { session, answer } = waiting();
    const first = session.begin(pay({}, { callId: "c1" }));
    const second = Promise.resolve(session.begin(pay({}, { callId: "c1" }))).then((act) => act.decision.effect);
    await Promise.resolve();
    answer(deny("no", "No"));
    expect(await second).toBe("deny");
    expect((await first).decision.effect).toBe("deny");
  });

  test("act() shows no allowance, until there is one", async () => {
    const { session, answer } = waiting();
    const act = session.begin(pay({}, { callId: "c1" }));
    expect(session.act("c1")?.decision).toMatchObject({ effect: "deny", code: "action_blocked" });
    answer(allow());
    expect((await act).decision.effect).toBe("allow");
  });
});

describe("the same call", () => {
  test("is the open act, when a guard has transformed it", async () => {
    const mask = defineGuard({
      name: "mask",
      stages: ["pre_tool_call"],
      check: () => transform({ card: "***" }, "masked"),
    });
    const session = open({ guards: [mask], policy: { maxToolCalls: 1 } });
    const first = await session.begin(pay({ card: "4111" }, { callId: "c1" }));
    expect(await session.begin(pay({ card: "4111" }, { callId: "c1" }))).toBe(first);
  });

  test("is a new act, when the open one has run and its result is being judged", async () => {
    let pass = (): void => undefined;
    const slow = defineGuard({
      name: "slow",
      stages: ["post_tool_call"],
      check: () => new Promise((resolve) => (pass = () => resolve(allow()))),
    });
    const session = open({ guards: [slow], policy: { maxToolCalls: 1 } });
    const first = await session.begin(pay({}, { callId: "c1" }));
    const ended = first.end("done");
    expect((await session.begin(pay({}, { callId: "c1" }))).decision).toMatchObject({
      code: "max_tool_calls_exceeded",
    });
    pass();
    expect(await ended).toMatchObject({ effect: "allow" });
  });

  test("is a new act with the other payload, when what the open act works on was changed to it", async () => {
    for (const guards of [[], [defineGuard({ name: "looks", check: () => allow() })]]) {
      const seen: unknown[] = [];
      const kernel = createKernel({ guards });
      kernel.on("policy_check", ({ callId }) => void seen.push(callId));
      const session = kernel.session({ agentId: "tester" });
      const first = await session.begin(pay({ to: "bob", amount: 1 }, { callId: "c1" }));
      first.payload.amount = 1_000_000;
      expect(await session.begin(pay({ to: "bob", amount: 1_000_000 }, { callId: "c1" }))).not.toBe(first);
      expect(await session.begin(pay({ to: "bob", amount: 1 }, { callId: "c1" }))).toBe(first);
      expect(first.payload).toEqual({ to: "bob", amount: 1_000_000 });
      expect(seen.filter((id) => id === "c1")).toHaveLength(2);
    }
  });

  test("is a new act, when it comes with other metadata than was judged", async () => {
    const users: unknown[] = [];
    const byUser = defineGuard({
      name: "byUser",
      stages: ["pre_tool_call"],
      check: ({ metadata }) => {
        users.push(metadata["user"]);
        return metadata["user"] === "mallory" ? deny("action_blocked", "Not for this user") : allow();
      },
    });
    const session = open({ guards: [byUser] });
    const metadata = { user: "alice" };
    const first = await session.begin(pay({}, { callId: "c1", metadata }));
    expect(await session.begin(pay({}, { callId: "c1", metadata: { user: "alice" } }))).toBe(first);
    metadata.user = "mallory";
    const second = await session.begin(pay({}, { callId: "c1", metadata }));
    expect([second === first, second.decision.allowed]).toEqual([false, false]);
    expect(await session.begin(pay({}, { callId: "c1" }))).not.toBe(first);
    expect(users).toEqual(["alice", "mallory", undefined]);
  });

  test("is a new act, when the caller gave no id and somebody names that of the session", async () => {
    const session = open();
    const first = await session.begin(pay());
    expect(first.callId).toBe("#1");
    expect(await session.begin(pay({}, { callId: "#1" }))).not.toBe(first);
  });

  test("is a new act, when its payload is not plain", async () => {
    const session = open();
    const cycle: Record<string, unknown> = {};
    cycle["self"] = cycle;
    const first = await session.begin({ stage: "input", name: "execute", payload: cycle, callId: "c1" });
    expect(await session.begin({ stage: "input", name: "execute", payload: cycle, callId: "c1" })).not.toBe(first);
  });
});

test("begin() throws and takes nothing, when the signal is none", async () => {
  const session = open({ policy: { maxToolCalls: 1 } });
  expect(() => session.begin({ ...pay(), signal: "stop" as never })).toThrow(
    '"signal" must be an AbortSignal, and is "stop"',
  );
  await expect(session.tool({ name: "pay", arguments: {}, signal: {} as never }, () => 1)).rejects.toThrow(TypeError);
  expect(await session.tool({ name: "pay", arguments: {} }, () => 1)).toBe(1);
});

test("fail() leaves an abort unjudged, when nobody had asked for the act's signal", async () => {
  let judged = 0;
  const counts = defineGuard({ name: "counts", stages: ["post_tool_call"], check: () => (judged++, allow()) });
  const stop = new AbortController();
  const act = await open({ guards: [counts] }).begin({ ...pay(), signal: stop.signal });
  stop.abort();
  expect(await act.fail(stop.signal.reason)).toMatchObject({ effect: "allow" });
  expect(judged).toBe(0);
});

test("end() withholds the result, when the agent is killed while it is judged", async () => {
  let pass = (): void => undefined;
  const slow = defineGuard({
    name: "slow",
    stages: ["post_tool_call"],
    check: () => new Promise((resolve) => (pass = () => resolve(allow()))),
  });
  const kernel = createKernel({ guards: [slow] });
  const act = await kernel.session({ agentId: "tester" }).begin(pay());
  const ended = act.end("done");
  kernel.kill("tester");
  pass();
  expect(await ended).toMatchObject({ effect: "deny", code: "session_killed" });
});

describe("what a guard takes at the response gate", () => {
  const taking = (decision: Decision) => {
    const log: string[] = [];
    const takes = defineGuard({
      name: "takes",
      stages: ["post_tool_call"],
      check: (_request, _context, taking) => (taking.take(() => log.push("back"), () => log.push("settled")), decision),
    });
    return { log, session: open({ guards: [takes] }) };
  };

  test.each([["settled", allow()], ["back", deny("no", "No")]])(
    "is %s, when the gate answers it so",
    async (what, decision) => {
      const { log, session } = taking(decision);
      await (await session.begin(pay())).end("done");
      expect(log).toEqual([what]);
    },
  );
});
