import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { any, createKernel, maxConcurrent, type PolicyInit, type Session } from "../../mod.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] }));
afterEach(() => void vi.useRealTimers());

const open = (policy: PolicyInit = { maxConcurrent: 4, backpressureThreshold: 1 }): Session =>
  createKernel({ policy: { maxToolCalls: 1000, ...policy } }).session({ agentId: "tester" });
const call = (name: string, signal?: AbortSignal) => ({ name, arguments: {}, signal });
const turn = async (): Promise<void> => {
  for (let at = 0; at < 20; at++) await new Promise<void>((done) => setImmediate(done));
};
/** An act that runs until it is told to end. */
function held(session: Session, name: string): { readonly act: Promise<unknown>; end(): void; isRunning(): boolean } {
  let end = (): void => undefined;
  let isRunning = false;
  const act = session.tool(call(name), () => {
    isRunning = true;
    return new Promise<void>((resolve) => (end = resolve));
  });
  void act.catch(() => undefined);
  return { act, end: () => end(), isRunning: () => isRunning };
}

describe("an act inside an act of its kind", () => {
  test("does not wait for it, when a run runs a run that runs a run", async () => {
    const session = open();
    const run = (depth: number): Promise<unknown> => session.run(depth, () => depth === 0 ? "done" : run(depth - 1));
    expect(await run(10)).toBe("done");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("stands in its place, when there is only one", async () => {
    const session = open({ maxConcurrent: 1, backpressureThreshold: 1 });
    const seen = await session.tool(call("agent"), async () => {
      const inner = session.tool(call("search"), () => "found");
      // The one place is lent: nobody else gets in meanwhile.
      await expect(session.tool(call("other"), () => 1)).rejects.toMatchObject({ code: "concurrency_limit" });
      return inner;
    });
    expect(seen).toBe("found");
    expect(await session.tool(call("search"), () => "free again")).toBe("free again");
  });

  test("stands in its place one after the other, when it begins several", async () => {
    const session = open({ maxConcurrent: 3, backpressureThreshold: 1 });
    let [running, most] = [0, 0];
    const one = async (): Promise<void> => {
      most = Math.max(most, ++running);
      await turn();
      running--;
    };
    await session.tool(
      call("agent"),
      () => Promise.all([1, 2, 3].map((at) => session.tool(call(`search-${at}`), one))),
    );
    expect(most).toBe(1);
  });

  test.each<[string, (session: Session, act: (signal: AbortSignal) => Promise<unknown>) => Promise<unknown>]>([
    ["the session's", (session, act) => session.tool(call("agent"), (_args, signal) => act(signal))],
    [
      "one of its own",
      (session, act) => session.tool(call("agent", new AbortController().signal), (_args, signal) => act(signal)),
    ],
    ["that of an act which somebody else runs", async (session, act) => {
      const agent = await session.begin({ stage: "pre_tool_call", name: "agent", payload: {} });
      const result = await act(agent.signal);
      await agent.end(result);
      return result;
    }],
  ])("does not wait, when it was handed the signal: %s", async (_whose, inside) => {
    const session = open();
    const found = inside(session, async (signal) => {
      await turn();
      return await session.tool(call("search", signal), () => "found");
    });
    expect(await found).toBe("found");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("does not wait, when it is one of a child session's, at any depth", async () => {
    const session = open();
    const found = await session.tool(call("agent"), async () => {
      await turn();
      const child = session.child();
      return await child.tool(call("agent"), async () => {
        await turn();
        return await child.child().tool(call("search"), () => "found");
      });
    });
    expect(found).toBe("found");
  });

  test("stands in the place of its parent's act, when that is the only one, and one of its siblings at a time", async () => {
    const session = open({ maxConcurrent: 1, backpressureThreshold: 1 });
    const free = await session.tool(call("agent"), async () => {
      await turn();
      const [first, second] = [session.child(), session.child()];
      const inner = held(first, "inner");
      await turn();
      await expect(second.tool(call("other"), () => 1)).rejects.toMatchObject({ code: "concurrency_limit" });
      inner.end();
      await inner.act;
      return await second.tool(call("other"), () => "free again");
    });
    expect(free).toBe("free again");
  });

  test("waits its turn beside the others, when the signal may be that of an act of another kind", async () => {
    const session = open();
    let [running, most] = [0, 0];
    await session.run(
      "go",
      (_input, signal) =>
        Promise.all([1, 2, 3].map((at) =>
          session.tool(call(`t${at}`, signal), async () => {
            most = Math.max(most, ++running);
            await turn();
            running--;
          })
        )),
    );
    expect(most).toBe(1);
  });

  test("goes on, when nothing tells that it is inside, after nobody has left for a while", async () => {
    const session = open();
    const seen: string[] = [];
    const found = session.tool(call("agent"), async () => {
      await turn();
      return await session.tool(call("agent"), async () => {
        seen.push("second");
        await turn();
        return await session.tool(call("search"), () => "found");
      });
    });
    await turn();
    await vi.advanceTimersByTimeAsync(249);
    expect(seen).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await turn();
    expect(seen).toEqual(["second"]);
    await turn();
    await vi.advanceTimersByTimeAsync(250);
    expect(await found).toBe("found");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("is refused, when as many as may run do, and nothing tells that it is inside", async () => {
    const session = open({ maxConcurrent: 1, backpressureThreshold: 1 });
    await expect(session.tool(call("agent"), async () => {
      await turn();
      return await session.tool(call("search"), () => "found");
    })).rejects.toMatchObject({ code: "concurrency_limit" });
  });

  test("takes the place over, when the act around it ends first", async () => {
    const session = open({ maxConcurrent: 2, backpressureThreshold: 1 });
    let inner: ReturnType<typeof held> | undefined;
    await session.tool(call("agent"), () => {
      inner = held(session, "inner");
      return "gone";
    });
    const next = held(session, "next");
    await turn();
    expect([inner?.isRunning(), next.isRunning()]).toEqual([true, false]);
    inner?.end();
    await turn();
    expect(next.isRunning()).toBe(true);
    next.end();
    await next.act;
    expect(await session.tool(call("free"), () => 1)).toBe(1);
  });

  test("does not wait either, when the limit stands inside a combinator", async () => {
    const session = createKernel({ guards: [any(maxConcurrent(2, { backpressureThreshold: 1 }))] }).session({
      agentId: "a",
    });
    expect(await session.tool(call("agent"), () => session.tool(call("search"), () => "found"))).toBe("found");
  });
});

describe("acts beside each other", () => {
  test("wait their turn, first come, first served", async () => {
    const session = open();
    const acts = ["a", "b", "c"].map((name) => held(session, name));
    await turn();
    expect(acts.map((one) => one.isRunning())).toEqual([true, false, false]);
    for (const [at, one] of acts.entries()) {
      one.end();
      await turn();
      expect(acts[at + 1]?.isRunning() ?? true).toBe(true);
      expect(acts[at + 2]?.isRunning() ?? false).toBe(false);
    }
  });

  test("wait their turn, when one of them has an act inside it", async () => {
    const session = open();
    let inner: ReturnType<typeof held> | undefined;
    const outer = session.tool(call("agent"), async () => {
      inner = held(session, "inner");
      await inner.act;
    });
    const other = held(session, "other");
    await turn();
    expect([inner?.isRunning(), other.isRunning()]).toEqual([true, false]);
    inner?.end();
    await outer;
    await turn();
    expect(other.isRunning()).toBe(true);
    other.end();
    await other.act;
  });

  test("wait their turn without end, when somebody else runs them", async () => {
    const session = open({ maxConcurrent: 4, backpressureThreshold: 1, timeoutMs: 60_000 });
    const begin = () => Promise.resolve(session.begin({ stage: "pre_tool_call", name: "t", payload: {} }));
    const first = await begin();
    let isBegun = false;
    const second = begin().then((act) => (isBegun = true, act));
    await vi.advanceTimersByTimeAsync(59_000);
    expect(isBegun).toBe(false);
    await first.end(1);
    expect((await second).decision.effect).toBe("allow");
  });

  test("go on one at a time, when those that run take long", async () => {
    const session = open({ maxConcurrent: 4, backpressureThreshold: 1 });
    const acts = ["a", "b", "c", "d"].map((name) => held(session, name));
    const running = (): number => acts.filter((one) => one.isRunning()).length;
    for (let at = 1; at <= 4; at++) {
      expect(running()).toBe(at);
      await vi.advanceTimersByTimeAsync(250);
      await turn();
    }
    for (const one of acts) one.end();
    await Promise.all(acts.map((one) => one.act));
    expect(vi.getTimerCount()).toBe(0);
  });

  test("wait for the acts of the child they are in, as for their own", async () => {
    const session = open();
    const child = session.child();
    const [first, second] = [held(child, "a"), held(child, "b")];
    await turn();
    expect([first.isRunning(), second.isRunning()]).toEqual([true, false]);
    first.end();
    await turn();
    expect(second.isRunning()).toBe(true);
    second.end();
    await second.act;
  });

  test("of one signal never are more than may be, though any might be inside another", async () => {
    const session = open({ maxConcurrent: 3, backpressureThreshold: 1 });
    const { signal } = session.context;
    let [running, most, refused] = [0, 0, 0];
    await Promise.all(
      Array.from({ length: 10 }, (_, at) =>
        session.tool(call(`t${at}`, signal), async () => {
          most = Math.max(most, ++running);
          await turn();
          running--;
        }).catch(() => refused++)),
    );
    // One in the place of the first, two in the queue.
    expect([most, refused]).toEqual([2, 6]);
  });
});

test("an act stands in no place of an act that is over, when it was given that one's signal", async () => {
  const session = open({ maxConcurrent: 1, backpressureThreshold: 1 });
  let last: AbortSignal | undefined = new AbortController().signal;
  for (let at = 0; at < 5; at++) {
    await session.tool(call(`t${at}`, last), (_args, signal) => {
      last = signal;
    });
  }
  // Nobody is left whose place it could run in: the one place is another's.
  const other = held(session, "other");
  await expect(session.tool(call("late", last), () => 1)).rejects.toMatchObject({ code: "concurrency_limit" });
  other.end();
  await other.act;
});
