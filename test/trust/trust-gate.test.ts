import { describe, expect, test } from "vitest";
import type { ExecutionContext } from "../../src/base/context.ts";
import { allow, type Decision } from "../../src/base/decision.ts";
import { trustGate } from "../../src/trust/trust-gate.ts";
import type { GovernedRequest, Stage } from "../../src/base/request.ts";
import { type ActionGuard, actionGuard } from "../../src/trust/action-guard.ts";
import { type AgentProfile, agentProfile } from "../../src/trust/profile.ts";
import { trustTracker } from "../../src/trust/tracker.ts";

const deployer = agentProfile({
  did: "did:agentmesh:deployer",
  name: "Deployer",
  trustScore: 750,
  capabilities: ["deploy"],
});
const taking = { dry: true, take: () => {} };

function decide(guard: ReturnType<typeof trustGate>, stage: Stage, name: string, agent: unknown = deployer): Decision {
  const request: GovernedRequest = { stage, name, payload: {}, callId: "#1", metadata: {} };
  return guard(
    request,
    { ...(agent === undefined ? {} : { agent: agent as AgentProfile }) } as ExecutionContext,
    taking,
  ) as Decision;
}

describe("trustGate()", () => {
  const guard = trustGate(actionGuard({
    minTrustScore: 600,
    sensitiveActions: { deploy: 900, "model:big": 800, big: 0 },
    blockedActions: ["drop_database"],
    requiredCapabilities: { sign: ["sign"] },
  }));

  test("has its name and judges before things happen, when it is built", () => {
    expect([guard.guardName, guard.stages]).toEqual(["trustGate", ["input", "pre_model_call", "pre_tool_call"]]);
  });

  test.each(
    [
      ["input", "execute", ""],
      ["input", "deploy", "trust_too_low"],
      ["pre_tool_call", "search", ""],
      ["pre_tool_call", "deploy", "trust_too_low"],
      ["pre_tool_call", "drop_database", "action_blocked"],
      ["pre_tool_call", "DROP_DATABASE", "action_blocked"],
      ["pre_tool_call", "sign", "missing_capabilities"],
      ["pre_model_call", "big", "trust_too_low"],
      ["pre_model_call", "small", ""],
      ["pre_tool_call", "big", ""],
    ] as const,
  )("at %s decides about %s with %j", (stage, name, code) => {
    const decision = decide(guard, stage, name);
    if (code === "") expect(decision).toBe(allow());
    else expect(decision).toMatchObject({ effect: "deny", allowed: false, code, guard: "trustGate" });
  });

  test("denies with the action guard's reason, when trust is too low", () => {
    expect(decide(guard, "input", "deploy")).toEqual({
      effect: "deny",
      allowed: false,
      code: "trust_too_low",
      reason: "Trust score 750 below threshold 900",
      guard: "trustGate",
    });
  });

  test.each(["input", "pre_model_call", "pre_tool_call"] as const)(
    "denies with identity_unverified at %s, when the session has no profile",
    (stage) => {
      const request: GovernedRequest = { stage, name: "search", payload: {}, callId: "#1", metadata: {} };
      const trusting = trustGate(actionGuard({ minTrustScore: 0 }));
      expect(trusting(request, {} as ExecutionContext, taking)).toMatchObject({
        effect: "deny",
        code: "identity_unverified",
        guard: "trustGate",
      });
    },
  );

  test.each([[null, "identity_unverified"], ["did:agentmesh:deployer", "identity_unverified"], [{
    ...deployer,
    trustScore: NaN,
  }, "trust_too_low"], [{ ...deployer, status: "ACTIVE" }, "agent_not_active"]])(
    "denies, when the profile is %j",
    (agent, code) => {
      expect(decide(guard, "input", "execute", agent)).toMatchObject({ effect: "deny", code });
    },
  );

  test("judges anew each time, when the score moves", () => {
    const agent = agentProfile({ did: "did:agentmesh:a1", name: "A", trustScore: 620 });
    const tracker = trustTracker();
    const effects = [decide(guard, "input", "execute", agent).effect];
    tracker.recordFailure(agent, "execute");
    effects.push(decide(guard, "input", "execute", agent).effect);
    expect(effects).toEqual(["allow", "deny"]);
  });
});

describe("trustGate() with somebody else's action guard", () => {
  const asked: unknown[] = [];
  const answering = (answer: unknown): ActionGuard =>
    ({ check: (agent: AgentProfile, action: string) => (asked.push(agent, action), answer) }) as ActionGuard;

  test("asks it for the agent and the action, when it judges", () => {
    expect(decide(trustGate(answering({ allowed: true, code: "", reason: "" })), "pre_model_call", "big")).toBe(
      allow(),
    );
    expect(asked.splice(0)).toEqual([deployer, "model:big"]);
  });

  test("denies with its code and reason, when it denies", () => {
    expect(
      decide(trustGate(answering({ allowed: false, code: "not_on_sundays", reason: "Closed" })), "input", "execute"),
    ).toEqual({
      effect: "deny",
      allowed: false,
      code: "not_on_sundays",
      reason: "Closed",
      guard: "trustGate",
    });
  });

  test.each([
    undefined,
    null,
    true,
    "allow",
    {},
    { allowed: "true" },
    { allowed: 1 },
    { allowed: "false" },
    { allowed: false },
    { allowed: false, code: "x" },
    { allowed: false, code: "", reason: "x" },
    { allowed: false, code: 7, reason: "x" },
    [true],
    Promise.resolve({ allowed: true, code: "", reason: "" }),
  ])("denies with guard_error, when it answers %j", (answer) => {
    expect(decide(trustGate(answering(answer)), "input", "execute")).toMatchObject({
      effect: "deny",
      code: "guard_error",
      guard: "trustGate",
    });
  });

  test("denies with guard_error and keeps the cause inside, when it throws", () => {
    const cause = new Error("secret");
    const decision = decide(
      trustGate({
        check: () => {
          throw cause;
        },
      }),
      "input",
      "execute",
    );
    expect(decision).toMatchObject({ effect: "deny", code: "guard_error", details: cause });
    expect("reason" in decision && decision.reason).not.toContain("secret");
  });

  test.each([undefined, null, {}, { check: true }, () => true])("throws, when it is built with %s", (given) => {
    expect(() => trustGate(given as never)).toThrow(/^Cannot build trustGate\(\): "actionGuard(?:\.check)?" must be /);
  });
});
