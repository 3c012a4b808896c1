import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  capabilityCovers,
  commonCapabilities,
  hasAllCapabilities,
  hasAnyCapability,
  hasCapability,
} from "../../src/trust/capability.ts";
import type { AgentProfile } from "../../src/trust/profile.ts";

const like = (capabilities: unknown) =>
  ({
    did: "did:agentmesh:a1",
    name: "A",
    capabilities,
    trustScore: 900,
    status: "active",
    metadata: {},
  }) as AgentProfile;
const segment = fc.constantFrom("read", "readonly", "db", "users", "*", "");
const capability = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(":"))
  // Which is none, and refused: see below.
  .filter((text) => text !== "");
const some = fc.array(capability, { maxLength: 5 });

describe("capabilityCovers()", () => {
  test.each([
    ["read", "read", true],
    ["read:*", "read:db", true],
    ["read:*", "read:db:users", true],
    ["read:*", "read:db:users:7", true],
    ["read:db:*", "read:db:users", true],
    ["*", "read", true],
    ["*", "read:db", true],
    ["read:*", "read:*", true],
    ["read:*", "read:db:*", true],
    ["read:*", "read", false],
    ["read:*", "read:", false],
    ["read:*", "readonly:db", false],
    ["read:*", "write:db", false],
    ["read:db", "read", false],
    ["write:db:users", "write:db", false],
    ["read:db", "read:*", false],
    ["read:db:*", "read:*", false],
    ["read*", "read:db", false],
    ["read*", "readonly", false],
    ["*:db", "read:db", false],
    ["read:*:users", "read:db:users", false],
    ["READ:*", "read:db", false],
    ["read:*", "Read:db", false],
    ["read:db", "read:db2", false],
    ["read", "*", false],
    [":*", "*", false],
  ])("%j covers %j: %j", (held, wanted, answer) => {
    expect(capabilityCovers(held, wanted)).toBe(answer);
  });

  test.each<[string, unknown, unknown, string]>([
    ["wanted", "*", "", '""'],
    ["held", "", "", '""'],
    ["wanted", "read", undefined, "undefined"],
    ["wanted", "read", ["read"], "an array of 1"],
    ["held", "", "read", '""'],
    ["held", 7, "read", "7"],
    ["held", null, "read", "null"],
  ])("throws and names it, when %s is none (%j, %j)", (field, held, wanted, came) => {
    expect(() => capabilityCovers(held as string, wanted as string)).toThrow(
      new TypeError(
        `Cannot build capabilityCovers(): "${field}" must be a capability, which is a string that is not empty, and is ${came}`,
      ),
    );
  });

  test("is a partial order, when any capabilities are compared", () => {
    fc.assert(
      fc.property(capability, capability, capability, (a, b, c) => {
        expect(capabilityCovers(a, a)).toBe(true);
        if (capabilityCovers(a, b) && capabilityCovers(b, a)) expect(a).toBe(b);
        if (capabilityCovers(a, b) && capabilityCovers(b, c)) expect(capabilityCovers(a, c)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("hasCapability(), hasAllCapabilities(), hasAnyCapability()", () => {
  const trap = Object.assign(["read"], {
    includes: () => true,
    [Symbol.iterator]: () => ["admin"].values(),
    every: () => true,
    some: () => true,
  });
  test.each([
    ["a string", "read,admin"],
    ["absent", undefined],
    ["null", null],
    ["an object", { 0: "admin", length: 1 }],
    ["a Set", new Set(["admin"])],
    ["an array with a number", ["admin", 7]],
    ["an array with methods of its own", trap],
  ])("answer no, when what is held is %s", (_, capabilities) => {
    const agent = like(capabilities);
    expect([hasCapability(agent, "admin"), hasAllCapabilities(agent, ["admin"]), hasAnyCapability(agent, ["admin"])])
      .toEqual([false, false, false]);
  });

  test.each<[string, unknown, string, string]>([
    ["a string", "admin", "required", "an array of strings"],
    ["absent", undefined, "required", "an array of strings"],
    ["null", null, "required", "an array of strings"],
    ["a Set", new Set(["admin"]), "required", "an array of strings"],
    ["an array with a number", ["admin", 7], "required[1]", "a capability, which is a string that is not empty"],
    ["an array with a hole", new Array(1), "required[0]", "a capability, which is a string that is not empty"],
    ["an array with an empty one", ["admin", ""], "required[1]", "a capability, which is a string that is not empty"],
  ])("throw and name it, when what is required is %s", (_, required, field, wanted) => {
    // Whatever is held: a mistake is told before anybody is looked at.
    for (const agent of [like(["admin", "a"]), like([""]), null as unknown as AgentProfile]) {
      for (const [name, has] of [["All", hasAllCapabilities], ["Any", hasAnyCapability]] as const) {
        const ask = (): boolean => has(agent, required as string[]);
        expect(ask).toThrow(
          `Cannot build has${name}${
            name === "All" ? "Capabilities" : "Capability"
          }(): "${field}" must be ${wanted}, and is `,
        );
        expect(ask).toThrow(TypeError);
      }
    }
  });

  test.each<[unknown, string]>([["", '""'], [undefined, "undefined"], [null, "null"], [7, "7"], [
    ["admin"],
    "an array of 1",
  ]])(
    "throw and name it, when the one that is asked for is %j",
    (capability, came) => {
      for (const agent of [like(["admin", "*"]), like([""]), null as unknown as AgentProfile]) {
        expect(() => hasCapability(agent, capability as string)).toThrow(
          new TypeError(
            `Cannot build hasCapability(): "capability" must be a capability, which is a string that is not empty, and is ${came}`,
          ),
        );
      }
    },
  );

  test("answer no, when a profile that was made by hand holds an empty one", () => {
    const agent = like(["admin", ""]);
    expect([hasCapability(agent, "admin"), hasAllCapabilities(agent, []), hasAnyCapability(agent, ["admin"])]).toEqual([
      false,
      false,
      false,
    ]);
    // And a single letter is one.
    expect([hasCapability(like(["a"]), "a"), capabilityCovers("*", " ")]).toEqual([true, true]);
  });

  test.each([[null], [undefined], ["agent"], [Object.defineProperty({}, "capabilities", {
    get: () => {
      throw new Error("no");
    },
  })]])("answer no, when the agent is %j", (agent) => {
    expect([
      hasCapability(agent as AgentProfile, "a"),
      hasAllCapabilities(agent as AgentProfile, []),
      hasAnyCapability(agent as AgentProfile, ["a"]),
    ]).toEqual([false, false, false]);
  });

  test("are exact, when what is held looks like a wildcard", () => {
    expect([
      hasCapability(like(["read:*"]), "read:db"),
      hasCapability(like(["*"]), "read"),
      hasCapability(like(["read"]), "READ"),
    ]).toEqual([false, false, false]);
  });

  test("follow from each other, when any lists are compared", () => {
    fc.assert(fc.property(some, some, some, (held, a, b) => {
      const agent = like(held);
      expect(hasAllCapabilities(agent, [...a, ...b])).toBe(
        hasAllCapabilities(agent, a) && hasAllCapabilities(agent, b),
      );
      expect(hasAnyCapability(agent, [...a, ...b])).toBe(hasAnyCapability(agent, a) || hasAnyCapability(agent, b));
      expect(hasAllCapabilities(like([...held, "more"]), a) || !hasAllCapabilities(agent, a)).toBe(true);
    }));
  });
});

describe("commonCapabilities()", () => {
  const reach = (held: readonly string[], wanted: string) => held.some((one) => capabilityCovers(one, wanted));

  test("is the meet of a lattice, when matching is hierarchical", () => {
    fc.assert(
      fc.property(some, some, some, capability, (a, b, c, wanted) => {
        const meet = (x: readonly string[], y: readonly string[]) => commonCapabilities(x, y, "hierarchical");
        expect(reach(meet(a, b), wanted)).toBe(reach(a, wanted) && reach(b, wanted));
        expect(meet(a, b)).toEqual(meet(b, a));
        expect(meet(meet(a, b), c)).toEqual(meet(a, meet(b, c)));
        expect(meet(meet(a, a), a)).toEqual(meet(a, a));
      }),
      { numRuns: 1000 },
    );
  });

  test("leaves out what another one covers, when matching is hierarchical", () => {
    expect(commonCapabilities(["read:db", "read:*", "read:db"], ["read:*", "read:db"], "hierarchical")).toEqual([
      "read:*",
    ]);
  });

  test("is the intersection of sets, when matching is exact", () => {
    fc.assert(fc.property(some, some, (a, b) => {
      expect(commonCapabilities(a, b)).toEqual([...new Set(a.filter((one) => b.includes(one)))].sort());
    }));
  });

  test.each([["left", "read", []], ["right", [], "read"], ["left", null, []], ["right", [], new Set(["read"])]])(
    "throws and names the side, when %s is no array",
    (side, left, right) => {
      expect(() => commonCapabilities(left as string[], right as string[])).toThrow(
        `Cannot build commonCapabilities(): "${side}" must be an array of strings`,
      );
    },
  );

  test.each<[string, unknown, unknown]>([["left[1]", ["read", ""], ["read"]], ["right[0]", [], [7]]])(
    "throws and names the place, when %s is no capability",
    (place, left, right) => {
      expect(() => commonCapabilities(left as string[], right as string[])).toThrow(
        `"${place}" must be a capability, which is a string that is not empty`,
      );
    },
  );

  test("throws, when the matching is unknown", () => {
    expect(() => commonCapabilities([], [], "prefix" as "exact")).toThrow(
      '"capabilityMatching" must be exact or hierarchical, and is "prefix"',
    );
  });
});
