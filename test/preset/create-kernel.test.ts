import { describe, expect, test } from "vitest";
import {
  any,
  type AuditRecord,
  createKernel,
  defineGuard,
  definePlugin,
  deny,
  escalate,
  type GovernanceEvents,
  type KernelOptions,
  maxToolCalls,
  memoryStore,
  PolicyViolationError,
  rateLimit,
  type Session,
  shadow,
  transform,
  warn,
} from "../../mod.ts";

const call = (name = "search", args: unknown = {}) => ({ name, arguments: args });
const look = (payload: unknown = {}) => ({ stage: "pre_tool_call" as const, name: "search", payload });

describe("createKernel()", () => {
  test.each<[string, unknown, RegExp]>([
    ["unknown options", { polcy: {} }, /"polcy"/],
    ["a guard that is no function", { guards: [{}] }, /"guards\[0\]" must be a guard/],
    ["guards that are no list", { guards: maxToolCalls(1) }, /"guards" must be an array/],
    ["an interceptor that is no function", { interceptors: ["x"] }, /"interceptors\[0\]"/],
    ["a trust gate without check", { trust: {} }, /"trust" must be an action guard/],
    ["approve that is no function", { approve: true }, /"approve"/],
    ["an unknown mode", { mode: "open" }, /"mode" must be "enforce" or "shadow"/],
    ["a clock that is no function", { clock: 5 }, /"clock"/],
    ["a lifetime of NaN", { approvalTtlMs: NaN }, /"approvalTtlMs"/],
    ["a plugin without a name", { plugins: [{}] }, /"name"/],
    ["a similarity that is no function", { similarity: "words" }, /"similarity"/],
  ])("throws and names the field, when given %s", (_what, options, message) => {
    expect(() => createKernel(options as KernelOptions)).toThrow(message);
  });

  test("reports every mistake of a policy at once", () => {
    expect(() => createKernel({ policy: { maxToolCalls: -1, timeoutMs: NaN, allowedTools: "x" } as never })).toThrow(
      /maxToolCalls[^]*timeoutMs[^]*allowedTools|allowedTools[^]*maxToolCalls[^]*timeoutMs/,
    );
  });

  test("is not changed by what its caller does to the options later", async () => {
    const guards = [defineGuard({ name: "no", check: () => deny("no", "no") })];
    const policy = { allowedTools: ["search"] };
    const kernel = createKernel({ guards, policy });
    guards.pop();
    policy.allowedTools.push("rm");
    const session = kernel.session({ agentId: "a" });
    expect(await session.check(look())).toMatchObject({ code: "no" });
    expect(kernel.policy.allowedTools).toEqual(["search"]);
  });
});

describe("session()", () => {
  test.each<[string, unknown, RegExp]>([
    ["no agentId", {}, /"agentId"/],
    ["an agentId with a dot", { agentId: "a.b" }, /"agentId"/],
    ["an agentId with a newline", { agentId: "a\n" }, /"agentId"/],
    ["an unknown field", { agentId: "a", agentid: "b" }, /"agentid"/],
    ["an empty sessionId", { agentId: "a", sessionId: "" }, /"sessionId"/],
    ["a baseline that is no text", { agentId: "a", baseline: 5 }, /"baseline"/],
    ["a signal that is none", { agentId: "a", signal: {} }, /"signal"/],
    ["metadata that is not plain", { agentId: "a", metadata: { f: () => 1 } }, /"metadata"/],
    ["metadata that is a list", { agentId: "a", metadata: [] }, /"metadata"/],
    ["a parent that is no session", { agentId: "a", parent: {} }, /"parent"/],
    [
      "an agentId that is not the profile's",
      { agentId: "b", agent: { did: "did:agentmesh:a", name: "A" } },
      /"agentId"/,
    ],
  ])("throws and names the field, when given %s", (_what, init, message) => {
    expect(() => createKernel().session(init as never)).toThrow(message);
  });

  test("takes the agent's id and key from its profile", () => {
    const agent = {
      did: "did:agentmesh:x:deployer",
      name: "Deployer",
      capabilities: [],
      trustScore: 500,
      status: "active",
      metadata: {},
    } as const;
    expect(createKernel().session({ agent }).context).toMatchObject({
      agentId: "deployer",
      agentKey: "did:agentmesh:x:deployer",
      agent: { trustScore: 500 },
    });
  });

  test("narrows the policy, and never widens it", async () => {
    const kernel = createKernel({ policy: { allowedTools: ["search"] } });
    const narrow = kernel.session({ agentId: "a", policy: { allowedTools: ["search", "rm"], maxToolCalls: 1 } });
    expect(narrow.context.policy).toMatchObject({ allowedTools: ["search"], maxToolCalls: 1 });
    expect(await narrow.check({ ...look(), name: "rm" })).toMatchObject({ allowed: false });
    await narrow.tool(call(), () => 1);
    await expect(narrow.tool(call(), () => 1)).rejects.toMatchObject({ code: "max_tool_calls_exceeded" });
  });

  test("shows a context that guards cannot write to", () => {
    const { context } = createKernel().session({ agentId: "a" });
    expect(() => {
      (context as { agentId: string }).agentId = "b";
    }).toThrow(TypeError);
    expect(() => {
      (context as { callCount: number }).callCount = 0;
    }).toThrow(TypeError);
  });
});

describe("events", () => {
  test("tell every gate's decision, with how long it took", async () => {
    let now = 1000;
    const kernel = createKernel({ clock: () => now++ });
    const seen: GovernanceEvents["policy_check"][] = [];
    kernel.on("policy_check", (event) => seen.push(event));
    await kernel.session({ agentId: "a", sessionId: "s" }).tool({ ...call(), callId: "c1" }, () => 1);
    expect(seen).toMatchObject([
      {
        stage: "pre_tool_call",
        name: "search",
        callId: "c1",
        agentId: "a",
        sessionId: "s",
        decision: { effect: "allow" },
        shadow: false,
      },
      { stage: "post_tool_call", callId: "c1" },
    ]);
    expect(seen[0]?.durationMs).toBeGreaterThan(0);
  });

  test("tell each denial once: tool calls that may not begin apart from the rest", async () => {
    const kernel = createKernel({ policy: { deniedTools: ["rm"], blockedPatterns: ["secret"] } });
    const blocked: unknown[] = [], violated: unknown[] = [];
    kernel.on("tool_call_blocked", (event) => blocked.push([event.toolName, event.code, event.reason]));
    kernel.on("policy_violation", (event) => violated.push([event.stage, event.code]));
    const session = kernel.session({ agentId: "a" });
    await session.tool(call("rm"), () => 1).catch(() => {});
    await session.run("a secret", () => 1).catch(() => {});
    await session.tool(call(), () => "the secret").catch(() => {});
    expect(blocked).toEqual([["rm", "tool_not_allowed", "This tool is denied"]]);
    expect(violated).toEqual([["input", "blocked_pattern"], ["post_tool_call", "blocked_pattern"]]);
  });

  test("of an escalation that nobody answers are one blocked call", async () => {
    const kernel = createKernel({ policy: { requireHumanApproval: true } });
    const seen: unknown[] = [];
    kernel.on("tool_call_blocked", (event) => seen.push(event.code));
    kernel.on("approval_requested", (event) => seen.push(event.approval.name));
    await kernel.session({ agentId: "a" }).tool(call("pay"), () => 1).catch(() => {});
    expect(seen).toEqual(["pay", "approval_required"]);
  });

  test.each(["policy_check", "call_completed", "checkpoint_created"] as const)(
    "make the gate deny, when a listener of %s throws a PolicyViolationError",
    async (type) => {
      const kernel = createKernel({ policy: { checkpointFrequency: 1 } });
      kernel.on(type, () => {
        throw new PolicyViolationError("not today", { code: "weekend" });
      });
      await expect(kernel.session({ agentId: "a" }).tool(call(), () => 1)).rejects.toMatchObject({ code: "weekend" });
    },
  );

  test.each([["throws", () => {
    throw new Error("x");
  }], ["rejects", () => Promise.reject(new Error("x"))]])(
    "change nothing but listener_error, when a listener %s",
    async (_what, listener) => {
      const kernel = createKernel();
      const errors: unknown[] = [];
      kernel.on("policy_check", listener as never);
      kernel.on("listener_error", (event) => errors.push(event.type));
      kernel.on("listener_error", () => {
        throw new Error("again");
      });
      expect(await kernel.session({ agentId: "a" }).tool(call(), () => 1)).toBe(1);
      await Promise.resolve();
      expect(errors).toEqual(["policy_check", "policy_check"]);
    },
  );

  test("stop, when the listener is taken away", async () => {
    const kernel = createKernel();
    let heard = 0;
    const stop = kernel.on("policy_check", () => heard++);
    stop();
    await kernel.session({ agentId: "a" }).check(look());
    expect(heard).toBe(0);
    expect(() => kernel.on("nothing" as never, () => {})).toThrow(TypeError);
  });
});

describe("suspend(), resume() and kill()", () => {
  test.each([["agentId", "deployer"], ["agentKey", "did:agentmesh:deployer"]])(
    "stop an agent by its %s",
    async (_what, name) => {
      const kernel = createKernel();
      const signals: string[] = [];
      kernel.on("agent_signal", (event) => signals.push(event.signal));
      const agent = {
        did: "did:agentmesh:deployer",
        name: "D",
        capabilities: [],
        trustScore: 500,
        status: "active",
        metadata: {},
      } as const;
      const session = kernel.session({ agent });
      kernel.suspend(name);
      expect(await session.check(look())).toMatchObject({ code: "agent_suspended" });
      kernel.resume(name);
      expect(await session.check(look())).toMatchObject({ allowed: true });
      kernel.kill(name, "gone rogue");
      kernel.resume(name);
      expect(await session.check(look())).toMatchObject({ code: "session_killed", reason: "gone rogue" });
      expect(signals).toEqual(["suspend", "resume", "kill"]);
    },
  );

  test("let the agent's sessions act again after resume(), and abort what was under way before", async () => {
    const kernel = createKernel();
    const session = kernel.session({ agentId: "a" });
    const child = session.child();
    await child.tool(call(), (_args, signal) => signal.aborted);
    const before = session.tool(
      call(),
      (_args, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    await Promise.resolve();
    kernel.suspend("a");
    await expect(before).rejects.toMatchObject({ code: "agent_suspended" });
    kernel.resume("a");
    for (const one of [session, child]) expect(await one.tool(call(), (_args, signal) => signal.aborted)).toBe(false);
    const other = session.child({ agentId: "b" });
    expect(other.context.signal.aborted).toBe(false);
    kernel.suspend("a");
    await expect(session.tool(call(), () => 1)).rejects.toMatchObject({ code: "agent_suspended" });
    expect([session.context.signal.aborted, other.context.signal.aborted]).toEqual([true, true]);
    kernel.resume("a");
    expect(await other.tool(call(), (_args, signal) => signal.aborted)).toBe(false);
    kernel.kill("a");
    expect([session.context.signal.aborted, other.context.signal.aborted]).toEqual([true, true]);
  });

  test("abort the acts under way, and withhold what they still bring", async () => {
    const kernel = createKernel();
    const session = kernel.session({ agentId: "a" });
    const obeys = session.tool(
      call(),
      (_args, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    );
    let finish: (value: string) => void = () => {};
    const ignores = session.tool(call(), () =>
      new Promise((resolve) => {
        finish = resolve;
      }));
    await Promise.resolve();
    kernel.kill("a");
    finish("too late");
    await expect(obeys).rejects.toMatchObject({ code: "session_killed" });
    await expect(ignores).rejects.toMatchObject({ code: "session_killed" });
  });

  test("stop an act whose guards were still judging", async () => {
    let go: () => void = () => {};
    const slow = defineGuard({
      name: "slow",
      stages: ["pre_tool_call"],
      check: () =>
        new Promise((resolve) => {
          go = () => resolve(warn("w", "w"));
        }),
    });
    const kernel = createKernel({ guards: [slow] });
    let ran = 0;
    const run = kernel.session({ agentId: "a" }).tool(call(), () => ran++);
    kernel.kill("a");
    go();
    await expect(run).rejects.toMatchObject({ code: "session_killed" });
    expect(ran).toBe(0);
  });

  test("throw, when given no agent", () => {
    expect(() => createKernel().kill("")).toThrow(TypeError);
  });
});

describe("close()", () => {
  test("ends a session: nothing begins afterwards, and open acts are over", async () => {
    const session = createKernel().session({ agentId: "a" });
    const act = await session.begin(look());
    session.close();
    session.close();
    expect(await act.end("late")).toMatchObject({ code: "session_killed" });
    expect(act.signal.aborted).toBe(true);
    await expect(session.tool(call(), () => 1)).rejects.toMatchObject({ code: "session_killed" });
  });

  test("ends a kernel: its sessions and, in reverse, its plugins", async () => {
    const order: string[] = [];
    const plugin = (name: string) => definePlugin({ name, setup: () => () => void order.push(name) });
    const kernel = createKernel({ plugins: [plugin("a"), plugin("b")] });
    const session = kernel.session({ agentId: "x" });
    await kernel.close();
    expect(order).toEqual(["b", "a"]);
    expect(await session.check(look())).toMatchObject({ code: "session_killed" });
  });

  test("has agent_shutdown judged and told", async () => {
    const seen: unknown[] = [];
    const session = createKernel({
      guards: [
        defineGuard({
          name: "end",
          stages: ["agent_shutdown"],
          check: ({ payload }) => (seen.push(payload), deny("x", "x")),
        }),
      ],
    }).session({ agentId: "a" });
    await session.close("error");
    expect(seen).toEqual([{ reason: "error" }]);
  });
});

describe("agent_startup", () => {
  test("is judged once, by the first act, and parallel first acts share it", async () => {
    let judged = 0;
    const start = defineGuard({
      name: "start",
      stages: ["agent_startup"],
      check: async () => (judged++, warn("w", "w")),
    });
    const session = createKernel({ guards: [start] }).session({ agentId: "a" });
    await Promise.all([session.tool(call(), () => 1), session.tool(call(), () => 1), session.run("x", () => 1)]);
    expect(judged).toBe(1);
    expect(session.check(look())).toMatchObject({ allowed: true });
  });

  test.each([["a denial", deny("not_ready", "no"), "not_ready"], ["a transform", transform({}, "x"), "guard_error"], [
    "an escalation",
    escalate("who?"),
    "approval_required",
  ]])("denies every act, when it answers %s", async (_what, decision, code) => {
    const start = defineGuard({ name: "start", stages: ["agent_startup"], check: () => decision });
    const session = createKernel({ guards: [start] }).session({ agentId: "a" });
    for (let i = 0; i < 2; i++) await expect(session.tool(call(), () => 1)).rejects.toMatchObject({ code });
  });
});

describe("shadow", () => {
  test("lets everything pass unchanged, and tells and records what would have been decided", async () => {
    const records: AuditRecord[] = [];
    const plugin = definePlugin({
      name: "log",
      setup: (host) => host.sink({ name: "log", write: (record) => void records.push(record) }),
    });
    const mask = defineGuard({
      name: "mask",
      stages: ["pre_tool_call"],
      check: () => transform({ q: "***" }, "masked"),
    });
    const kernel = createKernel({
      mode: "shadow",
      policy: { deniedTools: ["rm"], requireHumanApproval: ["pay"] },
      guards: [mask],
      plugins: [plugin],
    });
    const effects: string[] = [];
    kernel.on("policy_check", (event) => {
      if (event.stage === "pre_tool_call") effects.push(`${event.decision.effect} ${event.shadow}`);
    });
    const session = kernel.session({ agentId: "a" });
    for (const name of ["rm", "pay", "search"]) {
      expect(await session.tool(call(name, { q: 1 }), (args, _signal, changed) => [args, changed])).toEqual([
        { q: 1 },
        false,
      ]);
    }
    expect(effects).toEqual(["deny true", "escalate true", "transform true"]);
    expect(records.filter((one) => one.kind === "decision").map((one) => [one.effect, one.shadow])).toEqual([
      ["deny", true],
      ["escalate", true],
      ["transform", true],
    ]);
  });

  test("holds nothing up, where an enforcing kernel would have acts wait their turn", async () => {
    const session = createKernel({ mode: "shadow", policy: { maxConcurrent: 2, backpressureThreshold: 1 } }).session({
      agentId: "a",
    });
    expect(await session.tool(call("outer"), () => session.tool(call("inner"), () => "done"))).toBe("done");
  });

  test("does not lift a kill", async () => {
    const kernel = createKernel({ mode: "shadow" });
    kernel.kill("a");
    await expect(kernel.session({ agentId: "a" }).tool(call(), () => 1)).rejects.toMatchObject({
      code: "session_killed",
    });
  });

  test("of one guard is told, and changes nothing", async () => {
    const kernel = createKernel({
      guards: [shadow(defineGuard({ name: "strict", stages: ["pre_tool_call"], check: () => deny("no", "no") }))],
    });
    const seen: unknown[] = [];
    kernel.on("policy_check", (event) => seen.push([event.shadow, event.decision.effect]));
    expect(await kernel.session({ agentId: "a" }).check(look())).toMatchObject({ effect: "allow" });
    expect(seen).toEqual([[true, "deny"], [false, "allow"]]);
  });
});

describe("audit sinks", () => {
  const withSink = (write: (record: AuditRecord) => void, options: KernelOptions = {}) =>
    createKernel({
      ...options,
      plugins: [definePlugin({ name: "p", setup: (host) => host.sink({ name: "sink", write }) })],
    });

  test("get exactly one decision record and one outcome record for each call that ran, and hold no payload", async () => {
    const records: AuditRecord[] = [];
    const session = withSink((record) => void records.push(record), {
      policy: { deniedTools: ["rm"], requireHumanApproval: ["pay"] },
    }).session({ agentId: "a" });
    await session.tool(call("search", { q: "hunter2" }), () => "hunter2");
    await session.tool(call("rm", { q: "hunter2" }), () => 1).catch(() => {});
    await session.tool(call("pay"), () => 1).catch(() => {});
    await session.tool(call("search"), () => {
      throw new Error("hunter2");
    }).catch(() => {});
    expect(records.map((one) => [one.kind, one.name, one.kind === "decision" ? one.effect : one.outcome])).toEqual([
      ["decision", "search", "allow"],
      ["outcome", "search", "completed"],
      ["decision", "rm", "deny"],
      ["decision", "pay", "escalate"],
      ["decision", "search", "allow"],
      ["outcome", "search", "failed"],
    ]);
    expect(JSON.stringify(records)).not.toContain("hunter2");
  });

  test("make the gate deny with audit_unavailable, when one throws", async () => {
    let ran = 0;
    const session = withSink(() => {
      throw new Error("disk full");
    }).session({ agentId: "a" });
    await expect(session.tool(call(), () => ran++)).rejects.toMatchObject({ code: "audit_unavailable" });
    expect(ran).toBe(0);
  });

  test("leave out allowances, when the policy says so", async () => {
    const records: AuditRecord[] = [];
    const session = withSink((record) => void records.push(record), {
      policy: { logAllCalls: false, deniedTools: ["rm"] },
    }).session({ agentId: "a" });
    await session.check(look());
    await session.check({ ...look(), name: "rm" });
    expect(records).toMatchObject([{ effect: "deny" }]);
  });
});

describe("child()", () => {
  test("passes its parent's guards first, and takes from both", async () => {
    const kernel = createKernel({ policy: { maxToolCalls: 2 } });
    const parent = kernel.session({ agentId: "a" });
    const [first, second] = [parent.child(), parent.child()];
    await first.tool(call(), () => 1);
    await second.tool(call(), () => 1);
    await expect(second.tool(call(), () => 1)).rejects.toMatchObject({ code: "max_tool_calls_exceeded" });
    await expect(parent.tool(call(), () => 1)).rejects.toMatchObject({ code: "max_tool_calls_exceeded" });
  });

  test("may not do what its parent may not, whatever its own policy says", async () => {
    const parent = createKernel().session({ agentId: "a", policy: { deniedTools: ["rm"] } });
    const child = parent.child({ policy: { allowedTools: ["rm", "search"] } });
    expect(await child.check({ ...look(), name: "rm" })).toMatchObject({ allowed: false });
    expect(await child.check({ ...look(), name: "other" })).toMatchObject({ allowed: false });
    expect(await child.check(look())).toMatchObject({ allowed: true });
  });

  test("ends with its parent, and counts its usage there", async () => {
    const parent = createKernel().session({ agentId: "a" });
    const child = parent.child();
    await child.model({ model: "m", request: "hi" }, () => "x", () => ({ totalTokens: 7, costUsd: 0.1 }));
    expect(parent.context).toMatchObject({ totalTokens: 7, costUsd: 0.1 });
    const { signal } = child.context;
    parent.close();
    expect(signal.aborted).toBe(true);
    expect(await child.check(look())).toMatchObject({ code: "session_killed" });
  });

  test("is as old as its parent, and takes its limits' time with it", async () => {
    let now = 0;
    const kernel = createKernel({ clock: () => now, policy: { timeoutMs: 100 } });
    const parent = kernel.session({ agentId: "a" });
    now = 50;
    const child = parent.child();
    now = 120;
    expect(await child.check(look())).toMatchObject({ code: "timeout" });
    const limited = createKernel({ clock: () => now, guards: [rateLimit({ max: 1, windowMs: 60_000 })] }).session({
      agentId: "a",
    });
    now += 59_000;
    await limited.child().tool(call(), () => 1);
    now += 2000;
    await expect(limited.tool(call(), () => 1)).rejects.toMatchObject({ code: "rate_limited" });
  });

  test("throws, when it would be deeper than 16", () => {
    let session = createKernel().session({ agentId: "a" });
    for (let depth = 2; depth <= 16; depth++) session = session.child();
    expect(() => session.child()).toThrow(RangeError);
    expect(() => session.child({ parent: session })).toThrow(TypeError);
  });
});

describe("wrap(), unwrap() and coverage()", () => {
  class Agent {
    #name = "Ada";
    run(prompt: string): string {
      return `${this.#name}: ${prompt}`;
    }
    stream(): void {}
  }
  const plugin = definePlugin({
    name: "agent",
    wrap: (agent: Agent, session: Session) => ({
      run: (prompt: string): Promise<string> => session.run(prompt, (input) => agent.run(input)),
    }),
  });

  test("govern an agent's own methods, and reach no other", async () => {
    const kernel = createKernel({ policy: { blockedPatterns: ["secret"] } });
    const agent = new Agent();
    const governed = kernel.wrap(agent, plugin, { agentId: "a" });
    expect(await governed.run("hi")).toBe("Ada: hi");
    await expect(governed.run("a secret")).rejects.toMatchObject({ code: "blocked_pattern" });
    expect((governed as unknown as { _original?: unknown })._original).toBeUndefined();
    expect((governed as unknown as { stream?: unknown }).stream).toBeUndefined();
    expect(kernel.unwrap(governed)).toBe(agent);
    expect(kernel.sessionOf(governed)?.context.agentId).toBe("a");
    expect(kernel.coverage(governed)).toEqual({ governed: ["run"], passedThrough: [], ungoverned: ["stream"] });
  });

  test("take a session that is there already", () => {
    const kernel = createKernel();
    const session = kernel.session({ agentId: "a" });
    expect(kernel.sessionOf(kernel.wrap(new Agent(), plugin, session))).toBe(session);
  });

  test("throw, when the object was not governed by this kernel", () => {
    const governed = createKernel().wrap(new Agent(), plugin, { agentId: "a" });
    expect(() => createKernel().unwrap(governed)).toThrow(TypeError);
    expect(() => createKernel().coverage({})).toThrow(TypeError);
    expect(createKernel().sessionOf({})).toBeUndefined();
  });

  test("throw, when the plugin gives the target back", () => {
    const lazy = definePlugin({ name: "lazy", wrap: (agent: Agent) => agent });
    expect(() => createKernel().wrap(new Agent(), lazy, { agentId: "a" })).toThrow(
      /"lazy" must answer a governed object/,
    );
    expect(() => createKernel().wrap(null as never, plugin, { agentId: "a" })).toThrow(TypeError);
  });
});

describe("use()", () => {
  test("adds guards, interceptors and listeners, before the first session", async () => {
    const seen: string[] = [];
    const kernel = createKernel().use(definePlugin({
      name: "p",
      setup(host) {
        host.guard(
          defineGuard({
            name: "no",
            stages: ["pre_tool_call"],
            check: ({ name }) => name === "rm" ? deny("no", "no") : warn("w", "w"),
          }),
        );
        host.intercept(async (request, next) => {
          seen.push(request.name);
          return await next();
        });
        host.on("policy_check", () => seen.push("checked"));
        expect(host.clock()).toBeGreaterThan(0);
      },
    }));
    const session = kernel.session({ agentId: "a" });
    await session.tool(call(), () => 1);
    expect(seen).toEqual(["checked", "search", "checked"]);
    expect(await session.check({ ...look(), name: "rm" })).toMatchObject({ code: "no" });
    expect(() => kernel.use(definePlugin({ name: "late" }))).toThrow(/"late"/);
  });

  test("throws, when a plugin adds something after the first session, or a second store", () => {
    let late: (() => void) | undefined;
    const store = memoryStore({ name: "s" });
    const kernel = createKernel({
      plugins: [definePlugin({
        name: "p",
        setup: (host) => {
          late = () => host.guard(maxToolCalls(1));
          host.store(store);
          expect(() => host.store(store)).toThrow(/already has one/);
        },
      })],
    });
    kernel.session({ agentId: "a" });
    expect(() => late?.()).toThrow(TypeError);
  });
});

describe("explain()", () => {
  test("answers the decision and what each guard that was asked said, and takes nothing", async () => {
    const kernel = createKernel({ policy: { allowedTools: ["search"], maxToolCalls: 1 } });
    const session = kernel.session({ agentId: "a" });
    for (let i = 0; i < 2; i++) {
      const { decision, steps } = await kernel.explain(look(), session);
      expect(decision.allowed).toBe(true);
      expect(steps.map((step) => step.guard)).toEqual(["timeLimit", "allowTools", "maxToolCalls", "maxConcurrent"]);
    }
    expect(await kernel.explain({ ...look(), name: "rm" }, { agentId: "b" })).toMatchObject({
      decision: { code: "tool_not_allowed" },
      steps: [{ guard: "timeLimit" }, { guard: "allowTools", decision: { code: "tool_not_allowed" } }],
    });
    expect(await kernel.explain({ ...look(), name: "r m" }, session)).toMatchObject({
      decision: { code: "invalid_tool_name" },
      steps: [],
    });
  });
});

describe("the clock", () => {
  test.each([["gives NaN", () => NaN], ["throws", () => {
    throw new Error("no clock");
  }]])("closes the limits, when it %s", async (_what, broken) => {
    let isBroken = false;
    const session = createKernel({ clock: () => isBroken ? broken() : 1000 }).session({ agentId: "a" });
    isBroken = true;
    expect(await session.check(look())).toMatchObject({ code: "timeout" });
    isBroken = false;
    expect(await session.check(look())).toMatchObject({ allowed: true });
  });

  test("never runs backwards", async () => {
    let now = 1000;
    const session = createKernel({ clock: () => now, policy: { timeoutMs: 5000 } }).session({ agentId: "a" });
    now = 7000;
    expect(await session.check(look())).toMatchObject({ code: "timeout" });
    now = 1500;
    expect(await session.check(look())).toMatchObject({ code: "timeout" });
  });
});

describe("an escalation at agent_startup", () => {
  const start = defineGuard({ name: "start", stages: ["agent_startup"], check: () => escalate("Start it?", "start") });

  test("does not open the act's own gate, when a person approves it", async () => {
    let ran = 0;
    const session = createKernel({ guards: [start], policy: { deniedTools: ["rm"] }, approve: async () => true })
      .session({ agentId: "tester" });
    await expect(session.tool(call("rm"), () => ran++)).rejects.toMatchObject({ code: "tool_not_allowed" });
    expect(await session.tool(call(), () => "found")).toBe("found");
    expect(ran).toBe(0);
  });

  test("is asked for together with the act's own", async () => {
    const asked: (readonly string[])[] = [];
    const own = defineGuard({ name: "own", stages: ["pre_tool_call"], check: () => escalate("Pay?", "pay") });
    const mask = defineGuard({
      name: "mask",
      stages: ["pre_tool_call"],
      check: () => transform({ masked: 1 }, "masked"),
    });
    const session = createKernel({
      guards: [start, own, mask],
      approve: async ({ codes }) => (asked.push(codes), true),
    }).session({ agentId: "tester" });
    expect(await session.tool(call(), (args) => args)).toEqual({ masked: 1 });
    expect(asked).toEqual([["start", "pay"]]);
  });
});

describe("shadow mode", () => {
  test("passes what the kernel itself would stop: a stream, a response that cannot be read", async () => {
    const kernel = createKernel({ mode: "shadow" });
    const told: string[] = [];
    kernel.on("policy_violation", ({ code, shadow: isShadow }) => void told.push(`${code} ${isShadow}`));
    const session = kernel.session({ agentId: "tester" });
    const stream = (async function* () {
      yield "part";
    })();
    expect(await session.run("go", () => stream)).toBe(stream);
    expect((await stream.next()).value).toBe("part");
    const broken = {
      read: () => {
        throw new Error("no");
      },
      write: (value: number) => value,
    };
    expect(await session.tool(call(), () => 5, broken)).toBe(5);
    expect(told).toEqual(["ungoverned_method true", "guard_error true"]);
  });
});

test("close() runs every plugin's teardown and rejects with the first failure, when one throws", async () => {
  const seen: string[] = [];
  const plugin = (name: string, end: () => void) => ({ name, setup: () => end });
  const kernel = createKernel({
    plugins: [
      plugin("a", () => void seen.push("a")),
      plugin("b", () => {
        throw new Error("b");
      }),
      plugin("c", () => {
        throw new Error("c");
      }),
    ],
  });
  await expect(kernel.close()).rejects.toThrow("c");
  expect(seen).toEqual(["a"]);
});

test("a record denies with audit_unavailable, when its sink answers a promise", async () => {
  const sink = {
    name: "later",
    write: (async () => {
      throw new Error("lost");
    }) as never,
  };
  const session = createKernel({ plugins: [definePlugin({ name: "later", setup: (host) => host.sink(sink) })] })
    .session({ agentId: "tester" });
  await expect(session.tool(call(), () => 1)).rejects.toMatchObject({ code: "audit_unavailable" });
});

test("an escalation that check() answers is recorded once", async () => {
  const records: AuditRecord[] = [];
  const asks = defineGuard({ name: "asks", stages: ["pre_tool_call"], check: () => escalate("?") });
  const kernel = createKernel({
    guards: [asks],
    plugins: [definePlugin({
      name: "keeps",
      setup: (host) => host.sink({ name: "keeps", write: (record) => void records.push(record) }),
    })],
  });
  expect(await kernel.session({ agentId: "tester" }).check(look())).toMatchObject({ effect: "escalate" });
  expect(records).toMatchObject([{ kind: "decision", effect: "escalate", code: "approval_required" }]);
});

test("what a child brought in taints its parents", async () => {
  const parent = createKernel().session({ agentId: "tester" });
  await parent.child().child().tool({ ...call(), metadata: { untrusted: true } }, () => "page");
  expect(parent.context.tainted).toBe(true);
});

test("explain() tells nothing, when a guard is shadowed, however deep", async () => {
  const kernel = createKernel({
    guards: [any(shadow(defineGuard({ name: "no", stages: ["pre_tool_call"], check: () => deny("no", "No") })))],
  });
  let told = 0;
  kernel.on("policy_check", () => void told++);
  await kernel.explain(look(), { agentId: "tester" });
  expect(told).toBe(0);
});

test("the clock goes on, when it was infinite for a moment", async () => {
  let now = 0;
  const session = createKernel({ clock: () => now }).session({ agentId: "tester" });
  now = Infinity;
  await expect(session.tool(call(), () => 1)).rejects.toMatchObject({ code: "timeout" });
  now = 10;
  expect(await session.tool(call(), () => 1)).toBe(1);
});

test("the clock is read once an act, and again after it only where somebody wants to know the time", async () => {
  let readings = 0;
  const kernel = createKernel({ clock: () => ++readings });
  const session = kernel.session({ agentId: "a" });
  readings = 0;
  await session.tool({ name: "t", arguments: {} }, () => 1);
  expect(readings).toBe(1);
  const took: number[] = [];
  kernel.on("call_completed", ({ durationMs }) => void took.push(durationMs));
  await session.tool({ name: "t", arguments: {} }, () => 1);
  expect([readings, took]).toEqual([3, [1]]);
});

test("an act has no duration, when nobody listened as it began", async () => {
  let now = 0;
  const kernel = createKernel({ clock: () => now });
  const took: number[] = [];
  await kernel.session({ agentId: "a" }).tool({ name: "t", arguments: {} }, () => {
    now = 500;
    kernel.on("call_completed", ({ durationMs }) => void took.push(durationMs));
  });
  expect(took).toEqual([0]);
});
