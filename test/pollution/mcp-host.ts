/** MCP with the real SDK 1.x in memory, alone and governed on either side, while a name is polluted. */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import * as z from "zod";
import { createKernel, redactPatterns } from "../../mod.ts";
import { createMcpClient, governMcpServer, mcpServerCoverage } from "../../plugins/mcp.ts";
import { attempt } from "./trial.ts";

const text = (said: string): any => ({ content: [{ type: "text", text: said }] });

await attempt(
  {
    forbidden: /hunter2|ran wipe|ran fine drop/,
    run: async (governed, note, begin) => {
      const uses: (() => Promise<void>)[] = [];
      for (const side of ["client", "server"]) {
        const ran: string[] = [];
        const kernel = createKernel({
          policy: { deniedTools: ["wipe"], blockedPatterns: ["drop table"] },
          guards: [redactPatterns(["hunter2"])],
        });
        const session = kernel.session({ agentId: "a" });
        const server = new McpServer({ name: "s", version: "1" }, {
          instructions: "Be kind, not hunter2",
          capabilities: { logging: {} },
        });
        server.registerTool("fine", { inputSchema: { a: z.string() } }, ({ a }) => {
          ran.push(`ran fine ${a}`);
          return text(a);
        });
        server.registerTool("wipe", { description: "Wipes" }, () => (ran.push("ran wipe"), text("wiped")));
        server.registerTool("leaks", {}, () => text("it is hunter2"));
        server.registerTool("throws", {}, () => Promise.reject(new RangeError("it threw")));
        server.registerTool("asks", {}, async (context: any) => {
          context.sendNotification({ method: "notifications/message", params: { level: "info", data: "hunter2" } });
          const { messages } = await context.sendRequest(
            {
              method: "elicitation/create",
              params: { message: "who", requestedSchema: { type: "object", properties: {} } },
            },
            z.looseObject({}),
          ) as any;
          return text(String(messages ?? "asked"));
        });
        server.registerResource(
          "doc",
          "doc://one",
          {},
          () => ({ contents: [{ uri: "doc://one", text: "a hunter2" }] }),
        );
        server.registerPrompt("hello", {}, () => ({
          messages: [{ role: "user", content: { type: "text", text: "hello hunter2" } }],
        }));
        const [mine, theirs] = InMemoryTransport.createLinkedPair();
        const client = new Client({ name: "c", version: "1" }, { capabilities: { elicitation: {} } });
        client.setNotificationHandler(
          z.looseObject({ method: z.literal("notifications/message") }) as any,
          (told: any) => {
            note("told", told.params.data);
          },
        );
        client.setRequestHandler(z.looseObject({ method: z.literal("elicitation/create") }) as any, (asked: any) => {
          note("asked", asked.params.message);
          return { action: "accept", content: {} } as any;
        });
        if (governed && side === "server") governMcpServer(server, session);
        const used: any = governed && side === "client"
          ? kernel.wrap(client, createMcpClient(), { agentId: "a" })
          : client;
        await server.connect(theirs);
        await client.connect(mine);
        uses.push(async () => {
          const tried = async (title: string, run: () => any): Promise<void> => {
            try {
              note(title, await run());
            } catch (error) {
              note(`${title} failed`, error);
            }
          };
          await tried("greeting", () => used.getInstructions());
          await tried(
            "tools",
            async () => (await used.listTools()).tools.map(({ name, description }: any) => [name, description]),
          );
          for (
            const [name, args] of [["fine", { a: "x" }], ["fine", { a: "drop table" }], ["wipe", {}], ["leaks", {}], [
              "throws",
              {},
            ], ["none", {}]] as any
          ) {
            await tried(name, () => used.callTool({ name, arguments: args }));
          }
          await tried("asks", () => used.callTool({ name: "asks" }));
          await tried("resources", () => used.listResources());
          await tried("read", () => used.readResource({ uri: "doc://one" }));
          await tried("prompt", () => used.getPrompt({ name: "hello" }));
          await tried("ping", () => used.ping());
          if (governed) {
            await tried("coverage", () => side === "server" ? mcpServerCoverage(server) : kernel.coverage(used));
            await tried("options", () => createMcpClient({ stritc: true } as any));
            await tried(
              "throwing",
              async () =>
                await kernel.wrap(client, createMcpClient({ onDeny: "throw" }), { agentId: "b" }).callTool({
                  name: "wipe",
                }),
            );
          }
          note("ran", ran);
          await used.close();
        });
      }
      begin();
      for (const use of uses) await use();
    },
  },
);
