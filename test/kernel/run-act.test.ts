import { getEventListeners, setMaxListeners } from "node:events";
import { describe, expect, test } from "vitest";
import {
  allow,
  compose,
  createKernel,
  deadline,
  defineGuard,
  definePlugin,
  type Interceptor,
  type KernelOptions,
  transform,
  type View,
} from "../../mod.ts";

// Every test here fails where a rejection is left unhandled: test/setup.ts sees to it.
const open = (options: KernelOptions = {}) => createKernel(options).session({ agentId: "tester" });
const call = { name: "t", arguments: {} };
const fails = (): Promise<never> => Promise.reject(new Error("late"));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("an interceptor that does not wait for next()", () => {
  const answers: Interceptor = (_request, next) => {
    void next();
    return "answered";
  };
  const twice: Interceptor = (_request, next) => {
    void next();
    void next();
    return "answered";
  };
  const composed: Interceptor = (_request, next) => {
    void next(new AbortController().signal);
    return "answered";
  };
  test.each<[string, readonly Interceptor[]]>([
    ["alone", [answers]],
    ["inside another", [(_request, next) => next(), answers]],
    ["around another", [answers, (_request, next) => next()]],
    ["inside a deadline", [deadline(1000), answers]],
    ["twice", [twice]],
    ["with a signal of its own", [composed, composed]],
    ["composed by hand", [compose(answers, twice)]],
  ])("ends no process, when the act fails: %s", async (_how, interceptors) => {
    expect(await open({ interceptors }).tool(call, fails)).toBe("answered");
    await turn();
  });

  test("gives its own answer to the response gate, and the act's late one to nobody", async () => {
    let finish = (_value: string): void => undefined;
    const judged: unknown[] = [];
    const sees = defineGuard({
      name: "sees",
      stages: ["post_tool_call"],
      check: ({ payload }) => (judged.push(payload), allow()),
    });
    const session = open({ interceptors: [answers], guards: [sees] });
    expect(await session.tool(call, () => new Promise((resolve) => (finish = resolve)))).toBe("answered");
    finish("late");
    await turn();
    expect(judged).toEqual(["answered"]);
  });

  test("runs nothing, when it never calls next(), and when it calls it once the act is over", async () => {
    let ran = 0;
    let later: (() => Promise<unknown>) | undefined;
    const keeps: Interceptor = (_request, next) => {
      later = next;
      return "answered";
    };
    expect(await open({ interceptors: [keeps] }).tool(call, () => ran++)).toBe("answered");
    void later?.();
    await turn();
    await expect(later?.()).rejects.toThrow("a second time");
    expect(ran).toBe(0);
  });
});

describe("an answer that comes later than it may", () => {
  test("of usageOf says nothing about the usage, and ends no process", async () => {
    const session = open();
    expect(await session.model({ model: "m", request: "hi" }, () => "hi", fails as never)).toBe("hi");
    const late = (async () => ({ totalTokens: 5 })) as never;
    expect(await session.model({ model: "m", request: "hi" }, () => "hi", late)).toBe("hi");
    const act = await session.begin({ stage: "pre_model_call", name: "m", payload: "hi" });
    expect(await act.end("hi", fails() as never)).toMatchObject({ effect: "allow" });
    expect(session.context.totalTokens).toBe(0);
  });

  test("of a price denies, and ends no process", async () => {
    const session = open({ prices: fails as never });
    const usage = () => ({ totalTokens: 5 });
    await expect(session.model({ model: "m", request: "hi" }, () => "hi", usage)).rejects.toMatchObject({
      code: "guard_error",
    });
    await turn();
  });

  test.each([["rejects", fails], ["resolves", async () => "harmless"]])(
    "of a view's read() denies, when it %s: the value would go on unjudged",
    async (_how, read) => {
      const view: View<string> = { read: read as never, write: (value) => value };
      await expect(open().tool(call, () => "secret", view)).rejects.toMatchObject({
        code: "guard_error",
        reason: "The response could not be read",
      });
    },
  );

  test("in a field of a usage says nothing, and ends no process", async () => {
    const session = open();
    const usage = (() => ({ totalTokens: fails(), inputTokens: 3 })) as never;
    expect(await session.model({ model: "m", request: "hi" }, () => "hi", usage)).toBe("hi");
    expect(session.context.totalTokens).toBe(3);
    await turn();
  });

  test.each([["rejects", fails], ["resolves", async () => ({ q: "other" })]])(
    "of write() denies, and the act never runs, when it %s",
    async (_how, write) => {
      let hasRun = false;
      const tool = open().tool({ ...call, write }, () => (hasRun = true));
      await expect(tool).rejects.toMatchObject({ code: "guard_error" });
      await turn();
      expect(hasRun).toBe(false);
      expect(await open().tool({ ...call, write: (args) => ({ ...args, q: 1 }) }, (args) => args)).toEqual({ q: 1 });
    },
  );

  test.each([["rejects", fails], ["resolves", async () => "harmless"]])(
    "of a view's write() denies, when it %s",
    async (_how, write) => {
      const masks = defineGuard({ name: "masks", stages: ["post_tool_call"], check: () => transform("***", "Masked") });
      const view: View<string> = { read: (value) => value, write: write as never };
      await expect(open({ guards: [masks] }).tool(call, () => "secret", view)).rejects.toMatchObject({
        code: "guard_error",
      });
      await turn();
    },
  );

  test.each<[string, Partial<View<{ text: string }>>]>([
    ["read", { read: fails }],
    ["write", { write: fails as never }],
  ])("of a view's %s() before an act denies, and ends no process", async (_which, part) => {
    class Prompt {
      text = "a secret";
    }
    const masks = defineGuard({ name: "masks", stages: ["input"], check: () => transform("***", "Masked") });
    const view = { read: ({ text }: Prompt) => text, write: (_prompt: Prompt, text: string) => ({ text }), ...part };
    const run = (by: object) => open({ guards: [masks] }).run(new Prompt(), ({ text }) => text, { view: by as never });
    await expect(run(view)).rejects.toMatchObject({ code: "payload_not_plain" });
    await turn();
  });

  test("of a plugin's setup is an error of the plugin, and ends no process", () => {
    const setup = fails as never;
    expect(() => createKernel({ plugins: [definePlugin({ name: "p", setup })] })).toThrow("the answer of setup");
  });

  test("of an act, a guard, an approver, a listener and a sink ends no process", async () => {
    const reject: (() => void)[] = [];
    const later = (): Promise<never> => new Promise((_resolve, no) => reject.push(() => no(new Error("late"))));
    const kernel = createKernel({
      guards: [defineGuard({ name: "slow", stages: ["pre_model_call", "post_tool_call"], check: later })],
      policy: { requireHumanApproval: ["pay"] },
      approve: later,
      plugins: [{ name: "keeps", setup: (host) => host.sink({ name: "keeps", write: later as never }) }],
    });
    kernel.on("policy_check", later as never);
    const session = kernel.session({ agentId: "a" });
    const calls = [
      session.model({ model: "m", request: "hi" }, () => 1),
      session.tool(call, later),
      session.tool({ name: "pay", arguments: {} }, () => 1),
      session.tool(call, () => 1),
    ].map((one) => one.catch((error: { code?: string }) => error.code));
    await turn();
    void session.close();
    for (const one of reject.splice(0)) one();
    await turn();
    for (const one of reject.splice(0)) one();
    expect(new Set(await Promise.all(calls))).toEqual(new Set(["session_killed", "audit_unavailable"]));
    await turn();
  });
});

describe("a view's keep()", () => {
  interface Box {
    text: string;
  }
  /** A view whose `keep` puts a copy of the bytes there, and one guard that answers at once or once it is let. */
  function watched(waits: boolean, keep: (box: { bytes: Uint8Array }) => unknown, options: KernelOptions = {}) {
    let go = (): void => undefined;
    const let_ = new Promise<void>((done) => (go = done));
    const guard = defineGuard({
      name: "judges",
      stages: ["post_tool_call"],
      check: () => waits ? let_.then(() => allow()) : allow(),
    });
    const session = open({ guards: [guard], ...options });
    const codes: string[] = [];
    const box = { bytes: new Uint8Array([255, 1, 2]) };
    const view = { read: ({ bytes }: typeof box) => ({ bytes }), write: (one: typeof box) => one, keep } as never;
    return { session, box, codes, go, result: session.tool(call, () => box, view) };
  }
  const copies = (box: { bytes: Uint8Array }): void => void (box.bytes = new Uint8Array(box.bytes));

  test("is called where the judgement waits: what changes meanwhile does not go on", async () => {
    const { box, go, result } = watched(true, copies);
    const { bytes } = box;
    await turn();
    bytes.fill(65);
    go();
    expect(await result).toBe(box);
    expect(box.bytes).toEqual(new Uint8Array([255, 1, 2]));
  });

  test("is not called where every guard answers at once", async () => {
    const { box, result } = watched(false, () => {
      throw new Error("called");
    });
    const { bytes } = box;
    expect((await result).bytes).toBe(bytes);
  });

  test("is called for an extension that waits too, and when it is a method of a class", async () => {
    class Boxes implements View<Box> {
      kept = 0;
      read = ({ text }: Box): string => text;
      write = (box: Box): Box => box;
      keep(): void {
        this.kept++;
      }
    }
    const view = new Boxes();
    const waits = { stages: ["post_tool_call"], ended: () => Promise.resolve(undefined) };
    const plugin = definePlugin({ name: "waits", setup: (host) => host.observe(waits as never) });
    await open({ plugins: [plugin] }).tool(call, () => ({ text: "a" }), view);
    expect(view.kept).toBe(1);
  });

  test.each<[string, () => unknown]>([
    ["throws", () => {
      throw new Error("cannot");
    }],
    ["answers a promise", () => fails()],
  ])("denies, tells and settles, when it %s; nobody waits for the guard", async (_how, keep) => {
    const events: unknown[] = [];
    const guard = defineGuard({
      name: "never",
      stages: ["post_tool_call"],
      check: () => new Promise<never>(() => undefined),
    });
    const kernel = createKernel({ guards: [guard], policy: { maxConcurrent: 1 } });
    kernel.on("policy_violation", ({ code, stage }) => void events.push({ code, stage }));
    const session = kernel.session({ agentId: "tester" });
    const view = { read: ({ text }: Box) => text, write: (box: Box) => box, keep } as View<Box>;
    const ask = (): Promise<unknown> => session.tool(call, () => ({ text: "a" }), view);
    for (let nth = 0; nth < 2; nth++) {
      await expect(ask()).rejects.toMatchObject({
        code: "guard_error",
        stage: "post_tool_call",
        reason: "The response could not be kept while it is judged",
      });
    }
    expect(events).toEqual([0, 1].map(() => ({ code: "guard_error", stage: "post_tool_call" })));
    await turn();
  });

  test("holds nothing back in a kernel that only watches", async () => {
    const { box, result, go } = watched(true, () => {
      throw new Error("cannot");
    }, { mode: "shadow" } as KernelOptions);
    go();
    expect(await result).toBe(box);
  });

  test("must be a function, and is not what everything inherits", async () => {
    const view = { read: (text: string) => text, write: (text: string) => text };
    await expect(open().tool(call, () => "a", { ...view, keep: true } as never)).rejects.toThrow('"view.keep"');
    const root = Object.prototype as { keep?: unknown };
    root.keep = () => {
      throw new Error("polluted");
    };
    try {
      const { result, go } = watched(true, undefined as never);
      go();
      expect((await result).bytes).toEqual(new Uint8Array([255, 1, 2]));
    } finally {
      delete root.keep;
    }
  });
});

describe("an act with a signal of its own", () => {
  test("leaves nothing at it, nor at its session's, however it ends", async () => {
    const interceptor: Interceptor = (_request, next) => next(own.signal);
    const session = open({ interceptors: [interceptor, interceptor], policy: { deniedTools: ["rm"] } });
    const own = new AbortController();
    setMaxListeners(0, own.signal);
    const { signal } = own;
    for (const name of ["t", "rm"]) {
      await session.tool({ name, arguments: {}, signal }, async () => 1).catch(() => undefined);
      await session.tool({ name, arguments: {}, signal }, fails).catch(() => undefined);
    }
    for (const finish of ["end", "fail", "cancel"] as const) {
      const act = await session.begin({ stage: "pre_tool_call", name: "t", payload: {}, signal });
      expect(act.signal.aborted).toBe(false);
      await act[finish](1);
    }
    for (const one of [signal, session.context.signal]) expect(getEventListeners(one, "abort")).toEqual([]);
    // Where AbortSignal.any was used, Node keeps a reference for each.
    const kept = [signal, session.context.signal].flatMap((one) =>
      Object.getOwnPropertySymbols(one).map((key) => (one as never)[key] as { readonly size?: number } | undefined)
        .filter((value) => Object.prototype.toString.call(value) === "[object Set]" && value?.size !== 0)
    );
    expect(kept).toEqual([]);
  });

  test("is aborted with it, and with its session, as long as it runs", async () => {
    const session = open();
    const own = new AbortController();
    const reason = new Error("enough");
    const waits = (signal: AbortSignal) =>
      new Promise<never>((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const first = session.tool({ ...call, signal: own.signal }, (_args, signal) => waits(signal));
    own.abort(reason);
    await expect(first).rejects.toBe(reason);
    const second = session.tool({ ...call, signal: new AbortController().signal }, (_args, signal) => waits(signal));
    void session.close();
    await expect(second).rejects.toMatchObject({ code: "session_killed" });
  });
});
