import { describe, expect, test } from "vitest";
import { actionGuard } from "../../src/trust/action-guard.ts";
import { hasAllCapabilities, hasAnyCapability, hasCapability } from "../../src/trust/capability.ts";
import { agentProfile } from "../../src/trust/profile.ts";
import { trustTracker } from "../../src/trust/tracker.ts";

// What a trust layer must do at the least: the nine checks of a tutorial's test file and the 29 of a package template,
// in these words.

const DID = "did:agentmesh:a1";
type Init = Partial<Parameters<typeof agentProfile>[0]>;
const alpha = (init: Init = {}) => agentProfile({ did: DID, name: "Alpha", ...init });

describe("the tutorial", () => {
  test("actionGuard() allows, when the score is above the threshold", () => {
    expect(actionGuard({ minTrustScore: 500 }).check(alpha({ trustScore: 700 }), "search").allowed).toBe(true);
  });

  test("actionGuard() denies, when the score is below the threshold", () => {
    const result = actionGuard({ minTrustScore: 500 }).check(alpha({ trustScore: 300 }), "search");
    expect(result.allowed).toBe(false);
    expect(result.reason).toContain("below threshold");
  });

  test("actionGuard() asks for more trust, when the action is sensitive", () => {
    const guard = actionGuard({ minTrustScore: 500, sensitiveActions: { delete_record: 800 } });
    expect(guard.check(alpha({ trustScore: 600 }), "search").allowed).toBe(true);
    expect(guard.check(alpha({ trustScore: 600 }), "delete_record").allowed).toBe(false);
  });

  test("actionGuard() denies whatever the score, when the action is blocked", () => {
    const result = actionGuard({ blockedActions: ["drop_table"] }).check(alpha({ trustScore: 1000 }), "drop_table");
    expect(result.allowed).toBe(false);
    expect(result.reason).toContain("blocked by policy");
  });

  test("actionGuard() asks for capabilities, when the call names some", () => {
    const guard = actionGuard({ minTrustScore: 500 });
    const agent = alpha({ capabilities: ["read"], trustScore: 700 });
    expect(guard.check(agent, "query", ["read"]).allowed).toBe(true);
    expect(guard.check(agent, "query", ["write"]).allowed).toBe(false);
  });

  test("actionGuard() denies, when the agent is suspended", () => {
    const result = actionGuard({ minTrustScore: 500 }).check(alpha({ trustScore: 900, status: "suspended" }), "search");
    expect(result.allowed).toBe(false);
    expect(result.reason).toContain("suspended");
  });

  test("trustTracker() adjusts the score and remembers, when outcomes are recorded", () => {
    const agent = alpha({ trustScore: 500 });
    const tracker = trustTracker({ reward: 10, penalty: 50 });
    tracker.recordSuccess(agent, "search");
    expect(agent.trustScore).toBe(510);
    tracker.recordFailure(agent, "search");
    expect(agent.trustScore).toBe(460);
    expect(tracker.history(DID).map(({ outcome }) => outcome)).toEqual(["success", "failure"]);
  });

  test("trustTracker() clamps the score, when it would leave the scale", () => {
    const tracker = trustTracker({ reward: 10, penalty: 50 });
    const [high, low] = [alpha({ trustScore: 995 }), alpha({ trustScore: 20 })];
    tracker.recordSuccess(high, "search");
    tracker.recordFailure(low, "search");
    expect([high.trustScore, low.trustScore]).toEqual([1000, 0]);
  });

  test("toJSON() answers plain data, when a result is printed", () => {
    const plain = JSON.parse(
      JSON.stringify(actionGuard({ clock: () => 5 }).check(alpha({ trustScore: 700 }), "search")),
    );
    expect(plain).toEqual({
      allowed: true,
      agentDid: DID,
      action: "search",
      reason: "",
      code: "",
      trustScore: 700,
      timestamp: 5,
    });
  });
});

describe("the template: profiles", () => {
  test("hasCapability() tells held from not held, when asked for one", () => {
    expect([
      hasCapability(alpha({ capabilities: ["read"] }), "read"),
      hasCapability(alpha({ capabilities: ["read"] }), "write"),
    ]).toEqual([true, false]);
  });

  test("hasAllCapabilities() wants every one, when asked for several", () => {
    const agent = alpha({ capabilities: ["read", "write"] });
    expect([
      hasAllCapabilities(agent, ["read", "write"]),
      hasAllCapabilities(agent, ["read", "admin"]),
      hasAllCapabilities(agent, []),
    ]).toEqual([true, false, true]);
  });

  test("hasAnyCapability() wants one of them, when asked for several", () => {
    const agent = alpha({ capabilities: ["read"] });
    expect([
      hasAnyCapability(agent, ["read", "admin"]),
      hasAnyCapability(agent, ["admin"]),
      hasAnyCapability(agent, []),
    ]).toEqual([true, false, false]);
  });

  test("agentProfile() has its defaults, when only DID and name are given", () => {
    expect({ ...alpha() }).toEqual({
      did: DID,
      name: "Alpha",
      capabilities: [],
      trustScore: 500,
      status: "active",
      metadata: {},
    });
  });
});

describe("the template: the gate", () => {
  const guard = actionGuard({
    minTrustScore: 500,
    sensitiveActions: { delete_record: 800 },
    blockedActions: ["drop_table"],
  });

  test("check() answers every field, when it allows", () => {
    const result = guard.check(alpha({ trustScore: 700 }), "search");
    expect(result).toMatchObject({
      allowed: true,
      agentDid: DID,
      action: "search",
      reason: "",
      code: "",
      trustScore: 700,
    });
    expect(result.timestamp).toBeGreaterThan(0);
  });

  const active = { status: "active" } as const;
  test.each(
    [
      ["the score is below the threshold", { trustScore: 300 }, "search", "trust_too_low", "below threshold"],
      [
        "the action is sensitive",
        { trustScore: 600 },
        "delete_record",
        "trust_too_low",
        "Trust score 600 below threshold 800",
      ],
      ["the action is blocked", { trustScore: 1000 }, "drop_table", "action_blocked", "blocked by policy"],
      ["the agent is suspended", { trustScore: 900, status: "suspended" }, "search", "agent_not_active", "suspended"],
      ["the agent is revoked", { trustScore: 900, status: "revoked" }, "search", "agent_not_active", "revoked"],
      [
        "the score is one below the threshold",
        { trustScore: 499, ...active },
        "search",
        "trust_too_low",
        "Trust score 499 below threshold 500",
      ],
      [
        "a suspended agent asks for a blocked action",
        { trustScore: 900, status: "suspended" },
        "drop_table",
        "action_blocked",
        "blocked by policy",
      ],
    ] satisfies [string, Init, string, string, string][],
  )("check() denies, when %s", (_, init, action, code, reason) => {
    const result = guard.check(alpha(init), action);
    expect([result.allowed, result.code]).toEqual([false, code]);
    expect(result.reason).toContain(reason);
  });

  test("check() allows, when the score is exactly the threshold", () => {
    expect(guard.check(alpha({ trustScore: 500 }), "search").allowed).toBe(true);
  });

  test("check() allows, when the sensitive action's threshold is met", () => {
    expect(guard.check(alpha({ trustScore: 800 }), "delete_record").allowed).toBe(true);
  });

  test("check() allows, when the required capability is there", () => {
    expect(guard.check(alpha({ capabilities: ["write"] }), "search", ["write"]).allowed).toBe(true);
  });

  test("check() says that capabilities are missing and not which, when one is", () => {
    const result = guard.check(alpha({ capabilities: ["read"] }), "search", ["read", "secret_tool"]);
    expect(result).toMatchObject({
      allowed: false,
      code: "missing_capabilities",
      reason: "Missing capabilities: 1 of 2 required",
    });
    expect(JSON.stringify(result)).not.toContain("secret_tool");
  });

  test.each([["none are asked for", undefined], ["an empty list is", []], ["null is", null as unknown as string[]]])(
    "check() needs no capability, when %s",
    (_, required) => {
      expect(guard.check(alpha(), "search", required).allowed).toBe(true);
    },
  );

  test("actionGuard() asks for 500 and blocks nothing, when built without options", () => {
    const bare = actionGuard();
    expect([500, 499].map((trustScore) => bare.check(alpha({ trustScore }), "drop_table").allowed)).toEqual([
      true,
      false,
    ]);
  });
});

describe("the template: the tracker", () => {
  test.each(
    [
      ["a success is recorded", "recordSuccess", 500, 510],
      ["a failure is recorded", "recordFailure", 500, 450],
      ["a success would pass 1000", "recordSuccess", 995, 1000],
      ["a failure would pass 0", "recordFailure", 20, 0],
    ] as const,
  )("trustTracker() answers the new score, when %s", (_, method, from, to) => {
    const agent = alpha({ trustScore: from });
    expect(trustTracker()[method](agent, "search")).toBe(to);
    expect(agent.trustScore).toBe(to);
  });

  test("history() has every event in order, when several were recorded", () => {
    const tracker = trustTracker({ clock: () => 7 });
    const agent = alpha();
    tracker.recordSuccess(agent, "search");
    tracker.recordFailure(agent, "write");
    expect(tracker.history()).toEqual([
      { did: DID, action: "search", outcome: "success", newScore: 510, timestamp: 7 },
      { did: DID, action: "write", outcome: "failure", newScore: 460, timestamp: 7 },
    ]);
  });

  test("history() has one agent's events, when a DID is given", () => {
    const tracker = trustTracker();
    const [one, other] = [alpha(), agentProfile({ did: "did:agentmesh:a2", name: "Beta" })];
    tracker.recordSuccess(one, "a");
    tracker.recordSuccess(other, "b");
    tracker.recordSuccess(one, "c");
    expect([DID, other.did, "", "did:agentmesh:a3"].map((did) => tracker.history(did).length)).toEqual([2, 1, 0, 0]);
  });

  test("gate and tracker work together, when an agent fails again and again", () => {
    const [guard, tracker, agent] = [actionGuard(), trustTracker(), alpha()];
    expect(guard.check(agent, "search").allowed).toBe(true);
    tracker.recordSuccess(agent, "search");
    for (let i = 0; i < 3; i++) tracker.recordFailure(agent, "search");
    expect(guard.check(agent, "search")).toMatchObject({ allowed: false, code: "trust_too_low", trustScore: 360 });
  });
});
