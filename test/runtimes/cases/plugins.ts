/** Plugins, on clients of the shape that they govern. */
import { createKernel, definePlugin, type Session } from "../../../mod.ts";
import { aiSdk } from "../../../plugins/ai-sdk.ts";
import { governMcpServer, mcpClient } from "../../../plugins/mcp.ts";
import { agent, type Case, codeOf, same } from "./kit.ts";

class Agent {
  #secret = "there";
  async run(prompt: string): Promise<string> {
    return await Promise.resolve(`${prompt} ${this.#secret}`);
  }
}

const mine = definePlugin({
  name: "mine",
  wrap: (target: Agent, session: Session) => ({
    run: (prompt: string): Promise<string> => session.run(prompt, (input: string) => target.run(input)),
  }),
});

/** The cases, in order. */
export const pluginCases: readonly Case[] = [
  {
    name: "an adapter for an unknown framework governs it, private fields and all",
    async run(): Promise<void> {
      const kernel = createKernel({ policy: { blockedPatterns: ["secret word"] } });
      const target = new Agent();
      const governed = kernel.wrap(target, mine, agent);
      same([await governed.run("hi"), await codeOf(governed.run("the secret word"))], ["hi there", "blocked_pattern"]);
      same([kernel.unwrap(governed) === target, kernel.sessionOf(governed)?.context.agentId], [true, "portable"]);
    },
  },
  {
    name: "an MCP client lists and calls only the tools that are allowed",
    async run(): Promise<void> {
      const called: string[] = [];
      const client = {
        callTool: async ({ name }: { name: string }) => (called.push(name), { content: [] as unknown[] }),
        request: async (): Promise<object> => ({}),
        listTools: async () => ({ tools: [{ name: "search" }, { name: "rm" }] }),
      };
      const governed = createKernel({ policy: { allowedTools: ["search"] } }).wrap(client, mcpClient, agent);
      same(await governed.listTools(), { tools: [{ name: "search" }] });
      await governed.callTool({ name: "search" });
      same([((await governed.callTool({ name: "rm" })) as { isError?: boolean }).isError, called], [true, ["search"]]);
    },
  },
  {
    name: "an MCP server answers a denied call with an error, and does not run it",
    async run(): Promise<void> {
      let ran = 0;
      let handle: (request: object, extra: object) => Promise<unknown> = async () => ({});
      const server = {
        assertCanSetRequestHandler: (_name: string): void => {},
        setRequestHandler: (_name: string, handler: typeof handle): void => void (handle = handler),
      };
      const governed = governMcpServer(server, createKernel({ policy: { allowedTools: ["search"] } }).session(agent));
      governed.setRequestHandler("tools/call", async () => (ran++, { content: [] }));
      const answer = async (name: string): Promise<unknown> =>
        ((await handle({ params: { name } }, {})) as { isError?: boolean }).isError ?? false;
      same([await answer("search"), await answer("rm"), ran], [false, true, 1]);
    },
  },
  {
    name: "a streaming model of the AI SDK is judged before its text goes on",
    async run(): Promise<void> {
      const { middleware } = aiSdk(createKernel({ policy: { blockedPatterns: ["secret word"] } }).session(agent));
      const streamed = async (texts: readonly string[]): Promise<string> => {
        const parts = [
          { type: "text-start", id: "1" },
          ...texts.map((delta) => ({ type: "text-delta", id: "1", delta })),
          { type: "text-end", id: "1" },
          { type: "finish", finishReason: "stop", usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } },
        ];
        const doStream = async () => ({
          stream: new ReadableStream<object>({
            start: (out) => (parts.forEach((part) => out.enqueue(part)), out.close()),
          }),
        });
        const { stream } = await middleware.wrapStream({
          params: { prompt: [{ role: "user", content: [{ type: "text", text: "hi" }] }] },
          model: { modelId: "m", doStream },
        });
        let text = "";
        for await (const part of stream) text += (part as { delta?: string }).delta ?? "";
        return text;
      };
      same(await streamed(["high ", "noon"]), "high noon");
      const refused = await streamed(["the secret ", "word"]).catch(() => "");
      same(refused.includes("secret"), false, refused);
    },
  },
];
