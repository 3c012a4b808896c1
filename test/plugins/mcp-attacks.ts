/**
 * What servers and clients try against the MCP plugin, each beside the honest thing that must still pass. They run on
 * every major and era.
 */
import { afterEach, expect, test } from "vitest";
import {
  allow,
  type ApprovalGrant,
  type ApprovalRequest,
  createKernel,
  defineGuard,
  deny,
  grantApproval,
  type Guard,
  type KernelOptions,
  pinTools,
  rateLimit,
  redactPatterns,
  requireApproval,
  type Session,
} from "../../mod.ts";
import * as plugin from "../../plugins/mcp.ts";
import type { McpClientOptions, McpServerLike, McpServerOptions } from "../../plugins/mcp.ts";
import type { AnyClient, AnyServer, Major } from "./mcp-cases.ts";

const { createMcpClient, governMcpServer, mcpLimitOf } = plugin;

const BAD = "hunter2";
const blocked: KernelOptions = { policy: { blockedPatterns: [BAD] } };
const base64 = (text: string): string => btoa(text);
/** Bytes that are no text: a picture, say. */
const PICTURE = Buffer.from(Uint8Array.from({ length: 768 * 1024 }, (_, i) => (i * 7919 + (i >> 8) * 104729) & 255))
  .toString("base64");
const text = (value: string): any => ({ content: [{ type: "text", text: value }] });
const tool = (name: string, more: object = {}): object => ({ name, inputSchema: { type: "object" }, ...more });
const noHidden: Guard = defineGuard({
  name: "no hidden",
  stages: ["pre_tool_call"],
  check: ({ name }) => name === "hidden" || name.includes(":") ? deny("rule_denied", "Hidden") : allow(),
});
/** Masks a text in whatever comes back. */
const mask: Guard = redactPatterns([BAD], "******");

/** The attacks. */
export function mcpAttacks(major: Major): void {
  const open: AnyClient[] = [];
  afterEach(async () => {
    for (const client of open.splice(0)) await client.close();
  });

  /** A server whose handlers answer just what they are told to, whatever the SDK would have said of it. */
  function serverOf(handlers: Record<string, (params: any, context: any) => any>): AnyServer {
    const server = major.server();
    server.registerTool("t", {}, () => text("ok"));
    server.registerPrompt("p", {}, () => ({ messages: [] }));
    server.registerResource("r", "note:///r", {}, () => ({ contents: [] }));
    server.server.registerCapabilities({ logging: {}, resources: { subscribe: true } });
    server.server._capabilities.experimental = {};
    for (const [method, handler] of Object.entries(handlers)) {
      server.server._requestHandlers.set(
        method,
        async (request: any, context: any) => await handler(request.params, context),
      );
    }
    return server;
  }

  interface Side {
    readonly client: AnyClient;
    readonly session: Session;
    readonly kernel: ReturnType<typeof createKernel>;
    /** The SDK's client. */
    readonly raw: AnyClient;
  }
  type Start = (
    server: AnyServer,
    options: KernelOptions,
    more?: McpClientOptions & McpServerOptions,
    clientOptions?: object,
    prepare?: (client: AnyClient) => void,
  ) => Promise<Side>;
  const sides: readonly (readonly [string, Start])[] = [
    ["client", async (server, options, more, clientOptions, prepare) => {
      const raw = await major.connect(server, clientOptions, prepare);
      open.push(raw);
      const kernel = createKernel(options);
      const client = kernel.wrap(raw, createMcpClient(more), { agentId: "a" });
      return { client, kernel, raw, session: kernel.sessionOf(client)! };
    }],
    ["server", async (server, options, more, clientOptions, prepare) => {
      const kernel = createKernel(options);
      const session = kernel.session({ agentId: "a" });
      governMcpServer(server as McpServerLike, session, more);
      const raw = await major.connect(server, clientOptions, prepare);
      open.push(raw);
      return { client: raw, raw, kernel, session };
    }],
  ];

  for (const [side, start] of sides) {
    // ---- bytes -------------------------------------------------------------------------------------------------
    const carriers: readonly (readonly [string, string, (data: string) => any])[] = [
      ["a picture", "tools/call", (data) => ({ content: [{ type: "image", mimeType: "image/png", data }] })],
      ["a sound", "tools/call", (data) => ({ content: [{ type: "audio", mimeType: "audio/wav", data }] })],
      ["a blob", "tools/call", (data) => ({
        content: [{ type: "resource", resource: { uri: "a:b", mimeType: "application/octet-stream", blob: data } }],
      })],
      ["a read blob", "resources/read", (data) => ({ contents: [{ uri: "a:b", mimeType: "image/png", blob: data }] })],
      ["a prompt's picture", "prompts/get", (data) => ({
        messages: [{ role: "user", content: { type: "image", mimeType: "image/png", data } }],
      })],
    ];
    const get = (client: AnyClient, method: string): Promise<any> =>
      method === "tools/call"
        ? client.callTool({ name: "t" })
        : method === "resources/read"
        ? client.readResource({ uri: "note:///r" })
        : client.getPrompt({ name: "p" });

    test.each(carriers)(`${side}: text that calls itself %s is judged as text`, async (_what, method, make) => {
      // Long enough that base64 in a text is no match by chance: what finds it is the text that it stands for.
      const words = `${"some words before it, ".repeat(40)}${BAD}`;
      const hide = serverOf({ [method]: () => make(base64(words)) });
      const { client } = await start(hide, blocked);
      const answer = await get(client, method).catch((error: Error) => ({ isError: true, content: error.message }));
      expect(answer.isError).toBe(true);
      expect(JSON.stringify(answer)).not.toContain(base64(words).slice(0, 40));
    });

    test.each(carriers)(`${side}: %s of 768 kB passes, and so does text that is clean`, async (_what, method, make) => {
      const { client } = await start(serverOf({ [method]: () => make(PICTURE) }), blocked);
      expect(await get(client, method)).toMatchObject(make(PICTURE));
      const clean = await start(serverOf({ [method]: () => make(base64("clean")) }), blocked);
      expect(await get(clean.client, method)).toMatchObject(make(base64("clean")));
    });

    test.each(carriers)(`${side}: text in %s is masked, and beside it a picture stays`, async (_what, method, make) => {
      const { client } = await start(serverOf({ [method]: () => make(base64(`the key is ${BAD}`)) }), {
        guards: [mask],
      });
      expect(await get(client, method)).toMatchObject(make(base64("the key is ******")));
      const both = serverOf({
        "tools/call": () => ({
          content: [...text(BAD).content, { type: "image", mimeType: "image/png", data: PICTURE }],
        }),
      });
      expect((await (await start(both, { guards: [mask] })).client.callTool({ name: "t" })).content).toMatchObject([
        { text: "******" },
        { type: "image", data: PICTURE },
      ]);
    });

    test(`${side}: bytes that are no text have a cap of their own, and are shown as bytes`, async () => {
      const seen: unknown[] = [];
      const look = defineGuard({
        name: "look",
        stages: ["post_tool_call"],
        check: ({ payload }) => (seen.push((payload as any).content[0].data), allow()),
      });
      const image = (data: string): any => ({ content: [{ type: "image", mimeType: "image/png", data }] });
      const small = await start(serverOf({ "tools/call": () => image(PICTURE) }), {
        guards: [look],
        limits: { tool: { binaryBytes: 1024 * 1024 } },
      });
      expect(await small.client.callTool({ name: "t" })).toMatchObject(image(PICTURE));
      expect(seen[0]).toBeInstanceOf(Uint8Array);
      const { client } = await start(serverOf({ "tools/call": () => image(PICTURE) }), {
        guards: [look],
        limits: { tool: { binaryBytes: 1024 } },
      });
      expect(await client.callTool({ name: "t" })).toMatchObject({ isError: true });
    });

    test(`${side}: what must be base64 and is none goes no further`, async () => {
      const odd = serverOf({
        "tools/call": () => ({ content: [{ type: "image", mimeType: "image/png", data: "aHVu!!dGVyMg" }] }),
      });
      const { client } = await start(odd, blocked);
      const answer = await client.callTool({ name: "t" }).catch((error: Error) => ({ isError: true, error }));
      expect(answer.isError).toBe(true);
      expect(JSON.stringify(answer)).not.toContain("aHVu!!");
    });

    // ---- pictures in data --------------------------------------------------------------------------------------
    const PNG = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), Buffer.from(PICTURE, "base64")]);
    const inside = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
    const data = (shot: unknown): any => ({ ...text("ok"), structuredContent: { page: [{ shot }] } });
    const said = (words: string, at = 0): Buffer =>
      Buffer.concat([PNG.subarray(0, 4000), Buffer.from(words), PNG.subarray(4000 + at)]);

    test.each<[string, string]>([["base64", ""], ["a data: URL", "data:image/png;base64,"]])(
      `${side}: a picture of 768 kB in structured content, as %s, counts as bytes`,
      async (_what, head) => {
        const shot = head + inside(PNG);
        const { client } = await start(serverOf({ "tools/call": () => data(shot) }), blocked);
        expect(await client.callTool({ name: "t" })).toMatchObject(data(shot));
        // Beside it a text is masked, and the picture stays.
        const both = { ...data(shot), content: text(BAD).content };
        const masked = await start(serverOf({ "tools/call": () => both }), { guards: [mask] });
        const answer = await masked.client.callTool({ name: "t" });
        expect(answer).toMatchObject({ ...data(shot), content: [{ text: "******" }] });
        const small = await start(serverOf({ "tools/call": () => data(shot) }), {
          guards: [mask],
          limits: { tool: { binaryBytes: 1024 } },
        });
        expect(await small.client.callTool({ name: "t" })).toMatchObject({ isError: true });
      },
    );

    test.each<[string, () => string]>([
      ["base64 of words alone", () => inside(Buffer.from(`${"some words before it, ".repeat(40)}${BAD}`))],
      ["words among a picture's bytes", () => inside(said(`the key is ${BAD}, keep it`))],
      ["words that begin between its bytes", () => {
        const shot = inside(PNG.subarray(0, 3000));
        return `${shot.slice(0, -1)}${inside(Buffer.from(`the key is ${BAD}, keep it`))}${shot.slice(8)}`.replaceAll(
          "=",
          "",
        );
      }],
      [
        "words as UTF-16",
        () => inside(Buffer.concat([said(""), Buffer.from(`the key is ${BAD}, keep it`, "utf16le")])),
      ],
      [
        "words in base64's own letters",
        () =>
          `${inside(PNG).slice(0, 2048)}${`thekeyis/${BAD}/keepitand`.repeat(40).slice(0, 1024)}${
            inside(PNG).slice(0, 1024)
          }`,
      ],
      ["words at the end", () => inside(Buffer.concat([PNG.subarray(0, 3000), Buffer.from(`it is ${BAD}`)]))],
      ["words in its media type", () => `data:image/${BAD};base64,${inside(PNG)}`],
      ["a short text", () => BAD],
    ])(
      `${side}: %s in structured content are judged as text, also where they begin like a picture`,
      async (_what, make) => {
        const shot = make();
        const { client } = await start(serverOf({ "tools/call": () => data(shot) }), blocked);
        const denied = await client.callTool({ name: "t" });
        expect(denied).toMatchObject({ isError: true });
        expect(denied).not.toHaveProperty("structuredContent");
        // One that may only be masked is refused: half a picture is none.
        const masked = await start(serverOf({ "tools/call": () => data(shot) }), { guards: [mask] });
        expect(JSON.stringify(await masked.client.callTool({ name: "t" }))).not.toContain(shot);
        const other = await start(serverOf({ "tools/call": () => data(shot) }), {
          policy: { blockedPatterns: ["else where"] },
        });
        expect(await other.client.callTool({ name: "t" })).toMatchObject(data(shot));
      },
    );

    test(`${side}: a text of 2 MB that calls itself a picture is too much text`, async () => {
      const shot = `data:image/png;base64,${inside(Buffer.from("plain words ".repeat(170_000)))}`;
      const { client } = await start(serverOf({ "tools/call": () => data(shot) }), blocked);
      expect(await client.callTool({ name: "t" })).toMatchObject({ isError: true });
      // And so is one that begins with a picture's first bytes.
      const begun = inside(Buffer.concat([PNG.subarray(0, 16), Buffer.from("plain words ".repeat(170_000))]));
      const also = await start(serverOf({ "tools/call": () => data(begun) }), blocked);
      expect(await also.client.callTool({ name: "t" })).toMatchObject({ isError: true });
    });

    // ---- fields ------------------------------------------------------------------------------------------------
    const places: readonly (readonly [string, string, object])[] = [
      ["_meta of a result", "tools/call", { ...text("ok"), _meta: { note: BAD } }],
      ["structuredContent", "tools/call", { ...text("ok"), structuredContent: { deep: [{ note: BAD }] } }],
      ["an unknown field", "tools/call", { ...text("ok"), more: BAD }],
      ["a link", "tools/call", { content: [{ type: "resource_link", uri: `note:///${BAD}`, name: "n" }] }],
      ["annotations", "tools/call", { content: [{ type: "text", text: "a", _meta: { note: BAD } }] }],
      ["_meta of a read", "resources/read", { contents: [{ uri: "a:b", text: "x", _meta: { note: BAD } }] }],
      ["a prompt's description", "prompts/get", { messages: [], description: BAD }],
    ];
    test.each(places)(`${side}: %s is judged`, async (_what, method, answer) => {
      const { client } = await start(serverOf({ [method]: () => answer }), blocked);
      const result = await get(client, method).catch((error: Error) => ({ isError: true, content: error.message }));
      expect(result.isError).toBe(true);
      expect(JSON.stringify(result)).not.toContain(BAD);
      const { client: other } = await start(serverOf({ [method]: () => answer }), {
        policy: { blockedPatterns: ["else"] },
      });
      expect(JSON.stringify(await get(other, method))).toContain(method === "tools/call" ? "content" : "");
    });

    const entries: readonly (readonly [string, object])[] = [
      ["title", { title: BAD }],
      ["annotations", { annotations: { title: BAD } }],
      ["outputSchema", { outputSchema: { type: "object", description: BAD } }],
      ["a schema's depth", { inputSchema: { type: "object", properties: { a: { anyOf: [{ description: BAD }] } } } }],
      ["_meta", { _meta: { note: BAD } }],
      ["icons", { icons: [{ src: `https://a.example/${BAD}` }] }],
    ];
    test.each(entries)(
      `${side}: a list's entry with a bad %s is hidden, and the others are shown`,
      async (_what, more) => {
        const list = serverOf({ "tools/list": () => ({ tools: [tool("bad", more), tool("good")] }) });
        const { client } = await start(list, blocked);
        expect((await client.listTools()).tools.map(({ name }: { name: string }) => name)).toEqual(["good"]);
      },
    );

    test.each([["_meta", { _meta: { note: BAD } }], ["a field", { note: BAD }]])(
      `${side}: %s beside a list's entries is judged`,
      async (_what, beside) => {
        const list = serverOf({ "prompts/list": () => ({ prompts: [], ...beside }) });
        const { client } = await start(list, blocked);
        await expect(client.listPrompts()).rejects.toThrow();
      },
    );

    test(`${side}: a cursor is judged on its way out and back, and an honest one passes`, async () => {
      const pages = serverOf({
        "tools/list": (params) => ({
          tools: [tool(params?.cursor === undefined ? "a" : "b")],
          ...(params?.cursor === undefined
            ? { nextCursor: "next" }
            : params.cursor === "back"
            ? { nextCursor: BAD }
            : {}),
        }),
      });
      const { client } = await start(pages, blocked);
      expect((await client.listTools({ cursor: "next" })).tools).toHaveLength(1);
      await expect(client.listTools({ cursor: BAD })).rejects.toThrow();
      await expect(client.listTools({ cursor: "back" })).rejects.toThrow();
    });

    test(`${side}: what a list fails with is judged, and an honest error passes with its code`, async () => {
      let said = BAD;
      const failing = serverOf({
        "prompts/list": () => {
          throw Object.assign(new Error("No list"), { code: -32007, data: { note: said } });
        },
      });
      const { client } = await start(failing, blocked);
      const error = await client.listPrompts().catch((reason: any) => reason);
      expect(JSON.stringify({ ...error, message: error.message })).not.toContain(BAD);
      said = "fine";
      await expect(client.listPrompts()).rejects.toMatchObject({ code: -32007, data: { note: "fine" } });
    });

    test(`${side}: _meta of a call is judged, and a trace passes`, async () => {
      const seen: any[] = [];
      const server = serverOf({ "tools/call": (params) => (seen.push(params), text("ok")) });
      const { client } = await start(server, {
        ...blocked,
        guards: [defineGuard({
          name: "strict arguments",
          stages: ["pre_tool_call"],
          check: ({ payload }) =>
            Object.keys(payload as object).length > 0 ? deny("invalid_arguments", "No arguments are known") : allow(),
        })],
      });
      const call = (_meta: object): Promise<any> => client.callTool({ name: "t", _meta } as never);
      expect(await call({ note: BAD })).toMatchObject({ isError: true });
      expect(await call({ traceparent: "00-1" })).not.toHaveProperty("isError", true);
      expect(seen.map(({ _meta }) => _meta.traceparent)).toEqual(["00-1"]);
    });

    // ---- malformed ---------------------------------------------------------------------------------------------
    const code = (error: any): unknown => error?.data?.code ?? error?.code;
    test.each([[null], ["done"], [[1]], [7]])(`${side}: a result that is %j is no result`, async (answer) => {
      const { raw, client, kernel } = await start(serverOf({ "tools/call": () => answer }), {});
      const denied: string[] = [];
      kernel.on("tool_call_blocked", ({ decision }: any) => void denied.push(decision.code));
      if (side === "client") (raw as any).callTool = () => Promise.resolve(answer);
      const result = await client.callTool({ name: "t" }).catch((error: Error) => error);
      expect(result).not.toBeInstanceOf(TypeError);
      expect(result).toMatchObject({ isError: true, content: [{ type: "text" }] });
    });

    test.each([[null], ["none"], [{}], [{ tools: "none" }], [{ tools: { 0: {} } }]])(
      `${side}: a list that is %j is no list`,
      async (answer) => {
        const { raw, client } = await start(serverOf({ "tools/list": () => answer }), {});
        if (side === "client") (raw as any).listTools = () => Promise.resolve(answer);
        const error: any = await client.listTools().catch((reason: Error) => reason);
        expect(error).toBeInstanceOf(Error);
        expect(error).not.toBeInstanceOf(TypeError);
        expect(code(error)).toBe("payload_not_plain");
      },
    );

    test(`${side}: entries that are none are left out`, async () => {
      const answer = { tools: [null, 7, "x", {}, { name: 7 }, [], tool("good")] };
      const { raw, client } = await start(serverOf({ "tools/list": () => answer }), {});
      if (side === "client") (raw as any).listTools = () => Promise.resolve(answer);
      const { tools } = await client.listTools().catch(() => ({ tools: [] as any[] }));
      expect(tools.every(({ name }: { name: string }) => name === "good")).toBe(true);
    });

    test.each<[unknown]>([[7], ["x"], [[]], [{ name: 7 }], [{ name: "t", arguments: "rm" }], [{
      name: "t",
      arguments: [1],
    }]])(
      `${side}: params that are %j are a denial`,
      async (params) => {
        let ran = 0;
        const { client } = await start(serverOf({ "tools/call": () => (ran++, text("ok")) }), {});
        // An SDK's server never sees what is no message.
        if (side === "server" && (typeof params !== "object" || Array.isArray(params))) return;
        const result = await (side === "client"
          ? client.callTool(params as never)
          : major.direct(client, "tools/call", params as never))
          .catch((error: Error) =>
            error
          );
        expect(result).not.toBeInstanceOf(TypeError);
        expect((result as any).isError === true || result instanceof Error).toBe(true);
        expect(ran).toBe(0);
      },
    );

    // ---- outputSchema ------------------------------------------------------------------------------------------
    test(`${side}: a masked result that no longer fits its output schema is a tool error, and one that fits passes`, async () => {
      const make = (pattern: string): AnyServer =>
        serverOf({
          "tools/list": () => ({
            tools: [tool("t", {
              outputSchema: { type: "object", properties: { key: { type: "string", pattern } }, required: ["key"] },
            })],
          }),
          "tools/call": () => ({ ...text(BAD), structuredContent: { key: BAD } }),
        });
      const strict = await start(make("^[a-z0-9]+$"), { guards: [mask] });
      await strict.client.listTools();
      const result = await strict.client.callTool({ name: "t" });
      expect(result).toMatchObject({ isError: true });
      expect(result.content[0].text).toContain("output schema");
      expect(JSON.stringify(result)).not.toContain(BAD);
      const loose = await start(make("."), { guards: [mask] });
      await loose.client.listTools();
      expect(await loose.client.callTool({ name: "t" })).toMatchObject({ structuredContent: { key: "******" } });
    });

    // ---- pins --------------------------------------------------------------------------------------------------
    test(`${side}: a pin covers all that a list says of a tool`, async () => {
      const first = {
        title: "T",
        annotations: { readOnlyHint: true },
        outputSchema: { type: "object" },
        icons: [{ src: "https://a.example/x.png" }],
        _meta: { version: 1 },
      };
      let said: object = first;
      const server = (): AnyServer =>
        serverOf({
          "tools/list": () => ({ tools: [tool("t", said)] }),
          "tools/call": () => ({ ...text("ok"), structuredContent: {} }),
        });
      for (const [part, value] of Object.entries(first)) {
        said = first;
        const { client } = await start(server(), { guards: [pinTools({ t: { [part]: value } })] });
        await client.listTools();
        expect(await client.callTool({ name: "t" }), part).not.toHaveProperty("isError", true);
        said = {
          ...first,
          [part]: typeof value === "string"
            ? "Other"
            : Array.isArray(value)
            ? []
            : { ...value, description: "x", title: "x" },
        };
        expect((await client.listTools()).tools, part).toEqual([]);
        expect(await client.callTool({ name: "t" }), part).toMatchObject({ isError: true });
      }
    });

    // ---- lists cost little --------------------------------------------------------------------------------------
    test(`${side}: a list costs no tool call, taints as a result does, and is capped`, async () => {
      const many = Array.from({ length: 20_000 }, (_, i) => ({ uri: `note:///${i}`, name: `n${i}` }));
      const server = serverOf({ "resources/list": () => ({ resources: many }) });
      const { client, session } = await start(server, { policy: { maxToolCalls: 1 } }, { maxListEntries: 100 });
      await client.listTools();
      expect(session.context).toMatchObject({ toolCallCount: 0, callCount: 0, tainted: side === "client" });
      const error: any = await client.listResources().catch((reason: Error) => reason);
      expect(code(error)).toBe("payload_too_large");
      expect(await client.callTool({ name: "t" })).not.toHaveProperty("isError", true);
    });

    test(`${side}: a list of thousands asks each gate once for an entry, and reads an entry once`, async () => {
      let reads = 0;
      const entry = (at: number): object => ({
        ...tool(`t${at}`),
        get description() {
          reads++;
          return `tool ${at}`;
        },
      });
      const tools = Array.from({ length: 2_000 }, (_, at) => entry(at));
      const { client, raw, kernel } = await start(serverOf({ "tools/list": () => ({ tools }) }), {});
      if (side === "client") (raw as any).listTools = () => Promise.resolve({ tools });
      const stages: string[] = [];
      kernel.on("policy_check", ({ stage, name }) => {
        if (/^t\d/.test(name)) stages.push(stage);
      });
      expect((await client.listTools()).tools).toHaveLength(2_000);
      expect(reads).toBe(2_000);
      expect(stages.filter((stage) => stage === "pre_tool_call")).toHaveLength(2_000);
      expect(stages.filter((stage) => stage === "post_tool_call")).toHaveLength(2_000);
    });

    test(`${side}: lists can be limited as calls are`, async () => {
      const { client, session } = await start(serverOf({}), { policy: { maxToolCalls: 1 } }, { lists: "calls" });
      expect((await client.listTools()).tools).toHaveLength(1);
      await expect(client.listTools()).rejects.toThrow();
      expect(session.context.toolCallCount).toBe(1);
    });

    test(`${side}: a limit that is used up hides no guard that hides an entry, and no entry that may be called`, async () => {
      const server = serverOf({ "tools/list": () => ({ tools: [tool("t"), tool("hidden")] }) });
      const { client } = await start(server, {
        policy: { maxToolCalls: 1 },
        guards: [rateLimit({ max: 1, windowMs: 1e9 }), noHidden],
      });
      for (const isUsedUp of [false, true]) {
        expect((await client.listTools()).tools, `used up: ${isUsedUp}`).toMatchObject([{ name: "t" }]);
        await client.callTool({ name: "t" });
      }
    });

    // ---- limits are told ---------------------------------------------------------------------------------------
    test(`${side}: a call that a limit stops is told which, and when to come again`, async () => {
      const clock = (): number => 1_000;
      const answers = { "resources/read": () => ({ contents: [] }) };
      const rated = await start(serverOf(answers), { clock, guards: [rateLimit({ max: 1, windowMs: 60_000 })] });
      const wanted = { code: "rate_limited", limit: 1, windowMs: 60_000, retryAfterMs: 60_000 };
      expect(mcpLimitOf(await rated.client.callTool({ name: "t" }))).toBeUndefined();
      const refused = await rated.client.callTool({ name: "t" });
      expect(refused._meta["sallyport/limit"]).toEqual(wanted);
      expect(mcpLimitOf(refused)).toEqual(wanted);
      const error = await rated.client.readResource({ uri: "note:///r" }).catch((reason: unknown) => reason);
      expect(mcpLimitOf(error)).toEqual(wanted);
      // Of a client that is governed as well, what the server says arrives.
      if (side === "server") {
        const outer = createKernel().wrap(rated.raw, createMcpClient(), { agentId: "outer" });
        expect(mcpLimitOf(await outer.callTool({ name: "t" }))).toEqual(wanted);
        expect(mcpLimitOf(await outer.readResource({ uri: "note:///r" }).catch((reason) => reason))).toEqual(wanted);
      }
      const counted = await start(serverOf({}), { policy: { maxToolCalls: 0 } });
      expect(mcpLimitOf(await counted.client.callTool({ name: "t" }))).toMatchObject({
        code: "max_tool_calls_exceeded",
        limit: 0,
      });
      // Nothing else is told: what a guard says to its developer stays here.
      const inner = deny("rate_limited", "Slower", { max: 2, retryAfterMs: 5, spent: -1, key: BAD, windowMs: BAD });
      const own = await start(serverOf({}), {
        guards: [defineGuard({ name: "own", stages: ["pre_tool_call"], check: () => inner })],
      });
      const told = await own.client.callTool({ name: "t" });
      expect(told._meta["sallyport/limit"]).toEqual({ code: "rate_limited", limit: 2, retryAfterMs: 5 });
      const plain = await start(serverOf({}), { policy: { deniedTools: ["t"] } });
      expect(await plain.client.callTool({ name: "t" })).not.toHaveProperty("_meta.sallyport/limit");
    });

    test.each<[unknown]>([[7], [{ code: "rate_limited" }], [{ code: BAD, limit: 1 }], [{
      code: "rate_limited",
      limit: BAD,
    }], [
      { code: "rate_limited", limit: -1 },
    ]])(`${side}: a limit that a server makes up as %j is none`, async (limit) => {
      const made = { isError: true, ...text("no"), _meta: { "sallyport/limit": limit } };
      const { client } = await start(serverOf({ "tools/call": () => made }), {});
      expect(mcpLimitOf(await client.callTool({ name: "t" }))).toBeUndefined();
      const good = { "sallyport/limit": { code: "rate_limited", limit: 1, retryAfterMs: 9, more: BAD } };
      expect(mcpLimitOf({ ...made, _meta: good })).toEqual({ code: "rate_limited", limit: 1, retryAfterMs: 9 });
      for (const odd of [undefined, null, 7, "x", [], {}, { isError: true, _meta: null }]) {
        expect(mcpLimitOf(odd)).toBeUndefined();
      }
    });

    // ---- killed ------------------------------------------------------------------------------------------------
    test.each([["killed"], ["suspended"], ["closed"]])(
      `${side}: a session that is %s sends and answers nothing`,
      async (how) => {
        const reached: string[] = [];
        const note = (method: string, answer: object) => [method, () => (reached.push(method), answer)] as const;
        const server = serverOf(Object.fromEntries([
          note("tools/list", { tools: [] }),
          note("prompts/list", { prompts: [] }),
          note("resources/list", { resources: [] }),
          note("resources/templates/list", { resourceTemplates: [] }),
          note("tools/call", text("ok")),
          note("resources/read", { contents: [] }),
          note("resources/subscribe", {}),
          note("resources/unsubscribe", {}),
          note("prompts/get", { messages: [] }),
          note("completion/complete", { completion: { values: [] } }),
          note("logging/setLevel", {}),
          note("ping", {}),
          note("server/discover", {}),
          note("files/delete", {}),
        ]));
        const { client, kernel, session } = await start(server, {});
        if (how === "killed") kernel.kill("a");
        if (how === "suspended") kernel.suspend("a");
        if (how === "closed") await session.close();
        // Some throw at once, where the era has no such method.
        const attempts: readonly (() => Promise<any>)[] = [
          () => client.listTools(),
          () => client.listPrompts(),
          () => client.listResources(),
          () => client.listResourceTemplates(),
          () => client.callTool({ name: "t" }),
          () => client.readResource({ uri: "note:///r" }),
          () => client.getPrompt({ name: "p" }),
          () => client.ping(),
          () => client.setLoggingLevel("debug"),
          () => client.unsubscribeResource({ uri: "note:///r" }),
          ...[
            "ping",
            "logging/setLevel",
            "resources/unsubscribe",
            "resources/subscribe",
            "server/discover",
            "files/delete",
          ]
            .map((method) => () => major.direct(client, method, { uri: "note:///r", level: "debug" })),
        ];
        for (const attempt of attempts) {
          const answer = await (async () => await attempt())().catch((error: Error) => error);
          expect(answer instanceof Error || answer.isError === true, attempt.toString()).toBe(true);
        }
        expect(reached).toEqual([]);
      },
    );

    test(`${side}: what keeps the connection passes while the session is open`, async () => {
      const { client } = await start(
        serverOf({ "resources/unsubscribe": () => ({}), "logging/setLevel": () => ({}) }),
        {
          policy: { allowedTools: [] },
        },
      );
      const legacy = major.canAsk;
      if (legacy) await client.ping();
      if (legacy) await client.setLoggingLevel("debug");
      if (legacy) await client.unsubscribeResource({ uri: "note:///r" });
      expect((await client.listTools()).tools).toEqual([]);
    });

    test(`${side}: a call that never settles ends with its session, and its place comes back`, async () => {
      let calls = 0;
      const server = serverOf({ "tools/call": () => (calls++ === 0 ? new Promise(() => {}) : text("ok")) });
      const { client, kernel } = await start(server, { policy: { maxConcurrent: 1, backpressureThreshold: 1 } });
      const hanging = client.callTool({ name: "t" });
      await expect.poll(() => calls).toBe(1);
      kernel.suspend("a");
      expect(await hanging).toMatchObject({ isError: true });
      kernel.resume("a");
      expect(await client.callTool({ name: "t" })).not.toHaveProperty("isError", true);
    });

    test(`${side}: a list that hangs ends with its session`, async () => {
      let asked = 0;
      const server = serverOf({ "tools/list": () => (asked++, new Promise(() => {})) });
      const { client, kernel } = await start(server, {});
      const hanging = side === "client" ? client.listTools() : client.callTool({ name: "t" });
      const ended = hanging.then(({ isError }) => isError, () => true);
      await expect.poll(() => asked).toBe(1);
      kernel.kill("a");
      expect(await ended).toBe(true);
    });

    // ---- approvals ---------------------------------------------------------------------------------------------
    test(`${side}: a denial says what an approval needs, and the signed answer comes in later`, async () => {
      const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
      let grant: unknown;
      let ran = 0;
      const { client } = await start(
        serverOf({ "tools/call": (params) => (ran++, text(JSON.stringify(params))) }),
        { policy: { requireHumanApproval: ["t"] }, approvalKey: key },
        side === "client" ? { grantOf: () => grant as never } : {},
      );
      const call = (): Promise<any> =>
        client.callTool({
          name: "t",
          arguments: { a: 1 },
          ...(side === "server" && grant !== undefined ? { _meta: { "sallyport/grant": grant } } : {}),
        } as never);
      const asked = await call();
      const question = asked._meta["sallyport/approval"];
      expect(asked).toMatchObject({ isError: true });
      expect(Object.keys(question).sort()).toEqual([
        "codes",
        "digest",
        "expiresAt",
        "id",
        "name",
        "reasons",
        "stage",
        "text",
      ]);
      expect(question).toMatchObject({ name: "t", codes: ["approval_required"] });
      grant = true;
      expect(await call()).toMatchObject({ isError: true });
      grant = await grantApproval(question, key, { approved: true, by: "Ada" });
      const answer = await call();
      expect(answer).not.toHaveProperty("isError", true);
      expect(answer.content[0].text).not.toContain("grant");
      expect(await call()).toMatchObject({ isError: true });
      expect(ran).toBe(1);
    });

    test.each<[string, () => unknown]>([
      ["throws", () => {
        throw new Error(BAD);
      }],
      ["answers a promise that fails", () => Promise.reject(new Error(BAD))],
    ])(`${side}: a grantOf that %s denies, tells it, and ends nothing`, async (_what, grantOf) => {
      const { client, kernel } = await start(serverOf({}), {}, { grantOf: grantOf as never });
      const told: string[] = [];
      kernel.on("tool_call_blocked", ({ code }) => void told.push(code));
      const answer = await client.callTool({ name: "t" });
      expect(answer).toMatchObject({ isError: true });
      expect(JSON.stringify(answer)).not.toContain(BAD);
      expect(told).toEqual(["guard_error"]);
    });

    // ---- events ------------------------------------------------------------------------------------------------
    const own: readonly (readonly [string, string, string, (client: AnyClient) => unknown])[] = [
      ["arguments that are none", "t", "invalid_arguments", (client) =>
        client.callTool({ name: "t", arguments: [] as never })],
      ["a list that is none", "tools:list", "payload_not_plain", (client) =>
        client.listTools()],
      ["a list that is too long", "prompts:list", "payload_too_large", (client) =>
        client.listPrompts()],
      ["a task", "method:tasks/get", "ungoverned_method", (client) =>
        major.direct(client, "tasks/get", { taskId: "1" })],
      ["a session that is over", "t", "session_killed", (client) =>
        client.callTool({ name: "t" })],
    ];
    test.each(own)(`${side}: the plugin's own denial of %s is told once`, async (_what, name, expected, send) => {
      const server = serverOf({
        "tools/list": () => ({}),
        "prompts/list": () => ({ prompts: [{ name: "a" }, { name: "b" }] }),
        "tasks/get": () => ({}),
      });
      const { client, kernel, session } = await start(server, {}, { maxListEntries: 1 });
      const told: unknown[] = [];
      for (const type of ["tool_call_blocked", "policy_violation"] as const) {
        kernel.on(type, (event) =>
          void told.push([event.name, event.code]));
      }
      if (expected === "session_killed") {
        await session.close();
      }
      const [error, answer]: any[] = await Promise.resolve(send(client)).then((one) => [{}, one], (one) => [one]);
      // What an SDK refuses by itself never comes to the plugin.
      if (answer === undefined && error["~brand"] === undefined && error.code !== -32050) {
        return;
      }
      expect(told).toEqual([[name, expected]]);
    });

    // ---- in the midst of a call ---------------------------------------------------------------------------------
    const capabilities = { capabilities: { sampling: {}, elicitation: { form: {} }, roots: {} } };
    const questions: readonly (readonly [string, object, object])[] = [
      ["elicitation/create", { message: BAD, requestedSchema: { type: "object", properties: {} } }, {
        action: "accept",
        content: { a: "fine" },
      }],
      ["sampling/createMessage", {
        maxTokens: 9,
        messages: [{ role: "user", content: { type: "text", text: BAD } }],
      }, { model: "m", role: "assistant", content: { type: "text", text: "fine" } }],
    ];
    test.each(questions)(
      `${side}: what a server asks by %s is judged, and so is the answer`,
      async (method, params, answer) => {
        if (!major.canAsk) {
          return;
        }
        const asked: unknown[] = [];
        const run = async (options: KernelOptions, sent: object, reply: object): Promise<any> => {
          const server = serverOf({
            "tools/call": async (_params, context) =>
              text(JSON.stringify(await major.ask(context, method, sent))),
          });
          const { client } = await start(server, options, {}, capabilities, (one) => {
            (one as any)._requestHandlers.set(method, async () => (asked.push(method), reply));
          });
          return await client.callTool({ name: "t" }).catch((error: Error) => ({
            isError: true,
            message: error.message,
          }));
        };
        const clean = JSON.parse(JSON.stringify(params).replace(BAD, "hello"));
        expect(await run(blocked, clean, answer)).not.toHaveProperty("isError", true);
        expect(asked).toHaveLength(1);
        expect(await run(blocked, params, answer)).toMatchObject({ isError: true });
        expect(await run({ policy: { deniedTools: [method.replace("/", ":")] } }, clean, answer)).toMatchObject({
          isError: true,
        });
        expect(asked).toHaveLength(1);
        const leak = JSON.parse(JSON.stringify(answer).replace("fine", BAD));
        const leaked = await run(blocked, clean, leak);
        expect(leaked).toMatchObject({ isError: true });
        expect(JSON.stringify(leaked)).not.toContain(BAD);
      },
    );

    test.each(questions)(
      `${side}: a limit that is used up hides no guard that refuses %s, and stops none that may be asked`,
      async (method, params, answer) => {
        if (!major.canAsk) {
          return;
        }
        let asked = 0;
        const run = async (guards: readonly Guard[]): Promise<any> => {
          const server = serverOf({
            "tools/call": async (_params, context) =>
              text(JSON.stringify(await major.ask(context, method, params))),
          });
          const { client } = await start(server, { policy: { maxToolCalls: 1 }, guards }, {}, capabilities, (one) => {
            (one as any)._requestHandlers.set(method, async () => (asked++, answer));
          });
          return await client.callTool({ name: "t" }).catch(() => ({ isError: true }));
        };
        expect(await run([])).not.toHaveProperty("isError", true);
        expect(asked).toBe(1);
        // One that denies, and one that asks a person, who is not there.
        for (const guard of [noHidden, requireApproval([method.replace("/", ":")])]) {
          expect(await run([guard])).toMatchObject({ isError: true });
        }
        expect(asked).toBe(1);
      },
    );

    test.each(questions)(`${side}: %s that a person must approve is approved later`, async (method, params, answer) => {
      if (!major.canAsk) {
        return;
      }
      const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
      let asked = 0;
      // The latest for each question.
      const signed = new Map<string, ApprovalGrant>();
      const server = serverOf({
        "tools/call": async (_params, context) =>
          text(JSON.stringify(await major.ask(context, method, params))),
      });
      const { client, kernel } = await start(
        server,
        { approvalKey: key, guards: [requireApproval([method.replace("/", ":")])] },
        side === "client" ? { grantOf: () => [...signed.values()] } : {},
        capabilities,
        (one) => {
          (one as any)._requestHandlers.set(method, async () => (asked++, answer));
        },
      );
      const questions: ApprovalRequest[] = [];
      kernel.on("approval_requested", ({ approval }) => void questions.push(approval));
      /** Calls, and signs what is asked. */
      const call = async (): Promise<boolean> => {
        const { isError = false } = await client.callTool({
          name: "t",
          ...(side === "server" ? { _meta: { "sallyport/grant": [...signed.values()] } } : {}),
        } as never).catch(() => ({ isError: true }));
        for (const one of questions.splice(0)) {
          signed.set(one.digest, await grantApproval(one, key, { approved: true, by: "Ada" }));
        }
        return !isError;
      };
      // The question is approved, and then the answer, each for one time.
      expect([await call(), asked]).toEqual([false, 0]);
      expect([await call(), asked]).toEqual([false, 1]);
      expect([await call(), asked]).toEqual([true, 2]);
      signed.clear();
      expect([await call(), asked]).toEqual([false, 2]);
    });

    test(`${side}: a list that a person must approve is approved later`, async () => {
      const key = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign", "verify"]);
      const grants: ApprovalGrant[] = [];
      const { client, kernel } = await start(
        serverOf({}),
        { approvalKey: key, guards: [requireApproval(["tools:list"])] },
        { lists: "calls", grantOf: () => grants.at(-1) },
      );
      const questions: ApprovalRequest[] = [];
      kernel.on("approval_requested", ({ approval }) => void questions.push(approval));
      await expect(client.listTools()).rejects.toThrow();
      grants.push(await grantApproval(questions[0] as ApprovalRequest, key, { approved: true, by: "Ada" }));
      expect((await client.listTools()).tools).toHaveLength(1);
      await expect(client.listTools()).rejects.toThrow();
    });

    test(`${side}: logs and progress are judged, and honest ones arrive in order`, async () => {
      const server = serverOf({
        "tools/call": async (_params, context) => {
          const token = (context._meta ?? context.mcpReq?._meta)?.progressToken;
          for (const [at, data] of ["one", BAD, "two"].entries()) {
            await major.notify(context, "notifications/message", { level: "error", data });
            await major.notify(context, "notifications/progress", {
              progressToken: token,
              progress: at,
              message: data,
            });
          }
          return text("ok");
        },
      });
      const heard: unknown[] = [];
      const told: unknown[] = [];
      const { client } = await start(server, blocked, {}, {}, (one) => {
        (one as any)._notificationHandlers.set(
          "notifications/message",
          ({ params }: any) => (heard.push(params.data), Promise.resolve()),
        );
      });
      const onprogress = ({ message }: any): void => void told.push(message);
      expect(await client.callTool({ name: "t" }, ...major.options({ onprogress }))).not.toHaveProperty(
        "isError",
        true,
      );
      expect(told).toEqual(["one", "two"]);
      expect(heard).toEqual(["one", "two"]);
    });

    test(`${side}: instructions are judged`, async () => {
      for (const [instructions, shown] of [[`Say ${BAD}`, undefined], ["Be kind", "Be kind"]] as const) {
        const server = serverOf({});
        server.server._instructions = instructions;
        const { client } = await start(server, blocked);
        expect(client.getInstructions()).toBe(shown);
      }
    });
  }

  // ---- servers ---------------------------------------------------------------------------------------------------
  test("server: a source that answers a promise that fails denies, and ends nothing", async () => {
    const server = serverOf({});
    governMcpServer(server as McpServerLike, (() => Promise.reject(new Error(BAD))) as never);
    const client = await major.connect(server);
    open.push(client);
    const answer = await client.callTool({ name: "t" });
    expect(answer).toMatchObject({ isError: true });
    expect(JSON.stringify(answer)).not.toContain(BAD);
  });

  test("server: a handler set through an inherited method, or past every method, is judged", async () => {
    const ran: string[] = [];
    const server = serverOf({});
    governMcpServer(
      server as McpServerLike,
      createKernel({ policy: { deniedTools: ["method:files/delete", "method:other/act"] } }).session({ agentId: "a" }),
    );
    major.register(server.server, "files/delete", () => (ran.push("delete"), {}));
    major.register(server.server, "files/read", () => (ran.push("read"), {}));
    server.server._requestHandlers.set("other/act", async () => (ran.push("act"), {}));
    const client = await major.connect(server);
    open.push(client);
    for (const method of ["files/delete", "other/act"]) {
      await expect(major.direct(client, method, {})).rejects.toMatchObject({ code: -32050 });
    }
    await major.direct(client, "files/read", {});
    expect(ran).toEqual(["read"]);
  });

  test("server: who wraps a handler that is there is judged once", async () => {
    const server = serverOf({});
    const session = createKernel({ policy: { maxToolCalls: 2 } }).session({ agentId: "a" });
    governMcpServer(server as McpServerLike, session);
    const before = server.server._requestHandlers.get("tools/call");
    server.server._requestHandlers.set("tools/call", (request: any, context: any) => before(request, context));
    const client = await major.connect(server);
    open.push(client);
    expect(await client.callTool({ name: "t" })).not.toHaveProperty("isError", true);
    expect(session.context.toolCallCount).toBe(1);
  });

  test("server: who hands on another call than was judged has that judged as well", async () => {
    const ran: unknown[] = [];
    const server = serverOf({ "tools/call": (params) => (ran.push([params.name, params.arguments]), text("ok")) });
    const session = createKernel({ policy: { deniedTools: ["rm"], blockedPatterns: [BAD] } }).session({ agentId: "a" });
    governMcpServer(server as McpServerLike, session);
    const before = server.server._requestHandlers.get("tools/call");
    let change: (params: any) => any = (params) => params;
    server.server._requestHandlers.set(
      "tools/call",
      (request: any, context: any) => before({ ...request, params: change(request.params) }, context),
    );
    const client = await major.connect(server);
    open.push(client);
    const call = (): Promise<any> => client.callTool({ name: "t", arguments: { a: 1, deep: { b: [2] } } });
    // The same call, though in another object.
    change = ({ arguments: args, ...rest }) => ({ arguments: { deep: { b: [2] }, a: args.a }, ...rest });
    expect(await call()).not.toHaveProperty("isError", true);
    expect(session.context.toolCallCount).toBe(1);
    for (
      const other of [{ name: "rm" }, { name: "t", arguments: { a: BAD } }, { name: "t", arguments: {}, note: BAD }]
    ) {
      change = () => other;
      expect(await call(), JSON.stringify(other)).toMatchObject({ isError: true });
    }
    expect(ran).toHaveLength(1);
  });

  test("server: its own methods and its tools share no names", async () => {
    const ran: string[] = [];
    const server = serverOf({ "tools/call": ({ name }) => (ran.push(`tool ${name}`), text("ok")) });
    governMcpServer(
      server as McpServerLike,
      createKernel({ policy: { allowedTools: ["t", "method:a", "sampling:createMessage"] } }).session({ agentId: "a" }),
    );
    server.server._requestHandlers.set("t", async () => (ran.push("method t"), {}));
    server.server._requestHandlers.set("a", async () => (ran.push("method a"), {}));
    const client = await major.connect(server);
    open.push(client);
    for (const name of ["method:a", "Method:a", "sampling:createMessage", "notifications:message", "a"]) {
      expect(await client.callTool({ name }), name).toMatchObject({ isError: true });
    }
    await expect(major.direct(client, "t", {})).rejects.toMatchObject({ code: -32050 });
    await major.direct(client, "a", {});
    await client.callTool({ name: "t" });
    expect(ran).toEqual(["method a", "tool t"]);
  });

  test("server: its coverage says what is judged, and strict refuses what cannot be", async () => {
    const { mcpServerCoverage } = plugin;
    const server = serverOf({});
    expect(() => mcpServerCoverage(server as McpServerLike)).toThrow(TypeError);
    governMcpServer(server as McpServerLike, createKernel().session({ agentId: "a" }));
    const { governed, passedThrough, ungoverned } = mcpServerCoverage(server as McpServerLike);
    expect(governed).toEqual(
      expect.arrayContaining(["tools/call", "tools/list", "prompts/get", "notifications/*", "sampling/createMessage"]),
    );
    expect(passedThrough).toEqual(expect.arrayContaining(["initialize", "ping"]));
    expect(ungoverned).toEqual(expect.arrayContaining(["subscriptions/listen (list changes)"]));
    expect(mcpServerCoverage(server.server)).toEqual({ governed, passedThrough, ungoverned });
    const other = serverOf({});
    const session = createKernel().session({ agentId: "a" });
    governMcpServer(other as McpServerLike, () => session, { strict: true });
    expect(mcpServerCoverage(other as McpServerLike).ungoverned).toContain("notifications/* (outside of a request)");
    open.push(await major.connect(other));
    await expect(other.server.sendLoggingMessage({ level: "error", data: "x" })).rejects.toMatchObject({
      code: "ungoverned_method",
    });
  });

  test("server: a client whose name may not be told connects without one, and a guard that breaks on it breaks no connection", async () => {
    const broken = defineGuard({
      name: "broken",
      stages: ["post_tool_call"],
      check: ({ payload }) => (payload as any).content[0].text === BAD ? deny("bad", "Bad") : allow(),
    });
    const server = serverOf({});
    governMcpServer(server as McpServerLike, createKernel({ guards: [broken] }).session({ agentId: "a" }));
    const client = await major.connect(server, { capabilities: { roots: { listChanged: true } } });
    open.push(client);
    expect(await client.callTool({ name: "t" })).not.toHaveProperty("isError", true);
    if (!major.canAsk) return;
    expect(server.server.getClientVersion()).toEqual({ name: "withheld", version: "0" });
    expect(server.server.getClientCapabilities()).toEqual({ roots: { listChanged: true } });
  });

  test("server: what it sends by itself is judged, and stops with its session", async () => {
    if (!major.canAsk) return;
    const heard: unknown[] = [];
    const kernel = createKernel(blocked);
    const server = serverOf({});
    governMcpServer(server as McpServerLike, kernel.session({ agentId: "a" }));
    const client = await major.connect(server, {}, (one) => {
      (one as any)._notificationHandlers.set(
        "notifications/message",
        ({ params }: any) => (heard.push(params.data), Promise.resolve()),
      );
    });
    open.push(client);
    for (const data of ["one", BAD, "two"]) await server.server.sendLoggingMessage({ level: "error", data });
    kernel.kill("a");
    await server.server.sendLoggingMessage({ level: "error", data: "late" });
    await expect(server.server.ping()).rejects.toThrow();
    expect(heard).toEqual(["one", "two"]);
  });

  test.each([
    [{ stric: true }, "stric"],
    [{ grantof: () => undefined }, "grantof"],
    [{ maxListEntries: 0 }, "maxListEntries"],
    [{ lists: "paid" }, "lists"],
    [{ strict: 1 }, "strict"],
    [{ grantOf: 7 }, "grantOf"],
  ])(
    "options that are %j are refused",
    (options, name) => {
      expect(() => createMcpClient(options as never)).toThrow(new RegExp(`createMcpClient\\(\\).*"${name}"`));
      const session = createKernel().session({ agentId: "a" });
      expect(() => governMcpServer(major.server() as McpServerLike, session, options as never)).toThrow(
        new RegExp(`governMcpServer\\(\\).*"${name}"`),
      );
      if (name === "stric") expect(() => createMcpClient(options as never)).toThrow(TypeError);
    },
  );

  test("server: the call of a connection that was closed ends, and its place comes back", async () => {
    let calls = 0;
    const server = serverOf({ "tools/call": () => (calls++, new Promise(() => {})) });
    const session = createKernel({ policy: { maxConcurrent: 1, backpressureThreshold: 1 } }).session({ agentId: "a" });
    governMcpServer(server as McpServerLike, session);
    const client = await major.connect(server);
    const hanging = client.callTool({ name: "t" }).catch(() => "closed");
    await expect.poll(() => calls).toBe(1);
    await expect(session.tool({ name: "t", arguments: {} }, () => 1)).rejects.toMatchObject({
      code: "concurrency_limit",
    });
    await client.close();
    await hanging;
    expect(await session.tool({ name: "t", arguments: {} }, () => 1)).toBe(1);
  });

  // ---- clients ---------------------------------------------------------------------------------------------------
  test("client: wrapping and closing it ten thousand times leaves nothing behind", async () => {
    const raw = await major.connect(serverOf({}));
    open.push(raw);
    const inside = raw as any;
    const [notify, handlers] = [inside._onnotification, inside._requestHandlers.get];
    const kernel = createKernel();
    const close = inside.close;
    inside.close = () => Promise.resolve();
    for (let i = 0; i < 10_000; i++) await kernel.wrap(raw, createMcpClient(), { agentId: "a" }).close();
    inside.close = close;
    expect(inside._onnotification).toBe(notify);
    expect(inside._requestHandlers.get).toBe(handlers);
    for (let i = 0; i < 1000; i++) kernel.wrap(raw, createMcpClient(), { agentId: "a" });
    const heard: unknown[] = [];
    inside._notificationHandlers.set(
      "notifications/message",
      (one: any) => (heard.push(one.params.data), Promise.resolve()),
    );
    inside._onnotification({
      jsonrpc: "2.0",
      method: "notifications/message",
      params: { level: "error", data: "fine" },
    });
    await expect.poll(() => heard).toEqual(["fine"]);
  }, 60_000);

  test("client: what is no client is refused when it is wrapped", () => {
    for (const target of [{}, { callTool: () => {} }, { request: () => {} }]) {
      expect(() => createKernel().wrap(target as never, createMcpClient(), { agentId: "a" })).toThrow(TypeError);
    }
  });

  test("client: what is governed is not governed again, by this kernel or another; one that was closed may be", async () => {
    const raw = await major.connect(serverOf({}));
    open.push(raw);
    const governed = createKernel().wrap(raw, createMcpClient(), { agentId: "a" });
    expect(() => createKernel().wrap(governed, createMcpClient(), { agentId: "b" })).toThrow(TypeError);
    const other = createKernel().wrap(raw, createMcpClient(), { agentId: "b" });
    expect(await other.callTool({ name: "t" })).toMatchObject(text("ok"));
  });

  test("client: a server is told that a call was cancelled, and not why", async () => {
    for (const how of ["abort", "kill"] as const) {
      const heard: unknown[] = [];
      let begun: () => void = () => {};
      let end: () => void = () => {};
      const called = new Promise<void>((resolve) => (begun = resolve));
      const ended = new Promise<void>((resolve) => (end = resolve));
      const server = serverOf({
        "tools/call": (_params, context) =>
          new Promise((resolve) => {
            const signal = major.signalOf(context);
            signal.addEventListener("abort", () => {
              heard.push(String(signal.reason));
              resolve(text("stopped"));
              end();
            });
            begun();
          }),
      });
      const raw = await major.connect(server);
      open.push(raw);
      const kernel = createKernel();
      const client = kernel.wrap(raw, createMcpClient({ onDeny: "throw" }), { agentId: "a" });
      const caller = new AbortController();
      const call = client.callTool({ name: "t" }, ...major.options({ signal: caller.signal })).catch((error) => error);
      await called;
      if (how === "abort") caller.abort(`told by ${BAD}`);
      else kernel.kill("a");
      const error = await call;
      expect(how === "abort" ? error : error.code).toBe(how === "abort" ? `told by ${BAD}` : "session_killed");
      await ended;
      expect(heard).toHaveLength(1);
      expect(heard[0]).not.toMatch(new RegExp(`${BAD}|killed`));
    }
  });

  test("client: strict refuses one that lists again by itself, and the coverage names it", async () => {
    const listChanged = { tools: { onChanged: () => {} } };
    const server = serverOf({});
    const raw = await major.connect(server, { listChanged });
    open.push(raw);
    const kernel = createKernel();
    expect(() => kernel.wrap(raw, createMcpClient({ strict: true }), { agentId: "a" })).toThrow(/listChanged/);
    expect(kernel.coverage(kernel.wrap(raw, createMcpClient(), { agentId: "a" })).ungoverned).toContain("listChanged");
    const plain = await major.connect(serverOf({}));
    open.push(plain);
    const governed = kernel.wrap(plain, createMcpClient({ strict: true }), { agentId: "a" });
    expect(kernel.coverage(governed).ungoverned).not.toContain("listChanged");
  });

  test("client: what was judged is what goes on, when the server changes it meanwhile", async () => {
    const answer = { ...text("fine"), structuredContent: { deep: { note: "fine" } } };
    const slow = defineGuard({
      name: "slow",
      stages: ["post_tool_call"],
      check: async () => {
        await Promise.resolve();
        answer.content[0].text = BAD;
        answer.structuredContent.deep.note = BAD;
        return allow();
      },
    });
    const raw = await major.connect(serverOf({}));
    open.push(raw);
    (raw as any).callTool = () => Promise.resolve(answer);
    const governed = createKernel({ guards: [slow] }).wrap(raw, createMcpClient(), { agentId: "a" });
    expect(JSON.stringify(await governed.callTool({ name: "t" }))).not.toContain(BAD);
  });
}
