import { Client, type ClientOptions, InMemoryTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import * as schemas from "@modelcontextprotocol/core";
import { completable, createMcpHandler, inputRequired, McpServer, ResourceTemplate, Server } from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createKernel, type Session } from "../../mod.ts";
import { governMcpServer, mcpClient } from "../../plugins/mcp.ts";
import { testPlugin } from "../../src/testing/mod.ts";
import { mcpAttacks } from "../plugins/mcp-attacks.ts";
import { mcpFields } from "../plugins/mcp-fields.ts";
import { mcpClientFixture, mcpServerFixture } from "../plugins/mcp-kit.ts";
import { OUTCOMES } from "../plugins/mcp-host.ts";
import { runHost } from "../plugins/run-host.ts";
import { type AnyClient, type AnyServer, type Major, mcpCases } from "../plugins/mcp-cases.ts";

const second = {
  server: () => new McpServer({ name: "test", version: "1.0.0" }) as unknown as AnyServer,
  client: () => new Client({ name: "test", version: "1.0.0" }) as unknown as AnyClient,
  template: (pattern: string) => new ResourceTemplate(pattern, { list: undefined }),
  who: (complete: (value: string) => string[]) => z.object({ who: completable(z.string(), complete) }),
  shape: (fields: z.ZodRawShape) => z.object(fields),
  direct: (client: AnyClient, method: string, params: Record<string, unknown>) => client.request({ method, params }, z.looseObject({})),
  options: (options: object) => [options],
  register: (target: any, method: string, handler: (params: any, context: any) => any) => {
    let base = Object.getPrototypeOf(target);
    while (!Object.hasOwn(base, "setRequestHandler")) base = Object.getPrototypeOf(base);
    base.setRequestHandler.call(target, method, { params: z.looseObject({}) }, handler);
  },
  ask: (context: any, method: string, params: object) => context.mcpReq.send({ method, params }, z.looseObject({})),
  notify: (context: any, method: string, params: object) => context.mcpReq.notify({ method, params }),
  signalOf: ({ mcpReq }: { mcpReq: { signal: AbortSignal } }) => mcpReq.signal,
};

async function connected(
  options: ClientOptions,
  serve: (transport: InMemoryTransport) => unknown,
  prepare?: (client: AnyClient) => void,
): Promise<AnyClient> {
  const [mine, theirs] = InMemoryTransport.createLinkedPair();
  const client = new Client({ name: "test", version: "1.0.0" }, options);
  prepare?.(client as unknown as AnyClient);
  await serve(theirs);
  await client.connect(mine);
  return client as unknown as AnyClient;
}

const eras: readonly Major[] = [
  { ...second, name: "2025-11-25", hasTasks: false, hasDiscover: true, denial: {}, canAsk: true, connect: (server, options, prepare) => connected({ ...options }, (transport) => (server as unknown as McpServer).connect(transport), prepare) },
  {
    ...second,
    name: "2026-07-28",
    hasTasks: false,
    hasDiscover: true,
    denial: { resultType: "complete" },
    canAsk: false,
    connect: (server, options, prepare) =>
      connected({ ...options, versionNegotiation: { mode: { pin: "2026-07-28" } } }, (transport) => void serveStdio(() => server as unknown as McpServer, { transport }), prepare),
  },
];

describe.each(eras)("SDK 2.x in the era of $name", (era) => mcpCases(era));
describe.each(eras)("SDK 2.x in the era of $name keeps what the kit asks, when", (era) => {
  for (const fixture of [mcpClientFixture(era), mcpServerFixture(era)]) {
    for (const { title, run } of testPlugin(fixture)) test(title, run);
  }
});
describe.each(eras)("SDK 2.x in the era of $name, attacked", (era) => mcpAttacks(era));
describe.each(eras)("SDK 2.x in the era of $name, field by field", (era) => mcpFields(era, schemas));

const AGENT = { agentId: "tester" };
const MODERN: ClientOptions = { versionNegotiation: { mode: { pin: "2026-07-28" } } };
const text = (value: string): { content: { type: "text"; text: string }[] } => ({ content: [{ type: "text", text: value }] });
const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

async function modern(server: McpServer | Server, options: ClientOptions = {}): Promise<Client> {
  const client = (await connected({ ...MODERN, ...options }, (transport) => void serveStdio(() => server, { transport }))) as unknown as Client;
  open.push(client);
  return client;
}

describe("SDK 2.x alone", () => {
  test("no denial ends a host, breaks its connection or leaves a rejection to nobody", async () => {
    expect(JSON.parse(await runHost(fileURLToPath(new URL("mcp-host-2.ts", import.meta.url))))).toEqual(OUTCOMES);
  }, 60_000);

  test.each([["serveStdio", undefined], ["serveStdio, killed", "kill"]])("governMcpServer() lets no resource be subscribed to through %s, and lists be", async (_how, stop) => {
    const kernel = createKernel();
    const server = governMcpServer(new McpServer({ name: "a", version: "1" }, { capabilities: { resources: { subscribe: true, listChanged: true } } }), kernel.session(AGENT));
    server.registerResource("r", "note:///r", {}, () => ({ contents: [] }));
    const client = await modern(server);
    if (stop !== undefined) kernel.kill("tester");
    const { honoredFilter } = await client.listen({ resourceSubscriptions: ["note:///r"], resourcesListChanged: true });
    expect(honoredFilter).toEqual({ resourcesListChanged: true });
  });

  test("governMcpServer() lets no resource be subscribed to through createMcpHandler", async () => {
    const session = createKernel().session(AGENT);
    const handler = createMcpHandler(() => {
      const server = governMcpServer(new McpServer({ name: "a", version: "1" }, { capabilities: { resources: { subscribe: true, listChanged: true } } }), session);
      server.registerResource("r", "note:///r", {}, () => ({ contents: [] }));
      return server;
    });
    const client = new Client({ name: "a", version: "1" }, MODERN);
    const fetch = (url: string | URL, init?: RequestInit): Promise<Response> => handler.fetch(new Request(url, init));
    await client.connect(new StreamableHTTPClientTransport(new URL("http://127.0.0.1/mcp"), { fetch }));
    open.push(client);
    expect(client.getServerCapabilities()?.resources?.subscribe).toBeUndefined();
    const { honoredFilter, close } = await client.listen({ resourceSubscriptions: ["note:///r"], resourcesListChanged: true });
    expect(honoredFilter).toEqual({ resourcesListChanged: true });
    await close();
  });

  test("governMcpServer() leaves the subscriptions of an older client, which are judged as requests", async () => {
    const session = createKernel({ policy: { blockedPatterns: ["private"] } }).session(AGENT);
    const server = governMcpServer(new McpServer({ name: "a", version: "1" }, { capabilities: { resources: { subscribe: true } } }), session);
    const asked: string[] = [];
    server.server.setRequestHandler("resources/subscribe", ({ params }) => (asked.push(params.uri), {}));
    const client = (await connected({}, (transport) => server.connect(transport))) as unknown as Client;
    open.push(client);
    expect(client.getServerCapabilities()?.resources?.subscribe).toBe(true);
    await client.subscribeResource({ uri: "note:///public" });
    await expect(client.subscribeResource({ uri: "note:///private" })).rejects.toMatchObject({ code: -32050 });
    expect(asked).toEqual(["note:///public"]);
  });

  test("governMcpServer() judges a person's answers, which the SDK takes out of the params", async () => {
    const server = governMcpServer(new McpServer({ name: "a", version: "1" }), createKernel({ policy: { blockedPatterns: ["hunter2"] } }).session(AGENT));
    const ask = inputRequired.elicit({ message: "Which?", requestedSchema: { type: "object", properties: { note: { type: "string" } } } });
    const heard: unknown[] = [];
    server.registerTool("t", {}, (ctx) => {
      if (ctx.mcpReq.inputResponses === undefined) return inputRequired({ inputRequests: { ask } });
      heard.push(ctx.mcpReq.inputResponses);
      return text("done");
    });
    for (const note of ["hunter2", "fine"]) {
      const client = await modern(server, { capabilities: { elicitation: {} } });
      client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: { note } }));
      const answer = await client.callTool({ name: "t" });
      if (note === "fine") expect(answer).toMatchObject(text("done"));
      else expect(answer).toMatchObject({ isError: true });
      await client.close();
    }
    expect(JSON.stringify(heard)).not.toContain("hunter2");
    expect(heard).toHaveLength(1);
  });

  test("mcpClient judges what a server asks in between, and what the person says", async () => {
    const run = async (message: string, note: string): Promise<[unknown, unknown[], unknown[]]> => {
      const server = new McpServer({ name: "a", version: "1" });
      const ask = inputRequired.elicit({ message, requestedSchema: { type: "object", properties: { note: { type: "string" } } } });
      const [asked, heard]: [unknown[], unknown[]] = [[], []];
      server.registerTool("t", {}, (ctx) => {
        if (ctx.mcpReq.inputResponses === undefined) return inputRequired({ inputRequests: { ask } });
        heard.push(ctx.mcpReq.inputResponses);
        return text("done");
      });
      const client = await modern(server, { capabilities: { elicitation: {} } });
      client.setRequestHandler("elicitation/create", ({ params }) => (asked.push(params.message), { action: "accept", content: { note } }));
      const governed = createKernel({ policy: { blockedPatterns: ["hunter2"] } }).wrap(client, mcpClient, AGENT);
      return [await governed.callTool({ name: "t" }).catch(() => "refused"), asked, heard];
    };
    const [done, asked, heard] = await run("Which?", "fine");
    expect(done).toMatchObject(text("done"));
    expect([asked.length, heard.length]).toEqual([1, 1]);
    expect((await run("hunter2?", "fine"))[1]).toEqual([]);
    expect((await run("Which?", "hunter2"))[2]).toEqual([]);
  });

  test("mcpClient and governMcpServer() give the user's own types back", () => {
    const kernel = createKernel();
    const [client, server, low] = [new Client({ name: "a", version: "1" }), new McpServer({ name: "a", version: "1" }), new Server({ name: "a", version: "1" })];
    expectTypeOf(kernel.wrap(client, mcpClient, AGENT)).toEqualTypeOf<Client>();
    expectTypeOf(governMcpServer(server, kernel.session(AGENT))).toEqualTypeOf<McpServer>();
    expectTypeOf(governMcpServer(low, () => kernel.session(AGENT))).toEqualTypeOf<Server>();
    expect(kernel.wrap(client, mcpClient, AGENT)).not.toBe(client);
  });

  test("governMcpServer() finds the session by the authorization, when a factory makes a server for each request", async () => {
    const kernel = createKernel({ policy: { maxToolCalls: 1 } });
    const sessions: Record<string, Session> = { ada: kernel.session({ agentId: "ada" }), bob: kernel.session({ agentId: "bob" }) };
    const handler = createMcpHandler(() => {
      const server = governMcpServer(new McpServer({ name: "a", version: "1" }), ({ authInfo }) => {
        const found = sessions[(authInfo as { clientId: string }).clientId];
        if (found === undefined) throw new Error("nobody");
        return found;
      });
      server.registerTool("t", {}, () => text("ok"));
      return server;
    });
    const as = async (clientId: string): Promise<Client> => {
      const client = new Client({ name: "a", version: "1" }, MODERN);
      const fetch = (url: string | URL, init?: RequestInit): Promise<Response> => handler.fetch(new Request(url, init), { authInfo: { token: "t", clientId, scopes: [] } });
      await client.connect(new StreamableHTTPClientTransport(new URL("http://127.0.0.1/mcp"), { fetch }));
      open.push(client);
      return client;
    };
    const [ada, bob, eve] = [await as("ada"), await as("bob"), await as("eve")];
    expect(await ada.callTool({ name: "t" })).toMatchObject(text("ok"));
    expect(await ada.callTool({ name: "t" })).toMatchObject({ isError: true });
    expect(await bob.callTool({ name: "t" })).toMatchObject(text("ok"));
    expect(await eve.callTool({ name: "t" })).toMatchObject({ isError: true, content: [{ text: "The request could not be judged" }] });
  });

  test("mcpClient judges a call once, when the server asks the person in between", async () => {
    const server = new McpServer({ name: "a", version: "1" });
    const ask = inputRequired.elicit({ message: "Sure?", requestedSchema: { type: "object", properties: { ok: { type: "boolean" } } } });
    server.registerTool("t", {}, (ctx) => (ctx.mcpReq.inputResponses === undefined ? inputRequired({ inputRequests: { ask } }) : text("done")));
    const client = await modern(server, { capabilities: { elicitation: {} } });
    client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: { ok: true } }));
    const kernel = createKernel({ policy: { maxToolCalls: 1 } });
    const governed = kernel.wrap(client, mcpClient, AGENT);
    expect(await governed.callTool({ name: "t" })).toMatchObject(text("done"));
    expect(kernel.sessionOf(governed)?.context.toolCallCount).toBe(1);
  });

  test("governMcpServer() lets a server ask the person in between, and judges each round", async () => {
    const session = createKernel().session(AGENT);
    const server = governMcpServer(new McpServer({ name: "a", version: "1" }), session);
    const ask = inputRequired.elicit({ message: "Sure?", requestedSchema: { type: "object", properties: { ok: { type: "boolean" } } } });
    server.registerTool("t", {}, (ctx) => (ctx.mcpReq.inputResponses === undefined ? inputRequired({ inputRequests: { ask } }) : text("done")));
    const client = await modern(server, { capabilities: { elicitation: {} } });
    client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: { ok: true } }));
    expect(await client.callTool({ name: "t" })).toMatchObject(text("done"));
    expect(session.context.toolCallCount).toBe(2);
  });

  test.each([[["t"], "private"], [["t", "u"], "public"]] as const)("governMcpServer() lets a list of %o be cached as %s, when the server says public", async (allowedTools, scope) => {
    const server = new McpServer({ name: "a", version: "1" }, { cacheHints: { "tools/list": { ttlMs: 60_000, cacheScope: "public" } } });
    governMcpServer(server, createKernel({ policy: { allowedTools } }).session(AGENT));
    for (const name of ["t", "u"]) server.registerTool(name, {}, () => text("ok"));
    const listed = await (await modern(server)).listTools();
    expect(listed.tools.map(({ name }) => name)).toEqual(allowedTools);
    expect(listed).toMatchObject({ cacheScope: scope });
  });

  test("governMcpServer() judges methods with schemas of their own", async () => {
    const server = governMcpServer(new Server({ name: "a", version: "1" }), createKernel({ policy: { blockedPatterns: ["/etc"] } }).session(AGENT));
    const ran: unknown[] = [];
    server.setRequestHandler("files/read", { params: z.looseObject({ path: z.string() }) }, (params) => (ran.push(params["path"]), { text: "x" }));
    const client = await modern(server);
    const read = (path: string): Promise<unknown> => client.request({ method: "files/read", params: { path } }, z.looseObject({}));
    expect(await read("/a")).toMatchObject({ text: "x" });
    await expect(read("/etc/passwd")).rejects.toMatchObject({ code: -32050, data: { code: "blocked_pattern" } });
    expect(ran).toEqual(["/a"]);
  });

  test.each([[[]], [[{ timeout: 1000 }]], [[z.looseObject({}), { timeout: 1000 }]]])("mcpClient puts the act's signal where request() has its options, when it gets %o", async (rest) => {
    const server = new McpServer({ name: "a", version: "1" });
    server.registerTool("t", {}, () => text("ok"));
    const client = await modern(server);
    const sent: unknown[][] = [];
    const send = client.request.bind(client) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(client, { request: (...args: unknown[]) => (sent.push(args), send(...args)) });
    const governed = createKernel().wrap(client, mcpClient, AGENT);
    await (governed.request as (...args: unknown[]) => Promise<unknown>)({ method: "tools/call", params: { name: "t" } }, ...rest);
    const at = Math.max(0, rest.length - 1);
    expect(sent[0]?.slice(1)).toEqual([...rest.slice(0, at), { ...(rest[at] as object | undefined), signal: expect.any(AbortSignal) }]);
  });

  test("mcpClient does not change what the client has cached, when it filters a list", async () => {
    const server = new McpServer({ name: "a", version: "1" }, { cacheHints: { "tools/list": { ttlMs: 60_000 } } });
    for (const name of ["t", "u"]) server.registerTool(name, {}, () => text("ok"));
    const client = await modern(server);
    const governed = createKernel({ policy: { allowedTools: ["t"] } }).wrap(client, mcpClient, AGENT);
    expect((await governed.listTools()).tools.map(({ name }) => name)).toEqual(["t"]);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(["t", "u"]);
    expect((await governed.request({ method: "tools/list" })).tools.map(({ name }) => name)).toEqual(["t"]);
    expect(await governed.request({ method: "tools/call", params: { name: "u" } })).toMatchObject({ isError: true });
  });
});
