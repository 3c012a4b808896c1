import { describe, expect, test } from "vitest";
import { checkHandoff } from "../../src/trust/handoff.ts";
import { type AgentProfile, agentProfile } from "../../src/trust/profile.ts";

const agent = (name: string, fields: Partial<Parameters<typeof agentProfile>[0]> = {}) =>
  agentProfile({ did: `did:agentmesh:${name}`, name, trustScore: 700, capabilities: ["refund", name], ...fields });
const from = agent("triage");
const to = agent("billing");
type Options = Parameters<typeof checkHandoff>[0];
const check = (fields: Record<string, unknown> = {}) =>
  checkHandoff({ from, to, clock: () => 5, ...fields } as Options);

describe("checkHandoff()", () => {
  test("allows and answers what both hold, when both are trusted", () => {
    expect(JSON.parse(JSON.stringify(check({ capabilities: ["refund"] })))).toEqual({
      allowed: true,
      fromDid: "did:agentmesh:triage",
      toDid: "did:agentmesh:billing",
      reason: "",
      code: "",
      capabilities: ["refund"],
      depth: 1,
      timestamp: 5,
    });
  });

  test.each([
    [
      "who hands over has too little trust",
      { from: agent("x", { trustScore: 499 }) },
      "trust_too_low",
      "The agent that hands over: Trust score 499 below threshold 500",
    ],
    [
      "who takes over has too little trust",
      { to: agent("x", { trustScore: 499 }) },
      "trust_too_low",
      "The agent that takes over: Trust score 499 below threshold 500",
    ],
    [
      "more trust is asked for",
      { minTrust: 701 },
      "trust_too_low",
      "The agent that hands over: Trust score 700 below threshold 701",
    ],
    [
      "who hands over is suspended",
      { from: agent("x", { status: "suspended" }) },
      "agent_not_active",
      "The agent that hands over: Agent status is 'suspended'",
    ],
    [
      "who takes over is revoked",
      { to: agent("x", { status: "revoked" }) },
      "agent_not_active",
      "The agent that takes over: Agent status is 'revoked'",
    ],
    [
      "who takes over has no DID",
      { to: { ...to, did: "billing" } },
      "identity_unverified",
      "The agent that takes over: The agent has no well-formed DID",
    ],
    [
      "who hands over is nobody",
      { from: null },
      "identity_unverified",
      "The agent that hands over: The agent has no well-formed DID",
    ],
    [
      "a score is NaN",
      { to: { ...to, trustScore: NaN } },
      "trust_too_low",
      "The agent that takes over: Trust score is no whole number from 0 to 1000, and so below threshold 500",
    ],
    [
      "capabilities are a string",
      { to: { ...to, capabilities: "refund" } },
      "missing_capabilities",
      "The agent that takes over: Missing capabilities: what it holds is no list of strings that are not empty",
    ],
    ["an agent hands over to itself", { to: from }, "action_blocked", "An agent cannot hand off to itself"],
    [
      "another object has the same DID",
      { to: agent("triage", { trustScore: 900 }) },
      "action_blocked",
      "An agent cannot hand off to itself",
    ],
    [
      "only the giver holds what is needed",
      { capabilities: ["triage"] },
      "missing_capabilities",
      "Missing capabilities: 1 of 1 required",
    ],
    [
      "only the taker holds what is needed",
      { capabilities: ["refund", "billing"] },
      "missing_capabilities",
      "Missing capabilities: 1 of 2 required",
    ],
  ])("denies, when %s", (_, fields, code, reason) => {
    expect(check(fields)).toMatchObject({ allowed: false, code, reason, capabilities: [], depth: 0 });
  });

  test.each([
    [0, 5, true],
    [4, 5, true],
    [5, 5, false],
    [6, 5, false],
    [0, 0, false],
    [0, 1, true],
    [-1, 5, false],
    [0.5, 5, false],
    [NaN, 5, false],
    [Infinity, 5, false],
    ["0", 5, false],
    [null, 5, false],
  ])("at depth %s of %d answers %s", (depth, maxDepth, allowed) => {
    const result = check({ depth, maxDepth });
    expect([result.allowed, result.code]).toEqual(allowed ? [true, ""] : [false, "action_blocked"]);
  });

  test("counts up to its limit and no further, when each hand-off names the last one's depth", () => {
    let depth = 0, count = 0;
    for (let result = check({ depth }); result.allowed; result = check({ depth })) {
      depth = result.depth;
      count++;
    }
    expect([depth, count]).toEqual([5, 5]);
  });

  test("answers the narrower capability, when matching is hierarchical", () => {
    const pair = { from: agent("x", { capabilities: ["read:*"] }), to: agent("y", { capabilities: ["read:db"] }) };
    expect(check({ ...pair, capabilityMatching: "hierarchical" }).capabilities).toEqual(["read:db"]);
    expect(check({ ...pair, capabilityMatching: "hierarchical", capabilities: ["read:db:users"] }).code).toBe(
      "missing_capabilities",
    );
    expect(check(pair).capabilities).toEqual([]);
  });

  test("answers a frozen result with the time of now, when no clock is given", () => {
    const before = Date.now();
    const result = checkHandoff({ from, to });
    expect([Object.isFrozen(result), Object.isFrozen(result.capabilities)]).toEqual([true, true]);
    expect([before, result.timestamp, Date.now()].toSorted((a, b) => a - b)[1]).toBe(result.timestamp);
  });

  test.each([
    ["maxDepth", 17],
    ["maxDepth", -1],
    ["maxDepth", NaN],
    ["maxDepth", "5"],
    ["minTrust", NaN],
    ["minTrust", 1001],
    ["minTrust", null],
    ["capabilities", "refund"],
    ["capabilities", null],
    ["capabilityMatching", "loose"],
    ["clock", 5],
    ["min_trust", 5],
  ])("throws and names the field, when %s is %s", (field, value) => {
    expect(() => check({ [field]: value })).toThrow(`Cannot build checkHandoff(): "${field}" must be `);
  });

  test("throws, when options are no object", () => {
    expect(() => checkHandoff(undefined as never)).toThrow('"options" must be an object');
  });

  test("reads a look-alike's score once, when it changes between reads", () => {
    let reads = 0;
    const shifty = Object.defineProperty({ ...to }, "trustScore", {
      get: () => (reads++ === 0 ? 10 : 1000),
    }) as AgentProfile;
    expect(check({ to: shifty }).code).toBe("trust_too_low");
  });
});
