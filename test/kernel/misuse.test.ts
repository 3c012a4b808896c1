import { describe, expect, test, vi } from "vitest";
import {
  agentProfile,
  createKernel,
  defineGuard,
  definePlugin,
  definePolicy,
  deny,
  escalate,
  isPolicyViolation,
  PolicyViolationError,
  rateLimit,
  type Session,
} from "../../mod.ts";

// Everything here is a mistake that types would tell, made by somebody without them.
// deno-lint-ignore no-explicit-any
type Any = any;

const opened = (): Session => createKernel().session({ agentId: "a" });

describe("a verb tells what was wanted, never throws, and never runs the act, when it", () => {
  const act = vi.fn(() => "ran");

  test.each<[string, (session: Any) => unknown, string]>([
    ["gets args for arguments", (s) => s.tool({ name: "t", args: {} }, act), '"args" must be one of the known options'],
    ["gets callid", (s) => s.tool({ name: "t", arguments: {}, callid: "1" }, act), '"callid" must be one of'],
    ["gets no arguments", (s) => s.tool({ name: "t" }, act), '"arguments" must be given, and is not there'],
    ["gets no name", (s) => s.tool({ arguments: {} }, act), '"name" must be given'],
    ["gets no function", (s) => s.tool({ name: "t", arguments: {} }), '"act" must be a function, and is undefined'],
    [
      "gets a name for a call",
      (s) => s.tool("t", {}, act),
      '"the call" must be an object with name, arguments, and is "t"',
    ],
    ["gets nothing", (s) => s.tool(), '"the call" must be an object'],
    ["gets a list", (s) => s.tool([], act), '"the call" must be an object'],
    ["gets a view that cannot write", (s) => s.tool({ name: "t", arguments: {} }, act, { read: act }), '"view.write"'],
    ["calls a model without a request", (s) => s.model({ model: "m" }, act), '"request" must be given'],
    ["calls a model by prompt", (s) => s.model({ model: "m", prompt: "x" }, act), '"prompt" must be one of'],
    ["calls a model without a function", (s) => s.model({ model: "m", request: "" }), '"act" must be a function'],
    ["calls a model with a usage", (s) => s.model({ model: "m", request: "" }, act, { inputTokens: 1 }), '"usageOf"'],
    ["runs without a function", (s) => s.run("hi"), '"act" must be a function'],
    ["runs with an unknown option", (s) => s.run("hi", act, { actoin: "x" }), '"actoin" must be one of'],
    ["runs with options that are none", (s) => s.run("hi", act, "x"), '"options" must be an object'],
    ["gets a text for metadata", (s) => s.tool({ name: "t", arguments: {}, metadata: "m" }, act), '"metadata"'],
    ["runs with a text for metadata", (s) => s.run("hi", act, { metadata: "m" }), '"metadata" must be an object'],
    ["gets a signal that is none", (s) => s.tool({ name: "t", arguments: {}, signal: {} }, act), '"signal"'],
  ])("%s", async (_, call, message) => {
    act.mockClear();
    const session = opened();
    let promise: unknown;
    expect(() => (promise = call(session))).not.toThrow();
    await expect(promise).rejects.toThrow(TypeError);
    await expect(call(session)).rejects.toThrow(message);
    expect(act).not.toHaveBeenCalled();
    expect([session.context.toolCallCount, session.context.callCount]).toEqual([0, 0]);
  });

  test("is called rightly, it runs", async () => {
    const session = opened();
    expect(await session.tool({ name: "t", arguments: undefined, callId: undefined }, act)).toBe("ran");
    expect(await session.tool(Object.assign(Object.create(null), { name: "t", arguments: {} }), act)).toBe("ran");
    expect(await session.run(undefined, act, {})).toBe("ran");
    expect(await session.model({ model: "m", request: { messages: [] } }, act, undefined, undefined)).toBe("ran");
  });
});

describe("what answers at once throws a TypeError that tells what was wanted, when it", () => {
  test.each<[string, () => unknown, string]>([
    [
      "checks args",
      () => opened().check({ stage: "input", name: "x", payload: 1, args: 1 } as Any),
      '"args" must be one of',
    ],
    ["checks nothing", () => opened().check({ stage: "input", name: "x" } as Any), '"payload" must be given'],
    ["checks a text", () => opened().check("x" as Any), '"the call" must be an object with stage, name, payload'],
    [
      "checks no gate",
      () => opened().check({ stage: "inptu", name: "x", payload: 1 } as Any),
      '"stage" must be one of',
    ],
    ["begins without a payload", () => opened().begin({ stage: "input", name: "x" } as Any), '"payload" must be given'],
    [
      "begins with aproval",
      () => opened().begin({ stage: "input", name: "x", payload: 1, aproval: "ask" } as Any),
      '"aproval" must be one of',
    ],
    ["streams with holdback", () =>
      opened().stream((async function* () {})(), {
        stage: "output",
        name: "x",
        textOf: () => "",
        withText: (p: unknown) => p,
        holdback: 1,
      } as Any), '"holdback" must be one of'],
    ["has a child of an unknown kind", () => opened().child({ agentID: "b" } as Any), '"agentID" must be one of'],
    ["has a child of nobody", () => opened().child(null as Any), '"options" must be an object'],
    [
      "explains too much",
      () => createKernel().explain({ stage: "input", name: "x", payload: 1, who: 1 } as Any, { agentId: "a" }),
      '"who" must be one of',
    ],
    [
      "defines a guard of a stage",
      () => defineGuard({ name: "g", stage: ["input"], check: () => deny("a", "b") } as Any),
      '"stage" must be one of the known options (name, stages, check)',
    ],
    [
      "defines a plugin that wrapps",
      () => definePlugin({ name: "p", wrapp: () => ({}) } as Any),
      '"wrapp" must be one of',
    ],
    [
      "uses a plugin that sets up nothing",
      () => createKernel({ plugins: [{ name: "p", setUp: () => undefined } as Any] }),
      'plugin "p" must have "setup" or "wrap", and has "setUp"',
    ],
    [
      "checks with a text for metadata",
      () => opened().check({ stage: "input", name: "x", payload: 1, metadata: "m" as Any }),
      '"metadata" must be an object',
    ],
    ["limits a rate by max alone", () => rateLimit({ max: 1 } as Any), '"windowMs" must be a whole number'],
    ["limits a rate per", () => rateLimit({ max: 1, windowMs: 1, per: "agent" } as Any), '"per" must be one of'],
    [
      "takes its guards from a class",
      () => createKernel(Object.create({ guards: [] })),
      '"guards" must be the options\' own',
    ],
    ["suspends for no reason", () => createKernel().suspend("a", 5 as Any), '"reason" must be a string'],
  ])("%s", (_, call, message) => {
    expect(call).toThrow(TypeError);
    expect(call).toThrow(message);
  });

  test("is of a class with fields of its own, a plugin is taken", () => {
    class Counting {
      readonly name = "counting";
      count = 0;
      setup(): void {
        this.count++;
      }
    }
    const plugin = definePlugin(new Counting());
    createKernel({ plugins: [plugin] });
    expect((plugin as Counting).count).toBe(1);
  });
});

describe("JSON.stringify(error)", () => {
  test("holds what may leave the process, and nothing more", async () => {
    const guard = defineGuard({
      name: "mine",
      stages: ["pre_tool_call"],
      check: () => deny("action_blocked", "Not today", { secret: "SECRET" }),
    });
    const session = createKernel({ guards: [guard] }).session({ agentId: "a" });
    const error: unknown = await session.tool({ name: "t", arguments: { a: "SECRET" } }, () => 1).catch((e) => e);
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "PolicyViolationError",
      code: "action_blocked",
      reason: "Not today",
      stage: "pre_tool_call",
      guard: "mine",
    });
    const caused = new PolicyViolationError("why", { code: "c", cause: new Error("SECRET") });
    expect(JSON.stringify({ caused })).not.toContain("SECRET");
  });

  test("holds the question, when nobody was there to answer", async () => {
    const guard = defineGuard({ name: "asks", stages: ["pre_tool_call"], check: () => escalate("A payment") });
    const session = createKernel({ guards: [guard] }).session({ agentId: "a" });
    const error: Any = await session.tool({ name: "pay", arguments: {} }, () => 1).catch((e) => e);
    const json = JSON.parse(JSON.stringify(error));
    expect(Object.keys(json).sort()).toEqual(["approval", "code", "guard", "name", "reason", "stage"]);
    expect(json.approval).toEqual(error.approval);
  });

  test("holds no value of a policy that was wrong", () => {
    try {
      definePolicy({ maxTokens: "SECRET" } as Any);
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain("SECRET");
      expect(JSON.parse(JSON.stringify(error)).mistakes[0]).toMatchObject({ path: "maxTokens" });
    }
  });
});

describe("nothing can be assigned to", () => {
  test.each<[string, () => Any, string]>([
    ["a kernel", () => createKernel(), "policy"],
    ["a kernel's methods", () => createKernel(), "session"],
    ["a policy", () => createKernel().policy, "maxTokens"],
    ["a session", () => opened(), "context"],
    ["a session's verbs", () => opened(), "tool"],
    ["a context", () => opened().context, "policy"],
    ["a profile", () => agentProfile({ did: "did:agentmesh:a", name: "A" }), "capabilities"],
  ])("%s", (_, make, field) => {
    const one = make();
    const before = one[field];
    expect(() => {
      one[field] = definePolicy({ maxTokens: 1 });
    }).toThrow(TypeError);
    expect(() => {
      one["more"] = 1;
    }).toThrow(TypeError);
    expect(one[field]).toBe(before);
  });
});

describe("a closed kernel opens no session", () => {
  const adapter = { name: "p", wrap: (_target: object, session: Session) => ({ session }) };

  test.each<[string, (kernel: ReturnType<typeof createKernel>, session: Session) => unknown]>([
    ["by session()", (kernel) => kernel.session({ agentId: "b" })],
    ["by wrap()", (kernel) => kernel.wrap({}, adapter, { agentId: "b" })],
    ["by explain()", (kernel) => kernel.explain({ stage: "input", name: "x", payload: 1 }, { agentId: "b" })],
    ["by child()", (_kernel, session) => session.child()],
  ])("%s", async (_, open) => {
    const kernel = createKernel();
    const session = kernel.session({ agentId: "a" });
    expect(() => open(kernel, session)).not.toThrow();
    await kernel.close();
    const error: unknown = (() => {
      try {
        return open(kernel, session);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(isPolicyViolation(error) && [error.code, error.reason]).toEqual(["session_killed", "The kernel is closed"]);
  });

  test("and takes no plugin", async () => {
    const kernel = createKernel();
    await kernel.close();
    expect(() => kernel.use({ name: "p", setup: () => undefined })).toThrow("the kernel is closed");
  });
});

describe("a reason names the guard that failed", () => {
  test("when it throws", async () => {
    const guard = defineGuard({
      name: "mine",
      check: () => {
        throw new Error("SECRET");
      },
    });
    const decision = await createKernel({ guards: [guard] }).session({ agentId: "a" })
      .check({ stage: "input", name: "x", payload: "hi" });
    expect(decision).toMatchObject({ code: "guard_error", reason: 'Guard "mine" failed, so the request was denied' });
  });
});
