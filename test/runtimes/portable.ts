/** What every runtime must do alike: plain functions on the public API, so that no test runner is needed where they run. */
import * as sallyport from "../../mod.ts";

/** One behaviour. It throws, or rejects, when the runtime does otherwise. */
export interface Case {
  /** What is checked. */
  readonly name: string;
  /** Checks it. */
  run(): void | Promise<void>;
}

function same(actual: unknown, wanted: unknown, what = "value"): void {
  const [a, w] = [JSON.stringify(actual), JSON.stringify(wanted)];
  if (!Object.is(actual, wanted) && (a !== w || a === undefined)) throw new Error(`${what}: wanted ${w ?? String(wanted)}, got ${a ?? String(actual)}`);
}

function throwsTypeError(build: () => unknown, what: string): void {
  try {
    build();
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return;
    throw error;
  }
  throw new Error(`${what}: wanted a TypeError, and nothing was thrown`);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof sallyport.PolicyViolationError) return error.code;
    throw error;
  }
  return "allowed";
}

const agent = { agentId: "portable" };
const toolCall = (args: unknown): { name: string; arguments: unknown } => ({ name: "search", arguments: args });

async function checkCode(policy: sallyport.PolicyInit, payload: unknown, name = "search"): Promise<string> {
  const decision = await sallyport.createKernel({ policy }).session(agent).check({ stage: "pre_tool_call", name, payload });
  return decision.effect === "deny" || decision.effect === "escalate" ? decision.code : decision.effect;
}

/** Every case, in order. */
export const cases: readonly Case[] = [
  {
    name: "allow() is one frozen object, and the other decisions have their shapes",
    run(): void {
      same(sallyport.allow() === sallyport.allow() && Object.isFrozen(sallyport.allow()), true);
      same(sallyport.allow(), { effect: "allow", allowed: true });
      same(sallyport.deny("c", "r"), { effect: "deny", allowed: false, code: "c", reason: "r" });
      same(sallyport.transform(1, "r"), { effect: "transform", allowed: true, payload: 1, reason: "r" });
      same(sallyport.escalate("r"), { effect: "escalate", allowed: false, code: "approval_required", reason: "r" });
      same(sallyport.warn("c", "r"), { effect: "allow", allowed: true, warnings: [{ code: "c", reason: "r" }] });
    },
  },
  {
    name: "session.tool() runs an allowed tool once with plain arguments, and never a denied one",
    async run(): Promise<void> {
      const session = sallyport.createKernel({ policy: { allowedTools: ["search"] } }).session(agent);
      let ran = 0;
      const act = (args: unknown): unknown => (ran++, args);
      same(await session.tool(toolCall({ q: "tea" }), act), { q: "tea" });
      same(await codeOf(session.tool({ name: "erase", arguments: {} }, act)), "tool_not_allowed");
      same(await codeOf(session.tool({ name: "__proto__", arguments: {} }, act)), "tool_not_allowed");
      same(ran, 1, "acts that ran");
    },
  },
  {
    name: "session.check() answers at once, when every guard does",
    run(): void {
      const decision = sallyport.createKernel().session(agent).check({ stage: "pre_tool_call", name: "search", payload: {} });
      same("effect" in decision && decision.effect, "allow");
    },
  },
  {
    name: "a payload is read once, so that a getter cannot show two values",
    async run(): Promise<void> {
      let reads = 0;
      const args = { get command(): string { return reads++ === 0 ? "ls" : "rm -rf /"; } };
      const session = sallyport.createKernel({ policy: { blockedPatterns: ["rm -rf"] } }).session(agent);
      same(await session.tool(toolCall(args), (safe) => safe), { command: "ls" });
      same(reads, 1, "reads of the getter");
    },
  },
  {
    name: "what cannot be copied plainly is denied at a tool",
    async run(): Promise<void> {
      const cycle: Record<string, unknown> = {};
      cycle["self"] = cycle;
      for (const value of [new Map(), { at: new Date(0) }, cycle, { f: (): void => {} }, new Uint8Array(2)]) same(await checkCode({}, value), "payload_not_plain");
    },
  },
  {
    name: "patterns are found in keys, in depth, across leaves and in folded or encoded text",
    async run(): Promise<void> {
      const policy = { blockedPatterns: ["drop table"] };
      const hidden = [
        "DROP TABLE users", "ＤＲＯＰ　ＴＡＢＬＥ users", "dro\u200bp ta\u00adble", "dr\u043ep t\u0430ble", "drop \t\n table",
        "ZHJvcCB0YWJsZSB1c2Vycw==", "64726f70207461626c65207573657273", "drop%20table", "drop&#32;table", "drop\\u0020table",
        { "drop table": 1 }, { a: [{ b: "x drop table" }] }, { cmd: "drop", args: ["table"] },
      ];
      for (const payload of hidden) same(await checkCode(policy, { payload }), "blocked_pattern", JSON.stringify(payload));
      for (const payload of ["a raindrop on the tablet", "drop the table", ""]) same(await checkCode(policy, { payload }), "allow", payload);
    },
  },
  {
    name: "a regular expression is linear, and unsafe syntax is refused",
    async run(): Promise<void> {
      const policy = { blockedPatterns: [{ pattern: "(a+)+b", type: "regex" } as const] };
      same(await checkCode(policy, { text: "a".repeat(20_000) }), "allow");
      same(await checkCode(policy, { text: "AAAAb" }), "blocked_pattern");
      throwsTypeError(() => sallyport.definePolicy({ blockedPatterns: [{ pattern: "(a)\\1", type: "regex" }] }), "a back-reference");
      throwsTypeError(() => sallyport.definePolicy({ blockedPatterns: [{ pattern: "(?=a)", type: "regex" }] }), "a look-ahead");
    },
  },
  {
    name: "twenty calls at once never pass a limit of three",
    async run(): Promise<void> {
      const session = sallyport.createKernel({ policy: { maxToolCalls: 3 } }).session(agent);
      let ran = 0;
      const codes = await Promise.all(Array.from({ length: 20 }, (_, i) => codeOf(session.tool(toolCall({ i }), async () => {
        await Promise.resolve();
        ran++;
      }))));
      same([ran, codes.filter((code) => code === "max_tool_calls_exceeded").length], [3, 17]);
    },
  },
  {
    name: "a transform changes what the act is given",
    async run(): Promise<void> {
      const guard = sallyport.defineGuard({ name: "mask", stages: ["pre_tool_call"], check: () => sallyport.transform({ q: "***" }, "masked") });
      const session = sallyport.createKernel({ guards: [guard] }).session(agent);
      same(await session.tool(toolCall({ q: "secret" }), (safe) => safe), { q: "***" });
    },
  },
  {
    name: "a guard that throws, rejects or answers nonsense denies",
    async run(): Promise<void> {
      const broken: (() => unknown)[] = [() => { throw new Error("broken"); }, () => Promise.reject(new Error("broken")), () => true, () => ({ effect: "allow" })];
      for (const check of broken) {
        const guard = sallyport.defineGuard({ name: "broken", check: check as () => sallyport.Decision });
        const decision = await sallyport.createKernel({ guards: [guard] }).session(agent).check({ stage: "input", name: "execute", payload: "hi" });
        same(decision.effect === "deny" && decision.code, "guard_error");
      }
    },
  },
  {
    name: "withTimeout() denies a guard that never settles",
    async run(): Promise<void> {
      const silent = sallyport.defineGuard({ name: "silent", check: () => new Promise<never>(() => {}) });
      const session = sallyport.createKernel({ guards: [sallyport.withTimeout(silent, 20)] }).session(agent);
      const decision = await session.check({ stage: "input", name: "execute", payload: "hi" });
      same(decision.effect === "deny" && decision.code, "guard_timeout");
    },
  },
  {
    name: "an abort and a kill reach the act through its signal",
    async run(): Promise<void> {
      const kernel = sallyport.createKernel();
      const own = new AbortController();
      for (const stop of [(): void => own.abort(new Error("stopped")), (): void => kernel.kill("portable")]) {
        const session = kernel.session({ ...agent, signal: own.signal.aborted ? new AbortController().signal : own.signal });
        let aborted = false;
        const running = session.tool(toolCall({}), (_, signal) => new Promise((_done, fail) => {
          signal.addEventListener("abort", () => {
            aborted = true;
            fail(signal.reason);
          }, { once: true });
          setTimeout(stop, 1);
        })).catch(() => {});
        await running;
        same(aborted, true, "the signal");
      }
    },
  },
  {
    name: "a killed agent acts no more",
    async run(): Promise<void> {
      const kernel = sallyport.createKernel();
      const session = kernel.session(agent);
      kernel.kill("portable", "enough");
      same(await codeOf(session.run("hi", () => "there")), "session_killed");
    },
  },
  {
    name: "trust is judged before policy",
    async run(): Promise<void> {
      const profile = sallyport.agentProfile({ did: "did:agentmesh:portable", name: "Portable", trustScore: 400 });
      const kernel = sallyport.createKernel({ trust: sallyport.actionGuard({ sensitiveActions: { pay: 700 } }), policy: { deniedTools: ["pay"] } });
      const session = kernel.session({ agent: profile });
      same(await codeOf(session.tool({ name: "pay", arguments: {} }, () => 1)), "trust_too_low");
    },
  },
  {
    name: "an approval is granted with a WebCrypto key, once",
    async run(): Promise<void> {
      const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
      const kernel = sallyport.createKernel({
        policy: { requireHumanApproval: ["pay"] },
        approvalKey: key,
        approve: (request) => sallyport.grantApproval(request, key, { approved: true, by: "ann" }),
      });
      same(await kernel.session(agent).tool({ name: "pay", arguments: { eur: 5 } }, (safe) => safe), { eur: 5 });
      const nobody = sallyport.createKernel({ policy: { requireHumanApproval: true } }).session(agent);
      same(await codeOf(nobody.tool({ name: "pay", arguments: {} }, () => 1)), "approval_required");
    },
  },
  {
    name: "begin() takes from a limit, and cancel() gives it back",
    async run(): Promise<void> {
      const session = sallyport.createKernel({ policy: { maxToolCalls: 1 } }).session(agent);
      const begin = async (callId: string): Promise<sallyport.Act> => await session.begin({ stage: "pre_tool_call", name: "search", payload: {}, callId });
      const first = await begin("a");
      same((await begin("b")).decision.effect, "deny");
      first.cancel();
      const third = await begin("c");
      same([third.decision.effect, (await third.end("done")).effect, session.context.toolCallCount], ["allow", "allow", 1]);
    },
  },
  {
    name: "a stream is held until the whole text is judged",
    async run(): Promise<void> {
      const session = sallyport.createKernel({ policy: { blockedPatterns: ["secret word"] } }).session(agent);
      async function* parts(texts: readonly string[]): AsyncGenerator<string> {
        for (const text of texts) yield await Promise.resolve(text);
      }
      const read = async (texts: readonly string[]): Promise<string[]> => {
        const seen: string[] = [];
        const options = { stage: "output", name: "execute", textOf: (part: string) => part, withText: (_: string, text: string) => text } as const;
        for await (const part of session.stream(parts(texts), options)) seen.push(part);
        return seen;
      };
      same((await read(["high ", "at ", "noon"])).join(""), "high at noon");
      same(await codeOf(read(["the sec", "ret wo", "rd"])), "blocked_pattern");
    },
  },
  {
    name: "policies validate, merge and compare",
    run(): void {
      const [loose, strict] = [sallyport.definePolicy(), sallyport.definePolicy({ maxToolCalls: 2, allowedTools: ["a"] })];
      same([strict.isStricterThan(loose), loose.isStricterThan(strict)], [true, false]);
      same(loose.merge(strict).toJSON().allowedTools, ["a"]);
      throwsTypeError(() => sallyport.definePolicy({ maxToolCals: 2 } as sallyport.PolicyInit), "an unknown key");
    },
  },
  {
    name: "similarity is 1 for equal texts and 0 for texts with nothing in common",
    run(): void {
      same([sallyport.wordSimilarity("a b c", "a b c"), sallyport.wordSimilarity("a b", "c d")], [1, 0]);
      same([sallyport.sequenceSimilarity("abc", "abc"), sallyport.sequenceSimilarity("ab", "cd")], [1, 0]);
    },
  },
];

/** Runs every case and tells what failed. */
export async function runCases(): Promise<{ passed: number; failures: readonly string[] }> {
  const failures: string[] = [];
  for (const { name, run } of cases) {
    try {
      await run();
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? `${error.message}\n${error.stack ?? ""}` : String(error)}`);
    }
  }
  return { passed: cases.length - failures.length, failures };
}
