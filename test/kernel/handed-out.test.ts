import { describe, expect, test } from "vitest";
import {
  type Act,
  agentProfile,
  allow,
  any,
  createKernel,
  defineGuard,
  definePlugin,
  type ExecutionContext,
  type GovernedRequest,
  type Kernel,
  maxConcurrent,
  type PendingAct,
  type Plugin,
  rateLimit,
  redactPatterns,
  requireApproval,
  type Session,
  type Taking,
  transform,
  trustTracker,
  withTimeout,
} from "../../mod.ts";
import { createKernel as createCore } from "../../src/core.ts";
import { ActImpl } from "../../src/kernel/act.ts";
import { GateRequest } from "../../src/base/gate-request.ts";
import { Emitter } from "../../src/base/events.ts";
import { KeyedReservation } from "../../src/guards/keyed-reservation.ts";
import { KeyedLimit } from "../../src/guards/keyed-limit.ts";
import { Semaphore } from "../../src/guards/semaphore.ts";
import { KillSwitch } from "../../src/control/kill-switch.ts";
import { Linked } from "../../src/base/linked.ts";
import { ActList } from "../../src/kernel/act-list.ts";
import { Extensions } from "../../src/kernel/host.ts";
import { LiveSessions } from "../../src/kernel/live-sessions.ts";
import { Scope } from "../../src/kernel/scope.ts";
import { SessionContext, SessionState } from "../../src/base/context.ts";
import { SessionImpl } from "../../src/kernel/session.ts";
import { LimitTable } from "../../src/state/limit-table.ts";
import { Reservation, Reservations } from "../../src/base/taking.ts";
import { Wait, Waits } from "../../src/kernel/waiting.ts";

/** What nobody outside may hold, or make. */
const ENGINE: readonly (abstract new (...args: never[]) => object)[] = [
  ActImpl,
  Scope,
  Emitter,
  Extensions,
  LiveSessions,
  KillSwitch,
  KeyedReservation,
  KeyedLimit,
  LimitTable,
  Linked,
  ActList,
  SessionState,
  Reservation,
  Reservations,
  Semaphore,
  Wait,
  Waits,
];
/** The classes of what is handed out, which hold what is behind it. */
const CLASSES: readonly unknown[] = [...ENGINE, GateRequest, SessionContext, SessionImpl];

/** Where a global of the language or the runtime begins: everybody has those. */
const EVERYBODYS = new Set<unknown>();
for (
  const one of [
    Object,
    Function,
    Array,
    String,
    Number,
    Boolean,
    Symbol,
    BigInt,
    Map,
    Set,
    WeakMap,
    WeakSet,
    Date,
    RegExp,
    Promise,
    Error,
    TypeError,
    AbortSignal,
    EventTarget,
    (async () => {}).constructor,
    (function* () {}).constructor,
    (async function* () {}).constructor,
  ]
) {
  for (let at: unknown = one; at !== null && at !== undefined; at = Object.getPrototypeOf(at)) EVERYBODYS.add(at);
  for (let at: unknown = one.prototype; at !== null && at !== undefined; at = Object.getPrototypeOf(at)) {
    EVERYBODYS.add(at);
  }
}

interface Forbidden {
  /** Whether a value must not be reached. */
  (value: object): string | undefined;
}

/**
 * Reaches all that can be reached from a value by own keys, symbols, getters, prototypes, constructors and their
 * statics, and answers the way to whatever must not be.
 */
function leaks(root: unknown, forbidden: Forbidden): string[] {
  const seen = new Set<unknown>();
  const found: string[] = [];
  const queue: (readonly [unknown, string])[] = [[root, "it"]];
  for (const [value, way] of queue) {
    if ((typeof value !== "object" && typeof value !== "function") || value === null) continue;
    if (seen.has(value) || EVERYBODYS.has(value)) continue;
    seen.add(value);
    // A taking is of a class of the engine, and shows what its guard may know.
    const why = value === root ? undefined : forbidden(value);
    if (why !== undefined) {
      found.push(`${way}: ${why}`);
      continue;
    }
    queue.push([Object.getPrototypeOf(value), `${way}.__proto__`]);
    if (value instanceof Map || value instanceof Set) {
      for (const entry of value) queue.push([entry, `${way}[entry]`]);
    }
    if (value instanceof WeakRef) queue.push([value.deref(), `${way}.deref()`]);
    for (const key of Reflect.ownKeys(value)) {
      const { get, set, value: own } = Object.getOwnPropertyDescriptor(value, key) as PropertyDescriptor;
      const next = `${way}.${String(key)}`;
      for (const part of [get, set, own]) queue.push([part, next]);
      if (get === undefined) continue;
      // A getter of a prototype shows what it shows on the thing itself.
      for (const on of [value, root]) {
        try {
          queue.push([Reflect.apply(get, on, []), `${next}()`]);
        } catch {
          // It is of another object.
        }
      }
    }
  }
  return found;
}

async function world() {
  const requests: GovernedRequest[] = [];
  const contexts: ExecutionContext[] = [];
  const takings: Taking[] = [];
  const events: unknown[] = [];
  const errors: unknown[] = [];
  const guard = defineGuard({
    name: "own",
    check: (request, context, taking) => {
      requests.push(request);
      contexts.push(context);
      takings.push(taking);
      taking.take(() => {});
      return allow();
    },
  });
  /** Takes nothing, so that it is asked a second time where another transforms; in a pass of its own, too. */
  const looks = defineGuard({
    name: "looks",
    check: async (_request, _context, taking) => {
      takings.push(taking);
      return allow();
    },
  });
  const masks = defineGuard({
    name: "masks",
    stages: ["pre_tool_call"],
    check: ({ payload }) => (JSON.stringify(payload).includes("secret") ? transform({ q: "***" }, "Masked") : allow()),
  });
  const approvalKey = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["verify", "sign"]);
  let host: object | undefined;
  const seam: unknown[] = [];
  const sink = { name: "keeps", write: (record: unknown) => void events.push(record) };
  const interceptors = [(request: GovernedRequest, next: () => Promise<unknown>, context: ExecutionContext) => {
    requests.push(request);
    contexts.push(context);
    return next();
  }];
  const limit = rateLimit({ max: 100, windowMs: 1000, by: "agent" });
  const guards = [
    guard,
    limit,
    maxConcurrent(10),
    looks,
    any(looks),
    withTimeout(looks, 10_000),
    masks,
    redactPatterns(["secret"], "***"),
  ];
  const kernel = createKernel({
    guards,
    interceptors,
    approvalKey,
    trustTracker: trustTracker(),
    policy: { requireHumanApproval: ["pay"], deniedTools: ["rm"] },
    plugins: [{
      name: "host",
      setup: (given) => {
        host = given;
        given.sink(sink);
        given.opening({
          open: (_init, parts, parent) => void seam.push(parts.agent, parts.policy, parent),
          opened: (_init, session) => void seam.push(session),
          ready: (session) => void seam.push(session) as undefined,
        });
        given.observe({
          stages: ["output", "post_tool_call"],
          ended: (session, act) => void seam.push(session, act) as undefined,
        });
        given.denied((session, act) => void seam.push(session, act));
        seam.push(given.stop((session) => void seam.push(session) as undefined));
      },
    }],
  });
  for (
    const type of [
      "policy_check",
      "tool_call_blocked",
      "policy_violation",
      "approval_requested",
      "call_completed",
    ] as const
  ) {
    kernel.on(type, (event) => void events.push(event));
  }
  const agent = agentProfile({ did: "did:agentmesh:tester", name: "tester" });
  const session = kernel.session({ agent });
  const child = session.child();
  const other = kernel.session({ agent });
  const begin = (name: string, more: object = {}): Act | Promise<Act> =>
    child.begin({
      stage: "pre_tool_call",
      name,
      payload: { q: "a secret" },
      callId: name,
      approval: "return",
      ...more,
    });
  const acts = {
    "an open act": await begin("search"),
    "a denied act": await begin("rm"),
    "an escalated act": await begin("pay"),
    "an ended act": await begin("ended"),
    "an act with a signal of its own": await begin("own", { signal: new AbortController().signal }),
  };
  await acts["an ended act"].end("a secret");
  for (
    const fails of [
      () => child.tool({ name: "rm", arguments: {} }, () => 1),
      () => child.tool({ name: "pay", arguments: {} }, () => 1),
      () => child.run("hi", () => (async function* () {})()),
    ]
  ) {
    await fails().catch((error: unknown) => errors.push(error));
  }
  await child.tool({ name: "search", arguments: { q: "a secret" } }, (args) => args);
  await child.model({ model: "m", request: "hi" }, () => "hi", () => ({ totalTokens: 1 }));
  const explanation = await kernel.explain({ stage: "pre_tool_call", name: "search", payload: {} }, child);
  const governed = kernel.wrap(
    { run: (text: string) => text },
    definePlugin({
      name: "p",
      wrap: (target: { run(text: string): string }, on: Session) => ({
        run: (text: string) => on.run(text, (input) => target.run(input)),
      }),
    }),
    session,
  );
  const signal = child.context.signal;
  const stream = child.stream((async function* () {})(), {
    stage: "output",
    name: "execute",
    textOf: () => undefined,
    withText: (part: unknown) => part,
  });
  const pending: unknown[] = [];
  const channels: unknown[] = [];
  const approver: Plugin = {
    name: "approver",
    setup: (given) => {
      channels.push(given.channel("approval_requested"));
      const later = async (act: PendingAct): Promise<void> => void pending.push(act);
      given.approver({
        ask: async (act, escalation) => void pending.push(act, escalation, act.session),
        answer: later,
        unanswered: () => {},
      });
    },
  };
  const core = createCore({ guards: [guard, requireApproval()], plugins: [approver] }).session({ agentId: "a" });
  await core.begin({ stage: "pre_tool_call", name: "pay", payload: { amount: 1 } });
  return {
    secrets: { approvalKey, guards, sessions: [session, child, other], kernel, sink, interceptors },
    handedOut: {
      "a session": session,
      "a child session": child,
      "a context": child.context,
      "a profile": agent,
      "a policy": kernel.policy,
      "a kernel": kernel,
      "a plugin's host": host,
      "a signal": signal,
      "a stream": stream,
      "a governed object": governed,
      "an explanation": explanation,
      "a guard": guard,
      "a guard of ours": limit,
      "a session of the core": core,
      ...acts,
      ...Object.fromEntries(
        [...seam, ...pending, ...channels].filter((one) => one !== undefined)
          .map((one, at) => [`of the seam ${at}`, one]),
      ),
      ...Object.fromEntries(requests.map((request, at) => [`request ${at} (${request.stage})`, request])),
      ...Object.fromEntries(contexts.map((context, at) => [`context ${at}`, context])),
      ...Object.fromEntries(takings.map((taking, at) => [`taking ${at}`, taking])),
      ...Object.fromEntries(events.map((event, at) => [`event ${at}`, event])),
      ...Object.fromEntries(errors.map((error, at) => [`error ${at}`, error])),
    },
  };
}

describe("what is handed out", () => {
  test("leads to nothing of the engine, no guard, no key and no session", async () => {
    const { secrets, handedOut } = await world();
    const named = new Map<unknown, string>([
      [secrets.approvalKey, "the approval key"],
      [secrets.kernel, "the kernel"],
      [secrets.sink, "a sink"],
      ...secrets.guards.map((guard) => [guard, "a guard"] as const),
      ...secrets.interceptors.map((interceptor) => [interceptor, "an interceptor"] as const),
      ...secrets.sessions.map((session) => [session, "a session"] as const),
    ]);
    const forbidden: Forbidden = (value) => {
      if (value instanceof CryptoKey) return "a key";
      if (CLASSES.includes(value)) return `the class ${(value as { name: string }).name}`;
      const engine = ENGINE.find((one) => value instanceof one);
      return engine === undefined ? named.get(value) : `an object of ${engine.name}`;
    };
    expect(Object.keys(handedOut).length).toBeGreaterThan(40);
    expect(Object.keys(handedOut).filter((what) => what.startsWith("taking")).length).toBeGreaterThan(30);
    const all = Object.entries(handedOut).flatMap(([what, value]) => {
      expect(value, what).toBeDefined();
      return leaks(value, forbidden).map((way) => `${what}: ${way}`);
    });
    expect(all).toEqual([]);
  });

  test("would be told, if it led there: the crawler finds a field, a symbol, a static, a getter and a set's entry", () => {
    class Inner {
      static readonly key = new KillSwitch({
        store: () => undefined,
        clock: () => 0,
        failed: () => {},
        stopping: () => {},
        sessions: () => {},
      });
      readonly own = 1;
    }
    const isHalts: Forbidden = (value) => (value instanceof KillSwitch ? "found" : undefined);
    const way = (value: unknown): string[] => leaks(value, isHalts);
    expect(way(new Inner())).toEqual(["it.__proto__.constructor.key: found"]);
    expect(way({ [Symbol("inner")]: { deep: Inner.key } })).toEqual(["it.Symbol(inner).deep: found"]);
    expect(way({
      get inner() {
        return new Set([Inner.key]);
      },
    })).toEqual(["it.inner()[entry]: found"]);
  });

  test("makes no second session, kernel, context, act or request by its constructor", async () => {
    const { handedOut } = await world();
    for (const what of ["a session", "a kernel", "a context", "an open act", "taking 0"] as const) {
      expect((handedOut as Record<string, object>)[what]?.constructor, what).toBe(Object);
    }
  });
});

test("a taking has the fields of the contract and no others", async () => {
  const { handedOut } = await world();
  for (const [what, value] of Object.entries(handedOut).filter(([key]) => key.startsWith("taking"))) {
    const names = [value as object, Object.getPrototypeOf(value) as object].flatMap((on) => Reflect.ownKeys(on));
    expect(names.toSorted(), what).toEqual(["dry", "take"]);
    expect(() => Object.assign(value as object, { dry: true }), what).toThrow(TypeError);
  }
});

describe("an act that begin() handed out", () => {
  test("has the fields of the contract and no others", async () => {
    const act = await createKernel().session({ agentId: "a" }).begin({ stage: "input", name: "run", payload: "hi" });
    const names = [act, Object.getPrototypeOf(act) as object].flatMap((on) => Reflect.ownKeys(on))
      // How consoles show it.
      .filter((key) => key !== Symbol.for("nodejs.util.inspect.custom") && key !== Symbol.for("Deno.customInspect"))
      .map(String).sort();
    expect(names).toEqual(["callId", "cancel", "changed", "decision", "end", "fail", "payload", "resume", "signal"]);
    expect(() => Object.assign(act, { decision: allow() })).toThrow(TypeError);
  });

  test("has no payload and an aborted signal, when it was denied", async () => {
    const act = await createKernel({ policy: { deniedTools: ["rm"] } }).session({ agentId: "a" }).begin({
      stage: "pre_tool_call",
      name: "rm",
      payload: { path: "/" },
    });
    expect([act.payload, act.signal.aborted, act.changed]).toEqual([undefined, true, false]);
    expect(act.signal.reason).toMatchObject({ code: "tool_not_allowed" });
  });

  test("aborts the signal that it gave, when its approval is refused or it is cancelled", async () => {
    const session = createKernel({ policy: { requireHumanApproval: ["pay"] } }).session({ agentId: "a" });
    const begin = (name: string) =>
      Promise.resolve(session.begin({ stage: "pre_tool_call", name, payload: {}, approval: "return" }));
    const refused = await begin("pay");
    const { signal } = refused;
    expect([signal.aborted, refused.payload]).toEqual([false, {}]);
    await refused.resume(false);
    expect([signal.aborted, signal.reason.code, refused.payload]).toEqual([true, "approval_denied", undefined]);
    const cancelled = await begin("search");
    const its = cancelled.signal;
    cancelled.cancel();
    expect(its.aborted).toBe(true);
  });

  test("shows no payload as long as it is judged, and does not abort", async () => {
    let answer = (): void => undefined;
    const slow = defineGuard({
      name: "slow",
      stages: ["pre_tool_call"],
      check: () => new Promise((resolve) => (answer = () => resolve(allow()))),
    });
    const session = createKernel({ guards: [slow] }).session({ agentId: "a" });
    const begun = session.begin({ stage: "pre_tool_call", name: "t", payload: { q: 1 }, callId: "c1" });
    const found = session.act("c1") as Act;
    expect([found.payload, found.decision.allowed, found.signal.aborted]).toEqual([undefined, false, false]);
    answer();
    expect(await begun).toBe(found);
    expect(found.payload).toEqual({ q: 1 });
  });

  test("is aborted with its session, and leaves nothing at a signal of its own, once it is over", async () => {
    const session = createKernel().session({ agentId: "a" });
    const own = new AbortController();
    const act = await session.begin({ stage: "pre_tool_call", name: "t", payload: {}, signal: own.signal });
    const { signal } = act;
    void session.close();
    expect([signal.aborted, signal.reason.code]).toEqual([true, "session_killed"]);
    own.abort();
    expect(signal.reason.code).toBe("session_killed");
  });
});

test("withheld text is reachable from nothing that its caller holds", async () => {
  const withheld = "a withheld text";
  const kernel = createKernel({ policy: { blockedPatterns: ["withheld"] } });
  const session = kernel.session({ agentId: "a" });
  const act = await session.begin({ stage: "pre_tool_call", name: "t", payload: {}, callId: "c1" });
  const decision = await act.end({ text: withheld });
  const error = await session.tool({ name: "t", arguments: {} }, () => ({ text: withheld })).catch((e: unknown) => e);
  const seen = new Set<unknown>();
  const texts: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === "string") texts.push(value);
    if ((typeof value !== "object" && typeof value !== "function") || value === null || seen.has(value)) return;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) walk(Object.getOwnPropertyDescriptor(value, key)?.value);
    walk(Object.getPrototypeOf(value));
  };
  for (const one of [act, decision, error, session, kernel, act.signal, act.payload]) walk(one);
  expect(decision).toMatchObject({ code: "blocked_pattern" });
  expect(texts.length).toBeGreaterThan(20);
  expect(texts.filter((text) => text.includes("withheld text"))).toEqual([]);
});

describe("kernels", () => {
  const agent = { run: (text: string): string => text };
  const plugin = definePlugin({
    name: "p",
    wrap: (target: { run(text: string): unknown }, on: Session) => ({
      run: (text: string): unknown => on.run(text, (input) => target.run(input)),
    }),
  });
  const pair = (): [Kernel, Kernel] => [createKernel(), createKernel()];

  test("keep to themselves: wrap() and explain() throw, when they are given another's session", () => {
    const [one, two] = pair();
    const session = two.session({ agentId: "a" });
    expect(() => one.wrap(agent, plugin, session)).toThrow('"init" must be a session of this kernel');
    expect(() => one.explain({ stage: "input", name: "run", payload: "" }, session)).toThrow(
      '"init" must be a session of this kernel',
    );
    one.session({ agentId: "a" });
    expect(() => one.wrap(agent, plugin, session)).toThrow(TypeError);
    expect(() => one.session({ agentId: "a", parent: session })).toThrow(TypeError);
    expect(two.sessionOf(two.wrap(agent, plugin, session))).toBe(session);
    expect(two.explain({ stage: "input", name: "run", payload: "" }, session)).toMatchObject({
      decision: { effect: "allow" },
    });
  });

  test("govern nothing twice: wrap() throws and says so, whichever kernel has governed it", () => {
    const [one, two] = pair();
    const governed = one.wrap(agent, plugin, { agentId: "a" });
    for (const kernel of [one, two]) {
      expect(() => kernel.wrap(governed, plugin, { agentId: "b" })).toThrow("governed already");
    }
    // The target itself may be governed again: each governed object has a session of its own.
    expect(one.wrap(agent, plugin, { agentId: "b" })).not.toBe(governed);
    const again = definePlugin({ name: "again", wrap: (_target: object) => governed });
    expect(() => one.wrap(agent, again, { agentId: "a" })).toThrow("governed already");
    expect(one.sessionOf(governed)?.context.agentId).toBe("a");
  });
});
