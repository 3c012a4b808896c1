import * as ai from "ai";
import { MockLanguageModelV4 } from "ai/test";
import { describe, expect, test } from "vitest";
import { createKernel } from "../../mod.ts";
import { aiSdk, type DeniedCall } from "../../plugins/ai-sdk.ts";
import { aiSdkCases, answer } from "../plugins/ai-sdk-cases.ts";

aiSdkCases("ai 7", { ai, Model: MockLanguageModelV4 });

describe("aiSdk() with ai 7 alone", () => {
  test("tells by its types that a call may be denied", async () => {
    const { tools } = aiSdk(createKernel({ policy: { deniedTools: ["add"] } }).session({ agentId: "typed" }));
    const inputSchema = ai.jsonSchema<{ a: number }>({ type: "object" });
    const client = ai.tool({ inputSchema });
    const governed = tools({
      add: ai.tool({ inputSchema, execute: ({ a }) => a + 1 }),
      own: { execute: (a: number): number => a },
      each: {
        async *execute(): AsyncGenerator<number> {
          yield 1;
        },
      },
      client,
    });
    const own: number | DeniedCall = await governed.own.execute(1);
    // @ts-expect-error -- it may be denied
    const sure: number = await governed.own.execute(1);
    for await (const one of governed.each.execute()) expect(one satisfies number | DeniedCall).toBe(1);
    const result = await governed.add.execute({ a: 1 }, { toolCallId: "1", messages: [], context: {} });
    const code: string | undefined = typeof result === "object" && "code" in result ? result.code : undefined;
    const same: typeof client = governed.client;
    expect([own, sure, code, same === client]).toEqual([1, 1, "tool_not_allowed", true]);
  });

  test("fits the types of ai 7 without a cast", async () => {
    const { middleware, tools } = aiSdk(createKernel().session({ agentId: "typed" }));
    const model: ai.LanguageModel = ai.wrapLanguageModel({ model: new MockLanguageModelV4(), middleware });
    const all: ai.LanguageModelMiddleware[] = [middleware];
    const add = ai.tool({ inputSchema: ai.jsonSchema<{ a: number }>({ type: "object" }), execute: ({ a }) => a + 1 });
    const governed: { add: typeof add } = tools({ add });
    const options: Parameters<typeof ai.generateText>[0] = { model, prompt: "?", tools: governed };
    expect(await governed.add.execute({ a: 1 }, { toolCallId: "1", messages: [], context: {} })).toBe(2);
    expect([all.length, options.prompt]).toEqual([1, "?"]);
  });

  test("gives tools the context of toolsContext, when the source is a function", async () => {
    const session = createKernel().session({ agentId: "helper" });
    const contexts: unknown[] = [];
    const sdk = aiSdk((context) => (contexts.push(context), session));
    const replies = [answer("", [["say", {}]]), answer("done")];
    const inner = new MockLanguageModelV4({ doGenerate: async () => replies.shift() as never });
    const say = ai.tool({ inputSchema: ai.jsonSchema({ type: "object" }), contextSchema: ai.jsonSchema<{ run: string }>({ type: "object" }), execute: () => "said" });
    await ai.generateText({
      model: ai.wrapLanguageModel({ model: inner, middleware: sdk.middleware }),
      tools: sdk.tools({ say }),
      toolsContext: { say: { run: "7" } },
      prompt: "?",
      stopWhen: ai.stepCountIs(2),
    });
    expect(contexts).toContainEqual({ kind: "tool", name: "say", context: { run: "7" } });
    expect(session.context.totalTokens).toBe(30);
  });

  test("governs what a tool that calls others is bound to, and those others", async () => {
    const ran: string[] = [];
    const inputSchema = ai.jsonSchema<object>({ type: "object" });
    const program = ai.experimental_toolCaller(
      ai.tool({ inputSchema, execute: () => (ran.push("unbound"), "unbound") }),
      {
        type: "local",
        bind: (tools: any) =>
          ai.tool({
            inputSchema,
            execute: async (input, options) => {
              ran.push("program");
              return await tools.wipe.execute(input, options);
            },
          }),
      },
    );
    const wipe = ai.tool({ inputSchema, execute: () => (ran.push("wipe"), "wiped") });
    const run = async (policy: object): Promise<unknown> => {
      ran.length = 0;
      const sdk = aiSdk(createKernel({ policy }).session({ agentId: "helper" }));
      const replies = [answer("", [["program", { text: "the launch code" }]]), answer("done")];
      const { steps } = await ai.generateText({
        model: ai.wrapLanguageModel({
          model: new MockLanguageModelV4({ doGenerate: async () => replies.shift() as never }),
          middleware: sdk.middleware,
        }),
        tools: sdk.tools({ program, wipe }),
        experimental_toolCallers: { wipe: ["program"] } as never,
        prompt: "?",
        stopWhen: ai.stepCountIs(2),
      });
      return steps[0]?.toolResults[0]?.output;
    };
    expect([await run({}), ...ran]).toEqual(["wiped", "program", "wipe"]);
    expect(await run({ blockedPatterns: ["launch code"] })).toMatchObject({ denied: true, code: "blocked_pattern" });
    expect(ran).toEqual([]);
    expect(await run({ deniedTools: ["wipe"] })).toMatchObject({ denied: true, code: "tool_not_allowed" });
    expect(ran).toEqual(["program"]);
  });

  test("names a search for tools, which the SDK runs itself, and refuses it when it is strict", () => {
    const session = createKernel().session({ agentId: "helper" });
    const search = ai.toolSearch();
    expect(aiSdk(session).tools({ search }).search).toBe(search);
    expect(aiSdk(session).coverage({ search })).toMatchObject({
      governed: ["doGenerate", "doStream"],
      ungoverned: expect.arrayContaining(["tools.search"]),
    });
    expect(() => aiSdk(session, { strict: true }).tools({ search })).toThrow(
      /"search" is run by the SDK itself, and strict is true/,
    );
  });
});
