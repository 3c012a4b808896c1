import { Client, type ClientOptions, InMemoryTransport } from "@modelcontextprotocol/client";
import { completable, McpServer, ResourceTemplate } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { describe } from "vitest";
import { z } from "zod";
import { type AnyClient, type AnyServer, type Major, mcpCases } from "../plugins/mcp-cases.ts";

const second = {
  server: () => new McpServer({ name: "test", version: "1.0.0" }) as unknown as AnyServer,
  template: (pattern: string) => new ResourceTemplate(pattern, { list: undefined }),
  who: (complete: (value: string) => string[]) => z.object({ who: completable(z.string(), complete) }),
  direct: (client: AnyClient, method: string, params: Record<string, unknown>) => client.request({ method, params }, z.looseObject({})),
  options: (options: object) => [options],
  signalOf: ({ mcpReq }: { mcpReq: { signal: AbortSignal } }) => mcpReq.signal,
};

async function connected(options: ClientOptions, serve: (transport: InMemoryTransport) => unknown): Promise<AnyClient> {
  const [mine, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1.0.0" }, options);
  await serve(theirs);
  await client.connect(mine);
  return client as unknown as AnyClient;
}

const eras: readonly Major[] = [
  { ...second, name: "2025-11-25", denial: {}, connect: (server) => connected({}, (transport) => (server as unknown as McpServer).connect(transport)) },
  {
    ...second,
    name: "2026-07-28",
    denial: { resultType: "complete" },
    connect: (server) => connected({ versionNegotiation: { mode: { pin: "2026-07-28" } } }, (transport) => void serveStdio(() => server as unknown as McpServer, { transport })),
  },
];

describe.each(eras)("SDK 2.x in the era of $name", (era) => mcpCases(era));
