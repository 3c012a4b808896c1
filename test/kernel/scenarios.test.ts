/** The attack scenarios of the catalogue that concern the kernel, by their ids there. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import {
  type ApprovalGrant,
  type ApprovalRequest,
  createKernel,
  defineGuard,
  definePlugin,
  deny,
  grantApproval,
  type Guard,
  isPolicyViolation,
  type KernelOptions,
  maxToolCalls,
  requireApproval,
  type Session,
  transform,
  when,
  withTimeout,
} from "../../mod.ts";

const search = (args: unknown = {}) => ({ name: "search", arguments: args });
const open = (options: KernelOptions = {}): Session =>
  createKernel({ policy: { allowedTools: ["search"] }, ...options }).session({ agentId: "a", sessionId: "s" });
/** What became of a call: what the tool was run with, or the code that stopped it. */
async function outcome(session: Session, call: Parameters<Session["tool"]>[0] = search()): Promise<unknown> {
  try {
    return { ran: await session.tool(call, (args: unknown) => args) };
  } catch (error) {
    if (!isPolicyViolation(error)) throw error;
    return error.code;
  }
}

describe("guards that are broken or hostile", () => {
  test.each<[string, Guard]>([
    ["GE-01 throws", () => {
      throw new Error("x");
    }],
    ["GE-04 answers yes", () => "yes" as never],
    ["GE-04 answers 1", () => 1 as never],
    ["GE-04 answers {}", () => ({}) as never],
    ["GE-04 answers []", () => [] as never],
    ["GE-10 answers an unknown word", () => ({ decision: "ALLOW ", effect: "ALLOW ", allowed: true }) as never],
  ])("%s: deny", async (_id, guard) => {
    expect(await outcome(open({ guards: [guard] }))).toBe("guard_error");
  });

  test("GE-07 an allowance after the time is up: deny, and nothing is left behind", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const late = defineGuard({
        name: "late",
        stages: ["pre_tool_call"],
        check: () => new Promise((resolve) => setTimeout(() => resolve({ effect: "allow", allowed: true }), 30)),
      });
      const ended = outcome(open({ guards: [withTimeout(late, 5)] }));
      await vi.advanceTimersByTimeAsync(5);
      expect(await ended).toBe("guard_timeout");
      await vi.advanceTimersByTimeAsync(25);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test("GE-13 a modification to an empty value: the empty value runs", async () => {
    const empty = defineGuard({ name: "empty", stages: ["pre_tool_call"], check: () => transform({}, "emptied") });
    expect(await outcome(open({ guards: [empty] }), search({ cmd: "secret" }))).toEqual({ ran: {} });
  });

  test("GE-16 a listener that throws on a denial: still denied", async () => {
    const kernel = createKernel({ policy: { allowedTools: [] } });
    kernel.on("tool_call_blocked", () => {
      throw new Error("x");
    });
    expect(await outcome(kernel.session({ agentId: "a" }))).toBe("tool_not_allowed");
  });

  test("GE-19 a guard that calls the governed tool itself: ends in a denial, and does not hang", async () => {
    const within = defineGuard({
      name: "within",
      stages: ["pre_tool_call"],
      check: async () => (await session.tool(search(), () => 1), deny("never", "never")),
    });
    const session: Session = open({
      policy: { maxToolCalls: 3, maxConcurrent: 100, backpressureThreshold: 100 },
      guards: [within],
    });
    expect(["guard_error", "max_tool_calls_exceeded"]).toContain(await outcome(session));
  });

  test("GE-22 a policy that is changed after the kernel was made: the copy holds", async () => {
    const allowedTools = ["search"];
    const session = open({ policy: { allowedTools } });
    allowedTools.push("rm");
    expect(await outcome(session, { name: "rm", arguments: {} })).toBe("tool_not_allowed");
  });

  test("GE-25 a child that allows what its parent denies: denied", async () => {
    const parent = createKernel().session({ agentId: "a", policy: { deniedTools: ["x"] } });
    expect(await outcome(parent.child({ policy: { allowedTools: ["x"] } }), { name: "x", arguments: {} })).toBe(
      "tool_not_allowed",
    );
  });

  test("GE-28 a rule on a negative number: it matches", async () => {
    const rule = when(
      (request) => request.stage === "pre_tool_call" && (request.payload as { amount: number }).amount < -5,
      defineGuard({ name: "negative", check: () => deny("too_low", "Too low") }),
    );
    expect(await outcome(open({ guards: [rule] }), search({ amount: -50 }))).toBe("too_low");
  });
});

describe("approvals that do not fit", () => {
  let key: CryptoKey;
  beforeAll(async () => {
    key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  });
  const pay = (amount = 10, more: object = {}) => ({ name: "pay", arguments: { amount }, callId: "c1", ...more });
  const asking = (options: KernelOptions = {}): KernelOptions => ({
    guards: [requireApproval(["pay"])],
    policy: {},
    approvalKey: key,
    ...options,
  });
  async function granted(session: Session, call = pay()): Promise<ApprovalGrant> {
    const { approval } = (await session.tool(call, () => 1).catch((error: unknown) => error)) as {
      approval: ApprovalRequest;
    };
    return await grantApproval(approval, key, { approved: true, by: "ada" });
  }

  test("AP-01 approve one call, run another: deny", async () => {
    const grant = await granted(open(asking()));
    expect(await outcome(open(asking()), pay(10_000, { grant }))).toBe("approval_denied");
  });

  test("AP-04 an approval that has expired: deny", async () => {
    let now = 1000;
    const options = asking({ clock: () => now, approvalTtlMs: 50 });
    const grant = await granted(open(options));
    now = 1051;
    expect(await outcome(open(options), pay(10, { grant }))).toBe("approval_denied");
  });

  test("AP-07 nobody answers: deny, and the reason says so", async () => {
    const session = open(asking({ approve: () => new Promise(() => {}), approvalTtlMs: 5 }));
    await expect(session.tool(pay(), () => 1)).rejects.toMatchObject({
      code: "approval_denied",
      reason: expect.stringContaining("in time"),
    });
  });

  test("AP-10 a chain of no approvers: an error, or deny", async () => {
    expect(() => createKernel(asking({ approvalQuorum: 0 }))).toThrow(RangeError);
    expect(await outcome(open(asking({ approve: async () => [] })), pay())).toBe("approval_denied");
  });

  test("AP-13 a policy that changed after the approval: deny", async () => {
    const grant = await granted(open(asking()));
    expect(await outcome(open(asking({ policy: { version: "2", maxTokens: 5000 } })), pay(10, { grant }))).toBe(
      "approval_denied",
    );
  });

  test("AP-16 two workers with one approval: one runs", async () => {
    const session = open(asking());
    const grant = await granted(session);
    const outcomes = await Promise.all([outcome(session, pay(10, { grant })), outcome(session, pay(10, { grant }))]);
    expect(outcomes.filter((one) => one === "approval_denied")).toHaveLength(1);
  });

  test("AP-19, HF-07 an approval of one agent in the hands of another: deny", async () => {
    const kernel = createKernel(asking());
    const grant = await granted(kernel.session({ agentId: "a", sessionId: "s" }));
    expect(await outcome(kernel.session({ agentId: "b", sessionId: "s" }), pay(10, { grant }))).toBe("approval_denied");
  });

  test("AP-22 decisions are bound to calls, and not to their order", async () => {
    const session = open(asking());
    const [first, second] = [
      await granted(session, pay(1, { callId: "c1" })),
      await granted(session, pay(2, { callId: "c2" })),
    ];
    expect(await outcome(session, pay(1, { callId: "c1", grant: second }))).toBe("approval_denied");
    expect(await outcome(session, pay(2, { callId: "c2", grant: second }))).toEqual({ ran: { amount: 2 } });
    expect(await outcome(session, pay(1, { callId: "c1", grant: first }))).toEqual({ ran: { amount: 1 } });
  });
});

describe("streams", () => {
  const options = {
    stage: "output" as const,
    name: "execute",
    textOf: (part: string[]) => part[1],
    withText: (part: string[], text: string) => [part[0]!, text],
    channelOf: (part: string[]) => part[0]!,
  };
  const secret = (): Session => createKernel({ policy: { blockedPatterns: ["SECRET"] } }).session({ agentId: "a" });
  async function read(session: Session, parts: string[][]): Promise<{ seen: string[][]; code: unknown }> {
    const seen: string[][] = [];
    const source = (async function* () {
      yield* parts;
    })();
    try {
      for await (const part of session.stream(source, options)) seen.push(part);
      return { seen, code: undefined };
    } catch (error) {
      return { seen, code: (error as { code: unknown }).code };
    }
  }

  test("ST-01 forbidden text in the fifth of 150 parts: no part reaches the consumer", async () => {
    const parts = Array.from({ length: 150 }, (_, index) => ["0", index === 5 ? "the SECRET " : "fine "]);
    expect(await read(secret(), parts)).toEqual({ seen: [], code: "blocked_pattern" });
  });

  test("ST-04 the arguments of a call come in fragments: judged when they are complete, at the tool's gate", async () => {
    const fragments = ['{"cmd":"rm ', "-rf ", '/"}'];
    const session = createKernel({ policy: { blockedPatterns: ["rm -rf"] } }).session({ agentId: "a" });
    expect(await outcome(session, { name: "shell", arguments: JSON.parse(fragments.join("")) })).toBe(
      "blocked_pattern",
    );
  });

  test("ST-07 the second choice carries the text: no part reaches the consumer", async () => {
    expect(await read(secret(), [["0", "fine"], ["1", "the SEC"], ["0", " too"], ["1", "RET"]])).toEqual({
      seen: [],
      code: "blocked_pattern",
    });
  });

  test("ST-10 the consumer stops early: the source is let go, and what was taken is free", async () => {
    const session = createKernel({ policy: { maxConcurrent: 1 } }).session({ agentId: "a" });
    const act = await session.begin({ stage: "input", name: "execute", payload: "hi" });
    for await (
      const _ of session.stream(
        (async function* () {
          yield ["0", "a"];
          yield ["0", "b"];
        })(),
        { ...options, act },
      )
    ) break;
    expect((await session.begin({ stage: "input", name: "execute", payload: "hi" })).decision.allowed).toBe(true);
  });
});

describe("ways round a governed object", () => {
  class Agent {
    readonly tools = ["safe"];
    run(prompt: string): string {
      return prompt;
    }
    stream(): void {}
    batch(): void {}
    *[Symbol.iterator](): Generator<number> {
      yield 1;
    }
  }
  const kernel = createKernel({ guards: [maxToolCalls(1)] });
  const target = new Agent();
  const governed = kernel.wrap(
    target,
    definePlugin({
      name: "agent",
      wrap: (agent: Agent, session) => ({ run: (prompt: string) => session.run(prompt, (input) => agent.run(input)) }),
    }),
    { agentId: "a" },
  );
  const loose = governed as unknown as Record<PropertyKey, unknown>;

  test.each<[string, PropertyKey]>([
    ["PX-01", "_original"],
    ["PX-04", "stream"],
    ["PX-04", "batch"],
    ["PX-04", "invoke"],
    ["PX-07", Symbol.asyncIterator],
    ["PX-07", Symbol.iterator],
    ["PX-10", "tools"],
  ])("%s %s is not there", (_id, key) => {
    expect(loose[key]).toBeUndefined();
  });

  test("PX-13 only the kernel that governs it unwraps", () => {
    expect(() => createKernel().unwrap(governed)).toThrow(TypeError);
    expect(kernel.unwrap(governed)).toBe(target);
  });
});
