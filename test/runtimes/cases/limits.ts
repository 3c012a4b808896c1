/** Limits, clocks and stores: what depends on timers, on time and on the order of promises. */
import * as sallyport from "../../../mod.ts";
import { fakeClock, storeKit } from "../../../src/testing/mod.ts";
import { agent, type Case, codeIn, codeOf, open, same, throwsTypeError, toolCall, turn } from "./kit.ts";

const call = { stage: "pre_tool_call", name: "search", payload: {} } as const;
const found = (session: sallyport.Session): Promise<string> => codeOf(session.tool(toolCall(), () => "found"));

/** The cases, in order. */
export const limitCases: readonly Case[] = [
  {
    name: "twenty calls at once never pass a limit of three",
    async run(): Promise<void> {
      const session = open({ policy: { maxToolCalls: 3 } });
      let ran = 0;
      const codes = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          codeOf(session.tool(toolCall({ i }), async () => {
            await Promise.resolve();
            ran++;
          }))),
      );
      same([ran, codes.filter((code) => code === "max_tool_calls_exceeded").length], [3, 17]);
    },
  },
  {
    name: "two hundred calls at once through guards that wait never pass a limit of seven",
    async run(): Promise<void> {
      const waits = sallyport.defineGuard({
        name: "waits",
        stages: ["pre_tool_call"],
        check: async () => (await turn(), sallyport.allow()),
      });
      const session = open({
        policy: { maxConcurrent: 1000, backpressureThreshold: 1000, maxToolCalls: 1000 },
        guards: [waits, sallyport.maxToolCalls(7)],
      });
      const codes = await Promise.all(
        Array.from({ length: 200 }, () => codeOf(session.tool(toolCall(), () => turn()))),
      );
      same(codes.filter((code) => code === "allowed").length, 7);
    },
  },
  {
    name: "a token budget is settled by the usage that the model reports",
    async run(): Promise<void> {
      const session = open({ policy: { maxTokens: 100 } });
      const ask = (totalTokens: number): Promise<string> =>
        codeOf(session.model({ model: "m", request: "hi" }, () => ({ content: "x" }), () => ({ totalTokens })));
      same([await ask(60), await ask(60), await ask(1)], ["allowed", "allowed", "token_budget_exceeded"]);
      same(session.context.totalTokens, 120);
    },
  },
  {
    name: "a cost budget adds up without the errors of floating point",
    async run(): Promise<void> {
      const session = open({ policy: { maxTokens: 1_000_000 }, guards: [sallyport.costBudget(0.3)] });
      const ask = (): Promise<string> =>
        codeOf(
          session.model(
            { model: "m", request: "hi" },
            () => ({ content: "x" }),
            () => ({ totalTokens: 1, costUsd: 0.1 }),
          ),
        );
      same([await ask(), await ask(), await ask(), await ask()], [
        "allowed",
        "allowed",
        "allowed",
        "cost_budget_exceeded",
      ]);
    },
  },
  {
    name: "rateLimit() frees a place when exactly the window has passed",
    async run(): Promise<void> {
      const clock = fakeClock(1_000_000);
      const session = open({ guards: [sallyport.rateLimit({ max: 1, windowMs: 1000 })], clock });
      const codes = [await found(session), await found(session)];
      clock.advance(999);
      codes.push(await found(session));
      clock.advance(1);
      codes.push(await found(session));
      same(codes, ["allowed", "rate_limited", "rate_limited", "allowed"]);
    },
  },
  {
    name: "a clock that stands still frees nothing",
    async run(): Promise<void> {
      const session = open({ guards: [sallyport.rateLimit({ max: 2, windowMs: 1 })], clock: fakeClock(5) });
      const codes: string[] = [];
      for (let n = 0; n < 5; n++) codes.push(await found(session));
      same(codes, ["allowed", "allowed", "rate_limited", "rate_limited", "rate_limited"]);
    },
  },
  {
    name: "the runtime's own clock may stand still between waits, and limits still hold",
    async run(): Promise<void> {
      // Workers stop Date.now() while they compute; a limit must not depend on its moving.
      const session = open({
        guards: [sallyport.rateLimit({ max: 50, windowMs: 60_000 })],
        policy: { maxToolCalls: 1000 },
      });
      let allowed = 0;
      for (let n = 0; n < 120; n++) if (await found(session) === "allowed") allowed++;
      same(allowed, 50);
    },
  },
  {
    name: "a clock that jumps back neither frees a limit nor makes a session younger",
    async run(): Promise<void> {
      const clock = fakeClock(10_000);
      const limited = open({ guards: [sallyport.rateLimit({ max: 1, windowMs: 1000 })], clock });
      const old = open({ policy: { timeoutMs: 5000 }, clock });
      same(await found(limited), "allowed");
      clock.set(15_000);
      same(codeIn(await old.check(call)), "timeout");
      clock.set(15_500);
      same(await found(limited), "allowed");
      clock.set(0);
      same([await found(limited), codeIn(await old.check(call))], ["rate_limited", "timeout"]);
    },
  },
  {
    name: "a clock that gives NaN, infinity or an error closes the limits, and opens them when it is well again",
    async run(): Promise<void> {
      for (
        const broken of [() => NaN, () => Infinity, () => -Infinity, () => "5" as unknown as number, () => {
          throw new Error("no clock");
        }]
      ) {
        let isBroken = false;
        const session = open({
          guards: [sallyport.rateLimit({ max: 5, windowMs: 1000 })],
          clock: () => isBroken ? broken() : 1000,
        });
        const codes = [await found(session)];
        isBroken = true;
        codes.push(await found(session));
        isBroken = false;
        codes.push(await found(session));
        same(codes, ["allowed", "timeout", "allowed"]);
      }
    },
  },
  {
    name: "withTimeout() denies a guard that never settles, and lets a quick one answer",
    async run(): Promise<void> {
      const silent = sallyport.defineGuard({ name: "silent", check: () => new Promise<never>(() => {}) });
      const quick = sallyport.defineGuard({
        name: "quick",
        check: () => Promise.resolve(sallyport.deny("quick", "Quick")),
      });
      same(codeIn(await open({ guards: [sallyport.withTimeout(silent, 20)] }).check(call)), "guard_timeout");
      same(codeIn(await open({ guards: [sallyport.withTimeout(quick, 20_000)] }).check(call)), "quick");
    },
  },
  {
    name: "withTimeout() and deadline() refuse times that a timer would cut to nothing",
    run(): void {
      for (const ms of [0, -1, NaN, 2 ** 31, 1.5]) {
        throwsTypeError(() => sallyport.deadline(ms), `deadline(${ms})`);
        throwsTypeError(() => sallyport.withTimeout(sallyport.allowTools([]), ms), `withTimeout(${ms})`);
      }
    },
  },
  {
    name: "deadline() ends an act that takes too long, and aborts its signal with the same error",
    async run(): Promise<void> {
      let reason: unknown;
      const session = open({ interceptors: [sallyport.deadline(15)] });
      const error = await session.tool(
        toolCall(),
        (_, signal) =>
          new Promise(() => signal.addEventListener("abort", () => (reason = signal.reason), { once: true })),
      ).catch((caught: unknown) => caught);
      same([sallyport.isPolicyViolation(error) && error.code, sallyport.isPolicyViolation(reason) && reason.code], [
        "timeout",
        "timeout",
      ]);
      same(await found(open({ interceptors: [sallyport.deadline(20_000)] })), "allowed");
    },
  },
  {
    name: "maxConcurrent() counts acts under way, and a place is free again when one ends or fails",
    async run(): Promise<void> {
      const session = open({ guards: [sallyport.maxConcurrent(1)] });
      const first = await session.begin({ ...call, callId: "1" });
      const refused = (await session.begin({ ...call, callId: "2" })).decision;
      await first.fail(new Error("broken"));
      same([codeIn(refused), codeIn((await session.begin({ ...call, callId: "3" })).decision)], [
        "concurrency_limit",
        "allow",
      ]);
    },
  },
  {
    name: "noLoops() stops a call that repeats itself, however its keys are ordered",
    async run(): Promise<void> {
      const session = open({ guards: [sallyport.noLoops({ repeats: 2 })] });
      const codes: string[] = [];
      for (const args of [{ a: 1, b: 2 }, { b: 2, a: 1 }, { a: 1, b: 2 }, { a: 1, b: 3 }]) {
        codes.push(await codeOf(session.tool(toolCall(args), () => 1)));
      }
      same([codes.at(0), codes.includes("loop_detected"), codes.at(-1)], ["allowed", true, "allowed"]);
    },
  },
  {
    name: "memoryStore() forgets an entry when its time is over, and does not revive it when the clock jumps back",
    run(): void {
      const store = sallyport.memoryStore({ maxKeys: 2 });
      same(store.put("a", "1", { ifVersion: undefined, now: 0, ttlMs: 100 }), true);
      same([store.read("a", 99)?.value, store.read("a", 100)?.value, store.read("a", 50)?.value], [
        "1",
        undefined,
        undefined,
      ]);
      same([
        store.put("a", "2", { ifVersion: undefined, now: 100 }),
        store.put("b", "3", { ifVersion: undefined, now: 100 }),
      ], [true, true]);
      throwsError(() => store.put("c", "4", { ifVersion: undefined, now: 100 }));
    },
  },
  {
    name: "a store that fails, at once or later, denies",
    async run(): Promise<void> {
      const failures: (() => unknown)[] = [
        () => {
          throw new Error("down");
        },
        () => Promise.reject(new Error("down")),
        () => Promise.resolve("nonsense"),
        () => undefined,
      ];
      for (const take of failures) {
        const whole = sallyport.memoryStore();
        const store = {
          name: "broken",
          take,
          read: () => undefined,
          put: () => true,
          giveBack: whole.giveBack.bind(whole),
        } as unknown as sallyport.StateStore;
        same(
          await found(open({ guards: [sallyport.rateLimit({ max: 5, windowMs: 1000, store })] })),
          "store_unavailable",
        );
      }
    },
  },
  ...storeKit({ create: () => sallyport.memoryStore() }).map(({ title, run }) => ({
    name: `memoryStore() is a store: ${title}`,
    run,
  })),
  {
    name: "trust is judged before policy",
    async run(): Promise<void> {
      const profile = sallyport.agentProfile({ did: "did:agentmesh:portable", name: "Portable", trustScore: 400 });
      const kernel = sallyport.createKernel({
        trust: sallyport.actionGuard({ sensitiveActions: { pay: 700 } }),
        policy: { deniedTools: ["pay"] },
      });
      same(
        await codeOf(kernel.session({ agent: profile }).tool({ name: "pay", arguments: {} }, () => 1)),
        "trust_too_low",
      );
    },
  },
  {
    name: "trustTracker() moves scores, and finds them again in a store",
    async run(): Promise<void> {
      const store = sallyport.memoryStore();
      const make = (): sallyport.AgentProfile =>
        sallyport.agentProfile({ did: "did:agentmesh:portable", name: "Portable" });
      const [tracker, profile] = [sallyport.trustTracker({ store }), make()];
      await tracker.load(profile);
      same([tracker.recordSuccess(profile, "a"), tracker.recordFailure(profile, "b"), profile.trustScore], [
        510,
        460,
        460,
      ]);
      await tracker.flush();
      same(await sallyport.trustTracker({ store }).load(make()), 460);
    },
  },
  {
    name: "a suspended agent acts no more until it is resumed, and a killed one never",
    async run(): Promise<void> {
      const kernel = sallyport.createKernel();
      const session = kernel.session(agent);
      kernel.suspend("portable", "wait");
      const codes = [await found(session)];
      kernel.resume("portable");
      codes.push(await found(session));
      kernel.kill("portable", "enough");
      codes.push(await found(session));
      kernel.resume("portable");
      codes.push(
        await found(session),
        await found(kernel.session(agent)),
        await found(kernel.session({ agentId: "other" })),
      );
      same(codes, ["agent_suspended", "allowed", "session_killed", "session_killed", "session_killed", "allowed"]);
    },
  },
];

function throwsError(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (error instanceof Error) return;
  }
  throw new Error("wanted an Error, and nothing was thrown");
}
