import * as ai from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { describe, expect, test } from "vitest";
import { createKernel } from "../../mod.ts";
import { aiSdk, type DeniedCall } from "../../plugins/ai-sdk.ts";
import { aiSdkCases } from "./ai-sdk-cases.ts";

aiSdkCases("ai 6", { ai, Model: MockLanguageModelV3 });

describe("aiSdk()", () => {
  test.each([undefined, null, {}, "session"])("throws, when the source is %s", (source) => {
    expect(() => aiSdk(source as never)).toThrow(/^Cannot build aiSdk\(\): "source" must be a session or a function/);
  });

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
    const result = await governed.add.execute?.({ a: 1 }, { toolCallId: "1", messages: [] });
    const code: string | undefined = typeof result === "object" && "code" in result ? result.code : undefined;
    const same: typeof client = governed.client;
    expect([own, sure, code, same === client]).toEqual([1, 1, "tool_not_allowed", true]);
  });

  test("fits the types of ai 6 without a cast", async () => {
    const { middleware, tools } = aiSdk(createKernel().session({ agentId: "typed" }));
    const model: ai.LanguageModel = ai.wrapLanguageModel({ model: new MockLanguageModelV3(), middleware });
    const all: ai.LanguageModelMiddleware[] = [middleware];
    const add = ai.tool({ inputSchema: ai.jsonSchema<{ a: number }>({ type: "object" }), execute: ({ a }) => a + 1 });
    const governed: { add: typeof add } = tools({ add });
    const options: Parameters<typeof ai.generateText>[0] = { model, prompt: "?", tools: governed };
    expect(await governed.add.execute?.({ a: 1 }, { toolCallId: "1", messages: [] })).toBe(2);
    expect([all.length, options.prompt]).toEqual([1, "?"]);
  });
});
