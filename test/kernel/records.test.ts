import { describe, expect, test } from "vitest";
import {
  type AuditRecord,
  type AuditSink,
  createKernel,
  defineGuard,
  deny,
  escalate,
  type Kernel,
  type KernelOptions,
  PolicyViolationError,
  type Session,
  transform,
  warn,
} from "sallyport";

const POLICY = { allowedTools: ["search", "pay"], maxToolCalls: 1000 };
const CALL = { name: "search", arguments: { q: "tea" }, callId: "c" };

/** A kernel whose records are kept. */
function recording(
  options: KernelOptions = {},
  sink: Partial<AuditSink> = {},
): { kernel: Kernel; session: Session; records: AuditRecord[]; short: () => (string | undefined)[][] } {
  const records: AuditRecord[] = [];
  const kernel = createKernel({
    policy: POLICY,
    ...options,
    plugins: [
      {
        name: "records",
        setup: (host) => host.sink({ name: "records", write: (record) => void records.push(record), ...sink }),
      },
      ...(options.plugins ?? []),
    ],
  });
  const session = kernel.session({ agentId: "helper" });
  // What a session leaves at its own end is not an act's.
  const short = () =>
    records.filter(({ stage }) => stage !== "agent_shutdown" && stage !== "agent_startup").map((record) => [
      record.callId,
      record.kind === "decision" ? record.effect : record.outcome,
      record.code,
    ]);
  return { kernel, session, records, short };
}

const at = (stage: string, decide: () => ReturnType<typeof deny> | Promise<ReturnType<typeof deny>>) =>
  defineGuard({ name: "mine", stages: [stage as "post_tool_call"], check: decide });
const quiet = async (work: Promise<unknown>): Promise<unknown> => await work.catch((error: unknown) => error);
const allowed = ["c", "allow", undefined];

describe("an act leaves exactly one decision record, and one outcome record once it was let run and has ended", () => {
  test("when it completes", async () => {
    const { session, short } = recording();
    await session.tool(CALL, () => 1);
    expect(short()).toEqual([allowed, ["c", "completed", undefined]]);
  });

  test("when it throws", async () => {
    const { session, short } = recording();
    await quiet(session.tool(CALL, () => {
      throw new Error("No");
    }));
    expect(short()).toEqual([allowed, ["c", "failed", undefined]]);
  });

  test("when it is denied: a decision and no outcome", async () => {
    const { session, short } = recording();
    await quiet(session.tool({ ...CALL, name: "shell" }, () => 1));
    expect(short()).toEqual([["c", "deny", "tool_not_allowed"]]);
  });

  test("when its payload is changed", async () => {
    const { session, short } = recording({
      guards: [defineGuard({ name: "t", stages: ["pre_tool_call"], check: () => transform({ q: "x" }, "x") })],
    });
    await session.tool(CALL, () => 1);
    expect(short()).toEqual([["c", "transform", undefined], ["c", "completed", undefined]]);
  });

  test("when its result is withheld", async () => {
    const { session, short } = recording({ guards: [at("post_tool_call", () => deny("rule_denied", "No"))] });
    await quiet(session.tool(CALL, () => 1));
    expect(short()).toEqual([allowed, ["c", "withheld", "rule_denied"]]);
  });

  test("when its own signal aborts it", async () => {
    const { session, short } = recording();
    const abort = new AbortController();
    await quiet(session.tool({ ...CALL, signal: abort.signal }, (_args, signal) => {
      abort.abort(new Error("Enough"));
      throw signal.reason;
    }));
    expect(short()).toEqual([allowed, ["c", "aborted", undefined]]);
  });

  test("when its signal was aborted before it ran", async () => {
    const abort = new AbortController();
    const { session, short } = recording({
      guards: [defineGuard({
        name: "aborts",
        stages: ["pre_tool_call"],
        check: () => {
          abort.abort();
          return { effect: "allow", allowed: true };
        },
      })],
    });
    let ran = 0;
    await quiet(session.tool({ ...CALL, signal: abort.signal }, () => ran++));
    expect(ran).toBe(0);
    expect(short()).toEqual([allowed, ["c", "aborted", undefined]]);
  });

  test("when a gate further in stopped it", async () => {
    const { session, short } = recording();
    await quiet(
      session.run("go", async () => await session.tool({ ...CALL, name: "shell" }, () => 1), { callId: "r" }),
    );
    expect(short()).toEqual([["r", "allow", undefined], ["c", "deny", "tool_not_allowed"], ["r", "failed", undefined]]);
  });

  test("when its result is a stream, which is withheld", async () => {
    const { session, short } = recording();
    await quiet(session.tool(CALL, async function* () {
      yield 1;
    }));
    expect(short()).toEqual([allowed, ["c", "withheld", "ungoverned_method"]]);
  });

  test("when its usage cannot be read", async () => {
    const { session, short } = recording();
    await quiet(session.model({ model: "m", request: "x", callId: "c" }, () => 1, () => {
      throw new Error("No");
    }));
    expect(short()).toEqual([allowed, ["c", "withheld", "guard_error"]]);
  });

  test("when it could not be written as it was judged: let through, and denied before it ran", async () => {
    const { session, short } = recording();
    await quiet(session.tool({ ...CALL, write: () => Promise.resolve(1) }, () => 1));
    expect(short()).toEqual([allowed, ["c", "withheld", "guard_error"]]);
  });

  test("when a view cannot write its changed result back, or there is none", async () => {
    const guards = [
      defineGuard({ name: "t", stages: ["post_tool_call"], check: () => transform({ q: "x" }, "x") }),
    ];
    const view = {
      read: () => ({ q: "y" }),
      write: () => {
        throw new Error("No");
      },
    };
    const broken = recording({ guards });
    const error = await quiet(broken.session.tool(CALL, () => new Date(0), view));
    expect(error).toMatchObject({ code: "guard_error", stage: "post_tool_call" });
    expect(broken.short()).toEqual([allowed, ["c", "withheld", "guard_error"]]);

    class Instance {
      readonly q = 1;
    }
    const bare = recording({ guards });
    expect(await quiet(bare.session.tool(CALL, () => new Instance()))).toMatchObject({ code: "payload_not_plain" });
    expect(bare.short()).toEqual([allowed, ["c", "withheld", "payload_not_plain"]]);

    const fine = recording({ guards });
    const written = { read: () => ({ q: "y" }), write: (_: Date, { q }: { q: string }) => new Date(q === "x" ? 7 : 0) };
    expect(await fine.session.tool(CALL, () => new Date(0), written)).toEqual(new Date(7));
    expect(fine.short()).toEqual([allowed, ["c", "completed", undefined]]);
  });

  test("when an interceptor does not let it run", async () => {
    const { session, short } = recording({
      interceptors: [() => {
        throw new Error("No");
      }],
    });
    await quiet(session.tool(CALL, () => 1));
    expect(short()).toEqual([allowed, ["c", "failed", undefined]]);
  });

  test("when the session closes while it runs", async () => {
    const { session, short } = recording();
    await quiet(session.tool(CALL, async () => await session.close()));
    expect(short()).toEqual([allowed, ["c", "withheld", "session_killed"]]);
  });

  test("when its agent is killed while it runs", async () => {
    const { kernel, session, short } = recording();
    await quiet(session.tool(CALL, () => kernel.kill("helper")));
    expect(short()).toEqual([allowed, ["c", "withheld", "session_killed"]]);
  });

  test("when the session closes while it is judged, at once or later: it is recorded as denied", async () => {
    for (const later of [false, true]) {
      const held: { session?: Session } = {};
      const made = recording({
        guards: [defineGuard({
          name: "closes",
          stages: ["pre_tool_call"],
          check: () => {
            const answer = { effect: "allow", allowed: true } as const;
            void held.session?.close();
            return later ? Promise.resolve(answer) : answer;
          },
        })],
      });
      held.session = made.session;
      const error = await quiet(made.session.tool(CALL, () => 1));
      expect(error).toBeInstanceOf(PolicyViolationError);
      expect(made.short(), `later: ${later}`).toHaveLength(1);
      expect(made.short()[0]?.[1]).toBe("deny");
      expect(made.short()[0]?.[2]).toBe((error as PolicyViolationError).code);
    }
  });

  test("when somebody who is told of its decision closes the session: it is recorded as denied", async () => {
    const { kernel, session, short } = recording();
    kernel.on("policy_check", () => void session.close());
    await quiet(session.tool(CALL, () => 1));
    expect(short()).toEqual([["c", "deny", "session_killed"]]);
  });

  test("when the session closes while its result is judged", async () => {
    const held: { session?: Session } = {};
    const made = recording({
      guards: [at("post_tool_call", async () => {
        await held.session?.close();
        return deny("rule_denied", "No");
      })],
    });
    held.session = made.session;
    await quiet(made.session.tool(CALL, () => 1));
    expect(made.short()).toEqual([allowed, ["c", "withheld", "session_killed"]]);
  });

  test("when somebody who is told of its completion closes the session", async () => {
    const { kernel, session, short } = recording();
    kernel.on("call_completed", () => void session.close());
    await quiet(session.tool(CALL, () => 1));
    expect(short()).toEqual([allowed, ["c", "withheld", "session_killed"]]);
  });

  test("when it is begun and ended, failed or cancelled, once or twice", async () => {
    for (
      const [how, outcome] of [["end", "completed"], ["fail", "failed"], ["cancel", "aborted"]] as const
    ) {
      const { session, short } = recording();
      const act = await session.begin({ stage: "pre_tool_call", name: "search", payload: {}, callId: "c" });
      const finish = () => how === "end" ? act.end(1) : how === "fail" ? act.fail(new Error("No")) : act.cancel();
      await finish();
      await finish();
      await act.end(2);
      act.cancel();
      await session.close();
      expect(short(), how).toEqual([allowed, ["c", outcome, undefined]]);
    }
  });

  test("when it is never ended, but its session is", async () => {
    const { session, short } = recording();
    await session.begin({ stage: "pre_tool_call", name: "search", payload: {}, callId: "c" });
    await session.close();
    expect(short()).toEqual([allowed, ["c", "withheld", "session_killed"]]);
  });

  test("when it came again: it is one act", async () => {
    const { session, short } = recording();
    const call = { stage: "pre_tool_call", name: "search", payload: {}, callId: "c" } as const;
    const [one, two] = [await session.begin(call), await session.begin(call)];
    await one.end(1);
    await two.end(1);
    expect(short()).toEqual([allowed, ["c", "completed", undefined]]);
  });
});

describe("a stream's act leaves one outcome", () => {
  async function* parts(): AsyncGenerator<string> {
    yield "a ";
    yield "b";
  }
  const options = {
    stage: "post_tool_call",
    name: "search",
    textOf: (part: string) => part,
    withText: (_: string, text: string) => text,
  } as const;
  const begun = async (made: ReturnType<typeof recording>) =>
    await made.session.begin({ stage: "pre_tool_call", name: "search", payload: {}, callId: "c" });

  test("when it is read to its end", async () => {
    const made = recording();
    const act = await begun(made);
    const read: string[] = [];
    for await (const part of made.session.stream(parts(), { ...options, act })) read.push(part);
    expect(made.short()).toEqual([allowed, ["c", "completed", undefined]]);
  });

  test("when its reader stops early, or never begins", async () => {
    for (const reads of [0, 1]) {
      const made = recording();
      const act = await begun(made);
      const iterator = made.session.stream(parts(), { ...options, act })[Symbol.asyncIterator]();
      if (reads > 0) await iterator.next();
      await iterator.return?.();
      // What was read to its end before the first part went on was judged.
      expect(made.short(), `${reads} read`).toEqual([allowed, ["c", reads > 0 ? "completed" : "aborted", undefined]]);
    }
  });

  test("when its source fails", async () => {
    const made = recording();
    const act = await begun(made);
    const broken = async function* (): AsyncGenerator<string> {
      yield "a";
      throw new Error("No");
    };
    await quiet((async () => {
      for await (const _ of made.session.stream(broken(), { ...options, act }));
    })());
    expect(made.short()).toEqual([allowed, ["c", "failed", undefined]]);
  });

  test("when it is withheld", async () => {
    const made = recording({ guards: [at("post_tool_call", () => deny("rule_denied", "No"))] });
    const act = await begun(made);
    await quiet((async () => {
      for await (const _ of made.session.stream(parts(), { ...options, act }));
    })());
    expect(made.short()).toEqual([allowed, ["c", "withheld", "rule_denied"]]);
  });
});

describe("an escalated act leaves one decision", () => {
  const asking = { policy: { ...POLICY, requireHumanApproval: ["pay"] } };
  const pay = { name: "pay", arguments: { amount: 5 }, callId: "c" };

  test("when it is approved, with what was asked; and when it is refused", async () => {
    for (const answer of [true, false]) {
      const asked: string[] = [];
      const { session, short, records } = recording({
        ...asking,
        approve: (request) => {
          asked.push(request.id);
          return answer;
        },
      });
      await quiet(session.tool(pay, () => 1));
      expect(short()).toEqual(
        answer ? [allowed, ["c", "completed", undefined]] : [["c", "deny", "approval_denied"]],
      );
      expect(records[0]).toMatchObject({ approval: asked[0] });
    }
  });

  test("when nobody is there to be asked, or answers later", async () => {
    const { session, short } = recording(asking);
    await quiet(session.tool(pay, () => 1));
    expect(short()).toEqual([["c", "escalate", "approval_required"]]);
    const other = recording(asking);
    const act = await other.session.begin({
      stage: "pre_tool_call",
      name: "pay",
      payload: {},
      callId: "c",
      approval: "return",
    });
    await act.resume(true);
    await act.end(1);
    expect(other.short()).toEqual([allowed, ["c", "completed", undefined]]);
  });

  test("when it is cancelled, or its session closed, while it is asked about", async () => {
    for (const how of ["cancel", "close"] as const) {
      const { session, short } = recording(asking);
      const act = await session.begin({
        stage: "pre_tool_call",
        name: "pay",
        payload: {},
        callId: "c",
        approval: "return",
      });
      if (how === "cancel") act.cancel();
      else await session.close();
      expect(short(), how).toHaveLength(1);
      expect(short()[0]?.[1], how).not.toBe("allow");
    }
  });

  test("when every answer is asked about anew", async () => {
    let asked = 0;
    const { session, short } = recording({
      policy: POLICY,
      guards: [
        defineGuard({ name: "asks", stages: ["pre_tool_call"], check: () => escalate(`Question ${asked++ % 3}`) }),
      ],
      approve: () => true,
    });
    await quiet(session.tool(CALL, () => 1));
    expect(short().filter(([, what]) => what !== "completed")).toHaveLength(1);
  });
});

describe("a record says", () => {
  test("whose reason it is: ours, and not what a guard calls itself", async () => {
    const spoof = defineGuard({
      name: "spoof",
      stages: ["pre_tool_call"],
      check: ({ payload }) =>
        (payload as { q?: string }).q === "spoof"
          ? { effect: "deny", allowed: false, code: "tool_not_allowed", reason: "secret", guard: "allowTools" }
          : (payload as { q?: string }).q === "throw"
          ? (() => {
            throw new Error("secret");
          })()
          : { effect: "allow", allowed: true },
    });
    const { session, records } = recording({ guards: [spoof] });
    await quiet(session.tool({ name: "shell", arguments: {} }, () => 1));
    await quiet(session.tool({ name: "search", arguments: { q: "spoof" } }, () => 1));
    await quiet(session.tool({ name: "search", arguments: { q: "throw" } }, () => 1));
    await quiet(session.tool({ name: "search", arguments: { f: () => 1 } }, () => 1));
    await quiet(session.tool({ name: "a b", arguments: {} }, () => 1));
    expect(records).toMatchObject([
      { code: "tool_not_allowed", guard: "allowTools", isOurs: true },
      { code: "tool_not_allowed", guard: "allowTools", isOurs: false },
      { code: "guard_error", isOurs: true },
      { code: "payload_not_plain", isOurs: true },
      { code: "invalid_tool_name", isOurs: true },
    ]);
    expect(records[0]).toMatchObject({ reason: expect.stringContaining("not allowed") });
    expect(JSON.stringify(records.filter((one) => one.kind === "decision" && one.isOurs))).not.toContain("secret");
  });

  test("that a listener's, a stop's and an approver's words are not ours", async () => {
    const { kernel, session, records } = recording();
    const off = kernel.on("policy_check", () => {
      throw new PolicyViolationError("secret", { code: "rule_denied" });
    });
    await quiet(session.tool(CALL, () => 1));
    off();
    kernel.suspend("helper", "secret");
    await quiet(session.tool(CALL, () => 1));
    expect(records).toMatchObject([{ code: "rule_denied", isOurs: false }, { code: "agent_suspended", isOurs: false }]);
  });

  test("which act it is inside of, and how long it took by the kernel's clock", async () => {
    let now = 1000;
    const { session, records } = recording({ clock: () => now });
    await session.run("go", async (_input, signal) =>
      await session.tool({ ...CALL, signal }, () => {
        now += 7;
      }), { callId: "r" });
    expect(records.map((one) => [one.callId, one.kind, one.kind === "decision" ? one.parentId : one.durationMs]))
      .toEqual([
        ["r", "decision", undefined],
        ["c", "decision", "r"],
        ["c", "outcome", 7],
        ["r", "outcome", 7],
      ]);
    expect(records[0]).toMatchObject({ durationMs: 0 });
  });

  test("no payload, but to a sink that asks for it: what was judged, and what came", async () => {
    const { session, records } = recording();
    await session.tool(CALL, () => "tea");
    expect(JSON.stringify(records)).not.toContain("tea");
    const with_ = recording({}, { payloads: true });
    await with_.session.tool(CALL, () => "found");
    expect(with_.records.map((one) => one.payload)).toEqual([{ q: "tea" }, "found"]);
  });

  test("nothing of allowances and their outcomes where the policy wants that, but warnings and denials", async () => {
    const { session, short } = recording({
      policy: { ...POLICY, logAllCalls: false },
      guards: [defineGuard({
        name: "warns",
        stages: ["pre_tool_call"],
        check: ({ callId }) => callId === "w" ? warn("slow", "Slow") : { effect: "allow", allowed: true },
      })],
    });
    await session.tool(CALL, () => 1);
    await quiet(session.tool(CALL, () => {
      throw new Error("No");
    }));
    await session.tool({ ...CALL, callId: "w" }, () => 1);
    await quiet(session.tool({ ...CALL, name: "shell", callId: "d" }, () => 1));
    expect(short()).toEqual([
      ["w", "allow", undefined],
      ["w", "completed", undefined],
      ["d", "deny", "tool_not_allowed"],
    ]);
  });
});

test("a sink that took a decision which another could not is told that the act has not run", async () => {
  let ran = 0;
  const broken: AuditSink = {
    name: "broken",
    write: () => {
      throw new Error("No");
    },
  };
  const { session, short } = recording({
    plugins: [{ name: "broken", setup: (host) => host.sink(broken) }],
  });
  expect(await quiet(session.tool(CALL, () => ++ran))).toMatchObject({ code: "audit_unavailable" });
  expect(ran).toBe(0);
  expect(short()).toEqual([allowed, ["c", "withheld", "audit_unavailable"]]);
});

describe("a durable sink", () => {
  function storing(durable: "act" | "result"): {
    made: ReturnType<typeof recording>;
    answers: { resolve: () => void; reject: (error: Error) => void }[];
  } {
    const answers: { resolve: () => void; reject: (error: Error) => void }[] = [];
    const made = recording({}, {
      durable,
      stored: () => new Promise<void>((resolve, reject) => void answers.push({ resolve, reject })),
    });
    return { made, answers };
  }
  const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

  test("holds an act until its decision is stored", async () => {
    const { made: { session, short }, answers } = storing("act");
    let ran = 0;
    const result = session.tool(CALL, () => ++ran);
    await turn();
    expect([ran, answers.length, short()]).toEqual([0, 1, [allowed]]);
    answers[0]?.resolve();
    expect(await result).toBe(1);
    expect(answers).toHaveLength(1);
    expect(short()).toEqual([allowed, ["c", "completed", undefined]]);
  });

  test("denies an act whose decision could not be stored, which then leaves an outcome", async () => {
    const { made: { session, short }, answers } = storing("act");
    let ran = 0;
    const result = quiet(session.tool(CALL, () => ++ran));
    await turn();
    answers[0]?.reject(new Error("No space"));
    expect(await result).toMatchObject({ code: "audit_unavailable" });
    expect(ran).toBe(0);
    expect(short()).toEqual([allowed, ["c", "withheld", "audit_unavailable"]]);
  });

  test("does not let an act run that was stopped while it waited for that", async () => {
    const { made: { session, short, kernel }, answers } = storing("act");
    let ran = 0;
    const result = quiet(session.tool(CALL, () => ++ran));
    await turn();
    kernel.kill("helper");
    answers[0]?.resolve();
    expect(await result).toMatchObject({ code: "session_killed" });
    expect(ran).toBe(0);
    expect(short()).toEqual([allowed, ["c", "withheld", "session_killed"]]);
  });

  test("holds what begin(), resume() and check() answer, too", async () => {
    const { made: { session }, answers } = storing("act");
    const begun = session.begin({ stage: "pre_tool_call", name: "search", payload: {}, callId: "c" });
    expect(begun).toBeInstanceOf(Promise);
    await turn();
    answers[0]?.resolve();
    expect((await begun).decision.allowed).toBe(true);
    const checked = session.check({ stage: "pre_tool_call", name: "search", payload: {} });
    await turn();
    answers[1]?.reject(new Error("No"));
    expect(await checked).toMatchObject({ code: "audit_unavailable" });

    const asked = recording({ policy: { ...POLICY, requireHumanApproval: ["pay"] } }, {
      durable: "act",
      stored: async () => await Promise.reject(new Error("No")),
    });
    const act = await asked.session.begin({
      stage: "pre_tool_call",
      name: "pay",
      payload: {},
      callId: "c",
      approval: "return",
    });
    expect(await act.resume(true)).toMatchObject({ code: "audit_unavailable" });
    expect(asked.short()).toEqual([allowed, ["c", "withheld", "audit_unavailable"]]);
  });

  test("holds a result until both records are stored, or denies it", async () => {
    for (const fails of [false, true]) {
      const { made: { session, short }, answers } = storing("result");
      let ran = 0;
      let settled = false;
      const result = quiet(session.tool(CALL, () => ++ran)).finally(() => settled = true);
      await turn();
      expect([ran, settled, answers.length]).toEqual([1, false, 1]);
      if (fails) answers[0]?.reject(new Error("No"));
      else answers[0]?.resolve();
      if (fails) expect(await result).toMatchObject({ code: "audit_unavailable" });
      else expect(await result).toBe(1);
      expect(short()).toEqual([allowed, ["c", "completed", undefined]]);
    }
  });

  test("is refused without stored(), or with another word", () => {
    expect(() => recording({}, { durable: "act" })).toThrow(/"sink.stored" must be a function/);
    expect(() => recording({}, { durable: "always" as "act", stored: async () => undefined })).toThrow(
      /"sink.durable"/,
    );
    expect(() => recording({}, { payloads: "yes" as unknown as boolean })).toThrow(/"sink.payloads"/);
  });
});
