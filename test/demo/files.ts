import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

const require = createRequire(import.meta.url);

/** Starts the MCP server for files, which may touch one folder, and connects a client to it. */
export async function connectFiles(folder: string): Promise<Client> {
  const manifest = require.resolve("@modelcontextprotocol/server-filesystem/package.json");
  const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: Record<string, string> };
  const client = new Client({ name: "sallyport-demo", version: "1.0.0" });
  const server = join(dirname(manifest), bin["mcp-server-filesystem"] as string);
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [server, folder], stderr: "ignore" }),
  );
  return client;
}
