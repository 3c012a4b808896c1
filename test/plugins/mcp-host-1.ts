import { randomUUID } from "node:crypto";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import * as z from "zod";
import { host, type HostMajor } from "./mcp-host.ts";

const client = (): Client => new Client({ name: "a", version: "1" }, { capabilities: { elicitation: {} } });
const inMemory: HostMajor = {
  server: () => new McpServer({ name: "a", version: "1" }, { capabilities: { logging: {} } }),
  connect: async (server) => {
    const [mine, theirs] = InMemoryTransport.createLinkedPair();
    const one = client();
    await server.connect(theirs);
    await one.connect(mine);
    return one;
  },
  notify: (context, method, params) => context.sendNotification({ method, params }),
  ask: (context, method, params) => context.sendRequest({ method, params }, z.looseObject({})),
};

let listening: HttpServer | undefined;
const overHttp: HostMajor = {
  ...inMemory,
  connect: async (server) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: randomUUID });
    await server.connect(transport);
    const http = createServer((request, response) => void transport.handleRequest(request, response));
    listening = http;
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const { port } = http.address() as AddressInfo;
    const one = client();
    await one.connect(new StreamableHTTPClientTransport(new URL(`http://127.0.0.1:${port}/mcp`)) as never);
    return one;
  },
  done: async () => {
    listening?.closeAllConnections();
    await new Promise((resolve) => listening?.close(resolve));
  },
};

await host(inMemory);
await host(overHttp);
