import { describe, expect, test } from "vitest";
import {
  agentProfile,
  all,
  costBudget,
  createIdentity,
  createKernel,
  definePlugin,
  type Guard,
  type Kernel,
  type LimitOptions,
  maxToolCalls,
  memoryStore,
  onTool,
  rateLimit,
  shadow,
  type StateStore,
  tokenBudget,
} from "../../mod.ts";

const clock = (): number => 0;
const codeOf = (attempt: Promise<unknown>): Promise<unknown> =>
  attempt.then(() => "", (error: { code: unknown }) => error.code);
const tool = (kernel: Kernel, init: Parameters<Kernel["session"]>[0] = { agentId: "a" }, name = "search") =>
  codeOf(kernel.session(init).tool({ name, arguments: {} }, () => "found"));
const model = (kernel: Kernel) =>
  codeOf(
    kernel.session({ agentId: "a" }).model({ model: "m", request: "Hi" }, () => "Hello", () => ({
      totalTokens: 60,
      costUsd: 0.6,
    })),
  );
const later = (store: StateStore): StateStore => ({
  name: "later",
  read: async (key, now) => await store.read(key, now),
  put: async (...args) => await store.put(...args),
  take: async (...args) => await store.take(...args),
  giveBack: async (...args) => await store.giveBack(...args),
});

/** What counts more than one session's acts, and an act of one that fits twice, and not a third time. */
const shared: [string, (options?: Pick<LimitOptions, "store">) => Guard, (kernel: Kernel) => Promise<unknown>][] = [
  ["rateLimit()", (more) => rateLimit({ max: 2, windowMs: 1000, ...more }), tool],
  ["rateLimit() by tool", (more) => rateLimit({ max: 2, windowMs: 1000, by: "tool", ...more }), tool],
  ["rateLimit() by a function", (more) => rateLimit({ max: 2, windowMs: 1000, by: () => "all", ...more }), tool],
  ["maxToolCalls() per agent", (more) => maxToolCalls(2, { per: "agent", ...more }), tool],
  ["tokenBudget() per agent", (more) => tokenBudget(120, { per: "agent", ...more }), model],
  ["costBudget() per agent", (more) => costBudget(1.2, { per: "agent", estimateUsd: 0.5, ...more }), model],
  [
    "costBudget() in a window",
    (more) => costBudget(1.2, { per: "agent", windowMs: 9, estimateUsd: 0.5, ...more }),
    model,
  ],
];

describe.each(shared)("%s in a kernel with a store", (_, guard, act) => {
  test.each<[string, (store: StateStore) => StateStore]>([
    ["at once", (store) => store],
    ["later", later],
  ])("counts with other kernels of that store, when it answers %s", async (_when, as) => {
    const store = as(memoryStore());
    const [one, two] = [0, 1].map(() => createKernel({ guards: [guard()], store, clock })) as [Kernel, Kernel];
    expect(await act(one)).toBe("");
    expect(await act(two)).toBe("");
    expect(await act(one)).not.toBe("");
    expect(await act(two)).not.toBe("");
    // Another store, and no store, know nothing of it.
    expect(await act(createKernel({ guards: [guard()], store: memoryStore(), clock }))).toBe("");
    expect(await act(createKernel({ guards: [guard()], clock }))).toBe("");
  });

  test("counts with them, when a plugin brings the store", async () => {
    const store = memoryStore();
    const plugins = [definePlugin({ name: "s", setup: (host) => host.store(store) })];
    const kernels = [0, 1, 2].map(() => createKernel({ guards: [guard()], plugins, clock }));
    expect(await act(kernels[0] as Kernel)).toBe("");
    expect(await act(kernels[1] as Kernel)).toBe("");
    expect(await act(kernels[2] as Kernel)).not.toBe("");
  });

  test("keeps to its own store, when it has one", async () => {
    const [store, own] = [memoryStore(), memoryStore()];
    const kernels = [0, 1, 2].map(() => createKernel({ guards: [guard({ store: own })], store, clock }));
    for (const kernel of kernels.slice(0, 2)) expect(await act(kernel)).toBe("");
    expect(await act(kernels[2] as Kernel)).not.toBe("");
    expect(await act(createKernel({ guards: [guard()], store, clock }))).toBe("");
  });

  test.each<[string, Partial<StateStore>]>([
    ["throws", {
      take: () => {
        throw new Error("down");
      },
    }],
    ["rejects", { take: () => Promise.reject(new Error("down")) }],
    ["answers nonsense", { take: () => ({}) as never }],
  ])("denies, when the store %s", async (_how, broken) => {
    const store: StateStore = { ...later(memoryStore()), ...broken };
    expect(await act(createKernel({ guards: [guard()], store, clock }))).toBe("store_unavailable");
  });

  test("gives back there what was denied after it", async () => {
    const store = memoryStore();
    const no = createKernel({
      guards: [guard(), () => ({ effect: "deny", allowed: false, code: "no", reason: "no" })],
      store,
      clock,
    });
    for (let i = 0; i < 4; i++) expect(await act(no)).toBe("no");
    expect(await act(createKernel({ guards: [guard()], store, clock }))).toBe("");
  });
});

test.each<[string, Guard, Guard]>([
  [
    "rateLimit()",
    rateLimit({ max: 1, windowMs: 1000, by: "session" }),
    rateLimit({ max: 1, windowMs: 1000, by: "session" }),
  ],
  ["maxToolCalls()", maxToolCalls(1), maxToolCalls(1)],
  ["maxToolCalls() in a window", maxToolCalls(1, { windowMs: 1000 }), maxToolCalls(1, { windowMs: 1000 })],
])("%s of a session stays in the process, whatever the kernel's store", async (_, here, there) => {
  const down: StateStore = { ...later(memoryStore()), take: () => Promise.reject(new Error("down")) };
  for (const guard of [here, there]) {
    const session = createKernel({ guards: [guard], store: down, clock }).session({ agentId: "a", sessionId: "s" });
    expect(await codeOf(session.tool({ name: "search", arguments: {} }, () => "found"))).toBe("");
    expect(await codeOf(session.tool({ name: "search", arguments: {} }, () => "found"))).not.toBe("");
  }
});

test("a limit in a kernel's store has one count for both DIDs of a key, and one for each agent", async () => {
  const store = memoryStore();
  const kernel = () => createKernel({ guards: [rateLimit({ max: 1, windowMs: 1000 })], store, clock });
  const { did, didKey } = await createIdentity();
  const as = (name: string) => ({ agent: agentProfile({ did: name, name: "A" }) });
  expect(await tool(kernel(), as(did))).toBe("");
  expect(await tool(kernel(), as(didKey))).toBe("rate_limited");
  expect(await tool(kernel(), { agentId: "b" })).toBe("");
});

test("a guard that two kernels share counts in the store of each", async () => {
  const guard = rateLimit({ max: 1, windowMs: 1000 });
  const kernels = [memoryStore(), memoryStore(), undefined].map((store) =>
    createKernel({ guards: [guard], clock, ...(store === undefined ? {} : { store }) })
  );
  for (const kernel of kernels) expect(await tool(kernel)).toBe("");
  for (const kernel of kernels) expect(await tool(kernel)).toBe("rate_limited");
});

test("a child's call counts once, when parent and child are one agent", async () => {
  const kernel = createKernel({ guards: [rateLimit({ max: 2, windowMs: 1000 })], store: memoryStore(), clock });
  const child = kernel.session({ agentId: "a" }).child({});
  const call = () => codeOf(child.tool({ name: "search", arguments: {} }, () => "found"));
  expect([await call(), await call(), await call()]).toEqual(["", "", "rate_limited"]);
});

describe("two limits of one name in a kernel's store", () => {
  const limit = (more: object = {}): Guard => rateLimit({ max: 2, windowMs: 1000, ...more });

  test.each<[string, readonly Guard[]]>([
    ["side by side", [limit(), limit({ max: 5 })]],
    ["inside combinators", [all(onTool("pay", limit()), limit({ max: 5 }))]],
    ["in a shadow", [limit(), shadow(limit())]],
    ["per agent", [maxToolCalls(1, { per: "agent" }), onTool("pay", maxToolCalls(2, { per: "agent" }))]],
  ])("are refused, when they stand %s", (_, guards) => {
    expect(() => createKernel({ guards, store: memoryStore() })).toThrow(
      /Cannot build createKernel\(\): two limits count in the kernel's store under the id "(rateLimit|maxToolCalls)"/,
    );
    // Without a store each counts for itself.
    expect(() => createKernel({ guards })).not.toThrow();
  });

  test("are refused with the first session, when a plugin adds the second", () => {
    const kernel = createKernel({ guards: [limit()], store: memoryStore() });
    kernel.use(definePlugin({ name: "p", setup: (host) => host.guard(limit()) }));
    expect(() => kernel.session({ agentId: "a" })).toThrow('give each an "id" of its own');
  });

  test.each<[string, readonly Guard[]]>([
    ["ids", [limit({ id: "one" }), limit({ id: "two" })]],
    ["windows", [limit(), limit({ windowMs: 2000 })]],
    ["what is counted apart", [limit(), limit({ by: "tool" })]],
    ["stores", [limit(), limit({ store: memoryStore() })]],
    ["sessions", [limit({ by: "session" }), limit({ by: "session", max: 3 })]],
  ])("are taken, when they differ by %s", (_, guards) => {
    expect(() => createKernel({ guards, store: memoryStore() }).session({ agentId: "a" })).not.toThrow();
  });

  test("are taken, when they are one limit in two places", async () => {
    const one = limit();
    const kernel = createKernel({ guards: [one, onTool("pay", one)], store: memoryStore(), clock });
    expect(await tool(kernel)).toBe("");
  });
});
