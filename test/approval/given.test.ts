import { describe, expect, test } from "vitest";
import {
  type ApprovalGrant,
  createKernel,
  definePlugin,
  type GovernanceEvents,
  memoryStore,
  type Session,
} from "../../mod.ts";
import { asks, hmac, open, outcome, pay, question, signed, storeWith } from "./helpers.ts";

/** What is no grant, whatever else it is. */
const NO_GRANTS: readonly [string, unknown][] = [
  ["true", true],
  ["a list of true", [true]],
  ["a truthy number", 1],
  ["text", "approved"],
  ["an object that says so", { approved: true }],
  ["an object without a signature", { id: "x", digest: "y", approved: true, expiresAt: 9e15 }],
  ["null", null],
  ["false", false],
  ["a list of lists", [[true]]],
  ["a Boolean object", Object(true)],
  ["a function", () => true],
  ["an expiry that is no number", { id: "x", digest: "y", approved: true, expiresAt: "9e15", signature: "" }],
  ["what it inherits", Object.create({ id: "x", digest: "y", approved: true, expiresAt: 9e15, signature: "" })],
  ["a getter that throws", {
    get approved() {
      throw new Error("no");
    },
  }],
];

describe.each(NO_GRANTS)("a grant that is %s", (_what, grant) => {
  const noSession = (): Session => open({ approve: async () => false });

  test.each<[string, Session]>([["nobody is to ask", open()], ["approve says no", noSession()]])(
    "denies with approval_denied, when %s",
    async (_when, session) => {
      expect(await outcome(session, pay(5, { grant }))).toBe("approval_denied");
    },
  );

  test("denies with approval_denied at every verb, and the act does not run", async () => {
    let ran = 0;
    const everywhere = asks("everywhere", "Look");
    const kernel = createKernel({
      guards: [(request) => everywhere({ ...request, stage: "pre_tool_call" } as never, {} as never, {} as never)],
      approvalKey: hmac,
    });
    const session = kernel.session({ agentId: "a" });
    const given = { grant } as object;
    for (
      const verb of [
        () => session.run("hi", () => ran++, given),
        () => session.model({ model: "m", request: {}, ...given }, () => ran++),
        () => session.tool({ name: "t", arguments: {}, ...given }, () => ran++),
      ]
    ) await expect(verb()).rejects.toMatchObject({ code: "approval_denied" });
    const begun = await session.begin({ stage: "pre_tool_call", name: "t", payload: {}, ...given });
    expect(begun.decision).toMatchObject({ code: "approval_denied" });
    expect(ran).toBe(0);
  });

  test("is not looked at, when no guard asks", async () => {
    expect(await outcome(open({ guards: [] }), pay(5, { grant }))).toEqual({ amount: 5 });
  });
});

test("a grant that says true among signed ones denies", async () => {
  const grant = [await signed(await question(open()), "ada"), true];
  expect(await outcome(open(), pay(5, { grant }))).toBe("approval_denied");
});

test("a grant is read by own keys, and is not looked for on the prototype", async () => {
  const grant = await signed(await question(open()), "ada");
  let asked = 0;
  const session = open({ approve: () => (asked++, true) });
  expect(await outcome(session, pay(5, { grant: Object.create(grant) as unknown }))).toBe("approval_denied");
  expect(asked).toBe(0);
  const polluted = Object.prototype as { grant?: unknown };
  polluted.grant = grant;
  try {
    expect(await outcome(open(), pay())).toBe("approval_required");
  } finally {
    delete polluted.grant;
  }
});

test("true approves, when the host itself answers: from approve, at once or later, and in resume()", async () => {
  expect(await outcome(open({ approve: () => true }), pay())).toEqual({ amount: 5 });
  expect(await outcome(open({ approve: async () => true }), pay())).toEqual({ amount: 5 });
  const act = await open().begin({ stage: "pre_tool_call", name: "pay", payload: { amount: 5 } });
  expect(await act.resume(true)).toMatchObject({ effect: "allow" });
});

test.each<[string, unknown]>([
  ["refuses", false],
  ["says something truthy", "yes"],
  ["answers nothing", undefined],
  ["answers a list with true", [true]],
  ["answers a thenable that throws", {
    get then() {
      throw new Error("no");
    },
  }],
])("approve that %s at once denies with approval_denied", async (_what, answer) => {
  expect(await outcome(open({ approve: () => answer as boolean }), pay())).toBe("approval_denied");
});

test("approve that throws at once denies with approval_denied", async () => {
  const approve = (): never => {
    throw new Error("down");
  };
  expect(await outcome(open({ approve }), pay())).toBe("approval_denied");
});

test("approve may answer a grant at once", async () => {
  const session = open();
  const grant = await signed(await question(session), "ada");
  expect(await outcome(open({ approve: () => grant }), pay())).toEqual({ amount: 5 });
});

describe("a grant that was signed, and does not count", () => {
  const wrongs = async (): Promise<[string, ApprovalGrant][]> => {
    const grant = await signed(await question(open()), "ada");
    return [
      ["of another call", await signed(await question(open(), pay(6)), "ada")],
      ["with another signature", { ...grant, signature: `${grant.signature.slice(0, -4)}AAAA` }],
      ["that lives longer than was signed", { ...grant, expiresAt: grant.expiresAt + 1 }],
      ["of the requester's own", await signed(await question(open()), "payer")],
    ];
  };

  test("does not stand in the way of approve, which is asked", async () => {
    for (const [what, grant] of await wrongs()) {
      let asked = 0;
      const session = open({ approve: () => (asked++, true) });
      expect(await outcome(session, pay(5, { grant })), what).toEqual({ amount: 5 });
      expect(asked, what).toBe(1);
      expect(await outcome(open({ approve: () => false }), pay(5, { grant })), what).toBe("approval_denied");
    }
  });

  test("denies with approval_denied, when nobody is left to ask", async () => {
    for (const [what, grant] of await wrongs()) {
      expect(await outcome(open(), pay(5, { grant })), what).toBe("approval_denied");
    }
  });

  test("leaves an act open that is to be returned, so that the framework's person can answer", async () => {
    const [[, grant]] = await wrongs() as [[string, ApprovalGrant]];
    const act = await open().begin({
      stage: "pre_tool_call",
      name: "pay",
      payload: { amount: 5 },
      approval: "return",
      grant,
    });
    expect(act.decision).toMatchObject({ effect: "escalate", approval: { name: "pay" } });
    expect(await act.resume(true)).toMatchObject({ effect: "allow" });
  });

  test("has expired: approve is asked", async () => {
    let now = 1000;
    const options = { clock: () => now, approvalTtlMs: 100 };
    const grant = await signed(await question(open(options)), "ada");
    now = 1100;
    expect(await outcome(open(options), pay(5, { grant }))).toBe("approval_denied");
    expect(await outcome(open({ ...options, approve: () => true }), pay(5, { grant }))).toEqual({ amount: 5 });
  });

  test("was used before: approve is asked, and its yes is another one", async () => {
    const store = memoryStore();
    const grant = await signed(await question(open({ store })), "ada");
    expect(await outcome(open({ store }), pay(5, { grant }))).toEqual({ amount: 5 });
    let asked = 0;
    expect(await outcome(open({ store, approve: () => (asked++, true) }), pay(5, { grant }))).toEqual({ amount: 5 });
    expect(asked).toBe(1);
  });

  test("is told, and the answer of who was asked then", async () => {
    const [[, grant]] = await wrongs() as [[string, ApprovalGrant]];
    const kernel = createKernel({ guards: [asks("asks", "A payment")], approvalKey: hmac, approve: () => true });
    const told: boolean[] = [];
    kernel.on("approval_resolved", ({ approved }) => void told.push(approved));
    await kernel.session({ agentId: "payer", sessionId: "s1" }).tool(pay(5, { grant }), () => 1);
    expect(told).toEqual([false, true]);
  });

  test("a person's signed no is a no, and approve is not asked", async () => {
    const grant = await signed(await question(open()), "ada", { approved: false });
    let asked = 0;
    expect(await outcome(open({ approve: () => (asked++, true) }), pay(5, { grant }))).toBe("approval_denied");
    expect(asked).toBe(0);
  });
});

describe("the digest", () => {
  test("is the same for a call without an id, however many came before it: it can be granted later", async () => {
    const store = memoryStore();
    const first = open({ store });
    const grant = await signed(await question(first), "ada");
    expect((await question(first)).digest).toBe(grant.digest);
    const later = open({ store });
    await outcome(later, { name: "search", arguments: {}, grant: undefined });
    expect(await outcome(later, pay(5, { grant }))).toEqual({ amount: 5 });
    expect(await outcome(later, pay(5, { grant }))).toBe("approval_denied");
    expect(await outcome(later, pay(5, { callId: "", grant: await signed(await question(later), "ada") })))
      .toEqual({ amount: 5 });
  });

  test("covers the id, when the caller gave one", async () => {
    const grant = await signed(await question(open(), pay(5, { callId: "c1" })), "ada");
    expect(await outcome(open(), pay(5, { callId: "c2", grant }))).toBe("approval_denied");
    expect(await outcome(open(), pay(5, { grant }))).toBe("approval_denied");
    expect(await outcome(open(), pay(5, { callId: "c1", grant }))).toEqual({ amount: 5 });
  });

  test("shows the act's id in any case", async () => {
    expect(await question(open())).toMatchObject({ callId: "#1" });
    expect(await question(open(), pay(5, { callId: "c1" }))).toMatchObject({ callId: "c1" });
  });

  test.each<[string, () => Session]>([
    ["guard", () => open({ guards: [asks("other", "A payment")] })],
    ["reason", () => open({ guards: [asks("asks", "A big payment")] })],
    ["number of guards", () => open({ guards: [asks("asks", "A payment"), asks("asks", "A payment")] })],
    ["session", () => open({}, { sessionId: "s2" })],
    ["agent", () => open({}, { agentId: "other" })],
    ["policy", () => open({ policy: { maxToolCalls: 3 } })],
  ])("is another, when the %s is another", async (_what, other) => {
    const grant = await signed(await question(open()), "ada");
    expect((await question(other())).digest).not.toBe(grant.digest);
    expect(await outcome(other(), pay(5, { grant }))).toBe("approval_denied");
  });

  test("is told with what was escalated: guard, code and reason", async () => {
    expect((await question(open({ guards: [asks("asks", "A payment"), asks("cfo", "Much")] }))).escalations).toEqual([
      { guard: "asks", code: "approval_required", reason: "A payment" },
      { guard: "cfo", code: "approval_required", reason: "Much" },
    ]);
  });
});

test("approval_resolved says which grants answered", async () => {
  const request = await question(open());
  const kernel = createKernel({ guards: [asks("asks", "A payment")], approvalKey: hmac, approvalQuorum: 2 });
  const told: GovernanceEvents["approval_resolved"][] = [];
  kernel.on("approval_resolved", (event) => void told.push(event));
  const grant = [await signed(request, "ada"), await signed(request, "Bob")];
  await kernel.session({ agentId: "payer", sessionId: "s1" }).tool(pay(5, { grant }), () => 1);
  expect(told).toMatchObject([{ approved: true, by: "ada, Bob", grants: [request.id, request.id] }]);
});

test("a payload that is changed once its grant was verified changes nothing", async () => {
  const guards = [asks("asks", "A payment", ({ amount }) => amount === 5)];
  const request = await question(open({ guards }));
  const payload = { amount: 1 };
  const grant = { ...(await signed(request, "ada", { payload })), payload };
  const kept = memoryStore();
  const change = (key: string): void => {
    if (key.includes("grant")) payload.amount = 1_000_000;
  };
  const store = storeWith({
    read: (...args) => (change(args[0]), kept.read(...args)),
    put: (...args) => (change(args[0]), kept.put(...args)),
  }, kept);
  const plugins = [definePlugin({ name: "store", setup: (host) => host.store(store) })];
  expect(await outcome(open({ guards, plugins, approve: () => grant }), pay())).toEqual({ amount: 1 });
});

test.each([NaN, Infinity])("a clock that answers %s lets no answer count", async (time) => {
  let now = 1000;
  const clock = (): number => now;
  const grant = await signed(await question(open({ clock })), "ada");
  const session = open({ clock, policy: { timeoutMs: 1e15 } });
  now = time;
  expect(await outcome(session, pay(5, { grant }))).not.toEqual({ amount: 5 });
  const asked = open({ clock, approve: () => true });
  expect(await outcome(asked, pay())).not.toEqual({ amount: 5 });
});

test("a grant that expires while guards judge again does not count", async () => {
  let now = 1000;
  const clock = (): number => now;
  const options = { clock, approvalTtlMs: 100, store: storeWith({}) };
  const grant = await signed(await question(open(options)), "ada");
  let round = 0;
  const slow = asks("asks", "A payment", () => (round++ === 1 && (now = 1200), true));
  expect(await outcome(open({ ...options, guards: [slow] }), pay(5, { grant }))).toBe("approval_denied");
});

describe("the same call again, with a grant", () => {
  const begin = (session: Session, more: object = {}) =>
    session.begin({
      stage: "pre_tool_call",
      name: "pay",
      payload: { amount: 5 },
      callId: "c1",
      approval: "return",
      ...more,
    });
  /** A session whose person answers when told to. */
  const waited = () => {
    let asked: () => void = () => {};
    let answer: (isYes: boolean) => void = () => {};
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const answered = new Promise<boolean>((resolve) => (answer = resolve));
    return { session: open({ approve: () => (asked(), answered) }), isAsked, answer };
  };
  const asked = async (session: Session): Promise<ApprovalGrant> => {
    const { decision } = await begin(session);
    if (decision.effect !== "escalate" || decision.approval === undefined) throw new Error("no question");
    return await signed(decision.approval, "ada");
  };

  test("lets the open act run, and takes nothing anew", async () => {
    const session = open({ policy: { maxToolCalls: 1 } });
    const first = await begin(session);
    const grant = await asked(session);
    const again = await begin(session, { grant });
    expect(again).toBe(first);
    expect(again.decision).toMatchObject({ effect: "allow" });
  });

  test("leaves it open, when the grant does not count, and denies, when it is none", async () => {
    const session = open();
    const grant = { ...(await asked(session)), by: "eve" };
    expect((await begin(session, { grant })).decision.effect).toBe("escalate");
    expect((await begin(session, { grant: true })).decision).toMatchObject({ code: "approval_denied" });
  });

  test("answers it while a person is asked, whose late answer changes nothing", async () => {
    const { session, isAsked, answer } = waited();
    const grant = await signed(await question(open(), pay(5, { callId: "c1" })), "ada");
    const waiting = begin(session, { approval: "ask" });
    await isAsked;
    const again = await begin(session, { grant });
    expect(again.decision).toMatchObject({ effect: "allow" });
    answer(false);
    expect(await waiting).toBe(again);
    expect(again.decision).toMatchObject({ effect: "allow" });
  });

  test("loses no answer of a person that comes while the grant is read", async () => {
    const { session, isAsked, answer } = waited();
    const grant = { ...(await signed(await question(open(), pay(5, { callId: "c1" })), "ada")), by: "eve" };
    const waiting = begin(session, { approval: "ask" });
    await isAsked;
    const again = begin(session, { grant });
    answer(false);
    expect((await again).decision.allowed).toBe(false);
    expect((await waiting).decision).toMatchObject({ code: "approval_denied" });
  });
});
