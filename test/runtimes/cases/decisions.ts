/** Decisions, acts and policies. */
import * as sallyport from "../../../mod.ts";
import { agent, type Case, checkCode, codeIn, codeOf, errorOf, open, same, throwsTypeError, toolCall } from "./kit.ts";

const hi = { stage: "input", name: "execute", payload: "hi" } as const;

/** The cases, in order. */
export const decisionCases: readonly Case[] = [
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
      const session = open({ policy: { allowedTools: ["search"] } });
      let ran = 0;
      const act = (args: unknown): unknown => (ran++, args);
      same(await session.tool(toolCall({ q: "tea" }), act), { q: "tea" });
      same(await codeOf(session.tool({ name: "erase", arguments: {} }, act)), "tool_not_allowed");
      same(await codeOf(session.tool({ name: "__proto__", arguments: {} }, act)), "tool_not_allowed");
      same(ran, 1, "acts that ran");
    },
  },
  {
    name: "tool names match exactly, whatever the locale's case or the letters' looks",
    async run(): Promise<void> {
      const policy = { allowedTools: ["file.write", "constructor"] };
      for (
        const name of [
          "FILE.WRITE",
          "fıle.write",
          "ﬁle.write",
          "fi\u200ble.write",
          "file.write ",
          "toString",
          "hasOwnProperty",
          "",
        ]
      ) {
        same((await checkCode(policy, {}, name)) !== "allow", true, JSON.stringify(name));
      }
      same([await checkCode(policy, {}, "file.write"), await checkCode(policy, {}, "constructor")], ["allow", "allow"]);
    },
  },
  {
    name: "session.run(), model() and tool() pass the gates before and after",
    async run(): Promise<void> {
      const gates: string[] = [];
      const guard = sallyport.defineGuard({
        name: "seen",
        check: ({ stage }) => (gates.push(stage), sallyport.allow()),
      });
      const session = open({ guards: [guard] });
      await session.run("hi", async () => {
        await session.model(
          { model: "m", request: { messages: [] } },
          () => ({ content: "x", toolCalls: [], finishReason: "stop" }),
        );
        return await session.tool(toolCall(), () => "found");
      });
      await session.close();
      same(gates, [
        "agent_startup",
        "input",
        "pre_model_call",
        "post_model_call",
        "pre_tool_call",
        "post_tool_call",
        "output",
        "agent_shutdown",
      ]);
    },
  },
  {
    name: "session.check() and begin() answer at once, when every guard does",
    run(): void {
      const session = open();
      const decision = session.check({ stage: "pre_tool_call", name: "search", payload: {} });
      const act = session.begin({ stage: "pre_tool_call", name: "search", payload: {} });
      same(["effect" in decision && decision.effect, "decision" in act && act.decision.effect], ["allow", "allow"]);
    },
  },
  {
    name: "a transform changes what the act is given",
    async run(): Promise<void> {
      const guard = sallyport.defineGuard({
        name: "mask",
        stages: ["pre_tool_call"],
        check: () => sallyport.transform({ q: "***" }, "masked"),
      });
      same(await open({ guards: [guard] }).tool(toolCall({ q: "secret" }), (safe) => safe), { q: "***" });
    },
  },
  {
    name: "redactPatterns() masks in the answer, and leaves the rest as it was",
    async run(): Promise<void> {
      const session = open({ guards: [sallyport.redactPatterns([{ pattern: "sk-[a-z0-9]{4,40}", type: "regex" }])] });
      const answer = await session.run("hi", () => "key sk-12ab34 — naïve 😀");
      same([answer.includes("sk-12ab34"), answer.startsWith("key "), answer.endsWith("— naïve 😀")], [
        false,
        true,
        true,
      ]);
    },
  },
  {
    name: "a guard that throws, rejects or answers nonsense denies",
    async run(): Promise<void> {
      const broken: (() => unknown)[] = [
        () => {
          throw new Error("broken");
        },
        () => Promise.reject(new Error("broken")),
        () => true,
        () => ({ effect: "allow" }),
        () => {
          throw undefined;
        },
      ];
      for (const check of broken) {
        const guard = sallyport.defineGuard({ name: "broken", check: check as () => sallyport.Decision });
        same(codeIn(await open({ guards: [guard] }).check(hi)), "guard_error");
      }
    },
  },
  {
    name: "a guard that overflows the stack denies, and the next call is judged as usual",
    async run(): Promise<void> {
      const deep = (n: number): number => 1 + deep(n + 1);
      const guard = sallyport.defineGuard({
        name: "deep",
        stages: ["input"],
        check: () => (deep(0), sallyport.allow()),
      });
      const session = open({ guards: [guard] });
      same([
        codeIn(await session.check(hi)),
        codeIn(await session.check({ stage: "pre_tool_call", name: "search", payload: {} })),
      ], ["guard_error", "allow"]);
    },
  },
  {
    name: "combinators: all() stops at a denial, any() at the first answer, not() never turns a failure round",
    async run(): Promise<void> {
      const yes = sallyport.defineGuard({ name: "yes", check: async () => sallyport.allow() });
      const no = sallyport.defineGuard({ name: "no", check: () => sallyport.deny("no", "No") });
      const broken = sallyport.defineGuard({ name: "broken", check: () => Promise.reject(new Error("broken")) });
      const { all, any, not } = sallyport;
      const table = [
        [all(yes, no), "no"],
        [all(yes, yes), "allow"],
        [any(no, yes), "allow"],
        [any(no, no), "no"],
        [not(no, "turned"), "allow"],
        [not(yes, "turned"), "action_blocked"],
        [not(broken, "turned"), "guard_error"],
      ] as const;
      for (const [index, [guard, wanted]] of table.entries()) {
        same(codeIn(await open({ guards: [guard] }).check(hi)), wanted, `row ${index}`);
      }
    },
  },
  {
    name: "begin() takes from a limit, and cancel() gives it back",
    async run(): Promise<void> {
      const session = open({ policy: { maxToolCalls: 1 } });
      const begin = async (callId: string): Promise<sallyport.Act> =>
        await session.begin({ stage: "pre_tool_call", name: "search", payload: {}, callId });
      const first = await begin("a");
      same((await begin("b")).decision.effect, "deny");
      first.cancel();
      const third = await begin("c");
      same([third.decision.effect, (await third.end("done")).effect, session.context.toolCallCount], [
        "allow",
        "allow",
        1,
      ]);
    },
  },
  {
    name: "an act that throws rejects with the same error, and its verbs never throw synchronously",
    async run(): Promise<void> {
      const session = open();
      const own = new RangeError("mine");
      same(
        (await errorOf(session.tool(toolCall(), () => {
          throw own;
        }))) === own,
        true,
        "the same error",
      );
      const promise = session.tool({ name: "no such name!", arguments: {} }, () => 1);
      same(await codeOf(promise), "invalid_tool_name");
    },
  },
  {
    name: "shadow mode lets everything pass, and tells what it would have decided",
    async run(): Promise<void> {
      const kernel = sallyport.createKernel({ policy: { allowedTools: [] }, mode: "shadow" });
      const codes: string[] = [];
      kernel.on("policy_check", ({ decision }) => void codes.push(codeIn(decision)));
      same(await kernel.session(agent).tool(toolCall(), () => "ran"), "ran");
      same(codes[0], "tool_not_allowed");
    },
  },
  {
    name: "explain() says which guard decides, and takes nothing",
    async run(): Promise<void> {
      const kernel = sallyport.createKernel({ policy: { maxToolCalls: 1, deniedTools: ["rm"] } });
      const session = kernel.session(agent);
      for (let n = 0; n < 3; n++) {
        same(
          (await kernel.explain({ stage: "pre_tool_call", name: "search", payload: {} }, session)).decision.effect,
          "allow",
        );
      }
      const { decision, steps } = await kernel.explain({ stage: "pre_tool_call", name: "rm", payload: {} }, session);
      same([codeIn(decision), steps.at(-1)?.decision.effect], ["tool_not_allowed", "deny"]);
    },
  },
  {
    name: "policies validate, merge and compare",
    run(): void {
      const [loose, strict] = [
        sallyport.definePolicy(),
        sallyport.definePolicy({ maxToolCalls: 2, allowedTools: ["a"] }),
      ];
      same([strict.isStricterThan(loose), loose.isStricterThan(strict)], [true, false]);
      same(loose.merge(strict).toJSON().allowedTools, ["a"]);
      throwsTypeError(() => sallyport.definePolicy({ maxToolCals: 2 } as sallyport.PolicyInit), "an unknown key");
    },
  },
  {
    name: "parsePolicy() reads JSON text in both dialects, and reports every mistake at once",
    run(): void {
      same(sallyport.parsePolicy('{"maxToolCalls": 3}').maxToolCalls, 3);
      same(
        sallyport.parsePolicy('{"max_tool_calls": 3, "allowed_tools": []}', { dialect: "agent-os" }).allowedTools,
        undefined,
      );
      try {
        sallyport.parsePolicy('{"maxToolCalls": -1, "timeoutMs": "soon", "unknown": 1}');
      } catch (error) {
        return same(sallyport.isPolicyError(error) && error.mistakes.length, 3, "mistakes");
      }
      throw new Error("wanted a PolicyError, and nothing was thrown");
    },
  },
  {
    name: "policyText() is the same for policies that decide alike, in every runtime",
    run(): void {
      const text = sallyport.policyText(
        sallyport.definePolicy({
          allowedTools: ["z", "B", "a", "a/b"],
          blockedPatterns: ["ß", "𐐀", "ｚ"],
          maxToolCalls: 7,
        }),
      );
      same(
        text,
        sallyport.policyText(
          sallyport.definePolicy({
            maxToolCalls: 7,
            blockedPatterns: ["ｚ", "ß", "𐐀", "ß"],
            allowedTools: ["a/b", "a", "z", "B", "a"],
          }),
        ),
      );
      same(text.includes('"maxToolCalls":7'), true, text);
    },
  },
];
