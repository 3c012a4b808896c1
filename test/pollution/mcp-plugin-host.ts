/**
 * The MCP plugin without the SDK, which bears no name that a loop finds: a client and a server that do what it does, alone
 * and governed, with guards that answer at once and guards that think, while a name is polluted.
 */
import { allow, createKernel, defineGuard, type Kernel, redactPatterns, type Session } from "../../mod.ts";
import { createMcpClient, governMcpServer, mcpLimitOf, mcpServerCoverage } from "../../plugins/mcp.ts";
import { attempt } from "./trial.ts";

const text = (said: string): any => ({ content: [{ type: "text", text: said }] });
const picture = `data:image/png;base64,iVBORw0KGgo${"gAQx/9Zk".repeat(80)}`;

/** What both sides answer, and what ran. */
function answersOf(ran: string[]): Map<string, (params: any) => any> {
  return new Map<string, (params: any) => any>([
    ["tools/list", () => ({
      tools: ["fine", "wipe", "leaks", "shows"].map((name) => ({ name, inputSchema: { type: "object" } })),
    })],
    [
      "resources/list",
      () => ({ resources: [{ uri: "doc://one", name: "a hunter2" }, { uri: "doc://two", name: "two" }] }),
    ],
    ["resources/read", () => ({ contents: [{ uri: "doc://one", text: "a hunter2" }] })],
    ["prompts/get", () => ({ messages: [{ role: "user", content: { type: "text", text: "hello hunter2" } }] })],
    ["files/act", () => (ran.push("ran act"), {})],
    ["ping", () => ({})],
    ["tools/call", ({ name, arguments: args }: any) => {
      ran.push(`ran ${name} ${args?.a ?? ""}`);
      if (name === "throws") throw new RangeError("it threw hunter2");
      return name === "leaks"
        ? text("it is hunter2")
        : name === "shows"
        ? { ...text("see"), structuredContent: { shot: picture } }
        : text(String(args?.a));
    }],
  ]);
}

/** A client, as far as the plugin knows one. */
function clientOf(answers: ReturnType<typeof answersOf>): any {
  const send = async (method: string, params?: any): Promise<any> => {
    const answer = answers.get(method);
    if (answer === undefined) throw new Error(`No ${method}`);
    return answer(params);
  };
  return {
    _requestHandlers: new Map([[
      "elicitation/create",
      async ({ params }: any) => ({ action: "accept", content: params }),
    ]]),
    _notificationHandlers: new Map(),
    _onnotification(raw: any) {
      this.heard.push(raw.params?.data);
    },
    heard: [] as unknown[],
    request: (one: any) => send(one.method, one.params),
    callTool: (params: any) => send("tools/call", params),
    listTools: (params: any) => send("tools/list", params),
    listResources: (params: any) => send("resources/list", params),
    readResource: (params: any) => send("resources/read", params),
    getPrompt: (params: any) => send("prompts/get", params),
    ping: () => send("ping"),
    getInstructions: () => "Be kind, not hunter2",
    close: async () => {},
  };
}

/** A server, as far as the plugin knows one, and a way to call it. */
function serverOf(answers: ReturnType<typeof answersOf>): { server: any; used: (sent: unknown[]) => any } {
  const handlers = new Map<string, any>();
  const sent: unknown[] = [];
  const server = {
    _requestHandlers: handlers,
    _onnotification: () => {},
    notification: async (one: any) => void sent.push(one.params?.data),
    request: async () => ({ action: "accept", content: {} }),
    assertCanSetRequestHandler: () => {},
    setRequestHandler: (method: string, handler: unknown) => void handlers.set(method, handler),
  };
  for (const [method, answer] of answers) handlers.set(method, async ({ params }: any) => answer(params));
  let id = 0;
  const send = async (method: string, params?: any): Promise<any> =>
    await handlers.get(method)({ method, params }, {
      __proto__: null,
      requestId: ++id,
      signal: new AbortController().signal,
    });
  return {
    server,
    used: () => ({
      _onnotification: (raw: any) => server.notification(raw),
      get heard() {
        return sent;
      },
      request: (one: any) => send(one.method, one.params),
      callTool: (params: any) => send("tools/call", params),
      listTools: (params: any) => send("tools/list", params),
      listResources: (params: any) => send("resources/list", params),
      readResource: (params: any) => send("resources/read", params),
      getPrompt: (params: any) => send("prompts/get", params),
      ping: () => send("ping"),
      getInstructions: () => "Be kind",
      close: async () => {},
    }),
  };
}

await attempt({
  forbidden: /hunter2|ran wipe|ran fine drop/,
  run: async (governed, note, begin) => {
    const uses: (() => Promise<void>)[] = [];
    for (const isAsync of [false, true]) {
      for (const side of ["client", "server"]) {
        const ran: string[] = [];
        const answers = answersOf(ran);
        const think = defineGuard({ name: "think", check: async () => (await Promise.resolve(), allow()) });
        const mask = redactPatterns(["hunter2"]);
        const kernel: Kernel = createKernel({
          policy: { deniedTools: ["wipe", "method:files/act"], blockedPatterns: ["drop table"] },
          guards: isAsync ? [think, mask] : [mask],
        });
        const raw = side === "client" ? clientOf(answers) : undefined;
        const served = side === "server" ? serverOf(answers) : undefined;
        let used: any = raw ?? served?.used([]);
        let session: Session | undefined;
        if (governed && raw !== undefined) {
          used = kernel.wrap(raw, createMcpClient(), { agentId: "a" });
          session = kernel.sessionOf(used);
        } else if (governed && served !== undefined) {
          session = kernel.session({ agentId: "a" });
          governMcpServer(served.server, session);
        }
        const tried = async (title: string, run: () => any): Promise<void> => {
          try {
            note(`${side} ${title}`, await run());
          } catch (error) {
            note(`${side} ${title} failed`, error);
          }
        };
        uses.push(async () => {
          await tried("greeting", () => used.getInstructions());
          await tried("tools", async () => (await used.listTools()).tools.map(({ name }: any) => name));
          await tried("resources", async () => (await used.listResources()).resources.map(({ name }: any) => name));
          for (
            const [name, a] of [["fine", "x"], ["fine", "drop table"], ["wipe", ""], ["leaks", ""], ["throws", ""], [
              "shows",
              "",
            ]]
          ) {
            await tried(name as string, async () => {
              const { structuredContent, ...answer } = await used.callTool({ name, arguments: { a } });
              return { ...answer, shown: structuredContent?.shot === picture };
            });
          }
          await tried(
            "beside",
            () => used.callTool({ name: "fine", arguments: { a: "y" }, _meta: { note: "drop table" } }),
          );
          await tried("read", () => used.readResource({ uri: "doc://one" }));
          await tried("prompt", () => used.getPrompt({ name: "hello" }));
          await tried("act", () => used.request({ method: "files/act", params: {} }));
          await tried("ping", () => used.ping());
          for (const data of ["one", "drop table", "a hunter2", "two"]) {
            await (raw ?? used)._onnotification({ method: "notifications/message", params: { level: "info", data } });
          }
          await new Promise((done) => setTimeout(done, 1));
          note(`${side} heard`, [...(raw ?? used).heard]);
          if (raw !== undefined) {
            await tried("asked", () =>
              raw._requestHandlers.get("elicitation/create")(
                { method: "elicitation/create", params: { message: "who is hunter2" } },
                {},
              ));
          }
          if (governed) {
            await tried(
              "coverage",
              () => served === undefined ? kernel.coverage(used) : mcpServerCoverage(served.server),
            );
            await tried("options", () => createMcpClient({ stritc: true } as any));
            await tried("limit", () => mcpLimitOf({ isError: true, _meta: {} }) ?? mcpLimitOf({ isError: true }));
            await tried("counts", () => session?.context.toolCallCount);
          }
          note(`${side} ran`, ran);
          await used.close();
          await tried("closed", () => used.callTool({ name: "fine", arguments: { a: "late" } }));
        });
      }
    }
    begin();
    for (const use of uses) await use();
  },
});
