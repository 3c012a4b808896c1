/**
 * Every field that the SDK's own schemas know, of every result, request and notification, carries a bad text once: what
 * is neither judged nor named here fails.
 */
import { afterEach, expect, test } from "vitest";
import * as z from "zod";
import { createKernel, type KernelOptions, pinTools } from "../../mod.ts";
import { createMcpClient, governMcpServer, type McpServerLike } from "../../plugins/mcp.ts";
import type { AnyClient, AnyServer, Major } from "./mcp-cases.ts";

const BAD = "hunter2";
const options: KernelOptions = { policy: { blockedPatterns: [BAD], maxToolCalls: 1_000_000 } };

/** Named, not judged: what no honest text fits in, and what is refused whatever it says. */
const NAMED: Readonly<Record<string, string>> = {
  task: "tasks do not pass the gates",
  protocolVersion: "the SDK takes only versions that it knows",
  resultType: "the SDK takes only kinds of results that it knows",
};
/** Methods that do not pass the gates. */
const REFUSED = /^(?:tasks\/|notifications\/tasks\/|subscriptions\/)/;
/** Results by the methods that they answer. */
const RESULTS: Readonly<Record<string, string>> = {
  "completion/complete": "CompleteResultSchema",
  "prompts/get": "GetPromptResultSchema",
  "prompts/list": "ListPromptsResultSchema",
  "resources/list": "ListResourcesResultSchema",
  "resources/templates/list": "ListResourceTemplatesResultSchema",
  "resources/read": "ReadResourceResultSchema",
  "tools/call": "CallToolResultSchema",
  "tools/list": "ListToolsResultSchema",
};
/** Requests and results of a server to its client. */
const QUESTIONS: Readonly<Record<string, readonly string[]>> = {
  "sampling/createMessage": ["CreateMessageResultSchema", "CreateMessageResultWithToolsSchema"],
  "elicitation/create": ["ElicitResultSchema"],
  "roots/list": ["ListRootsResultSchema"],
};
/** Requests that are no question for a text: they keep the connection, and are looked at elsewhere. */
const OTHERS = new Set(["ping", "initialize", "server/discover"]);

interface Json {
  readonly [key: string]: any;
}

/** An honest value of a schema. */
function honest(schema: Json, defs: Json, depth = 0): any {
  const { $ref, const: only, enum: some, type } = schema;
  if ($ref !== undefined) return depth > 8 ? null : honest(defs[$ref.split("/").at(-1)], defs, depth + 1);
  if (only !== undefined) return only;
  if (some !== undefined) return some[0];
  const one = schema["anyOf"] ?? schema["oneOf"];
  if (one !== undefined) return honest(one[0], defs, depth + 1);
  if (schema["allOf"] !== undefined) {
    return Object.assign(
      {},
      ...schema["allOf"].map((part: Json) => honest(part, defs, depth + 1)),
    );
  }
  switch (type) {
    case "string":
      return schema["format"] === "date-time"
        ? "2026-01-01T00:00:00Z"
        : schema["format"] === "uri"
        ? "https://a.example/x"
        : schema["pattern"]
        ? "file:///x"
        : "eHh4";
    case "number":
    case "integer":
      return Math.max(schema["minimum"] ?? 1, 1);
    case "boolean":
      return false;
    case "null":
      return null;
    case "array":
      return depth > 8 ? [] : [honest(schema["items"] ?? {}, defs, depth + 1)];
    case "object":
      return Object.fromEntries(
        Object.entries<Json>(schema["properties"] ?? {}).filter(([key]) =>
          !(key in NAMED) || schema["required"]?.includes(key)
        )
          .map(([key, part]) => [key, honest(part, defs, depth + 1)]),
      );
    default:
      return {};
  }
}

/** The values of a schema that say something bad in one place, each with the way there. */
function* bad(schema: Json, defs: Json, path: string, depth = 0): Generator<readonly [string, any]> {
  const { $ref, const: only, enum: some, type } = schema;
  if (depth > 10 || only !== undefined || some !== undefined) return;
  if ($ref !== undefined) return yield* bad(defs[$ref.split("/").at(-1)], defs, path, depth + 1);
  for (const kind of ["anyOf", "oneOf"]) {
    if (schema[kind] !== undefined) {
      for (const [at, part] of schema[kind].entries()) yield* bad(part, defs, `${path}|${at}`, depth + 1);
      return;
    }
  }
  if (schema["allOf"] !== undefined) {
    for (const part of schema["allOf"]) {
      for (const [where, value] of bad(part, defs, path, depth + 1)) {
        yield [where, { ...honest(schema, defs), ...value }];
      }
    }
    return;
  }
  switch (type) {
    case "string":
      if (schema["format"] === "date-time") return;
      yield [
        path,
        schema["format"] === "uri"
          ? `https://a.example/${BAD}`
          : schema["pattern"]
          ? `file:///${BAD}`
          : /\.(?:data|blob)(?:\||$)/.test(path)
          ? btoa(`some ${BAD}`)
          : BAD,
      ];
      return;
    case "array":
      for (const [where, value] of bad(schema["items"] ?? {}, defs, `${path}[]`, depth + 1)) yield [where, [value]];
      return;
    case "object": {
      const base = honest(schema, defs, depth);
      for (const [key, part] of Object.entries<Json>(schema["properties"] ?? {})) {
        if (key in NAMED) continue;
        for (const [where, value] of bad(part, defs, `${path}.${key}`, depth + 1)) {
          yield [where, { ...base, [key]: value }];
        }
      }
      const more = schema["additionalProperties"];
      if (more !== undefined && more !== false) yield [`${path}.*`, { ...base, more: BAD }];
      return;
    }
    case undefined:
      yield [path, { more: BAD }];
  }
}

/** The walk, over a major's schemas. */
export function mcpFields(major: Major, schemas: Readonly<Record<string, any>>): void {
  const open: AnyClient[] = [];
  afterEach(async () => {
    for (const client of open.splice(0)) await client.close();
  });
  const json = (schema: z.ZodType): Json => z.toJSONSchema(schema, { unrepresentable: "any", io: "input" }) as Json;
  const partOf = (schema: any, key: "params"): z.ZodType | undefined => schema.shape[key];
  const methodOf = (schema: any): string => schema.shape.method.value;
  const all = (schema: z.ZodType): readonly (readonly [string, any])[] => {
    const tree = json(schema);
    return [...bad(tree, tree["$defs"] ?? {}, "")];
  };
  const good = (schema: z.ZodType): any => {
    const tree = json(schema);
    return honest(tree, tree["$defs"] ?? {});
  };
  const capabilities = {
    capabilities: { sampling: { tools: {}, context: {} }, elicitation: { form: {}, url: {} }, roots: {} },
  };

  interface Pair {
    readonly client: AnyClient;
    readonly raw: AnyClient;
    readonly server: AnyServer;
    /** What a handler answers, and what it was given. */
    answer: any;
    readonly given: any[];
    /** The method whose params are kept. */
    sent?: string;
  }
  async function pair(side: "client" | "server", more: KernelOptions = options): Promise<Pair> {
    const server = major.server();
    server.registerTool("t", {}, () => ({ content: [] }));
    server.registerPrompt("p", {}, () => ({ messages: [] }));
    server.registerResource("r", "note:///r", {}, () => ({ contents: [] }));
    server.server.registerCapabilities({ logging: {}, completions: {}, resources: { subscribe: true } });
    const kernel = createKernel(more);
    if (side === "server") governMcpServer(server as McpServerLike, kernel.session({ agentId: "a" }));
    const it: any = { server, answer: {}, given: [] };
    for (
      const method of [...Object.keys(RESULTS), "resources/subscribe", "resources/unsubscribe", "logging/setLevel"]
    ) {
      server.server._requestHandlers.set(method, async ({ params }: any) => {
        // Before a call a server's own list is asked, by itself.
        if (method === it.sent) it.given.push(params);
        return it.answer;
      });
    }
    it.raw = await major.connect(server, capabilities);
    open.push(it.raw);
    it.client = side === "client" ? kernel.wrap(it.raw as AnyClient, createMcpClient(), { agentId: "a" }) : it.raw;
    return it;
  }
  const outcome = async (run: () => Promise<any>): Promise<string> => {
    try {
      return JSON.stringify(await run()) ?? "";
    } catch (error: any) {
      return JSON.stringify({ ...error, message: error.message });
    }
  };
  const holds = (text: string): boolean => text.includes(BAD) || text.includes(btoa(`some ${BAD}`));

  test("every method of the schemas is known here", () => {
    const methods = ["ClientRequestSchema", "ServerRequestSchema"].flatMap((name) =>
      schemas[name].options.map(methodOf)
    );
    const known = new Set([
      ...Object.keys(RESULTS),
      ...Object.keys(QUESTIONS),
      ...OTHERS,
      "logging/setLevel",
      "resources/subscribe",
      "resources/unsubscribe",
    ]);
    expect(methods.filter((method) => !known.has(method) && !REFUSED.test(method))).toEqual([]);
    expect(methods.length).toBeGreaterThan(10);
  });

  for (const side of ["client", "server"] as const) {
    test(`${side}: every field of a tool but its name can be pinned, and a change of it is refused`, async () => {
      const schema = json(schemas["ToolSchema"]);
      const fields = Object.entries<Json>(schema["properties"]).filter(([key]) => key !== "name");
      expect(fields.length).toBeGreaterThan(7);
      const first = { ...honest(schema, schema["$defs"] ?? {}), name: "t", inputSchema: { type: "object" } };
      first.outputSchema = { type: "object" };
      const changes = new Map<string, unknown[]>(fields.map(([key, part]) => {
        const bads = [...bad(part, schema["$defs"] ?? {}, `.${key}`)].map(([, value]) => value);
        const others = Object.entries<Json>(part["properties"] ?? {}).flatMap(([inner, { type, enum: some }]) =>
          type === "boolean" ? [{ [inner]: true }] : some === undefined ? [] : [{ [inner]: some.at(-1) }]
        );
        return [key, [...bads, ...others.map((one) => ({ ...first[key], ...one }))]];
      }));
      for (const [key, values] of changes) {
        expect(values.length, key).toBeGreaterThan(0);
        // What the era has no word for, nobody sees.
        const it = await pair(side, { guards: [pinTools({ t: { [key]: first[key] } })] });
        it.answer = { tools: [first] };
        if (side === "client" && !(key in (await it.raw.listTools()).tools[0])) continue;
        const calls = async (): Promise<boolean> => {
          // What an SDK takes for no tool, nobody is told.
          if (!await it.client.listTools().then(() => true, () => false)) return false;
          const answer = it.answer;
          it.answer = { content: [], structuredContent: {} };
          const { isError = false } = await major.direct(it.client, "tools/call", { name: "t" });
          it.answer = answer;
          return !isError;
        };
        expect(await calls(), key).toBe(true);
        for (const value of values) {
          it.answer = { tools: [{ ...first, [key]: value }] };
          expect(await calls(), `${key} ${JSON.stringify(value)}`).toBe(false);
        }
        const { [key]: _, ...without } = first;
        if (key === "inputSchema") continue;
        it.answer = { tools: [without] };
        expect(await calls(), `no ${key}`).toBe(false);
      }
    });

    test.each(Object.entries(RESULTS))(`${side}: every field of what %s answers is judged`, async (method, name) => {
      const it = await pair(side);
      const params = {
        name: "t",
        uri: "note:///r",
        ref: { type: "ref/prompt", name: "p" },
        argument: { name: "a", value: "b" },
      };
      it.answer = good(schemas[name]);
      const clean = await outcome(() => major.direct(it.client, method, params));
      expect(clean).not.toMatch(/"isError":true|"code"/);
      const let_through: string[] = [];
      const places = all(schemas[name]);
      expect(places.length).toBeGreaterThan(1);
      for (const [where, answer] of places) {
        it.answer = answer;
        if (holds(await outcome(() => major.direct(it.client, method, params)))) let_through.push(where);
      }
      expect(let_through).toEqual([]);
    });

    const requests = schemas["ClientRequestSchema"].options
      .filter((schema: any) =>
        !REFUSED.test(methodOf(schema)) && !OTHERS.has(methodOf(schema)) && partOf(schema, "params") !== undefined
      )
      .map((schema: any) => [methodOf(schema), partOf(schema, "params")]);
    test.each<[string, z.ZodType]>(requests)(`${side}: every field of %s is judged`, async (method, schema) => {
      const it = await pair(side);
      it.answer = RESULTS[method] === undefined ? {} : good(schemas[RESULTS[method]]);
      it.sent = method;
      const send = (params: any): Promise<string> => outcome(() => major.direct(it.client, method, params));
      const first = good(schema) ?? {};
      const clean = await send(first);
      // The era has no such request.
      if (/not supported by the negotiated|Method not found/.test(clean)) return;
      expect(it.given, clean).toHaveLength(1);
      for (const [where, params] of all(schema)) {
        // A tool's name is judged by the lists of names.
        if (method === "tools/call" && where === ".name") continue;
        it.given.length = 0;
        await send(params);
        expect(holds(JSON.stringify(it.given)), where).toBe(false);
      }
    });

    test.each(Object.entries(QUESTIONS))(
      `${side}: every field of %s and of its answer is judged`,
      async (method, answers) => {
        if (!major.canAsk) return;
        const it = await pair(side);
        const asked: any[] = [];
        let reply: any;
        (it.raw as any)._requestHandlers.set(method, async ({ params }: any) => (asked.push(params), reply));
        let question: any;
        let heard = "";
        it.server.server._requestHandlers.set("tools/call", async (_request: any, context: any) => {
          heard = await outcome(() => major.ask(context, method, question));
          return { content: [] };
        });
        const schema = partOf(
          schemas["ServerRequestSchema"].options.find((one: any) => methodOf(one) === method),
          "params",
        ) as z.ZodType;
        const call = (): Promise<string> => outcome(() => it.client.callTool({ name: "t" }));
        reply = good(schemas[answers[0] as string]);
        question = good(schema) ?? {};
        await call();
        expect(asked, heard).toHaveLength(1);
        for (const [where, params] of all(schema)) {
          asked.length = 0;
          question = params;
          await call();
          expect(holds(JSON.stringify(asked)), where).toBe(false);
        }
        question = good(schema) ?? {};
        for (const name of answers) {
          for (const [where, answer] of all(schemas[name])) {
            reply = answer;
            heard = "";
            await call();
            expect(holds(heard), `${name} ${where}`).toBe(false);
          }
        }
      },
    );

    const [from, to] = side === "client"
      ? ["ServerNotificationSchema", "raw"] as const
      : ["ClientNotificationSchema", "server"] as const;
    test.each<[string, z.ZodType]>(
      schemas[from].options.filter((schema: any) =>
        !REFUSED.test(methodOf(schema)) && partOf(schema, "params") !== undefined
      )
        .map((schema: any) => [methodOf(schema), partOf(schema, "params")]),
    )(`${side}: every field of %s is judged`, async (method, schema) => {
      const it = await pair(side);
      const target = to === "raw" ? it.raw as any : it.server.server;
      const heard: any[] = [];
      const base = Object.getPrototypeOf(target)._onnotification;
      expect(base).toBeTypeOf("function");
      target._notificationHandlers.set(method, (one: any) => (heard.push(one.params), Promise.resolve()));
      const deliver = async (params: any): Promise<void> => {
        target._onnotification({ jsonrpc: "2.0", method, params });
        for (let i = 0; i < 10; i++) await Promise.resolve();
      };
      for (const [where, params] of all(schema)) {
        heard.length = 0;
        await deliver(params);
        // What ends a request arrives by its id, and without its reason.
        const told = JSON.stringify(
          method === "notifications/cancelled" ? heard.map(({ reason }) => reason) : heard,
        );
        expect(holds(told), where).toBe(false);
      }
    });
  }

  test("client: every field of what a server says of itself is judged", async () => {
    const it = await pair("client");
    const inside = it.raw as any;
    const { properties, $defs = {} } = json(schemas["InitializeResultSchema"]);
    const reads = [["instructions", "_instructions", "getInstructions"], [
      "serverInfo",
      "_serverVersion",
      "getServerVersion",
    ], [
      "capabilities",
      "_serverCapabilities",
      "getServerCapabilities",
    ]] as const;
    expect(Object.keys(properties).filter((key) => key !== "_meta" && !(key in NAMED)).sort()).toEqual(
      reads.map(([key]) => key).sort(),
    );
    for (const [key, field, read] of reads) {
      inside[field] = honest(properties[key], $defs);
      expect((it.client as any)[read]()).toEqual(inside[field]);
      for (const [where, value] of bad(properties[key], $defs, key)) {
        inside[field] = value;
        expect(holds(JSON.stringify((it.client as any)[read]()) ?? ""), where).toBe(false);
      }
    }
  });

  test("server: every field of what a client says of itself is judged", async () => {
    if (!major.canAsk) return;
    const it = await pair("server");
    const schema = partOf(schemas["InitializeRequestSchema"], "params") as z.ZodType;
    const initialize = (params: any): Promise<string> =>
      outcome(() => major.direct(it.raw, "initialize", { ...params, protocolVersion: "2025-11-25" }));
    expect(await initialize(good(schema))).toContain("serverInfo");
    for (const [where, params] of all(schema)) {
      await initialize(params);
      const { _clientVersion: version, _clientCapabilities: can } = it.server.server;
      expect(holds(JSON.stringify([version, can])), where).toBe(false);
    }
  });
}
