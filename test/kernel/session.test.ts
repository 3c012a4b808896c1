import { describe, expect, test } from "vitest";
import {
  allow,
  any,
  blockPatterns,
  createKernel,
  defineGuard,
  definePlugin,
  deny,
  denyTools,
  escalate,
  type Guard,
  isPolicyViolation,
  type Kernel,
  maxToolCalls,
  memoryStore,
  noLoops,
  type PolicyInit,
  PolicyViolationError,
  rateLimit,
  transform,
  warn,
} from "../../mod.ts";
import { later } from "../guards/session-context.ts";

const open = (policy: PolicyInit = {}, guards: readonly Guard[] = []) =>
  createKernel({ policy, guards }).session({ agentId: "tester" });
const guard = (check: Parameters<typeof defineGuard>[0]["check"], stages?: Guard["stages"]): Guard =>
  defineGuard({ name: "probe", ...(stages === undefined ? {} : { stages }), check });
const call = (name = "search", args: unknown = {}) => ({ name, arguments: args });
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("tool()", () => {
  test("runs the tool on a private copy of the arguments, when the policy allows it", async () => {
    const args = { q: "tides", where: ["north", "south"] };
    const seen = await open({ allowedTools: ["search"] }).tool(call("search", args), (given) => given);
    expect(seen).toEqual(args);
    const run = open().tool(call("search", args), async (given) => {
      given.where.push("east");
      return given.where.length;
    });
    args.where.push("west");
    expect(await run).toBe(3);
    expect(args.where).toEqual(["north", "south", "west"]);
  });

  test("rejects with the decision, when the policy denies it, and never calls the tool", async () => {
    let ran = 0;
    const error = await open({ allowedTools: ["search"] }).tool(call("delete"), () => ran++).catch((caught: unknown) =>
      caught
    );
    expect(error).toBeInstanceOf(PolicyViolationError);
    expect(error).toMatchObject({
      name: "PolicyViolationError",
      code: "tool_not_allowed",
      stage: "pre_tool_call",
      guard: "allowTools",
      decision: { effect: "deny" },
    });
    expect(ran).toBe(0);
  });

  test.each([
    ["a name with a space", "search "],
    ["an empty name", ""],
    ["a name that is no string", ["search"] as unknown as string],
    ["a name that is too long", "x".repeat(129)],
  ])("denies with invalid_tool_name, when called with %s", async (_what, name) => {
    await expect(open().tool(call(name), () => "ran")).rejects.toMatchObject({ code: "invalid_tool_name" });
  });

  test.each([
    ["throws", () => {
      throw new Error("boom");
    }],
    ["rejects", () => Promise.reject(new Error("boom"))],
    ["answers nonsense", () => "yes" as never],
    ["answers nothing", () => undefined as never],
    ["answers nonsense late", () => Promise.resolve({ decision: "ALLOW " }) as never],
  ])("denies with guard_error, when a guard %s", async (_what, check) => {
    let ran = 0;
    await expect(open({}, [guard(check)]).tool(call(), () => ran++)).rejects.toMatchObject({
      code: "guard_error",
      guard: "probe",
    });
    expect(ran).toBe(0);
  });

  test("gives the tool the transformed arguments and says so, when a guard transforms", async () => {
    const mask = guard(() => transform({ q: "***" }, "masked"), ["pre_tool_call"]);
    const seen = await open({}, [mask]).tool(
      call("search", { q: "secret" }),
      (args, _signal, changed) => [args, changed],
    );
    expect(seen).toEqual([{ q: "***" }, true]);
  });

  test("runs on the empty payload, when a guard transforms to one", async () => {
    expect(
      await open({}, [guard(() => transform({}, "emptied"), ["pre_tool_call"])]).tool(
        call("search", { cmd: "secret" }),
        (args) => args,
      ),
    ).toEqual({});
  });

  test("denies what a later transform brings in, when an earlier guard forbids it", async () => {
    const forbid = guard(({ payload }) => JSON.stringify(payload).includes("rm") ? deny("no_rm", "no") : allow(), [
      "pre_tool_call",
    ]);
    const smuggle = defineGuard({
      name: "smuggle",
      stages: ["pre_tool_call"],
      check: () => transform({ cmd: "rm" }, "rewritten"),
    });
    await expect(open({}, [forbid, smuggle]).tool(call("run", { cmd: "ls" }), () => "ran")).rejects.toMatchObject({
      code: "no_rm",
    });
  });

  test("shows guards frozen data, when they are not the library's own, and the tool ordinary data", async () => {
    let isFrozen: boolean | undefined;
    const look = guard(({ payload }) => {
      isFrozen = Object.isFrozen(payload) && Object.isFrozen((payload as { deep: object }).deep);
      return allow();
    }, ["pre_tool_call"]);
    const changed = await open({}, [look]).tool(call("search", { deep: { n: 1 } }), (args) => {
      args.deep.n = 2;
      return args;
    });
    expect(isFrozen).toBe(true);
    expect(changed).toEqual({ deep: { n: 2 } });
  });

  test("denies with payload_not_plain and the path, when arguments hold a function", async () => {
    const error = await open().tool(call("search", { a: [{ run: () => 1 }] }), () => "ran").catch((caught: unknown) =>
      caught as PolicyViolationError
    );
    expect(error).toMatchObject({ code: "payload_not_plain", decision: { details: { path: "$.a[0].run" } } });
  });

  test("judges the result, when a guard looks at post_tool_call", async () => {
    const look = guard(({ payload, before }) => transform({ payload, before }, "wrapped"), ["post_tool_call"]);
    expect(await open({}, [look]).tool(call("search", { q: 1 }), () => "found")).toEqual({
      payload: "found",
      before: { q: 1 },
    });
    const withhold = guard(() => deny("too_private", "no"), ["post_tool_call"]);
    await expect(open({}, [withhold]).tool(call(), () => "found")).rejects.toMatchObject({
      code: "too_private",
      stage: "post_tool_call",
    });
  });

  test("rethrows the tool's own error, when the response gate allows it", async () => {
    const boom = new TypeError("boom");
    await expect(open().tool(call(), () => Promise.reject(boom))).rejects.toBe(boom);
  });

  test("judges the tool's error as { name, message }, when a guard looks", async () => {
    const seen: unknown[] = [];
    const look = guard(({ payload, isError }) => {
      seen.push(payload, isError);
      return transform({ name: "Error", message: "failed" }, "no internals");
    }, ["post_tool_call"]);
    const error = await open({}, [look]).tool(call(), () => {
      throw new RangeError("/srv/secret");
    }).catch((caught: unknown) => caught);
    expect(seen).toEqual([{ name: "RangeError", message: "/srv/secret" }, true]);
    expect(error).toMatchObject({ message: "failed" });
    await expect(
      open({}, [guard(({ isError }) => isError === true ? deny("hidden", "failed") : allow(), ["post_tool_call"])])
        .tool(call(), () => {
          throw new Error("x");
        }),
    ).rejects.toMatchObject({ code: "hidden" });
  });

  test("passes a violation from further in, when the tool is governed itself, and does not tell it again", async () => {
    const kernel = createKernel({ policy: { deniedTools: ["inner"] } });
    const session = kernel.session({ agentId: "a" });
    let told = 0;
    kernel.on("tool_call_blocked", () => told++);
    kernel.on("policy_violation", () => told++);
    await expect(session.tool(call("outer"), () => session.tool(call("inner"), () => "ran"))).rejects.toMatchObject({
      code: "tool_not_allowed",
      stage: "pre_tool_call",
    });
    expect(told).toBe(1);
  });

  test("denies with ungoverned_method and lets the source go, when the tool answers a stream", async () => {
    let released = false;
    const stream = {
      [Symbol.asyncIterator]: () => stream,
      next: () => new Promise<never>(() => {}),
      return: async () => void (released = true),
    };
    await expect(open().tool(call(), () => stream)).rejects.toMatchObject({ code: "ungoverned_method" });
    await tick();
    expect(released).toBe(true);
    await expect(open().tool(call(), () => new ReadableStream())).rejects.toMatchObject({ code: "ungoverned_method" });
  });

  test("never throws synchronously, when called with nonsense", async () => {
    const session = open() as unknown as { tool(...args: unknown[]): Promise<unknown> };
    await expect(session.tool(undefined, undefined)).rejects.toBeInstanceOf(TypeError);
  });

  test("exactly k run, when n parallel calls share a limit of k, whatever each of them does", async () => {
    const session = open({ maxToolCalls: 5, maxConcurrent: 100 });
    let ran = 0;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, (_, index) =>
        session.tool(call(), async () => {
          ran++;
          await tick();
          if (index % 2 === 0) throw new Error("tool failed");
          return index;
        })),
    );
    expect(ran).toBe(5);
    expect(
      outcomes.filter((one) =>
        one.status === "rejected" && isPolicyViolation(one.reason) && one.reason.code === "max_tool_calls_exceeded"
      ),
    ).toHaveLength(35);
  });

  test("gives back what a call took, when a later guard denies it", async () => {
    let deny5 = 5;
    const later = guard(() => deny5-- > 0 ? deny("later", "no") : allow(), ["pre_tool_call"]);
    const session = open({ maxToolCalls: 100 }, [maxToolCalls(2), later]);
    for (let i = 0; i < 5; i++) {
      await expect(session.tool(call(), () => "ran")).rejects.toMatchObject({ code: "later" });
    }
    await session.tool(call(), () => "ran");
    await session.tool(call(), () => "ran");
    await expect(session.tool(call(), () => "ran")).rejects.toMatchObject({ code: "max_tool_calls_exceeded" });
  });

  test("does not run, when its signal was aborted before, and gives back what it took", async () => {
    const session = open({ maxToolCalls: 1 });
    let ran = 0;
    const reason = new Error("stop");
    await expect(session.tool({ ...call(), signal: AbortSignal.abort(reason) }, () => ran++)).rejects.toBe(reason);
    expect(ran).toBe(0);
    expect(await session.tool(call(), () => "ran")).toBe("ran");
  });

  test("aborts the tool's signal, when the caller's own aborts", async () => {
    const controller = new AbortController();
    const run = open().tool(
      { ...call(), signal: controller.signal },
      (_args, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    const reason = new Error("stop");
    controller.abort(reason);
    await expect(run).rejects.toBe(reason);
  });

  test("keeps limits of sessions apart", async () => {
    const kernel = createKernel({ policy: { maxToolCalls: 1 } });
    for (const agentId of ["a", "b"]) expect(await kernel.session({ agentId }).tool(call(), () => "ran")).toBe("ran");
  });
});

describe("run()", () => {
  test("judges the prompt and the output, under the action's name", async () => {
    const seen: string[] = [];
    const look = guard(({ stage, name, payload }) => {
      seen.push(`${stage} ${name} ${String(payload)}`);
      return allow();
    });
    expect(await open({}, [look]).run("hi", (input) => `${input}!`, { action: "greet" })).toBe("hi!");
    expect(seen.filter((one) => !one.startsWith("agent_"))).toEqual(["input greet hi", "output greet hi!"]);
  });

  test("denies text of the blocked patterns, at input and at output", async () => {
    const session = open({ blockedPatterns: ["password"] });
    await expect(session.run("my PassWord", () => "ran")).rejects.toMatchObject({
      code: "blocked_pattern",
      stage: "input",
    });
    await expect(session.run("hi", () => "the p\u200bassword")).rejects.toMatchObject({
      code: "blocked_pattern",
      stage: "output",
    });
  });

  test("counts completed runs and tool calls, and makes a checkpoint at every n-th", async () => {
    const kernel = createKernel({ policy: { checkpointFrequency: 2 } });
    const session = kernel.session({ agentId: "a" });
    const made: string[] = [];
    kernel.on("checkpoint_created", (event) => made.push(event.checkpointId));
    for (let i = 0; i < 3; i++) await session.run("hi", () => "same");
    await session.tool(call(), () => 1);
    await session.model({ model: "m", request: "hi" }, () => "x");
    expect(session.context).toMatchObject({ callCount: 4, toolCallCount: 1, modelCallCount: 1, checkpoints: made });
    expect(made).toHaveLength(2);
  });

  test("tells drift, when an output is further from the first than the threshold", async () => {
    const kernel = createKernel({ policy: { driftThreshold: 0.5 } });
    const session = kernel.session({ agentId: "a" });
    const scores: number[] = [];
    kernel.on("drift_detected", (event) => scores.push(event.driftScore));
    await session.run("?", () => "all systems are fine today");
    await session.run("?", () => "all systems are fine tonight");
    expect(scores).toEqual([]);
    await session.run("?", () => "buy watches");
    expect(scores).toEqual([1]);
  });

  test("denies the output, when a listener of drift_detected throws a PolicyViolationError", async () => {
    const kernel = createKernel();
    const session = kernel.session({ agentId: "a", baseline: "all fine" });
    kernel.on("drift_detected", (event) => {
      throw new PolicyViolationError(`Drift ${event.driftScore}`, { code: "drift_exceeded" });
    });
    await expect(session.run("?", () => "something else entirely")).rejects.toMatchObject({
      code: "drift_exceeded",
      stage: "output",
    });
  });

  test("writes a changed form back, when a view reads a value that is not plain", async () => {
    class Answer {
      text: string;
      constructor(text: string) {
        this.text = text;
      }
    }
    const view = { read: (answer: Answer) => answer.text, write: (_answer: Answer, text: string) => new Answer(text) };
    const same = new Answer("fine");
    expect(await open().run("?", () => same, { view })).toBe(same);
    const upper = guard(({ payload }) => transform(String(payload).toUpperCase(), "louder"), ["output"]);
    expect(await open({}, [upper]).run("?", () => same, { view })).toEqual(new Answer("FINE"));
    await expect(open({}, [upper]).run("?", () => same)).rejects.toMatchObject({ code: "payload_not_plain" });
  });

  test("denies the output and tells of it, when a view cannot write a changed form back", async () => {
    const mine = new TypeError("no such form");
    const failing = (error: unknown) => ({
      read: String,
      write: (): never => {
        throw error;
      },
    });
    const upper = guard(() => transform("X", "louder"), ["output"]);
    const kernel = createKernel({ guards: [upper] });
    const told: unknown[] = [];
    kernel.on("policy_violation", ({ code, stage }) => told.push([code, stage]));
    const session = kernel.session({ agentId: "a" });
    const run = (error: unknown): Promise<unknown> => session.run("?", () => "x", { view: failing(error) });
    await expect(run(mine)).rejects.toMatchObject({ name: "PolicyViolationError", code: "guard_error", cause: mine });
    const own = Object.assign(new Error("no"), { code: "blocked_pattern", reason: "It stands at a seam" });
    await expect(run(own)).rejects.toMatchObject({ code: "blocked_pattern", reason: "It stands at a seam" });
    expect(told).toEqual([["guard_error", "output"], ["blocked_pattern", "output"]]);
    expect(await open().run("?", () => "x", { view: failing(mine) })).toBe("x");
  });

  test.each(["run", "model", "tool"] as const)(
    "%s() calls the act with what its write makes of the payload, and nothing where that fails",
    async (verb) => {
      const begin = (session: ReturnType<typeof open>, write: (payload: any, changed: boolean) => unknown, act: any) =>
        verb === "run"
          ? session.run({ n: 1 }, act, { write })
          : verb === "model"
          ? session.model({ model: "m", request: { n: 1 }, write }, act)
          : session.tool({ name: "t", arguments: { n: 1 }, write }, act);
      const ten = guard(() => transform({ n: 10 }, "more"), ["input", "pre_model_call", "pre_tool_call"]);
      const both = (payload: unknown, changed: boolean): unknown => [payload, changed];
      expect(await begin(open(), both, (given: unknown) => ({ given }))).toEqual({ given: [{ n: 1 }, false] });
      expect(await begin(open({}, [ten]), both, (given: unknown) => ({ given }))).toEqual({ given: [{ n: 10 }, true] });
      let ran = 0;
      const session = open({ maxToolCalls: 1, maxConcurrent: 1 });
      const failing = begin(session, () => {
        throw new Error("mine");
      }, () => ++ran);
      await expect(failing).rejects.toMatchObject({
        code: "guard_error",
        reason: "What the act works on could not be made of what was judged",
      });
      // It has never run: what it took is there again.
      expect([ran, await begin(session, (payload) => payload, () => "ran")]).toEqual([0, "ran"]);
    },
  );

  test("searches what is not plain, and passes it by reference", async () => {
    class Answer {
      text = "the password";
    }
    const answer = new Answer();
    expect(await open().run("?", () => answer)).toBe(answer);
    await expect(open({ blockedPatterns: ["password"] }).run("?", () => answer)).rejects.toMatchObject({
      code: "blocked_pattern",
    });
  });
});

describe("model()", () => {
  const usage = (totalTokens: number) => () => ({ totalTokens });

  test("counts the usage that is reported, and denies the call that the budget does not cover", async () => {
    const session = open({ maxTokens: 1000 });
    await session.model({ model: "m", request: "x".repeat(400) }, () => "ok", usage(950));
    expect(session.context.totalTokens).toBe(950);
    await expect(session.model({ model: "m", request: "x".repeat(400) }, () => "ok")).rejects.toMatchObject({
      code: "token_budget_exceeded",
      stage: "pre_model_call",
    });
  });

  test.each([["nothing", undefined], ["a negative figure", { totalTokens: -5 }], ["NaN", { totalTokens: NaN }], [
    "text",
    { totalTokens: "5" as unknown as number },
  ]])("keeps the estimate, when the response reports %s", async (_what, reported) => {
    const session = open({ maxTokens: 1000 });
    await session.model({ model: "m", request: "x".repeat(2400) }, () => "ok", () => reported);
    expect(session.context.totalTokens).toBe(0);
    await expect(session.model({ model: "m", request: "x".repeat(2400) }, () => "ok")).rejects.toMatchObject({
      code: "token_budget_exceeded",
    });
  });

  test("keeps the estimate, when the call fails", async () => {
    const session = open({ maxTokens: 1000 });
    await expect(session.model({ model: "m", request: "x".repeat(2400) }, () => {
      throw new Error("down");
    })).rejects.toThrow("down");
    await expect(session.model({ model: "m", request: "x".repeat(2400) }, () => "ok")).rejects.toMatchObject({
      code: "token_budget_exceeded",
    });
  });

  test("denies an answer that states too little confidence", async () => {
    await expect(open().model({ model: "m", request: "?" }, () => ({ content: "?", confidence: 0.5 }))).rejects
      .toMatchObject({ code: "low_confidence" });
    expect(await open().model({ model: "m", request: "?" }, () => ({ content: "!", confidence: 0.9 }))).toMatchObject({
      content: "!",
    });
  });

  test("denies with guard_error, when the response can't be read", async () => {
    await expect(
      open().model({ model: "m", request: "?" }, () => "x", () => {
        throw new Error("no usage");
      }),
    ).rejects.toMatchObject({ code: "guard_error" });
  });
});

describe("check()", () => {
  test("answers at once and takes nothing, when every guard does", () => {
    const session = open({ maxToolCalls: 1 });
    for (let i = 0; i < 3; i++) {
      expect(session.check({ stage: "pre_tool_call", name: "search", payload: {} })).toBe(allow());
    }
  });

  test("answers a promise, when a guard does", async () => {
    const answer = open({}, [guard(async () => deny("late", "no"), ["input"])]).check({
      stage: "input",
      name: "execute",
      payload: "hi",
    });
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toMatchObject({ code: "late" });
  });

  test("does not ask anybody, when a guard escalates", async () => {
    let asked = 0;
    const kernel = createKernel({ guards: [guard(() => escalate("please"))], approve: async () => (asked++, true) });
    expect(await kernel.session({ agentId: "a" }).check({ stage: "input", name: "execute", payload: "hi" }))
      .toMatchObject({ effect: "escalate", code: "approval_required" });
    expect(asked).toBe(0);
  });

  test("joins warnings in order, when guards warn", async () => {
    const decision = await open({}, [guard(() => warn("a", "first")), guard(() => warn("b", "second"))]).check({
      stage: "input",
      name: "execute",
      payload: "hi",
    });
    expect(decision).toMatchObject({ effect: "allow", warnings: [{ code: "a", guard: "probe" }, { code: "b" }] });
  });
});

describe("preExecute() and postExecute()", () => {
  test("judge the input and the output, and count a completed run", async () => {
    const session = open({ blockedPatterns: ["secret"] });
    expect(await session.preExecute("hello")).toMatchObject({ allowed: true });
    expect(await session.preExecute("a secret")).toMatchObject({ allowed: false, code: "blocked_pattern" });
    expect(await session.postExecute("fine")).toMatchObject({ allowed: true });
    expect(session.context.callCount).toBe(1);
  });
});

describe("what was checked is what runs", () => {
  test.each(["pre_tool_call", "post_tool_call"] as const)(
    "also when a guard at %s has something else judged meanwhile",
    async (stage) => {
      let depth = 0;
      const nosy = guard((_request, _context) => {
        if (depth++ === 0) void session.check({ stage, name: "other", payload: { evil: true } });
        return allow();
      }, [stage]);
      const session = open({}, [nosy]);
      expect(await session.tool(call("search", { good: 1 }), (args) => args)).toEqual({ good: 1 });
      expect(depth).toBe(2);
    },
  );

  test.each(["payload", "name", "stage"])(
    "and guard_error denies, when a guard writes to the request's %s",
    async (field) => {
      let ran = 0;
      const writes = guard((request) => {
        (request as unknown as Record<string, unknown>)[field] = "input";
        return allow();
      }, ["pre_tool_call"]);
      await expect(open({}, [writes, guard(async () => allow(), ["pre_tool_call"])]).tool(call(), () => ran++)).rejects
        .toMatchObject({ code: "guard_error" });
      await expect(open({}, [writes]).tool(call(), () => ran++)).rejects.toMatchObject({ code: "guard_error" });
      expect(ran).toBe(0);
    },
  );

  test("and guard_error denies, when a guard writes to the request after a transform", async () => {
    const changes = guard(() => transform({ q: "changed" }, "changed"), ["pre_tool_call"]);
    const writes = guard((request) => {
      (request as { payload: unknown }).payload = {};
      return allow();
    }, ["pre_tool_call"]);
    await expect(open({}, [changes, writes, guard(() => allow(), ["pre_tool_call"])]).tool(call(), () => 1)).rejects
      .toMatchObject({ code: "guard_error" });
  });

  test("and guards after the act see it, when the act has changed its own copy", async () => {
    let before: unknown;
    const looks = guard((request) => ((before = request.before), allow()), ["post_tool_call"]);
    await open({}, [looks]).tool(call("search", { n: 1 }), (args) => {
      args.n = 2;
    });
    expect(before).toEqual({ n: 1 });
  });
});

describe("a result that cannot be looked at", () => {
  const hostile = () =>
    new Proxy({}, {
      get: (_target, key) => {
        if (key === "getReader") throw new Error("no");
      },
    });

  test("denies and frees its place, when it is a Proxy that throws", async () => {
    const session = open({ maxConcurrent: 1, backpressureThreshold: 1 });
    await expect(session.tool(call(), () => hostile())).rejects.toMatchObject({ code: "ungoverned_method" });
    expect(await session.tool(call(), () => 1)).toBe(1);
  });

  test("counts as no usage, when reading the usage throws", async () => {
    const session = open({ maxConcurrent: 1, backpressureThreshold: 1 });
    const usage = {
      get totalTokens(): number {
        throw new Error("no");
      },
    };
    expect(await session.model({ model: "m", request: {} }, () => 1, () => usage)).toBe(1);
    expect(await session.model({ model: "m", request: {} }, () => 2)).toBe(2);
    expect(session.context.totalTokens).toBe(0);
  });
});

describe("interceptors", () => {
  test.each<readonly [string, readonly Guard[]]>([
    ["no guards", []],
    ["guards of ours alone", [blockPatterns(["evil"])]],
    ["a guard of somebody else's", [() => allow()]],
  ])("cannot change what the act runs on, when there are %s", async (_what, guards) => {
    const given: unknown[] = [];
    const thrown: unknown[] = [];
    const session = createKernel({
      guards,
      interceptors: [(request, next) => {
        try {
          (request.payload as { deep: { q: string } }).deep.q = "evil";
        } catch (error) {
          thrown.push(error);
        }
        return next();
      }],
    }).session({ agentId: "tester" });
    await session.tool(call("search", { deep: { q: "tides" } }), (args) => void given.push(args));
    expect([given, thrown]).toEqual([[{ deep: { q: "tides" } }], [expect.any(TypeError)]]);
  });

  test("cannot run the act, when it is over", async () => {
    let ran = 0;
    let late: () => Promise<unknown> = async () => undefined;
    const session = createKernel({ interceptors: [(_request, next) => ((late = next), "cached")] }).session({
      agentId: "tester",
    });
    expect(await session.tool(call(), () => ran++)).toBe("cached");
    await expect(late()).rejects.toThrow("after the act was over");
    expect(ran).toBe(0);
  });

  test("cannot run the act, when it was aborted while they waited", async () => {
    let ran = 0;
    let go = (): void => undefined;
    const kernel = createKernel({
      interceptors: [async (_request, next) => (await new Promise<void>((resolve) => (go = resolve)), next())],
    });
    const running = kernel.session({ agentId: "tester" }).tool(call(), () => ran++);
    await tick();
    kernel.kill("tester");
    go();
    await expect(running).rejects.toMatchObject({ code: "session_killed" });
    expect(ran).toBe(0);
  });

  test("cannot run the act, when their own signal was aborted", async () => {
    let ran = 0;
    const session = createKernel({ interceptors: [(_request, next) => next(AbortSignal.abort(new Error("too late")))] })
      .session({ agentId: "tester" });
    await expect(session.tool(call(), () => ran++)).rejects.toThrow("too late");
    expect(ran).toBe(0);
  });
});

describe("check() without limits", () => {
  const hidden = guard(({ name }) => name === "hidden" ? deny("rule_denied", "Hidden") : allow(), ["pre_tool_call"]);
  const limits: readonly (readonly [string, PolicyInit, readonly Guard[]])[] = [
    ["of the policy", { maxToolCalls: 1 }, []],
    ["of calls", {}, [maxToolCalls(1)]],
    ["of calls, for the agent", {}, [maxToolCalls(1, { per: "agent" })]],
    ["of the rate", {}, [rateLimit({ max: 1, windowMs: 1e9 })]],
    ["of loops", {}, [noLoops({ repeats: 1 })]],
    ["one of two", {}, [any(maxToolCalls(1), denyTools(["search"]))]],
    ["that is seen again after a transform", {}, [
      maxToolCalls(1),
      guard(({ payload }) => transform(payload, "the same"), ["pre_tool_call"]),
    ]],
  ];
  test.each(limits)("asks the guards after a limit %s, when that is used up", async (_which, policy, guards) => {
    const session = open(policy, [...guards, hidden]);
    await session.tool(call(), () => 1);
    const check = async (name: string, limits?: boolean) =>
      await session.check({ stage: "pre_tool_call", name, payload: {}, ...(limits === undefined ? {} : { limits }) });
    for (let round = 0; round < 2; round++) {
      expect(await check("search", false)).toMatchObject({ allowed: true });
      expect(await check("hidden", false)).toMatchObject({ code: "rule_denied" });
      for (const isLimited of [true, undefined]) {
        expect(await check("search", isLimited)).toMatchObject({ effect: "deny" });
      }
    }
    await expect(session.tool(call(), () => 1)).rejects.toBeInstanceOf(PolicyViolationError);
  });

  test("throws, when `limits` is no boolean", () => {
    expect(() => open().check({ stage: "input", name: "execute", payload: "", limits: 1 as never })).toThrow(
      /"limits" must be a boolean, and is 1/,
    );
  });
});

describe("check() of a denial", () => {
  test("tells and records it, and asks no guard", async () => {
    const [told, records]: [unknown[], unknown[]] = [[], []];
    let asked = 0;
    const kernel = createKernel({
      guards: [guard(() => (asked++, allow()))],
      plugins: [
        definePlugin({
          name: "p",
          setup: (host) => host.sink({ name: "sink", write: (one) => void records.push(one) }),
        }),
      ],
    });
    kernel.on("tool_call_blocked", ({ name, code, reason }) => void told.push([name, code, reason]));
    const session = kernel.session({ agentId: "tester" });
    const denial = { code: "invalid_arguments", reason: "No object" };
    const decision = await session.check({ stage: "pre_tool_call", name: "search", payload: {}, denial });
    expect(decision).toMatchObject({ effect: "deny", allowed: false, ...denial });
    expect(told).toEqual([["search", "invalid_arguments", "No object"]]);
    expect(records).toHaveLength(1);
    expect(asked).toBe(0);
  });

  test.each([[{ code: 1, reason: "a" }, /"denial.code" must be a string, and is 1/], [
    { code: "a", reasn: "b" },
    /reasn/,
  ]])(
    "throws, when it is %j",
    (denial, message) => {
      const request = { stage: "pre_tool_call", name: "search", payload: {}, denial: denial as never } as const;
      expect(() => open().check(request)).toThrow(message);
    },
  );
});

test.each(["tool", "__proto__", "toString", undefined])(
  "check() and explain() throw, when the stage is %s",
  (stage) => {
    const kernel = createKernel();
    const request = { stage: stage as never, name: "search", payload: {} };
    expect(() => kernel.session({ agentId: "tester" }).check(request)).toThrow(/"stage" must be one of/);
    expect(() => kernel.explain(request, { agentId: "tester" })).toThrow(/"stage" must be one of/);
  },
);

test("run() makes each checkpoint once, when outputs are measured at the same time", async () => {
  const waiting: (() => void)[] = [];
  const kernel = createKernel({
    policy: { checkpointFrequency: 2 },
    similarity: () => new Promise((resolve) => waiting.push(() => resolve(1))),
  });
  kernel.on("drift_detected", () => undefined);
  const session = kernel.session({ agentId: "tester", baseline: "before" });
  const runs = ["a", "b", "c"].map((output) => session.run("go", () => output));
  await tick();
  for (const go of waiting) go();
  await Promise.all(runs);
  expect(session.context.checkpoints).toEqual([`${session.context.sessionId}:2`]);
});

test("a guard is given a taking that can't reach the act: not its payload, its decision or its end", async () => {
  const takings: object[] = [];
  const session = open({}, [
    guard((_request, _context, taking) => (takings.push(taking), allow()), ["pre_tool_call", "post_tool_call"]),
  ]);
  await session.tool(call(), () => "found");
  await session.begin({ stage: "pre_tool_call", name: "search", payload: {} });
  expect(takings.length).toBe(3);
  for (const taking of takings) {
    for (const key of ["payload", "decision", "scope", "resume", "end", "fail", "cancel", "abandon"]) {
      expect(key in taking, key).toBe(false);
    }
  }
});

test("a guard can't reach what is behind its request and its context, through what made them", async () => {
  const seen: object[] = [];
  await open({}, [guard((request, context) => (seen.push(request, context), allow()), ["pre_tool_call"])]).tool(
    call(),
    () => "found",
  );
  for (const given of seen) expect(given.constructor).toBe(Object);
  expect(seen.length).toBe(2);
});

test("check() gives every act an id of its own, when thousands come without one", async () => {
  const ids: string[] = [];
  const session = createKernel({ guards: [(request) => (ids.push(request.callId), allow())] }).session({
    agentId: "a",
  });
  for (let i = 0; i < 3000; i++) await session.check({ stage: "pre_tool_call", name: "t", payload: {} });
  expect([ids[1], ids[999], ids[1000], ids[2007], ids.length, new Set(ids).size]).toEqual([
    "#1",
    "#999",
    "#1000",
    "#2007",
    3001,
    3001,
  ]);
});

test.each<readonly [string, (kernel: Kernel, seen: string[]) => unknown]>([
  ["a listener", (kernel, seen) => kernel.on("policy_check", ({ callId }) => void seen.push(callId))],
  ["a listener to denials", (kernel, seen) => kernel.on("tool_call_blocked", ({ callId }) => void seen.push(callId))],
  [
    "a sink",
    (kernel, seen) =>
      kernel.use({
        name: "records",
        setup: (host) => host.sink({ name: "records", write: ({ callId }) => void seen.push(callId) }),
      }),
  ],
  [
    "a guard",
    (kernel, seen) =>
      kernel.use({
        name: "guards",
        setup: (host) => host.guard(guard(({ callId }) => (seen.push(callId), allow()), ["pre_tool_call"])),
      }),
  ],
])("check() has an id of its own for every call, when it is looked at by %s", async (_who, look) => {
  const seen: string[] = [];
  const kernel = createKernel({ policy: { deniedTools: ["no"] } });
  look(kernel, seen);
  const session = kernel.session({ agentId: "a" });
  for (const name of ["t", "no", "t", "no"]) await session.check({ stage: "pre_tool_call", name, payload: {} });
  await session.check({ stage: "pre_tool_call", name: "no", payload: {}, callId: "mine" });
  expect(seen.length).toBeGreaterThanOrEqual(2);
  expect(new Set(seen).size).toBe(seen.length);
  for (const id of seen) expect(id).toMatch(/^(?:#\d+|mine)$/);
});

test("check() has an id, when somebody begins to listen while a guard waits", async () => {
  const seen: string[] = [];
  const kernel = createKernel({ guards: [maxToolCalls(1, { per: "agent", store: later(memoryStore()) })] });
  const session = kernel.session({ agentId: "a" });
  const decision = session.check({ stage: "pre_tool_call", name: "t", payload: {} });
  expect(decision).toBeInstanceOf(Promise);
  kernel.on("policy_check", ({ callId }) => void seen.push(callId));
  await decision;
  expect(seen).toEqual(["#1"]);
});

test("close() tells and records once that a result is withheld, when an act is under way", async () => {
  const told: string[] = [];
  const kept: string[] = [];
  const kernel = createKernel({
    plugins: [{
      name: "records",
      setup: (host) =>
        host.sink({
          name: "records",
          write: (record) =>
            void kept.push(
              `${record.kind} ${record.stage} ${record.kind === "outcome" ? record.outcome : record.effect}`,
            ),
        }),
    }],
  });
  kernel.on("policy_violation", ({ stage, code }) => void told.push(`${stage} ${code}`));
  const session = kernel.session({ agentId: "a" });
  let finish: (() => void) | undefined;
  const running = session.tool({ name: "t", arguments: {} }, () => new Promise<void>((resolve) => (finish = resolve)));
  await session.close();
  finish?.();
  await expect(running).rejects.toMatchObject({ code: "session_killed" });
  expect([told, kept]).toEqual([["post_tool_call session_killed"], [
    "decision pre_tool_call allow",
    "outcome post_tool_call withheld",
    "decision agent_shutdown allow",
  ]]);
});
