import { describe, expect, test } from "vitest";
import { actionGuard } from "../../src/trust/action-guard.ts";
import { hasAllCapabilities } from "../../src/trust/capability.ts";
import { checkHandoff } from "../../src/trust/handoff.ts";
import { type AgentProfile, agentProfile } from "../../src/trust/profile.ts";
import { selectAgents } from "../../src/trust/select.ts";
import { trustTracker } from "../../src/trust/tracker.ts";

// The ways in which frameworks use trust, each as the few lines that an integration needs.

const agent = (
  name: string,
  trustScore: number,
  capabilities: string[] = [],
  status: AgentProfile["status"] = "active",
) => agentProfile({ did: `did:agentmesh:${name}`, name, trustScore, capabilities, status });

describe("a crew assigns a task to its best member and learns from the result", () => {
  function crew(members: readonly AgentProfile[], tracker = trustTracker()) {
    return function assign(
      task: string,
      capabilities: readonly string[],
      work: (who: AgentProfile) => boolean,
    ): string | undefined {
      const [best] = selectAgents(members, { capabilities, minTrust: 100 });
      if (best === undefined) return undefined;
      if (work(best)) tracker.recordSuccess(best, task);
      else tracker.recordFailure(best, task);
      return best.name;
    };
  }

  test("the task goes to the next one, when the best failed too often", () => {
    const assign = crew([
      agent("ann", 620, ["write"]),
      agent("bob", 600, ["write"]),
      agent("eve", 1000, ["write"], "suspended"),
    ]);
    expect([
      assign("draft", ["write"], () => false),
      assign("draft", ["write"], () => true),
      assign("deploy", ["deploy"], () => true),
    ]).toEqual(["ann", "bob", undefined]);
  });
});

describe("a tool runs only for callers that it trusts", () => {
  function gated<T>(
    tool: { name: string; needs: string[]; invoke: () => T },
    guard = actionGuard({ minTrustScore: 700 }),
  ) {
    return function invoke(caller: AgentProfile): T {
      const { allowed, reason } = guard.check(caller, tool.name, tool.needs);
      if (!allowed) throw new Error(reason);
      return tool.invoke();
    };
  }
  const invoke = gated({ name: "search", needs: ["search"], invoke: () => "found" });

  test("it runs, when the caller is trusted and able", () => {
    expect(invoke(agent("a", 700, ["search"]))).toBe("found");
  });

  test.each([["trust is missing", agent("b", 699, ["search"])], ["the capability is missing", agent("c", 900)], [
    "there is no caller",
    undefined,
  ]])("it does not run, when %s", (_, caller) => {
    expect(() => invoke(caller as AgentProfile)).toThrow();
  });
});

describe("functions are guarded and hand-offs verified", () => {
  const functions = actionGuard({ minTrustScore: 100, sensitiveActions: { transfer: 800 }, blockedActions: ["rm"] });
  function handoffs(from: AgentProfile, ...path: AgentProfile[]): string[] {
    const reached: string[] = [];
    for (const to of path) {
      const { allowed, code } = checkHandoff({ from, to, depth: reached.length, maxDepth: 2, minTrust: 300 });
      if (!allowed) return [...reached, code];
      reached.push(to.name);
      from = to;
    }
    return reached;
  }
  const [a, b, c, d] = [agent("a", 500), agent("b", 300), agent("c", 900), agent("d", 900)];

  test("a function is judged by its name, when the model calls it", () => {
    expect(["lookup", "transfer", "rm", "RM"].map((name) => functions.check(a, name).code)).toEqual([
      "",
      "trust_too_low",
      "action_blocked",
      "action_blocked",
    ]);
  });

  test("hand-offs end, when they are too many, go in a circle of one or reach somebody untrusted", () => {
    expect([handoffs(a, b, c, d), handoffs(a, a), handoffs(a, agent("low", 299))]).toEqual([
      ["b", "c", "action_blocked"],
      ["action_blocked"],
      ["trust_too_low"],
    ]);
  });
});

describe("a graph's node passes, asks for review or fails", () => {
  function trustNode(minTrust: number, reviewBelow: number, needs: readonly string[]) {
    const [pass, review] = [actionGuard({ minTrustScore: reviewBelow }), actionGuard({ minTrustScore: minTrust })];
    return function verdict(who: AgentProfile): "pass" | "review" | "fail" {
      if (pass.check(who, "step", needs).allowed) return "pass";
      return review.check(who, "step", needs).allowed ? "review" : "fail";
    };
  }

  test.each([
    [agent("a", 700, ["plan"]), "pass"],
    [agent("b", 699, ["plan"]), "review"],
    [agent("c", 499, ["plan"]), "fail"],
    [agent("d", 900), "fail"],
    [agent("e", 900, ["plan"], "revoked"), "fail"],
    [{ trustScore: 900 }, "fail"],
  ])(
    "the edge is chosen by trust, when the agent is %j",
    (who, edge) => {
      expect(trustNode(500, 700, ["plan"])(who as AgentProfile)).toBe(edge);
    },
  );
});

describe("a proxy authorizes tool calls of remote agents", () => {
  const guard = actionGuard({
    minTrustScore: 100,
    sensitiveActions: { write_file: 600, ping: 0 },
    blockedActions: ["exec"],
    requiredCapabilities: { write_file: ["fs:write"] },
    capabilityMatching: "hierarchical",
  });
  const known = new Map(
    [agent("reader", 100, ["fs:read"]), agent("writer", 600, ["fs:*"]), agent("novice", 0)].map((
      one,
    ) => [one.did, one]),
  );
  const authorize = (did: string, tool: string): string => guard.check(known.get(did) as AgentProfile, tool).code;

  test.each([
    ["reader", "read_file", ""],
    ["reader", "write_file", "trust_too_low"],
    ["writer", "write_file", ""],
    ["writer", "exec", "action_blocked"],
    ["novice", "ping", ""],
    ["novice", "read_file", "trust_too_low"],
    ["stranger", "ping", "identity_unverified"],
    ["__proto__", "ping", "identity_unverified"],
  ])("%s calls %s and is answered %j", (name, tool, code) => {
    expect(authorize(`did:agentmesh:${name}`, tool)).toBe(code);
  });

  test("capabilities are looked at, when an agent states some", () => {
    expect([
      hasAllCapabilities(agent("a", 1, ["fs:read"]), ["fs:read"]),
      guard.check(agent("a", 600, ["fs:read"]), "write_file").code,
    ]).toEqual([true, "missing_capabilities"]);
  });
});
