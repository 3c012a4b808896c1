/** The AI SDK with the real `ai`, alone and governed, while a name is polluted. */
import { generateText, jsonSchema, stepCountIs, streamText, tool, wrapLanguageModel } from "ai";
import { MockLanguageModelV3 } from "ai/test";
import { createKernel, redactPatterns } from "../../mod.ts";
import { aiSdk } from "../../plugins/ai-sdk.ts";
import { attempt } from "./trial.ts";

const usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 5, text: 5, reasoning: undefined },
};

/** A part of an answer that calls a tool. */
function call(toolCallId: string, toolName: string, input: object): any {
  return { type: "tool-call", toolCallId, toolName, input: JSON.stringify(input) };
}

const answers: readonly any[][] = [
  [{ type: "text", text: "Looking. " }, call("1", "fine", { a: 1 }), call("2", "wipe", { a: 2 })],
  [call("3", "fine", { a: "drop table" }), call("4", "leaks", {}), call("5", "throws", {})],
  [{ type: "text", text: "The word is hunter2." }],
];

function model(): any {
  let turn = 0;
  const next = (): any => {
    const content = answers[turn++] as any[];
    const unified = content.some(({ type }) => type === "tool-call") ? "tool-calls" : "stop";
    return { content, finishReason: { unified, raw: undefined }, usage, warnings: [] };
  };
  return new MockLanguageModelV3({
    doGenerate: async () => next(),
    doStream: async () => {
      const { content, finishReason } = next();
      const parts: any[] = [{ type: "stream-start", warnings: [] }];
      content.forEach((part: any, index: number) => {
        const id = `t${index}`;
        if (part.type === "text") {
          parts.push({ type: "text-start", id }, { type: "text-delta", id, delta: part.text.slice(0, 14) });
          parts.push({ type: "text-delta", id, delta: part.text.slice(14) }, { type: "text-end", id });
        } else {
          const { toolCallId, toolName, input } = part;
          parts.push({ type: "tool-input-start", id: toolCallId, toolName });
          parts.push({ type: "tool-input-delta", id: toolCallId, delta: input });
          parts.push({ type: "tool-input-end", id: toolCallId }, part);
        }
      });
      parts.push({ type: "finish", finishReason, usage });
      return {
        stream: new ReadableStream({
          start: (controller) => {
            for (const part of parts) controller.enqueue(part);
            controller.close();
          },
        }),
      };
    },
  });
}

await attempt(
  {
    forbidden: /hunter2|ran wipe|ran fine drop/,
    run: async (governed, note) => {
      for (const mode of ["generate", "stream"]) {
        const ran: string[] = [];
        const inputSchema: any = jsonSchema({ type: "object", properties: {} });
        const tools: any = {
          fine: tool({
            inputSchema,
            onInputAvailable: ({ input }: any) => note("available", input),
            execute: async ({ a }: any, { experimental_context: given }: any) => {
              ran.push(`ran fine ${a}`);
              note("given", given);
              return { b: a };
            },
          }),
          wipe: tool({ inputSchema, execute: async () => (ran.push("ran wipe"), "wiped") }),
          leaks: tool({ inputSchema, description: "leaks", execute: async () => ({ text: "it is hunter2" }) }),
          throws: tool({ inputSchema, execute: () => Promise.reject(new RangeError("it threw")) } as any),
        };
        const session = createKernel({
          policy: { deniedTools: ["wipe"], blockedPatterns: ["drop table"] },
          guards: [redactPatterns(["hunter2"])],
        }).session({ agentId: "a" });
        const plugin = mode === "stream" ? aiSdk(session) : aiSdk((context) => {
          note("context", context);
          return session;
        }, { grantOf: (asked) => note("grant", asked) as undefined });
        const shared = {
          model: wrapLanguageModel({
            model: model(),
            middleware: (governed ? plugin.middleware : { specificationVersion: "v3" }) as any,
          }),
          providerOptions: { other: { a: 1 } },
          tools: governed ? plugin.tools(tools) : tools,
          stopWhen: stepCountIs(5),
          messages: [
            { role: "user", content: [{ type: "text", text: "go" }, { type: "text", text: " on" }] },
            { role: "assistant", content: [{ type: "tool-call", toolCallId: "0", toolName: "wipe", input: { a: 0 } }] },
            {
              role: "tool",
              content: [{
                type: "tool-result",
                toolCallId: "0",
                toolName: "wipe",
                output: { type: "text", value: "done" },
              }],
            },
            {
              role: "user",
              content: [{ type: "file", mediaType: "text/plain", data: new TextEncoder().encode("a file") }],
            },
          ],
        } as any;
        note("model", shared.model.modelId);
        if (mode === "generate") {
          const { steps, text } = await generateText(shared);
          steps.forEach(({ toolResults, content }: any, index: number) => {
            note(`step ${index}`, toolResults.map(({ toolName, output }: any) => [toolName, output]));
            note(`content ${index}`, content.map(({ type, error }: any) => [type, error]));
          });
          note("text", text);
        } else {
          const { fullStream } = streamText({ ...shared, onError: ({ error }: any) => note("error", error) });
          for await (const { type, text, output, error } of fullStream as any) note(type, [text, output, error]);
        }
        note("by hand", await shared.tools.fine.execute({ a: "by hand" }, {}));
        note("ran", ran);
        if (governed) {
          note("coverage", plugin.coverage(tools));
          note("counts", [session.context.toolCallCount, session.context.totalTokens]);
        }
      }
      for (const options of [{}, { strict: true }, { definitions: true }, { strick: true }] as any[]) {
        try {
          const session = createKernel({ policy: { blockedPatterns: ["drop table"] } }).session({ agentId: "b" });
          const middleware = governed ? aiSdk(session, options).middleware : { specificationVersion: "v3" };
          const asked = await generateText({
            model: wrapLanguageModel({
              model: new MockLanguageModelV3({
                doGenerate: async ({ stopSequences }: any) => {
                  note("asked to stop at", stopSequences);
                  return {
                    content: [{ type: "text", text: "yes" }],
                    finishReason: { unified: "stop", raw: undefined },
                    usage,
                    warnings: [],
                  };
                },
              }),
              middleware: middleware as any,
            }),
            prompt: Object.hasOwn(options, "definitions") ? "drop table" : "go",
            maxRetries: 0,
          });
          note("asked", asked.text);
        } catch (error) {
          note("refused", error);
        }
      }
    },
  },
);
