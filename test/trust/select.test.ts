import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AgentProfile, agentProfile } from "../../src/trust/profile.ts";
import { selectAgents } from "../../src/trust/select.ts";

const agent = (
  name: string,
  trustScore: number,
  capabilities: string[] = [],
  status: AgentProfile["status"] = "active",
) => agentProfile({ did: `did:agentmesh:${name}`, name, trustScore, capabilities, status });
const names = (agents: readonly AgentProfile[]) => agents.map(({ name }) => name).join("");

describe("selectAgents()", () => {
  const agents = [
    agent("a", 600, ["read"]),
    agent("b", 900, ["read", "write"]),
    agent("c", 600, ["read:*"]),
    agent("d", 1000, ["read", "write"], "suspended"),
    agent("e", 1000, ["write"], "revoked"),
    agent("f", 100, ["read", "write"]),
  ];

  test.each(
    [
      [{}, "bac"],
      [{ minTrust: 0 }, "bacf"],
      [{ minTrust: 601 }, "b"],
      [{ minTrust: 600 }, "bac"],
      [{ minTrust: 1000 }, ""],
      [{ capabilities: ["read"] }, "ba"],
      [{ capabilities: ["read", "write"], minTrust: 0 }, "bf"],
      [{ capabilities: ["read:db"] }, ""],
      [{ capabilities: ["read:db"], capabilityMatching: "hierarchical" }, "c"],
      [{ capabilities: [] }, "bac"],
    ] as const,
  )("answers the active ones that will do, best first and stable, when asked for %j", (options, wanted) => {
    expect(names(selectAgents(agents, options))).toBe(wanted);
  });

  test("answers the same objects in a new array, when it chooses", () => {
    const chosen = selectAgents(agents);
    expect(chosen[0]).toBe(agents[1]);
    chosen.length = 0;
    expect(agents.length).toBe(6);
  });

  test.each([{ trustScore: NaN }, { trustScore: "900" }, { status: "Active" }, { capabilities: "read,write" }, {
    did: "b",
  }])("leaves a look-alike out, when it has %j", (fields) => {
    const like = { ...agent("b", 900, ["read"]), ...fields } as AgentProfile;
    expect(selectAgents([like, null as never, agent("a", 600)], { minTrust: 0 }).map(({ name }) => name)).toEqual([
      "a",
    ]);
  });

  test("is sorted, stable and idempotent, whatever the scores", () => {
    fc.assert(fc.property(fc.array(fc.constantFrom(500, 600, 700)), (scores) => {
      const some = scores.map((score, index) => agent(`n${index}`, score));
      const chosen = selectAgents(some);
      expect(chosen.map(({ trustScore }) => trustScore)).toEqual(scores.toSorted((a, b) => b - a));
      for (const score of [500, 600, 700]) {
        expect(chosen.filter(({ trustScore }) => trustScore === score)).toEqual(
          some.filter(({ trustScore }) => trustScore === score),
        );
      }
      expect(selectAgents(chosen)).toEqual(chosen);
    }));
  });

  test.each([
    ["agents", {}, {}],
    ["agents", null, {}],
    ["minTrust", [], { minTrust: NaN }],
    ["minTrust", [], { minTrust: null }],
    ["minTrust", [], { minTrust: "500" }],
    ["capabilities", [], { capabilities: "read" }],
    ["capabilities", [], { capabilities: null }],
    ["capabilityMatching", [], { capabilityMatching: "loose" }],
    ["limit", [], { limit: 3 }],
    ["options", [], null],
  ])("throws and names the field, when %s is wrong (%#)", (field, given, options) => {
    expect(() => selectAgents(given as never, options as never)).toThrow(
      `Cannot build selectAgents(): "${field}" must be `,
    );
  });
});
