import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ActionGuard, actionGuard } from "../../src/trust/action-guard.ts";
import { capabilityCovers, commonCapabilities, hasCapability } from "../../src/trust/capability.ts";
import { checkHandoff } from "../../src/trust/handoff.ts";
import { type AgentProfile, agentProfile } from "../../src/trust/profile.ts";
import { selectAgents } from "../../src/trust/select.ts";

type Options = NonNullable<Parameters<typeof actionGuard>[0]>;
// deno-lint-ignore no-explicit-any
const vectors = (name: string): any =>
  JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), "utf8"));
const like = (fields: Record<string, unknown> = {}) =>
  ({
    did: "did:agentmesh:a1",
    name: "A",
    capabilities: ["read"],
    trustScore: 900,
    status: "active",
    metadata: {},
    ...fields,
  }) as AgentProfile;
const build = (options: unknown): ActionGuard => actionGuard(options as Options);

describe("vectors", () => {
  const { checks } = vectors("trust") as {
    checks: {
      guard: Options;
      agent: AgentProfile;
      action: string;
      requiredCapabilities: string[] | null;
      allowed: boolean;
      code: string;
      trustScore: number;
    }[];
  };

  test("check() decides as the reference, when it is asked its 300 questions about profiles and look-alikes", () => {
    expect(checks.length).toBe(300);
    for (const { guard, agent, action, requiredCapabilities, ...wanted } of checks) {
      for (const shape of [agentProfile(agent), agent]) {
        expect(
          actionGuard(guard).check(shape, action, requiredCapabilities ?? undefined),
          JSON.stringify({ guard, agent, action }),
        ).toMatchObject({ ...wanted, agentDid: agent.did, action });
      }
    }
  });
});

describe("attacks", () => {
  interface Case {
    id: string;
    kind: string;
    category: string;
    setup: { guard: Options };
    input: string;
    expected: string;
  }
  const cases = (vectors("attacks").cases as Case[]).filter(({ kind }) => kind === "action");

  test("are there to be tried", () => {
    expect(cases.map(({ id }) => id)).toEqual([
      "TG-01",
      "TG-04",
      "TG-07",
      "TG-10",
      "TG-13",
      "TG-22",
      "TG-26",
      "TG-31",
      "TG-34",
      "TG-38",
      "TG-41",
      "TG-44",
    ]);
  });

  test.each(cases)("check() answers $expected, when $id is tried: $description", ({ setup, input, expected }) => {
    // The inputs are expressions, since JSON has no NaN and no functions.
    const { agent, action, required } = new Function(`return ${input}`)() as {
      agent: AgentProfile;
      action: string;
      required?: string[];
    };
    expect(actionGuard(setup.guard).check(agent, action, required).allowed).toBe(expected === "allow");
  });

  test("check() denies, when capabilities were changed after the profile was made (TG-47)", () => {
    const capabilities = ["read"];
    const agent = agentProfile({ did: "did:agentmesh:a1", name: "A", capabilities, trustScore: 900 });
    capabilities.push("*");
    expect(() => (agent.capabilities as string[]).push("admin")).toThrow(TypeError);
    expect(actionGuard({ capabilityMatching: "hierarchical" }).check(agent, "q", ["admin"]).code).toBe(
      "missing_capabilities",
    );
  });
});

describe("malformed agents", () => {
  const guard = actionGuard({ minTrustScore: 0 });

  test.each([
    NaN,
    Infinity,
    -Infinity,
    -1,
    1001,
    900.5,
    "900",
    [900],
    { valueOf: () => 900 },
    900n,
    true,
    null,
    undefined,
    Object(900),
    Symbol("900"),
    () => 900,
  ])(
    "check() denies with trust_too_low, when the score is %s",
    (trustScore) => {
      const result = guard.check(like({ trustScore }), "search");
      expect(result).toMatchObject({ allowed: false, code: "trust_too_low", trustScore: 0 });
      expect(result.reason).toContain("below threshold");
    },
  );

  test.each([
    "Active",
    "ACTIVE",
    " active",
    "active ",
    "active\n",
    "actıve",
    "",
    "suspended",
    "revoked",
    "revoked\u200b",
    undefined,
    null,
    1,
    true,
    ["active"],
    { toString: () => "active" },
  ])(
    "check() denies with agent_not_active, when the status is %j",
    (status) => {
      const result = guard.check(like({ status }), "search");
      expect(result.code).toBe("agent_not_active");
      expect(result.reason).toMatch(/^Agent status is (?:'suspended'|'revoked'|not 'active')$/);
    },
  );

  test.each([undefined, null, "", "a1", "did:agentmesh:", "did:agentmesh:a\nb", "did:agentmesh:__proto__", 7, [
    "did:agentmesh:a1",
  ]])(
    "check() denies with identity_unverified, when the DID is %j",
    (did) => {
      expect(guard.check(like({ did }), "search")).toMatchObject({ code: "identity_unverified", agentDid: "" });
    },
  );

  test.each(["read", "read,write", undefined, null, { 0: "read", length: 1 }, ["read", 7], new Set(["read"])])(
    "check() denies with missing_capabilities, when what is held is %j",
    (capabilities) => {
      expect([guard.check(like({ capabilities }), "q").code, guard.check(like({ capabilities }), "q", ["read"]).code])
        .toEqual(["missing_capabilities", "missing_capabilities"]);
    },
  );

  test.each(["read", 7, true, {}, [7], ["read", undefined], new Set(["read"])])(
    "check() denies with missing_capabilities, when what is required is %j",
    (required) => {
      for (const agent of [like(), agentProfile(like())]) {
        expect(guard.check(agent, "q", required as string[]).code)
          .toBe("missing_capabilities");
      }
    },
  );

  test.each([undefined, null, 7, "did:agentmesh:a1", [], () => like()])(
    "check() denies with identity_unverified, when the agent is %s",
    (agent) => {
      expect(guard.check(agent as unknown as AgentProfile, "search").code).toBe("identity_unverified");
    },
  );

  test("check() denies, when a field of the agent throws", () => {
    expect(
      guard.check(
        Object.defineProperty(like(), "status", {
          get: () => {
            throw new Error("no");
          },
        }),
        "search",
      ).code,
    ).toBe("identity_unverified");
  });

  test("check() denies, when a profile comes in a proxy or as a prototype", () => {
    const agent = agentProfile({ did: "did:agentmesh:a1", name: "A", trustScore: 10 });
    const proxy = new Proxy(agent, {});
    expect([guard.check(proxy, "search").code, guard.check(Object.create(agent), "search").code]).toEqual([
      "identity_unverified",
      "identity_unverified",
    ]);
  });

  test("check() judges the first answer, when a field changes between reads", () => {
    let reads = 0;
    const agent = Object.defineProperty(like(), "trustScore", { get: () => (reads++ === 0 ? 10 : 1000) });
    expect(actionGuard().check(agent, "search")).toMatchObject({ allowed: false, trustScore: 10 });
    expect(reads).toBe(1);
  });

  test("check() never throws and never allows, when anything but a profile is shown", () => {
    const fields = fc.record({
      did: fc.anything(),
      status: fc.anything(),
      trustScore: fc.anything(),
      capabilities: fc.anything(),
    }, { requiredKeys: [] });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fields), fc.anything(), fc.anything(), (agent, action, required) => {
        expect(guard.check(agent as AgentProfile, action as string, required as string[]).allowed).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe("actions", () => {
  const guard = actionGuard({
    minTrustScore: 500,
    sensitiveActions: { delete_record: 800, Delete_Record: 950, ping: 100 },
    blockedActions: ["drop_table"],
    requiredCapabilities: { deploy: ["deploy", "sign"], pay: ["pay"], PAY: ["cash"] },
  });
  const codeOf = (action: unknown, trustScore = 600, capabilities: string[] = []) =>
    guard.check(like({ trustScore, capabilities }), action as string).code;

  test.each([
    "drop_table",
    "DROP_TABLE",
    "Drop_Table",
    " drop_table",
    "drop_table\t",
    "drop_\u200btable",
    "\uff44rop_table",
    "drop\u00ad_table",
    "Straße",
  ])(
    "check() denies with action_blocked, when %j is asked for",
    (action) => {
      expect(codeOf(action, 1000)).toBe("action_blocked");
    },
  );

  test.each([
    "drоp_table", // Cyrillic о
    "drοp_table", // Greek omicron
    "ｄrop_table",
    "drop_tаble",
    "dr\u0501p_table",
    "drop\u2044table",
    "drop table",
    "search\u0301",
    "пуск",
    "model:gрt",
    "model:gpt x",
    "say:gpt@1",
  ])("check() denies with action_blocked, when %j looks like another name or is none", (action) => {
    for (const built of [guard, actionGuard(), actionGuard({ blockedActions: ["x"] })]) {
      expect(built.check(like({ trustScore: 1000 }), action).code).toBe("action_blocked");
    }
  });

  test.each([
    "search",
    "fs:read/file.txt",
    "mcp__github__issue",
    "model:gpt-4o",
    "model:claude-3@20240620",
    "model:@cf/x+y",
  ])(
    "check() allows, when the name is %j",
    (action) => {
      for (const built of [guard, actionGuard()]) {
        expect(built.check(like({ trustScore: 1000 }), action).code).toBe("");
        // Remembered, and answered the same.
        expect(built.check(like({ trustScore: 1000 }), action).code).toBe("");
      }
    },
  );

  test("check() names the charset, when a name was not configured and cannot be an action's", () => {
    expect(guard.check(like(), "пуск").reason).toContain("letters, digits and _ . : / -");
  });

  test("an empty capability or requirement is an error, wherever it stands", () => {
    expect(() => actionGuard({ requiredCapabilities: { deploy: ["deploy", ""] } })).toThrow(
      '"requiredCapabilities.deploy[1]" must be a capability, which is a string that is not empty',
    );
    expect(() => agentProfile({ did: "did:agentmesh:a", name: "A", capabilities: [""] })).toThrow('"capabilities[0]"');
    expect(() => commonCapabilities(["read", ""], ["read"])).toThrow('"left[1]"');
    expect(() => selectAgents([], { capabilities: [""] })).toThrow('"capabilities[0]"');
    const agent = agentProfile({ did: "did:agentmesh:a", name: "A", capabilities: ["*"] });
    expect(() => checkHandoff({ from: agent, to: agent, capabilities: [""] })).toThrow('"capabilities[0]"');
    const hierarchical = actionGuard({ capabilityMatching: "hierarchical" });
    expect(hierarchical.check(agent, "q", [""])).toMatchObject({
      allowed: false,
      code: "missing_capabilities",
      reason: "Missing capabilities: one that is required is empty",
    });
    expect(hierarchical.check(agent, "q", "x" as never).reason).toBe(
      "Missing capabilities: what is required is no list of strings",
    );
    expect(hierarchical.check(agent, "q", ["x"]).code).toBe("");
    expect(actionGuard().check(like({ capabilities: [""] }), "q", []).code).toBe("missing_capabilities");
    expect(actionGuard().check(like({ capabilities: [""] }), "q", [""]).code).toBe("missing_capabilities");
    expect(() => hasCapability(like({ capabilities: [""] }), "")).toThrow('"capability"');
    expect(() => capabilityCovers("*", "")).toThrow('"wanted"');
  });

  test("check() repeats no name in its reason, when the name could break a line or a terminal", () => {
    expect(guard.check(like(), "drop_table\n").reason).toBe("The action is blocked by policy");
  });

  test.each([undefined, null, 7, "", ["search"], { toString: () => "search" }, Symbol("search"), "a".repeat(513)])(
    "check() denies with action_blocked, when the action is %s",
    (action) => {
      expect(codeOf(action, 1000)).toBe("action_blocked");
      expect(typeof guard.check(like(), action as string).action).toBe("string");
    },
  );

  test.each([
    ["delete_record", 799, "trust_too_low"],
    ["delete_record", 800, ""],
    ["Delete_Record", 949, "trust_too_low"],
    ["Delete_Record", 950, ""],
    ["DELETE_RECORD", 949, "trust_too_low"],
    ["DELETE_RECORD", 950, ""],
    ["ping", 100, ""],
    ["ping", 99, "trust_too_low"],
    ["PING", 499, "trust_too_low"],
    ["PING", 500, ""],
  ])("check() judges %s at %d as %j, since a variant needs at least what is configured", (action, score, code) => {
    expect(codeOf(action, score)).toBe(code);
  });

  test.each([
    ["deploy", ["deploy"], "missing_capabilities"],
    ["deploy", ["deploy", "sign"], ""],
    ["DEPLOY", ["deploy"], "missing_capabilities"],
    ["DEPLOY", ["sign", "deploy"], ""],
    ["pay", ["pay"], ""],
    ["PAY", ["pay"], "missing_capabilities"],
    ["Pay", ["pay"], "missing_capabilities"],
    ["Pay", ["pay", "cash"], ""],
  ])("check() asks for the capabilities of %s, when %j are held", (action, held, code) => {
    expect(codeOf(action, 600, held)).toBe(code);
  });

  test("check() adds the call's list to the action's, when both name capabilities", () => {
    expect(guard.check(like({ capabilities: ["pay"] }), "pay", ["admin"])).toMatchObject({
      code: "missing_capabilities",
      reason: "Missing capabilities: 1 of 2 required",
    });
  });

  test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"])(
    "check() treats %s as a name like any other, when it is not configured",
    (name) => {
      expect([codeOf(name, 10), codeOf(name, 500)]).toEqual(["trust_too_low", ""]);
    },
  );

  test("check() has what was configured, when the name is __proto__", () => {
    const options = {
      sensitiveActions: JSON.parse('{"__proto__":800}'),
      requiredCapabilities: JSON.parse('{"__proto__":["admin"]}'),
    };
    expect(build(options).check(like({ trustScore: 700 }), "__proto__").code).toBe("trust_too_low");
    expect(build(options).check(like(), "__proto__").code).toBe("missing_capabilities");
    expect(build({ blockedActions: ["__proto__"] }).check(like(), "__proto__").code).toBe("action_blocked");
  });

  test("check() decides as before, when more names were asked for than are remembered", () => {
    for (let i = 0; i < 1100; i++) guard.check(like(), `name_${i}`);
    expect([codeOf("Drop_table", 1000), codeOf("other_name", 500), codeOf("DELETE_record", 900)]).toEqual([
      "action_blocked",
      "",
      "trust_too_low",
    ]);
  });
});

describe("capabilities", () => {
  test.each([
    ["TG-41", ["read:*"], ["read"], false],
    ["TG-42", ["read:*"], ["readonly:db"], false],
    ["TG-43", ["read:*"], ["read:db"], true],
    ["TG-44", ["write:db:users"], ["write:db"], false],
    ["TG-45", ["read:db:users:*"], ["read:db:users:7"], true],
    ["deep", ["read:*"], ["read:db:users:7"], true],
    ["several", ["read:*", "write:db"], ["read:x", "write:db"], true],
    ["one of two", ["read:*"], ["read:x", "write:x"], false],
  ])("check() follows the hierarchy, when %s is tried", (_, held, required, allowed) => {
    for (const agent of [like({ capabilities: held }), agentProfile(like({ capabilities: held }))]) {
      expect(actionGuard({ capabilityMatching: "hierarchical" }).check(agent, "q", required).allowed).toBe(allowed);
    }
  });

  test("check() knows no hierarchy, when none was asked for", () => {
    expect(actionGuard().check(like({ capabilities: ["read:*", "*"] }), "q", ["read:db"]).allowed).toBe(false);
  });
});

describe("laws", () => {
  const scores = fc.integer({ min: 0, max: 1000 });
  const names = fc.constantFrom("a", "b", "A", "__proto__", "c:d");

  test("more trust and more capabilities never turn an allowance into a denial, whatever the guard", () => {
    fc.assert(
      fc.property(
        scores,
        scores,
        fc.dictionary(names, scores),
        fc.array(names),
        names,
        fc.array(names),
        fc.array(names),
        fc.array(names),
        (min, score, sensitiveActions, blockedActions, action, held, required, extra) => {
          const guard = actionGuard({ minTrustScore: min, sensitiveActions, blockedActions });
          const less = guard.check(like({ trustScore: score, capabilities: held }), action, required).allowed;
          const more = guard.check(
            like({ trustScore: Math.min(1000, score + extra.length * 100), capabilities: [...held, ...extra] }),
            action,
            required,
          ).allowed;
          expect(more || !less).toBe(true);
        },
      ),
    );
  });

  test("blocking more or requiring more never turns a denial into an allowance, whoever asks", () => {
    fc.assert(
      fc.property(
        scores,
        names,
        fc.array(names),
        fc.array(names),
        names,
        fc.array(names),
        (trustScore, action, held, required, more, blockedActions) => {
          const agent = like({ trustScore, capabilities: held });
          const before = actionGuard({ blockedActions }).check(agent, action, required).allowed;
          expect(
            before ||
              !actionGuard({ blockedActions: [...blockedActions, more] }).check(agent, action, required).allowed,
          ).toBe(true);
          expect(before || !actionGuard({ blockedActions }).check(agent, action, [...required, more]).allowed).toBe(
            true,
          );
        },
      ),
    );
  });
});

describe("construction", () => {
  test.each([
    [{ minTrustScore: NaN }, RangeError, '"minTrustScore" must be a whole number from 0 to 1000, and is NaN'],
    [{ minTrustScore: Infinity }, RangeError, '"minTrustScore"'],
    [{ minTrustScore: -1 }, RangeError, '"minTrustScore"'],
    [{ minTrustScore: 1001 }, RangeError, '"minTrustScore"'],
    [{ minTrustScore: "500" }, TypeError, '"minTrustScore" must be a whole number from 0 to 1000, and is "500"'],
    [{ minTrustScore: null }, TypeError, '"minTrustScore"'],
    [{ minTrustScore: 500n }, TypeError, '"minTrustScore"'],
    [{ sensitiveActions: { deploy: NaN } }, RangeError, '"sensitiveActions.deploy"'],
    [{ sensitiveActions: { deploy: "900" } }, TypeError, '"sensitiveActions.deploy"'],
    [{ sensitiveActions: JSON.parse('{"__proto__":"900"}') }, TypeError, '"sensitiveActions.__proto__"'],
    [{ sensitiveActions: new Map([["deploy", 900]]) }, TypeError, '"sensitiveActions" must be a plain object'],
    [{ sensitiveActions: ["deploy"] }, TypeError, '"sensitiveActions"'],
    [{ sensitiveActions: null }, TypeError, '"sensitiveActions"'],
    [{ blockedActions: "drop_table" }, TypeError, '"blockedActions" must be an array of strings'],
    [{ blockedActions: [7] }, TypeError, '"blockedActions[0]"'],
    [{ blockedActions: new Set() }, TypeError, '"blockedActions"'],
    [{ requiredCapabilities: { deploy: "deploy" } }, TypeError, '"requiredCapabilities.deploy"'],
    [{ requiredCapabilities: { deploy: [7] } }, TypeError, '"requiredCapabilities.deploy[0]"'],
    [{ requiredCapabilities: [] }, TypeError, '"requiredCapabilities"'],
    [{ capabilityMatching: "prefix" }, TypeError, '"capabilityMatching" must be exact or hierarchical'],
    [{ clock: 7 }, TypeError, '"clock" must be a function'],
    [{ min_trust_score: 900 }, TypeError, '"min_trust_score"'],
    [null, TypeError, '"options"'],
    [[], TypeError, '"options"'],
  ])("actionGuard() throws and names the field, when an option is wrong (%#)", (options, error, text) => {
    expect(() => build(options)).toThrow(error);
    expect(() => build(options)).toThrow(`Cannot build actionGuard(): ${text}`);
  });

  test("actionGuard() takes zero for zero, when a threshold is 0", () => {
    expect([
      build({ minTrustScore: 0 }).check(like({ trustScore: 0 }), "a").allowed,
      build({ sensitiveActions: { a: 0 } }).check(like({ trustScore: 0 }), "a").allowed,
    ]).toEqual([true, true]);
  });

  test("actionGuard() keeps its own copy, when the options are changed later", () => {
    const options = {
      sensitiveActions: { deploy: 900 } as Record<string, number>,
      blockedActions: ["drop"],
      requiredCapabilities: { sign: ["sign"] },
    };
    const guard = actionGuard(options);
    options.sensitiveActions["deploy"] = 0;
    options.blockedActions.length = 0;
    options.requiredCapabilities.sign.length = 0;
    expect(["deploy", "drop", "sign"].map((action) => guard.check(like({ trustScore: 600 }), action).code)).toEqual([
      "trust_too_low",
      "action_blocked",
      "missing_capabilities",
    ]);
    expect(Object.isFrozen(guard)).toBe(true);
  });

  test("check() tells the time of the clock, when one is given", () => {
    let now = 41;
    const guard = actionGuard({ clock: () => ++now });
    expect([guard.check(like(), "a").timestamp, guard.check(like(), "a").timestamp]).toEqual([42, 43]);
    const before = Date.now();
    expect(actionGuard().check(like(), "a").timestamp).toBeGreaterThanOrEqual(before);
  });
});

describe("a configured name that no action can have", () => {
  test.each([
    ["nothing", ""],
    ["a blank at its end", "drop_database "],
    ["a letter that only looks like another", "dr\u043ep_database"],
    ["an accent", "dr\u00f6p"],
    ["an invisible character", "drop\u200b_database"],
    ["a blank after model:", "model: gpt"],
  ])("is refused, when it is %s", (_, name) => {
    const wanted = "letters, digits and _ . : / -, after model: any printable ASCII";
    expect(() => actionGuard({ blockedActions: ["drop", name] })).toThrow(`"blockedActions[1]" must be ${wanted}`);
    expect(() => actionGuard({ sensitiveActions: { [name]: 900 } })).toThrow(`must be ${wanted}`);
    expect(() => actionGuard({ requiredCapabilities: { [name]: ["x"] } })).toThrow(`must be ${wanted}`);
  });

  test.each(["DROP", "files:read/all", "model:@cf/meta/llama-3.1-8b+lora", "__proto__", "x".repeat(512)])(
    "is taken, when it is %s",
    (name) => {
      const agent = agentProfile({ did: "did:agentmesh:a", name: "A", trustScore: 1000 });
      expect(actionGuard({ blockedActions: [name] }).check(agent, name).code).toBe("action_blocked");
    },
  );
});
