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
      // What a strict plugin refuses, and what it lets pass.
      const session = createKernel().session({ agentId: "c" });
      const sdk = aiSdk(session, { strict: true });
      const ran: string[] = [];
      const tried = async (title: string, run: () => unknown): Promise<void> => {
        try {
          note(title, await run());
        } catch (error) {
          note(`${title} failed`, error);
        }
      };
      const inputSchema: any = jsonSchema({ type: "object" });
      const loose: any = {
        fine: tool({
          inputSchema,
          execute: async (input: any) => (ran.push(`ran fine ${input.a === 1 ? "1" : "drop"}`), input.a),
        }),
      };
      const tools = governed ? sdk.tools(loose) : loose;
      const wrap = (
        model: any,
      ): any => (governed ? wrapLanguageModel({ model, middleware: sdk.middleware as any }) : model);
      const turns = (input: string): any => {
        let turn = 0;
        return new MockLanguageModelV3({
          doGenerate: async ({ prompt }: any) => {
            note("sent", prompt.map(({ role }: any) => role));
            const content: any = turn++ === 0
              ? [{ type: "tool-call", toolCallId: "s1", toolName: "fine", input }]
              : [{ type: "text", text: "done" }];
            return {
              content,
              finishReason: { unified: turn === 1 ? "tool-calls" : "stop", raw: undefined },
              usage,
              warnings: [],
              request: { body: "unseen" },
            };
          },
        });
      };
      const said = async (options: any): Promise<unknown> => {
        const { steps, text } = await generateText({ tools, prompt: "go", stopWhen: stepCountIs(2), ...options });
        return [text, steps[0]?.toolResults.map(({ output }: any) => output)];
      };
      await tried("strict, proposed", () => said({ model: wrap(turns('{"a":1}')) }));
      if (governed) {
        const ask = (more: any): unknown =>
          wrap(turns("{}")).doGenerate({
            prompt: [{ role: "user", content: [{ type: "text", text: "go" }] }],
            ...more,
          });
        const file = (data: unknown): object => ({ type: "file", mediaType: "image/png", data });
        const result = (part: object): object => ({
          type: "tool-result",
          toolCallId: "1",
          toolName: "fine",
          output: { type: "content", value: [part] },
        });
        await tried("strict, not proposed", () => said({ model: turns('{"a":2}') }));
        await tried("strict, by hand", () => tools.fine.execute({ a: 1 }, {}));
        await tried("strict, no such id", () => tools.fine.execute({ a: 2 }, { toolCallId: "s2", messages: [] }));
        await tried(
          "strict, provider's tool",
          () => ask({ tools: [{ type: "provider", id: "p.a", name: "a", args: {} }] }),
        );
        for (
          const part of [
            file(new URL("https://example.org/a.png")),
            file("file-abc"),
            result({ type: "file-id", fileId: "1" }),
            result({ type: "image-url", url: "https://example.org/a.png" }),
          ]
        ) await tried("strict, elsewhere", () => ask({ prompt: [{ role: "user", content: [part] }] }));
        await tried("strict, a tool of the client's", () => sdk.tools({ client: { inputSchema } }));
        const provider: any = sdk.provider({
          embeddingModel: () => ({ doEmbed: () => "ran fine drop" }),
          kept: { a: 1 },
        });
        await tried("strict, another model", () => provider.embeddingModel("e"));
        note("strict, kept", Object.keys(provider));
        note("strict, coverage", sdk.coverage(loose));
        note("strict, counts", [session.context.toolCallCount, session.context.modelCallCount]);
        note("strict, ran", ran);
      }
    },
  },
);
