import * as ai from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { describe, expect, test } from "vitest";
import { createKernel } from "../../mod.ts";
import { aiSdk } from "../../plugins/ai-sdk.ts";
import { aiSdkCases } from "./ai-sdk-cases.ts";

aiSdkCases("ai 6", { ai, Model: MockLanguageModelV3 });

describe("aiSdk()", () => {
  test.each([undefined, null, {}, "session"])("throws, when the source is %s", (source) => {
    expect(() => aiSdk(source as never)).toThrow(/^Cannot build aiSdk\(\): "source" must be a session or a function/);
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
