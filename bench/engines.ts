/**
 * How fast do other engines say who may call which tool?
 *
 * They are asked about the tool's name alone, as each of them is meant to be, and so is `session.check` under a policy
 * of tools alone; the
 * one under the whole policy copies the arguments and searches them too.
 * Then the whole question, tool and patterns, for those that leave the arguments to their user: with the printed form
 * searched.
 */
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { allowTools, createKernel, type ExecutionContext, type GovernedRequest, type Taking } from "../mod.ts";
import { ask, type Contestant, type Promised } from "./harness/ask.ts";
import { peer } from "./harness/peers.ts";
import {
  BLOCKED,
  type Call,
  casesOf,
  clean,
  copy,
  PATTERNS,
  readEffect,
  SMALL,
  TOOLS,
  UNLIMITED,
  type Verdict,
} from "./harness/scenario.ts";

interface AgentGovernance {
  PolicyEngine: new (rules?: readonly object[]) => {
    loadPolicy(policy: object): void;
    evaluate(action: string, context: object): string;
    evaluatePolicy(did: string, context: object): { allowed: boolean };
  };
}
interface Casl {
  createMongoAbility(rules: readonly object[]): { can(action: string, subject: string): boolean };
}
interface Casbin {
  newModelFromString(text: string): object;
  newEnforcer(
    model: object,
  ): Promise<{ addPolicy(...rule: string[]): Promise<boolean>; enforceSync(...request: string[]): boolean }>;
}
interface Cedar {
  preparsePolicySet(id: string, policies: object): { type: string };
  statefulIsAuthorized(call: object): { type: string; response?: { decision: string } };
}

const effectOf = (isAllowed: boolean): Verdict => (isAllowed ? "allow" : "deny");
const read = (answer: unknown): Verdict => (typeof answer === "boolean" ? effectOf(answer) : readEffect(answer));
const session = createKernel({ policy: { ...UNLIMITED, allowedTools: TOOLS, blockedPatterns: PATTERNS } }).session({
  agentId: "bench",
});
const ofTools = createKernel({ policy: { ...UNLIMITED, allowedTools: TOOLS } }).session({ agentId: "bench" });
const NOTHING = {};
const gate = allowTools(TOOLS);
const context = {} as ExecutionContext;
const taking: Taking = { dry: true, take: () => {} };
const names = new Set(TOOLS);
const ALLOW = { effect: "allow" } as const;
const DENY = { effect: "deny" } as const;
const kept = { copied: undefined as unknown };

const byName: Record<string, Contestant<Call, Verdict>> = {
  "session.check, arguments too": {
    run: ({ name, payload }) => session.check({ stage: "pre_tool_call", name, payload }),
    read,
  },
  "session.check, tools alone": {
    run: ({ name }) => ofTools.check({ stage: "pre_tool_call", name, payload: NOTHING }),
    read,
  },
  "allowTools": { run: (call) => gate(call as GovernedRequest, context, taking), read },
  "Set.has in a function": { run: ({ name }) => (names.has(name) ? ALLOW : DENY), read },
};
const whole: Record<string, Contestant<Call, Verdict>> = {
  "session.check": byName["session.check, arguments too"] as Contestant<Call, Verdict>,
  "fused by hand, with the copy": {
    run: ({ name, payload }) => (names.has(name) && clean(kept.copied = copy(payload)) ? ALLOW : DENY),
    read,
  },
};
const promises: Promised[] = [];

const agt = await peer<AgentGovernance>("@microsoft/agent-governance-sdk");
if (agt !== undefined) {
  const engineOf = (rules: readonly object[]) => {
    const engine = new agt.PolicyEngine();
    engine.loadPolicy({ name: "bench", agents: ["*"], default_action: "deny", rules });
    return engine;
  };
  const one = engineOf([{
    name: "tools",
    condition: `tool in [${TOOLS.map((name) => `'${name}'`).join(", ")}]`,
    ruleAction: "allow",
  }]);
  const ten = engineOf(
    Array.from(
      { length: 10 },
      (_, at) => ({ name: `tool ${at}`, condition: `tool == '${TOOLS[at] ?? `other_${at}`}'`, ruleAction: "allow" }),
    ),
  );
  const legacy = new agt.PolicyEngine(TOOLS.map((action) => ({ action, effect: "allow" })));
  byName["agent-governance-sdk evaluatePolicy, 1 rule"] = {
    run: ({ name }) => one.evaluatePolicy("did:mesh:bench", { tool: name }).allowed,
    read,
  };
  byName["agent-governance-sdk evaluatePolicy, 10 rules"] = {
    run: ({ name }) => ten.evaluatePolicy("did:mesh:bench", { tool: name }).allowed,
    read,
  };
  byName["agent-governance-sdk evaluate, 5 rules"] = { run: ({ name }) => legacy.evaluate(name, {}) === "allow", read };
  whole["agent-governance-sdk evaluatePolicy, 1 rule, JSON, RegExp"] = {
    run: ({ name, payload }) =>
      one.evaluatePolicy("did:mesh:bench", { tool: name }).allowed && !BLOCKED.test(JSON.stringify(payload)),
    read,
  };
  promises.push({
    of: "agent-governance-sdk evaluatePolicy, 1 rule",
    against: "session.check, tools alone",
    least: 10,
  });
}

const casl = await peer<Casl>("@casl/ability");
if (casl !== undefined) {
  const ability = casl.createMongoAbility(TOOLS.map((subject) => ({ action: "call", subject })));
  byName["casl can"] = { run: ({ name }) => ability.can("call", name), read };
  whole["casl can, JSON, RegExp"] = {
    run: ({ name, payload }) => ability.can("call", name) && !BLOCKED.test(JSON.stringify(payload)),
    read,
  };
}

const casbin = await peer<Casbin>("casbin");
if (casbin !== undefined) {
  const model = casbin.newModelFromString(
    "[request_definition]\nr = sub, obj\n[policy_definition]\np = sub, obj\n[policy_effect]\ne = some(where (p.eft == allow))\n[matchers]\nm = r.sub == p.sub && r.obj == p.obj\n",
  );
  const enforcer = await casbin.newEnforcer(model);
  for (const name of TOOLS) await enforcer.addPolicy("bench", name);
  byName["casbin enforceSync"] = { run: ({ name }) => enforcer.enforceSync("bench", name), read };
}

const cedar = await peer<Cedar>("@cedar-policy/cedar-wasm", "@cedar-policy/cedar-wasm/nodejs");
if (cedar !== undefined) {
  // Node 20's compiler ends the process ("unreachable code", in its deoptimizer) where it has inlined a call into
  // WebAssembly.
  if (
    process.versions.node?.startsWith("20.") && process.versions["bun"] === undefined &&
    process.versions["deno"] === undefined
  ) setFlagsFromString("--no-turbo-inline-js-wasm-calls");
  const policies = TOOLS.map((name) => `permit(principal, action == Action::"call", resource == Tool::"${name}");`)
    .join("\n");
  if (cedar.preparsePolicySet("bench", { staticPolicies: policies }).type !== "success") {
    throw new Error("Cedar must take the policies");
  }
  const principal = { type: "Agent", id: "bench" };
  const action = { type: "Action", id: "call" };
  byName["cedar-wasm, policies parsed before"] = {
    run: ({ name }) =>
      cedar.statefulIsAuthorized({
        principal,
        action,
        resource: { type: "Tool", id: name },
        context: {},
        entities: [],
        preparsedPolicySetId: "bench",
      }).response?.decision === "allow",
    read,
  };
}

const inputs = TOOLS.map((name) => ({ stage: "pre_tool_call", name, payload: SMALL, callId: "#1", metadata: {} }));
await ask<Call, Verdict>({
  title: "who may call a tool, allow",
  cases: casesOf().slice(0, 3),
  inputs,
  against: "session.check, arguments too",
  contestants: byName,
  promises,
});
await ask<Call, Verdict>({
  title: "who may call a tool with which arguments, allow, 200 B",
  cases: casesOf().filter(([{ payload }]) => !JSON.stringify(payload).includes("rm ")),
  inputs,
  against: "session.check",
  contestants: whole,
});
if (kept.copied === undefined) throw new Error("The copy must be made");
