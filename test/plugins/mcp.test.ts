import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { completable } from "@modelcontextprotocol/sdk/server/completable.js";
import { McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import { describe } from "vitest";
import { z } from "zod";
import { type AnyClient, type AnyServer, type Major, mcpCases } from "./mcp-cases.ts";

const first: Major = {
  name: "1.x",
  server: () => new McpServer({ name: "test", version: "1.0.0" }) as unknown as AnyServer,
  template: (pattern) => new ResourceTemplate(pattern, { list: undefined }),
  who: (complete) => ({ who: completable(z.string(), complete) }),
  connect: async (server) => {
    const [mine, theirs] = InMemoryTransport.createLinkedPair();
    const client = new Client({ name: "test", version: "1.0.0" });
    await (server as unknown as McpServer).connect(theirs);
    await client.connect(mine);
    return client as unknown as AnyClient;
  },
  direct: (client, method, params) => client.request({ method, params }, z.looseObject({})),
  options: (options) => [undefined, options],
  signalOf: ({ signal }) => signal,
  denial: {},
};

describe("SDK 1.x", () => mcpCases(first));
