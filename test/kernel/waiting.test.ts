import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  type Act,
  allow,
  any,
  createKernel,
  type Decision,
  defineGuard,
  deny,
  escalate,
  type Guard,
  type Kernel,
  maxToolCalls,
  type Session,
} from "../../mod.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }));
afterEach(() => void vi.useRealTimers());

const never = (): Promise<never> => new Promise(() => {});
const hangs = (stage: string): Guard =>
  defineGuard({ name: "hangs", stages: [stage as "input"], check: (_request, _context) => never() });
const asks = defineGuard({ name: "asks", stages: ["pre_tool_call"], check: () => escalate("May it?") });
/** Notes what was taken and not given back. */
const takes = (log: string[]): Guard =>
  defineGuard({
    name: "takes",
    stages: ["pre_tool_call"],
    check: (_request, _context, taking) => {
      if (taking.dry) return allow();
      log.push("taken");
      taking.take(() => log.push("back"), () => log.push("settled"));
      return allow();
    },
  });

interface World {
  readonly kernel: Kernel;
  readonly parent: Session;
  readonly session: Session;
  readonly own: AbortController;
  readonly outer: AbortController;
  readonly log: string[];
  readonly told: string[];
  readonly records: string[];
}

/** What an act can wait for, before it and after it. */
const WAITS: Readonly<Record<string, { guards: Guard[]; more?: object; busy?: boolean }>> = {
  "its turn": { guards: [], busy: true },
  "a person": { guards: [asks], more: { approve: never } },
  "a guard": { guards: [hangs("pre_tool_call")] },
  "the guard of the session's start": { guards: [hangs("agent_startup")] },
  "a guard that judges again after an approval": {
    guards: [
      asks,
      (() => {
        let asked = 0;
        return defineGuard({
          name: "second",
          stages: ["pre_tool_call"],
          check: () => asked++ === 0 ? allow() : never(),
        });
      })(),
    ],
    more: { approve: async () => true },
  },
};

async function world(wait: keyof typeof WAITS): Promise<World> {
  const { guards, more = {}, busy = false } = WAITS[wait] as { guards: Guard[]; more?: object; busy?: boolean };
  const [log, told, records]: string[][] = [[], [], []] as never;
  const kernel = createKernel({
    guards: [takes(log as string[]), ...guards],
    policy: { maxConcurrent: 3, backpressureThreshold: 1, maxToolCalls: 100, timeoutMs: 1000 },
    plugins: [{
      name: "keeps",
      setup: (host) =>
        host.sink({
          name: "keeps",
          write: (record) => void records?.push(record.kind === "decision" ? record.effect : record.outcome),
        }),
    }],
    ...more,
  });
  kernel.on("tool_call_blocked", ({ code }) => void told?.push(code));
  const [own, outer] = [new AbortController(), new AbortController()];
  const parent = kernel.session({ agentId: "parent" });
  const session = kernel.session({ agentId: "tester", parent, signal: outer.signal });
  if (busy) {
    await session.begin({ stage: "pre_tool_call", name: "busy", payload: {} });
    for (const list of [log, told, records]) list?.splice(0);
  }
  return { kernel, parent, session, own, outer, log: log ?? [], told: told ?? [], records: records ?? [] };
}

/** What ends a wait, and what it is denied with. */
const ENDS: readonly (readonly [string, (at: World) => unknown, string])[] = [
  ["the act's own signal aborts", ({ own }) => own.abort(new Error("enough")), "action_blocked"],
  ["the session's signal aborts", ({ outer }) => outer.abort(new Error("enough")), "action_blocked"],
  ["it is cancelled", ({ session }) => session.act("c1")?.cancel(), "action_blocked"],
  ["the session is closed", ({ session }) => session.close(), "session_killed"],
  ["its parent is closed", ({ parent }) => parent.close(), "session_killed"],
  ["the agent is suspended", ({ kernel }) => kernel.suspend("tester"), "agent_suspended"],
  ["the agent is killed", ({ kernel }) => kernel.kill("tester"), "session_killed"],
  ["the parent's agent is killed", ({ kernel }) => kernel.kill("parent"), "session_killed"],
  ["the kernel is closed", ({ kernel }) => kernel.close(), "session_killed"],
  ["the session is too old", () => vi.advanceTimersByTimeAsync(1000), "timeout"],
];
const turn = async (): Promise<void> => {
  for (let at = 0; at < 50; at++) await new Promise<void>((done) => setImmediate(done));
};
/** Digests are made elsewhere in the process: a question is put once they are there. */
const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await turn();
};

describe.each(Object.keys(WAITS))("an act that waits for %s", (wait) => {
  test.each(ENDS)("is denied at once and holds nothing, when %s", async (_how, end, code) => {
    const at = await world(wait);
    const begun = Promise.resolve(
      at.session.begin({ stage: "pre_tool_call", name: "pay", payload: {}, callId: "c1", signal: at.own.signal }),
    );
    let act: Act | undefined;
    void begun.then((one) => (act = one));
    await turn();
    expect(act).toBeUndefined();
    await end(at);
    await turn();
    expect(act?.decision).toMatchObject({ effect: "deny", code });
    expect(act?.payload).toBeUndefined();
    expect(act?.signal.aborted).toBe(true);
    expect(at.log.filter((what) => what === "back")).toHaveLength(at.log.filter((what) => what === "taken").length);
    expect(at.records.filter((what) => what === "deny")).toHaveLength(1);
    expect(at.told).toEqual([code]);
    expect(vi.getTimerCount()).toBe(0);
    for (const { signal } of [at.own, at.outer]) expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("rejects with the reason of its signal, when it is one of the three verbs and its signal aborts", async () => {
    const { session, own } = await world(wait);
    let ran = 0;
    const call = session.tool({ name: "pay", arguments: {}, signal: own.signal }, () => ran++);
    const caught = call.catch((error: unknown) => error);
    await turn();
    const reason = new Error("enough");
    own.abort(reason);
    expect([await caught, ran]).toEqual([reason, 0]);
  });

  test("never begins to wait, when its signal was aborted before", async () => {
    const { session, own } = await world(wait);
    own.abort(new Error("before"));
    await expect(session.tool({ name: "pay", arguments: {}, signal: own.signal }, () => 1)).rejects.toBe(
      own.signal.reason,
    );
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("an act whose result is judged", () => {
  test.each(ENDS.filter(([how]) => how !== "it is cancelled"))(
    "is withheld at once, when %s",
    async (_how, end, code) => {
      const own = new AbortController();
      const outer = new AbortController();
      const outcomes: string[] = [];
      const kernel = createKernel({
        guards: [hangs("post_tool_call")],
        policy: { timeoutMs: 1000 },
        plugins: [{
          name: "keeps",
          setup: (host) =>
            host.sink({
              name: "keeps",
              write: (record) => void (record.kind === "outcome" && outcomes.push(record.outcome)),
            }),
        }],
      });
      const parent = kernel.session({ agentId: "parent" });
      const session = kernel.session({ agentId: "tester", parent, signal: outer.signal });
      const act = await session.begin({
        stage: "pre_tool_call",
        name: "pay",
        payload: {},
        callId: "c1",
        signal: own.signal,
      });
      const ended = Promise.resolve(act.end("secret"));
      const verb = session.tool({ name: "pay", arguments: {}, signal: own.signal }, () => "secret").catch((
        error: unknown,
      ) => error);
      await turn();
      await end({ kernel, parent, session, own, outer, log: [], told: [], records: [] });
      expect(await ended).toMatchObject({ effect: "deny", code });
      const error = await verb;
      if (code === "action_blocked") expect(error).toMatchObject({ message: "enough" });
      else expect(error).toMatchObject({ code });
      expect(outcomes).toEqual(["withheld", "withheld"]);
      expect(vi.getTimerCount()).toBe(0);
      expect([await act.end("again"), await act.fail(new Error("x"))]).toEqual([await ended, await ended]);
    },
  );
});

describe("a guard's late answer", () => {
  test.each<[string, Decision | Promise<Decision>]>([
    ["an allowance", allow()],
    ["a denial", deny("no", "No")],
    ["a rejection", undefined as never],
  ])("changes nothing and gives back what it took, when it is %s", async (_what, late) => {
    let answer = (): void => undefined;
    const asked: string[] = [];
    const slow = defineGuard({
      name: "slow",
      stages: ["pre_tool_call"],
      check: (_request, _context, taking) =>
        new Promise<Decision>((resolve, reject) => {
          answer = () => {
            taking.take(() => asked.push("back"));
            if (late === undefined) reject(new Error("late"));
            else resolve(late);
          };
        }),
    });
    const after = defineGuard({
      name: "after",
      stages: ["pre_tool_call"],
      check: () => (asked.push("after"), allow()),
    });
    const kernel = createKernel({ guards: [any(slow, after), slow, after] });
    const seen: string[] = [];
    kernel.on("policy_check", ({ decision }) => void seen.push(decision.effect));
    const session = kernel.session({ agentId: "tester" });
    const begun = session.begin({ stage: "pre_tool_call", name: "pay", payload: {}, callId: "c1" });
    session.act("c1")?.cancel();
    const { decision } = await begun;
    answer();
    await turn();
    expect((await begun).decision).toBe(decision);
    expect([asked, seen]).toEqual([["back"], ["deny"]]);
  });
});

test("check() ends with its signal, the session and its age, when a guard hangs", async () => {
  const kernel = createKernel({ guards: [hangs("input")], policy: { timeoutMs: 1000 } });
  const own = new AbortController();
  const check = (session: Session) =>
    Promise.resolve(session.check({ stage: "input", name: "execute", payload: "hi", signal: own.signal }));
  const [first, second, third] = ["a", "b", "c"].map((agentId) => kernel.session({ agentId })) as [
    Session,
    Session,
    Session,
  ];
  const old = check(third);
  const closed = check(second);
  const aborted = check(first);
  void second.close();
  expect(await closed).toMatchObject({ code: "session_killed" });
  await vi.advanceTimersByTimeAsync(1000);
  expect(await old).toMatchObject({ code: "timeout" });
  expect(await aborted).toMatchObject({ code: "timeout" });
  const fresh = kernel.session({ agentId: "d" });
  const late = check(fresh);
  own.abort();
  expect(await late).toMatchObject({ code: "action_blocked" });
  const explained = Promise.resolve(kernel.explain({ stage: "input", name: "execute", payload: "hi" }, fresh));
  void fresh.close();
  expect((await explained).decision).toMatchObject({ code: "session_killed" });
  expect(vi.getTimerCount()).toBe(0);
  expect(getEventListeners(own.signal, "abort")).toHaveLength(0);
});

test("a wait ends by the kernel's clock, when that is ahead of the machine's", async () => {
  let now = 0;
  const kernel = createKernel({
    guards: [hangs("pre_tool_call")],
    policy: { timeoutMs: 1000 },
    clock: () => now,
  });
  const session = kernel.session({ agentId: "tester" });
  now = 990;
  const call = session.tool({ name: "pay", arguments: {} }, () => 1).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(9);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await call).toMatchObject({ code: "timeout", guard: "timeLimit" });
});

test("a child's wait ends with its parent's age, when that is older", async () => {
  const kernel = createKernel({ guards: [hangs("pre_tool_call")], policy: { timeoutMs: 1000 } });
  const parent = kernel.session({ agentId: "parent" });
  await vi.advanceTimersByTimeAsync(900);
  const call = parent.child().tool({ name: "pay", arguments: {} }, () => 1).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(100);
  expect(await call).toMatchObject({ code: "timeout" });
});

test("a session without a limit of its age waits on, and leaves no timer", async () => {
  const session = createKernel({ guards: [hangs("pre_tool_call")], policy: { timeoutMs: 2 ** 40 } }).session({
    agentId: "tester",
  });
  const call = session.tool({ name: "pay", arguments: {} }, () => 1).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(2 ** 31);
  expect(vi.getTimerCount()).toBe(1);
  void session.close();
  expect(await call).toMatchObject({ code: "session_killed" });
  expect(vi.getTimerCount()).toBe(0);
});

test("a kernel that only watches lets an act go on, when a guard has taken too long", async () => {
  const session = createKernel({
    mode: "shadow",
    guards: [hangs("pre_tool_call"), hangs("post_tool_call")],
    policy: { timeoutMs: 1000 },
  }).session({ agentId: "tester" });
  const call = session.tool({ name: "pay", arguments: { amount: 5 } }, ({ amount }) => amount);
  await vi.advanceTimersByTimeAsync(1000);
  await vi.advanceTimersByTimeAsync(1000);
  expect(await call).toBe(5);
});

test("a place in the queue is free again at once, when the act that waits for its turn is aborted", async () => {
  const session = createKernel({ policy: { maxConcurrent: 2, backpressureThreshold: 1 } }).session({ agentId: "a" });
  const begin = (signal?: AbortSignal) =>
    Promise.resolve(session.begin({ stage: "pre_tool_call", name: "pay", payload: {}, signal }));
  const first = await begin();
  const own = new AbortController();
  const second = begin(own.signal);
  expect((await begin()).decision).toMatchObject({ code: "concurrency_limit" });
  own.abort();
  expect((await second).decision).toMatchObject({ code: "action_blocked" });
  const third = begin();
  await first.end("done");
  expect((await third).decision.effect).toBe("allow");
});

test("resume() ends with the session, when a guard hangs that judges again", async () => {
  let round = 0;
  const second = defineGuard({
    name: "second",
    stages: ["pre_tool_call"],
    check: () => (round++ === 0 ? escalate("May it?") : never()),
  });
  const session = createKernel({ guards: [second, maxToolCalls(1)] }).session({ agentId: "a" });
  const act = await session.begin({ stage: "pre_tool_call", name: "pay", payload: {}, approval: "return" });
  const resumed = [act.resume(true), act.resume(true)];
  await turn();
  void session.close();
  expect(await Promise.all(resumed)).toMatchObject([{ code: "session_killed" }, { code: "session_killed" }]);
  expect(vi.getTimerCount()).toBe(0);
});

test("resume() answers an act that its begin() still waits for a person to approve, and begin() with it", async () => {
  const session = createKernel({ guards: [asks], approve: never }).session({ agentId: "a" });
  const begun = session.begin({ stage: "pre_tool_call", name: "pay", payload: { amount: 5 }, callId: "c1" });
  expect(await session.act("c1")?.resume(true)).toMatchObject({
    effect: "deny",
    reason: "The act is still being judged",
  });
  await until(() => session.act("c1")?.decision.effect === "escalate");
  expect(await session.act("c1")?.resume(true)).toMatchObject({ effect: "allow" });
  expect(await begun).toMatchObject({ decision: { effect: "allow" }, payload: { amount: 5 } });
  expect(vi.getTimerCount()).toBe(0);
});

test("a question is told to be answered by nobody, when the session is closed meanwhile", async () => {
  const kernel = createKernel({ guards: [asks], approve: never });
  const answers: unknown[] = [];
  kernel.on("approval_resolved", ({ approved, reason }) => void answers.push([approved, reason]));
  const session = kernel.session({ agentId: "a" });
  let isAsked = false;
  kernel.on("approval_requested", () => void (isAsked = true));
  const call = session.tool({ name: "pay", arguments: {} }, () => 1).catch((error: unknown) => error);
  await until(() => isAsked);
  void session.close();
  expect(await call).toMatchObject({ code: "session_killed" });
  expect(answers).toEqual([[false, "The session is closed"]]);
});

test("a session that has waited is not kept, and neither is anything at its signal", async () => {
  const slow = defineGuard({ name: "slow", check: async () => allow() });
  const outer = new AbortController();
  const session = createKernel({ guards: [slow] }).session({ agentId: "a", signal: outer.signal });
  const own = new AbortController();
  for (let at = 0; at < 5; at++) await session.tool({ name: "t", arguments: {}, signal: own.signal }, () => at);
  expect(getEventListeners(own.signal, "abort")).toHaveLength(0);
  expect(getEventListeners(session.context.signal, "abort")).toHaveLength(0);
  expect(vi.getTimerCount()).toBe(0);
});

test("close() ends, and tells why, when a guard of the session's end hangs", async () => {
  const kernel = createKernel({ guards: [hangs("agent_shutdown")], policy: { timeoutMs: 1000 } });
  const told: string[] = [];
  kernel.on("policy_violation", ({ code, stage }) => void told.push(`${stage}: ${code}`));
  const session = kernel.session({ agentId: "a" });
  await vi.advanceTimersByTimeAsync(5000);
  const closed = session.close();
  await vi.advanceTimersByTimeAsync(1000);
  await closed;
  expect([told, vi.getTimerCount()]).toEqual([["agent_shutdown: timeout"], 0]);
});

test.each<[string, (kernel: Kernel, parent: Session) => unknown]>([
  ["its kernel is closed", (kernel) => kernel.close()],
  ["its agent is killed", (kernel) => kernel.kill("a")],
  ["everybody is killed", (kernel) => kernel.kill("*")],
  ["its agent is suspended", (kernel) => kernel.suspend("a")],
  ["what it was opened in is closed", (_kernel, parent) => void parent.close()],
  ["the agent of what it was opened in is killed", (kernel) => kernel.kill("above")],
])("close() ends at once and leaves no timer, when a guard of the session's end hangs and %s", async (_why, stop) => {
  let asked = 0;
  const first = defineGuard({
    name: "hangs",
    stages: ["agent_shutdown"],
    check: ({ payload }) => asked++ > 0 ? allow() : new Promise<Decision>(() => void payload),
  });
  const kernel = createKernel({ guards: [first] });
  const parent = kernel.session({ agentId: "above" });
  const closed = kernel.session({ agentId: "a", parent }).close();
  expect([asked > 0, vi.getTimerCount()]).toEqual([true, 1]);
  await stop(kernel, parent);
  await closed;
  expect(vi.getTimerCount()).toBe(0);
});

test("close() waits for no guard, when nobody is left to end the wait", async () => {
  for (const stop of [(kernel: Kernel) => kernel.close(), (kernel: Kernel) => kernel.kill("a")]) {
    const kernel = createKernel({ guards: [hangs("agent_shutdown")] });
    const session = kernel.session({ agentId: "a" });
    await stop(kernel);
    await session.close();
    expect(vi.getTimerCount()).toBe(0);
  }
});

test("close() waits for a guard of the session's end, when its agent was suspended before", async () => {
  let answer = (): void => undefined;
  const slow = defineGuard({
    name: "slow",
    stages: ["agent_shutdown"],
    check: () => new Promise((resolve) => (answer = () => resolve(allow()))),
  });
  const kernel = createKernel({ guards: [slow] });
  const checks: string[] = [];
  kernel.on("policy_check", ({ stage, decision }) => void checks.push(`${stage}: ${decision.effect}`));
  const session = kernel.session({ agentId: "a" });
  kernel.suspend("a");
  const closed = session.close();
  answer();
  await closed;
  expect([checks, vi.getTimerCount()]).toEqual([["agent_shutdown: allow"], 0]);
});

test.each(["policy_check", "call_completed", "drift_detected"] as const)(
  "a result is withheld and recorded once, when a listener of %s kills the agent after a wait",
  async (type) => {
    const outcomes: string[] = [];
    const slow = defineGuard({ name: "slow", stages: ["output"], check: async () => allow() });
    const kernel = createKernel({
      guards: [slow],
      similarity: () => 0,
      plugins: [{
        name: "keeps",
        setup: (host) =>
          host.sink({
            name: "keeps",
            write: (record) => void (record.kind === "outcome" && outcomes.push(record.outcome)),
          }),
      }],
    });
    const session = kernel.session({ agentId: "tester", baseline: "before" });
    kernel.on(type, (event) => {
      if (type !== "policy_check" || (event as { stage: string }).stage === "output") kernel.kill("tester");
    });
    await expect(session.run("hi", () => "after")).rejects.toMatchObject({ code: "session_killed" });
    expect(outcomes).toEqual(["withheld"]);
  },
);

test("resume() waits for what an approval comes to, when it is called again while that is judged", async () => {
  let [answer, asked] = [(): void => undefined, 0];
  const second = defineGuard({
    name: "second",
    stages: ["pre_tool_call"],
    check: () => asked++ === 0 ? allow() : new Promise((resolve) => (answer = () => resolve(allow()))),
  });
  const session = createKernel({ guards: [asks, second] }).session({ agentId: "a" });
  const act = await session.begin({ stage: "pre_tool_call", name: "pay", payload: {}, approval: "return" });
  const first = act.resume(true);
  await turn();
  const again = act.resume(false);
  await turn();
  answer();
  expect(await Promise.all([first, again])).toMatchObject([{ effect: "allow" }, { effect: "allow" }]);
});
