import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import * as z from "zod";
import { host } from "./mcp-host.ts";

await host({
  server: () => new McpServer({ name: "a", version: "1" }, { capabilities: { logging: {} } }),
  connect: async (server) => {
    const [mine, theirs] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: "a", version: "1" }, { capabilities: { elicitation: {} } });
    await server.connect(theirs);
    await client.connect(mine);
    return client;
  },
  notify: (context, method, params) => context.sendNotification({ method, params }),
  ask: (context, method, params) => context.sendRequest({ method, params }, z.looseObject({})),
});
