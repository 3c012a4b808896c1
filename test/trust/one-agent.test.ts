import { describe, expect, test } from "vitest";
import {
  actionGuard,
  type AgentProfile,
  agentProfile,
  canonicalAgentKey,
  checkHandoff,
  costBudget,
  createIdentity,
  createKernel,
  definePlugin,
  delegate,
  type Guard,
  maxToolCalls,
  memoryStore,
  profileStore,
  rateLimit,
  type StateStore,
  tokenBudget,
  trustTracker,
  verifyDelegation,
} from "../../mod.ts";

const { did, didKey } = await createIdentity();
const other = await createIdentity();
const call = { name: "search", arguments: {} };
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));
const named = (name: string, more: Partial<AgentProfile> = {}): AgentProfile =>
  agentProfile({ did: name, name: "A", ...more });
const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(() => "", (error: { code: unknown }) => error.code);
const withStore = (store: StateStore) =>
  createKernel({ plugins: [definePlugin({ name: "store", setup: (host) => host.store(store) })] });
/** Both names of a key, each once as the first and once as the second. */
const ways = [[did, didKey], [didKey, did], [did.slice(0, 14) + did.slice(14).toUpperCase(), didKey]] as const;

/** All its names, and all that sessions can be opened with. */
const upper = ways[2][0];
const ends = [did, didKey, upper].map((name) => name.slice(name.lastIndexOf(":") + 1));
/** As somebody copies them from a log, a table or a key's id. */
const copied = [
  `${didKey}#${didKey.slice(8)}`,
  `${did}\n`,
  ` ${didKey}`,
  did.replace("did", "DID"),
  `${didKey.slice(8)}#x`,
];
const sessions = [
  ...[did, didKey, upper].map((name) => ({ agent: named(name) })),
  ...ends.map((agentId) => ({ agentId })),
];

describe.each([did, didKey, upper, ...ends, ...copied])("an agent that is called %s", (name) => {
  test.each(sessions)("is stopped by a kill, when its session is opened with %o", async (init) => {
    const kernel = createKernel();
    const open = kernel.session(init);
    kernel.kill(name);
    expect(await codeOf(open.tool(call, () => "found"))).toBe("session_killed");
    expect(await codeOf(kernel.session(init).tool(call, () => "found"))).toBe("session_killed");
    expect(await codeOf(kernel.session({ agentId: other.did.slice(14) }).tool(call, () => "found"))).toBe("");
  });

  test("is stopped in the next process, however its session is opened there", async () => {
    const store = memoryStore();
    createKernel({ store }).kill(name);
    for (const init of sessions) {
      expect(await codeOf(createKernel({ store }).session(init).tool(call, () => "found"))).toBe("session_killed");
    }
  });
});

test("rateLimit() has one count for an agent, however its sessions are opened", async () => {
  const kernel = createKernel({ guards: [rateLimit({ max: sessions.length, windowMs: 1000 })], clock: () => 0 });
  for (const init of sessions) expect(await codeOf(kernel.session(init).tool(call, () => "found"))).toBe("");
  for (const init of sessions) {
    expect(await codeOf(kernel.session(init).tool(call, () => "found"))).toBe("rate_limited");
  }
  expect(await codeOf(kernel.session({ agent: named(other.did) }).tool(call, () => "found"))).toBe("");
});

describe.each(ways)("an agent that is known as %s, and comes as %s", (one, two) => {
  test("is stopped by a kill, and its acts under way are aborted", async () => {
    const kernel = createKernel();
    const session = kernel.session({ agent: named(two) });
    const begun = await session.begin({ stage: "pre_tool_call", name: "search", payload: {} });
    expect(begun.signal.aborted).toBe(false);
    kernel.kill(one, "gone rogue");
    expect(begun.signal.aborted).toBe(true);
    expect(await codeOf(session.tool(call, () => "found"))).toBe("session_killed");
    expect(await codeOf(kernel.session({ agent: named(two) }).tool(call, () => "found"))).toBe("session_killed");
    // Others go on.
    expect(await codeOf(kernel.session({ agent: named(other.did) }).tool(call, () => "found"))).toBe("");
  });

  test("is stopped by a kill of its agentId", async () => {
    const kernel = createKernel();
    kernel.kill(one.slice(one.lastIndexOf(":") + 1).replace(/^[0-9A-F]+$/, (hex) => hex.toLowerCase()));
    expect(await codeOf(kernel.session({ agent: named(two) }).tool(call, () => "found"))).toBe("session_killed");
  });

  test("is suspended and resumed under either name", async () => {
    const kernel = createKernel();
    const session = kernel.session({ agent: named(two) });
    kernel.suspend(one);
    expect(await codeOf(session.tool(call, () => "found"))).toBe("agent_suspended");
    kernel.resume(two);
    expect(await codeOf(session.tool(call, () => "found"))).toBe("");
  });

  test("is stopped in the next process too, where the kernel has a store", async () => {
    const store = memoryStore();
    withStore(store).kill(one);
    await settled();
    expect(await codeOf(withStore(store).session({ agent: named(two) }).tool(call, () => "found"))).toBe(
      "session_killed",
    );
  });

  test.each<[string, () => Guard, string]>([
    ["rateLimit()", () => rateLimit({ max: 1, windowMs: 1000 }), "rate_limited"],
    ["rateLimit() in a store", () => rateLimit({ max: 1, windowMs: 1000, store: memoryStore() }), "rate_limited"],
    ["maxToolCalls()", () => maxToolCalls(1, { per: "agent" }), "max_tool_calls_exceeded"],
  ])("has one count, when the limit is %s", async (_, guard, code) => {
    const kernel = createKernel({ guards: [guard()] });
    expect(await codeOf(kernel.session({ agent: named(one) }).tool(call, () => "found"))).toBe("");
    expect(await codeOf(kernel.session({ agent: named(two) }).tool(call, () => "found"))).toBe(code);
    expect(await codeOf(kernel.session({ agent: named(other.did) }).tool(call, () => "found"))).toBe("");
  });

  test.each<[string, Guard, string]>([
    ["tokenBudget()", tokenBudget(100, { per: "agent" }), "token_budget_exceeded"],
    ["costBudget()", costBudget(1, { per: "agent" }), "cost_budget_exceeded"],
  ])("has one budget, when it is of %s", async (_, guard, code) => {
    const kernel = createKernel({ guards: [guard] });
    const ask = (name: string): Promise<unknown> =>
      kernel.session({ agent: named(name) }).model(
        { model: "m", request: "Hi" },
        () => "Hello",
        () => ({ totalTokens: 100, costUsd: 1 }),
      );
    expect(await codeOf(ask(one))).toBe("");
    expect(await codeOf(ask(two))).toBe(code);
    expect(await codeOf(ask(other.did))).toBe("");
  });

  test("counts a child's call once, when parent and child use the two names", async () => {
    const kernel = createKernel({ guards: [rateLimit({ max: 2, windowMs: 1000 })] });
    const child = kernel.session({ agent: named(one) }).child({ agent: named(two) });
    expect(await codeOf(child.tool(call, () => "found"))).toBe("");
    expect(await codeOf(child.tool(call, () => "found"))).toBe("");
    expect(await codeOf(child.tool(call, () => "found"))).toBe("rate_limited");
  });

  test("has one score in a tracker, whichever profile is asked", async () => {
    const tracker = trustTracker();
    const first = named(one);
    const second = named(two);
    await tracker.load(first);
    await tracker.load(second);
    expect(tracker.recordFailure(first, "search")).toBe(450);
    expect(tracker.recordFailure(second, "search")).toBe(400);
    expect([first.trustScore, second.trustScore]).toEqual([400, 400]);
    expect(tracker.history(one)).toHaveLength(2);
    expect(tracker.history(two)).toHaveLength(2);
    expect(tracker.history(other.did)).toHaveLength(0);
    // A call is counted once for the agent, not once for a name.
    tracker.recordFailure(first, "search", "s:1");
    expect(tracker.recordFailure(second, "search", "s:1")).toBe(350);
  });

  test("has one score in a store", async () => {
    const store = memoryStore();
    const tracker = trustTracker({ store });
    tracker.recordFailure(named(one), "search");
    await tracker.flush();
    const profile = named(two);
    expect(await trustTracker({ store }).load(profile)).toBe(450);
    expect(profile.trustScore).toBe(450);
  });

  test("cannot hand over to itself", () => {
    expect(checkHandoff({ from: named(one), to: named(two) })).toMatchObject({
      allowed: false,
      code: "action_blocked",
      reason: "An agent cannot hand off to itself",
    });
    expect(checkHandoff({ from: named(one), to: named(other.didKey) }).allowed).toBe(true);
  });

  test("has one profile in a store", async () => {
    const profiles = profileStore({ store: memoryStore() });
    await profiles.save(named(one, { capabilities: ["read"] }));
    expect((await profiles.load(two))?.capabilities).toEqual(["read"]);
    await profiles.save(named(two, { status: "revoked" }));
    expect((await profiles.load(one))?.status).toBe("revoked");
  });
});

describe("verifyDelegation()", async () => {
  const owner = await createIdentity();
  const worker = await createIdentity();
  const chain = await delegate(owner, {
    to: worker.didKey,
    capabilities: ["read"],
    expiresAt: Date.now() + 60_000,
  });
  const roots = [{ did: owner.didKey, capabilities: ["read"] }];

  test.each([
    ["the holder's did:key, shown as did:agentmesh", worker.did, [worker.didKey]],
    ["the holder's did:agentmesh, shown as did:key", worker.didKey, [worker.did]],
    ["the holder's did:key, shown so", worker.didKey, [worker.didKey]],
    ["the owner's did:key", worker.did, [owner.didKey]],
    ["the owner's did:agentmesh in upper case", worker.did, [
      owner.did.slice(0, 14) + owner.did.slice(14).toUpperCase(),
    ]],
  ])("denies, when what is revoked is %s", async (_, holder, revoked) => {
    expect(await verifyDelegation(chain, { holder, roots, revoked: new Set(revoked) })).toMatchObject({
      allowed: false,
      reason: "The delegation was revoked",
    });
    // A store of revocations keeps the one name.
    const kept = new Set(revoked.map(canonicalAgentKey));
    expect((await verifyDelegation(chain, { holder, roots, revoked: (name) => kept.has(name) })).allowed).toBe(false);
  });

  test("allows, when others are revoked", async () => {
    for (const holder of [worker.did, worker.didKey]) {
      const verdict = await verifyDelegation(chain, { holder, roots, revoked: new Set([did, didKey, "x"]) });
      expect(verdict.allowed).toBe(true);
    }
  });

  test("cannot be passed on to oneself under the other name", async () => {
    await expect(delegate(owner, { to: owner.didKey, capabilities: [], expiresAt: Date.now() + 1000 })).rejects
      .toThrow('"to"');
  });
});

describe("a kernel with a tracker", () => {
  const trust = actionGuard({ minTrustScore: 500 });

  test("asks by DID when a session opens, so that a new profile does not begin anew", async () => {
    const kernel = createKernel({ trust, trustTracker: trustTracker() });
    await expect(
      kernel.session({ agent: named(did, { trustScore: 520 }) }).tool(call, () => {
        throw new Error("failed");
      }),
    ).rejects.toThrow("failed");
    for (const name of [did, didKey]) {
      const again = named(name, { trustScore: 520 });
      expect(await codeOf(kernel.session({ agent: again }).tool(call, () => "found"))).toBe("trust_too_low");
      expect(again.trustScore).toBe(470);
    }
    // By hand, too.
    const plain = {
      did: didKey,
      name: "A",
      capabilities: [],
      trustScore: 1000,
      status: "active",
      metadata: {},
    } as const;
    expect(await codeOf(kernel.session({ agent: plain }).tool(call, () => "found"))).toBe("trust_too_low");
    expect(await codeOf(kernel.session({ agent: named(other.did) }).tool(call, () => "found"))).toBe("");
  });

  test("shows all profiles of an agent one score, when one of them moves", async () => {
    const kernel = createKernel({ trust, trustTracker: trustTracker() });
    const first = named(did, { trustScore: 520 });
    const second = named(didKey, { trustScore: 520 });
    const session = kernel.session({ agent: second });
    await kernel.session({ agent: first }).tool(call, () => {
      throw new Error("failed");
    }).catch(() => undefined);
    expect(second.trustScore).toBe(470);
    expect(await codeOf(session.tool(call, () => "found"))).toBe("trust_too_low");
  });

  test("asks the tracker's store before the first act, and denies where it fails", async () => {
    const store = memoryStore();
    const first = trustTracker({ store });
    first.recordFailure(named(did), "search");
    await first.flush();
    const kernel = createKernel({ trust, trustTracker: trustTracker({ store }) });
    const agent = named(didKey);
    expect(await codeOf(kernel.session({ agent }).tool(call, () => "found"))).toBe("trust_too_low");
    expect(agent.trustScore).toBe(450);

    const broken = trustTracker({
      store: { ...memoryStore(), name: "broken", read: () => Promise.reject(new Error("down")), put: () => false },
    });
    const closed = createKernel({ trust, trustTracker: broken });
    expect(await codeOf(closed.session({ agent: named(other.did) }).tool(call, () => "found"))).toBe("trust_too_low");
  });

  test("denies, when a tracker of the user's own cannot say", async () => {
    const own = {
      ...trustTracker(),
      load: () => Promise.reject(new Error("down")),
    };
    const kernel = createKernel({ trustTracker: own });
    expect(await codeOf(kernel.session({ agent: named(did) }).tool(call, () => "found"))).toBe("store_unavailable");
  });

  test("never raises a child above its parent, when its narrowed profile is recorded", async () => {
    const tracker = trustTracker();
    const kernel = createKernel({ trust, trustTracker: tracker });
    const parent = kernel.session({ agent: named(did, { trustScore: 510 }) });
    const inner = named(other.did, { trustScore: 900 });
    const child = parent.child({ agent: inner });
    const shown = child.context.agent as AgentProfile;
    expect(tracker.recordSuccess(shown, "search")).toBe(910);
    expect([shown.trustScore, inner.trustScore]).toEqual([510, 910]);
  });
});

test("agentProfile() refuses a did:key that is not in its one form", () => {
  const bytes = Buffer.from(didKey.slice(9));
  for (const name of [`did:key:u${bytes.toString("base64url")}`, `did:key:f${bytes.toString("hex")}`]) {
    expect(() => named(name)).toThrow('"did"');
  }
  expect(named("did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169").status).toBe("active");
});
