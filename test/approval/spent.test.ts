import { describe, expect, test } from "vitest";
import {
  type ApprovalGrant,
  createKernel,
  defineGuard,
  definePlugin,
  deny,
  type KernelOptions,
  memoryStore,
  type StateStore,
} from "../../mod.ts";
import { asks, hmac, open, outcome, pay, question, signed, storeWith } from "./helpers.ts";

const two: KernelOptions = { approvalQuorum: 2 };

describe("createKernel({ store })", () => {
  test.each<[string, unknown]>([
    ["null", null],
    ["text", "redis"],
    ["a store without a name", storeWith({ name: "" })],
    ["a store that can't put", { ...storeWith({}), put: undefined }],
    ["a Map", new Map()],
  ])("throws a TypeError, when the store is %s", (_what, store) => {
    expect(() => createKernel({ store: store as StateStore })).toThrow(TypeError);
    expect(() =>
      createKernel({ plugins: [definePlugin({ name: "p", setup: (host) => host.store(store as StateStore) })] })
    ).toThrow(TypeError);
  });

  test("throws a TypeError, when a plugin brings another store", () => {
    const plugins = [definePlugin({ name: "p", setup: (host) => host.store(memoryStore()) })];
    expect(() => createKernel({ store: memoryStore(), plugins })).toThrow(/"p" brings a store/);
    const kernel = createKernel({ store: memoryStore() });
    expect(() => kernel.use(plugins[0]!)).toThrow(TypeError);
  });

  test("has single use hold in the next process, when both have one store", async () => {
    const store = memoryStore();
    const grant = await signed(await question(open({ store })), "ada");
    expect(await outcome(open({ store }), pay(5, { grant }))).toEqual({ amount: 5 });
    expect(await outcome(open({ store }), pay(5, { grant }))).toBe("approval_denied");
  });

  test("has single use hold, when the store answers later", async () => {
    const kept = memoryStore();
    const store = storeWith({
      read: async (...args) => await kept.read(...args),
      put: async (...args) => await kept.put(...args),
    }, kept);
    const grant = await signed(await question(open({ store })), "ada");
    const outcomes = await Promise.all([1, 2, 3].map(() => outcome(open({ store }), pay(5, { grant }))));
    expect(outcomes.filter((one) => one !== "approval_denied")).toEqual([{ amount: 5 }]);
  });

  test("has single use hold, when the clock is set back after the grant has expired", async () => {
    let now = 1_000_000;
    const options = { clock: () => now, approvalTtlMs: 1000, store: memoryStore() };
    const grant = await signed(await question(open(options)), "ada");
    expect(await outcome(open(options), pay(5, { grant }))).toEqual({ amount: 5 });
    now += 5000;
    await outcome(open(options), pay(5, { grant: await signed(await question(open(options)), "ada") }));
    now -= 5000;
    expect(await outcome(open(options), pay(5, { grant }))).toBe("approval_denied");
  });

  test("has stops hold in the next process", async () => {
    const store = memoryStore();
    createKernel({ store }).kill("payer");
    expect(await outcome(open({ store, guards: [] }), pay())).toBe("session_killed");
  });
});

test("a question lets one act run, when two people have signed it", async () => {
  const store = memoryStore();
  const request = await question(open({ store }));
  const [ada, bob] = [await signed(request, "ada"), await signed(request, "bob")];
  expect(await outcome(open({ store }), pay(5, { grant: ada }))).toEqual({ amount: 5 });
  expect(await outcome(open({ store }), pay(5, { grant: bob }))).toBe("approval_denied");
  const again = await signed(await question(open({ store })), "bob");
  expect(await outcome(open({ store }), pay(5, { grant: again }))).toEqual({ amount: 5 });
});

describe("a refused attempt burns no grant", () => {
  const grants = async (options: KernelOptions): Promise<[ApprovalGrant, ApprovalGrant]> => [
    await signed(await question(open(options)), "ada"),
    await signed(await question(open(options)), "bob"),
  ];

  test.each<[string, (ada: ApprovalGrant, bob: ApprovalGrant) => unknown]>([
    ["the second is missing", (ada) => [ada]],
    ["the second is not signed", (ada, bob) => [ada, { ...bob, signature: "" }]],
    ["the second is no grant", (ada) => [ada, true]],
    ["the second has expired", (ada, bob) => [ada, { ...bob, expiresAt: 0 }]],
  ])("when %s", async (_when, attempt) => {
    const options = { ...two, store: memoryStore() };
    const [ada, bob] = await grants(options);
    expect(await outcome(open(options), pay(5, { grant: attempt(ada, bob) }))).toBe("approval_denied");
    expect(await outcome(open(options), pay(5, { grant: [ada, bob] }))).toEqual({ amount: 5 });
  });

  test("when the second was used before", async () => {
    const options = { ...two, store: memoryStore() };
    const [ada, bob] = await grants(options);
    const carol = await signed(await question(open(options)), "carol");
    expect(await outcome(open(options), pay(5, { grant: [bob, carol] }))).toEqual({ amount: 5 });
    expect(await outcome(open(options), pay(5, { grant: [ada, bob] }))).toBe("approval_denied");
    const dave = await signed(await question(open(options)), "dave");
    expect(await outcome(open(options), pay(5, { grant: [ada, dave] }))).toEqual({ amount: 5 });
  });

  test("when they changed the call differently", async () => {
    const options = { ...two, store: memoryStore() };
    const request = await question(open(options));
    const ada = await signed(request, "ada");
    const grant = [ada, await signed(request, "bob", { payload: { amount: 6 } })];
    expect(await outcome(open(options), pay(5, { grant }))).toBe("approval_denied");
    expect(await outcome(open(options), pay(5, { grant: [ada, await signed(request, "bob")] }))).toEqual({ amount: 5 });
  });

  test("when a guard denies as it judges again", async () => {
    const store = memoryStore();
    const grant = await signed(await question(open({ store })), "ada");
    let round = 0;
    const later = defineGuard({
      name: "later",
      check: () => round++ === 1 ? deny("later", "no") : { effect: "allow", allowed: true },
    });
    expect(await outcome(open({ store, guards: [asks("asks", "A payment"), later] }), pay(5, { grant }))).toBe("later");
    expect(await outcome(open({ store }), pay(5, { grant }))).toEqual({ amount: 5 });
  });

  test("when the agent is killed while the grant is spent", async () => {
    const kept = memoryStore();
    const grant = await signed(await question(open({ store: kept })), "ada");
    const store = storeWith({
      put: async (key, ...rest) => {
        if (key.includes("grant")) kernel.suspend("payer");
        return await kept.put(key, ...rest);
      },
    }, kept);
    const kernel = createKernel({ guards: [asks("asks", "A payment")], approvalKey: hmac, store });
    const session = kernel.session({ agentId: "payer", sessionId: "s1" });
    expect(await outcome(session, pay(5, { grant }))).toBe("agent_suspended");
    kernel.resume("payer");
    expect(await outcome(open({ store: kept }), pay(5, { grant }))).not.toBe("approval_denied");
  });

  test.each([
    ["throws", (): never => {
      throw new Error("down");
    }],
    ["answers that another was first", (): boolean => false],
    ["answers nonsense", (): boolean => 1 as never],
  ])(
    "when the store %s for the second of them",
    async (_how, fail) => {
      const kept = memoryStore();
      const options = { ...two, store: kept };
      const [ada, bob] = await grants(options);
      let puts = 0;
      const store = storeWith({ put: (...args) => ++puts === 2 ? fail() : kept.put(...args) }, kept);
      expect(await outcome(open({ ...two, store }), pay(5, { grant: [ada, bob] }))).toBe("approval_denied");
      expect(puts).toBe(3);
      expect(await outcome(open(options), pay(5, { grant: [ada, bob] }))).toEqual({ amount: 5 });
    },
  );

  test("and of two who want the same two at once, in any order, one gets them", async () => {
    const [ada, bob] = await grants(two);
    const kept = memoryStore();
    let first = 0;
    let bothCame: () => void = () => {};
    const both = new Promise<void>((resolve) => (bothCame = resolve));
    const store = storeWith({
      put: async (...args) => {
        if (++first === 2) bothCame();
        await both;
        return await kept.put(...args);
      },
    }, kept);
    const outcomes = await Promise.all(
      [[ada, bob], [bob, ada]].map((grant) => outcome(open({ ...two, store }), pay(5, { grant }))),
    );
    expect(outcomes.filter((one) => one !== "approval_denied")).toEqual([{ amount: 5 }]);
  });
});

test("a store that can't be read lets no grant count, and approve is asked", async () => {
  const store = storeWith({
    read: (key) => {
      if (key.includes("grant")) throw new Error("down");
      return undefined;
    },
  });
  const grant = await signed(await question(open()), "ada");
  expect(await outcome(open({ store }), pay(5, { grant }))).toBe("approval_denied");
  expect(await outcome(open({ store, approve: () => true }), pay(5, { grant }))).toEqual({ amount: 5 });
});
