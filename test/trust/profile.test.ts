import { describe, expect, test } from "vitest";
import { agentProfile } from "../../src/trust/profile.ts";

const base = { did: "did:agentmesh:a1", name: "Alpha" } as const;
// Tests pass what the types forbid.
const make = (init: unknown) => agentProfile(init as Parameters<typeof agentProfile>[0]);

describe("agentProfile()", () => {
  test.each([
    "did:agentmesh:deployer",
    "did:agentmesh:tenantA:deployer",
    "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
    "did:web:example.com%3A8443",
    "did:x:a_b-c.d",
    "did:x:__proto__a:a__proto__",
    `did:x:${"a".repeat(506)}`,
    "did:agentmesh:constructor",
  ])("takes a DID, when it is %s", (did) => {
    expect(make({ ...base, did }).did).toBe(did);
  });

  test.each([
    undefined,
    null,
    7,
    "",
    "did:",
    "did:agentmesh",
    "did:agentmesh:",
    "did::a",
    "DID:agentmesh:a",
    "did:AgentMesh:a",
    "did:agentmesh:a:",
    "did:agentmesh::a",
    "agentmesh:a",
    "did:agentmesh:a\n",
    "\ndid:agentmesh:a",
    "did:agentmesh:a b",
    "did:agentmesh:a\u200b",
    "did:agentmesh:\u0430",
    "did:agentmesh:__proto__",
    "did:agentmesh:__proto__:a",
    "did:agentmesh:a:__proto__",
    "did:agentmesh:a#key",
    "did:agentmesh:a/path",
    "did:agentmesh:a?q=1",
    "did:x:%zz",
    "did:x:%4",
    `did:x:${"a".repeat(507)}`,
    ["did:agentmesh:a"],
    { toString: () => "did:agentmesh:a" },
  ])("throws and names the field, when the DID is %j", (did) => {
    expect(() => make({ ...base, did })).toThrow(
      /^Cannot build agentProfile\(\): "did" must be a DID such as did:agentmesh:deployer, and is /,
    );
  });

  test.each([
    ["name", undefined, TypeError],
    ["name", "", TypeError],
    ["name", 7, RangeError],
    ["name", "a\u001b[31m", TypeError],
    ["name", "a".repeat(257), TypeError],
    ["capabilities", "read,admin", TypeError],
    ["capabilities", null, TypeError],
    ["capabilities", ["read", 7], TypeError],
    ["capabilities", [""], TypeError],
    ["capabilities", ["read\n"], TypeError],
    ["capabilities", [, "read"], TypeError],
    ["trustScore", NaN, RangeError],
    ["trustScore", Infinity, RangeError],
    ["trustScore", -1, RangeError],
    ["trustScore", 1001, RangeError],
    ["trustScore", 500.5, RangeError],
    ["trustScore", "900", TypeError],
    ["trustScore", null, TypeError],
    ["trustScore", 900n, TypeError],
    ["trustScore", { valueOf: () => 900 }, TypeError],
    ["status", "Active", TypeError],
    ["status", "active ", TypeError],
    ["status", null, TypeError],
    ["status", "banned", TypeError],
    ["status", ["active"], TypeError],
    ["metadata", null, TypeError],
    ["metadata", [], TypeError],
    ["metadata", "x", TypeError],
    ["metadata", { when: new Date(0) }, TypeError],
    ["metadata", { f() {} }, TypeError],
    ["metadata", JSON.parse('{"__proto__":{}}'), TypeError],
    ["trust_score", 900, TypeError],
  ])("throws and names the field, when %s is wrong (%#)", (field, value, error) => {
    const build = () => make({ ...base, [field]: value });
    expect(build).toThrow(error);
    expect(build).toThrow(`"${field}`);
  });

  test.each([[null], [[]], ["did:agentmesh:a1"], [undefined]])("throws, when it is given %j", (init) => {
    expect(() => make(init)).toThrow('"options" must be an object');
  });

  test("throws, when metadata goes round in a circle", () => {
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect(() => make({ ...base, metadata: circle })).toThrow("a cycle");
  });

  test("refuses inherited fields, when a prototype was polluted", () => {
    expect(make(Object.assign(Object.create({ trustScore: 1000, status: "active", capabilities: ["admin"] }), base)))
      .toMatchObject({ trustScore: 500, capabilities: [] });
  });

  test("copies and freezes everything, when the caller goes on changing its own", () => {
    const capabilities = ["read"], metadata = { team: { name: "ops", tags: ["a"] } };
    const agent = make({ ...base, capabilities, metadata });
    capabilities.push("*");
    metadata.team.name = "root";
    metadata.team.tags.push("b");
    expect(agent.capabilities).toEqual(["read"]);
    expect(agent.metadata).toEqual({ team: { name: "ops", tags: ["a"] } });
    for (
      const write of [
        () => (agent.capabilities as string[]).push("admin"),
        () => ((agent.metadata["team"] as { name: string }).name = "root"),
        () => ((agent as { status: string }).status = "revoked"),
        () => ((agent as { trustScore: number }).trustScore = 1000),
        () => Object.defineProperty(agent, "trustScore", { value: 1000 }),
        () => Object.setPrototypeOf(agent, { trustScore: 1000 }),
      ]
    ) expect(write).toThrow(TypeError);
    expect(agent).toMatchObject({ trustScore: 500, status: "active" });
  });

  test("shows the score like any field, when it is spread or printed", () => {
    const agent = make({ ...base, trustScore: 700 });
    expect({ ...agent }.trustScore).toBe(700);
    expect(JSON.parse(JSON.stringify(agent))).toEqual({
      ...base,
      capabilities: [],
      trustScore: 700,
      status: "active",
      metadata: {},
    });
  });

  test("takes a profile, when it is to be made again", () => {
    expect({ ...make(make({ ...base, trustScore: 10, capabilities: ["a"] })) }).toMatchObject({
      trustScore: 10,
      capabilities: ["a"],
    });
  });
});
