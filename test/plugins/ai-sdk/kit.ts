/** The AI SDK with its plugin, as the kit takes it: the same for each major of the real package. */
import { createKernel } from "../../../mod.ts";
import { aiSdk, type AiSdkOptions } from "../../../plugins/ai-sdk.ts";
import type { Ending, PluginFixture, Scene } from "../../../src/testing/mod.ts";
import { answer, type Major, type Part, partsOf, streamOf, usage } from "../ai-sdk-cases.ts";

/** Both functions and agents, whole and in parts. */
export function aiSdkFixture(title: string, { ai, Model }: Major): PluginFixture {
  const { generateText, streamText, generateObject, wrapLanguageModel, ToolLoopAgent, stepCountIs, tool, jsonSchema } =
    ai;
  const stopWhen = stepCountIs(5);

  function mock(scene: Scene, say = (text: string): string => text): any {
    const whole = async ({ prompt, tools }: Part): Promise<Part> => {
      const { text = "", calls = [], usage: used, fails } = await scene.model({ prompt, tools });
      if (fails === true) {
        throw new ai.APICallError({ message: "down", url: "", requestBodyValues: {}, statusCode: 500 });
      }
      const proposed = calls.map(({ name, arguments: args, id }) => [name, args, id] as const);
      return answer(text === "" ? "" : say(text), proposed, { usage: usage(used.inputTokens, used.outputTokens) });
    };
    return new Model({
      doGenerate: whole,
      doStream: async (params: Part) => ({ stream: streamOf(partsOf(await whole(params), [5, 5])) }),
    });
  }

  /** Model and tools as a host builds them; ungoverned where there is no session. */
  function build(scene: Scene, options: AiSdkOptions = {}, say?: (text: string) => string): { model: any; tools: any } {
    const { session, inner } = scene;
    const sdk = session && aiSdk(session, options);
    const own = mock(scene, say);
    const model = sdk === undefined ? own : wrapLanguageModel({ model: own, middleware: sdk.middleware });
    const governed = (tools: object): any => sdk === undefined ? tools : sdk.tools(tools);
    const tools = toolsOf(scene.tools);
    if (inner !== undefined) {
      tools[inner.name] = tool({
        inputSchema: jsonSchema({ type: "object" }),
        execute: async (_input: unknown, { abortSignal }: any) => {
          const settings = { model, tools: governed(toolsOf(inner.tools)), stopWhen, maxRetries: 0 };
          return (await new ToolLoopAgent(settings).generate({ prompt: "go", abortSignal })).text;
        },
      });
    }
    return { model, tools: governed(tools) };
  }

  const toolsOf = (tools: Scene["tools"]): Record<string, any> =>
    Object.fromEntries(tools.map(({ name, description, parameters, execute }) => [
      name,
      tool({
        description,
        inputSchema: jsonSchema(parameters),
        execute: (input: unknown, { abortSignal }: any) => execute(input, abortSignal),
      }),
    ]));

  /** What a host got; where a person must approve, the denied call can be made again with a grant. */
  function endingOf(
    scene: Scene,
    told: { text: string; finishReason: string; totalUsage: unknown; steps: any[] },
  ): Ending {
    const { text, finishReason, totalUsage, steps } = told;
    const messages = steps.at(-1)?.response.messages;
    const results = steps.flatMap(({ toolResults }) => toolResults as Part[]);
    const refused = results.find(({ output }) => (output as Part | null)?.["approval"] !== undefined);
    const value = { text, finishReason, totalUsage, messages };
    if (refused === undefined) return { value };
    const { toolName, toolCallId, input } = refused as Part & { toolName: string };
    return {
      value,
      paused: {
        resume: async (given, where = scene) => {
          const { tools } = build(where, typeof given === "boolean" ? {} : { grantOf: () => given });
          return {
            value: await tools[toolName].execute(input, { toolCallId, messages: [], abortSignal: where.signal }),
          };
        },
      },
    };
  }

  const settings = (scene: Scene): any => ({ ...build(scene), stopWhen, maxRetries: 0 });
  const both = { gates: ["model", "tool"], refusedTool: "model" } as const;
  return {
    name: title,
    coverage: () => aiSdk(createKernel().session({ agentId: "kit" })).coverage(toolsOf([])),
    entries: {
      generateText: {
        ...both,
        drive: async (scene) => {
          const { prompt, signal: abortSignal } = scene;
          return endingOf(scene, await generateText({ ...settings(scene), prompt, abortSignal }));
        },
      },
      streamText: {
        ...both,
        streams: true,
        drive: async (scene) => {
          const { prompt, signal: abortSignal } = scene;
          let error: unknown;
          const result = streamText({ ...settings(scene), prompt, abortSignal, onError: () => undefined });
          for await (const part of result.fullStream) {
            if (part.type === "text-delta") scene.part(part.text);
            else if (/^tool-(?:call|result|error)$/.test(part.type)) {
              scene.part({ type: part.type, input: part.input, output: part.output, error: part.error });
            } else if (part.type === "error") {
              error = part.error;
              scene.part(part);
            }
          }
          if (error !== undefined) {
            await Promise.allSettled([result.text, result.steps, result.finishReason, result.totalUsage]);
            return { error };
          }
          const [text, finishReason, totalUsage, steps] = await Promise.all([
            result.text,
            result.finishReason,
            result.totalUsage,
            result.steps,
          ]);
          return endingOf(scene, { text, finishReason, totalUsage, steps });
        },
      },
      ToolLoopAgent: {
        ...both,
        subAgents: true,
        drive: async (scene) => {
          const { prompt, signal: abortSignal } = scene;
          return endingOf(scene, await new ToolLoopAgent(settings(scene)).generate({ prompt, abortSignal }));
        },
      },
      generateObject: {
        gates: ["model"],
        drive: async (scene) => {
          const { model } = build(scene, {}, (text) => JSON.stringify({ answer: text }));
          const schema = jsonSchema({ type: "object", properties: { answer: { type: "string" } } });
          const { prompt, signal: abortSignal } = scene;
          const { object } = await generateObject({ model, schema, prompt, abortSignal, maxRetries: 0 });
          return { value: object };
        },
      },
    },
    object: (scene) => {
      const original = toolsOf(scene.tools);
      const governed = scene.session === undefined ? original : aiSdk(scene.session).tools(original);
      return { governed, original, secrets: Object.values(original).flatMap((one) => [one, one.execute]) };
    },
  };
}
