import { describe, expect, test } from "vitest";
import { actionGuard, agentProfile, trust, type TrustOptions, trustTracker } from "../../mod.ts";
import { createKernel, defineGuard, deny } from "../../src/core.ts";

const ada = () => agentProfile({ did: "did:agentmesh:ada", name: "Ada", capabilities: ["read", "pay"] });
const bob = () => agentProfile({ did: "did:agentmesh:bob", name: "Bob", capabilities: ["read"] });

describe("trust()", () => {
  test.each<[object, RegExp]>([
    [{ guard: {} }, /"guard" must be an action guard/],
    [{ tracker: {} }, /"tracker.recordSuccess"/],
    [{ trcker: trustTracker() }, /"trcker" must be one of the known options/],
  ])("throws and names the field, when given %o", (options, message) => {
    expect(() => trust(options as TrustOptions)).toThrow(message);
  });

  test("gives sessions profiles, of which a child's is narrowed by its parent's", () => {
    const kernel = createKernel({ plugins: [trust()] });
    expect(kernel.session({ agentId: "a" }).context.agent).toBeUndefined();
    const agent = ada();
    const session = kernel.session({ agent });
    expect(session.context).toMatchObject({ agent, agentId: "ada", agentKey: "did:agentmesh:ada" });
    expect(session.child().context.agent).toBe(agent);
    expect(session.child({ agent }).context.agent).toBe(agent);
    const child = session.child({ agent: bob() });
    expect(child.context.agent).toMatchObject({ did: "did:agentmesh:bob", capabilities: ["read"] });
    expect(child.child({ agent: ada() }).context.agent?.capabilities).toEqual(["read"]);
    expect(() => kernel.session({ agent, agentId: "eve" })).toThrow("the last segment of the profile's DID");
  });

  test.each([{ guard: actionGuard() }, { tracker: trustTracker() }])("needs a profile, when given %o", (options) => {
    const kernel = createKernel({ plugins: [trust(options)] });
    expect(() => kernel.session({ agentId: "a" })).toThrow('"agent" must be a profile');
    expect(kernel.session({ agent: ada() }).context.agentId).toBe("ada");
  });

  test("moves the score of the agent itself, also where its session shows it narrowed", async () => {
    const no = defineGuard({ name: "no", stages: ["pre_tool_call"], check: () => deny("no", "No") });
    const kernel = createKernel({
      guards: [no],
      plugins: [trust({ tracker: trustTracker({ reward: 10, penalty: 20, violationPenalty: 40 }) })],
    });
    const [outer, inner] = [ada(), bob()];
    const child = kernel.session({ agent: outer }).child({ agent: inner });
    const told: unknown[] = [];
    kernel.on("trust_changed", ({ did, outcome, newScore }) => void told.push([did, outcome, newScore]));
    await child.run("hi", () => 1);
    await child.run("hi", () => Promise.reject(new Error("x"))).catch(() => {});
    await child.tool({ name: "rm", arguments: {} }, () => 1).catch(() => {});
    await child.model({ model: "m", request: "hi" }, () => "hi");
    expect(told).toEqual([
      ["did:agentmesh:bob", "success", 510],
      ["did:agentmesh:bob", "failure", 490],
      ["did:agentmesh:bob", "violation", 450],
    ]);
    expect([outer.trustScore, inner.trustScore, child.context.agent?.trustScore]).toEqual([500, 450, 450]);
  });
});
