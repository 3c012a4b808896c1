import { Client, InMemoryTransport } from "@modelcontextprotocol/client";
import { McpServer } from "@modelcontextprotocol/server";
import { z } from "zod";
import { host } from "../plugins/mcp-host.ts";

await host({
  server: () => new McpServer({ name: "a", version: "1" }, { capabilities: { logging: {} } }),
  connect: async (server) => {
    const [mine, theirs] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: "a", version: "1" }, { capabilities: { elicitation: {} } });
    await server.connect(theirs);
    await client.connect(mine);
    return client;
  },
  notify: (context, method, params) => context.mcpReq.notify({ method, params }),
  ask: (context, method, params) => context.mcpReq.send({ method, params }, z.looseObject({})),
});
