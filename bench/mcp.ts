/**
 * What does the MCP plugin add to a tool call through the SDK, with a list of tools and five patterns: at the client, at
 * the server, and at both?
 *
 * The real SDK 1.x over its transport in memory: nothing travels, so that what is added weighs most. At a client and at a
 * server, each call and each answer is judged; at both, twice.
 */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import * as z from "zod";
import { createKernel, type Session } from "../mod.ts";
import { governMcpServer, mcpClient } from "../plugins/mcp.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { type Call, casesOf, PATTERNS, SMALL, TOOLS, UNLIMITED, type Verdict } from "./harness/scenario.ts";

const kernel = createKernel({ policy: { ...UNLIMITED, allowedTools: TOOLS, blockedPatterns: PATTERNS } });
const session = (): Session => kernel.session({ agentId: "bench" });

/** A client that is connected to a server of its own, and what a call of it comes to. */
async function connected(isClientGoverned: boolean, isServerGoverned: boolean): Promise<Contestant<Call, Verdict>> {
  const server = new McpServer({ name: "bench", version: "1.0.0" });
  for (const name of TOOLS) {
    server.registerTool(
      name,
      { inputSchema: z.looseObject({}) },
      () => ({ content: [{ type: "text", text: "the totals of three regions" }] }),
    );
  }
  if (isServerGoverned) governMcpServer(server, session());
  const client = new Client({ name: "bench", version: "1.0.0" });
  const [mine, theirs] = InMemoryTransport.createLinkedPair();
  await server.connect(theirs);
  await client.connect(mine);
  const used = isClientGoverned ? kernel.wrap(client, mcpClient, { agentId: "bench" }) : client;
  return {
    run: ({ name, payload }) => used.callTool({ name, arguments: payload as Record<string, unknown> }),
    read: (answer) => ((answer as { isError?: boolean }).isError === true ? "deny" : "allow"),
  };
}

const alone = await connected(false, false);
const governed: Record<string, Contestant<Call, Verdict>> = {
  "a governed client": await connected(true, false),
  "a governed server": await connected(false, true),
  "both governed": await connected(true, true),
};
// Those that govern are held to every case; the SDK alone denies nothing.
for (const [name, { run, read }] of Object.entries(governed)) {
  for (const [call, wanted] of casesOf()) {
    const found = read?.(await run(call), call);
    if (found !== wanted) throw new Error(`${name} must ${wanted} ${JSON.stringify(call)}`);
  }
}

await ask<Call, Verdict>({
  title: "a tool call through the MCP SDK 1.x in memory, a list of tools and five patterns, 200 B",
  isAwaited: true,
  cases: [[{ name: "search", payload: SMALL }, "allow"]],
  against: "the SDK alone",
  contestants: { "the SDK alone": alone, ...governed },
  promises: [
    { of: "a governed client", against: "the SDK alone", most: 4 },
    { of: "a governed server", against: "the SDK alone", most: 4 },
    { of: "both governed", against: "the SDK alone", most: 7 },
  ],
});
