/**
 * What do LangChain's own limit and PII middleware add to a tool call, and what does a session add in their place?
 *
 * A whole agent loop with a model that answers at once: five tool calls and an answer. The session, called in
 * `wrapToolCall`, judges the tool's name
 * and five patterns, and counts.
 */
import { createKernel } from "../mod.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { peer, withPeers } from "./harness/peers.ts";
import { record } from "./harness/record.ts";
import { PATTERNS, SMALL, TOOLS, UNLIMITED } from "./harness/scenario.ts";

type Message = { readonly content: unknown };
interface LangChain {
  createAgent(options: object): { invoke(state: object, options?: object): Promise<{ messages: Message[] }> };
  createMiddleware(options: object): object;
  toolCallLimitMiddleware(options: object): object;
  piiMiddleware(type: string, options: object): object;
  tool(run: (args: object) => unknown, options: object): object;
}
interface Messages {
  AIMessage: new (fields: object) => Message;
}
interface Models {
  BaseChatModel: new (fields: object) => object;
}

const CALLS = 5;
const lang = await peer<LangChain>("langchain");
const messages = await peer<Messages>("@langchain/core", "@langchain/core/messages");
const models = await peer<Models>("@langchain/core", "@langchain/core/language_models/chat_models");
if (lang === undefined || messages === undefined || models === undefined) {
  record({
    title: withPeers ? "LangChain does not load here" : "LangChain is left out, with all peers",
    unit: "ns",
    figures: [],
    promises: [],
  });
} else {
  const { AIMessage } = messages;
  /** Calls the tool five times, then answers. */
  class Model extends models.BaseChatModel {
    _llmType(): string {
      return "bench";
    }
    bindTools(): this {
      return this;
    }
    async _generate(asked: readonly { getType(): string }[]): Promise<object> {
      const done = asked.filter((message) => message.getType() === "tool").length;
      const message = done < CALLS
        ? new AIMessage({
          content: "",
          tool_calls: [{ id: `call ${done}`, name: "search", args: SMALL, type: "tool_call" }],
        })
        : new AIMessage({ content: "done" });
      return { generations: [{ text: "", message }] };
    }
  }
  const counted = { calls: 0 };
  const search = lang.tool(() => `found ${++counted.calls}`, {
    name: "search",
    description: "Searches",
    schema: { type: "object", properties: {} },
  });
  const session = createKernel({ policy: { ...UNLIMITED, allowedTools: TOOLS, blockedPatterns: PATTERNS } }).session({
    agentId: "bench",
  });
  const governed = lang.createMiddleware({
    name: "Governed",
    wrapToolCall: (
      request: { toolCall: { name: string; args: unknown } },
      handler: (request: object) => Promise<object>,
    ) =>
      session.tool(
        { name: request.toolCall.name, arguments: request.toolCall.args },
        (args: unknown) => handler({ ...request, toolCall: { ...request.toolCall, args } }),
        {
          // The message is the framework's own object: the gate sees its text.
          read: (message) => (message as { content: unknown }).content,
          write: (message, content: unknown) => Object.assign(message, { content }),
        },
      ),
  });
  const limit = lang.toolCallLimitMiddleware({ runLimit: 1000 });
  const pii = lang.piiMiddleware("email", { strategy: "redact", applyToInput: true, applyToToolResults: true });
  const contestants: Record<string, Contestant<undefined, readonly [unknown, number]>> = {};
  for (
    const [name, middleware] of Object.entries({
      "no middleware": [],
      "session.tool in wrapToolCall": [governed],
      "toolCallLimitMiddleware": [limit],
      "piiMiddleware": [pii],
      "limit and PII": [limit, pii],
    })
  ) {
    const agent = lang.createAgent({ model: new Model({}), tools: [search], middleware });
    contestants[name] = {
      run: () => agent.invoke({ messages: [{ role: "user", content: "when is high tide?" }] }, { recursionLimit: 100 }),
      read: (result) => {
        const { calls } = counted;
        counted.calls = 0;
        return [(result as { messages: Message[] }).messages.at(-1)?.content, calls];
      },
    };
  }
  await ask<undefined, readonly [unknown, number]>({
    title: "a LangChain agent's loop of five tool calls, by its middleware",
    isAwaited: true,
    cases: [[undefined, ["done", CALLS]]],
    against: "no middleware",
    contestants,
    pace: { timeMs: 100, rounds: 21 },
  });
}
