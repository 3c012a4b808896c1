import { describe, expect, test } from "vitest";
import {
  type ActInit,
  createKernel,
  type Decision,
  memoryStore,
  type RuleInit,
  rules,
  type Session,
  type SessionInit,
  type Stage,
} from "../../mod.ts";

const open = (list: readonly RuleInit[], init: SessionInit = { agentId: "clerk" }): Session =>
  createKernel({ guards: [rules(list)], clock: () => 1000 }).session(init);
const ask = async (
  session: Session,
  name: string,
  payload: unknown,
  stage: Stage = "pre_tool_call",
  init: ActInit = {},
) => await session.check({ stage, name, payload, ...init });
const codeOf = (decision: Decision) => "code" in decision ? decision.code : decision.effect;
const decide = async (rule: RuleInit, payload: unknown, name = "send") =>
  codeOf(await ask(open([rule]), name, payload));

describe("what a rule says", () => {
  test("require wants a value, and all values to pass", async () => {
    const rule: RuleInit = { tools: "send", require: { "to.*": { email: "example.com" } } };
    expect(await decide(rule, { to: "ada@example.com" })).toBe("allow");
    expect(await decide(rule, { to: ["ada@example.com", "bob@example.com"] })).toBe("allow");
    expect(await decide(rule, { to: ["ada@example.com", "eve@evil.example"] })).toBe("rule_denied");
    expect(await decide(rule, {})).toBe("rule_denied");
    expect(await decide(rule, { to: [] })).toBe("rule_denied");
    expect(await decide(rule, { to: "eve@evil.example" }, "other")).toBe("allow");
  });

  test("when speaks where some value passes, or it cannot be told", async () => {
    const rule: RuleInit = { when: { amount: { gt: 100 } }, effect: "escalate" };
    expect(await decide(rule, { amount: 5 })).toBe("allow");
    expect(await decide(rule, { amount: 500 })).toBe("approval_required");
    expect(await decide(rule, { amount: 500n })).toBe("approval_required");
    expect(await decide(rule, { amount: "5" })).toBe("approval_required");
    expect(await decide(rule, { amount: NaN })).toBe("approval_required");
    expect(await decide(rule, { amount: Infinity })).toBe("approval_required");
    expect(await decide(rule, { Amount: 500 })).toBe("approval_required");
    expect(await decide(rule, {})).toBe("allow");
  });

  test("not turns the reading round, so that what is left out is caught", async () => {
    const rule: RuleInit = { when: { not: { "to.*": { email: "example.com" } } }, effect: "deny" };
    expect(await decide(rule, { to: ["ada@example.com"] })).toBe("allow");
    expect(await decide(rule, { to: ["ada@example.com", "eve@evil.example"] })).toBe("rule_denied");
    expect(await decide(rule, {})).toBe("rule_denied");
  });

  test("if it is there", async () => {
    const rule: RuleInit = { when: { cc: { exists: true } }, require: { cc: { email: "example.com" } } };
    expect(await decide(rule, { to: "x" })).toBe("allow");
    expect(await decide(rule, { cc: null })).toBe("allow");
    expect(await decide(rule, { cc: "ada@example.com" })).toBe("allow");
    expect(await decide(rule, { cc: "eve@evil.example" })).toBe("rule_denied");
  });

  test("absent, or one of these", async () => {
    const rule: RuleInit = { require: { mode: { anyOf: [{ exists: false }, { in: ["fast", "slow"] }] } } };
    expect(await decide(rule, {})).toBe("allow");
    expect(await decide(rule, { mode: "fast" })).toBe("allow");
    expect(await decide(rule, { mode: "wild" })).toBe("rule_denied");
    expect(await decide(rule, { mode: 7 })).toBe("rule_denied");
  });

  test("allOf, anyOf and several places", async () => {
    const rule: RuleInit = {
      require: {
        anyOf: [{ a: { eq: 1 } }, { allOf: [{ b: { eq: 2 } }, { c: { contains: "x" } }] }],
        d: { glob: "ok*" },
      },
    };
    expect(await decide(rule, { a: 1, d: "okay" })).toBe("allow");
    expect(await decide(rule, { b: 2, c: ["x"], d: "ok" })).toBe("allow");
    expect(await decide(rule, { b: 2, c: ["y"], d: "ok" })).toBe("rule_denied");
    expect(await decide(rule, { a: 1, d: "no" })).toBe("rule_denied");
  });

  test("facts: the name, the session's metadata, the agent, taint and counts", async () => {
    const rule: RuleInit = {
      when: { $name: { glob: "pay_*" } },
      require: {
        $agentId: { eq: "clerk" },
        to: { same: "$metadata.user" },
        $tainted: { eq: false },
        $toolCallCount: { lt: 1 },
      },
    };
    const session = open([rule], { agentId: "clerk", metadata: { user: "ada" } });
    expect(codeOf(await ask(session, "pay_now", { to: "ada" }))).toBe("allow");
    expect(codeOf(await ask(session, "pay_now", { to: "eve" }))).toBe("rule_denied");
    await session.check({ stage: "post_tool_call", name: "web", payload: "x", metadata: { untrusted: true } });
    expect(codeOf(await ask(session, "pay_now", { to: "ada" }))).toBe("rule_denied");
    expect(codeOf(await ask(open([rule]), "pay_now", { to: "undefined" }))).toBe("rule_denied");
  });

  test("a missing fact is unknown, but to exists", async () => {
    const known = { when: { "$metadata.user": { eq: "ada" } }, effect: "deny" } as const;
    const there = { when: { "$metadata.user": { exists: true } }, effect: "deny" } as const;
    expect([await decide(known, {}), await decide(there, {})]).toEqual(["rule_denied", "allow"]);
  });

  test("agents, stages and names: globs that ignore case", async () => {
    const rule: RuleInit = { tools: ["mcp__GitHub__*"], agents: "intern-*", effect: "deny" };
    const session = open([rule], { agentId: "Intern-7" });
    expect(codeOf(await ask(session, "mcp__github__push", {}))).toBe("rule_denied");
    expect(codeOf(await ask(session, "mcp__git__push", {}))).toBe("allow");
    expect(codeOf(await ask(open([rule]), "mcp__github__push", {}))).toBe("allow");
    const model: RuleInit = { stages: ["pre_model_call"], require: { $name: { in: ["small"] } } };
    expect(codeOf(await ask(open([model]), "large", {}, "pre_model_call"))).toBe("rule_denied");
    expect(codeOf(await ask(open([model]), "large", {}))).toBe("allow");
    const result: RuleInit = { stages: ["post_tool_call"], tools: "read", require: { "**.secret": { exists: false } } };
    expect(codeOf(await ask(open([result]), "read", { rows: [{ secret: 1 }] }, "post_tool_call"))).toBe("rule_denied");
  });

  test("a denial counts before an escalation, whatever their order, and all escalations are one question", async () => {
    const list: RuleInit[] = [
      { id: "first", when: { amount: { gt: 1 } }, effect: "escalate" },
      { id: "second", when: { amount: { gt: 2 } }, effect: "escalate", reason: "More than two" },
      { id: "third", when: { amount: { gt: 100 } }, effect: "deny" },
    ];
    expect(codeOf(await ask(open(list), "pay", { amount: 500 }))).toBe("rule_denied");
    const asked: unknown[] = [];
    const kernel = createKernel({
      guards: [rules(list)],
      approve: (request) => (asked.push(request.reasons), true),
    });
    expect(await kernel.session({ agentId: "a" }).tool({ name: "pay", arguments: { amount: 5 } }, () => "paid")).toBe(
      "paid",
    );
    expect(asked).toEqual([['Rule "first" does not let this pass', "More than two"]]);
  });

  test("reasons and details name rule and place, and no value", async () => {
    const decision = await ask(open([{ id: "mail", require: { "to.*": { email: "example.com" } } }]), "send", {
      to: "s3cret",
    });
    expect(decision).toMatchObject({
      code: "rule_denied",
      guard: "rules",
      reason: 'Rule "mail" wants one address of certain domains at "to.*", and it cannot be told',
      details: { rule: "mail", place: "to.*", unknown: true },
    });
    expect(JSON.stringify(decision)).not.toMatch(/s3cret|example\.com/);
  });
});

describe("limits", () => {
  const run = (session: Session, name = "send", payload: unknown = {}) =>
    session.tool({ name, arguments: payload }, () => "done").then(
      (done) => done,
      (error: { code: string }) => error.code,
    );

  test("count the acts that a rule applies to, for all its tools together", async () => {
    const session = open([{ id: "mails", tools: ["send", "forward"], limit: { max: 2 } }]);
    expect([await run(session), await run(session, "forward"), await run(session), await run(session, "read")])
      .toEqual(["done", "done", "rate_limited", "done"]);
  });

  test("count nothing that was denied, and only where when is not false", async () => {
    const session = open([
      { tools: "pay", when: { amount: { gt: 10 } }, limit: { max: 1 } },
      { tools: "pay", require: { amount: { lte: 100 } } },
    ]);
    const pay = (amount: unknown) => run(session, "pay", { amount });
    expect([await pay(500), await pay(5), await pay(5), await pay(50), await pay(50), await pay(5)])
      .toEqual(["rule_denied", "done", "done", "done", "rate_limited", "done"]);
  });

  test("by a fact of the session, in a window, in the kernel's store", async () => {
    let now = 0;
    const store = memoryStore();
    const list: RuleInit[] = [{ id: "calls", limit: { max: 1, windowMs: 1000, by: "$metadata.user" } }];
    const make = () => createKernel({ guards: [rules(list)], store, clock: () => now });
    const of = (user?: string) =>
      make().session({ agentId: "a", ...(user === undefined ? {} : { metadata: { user } }) });
    expect([await run(of("ada")), await run(of("ada")), await run(of("bob")), await run(of())])
      .toEqual(["done", "rate_limited", "done", "rule_denied"]);
    now = 1001;
    expect(await run(of("ada"))).toBe("done");
  });

  test("tokens and dollars, settled by what the calls used", async () => {
    const kernel = createKernel({
      policy: { maxTokens: Infinity },
      guards: [rules([
        { id: "day", stages: ["pre_model_call"], limit: { max: 1, of: "costUsd", windowMs: 86_400_000, by: "agent" } },
      ])],
      prices: { "*": { input: 1, output: 1 } },
      clock: () => 0,
    });
    const session = kernel.session({ agentId: "a" });
    const call = (usage: object) =>
      session.model({ model: "m", request: "" }, () => "hi", () => usage).then(
        () => "done",
        (error: { code: string }) => error.code,
      );
    expect([await call({ costUsd: 0.4 }), await call({ costUsd: 0.7 }), await call({ costUsd: 0.1 })])
      .toEqual(["done", "done", "rate_limited"]);
    const tokens = open([{ stages: ["pre_model_call"], limit: { max: 100, of: "tokens" } }]);
    const spend = () =>
      tokens.model({ model: "m", request: "Hi" }, () => "x", () => ({ totalTokens: 60 }))
        .then(() => "done", (error: { code: string }) => error.code);
    expect([await spend(), await spend(), await spend()]).toEqual(["done", "done", "rate_limited"]);
  });

  test("a used-up limit may ask a person", async () => {
    const session = open([{ limit: { max: 0 }, effect: "escalate" }]);
    expect(await run(session)).toBe("approval_required");
  });
});

describe("mistakes are told at once, with their place", () => {
  test.each<[unknown, string]>([
    [{}, '"rules[0]" must be a rule with "require" or "limit"'],
    [{ require: {} }, '"rules[0].require" must be a condition'],
    [{ require: undefined }, '"rules[0].require" must be a condition'],
    [{ when: { a: {} }, effect: "deny" }, '"rules[0].when.a" must be a test'],
    [{ when: { a: undefined }, effect: "deny" }, '"rules[0].when.a" must be a test'],
    [{ require: { a: { equals: 1 } } }, '"rules[0].require.a.equals" must be one of the operators'],
    [{ require: { a: { eq: null } } }, '"rules[0].require.a.eq" must be a string, number or boolean'],
    [{ require: { a: { in: [] } } }, '"rules[0].require.a.in" must be a list of values'],
    [{ require: { a: { gt: "5" } } }, '"rules[0].require.a.gt" must be a finite number'],
    [{ require: { a: { matches: "(a" } } }, "linear subset (at position"],
    [{ require: { a: { within: "../x" } } }, '"rules[0].require.a.within" must be a folder'],
    [{ require: { a: { host: "http://" } } }, '"rules[0].require.a.host" must be a host'],
    [{ require: { a: { email: "a@b" } } }, '"rules[0].require.a.email" must be a domain'],
    [{ require: { a: { command: "git * log" } } }, "words, of which the last may be *"],
    [{ require: { a: { same: "user" } } }, "must be a fact"],
    [{ require: { "a..b": { eq: 1 } } }, "at a place: keys joined by single dots"],
    [{ require: { $nobody: { eq: 1 } } }, "at a place: a fact"],
    [{ require: { not: [] } }, '"rules[0].require.not" must be a condition'],
    [{ require: { anyOf: [] } }, "at least one of conditions"],
    [{ tools: [], effect: "deny" }, '"rules[0].tools" must be a glob'],
    [{ tools: "a b", effect: "deny" }, '"rules[0].tools[0]" must be 1 to 128'],
    [{ tools: "x", stages: ["pre_model_call"], effect: "deny" }, '"rules[0].tools" must be absent'],
    [{ stages: ["agent_startup"], effect: "deny" }, '"rules[0].stages[0]" must be one of'],
    [{ stages: ["output"], limit: { max: 1 } }, '"rules[0].limit" must be absent'],
    [{ limit: { max: -1 } }, '"rules[0].limit.max" must be a whole number'],
    [{ limit: { max: 1, of: "tokens" } }, '"rules[0].limit" must be absent where a stage is not pre_model_call'],
    [{ limit: { max: 1, by: "agent" } }, '"rules[0].limit.windowMs"'],
    [{ limit: { max: 1, per: "agent" } }, '"rules[0].limit.per" must be one of max'],
    [{ effect: "allow" }, '"rules[0].effect" must be "deny" or "escalate"'],
    [{ effect: "deny", id: "" }, '"rules[0].id" must be a text'],
    [{ effect: "deny", tool: "x" }, '"rules[0].tool" must be one of id, tools'],
    [7, '"rules[0]" must be a rule'],
  ])("%j", (rule, message) => {
    expect(() => rules([rule as RuleInit])).toThrow(message);
  });

  test("a list that is none", () => expect(() => rules({} as never)).toThrow('"rules" must be an array of rules'));
  test("no rule at all", () => expect(() => rules([])).toThrow('"rules" must be at least one rule'));
});
