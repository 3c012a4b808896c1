/**
 * Everything that the library does, in one run whose log does not depend on chance: what a polluted prototype must not
 * change. Bundled by the test beside it and run in a realm of its own. Options are left out wherever they can be.
 */
import * as lib from "../../mod.ts";

/** Made outside, since the realm that runs this may be polluted already. */
export interface Outside {
  readonly hmac: CryptoKey;
  readonly standard: unknown;
  /** Called once there is a kernel with a session: what was built before must not change either. */
  readonly halfway: () => void;
}

/** Prints a value by its own keys, sorted, without `JSON.stringify`, which asks for `toJSON`. */
function print(value: unknown, depth = 0): string {
  if (typeof value === "function") return "function";
  if (typeof value !== "object" || value === null) return String(value);
  if (depth > 6) return "…";
  if (value instanceof Error) {
    const { message } = value;
    const code = Object.hasOwn(value, "code") ? String((value as { code?: unknown }).code) : "";
    const guard = Object.hasOwn(value, "guard") ? String((value as { guard?: unknown }).guard) : "";
    return `${value.constructor.name}(${message}|${code}|${guard})`;
  }
  let text = Array.isArray(value) ? "[" : "{";
  const keys = Object.keys(value).sort();
  for (let at = 0; at < keys.length; at++) {
    const key = keys[at] as string;
    // What is random, or of the machine.
    const isRandom = /^(?:id|digest|sessionId|policyDigest|nonce|signature|publicKey|did|didKey|text|kid|x|grants)$/
      .test(key);
    text += `${key}:${isRandom ? "*" : print((value as Record<string, unknown>)[key], depth + 1)},`;
  }
  return `${text}${Array.isArray(value) ? "]" : "}"}`;
}

/** Runs it all, and writes the log, which is there as far as it came where something fails. */
export async function scenario(outside: Outside, log: string[]): Promise<void> {
  const note = (title: string, value: unknown): void => {
    log[log.length] = `${title}: ${print(value)}`;
  };
  /** What becomes of something: its answer, or its error. */
  const tried = async (title: string, run: () => unknown): Promise<void> => {
    try {
      note(title, await run());
    } catch (error) {
      note(`${title} failed`, error);
    }
  };
  let time = 1_000_000;
  const clock = (): number => time;

  // Policies.
  const policy = lib.definePolicy({
    deniedTools: ["rm"],
    rules: [
      { tools: "pay*", when: { amount: { gt: 1 } }, require: { to: { anyOf: [{ in: ["a"] }, { known: true }] } } },
      { id: "calls", limit: { max: 100, windowMs: 1000, by: "agent" }, effect: "escalate" },
    ],
    trustedTools: ["crm_*"],
    untrustedTools: ["web_*"],
    blockedPatterns: ["secret", { pattern: "a+b", type: "regex" }],
  });
  const night = lib.definePolicy({ requireHumanApproval: ["pay"], maxToolCalls: 20 });
  note("policy", policy);
  note("merged", policy.merge(night));
  note("diff", policy.diff(night));
  note("stricter", [policy.merge(night).isStricterThan(policy), policy.isStricterThan(night)]);
  note("conflicts", policy.conflicts());
  note("text", lib.policyText(policy));
  note("parsed", lib.parsePolicy('{ "maxTokens": 100 }'));
  note("agent-os", lib.parsePolicy({ max_tokens: 7, timeout_seconds: 9 }, { dialect: "agent-os" }));
  await tried("bad policy", () => lib.definePolicy({ maxTokens: -1 }));
  await tried("bad key", () => lib.definePolicy({ maxToken: 1 } as never));

  // A kernel with everything in its plainest form.
  const records: unknown[] = [];
  const events: unknown[] = [];
  const plain = lib.createKernel({
    clock,
    plugins: [{
      name: "log",
      setup: (host) => host.sink({ name: "s", write: (record) => void (records[records.length] = record) }),
    }],
  });
  for (
    const type of ["policy_check", "tool_call_blocked", "policy_violation", "call_completed", "agent_signal"] as const
  ) {
    plain.on(type, (event) => void (events[events.length] = event));
  }
  const session = plain.session({ agentId: "a" });
  outside.halfway();
  await tried("run", () => session.run("hello", (input) => `${input}!`));
  await tried("tool", () => session.tool({ name: "t", arguments: { a: 1 } }, (args) => args));
  await tried(
    "model",
    () =>
      session.model(
        { model: "m", request: { messages: [{ role: "user", content: "hi" }] } },
        () => ({ content: "x" }),
        () => ({
          inputTokens: 3,
          outputTokens: 4,
        }),
      ),
  );
  await tried("throws", () =>
    session.tool({ name: "t", arguments: {} }, () => {
      throw new RangeError("boom");
    }));
  await tried("bad name", () => session.tool({ name: "no name", arguments: {} }, () => "never"));
  await tried("bad call", () => session.tool({ name: "t", args: {} } as never, () => "never"));
  note("check", await session.check({ stage: "pre_tool_call", name: "t", payload: { q: 1 } }));
  note("pre", await session.preExecute("hello"));
  note("post", await session.postExecute("hello"));
  const act = await session.begin({ stage: "pre_tool_call", name: "t", payload: { b: 2 } });
  note("act", [act.decision, act.changed, act.payload, await act.end({ ok: true })]);
  const child = session.child();
  await tried("child", () => child.tool({ name: "t", arguments: {} }, () => "from a child"));
  note("counts", [session.context.callCount, session.context.toolCallCount, session.context.totalTokens]);
  note("context", session.context);
  note("explained", await plain.explain({ stage: "input", name: "execute", payload: "x" }, session));
  async function* words(): AsyncGenerator<string> {
    yield "some ";
    yield "text";
  }
  const read = async (parts: AsyncIterable<string>): Promise<string> => {
    let text = "";
    for await (const part of parts) text += part;
    return text;
  };
  await tried(
    "stream",
    () =>
      read(session.stream(words(), {
        stage: "output",
        name: "execute",
        textOf: (part) => part,
        withText: (_part, text) => text,
      })),
  );

  // Guards of all kinds, and what is wrong with them.
  const named = lib.defineGuard({ name: "named", check: () => lib.warn("w", "a warning") });
  const bare = ((): lib.Decision => ({ effect: "allow", allowed: true })) as lib.Guard;
  const odd = lib.onStage(["input"], (() => ({})) as never);
  const throwing = lib.defineGuard({
    name: "throwing",
    stages: ["pre_tool_call"],
    check: () => {
      throw new Error("down");
    },
  });
  const asks = lib.onTool(
    "pay",
    lib.defineGuard({ name: "asks", stages: ["pre_tool_call"], check: () => lib.escalate("A payment") }),
  );
  const changes = lib.onTool(
    "change",
    lib.defineGuard({
      name: "changes",
      stages: ["pre_tool_call"],
      check: () => lib.transform({ to: "safe" }, "Changed"),
    }),
  );
  const denies = lib.defineGuard({
    name: "denies",
    stages: ["pre_tool_call"],
    check: () => lib.deny("action_blocked", "No"),
  });
  const judged = async (title: string, guard: lib.Guard, payload: unknown = { a: 1 }): Promise<void> => {
    const one = lib.createKernel({ guards: [guard], clock }).session({ agentId: "a" });
    await tried(title, async () => [
      await one.check({ stage: "pre_tool_call", name: "t", payload }),
      await one.check({ stage: "input", name: "execute", payload: "hi" }),
    ]);
  };
  await judged("named", named);
  await judged("bare", bare);
  await judged("odd", odd);
  await judged("throwing", throwing);
  await judged("empty answer", (() => ({})) as never);
  await judged("all", lib.all(named, bare, denies));
  await judged("any", lib.any(throwing, denies, named));
  await judged("not", lib.not(denies, "swapped"));
  await judged("not warned", lib.not(named, "swapped"));
  await judged("when", lib.when(({ name }) => name === "t", denies));
  await judged("unless", lib.unless(({ name }) => name === "t", denies));
  await judged("shadow", lib.shadow(denies));
  await judged("failOpen", lib.failOpen(throwing));
  await judged(
    "withTimeout",
    lib.withTimeout(lib.defineGuard({ name: "slow", check: async () => await lib.allow() }), 1000),
  );
  await judged("rateLimit", lib.rateLimit({ max: 0, windowMs: 1000 }));
  await judged("stored", lib.rateLimit({ max: 1, windowMs: 1000, store: lib.memoryStore() }));
  await judged("costBudget", lib.costBudget(0));
  await judged("tokenBudget", lib.tokenBudget(1, { per: "agent" }));
  await judged("noLoops", lib.noLoops({ repeats: 1 }));
  await judged("maxPayload", lib.maxPayload({ nodes: 1 }));
  await judged("contentHash", lib.contentHash({}));
  await judged("pinTools", lib.pinTools({ t: { description: "d" } }));
  await judged("redacts", lib.redactPatterns(["hi"]));
  await judged("blocks", lib.blockPatterns(["hi"]));
  await judged("validates", lib.validateArguments({ t: outside.standard as never }));
  await judged("trustGate", lib.trustGate(lib.actionGuard()));
  await judged("foreign trust", lib.trustGate({ check: () => ({}) } as never));
  const budgets = lib.createKernel({ guards: [lib.tokenBudget(5), lib.maxToolCalls(1)], clock }).session({
    agentId: "b",
  });
  await tried(
    "over budget",
    () => budgets.model({ model: "m", request: "a long, long request of many tokens" }, () => "x"),
  );
  await tried("once", () => budgets.tool({ name: "t", arguments: {} }, () => 1));
  await tried("twice", () => budgets.tool({ name: "t", arguments: {} }, () => 1));
  const priced = lib.createKernel({ prices: { "m*": { input: 1, output: 2 } }, guards: [lib.costBudget(1)], clock })
    .session({ agentId: "c" });
  await tried("priced", () => priced.model({ model: "m1", request: "hi" }, () => "x", () => ({ totalTokens: 1000 })));
  note("cost", priced.context.costUsd);
  await tried("dear", () => priced.model({ model: "m1", request: "hi" }, () => "x", () => ({ costUsd: 2 })));
  await tried("spent", () => priced.model({ model: "m1", request: "hi" }, () => "x"));
  await tried(
    "limit",
    async () =>
      await priced.model({ model: "m1", request: "hi" }, () => "x").catch((error) => lib.limitDetailsOf(error)),
  );
  await tried("no price", () => lib.createKernel({ prices: { m: {} } } as never));
  await tried("bad guard", () => lib.defineGuard({ stage: ["input"] } as never));
  await tried("bad plugin", () => lib.definePlugin({ name: "p", wrapp: () => ({}) } as never));
  await tried("bad limit", () => lib.rateLimit({ max: 1 } as never));

  // Approvals.
  const approving = lib.createKernel({
    guards: [asks, changes, lib.redactPatterns(["hunter2"])],
    approvalKey: outside.hmac,
    interceptors: [(_request, next) => next(), lib.deadline(5000)],
    clock,
  });
  approving.on("approval_resolved", (event) => note("resolved", event));
  const paying = approving.session({ agentId: "p" });
  await tried("unanswered", () => paying.tool({ name: "pay", arguments: { usd: 5 } }, () => "paid"));
  const waiting = await paying.begin({ stage: "pre_tool_call", name: "pay", payload: { usd: 5 }, callId: "c1" });
  const question = (waiting.decision as lib.Escalate).approval as lib.ApprovalRequest;
  const grant = await lib.grantApproval(question, outside.hmac, { approved: true });
  note("grant", grant);
  waiting.cancel();
  await tried("granted", () => paying.tool({ name: "pay", arguments: { usd: 5 }, callId: "c1", grant }, () => "paid"));
  await tried("again", () => paying.tool({ name: "pay", arguments: { usd: 5 }, callId: "c1", grant }, () => "paid"));
  const asked = await paying.begin({ stage: "pre_tool_call", name: "pay", payload: { usd: 6 } });
  note("empty grant", await asked.resume({} as never));
  await tried("changed", () => paying.tool({ name: "change", arguments: {} }, (args) => args));
  await tried("masked", () => paying.tool({ name: "read", arguments: {} }, () => "it is hunter2"));

  // What cannot be copied, and what is thrown: judged by its JSON form.
  class Row {
    readonly id = 1;
    readonly word = "hunt";
    readonly when = new Date(0);
  }
  class Told extends Error {
    readonly config = { adapter: () => 1, rows: new Map([["a", new Set([1])]]) };
    toJSON(): object {
      return { message: this.message };
    }
  }
  const reading = (title: string, act: () => unknown): Promise<void> =>
    tried(title, () => paying.tool({ name: "read", arguments: { at: new Date(0), re: /a/g, n: 1n } }, act));
  await reading("a row", () => new Row());
  class Hiding {
    readonly #word = "hunt";
    get word(): string {
      return this.#word;
    }
  }
  await reading("a class that hides", () => new Hiding());
  await reading("functions", () => ({ a: () => 1, b: new Row() }));
  await reading("pairs", () => new URL("http://h/?a=1").searchParams);
  await reading("bytes", () => new Uint8Array([104, 105]));
  await reading("an error as a result", () => new Error("x", { cause: { a: 1 } }));
  for (
    const [title, thrown] of [["cause", new Error("x", { cause: new Error("hunter2") })], ["told", new Told("x")], [
      "fields",
      { status: 5 },
    ], ["many", new AggregateError([new Error("a")], "b")]] as const
  ) await reading(`thrown ${title}`, () => Promise.reject(thrown));

  // Trust.
  const profile = lib.agentProfile({ did: "did:agentmesh:ada", name: "Ada" });
  note("profile", [profile.trustScore, profile.status, profile.capabilities, profile.metadata]);
  const tracker = lib.trustTracker();
  note("rewarded", tracker.recordSuccess(profile, "t"));
  note("by action", lib.trustTracker({ rewards: { t: 0 } }).recordSuccess(profile, "t"));
  note("history", tracker.history().length);
  const hand = { did: "did:agentmesh:eve", name: "Eve" } as never;
  const trusting = lib.actionGuard({ sensitiveActions: { deploy: 900 }, requiredCapabilities: { read: ["read:db"] } });
  for (const action of ["deploy", "read", "other"]) {
    note(`may ${action}`, [trusting.check(profile, action).code, trusting.check(hand, action).code]);
  }
  note("holds", [lib.hasCapability(hand, "read"), lib.hasAnyCapability(hand, ["read"])]);
  note(
    "handoff",
    lib.checkHandoff({ from: profile, to: lib.agentProfile({ did: "did:agentmesh:bob", name: "B" }), clock }).code,
  );
  note("selected", lib.selectAgents([profile, hand]).length);
  const guarded = lib.createKernel({ trust: trusting, trustTracker: tracker, clock });
  await tried("nobody", () => guarded.session({ agentId: "x" }));
  await tried(
    "trusted",
    () => guarded.session({ agent: profile }).tool({ name: "deploy", arguments: {} }, () => "out"),
  );
  const profiles = lib.profileStore({ store: lib.memoryStore(), clock });
  await profiles.save(profile);
  note("kept", (await profiles.load("did:agentmesh:ada"))?.trustScore);
  const stored = lib.trustTracker({ store: lib.memoryStore(), clock });
  stored.recordFailure(profile, "t");
  await stored.flush();
  note("stored", profile.trustScore);

  // Identities.
  const identity = await lib.createIdentity();
  const other = await lib.createIdentity({ extractable: true });
  note("jwk", await identity.exportJwk());
  await tried("private", () => identity.exportJwk({ private: true }));
  const copied = await lib.importIdentity(await other.exportJwk({ private: true }));
  const message = lib.definePolicy === undefined ? new Uint8Array() : new Uint8Array([1, 2, 3]);
  const signature = await copied.sign(message);
  note("verified", [
    await lib.verifyIdentity({ did: other.did, publicKey: other.publicKey, message, signature }),
    await lib.verifyIdentity({ did: identity.did, publicKey: other.publicKey, message, signature }),
    await lib.verifyIdentity({ did: identity.did } as never),
  ]);
  const card = await lib.signCard(identity, { name: "Ada", clock });
  note("card", await lib.verifyCard(card, { clock }));
  note("no card", await lib.verifyCard({}, { clock }));
  const chain = await lib.delegate(identity, { to: other.did, capabilities: ["read"], expiresAt: time + 1000, clock });
  const roots = [{ did: identity.did, capabilities: ["read"] }];
  note("delegation", (await lib.verifyDelegation(chain, { roots, holder: other.did, clock })).allowed);
  note("no delegation", await lib.verifyDelegation([{}], { roots, holder: other.did, clock }));
  const verifier = lib.challengeVerifier({ audience: "here", clock });
  const issued = await verifier.issue();
  const challenge = (issued as { challenge: lib.Challenge }).challenge;
  const response = await lib.answerChallenge(other, challenge, { audience: "here", clock });
  note("answered", (await verifier.verify(response)).allowed);
  note("again", (await verifier.verify(response)).allowed);
  note("empty", await verifier.verify({}));

  // Stops, replay, plugins, the end.
  const wrapped = plain.wrap({ go: () => 1 }, {
    name: "adapter",
    wrap: (_target: object, inner: lib.Session) => ({
      go: () => inner.tool({ name: "t", arguments: {} }, () => "governed"),
    }),
  }, { agentId: "w" });
  await tried("wrapped", () => (wrapped as unknown as { go(): unknown }).go());
  note("coverage", plain.coverage(wrapped));
  const calls = [{ stage: "pre_tool_call", name: "rm", payload: {}, effect: "allow" }] as const;
  note("replayed", await lib.replay(calls, lib.createKernel({ policy, clock })));
  plain.suspend("a");
  await tried("suspended", () => session.tool({ name: "t", arguments: {} }, () => 1));
  plain.resume("a");
  await tried("resumed", () => session.tool({ name: "t", arguments: {} }, () => 1));
  const store = lib.memoryStore();
  const first = lib.createKernel({ plugins: [{ name: "s", setup: (host) => host.store(store) }], clock });
  await tried("first", () => first.session({ agentId: "z" }).tool({ name: "t", arguments: {} }, () => 1));
  first.kill("z");
  const second = lib.createKernel({ plugins: [{ name: "s", setup: (host) => host.store(store) }], clock });
  await tried("killed", () => second.session({ agentId: "z" }).tool({ name: "t", arguments: {} }, () => 1));
  time += 400_000;
  await tried("late", () => session.tool({ name: "t", arguments: {} }, () => 1));
  note("closing", await session.close());
  await plain.close();
  note("events", events);
  note("records", records);
}
