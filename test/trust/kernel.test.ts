import { describe, expect, test } from "vitest";
import {
  actionGuard,
  type AgentProfile,
  agentProfile,
  createKernel,
  type TrustTracker,
  trustTracker,
} from "../../mod.ts";

const profile = (name: string, more: Partial<AgentProfile> = {}): AgentProfile =>
  agentProfile({ did: `did:agentmesh:${name}`, name, trustScore: 700, ...more });
const call = (name: string) => ({ name, arguments: {} });
const attempt = (promise: Promise<unknown>): Promise<unknown> => promise.catch((error: { code: string }) => error.code);

describe("a kernel with a trust gate", () => {
  const trust = actionGuard({
    minTrustScore: 500,
    sensitiveActions: { deploy: 900, "model:gpt-x": 800 },
    blockedActions: ["drop"],
    requiredCapabilities: { write: ["write"] },
  });

  test("judges the run's action, the model and the tool, before the policy", async () => {
    const session = createKernel({ trust, policy: { allowedTools: ["read", "write", "deploy"] } }).session({
      agent: profile("a"),
    });
    expect(await attempt(session.run("hi", () => "ok"))).toBe("ok");
    expect(await attempt(session.run("hi", () => "ok", { action: "deploy" }))).toBe("trust_too_low");
    expect(await attempt(session.model({ model: "gpt-x", request: "?" }, () => "ok"))).toBe("trust_too_low");
    expect(await attempt(session.model({ model: "small", request: "?" }, () => "ok"))).toBe("ok");
    expect(await attempt(session.tool(call("read"), () => "ok"))).toBe("ok");
    expect(await attempt(session.tool(call("write"), () => "ok"))).toBe("missing_capabilities");
    expect(await attempt(session.tool(call("drop"), () => "ok"))).toBe("action_blocked");
  });

  test("needs a profile, and one that is active now", async () => {
    const kernel = createKernel({ trust });
    expect(() => kernel.session({ agentId: "a" })).toThrow(/"agent" must be a profile/);
    expect(await attempt(kernel.session({ agent: profile("a", { status: "suspended" }) }).run("hi", () => "ok"))).toBe(
      "agent_not_active",
    );
  });

  test("copies a profile that was made by hand, so that nobody raises it later", async () => {
    const held = {
      did: "did:agentmesh:a",
      name: "A",
      capabilities: ["read"],
      trustScore: 100,
      status: "active" as const,
      metadata: {},
    };
    const session = createKernel({ trust }).session({ agent: held });
    held.trustScore = 1000;
    held.capabilities.push("write");
    expect(await attempt(session.run("hi", () => "ok"))).toBe("trust_too_low");
    expect(session.context.agent?.capabilities).toEqual(["read"]);
    expect(() => createKernel().session({ agent: { ...held, trustScore: NaN } })).toThrow(/"trustScore"/);
  });

  test("keeps limits of agents apart whose DIDs end alike", async () => {
    const kernel = createKernel({ trust });
    kernel.kill("did:agentmesh:x:deployer");
    const [x, y] = ["x", "y"].map((tenant) => kernel.session({ agent: profile(`${tenant}:deployer`) }));
    expect(await attempt(x!.run("hi", () => "ok"))).toBe("session_killed");
    expect(await attempt(y!.run("hi", () => "ok"))).toBe("ok");
  });
});

describe("a kernel with a trust tracker", () => {
  test("learns success, failure and violation from tool calls and runs, each once, and tells", async () => {
    const agent = profile("a");
    const kernel = createKernel({
      trustTracker: trustTracker({ reward: 10, penalty: 50, violationPenalty: 100 }),
      policy: { deniedTools: ["rm"], maxToolCalls: 100 },
    });
    const told: unknown[] = [];
    kernel.on("trust_changed", ({ outcome, newScore }) => told.push([outcome, newScore]));
    const session = kernel.session({ agent });
    await session.tool(call("read"), () => "ok");
    await attempt(session.tool(call("read"), () => Promise.reject(new Error("x"))));
    await attempt(session.tool(call("rm"), () => "never"));
    await session.run("hi", () => "ok");
    await session.model({ model: "m", request: "?" }, () => "ok");
    expect(told).toEqual([["success", 710], ["failure", 660], ["violation", 560], ["success", 570]]);
    expect(agent.trustScore).toBe(570);
  });

  test("learns nothing against an agent from what is not its fault", async () => {
    const agent = profile("a");
    const session = createKernel({
      trustTracker: trustTracker(),
      policy: { maxToolCalls: 0 },
      guards: [() => {
        throw new Error("broken");
      }],
    }).session({ agent });
    await attempt(session.tool(call("read"), () => "never"));
    await attempt(session.run("hi", () => "never"));
    expect(agent.trustScore).toBe(700);
  });

  test("learns from every denial of check(), when the calls come without an id", async () => {
    const agent = profile("a");
    const session = createKernel({
      trustTracker: trustTracker({ violationPenalty: 100 }),
      policy: { deniedTools: ["rm"] },
    }).session({ agent });
    for (let i = 0; i < 2; i++) await session.check({ stage: "pre_tool_call", name: "rm", payload: {} });
    expect(agent.trustScore).toBe(500);
  });

  test("goes on, when the tracker fails", async () => {
    const tracker = {
      ...trustTracker(),
      recordSuccess: () => {
        throw new Error("x");
      },
    };
    const kernel = createKernel({ trustTracker: tracker });
    const errors: unknown[] = [];
    kernel.on("listener_error", ({ type }) => errors.push(type));
    expect(await kernel.session({ agent: profile("a") }).tool(call("read"), () => "ok")).toBe("ok");
    expect(errors).toEqual(["trust_changed"]);
    expect(() => createKernel({ trustTracker: {} as never })).toThrow(/"trustTracker.recordSuccess"/);
  });
});

describe("an agent handed off to another", () => {
  const trust = actionGuard({
    minTrustScore: 500,
    requiredCapabilities: { send_email: ["send"] },
    capabilityMatching: "hierarchical",
  });

  test("never gains a right: HF-01, HF-04", async () => {
    const kernel = createKernel({
      trust,
      policy: { allowedTools: ["read_inbox", "search", "delegate", "send_email"] },
    });
    const parent = kernel.session({
      agent: profile("reader", { capabilities: ["read:*"] }),
      policy: { allowedTools: ["read_inbox", "delegate"] },
    });
    const child = parent.child({ agent: profile("admin", { capabilities: ["send", "read:db"], trustScore: 1000 }) });
    expect(child.context.agent).toMatchObject({
      did: "did:agentmesh:admin",
      capabilities: ["read:db"],
      trustScore: 700,
    });
    expect(await attempt(child.tool(call("send_email"), () => "sent"))).toBe("missing_capabilities");
    expect(await attempt(child.tool(call("search"), () => "found"))).toBe("tool_not_allowed");
    expect(await attempt(child.tool(call("read_inbox"), () => "mail"))).toBe("mail");
    parent.close();
    expect(await attempt(parent.child().tool(call("read_inbox"), () => "mail"))).toBe("session_killed");
  });

  test("loses what it loses itself, and what its parent loses", async () => {
    const tracker = trustTracker({ penalty: 300 });
    const [outer, inner] = [profile("outer", { trustScore: 900 }), profile("inner", { trustScore: 800 })];
    const child = createKernel({ trust, trustTracker: tracker }).session({ agent: outer }).child({ agent: inner });
    expect(child.context.agent?.trustScore).toBe(800);
    tracker.recordFailure(outer, "x");
    expect(child.context.agent?.trustScore).toBe(600);
    await attempt(child.tool(call("read"), () => Promise.reject(new Error("x"))));
    expect([inner.trustScore, outer.trustScore, child.context.agent?.trustScore]).toEqual([500, 600, 500]);
  });

  test("is the same agent still, when no other is named", () => {
    const agent = profile("a");
    const parent = createKernel().session({ agent });
    expect(parent.child().context.agent).toBe(agent);
    expect(parent.child({ agent: profile("b") }).child().context.agent?.did).toBe("did:agentmesh:b");
  });
});

test.each([5, "load", {}, null])("createKernel() refuses a tracker, when its load is %o", (load) => {
  const tracker = { ...trustTracker(), load } as unknown as TrustTracker;
  expect(() => createKernel({ trustTracker: tracker })).toThrow('"trustTracker.load" must be a function');
});
