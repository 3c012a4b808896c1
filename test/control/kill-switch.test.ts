import { describe, expect, test } from "vitest";
import { createKernel, definePlugin, type Kernel, memoryStore, type StateStore } from "../../mod.ts";

const call = { stage: "pre_tool_call" as const, name: "search", payload: {} };
const kernelWith = (store: StateStore): Kernel =>
  createKernel({ plugins: [definePlugin({ name: "store", setup: (host) => host.store(store) })] });
const later = (store: StateStore): StateStore => ({
  name: "later",
  read: async (...args) => await store.read(...args),
  put: async (...args) => await store.put(...args),
  take: async (...args) => await store.take(...args),
  giveBack: async (...args) => await store.giveBack(...args),
});
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe.each([["at once", (store: StateStore) => store], ["later", later]])(
  "stops, with a store that answers %s",
  (_how, made) => {
    test("outlive the process: a kill and a suspension hold in the next kernel", async () => {
      const store = memoryStore();
      const first = kernelWith(made(store));
      first.kill("killed", "gone rogue");
      first.suspend("suspended");
      await settled();
      const next = kernelWith(made(store));
      expect(await next.session({ agentId: "killed" }).check(call)).toMatchObject({
        code: "session_killed",
        reason: "gone rogue",
      });
      expect(await next.session({ agentId: "suspended" }).check(call)).toMatchObject({ code: "agent_suspended" });
      expect(await next.session({ agentId: "other" }).check(call)).toMatchObject({ allowed: true });
    });

    test("end in the next kernel, when it resumes the agent, and a kill does not", async () => {
      const store = memoryStore();
      const first = kernelWith(made(store));
      first.suspend("a");
      first.kill("b");
      await settled();
      const next = kernelWith(made(store));
      next.resume("a");
      next.resume("b");
      next.suspend("b");
      await settled();
      const third = kernelWith(made(store));
      expect(await third.session({ agentId: "a" }).check(call)).toMatchObject({ allowed: true });
      expect(await third.session({ agentId: "b" }).check(call)).toMatchObject({ code: "session_killed" });
    });

    test("deny with store_unavailable, when the store holds something damaged", async () => {
      const store = memoryStore();
      await store.put(JSON.stringify(["halt", "a"]), '["maybe"]', { ifVersion: undefined, now: 0 });
      expect(await kernelWith(made(store)).session({ agentId: "a" }).check(call)).toMatchObject({
        code: "store_unavailable",
      });
    });
  },
);

describe("stops, with a store that fails", () => {
  const down = (): never => {
    throw new Error("down");
  };
  const broken: StateStore = { name: "broken", read: down, put: down, take: down, giveBack: down };

  test.each([["at once", broken], ["later", later(broken)]])(
    "deny, and say that they could not be kept, when it fails %s",
    async (_how, store) => {
      const kernel = kernelWith(store);
      const errors: unknown[] = [];
      kernel.on("listener_error", ({ type }) => errors.push(type));
      kernel.kill("a");
      await settled();
      expect(errors).toEqual(["agent_signal"]);
      expect(await kernel.session({ agentId: "b" }).check(call)).toMatchObject({ code: "store_unavailable" });
      expect(await kernel.session({ agentId: "a" }).check(call)).toMatchObject({ code: "session_killed" });
    },
  );

  test("give up, and say so, when the entry changes every time", async () => {
    const kernel = kernelWith({
      name: "busy",
      read: () => undefined,
      put: () => false,
      take: () => {
        throw new Error("unused");
      },
      giveBack: () => {},
    });
    const errors: unknown[] = [];
    kernel.on("listener_error", ({ error }) => errors.push((error as Error).message));
    kernel.suspend("a");
    expect(errors).toEqual([expect.stringContaining("could not be kept")]);
  });
});

test("suspend() stops every agent of the kernel, until resume(), when it is given *", async () => {
  const store = memoryStore();
  const kernel = kernelWith(store);
  const session = kernel.session({ agentId: "a" });
  const { signal } = session.context;
  kernel.suspend("*", "maintenance");
  expect(signal.aborted).toBe(true);
  expect(await session.check(call)).toMatchObject({ code: "agent_suspended", reason: "maintenance" });
  expect(await kernelWith(store).session({ agentId: "b" }).check(call)).toMatchObject({ code: "agent_suspended" });
  kernel.resume("*");
  expect(await kernel.session({ agentId: "a" }).check(call)).toMatchObject({ allowed: true });
});

test("a store that answers at once keeps check() synchronous", () => {
  expect(kernelWith(memoryStore()).session({ agentId: "a" }).check(call)).toMatchObject({ effect: "allow" });
});
