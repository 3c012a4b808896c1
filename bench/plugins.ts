/**
 * What do plugins add to the loops of the frameworks that they govern?
 *
 * Each runs the real package with a model or a transport that answers at once, so that what is left is the framework
 * and the plugin. A governed loop passes every gate that the plugin has.
 */
import { generateText, jsonSchema, type LanguageModel, stepCountIs, tool, wrapLanguageModel } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { createKernel } from "../mod.ts";
import { aiSdk } from "../plugins/ai-sdk.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { PATTERNS, SMALL, TOOLS, UNLIMITED } from "./harness/scenario.ts";

type Answer = Awaited<ReturnType<MockLanguageModelV3["doGenerate"]>>;

const USAGE: Answer["usage"] = {
  inputTokens: {
    total: 10,
    noCache: 10,
    cacheRead: undefined,
    cacheWrite: undefined,
  },
  outputTokens: { total: 5, text: 5, reasoning: undefined },
};

/** A model that calls the tool once, under a new id each time, and then answers. */
function modelOf(): MockLanguageModelV3 {
  let calls = 0;
  return Object.assign(new MockLanguageModelV3(), {
    // Not the double's own: that one keeps every call that it was given.
    doGenerate: (
      { prompt }: { prompt: readonly { role: string }[] },
    ): Promise<Answer> => {
      const isDone = prompt.at(-1)?.role === "tool";
      return Promise.resolve({
        content: isDone ? [{ type: "text", text: "done" }] : [{
          type: "tool-call",
          toolCallId: `call ${++calls}`,
          toolName: "search",
          input: JSON.stringify(SMALL),
        }],
        finishReason: {
          unified: isDone ? "stop" : "tool-calls",
          raw: undefined,
        },
        usage: USAGE,
        warnings: [],
      });
    },
  });
}

type Told = readonly [text: string, calls: number];

/** A tool call through the loop of the AI SDK: two calls of the model, one of the tool. */
async function askAiSdk(
  tools: string,
  names: readonly string[],
): Promise<void> {
  let calls = 0;
  const plain = Object.fromEntries(names.map((name) => [
    name,
    tool({
      description: `Does what ${name} says`,
      inputSchema: jsonSchema<object>({ type: "object" }),
      execute: async () => `found ${++calls}`,
    }),
  ]));
  const loop = (
    model: LanguageModel,
    tools: typeof plain,
  ): Contestant<undefined, Told> => ({
    run: () =>
      generateText({
        model,
        tools,
        prompt: "when is high tide?",
        stopWhen: stepCountIs(3),
      }),
    read: (result) => {
      const told = [(result as { text: string }).text, calls] as const;
      calls = 0;
      return told;
    },
  });
  const governed = (definitions: boolean): Contestant<undefined, Told> => {
    const policy = {
      ...UNLIMITED,
      allowedTools: names,
      blockedPatterns: PATTERNS,
    };
    const sdk = aiSdk(createKernel({ policy }).session({ agentId: "bench" }), {
      definitions,
    });
    return loop(
      wrapLanguageModel({ model: modelOf(), middleware: sdk.middleware }),
      sdk.tools(plain),
    );
  };
  await ask<undefined, Told>({
    title: `a tool call through generateText of the AI SDK, ${tools}`,
    isAwaited: true,
    cases: [[undefined, ["done", 1]]],
    against: "ungoverned",
    contestants: {
      "ungoverned": loop(modelOf(), plain),
      "aiSdk()": governed(false),
      "aiSdk(), definitions judged": governed(true),
    },
    promises: [{ of: "aiSdk()", against: "ungoverned", most: 2.5 }],
    pace: { timeMs: 60 },
  });
}

await askAiSdk("one tool", ["search"]);
await askAiSdk("20 tools", [
  ...TOOLS,
  ...Array.from({ length: 15 }, (_, at) => `tool_${at}`),
]);
