import { MockLanguageModelV3 } from "ai/test";

/** One answer of the model: what it says, and which tools it calls. */
export interface Turn {
  readonly text?: string;
  readonly calls?: readonly { readonly id: string; readonly name: string; readonly input: object }[];
}

/** A language model that gives its answers in turn, so that the demo needs no key and no network. */
export function scriptedModel(turns: readonly Turn[]): MockLanguageModelV3 {
  const rest = [...turns];
  return new MockLanguageModelV3({
    modelId: "scripted",
    doGenerate: async () => {
      const { text, calls = [] } = rest.shift() ?? { text: "I have nothing more to say." };
      return {
        content: [
          ...(text === undefined ? [] : [{ type: "text" as const, text }]),
          ...calls.map(({ id, name, input }) => ({
            type: "tool-call" as const,
            toolCallId: id,
            toolName: name,
            input: JSON.stringify(input),
          })),
        ],
        finishReason: { unified: calls.length === 0 ? "stop" : "tool-calls", raw: undefined },
        usage: {
          inputTokens: { total: 40, noCache: 40, cacheRead: undefined, cacheWrite: undefined },
          outputTokens: { total: 12, text: 12, reasoning: undefined },
        },
        warnings: [],
      };
    },
  });
}
