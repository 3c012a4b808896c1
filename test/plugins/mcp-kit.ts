/** MCP with its plugin, as the kit takes it: clients and servers of each major of the real package. */
import * as z from "zod";
import { type ApprovalGrant, createKernel, isPolicyViolation } from "../../mod.ts";
import { createMcpClient, governMcpServer, mcpClient, mcpServerCoverage } from "../../plugins/mcp.ts";
import type { Ending, PluginEntry, PluginFixture, Scene } from "../../src/testing/mod.ts";
import type { AnyClient, AnyServer, Major } from "./mcp-cases.ts";

type Result = { isError?: boolean; content: { text: string }[]; _meta?: Record<string, unknown> };
interface Call {
  readonly name: string;
  readonly arguments: Record<string, unknown>;
}
type Caller = (client: AnyClient, call: Call & { readonly _meta?: object }, signal: AbortSignal) => Promise<Result>;

const QUESTION = "sallyport/approval";
const GRANT = "sallyport/grant";

/** A server with the scene's tools, as its host builds it. */
function serverOf(major: Major, scene: Scene): AnyServer {
  const server = major.server();
  for (const { name, description, execute } of scene.tools) {
    const inputSchema = major.shape({ q: z.string() });
    server.registerTool(name, { description, inputSchema }, async (args: unknown, context: unknown) => ({
      content: [{ type: "text", text: await execute(args, major.signalOf(context)) }],
    }));
  }
  return server;
}

const callerOf = (major: Major): Caller => (client, call, signal) =>
  client.callTool(call, ...major.options({ signal }));

interface Side {
  readonly side: "client" | "server";
  /** A denied call rejects, and the host tells its model. */
  readonly onDeny?: "throw" | "result";
  /** The server looks for the session of each request. */
  readonly isLookedUp?: true;
}

/** One side of MCP under the plugin, with the loop of a host that calls tools as its model says. */
function entryOf(major: Major, { side, onDeny = "result", isLookedUp }: Side, caller: Caller): PluginEntry {
  const open = async (scene: Scene, grant?: ApprovalGrant): Promise<{ raw: AnyClient; client: AnyClient }> => {
    const { session, kernel } = scene;
    const server = serverOf(major, scene);
    if (side === "server" && session !== undefined) {
      governMcpServer(
        server as never,
        isLookedUp ? () => session : session,
      );
    }
    const raw = await major.connect(server);
    if (side === "server" || kernel === undefined || session === undefined) return { raw, client: raw };
    return { raw, client: kernel.wrap(raw as never, createMcpClient({ onDeny, grantOf: () => grant }), session) };
  };
  const told = async (go: () => Promise<Result>): Promise<Result> => {
    try {
      return await go();
    } catch (error) {
      if (!isPolicyViolation(error)) throw error;
      return { isError: true, content: [{ text: error.reason }], _meta: { [QUESTION]: error.approval } };
    }
  };
  const again = async (scene: Scene, call: Call, grant?: ApprovalGrant): Promise<Ending> => {
    const { raw, client } = await open(scene, grant);
    try {
      const meta = side === "server" && grant !== undefined ? { _meta: { [GRANT]: grant } } : {};
      return { value: (await told(() => caller(client, { ...call, ...meta }, scene.signal))).content };
    } finally {
      await raw.close();
    }
  };
  const drive = async (scene: Scene): Promise<Ending> => {
    const { raw, client } = await open(scene);
    const messages: object[] = [{ role: "user", content: scene.prompt }];
    let refused: Call | undefined;
    try {
      for (;;) {
        const { text = "", calls = [] } = await scene.model({ messages: [...messages] });
        messages.push({ role: "assistant", content: text, calls });
        if (calls.length === 0) break;
        const results = await Promise.all(calls.map(async ({ name, arguments: args }) => {
          const call = { name, arguments: args as Record<string, unknown> };
          const { content, isError = false, _meta } = await told(() => caller(client, call, scene.signal));
          if (_meta?.[QUESTION] !== undefined) refused ??= call;
          return { role: "tool", content, isError };
        }));
        scene.signal.throwIfAborted();
        messages.push(...results);
      }
    } finally {
      await raw.close();
    }
    const call = refused;
    if (call === undefined) return { value: messages };
    return {
      value: messages,
      paused: {
        resume: (given, where = scene) => again(where, call, typeof given === "boolean" ? undefined : given),
      },
    };
  };
  return { gates: ["tool"], refusedTool: "model", drive };
}

/** Both ways in which a client calls a tool. */
export function mcpClientFixture(major: Major): PluginFixture {
  const build = (): any => major.client();
  const callTool = callerOf(major);
  return {
    name: `MCP client ${major.name}`,
    coverage: () => mcpClient.coverage?.(build()) ?? { governed: [], passedThrough: [], ungoverned: [] },
    entries: {
      callTool: entryOf(major, { side: "client" }, callTool),
      "callTool, which throws": entryOf(major, { side: "client", onDeny: "throw" }, callTool),
      request: entryOf(
        major,
        { side: "client" },
        (client, call, signal) =>
          client.request({ method: "tools/call", params: { ...call } }, z.looseObject({}), { signal }),
      ),
    },
    object: ({ session, kernel }) => {
      const original = build();
      const governed = session === undefined || kernel === undefined
        ? original
        : kernel.wrap(original, mcpClient, session);
      return { governed, original };
    },
  };
}

/** A server behind the gates, whoever calls it. */
export function mcpServerFixture(major: Major): PluginFixture {
  return {
    name: `MCP server ${major.name}`,
    coverage: () => {
      const server = major.server();
      server.registerTool("lookup", {}, () => ({ content: [] }));
      const session = createKernel().session({ agentId: "kit" });
      return mcpServerCoverage(governMcpServer(server as never, session));
    },
    entries: {
      "tools/call": entryOf(major, { side: "server" }, callerOf(major)),
      "tools/call, by request": entryOf(major, { side: "server", isLookedUp: true }, callerOf(major)),
    },
  };
}
