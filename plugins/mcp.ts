/**
 * The Model Context Protocol in both majors of its SDK (`@modelcontextprotocol/sdk` 1.x, `/client` and `/server` 2.x):
 * governed clients, governed servers.
 *
 * Every call passes the tool gates: a tool by its own name, with its `arguments`; `resources/read`,
 * `resources/subscribe`, `prompts/get` and
 * `completion/complete` by their method with a colon, with their params; a server's own methods by the method's name.
 * `_meta` passes, unjudged. Lists show
 * what may be called: each entry is judged by name, and as text from outside, so that a poisoned definition is hidden;
 * that takes nothing, and has the method
 * as its callId. For `pinTools`, `metadata.tool` is what the session's latest list said of a tool, and the handler
 * (`fn`) that an `McpServer` has for it.
 *
 * @module
 */
import type { ActInit, ClientPlugin, Coverage, Session, SessionSource } from "../mod.ts";

/** What the plugin needs of a client: that of either major has it. */
export interface McpClientLike {
  /** Calls a tool. */
  callTool(
    params: { name: string; arguments?: Record<string, unknown> },
    ...rest: never[]
  ): Promise<unknown>;
  /** Sends any request. */
  request(
    request: { method: string; params?: Record<string, unknown> },
    ...rest: never[]
  ): Promise<unknown>;
}
/** What the plugin needs of a server: `McpServer`, or the low-level `Server` that is inside one. */
export type McpServerLike = {
  setRequestHandler(...args: never[]): void;
  assertCanSetRequestHandler(method: string): void;
} | { readonly server: object };
/** What is known of a request when its session is looked up. */
export interface McpRequestInfo {
  /** The JSON-RPC method. */
  readonly method: string;
  /** The JSON-RPC id, as text; the act's callId. */
  readonly requestId: string;
  /** The transport's session, where it has any: no proof of who is calling. */
  readonly sessionId: string | undefined;
  /** What the authorization layer found out about the caller: token, client, scopes. */
  readonly authInfo: unknown;
  /** The SDK's own context of the request: `extra` in 1.x, `ctx` in 2.x. */
  readonly context: unknown;
}
/** How a governed client answers. */
export interface McpClientOptions {
  /**
   * A denied tool call resolves to a tool error, which the model reads, or rejects. Default `"result"`. Reads always
   * reject.
   */
  readonly onDeny?: "result" | "throw";
  /** Whether an answer marks the session tainted: servers are others' code. Default `true`. */
  readonly untrusted?: boolean;
}

type Fields = Record<string, unknown>;
type Methods = Record<string, (...args: unknown[]) => unknown>;
type Context = Fields & {
  readonly signal?: AbortSignal;
  readonly sessionId?: string;
  readonly mcpReq?: { readonly id: unknown; signal: AbortSignal };
};
type Handler = (
  request: { readonly params?: Fields | undefined; readonly method?: string },
  context: Context,
) => unknown;
type Send<T> = (params: Fields | undefined, more: T) => unknown;
/** What a session was told of tools, by their names, and how to find the handler of one. */
type Told = { readonly tools: Map<unknown, Fields>; readonly fnOf?: (name: string) => unknown };
const [CALL, LIST] = ["tools/call", "tools/list"];
const READS: ReadonlySet<string> = new Set([
  "resources/read",
  "resources/subscribe",
  "prompts/get",
  "completion/complete",
]);
/**
 * Of a list: where its entries are, what tells them apart, and the act that an entry is for, where that is not its
 * name.
 */
const LISTS: ReadonlyMap<string, readonly [items: string, id: string, act?: string]> = new Map([
  ["tools/list", ["tools", "name"]],
  ["prompts/list", ["prompts", "name", "prompts:get"]],
  ["resources/list", ["resources", "uri", "resources:read"]],
  ["resources/templates/list", ["resourceTemplates", "uriTemplate", "resources:read"]],
]);
/** Methods that tell about the connection, and do nothing. */
const INERT: ReadonlySet<string> = new Set([
  "initialize",
  "ping",
  "server/discover",
  "logging/setLevel",
  "resources/unsubscribe",
  "subscriptions/listen",
]);
/** A client's methods that send a request, and which. */
const SENDS: ReadonlyMap<string, string> = new Map(Object.entries({
  ...{
    callTool: CALL,
    readResource: "resources/read",
    subscribeResource: "resources/subscribe",
    getPrompt: "prompts/get",
    complete: "completion/complete",
  },
  ...{
    listTools: "tools/list",
    listPrompts: "prompts/list",
    listResources: "resources/list",
    listResourceTemplates: "resources/templates/list",
  },
}));
/** A client's methods that do not act. */
const PASSED = new RegExp(`^(?:${
  [
    "connect|close|ping|discover|setLoggingLevel|unsubscribeResource|sendRootsListChanged|setNotificationHandler|removeNotificationHandler|assert[A-Z].*",
    "registerCapabilities|setVersionNegotiation|get(?:ServerCapabilities|ServerVersion|Instructions|NegotiatedProtocolVersion|ProtocolEra|DiscoverResult)",
  ].join("|")
})$`);
/** Denials that speak of the moment, or of arguments that a list does not have. */
const NOT_OF_THE_NAME = /^(?:invalid_arguments|rate_limited|concurrency_limit|loop_detected|.*_exceeded)$/;
const BRAND = "sallyport.PolicyViolationError";
const IS_ASIDE = Symbol("is aside");

/** Governs clients as {@linkcode createMcpClient} does without options. */
export const mcpClient: ClientPlugin<McpClientLike> = createMcpClient();

/**
 * Make a plugin that governs a client with `kernel.wrap`: tool calls, reads and lists pass the gates, also those sent
 * with `request`.
 *
 * The governed client has the user's own type, and is a frozen object of its own: `instanceof` is false, fields such as
 * `transport` and `experimental` are
 * not there. What acts and is not governed (streams, tasks, notifications, request handlers, `listen`) throws a
 * `PolicyViolationError`; set handlers
 * before wrapping. A denied call and a withheld result resolve to `{ isError: true }` with the reason as text; a denied
 * read rejects.
 * Denies with `ungoverned_method`.
 *
 * @throws {TypeError} If an option is wrong.
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import { createMcpClient } from "@sallyport/sallyport/plugins/mcp";
 * import assert from "node:assert/strict";
 *
 * // Stands for the SDK's `new Client(…)`.
 * const list = async () => ({ tools: [{ name: "search" }, { name: "rm" }] });
 * const client = { callTool: async (_call: { name: string }) => ({}), request: list, listTools: list };
 * const kernel = createKernel({ policy: { allowedTools: ["search"] } });
 * const governed = kernel.wrap(client, createMcpClient({ onDeny: "throw" }), { agentId: "researcher" });
 * assert.deepEqual(await governed.listTools(), { tools: [{ name: "search" }] });
 * await assert.rejects(governed.callTool({ name: "rm" }), { code: "tool_not_allowed" });
 * ```
 */
export function createMcpClient(
  { onDeny = "result", untrusted = true }: McpClientOptions = {},
): ClientPlugin<McpClientLike> {
  if (!["result", "throw"].includes(onDeny)) {
    throw new TypeError(`Cannot build createMcpClient(): "onDeny" must be "result" or "throw", and is ${onDeny}`);
  }
  if (typeof untrusted !== "boolean") {
    throw new TypeError(`Cannot build createMcpClient(): "untrusted" must be a boolean, and is ${String(untrusted)}`);
  }
  return {
    name: "mcp-client",
    wrap: <C extends McpClientLike>(client: C, session: Session): C =>
      governClient(client as unknown as Methods, session, onDeny, untrusted) as C,
    coverage: (client: McpClientLike): Coverage => {
      const names = [...surfaceOf(client).keys()].sort();
      const [governed, passedThrough] = [
        names.filter((name) => name === "request" || SENDS.has(name)),
        names.filter((name) => PASSED.test(name)),
      ];
      return {
        governed,
        passedThrough,
        ungoverned: names.filter((name) => !governed.includes(name) && !passedThrough.includes(name)),
      };
    },
  };
}

function governClient(target: Methods, session: Session, onDeny: "result" | "throw", untrusted: boolean): object {
  const isSecond = typeof target["getProtocolEra"] === "function";
  const told: Told = { tools: new Map() };
  const notify = target["_onnotification"];
  if (notify !== undefined) {
    target["_onnotification"] = (...args) => { // the client may list again by itself, and tell its user what nobody sees here
      if ((args[0] as Fields)["method"] === "notifications/tools/list_changed") told.tools.clear();
      return notify.apply(target, args);
    };
  }
  const send = async (
    method: string,
    params: Fields | undefined,
    rest: unknown[],
    optionsAt: 0 | 1,
    go: Send<unknown[]>,
  ): Promise<unknown> => {
    if (LISTS.has(method)) return await listed(session, method, params, await go(params, rest), told);
    const options = { ...(rest[optionsAt] as Fields | undefined) };
    if (options["task"] !== undefined) throw violation("ungoverned_method", "A task does not pass the gates");
    const init = { signal: options["signal"] as AbortSignal | undefined, metadata: { untrusted } };
    const sendOn: Send<AbortSignal> = (sent, signal) =>
      go(sent, Object.assign([...rest], { [optionsAt]: { ...options, signal } }));
    return await pass(session, method, params, init, told, sendOn).catch((error: unknown) => {
      if (method !== CALL || onDeny === "throw" || !isViolation(error)) throw error;
      return {
        ...toolError(error.reason),
        ...(isSecond && target["getProtocolEra"]?.() === "modern" ? { resultType: "complete" } : {}),
      };
    });
  };
  const governed: Methods = {};
  for (const [name, isMethod] of surfaceOf(target)) {
    const method = SENDS.get(name);
    const optionsAt = name === "callTool" && !isSecond ? 1 : 0; // in 1.x after a result schema
    if (method !== undefined) {
      governed[name] = (params, ...rest) =>
        send(method, params as Fields, rest, optionsAt, (sent, after) => target[name]?.(sent, ...after));
    } else if (PASSED.test(name)) governed[name] = (...args) => target[name]?.(...args);
    else if (isMethod) {
      governed[name] = () => {
        throw violation("ungoverned_method", `${name}() does not pass the gates`);
      };
    }
  }
  governed["request"] = async (request, ...rest) => {
    const { method, params, ...others } = request as { method: string; params?: Fields };
    const go: Send<unknown[]> = (sent, after) => target["request"]?.({ ...others, method, params: sent }, ...after);
    if (method === CALL || READS.has(method) || LISTS.has(method)) {
      return await send(method, params, rest, isSecond && !isSchema(rest[0]) ? 0 : 1, go);
    }
    if (INERT.has(method) && method !== "initialize") return await go(params, rest);
    throw violation("ungoverned_method", `The method ${JSON.stringify(method)} does not pass the gates`);
  };
  return Object.freeze(governed);
}

/**
 * Govern a server in place: every request that it handles passes the gates of the session that `source` finds, and the
 * server is given back.
 *
 * Handlers set before and after are judged alike, however they were registered. Arguments are judged before the
 * server's own validation, which sees what the
 * gates let through; handlers get the act's signal joined with the request's. A denied call is answered with `{
 * isError: true }` and the reason, anything
 * else with a JSON-RPC error (code -32050, and `data.code`). Where `source` throws, the request is denied, and so is a
 * task. What only tells about the
 * connection passes (`ping`, …); notifications, and requests to the client, are not looked at. To call before a list
 * asks the server's own for one, unseen.
 * Denies with `ungoverned_method`, `guard_error`.
 *
 * @throws {Error} If this is no MCP server, it is governed already, or handlers were set before that cannot be reached.
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import { governMcpServer } from "@sallyport/sallyport/plugins/mcp";
 * import assert from "node:assert/strict";
 *
 * // Stands for the SDK's `new Server(…)`; an `McpServer` is governed alike.
 * let run: (request: object, context: object) => unknown = () => undefined;
 * const server = { assertCanSetRequestHandler: (_name: string) => {}, setRequestHandler: (_name: string, handler: typeof run) => void (run = handler) };
 * const session = createKernel({ policy: { allowedTools: ["search"] } }).session({ agentId: "files" });
 * governMcpServer(server, session).setRequestHandler("tools/call", () => ({ content: [{ type: "text", text: "done" }] }));
 * assert.deepEqual(await run({ params: { name: "rm" } }, {}), { isError: true, content: [{ type: "text", text: "This tool is not allowed" }] });
 * ```
 */
export function governMcpServer<S extends McpServerLike>(server: S, source: SessionSource<McpRequestInfo>): S {
  const wrong = (what: string): Error => new TypeError(`Cannot build governMcpServer(): ${what}`);
  const inner = ("server" in server ? server.server : server) as Fields & {
    fallbackRequestHandler?: Handler | undefined;
  };
  const { setRequestHandler: set, assertCanSetRequestHandler: assertFree, _requestHandlers: there } = inner;
  if (typeof set !== "function" || typeof assertFree !== "function") throw wrong('"server" must be an MCP server');
  if (typeof source !== "function" && typeof source?.tool !== "function") {
    throw wrong('"source" must be a session, or a function that finds one');
  }
  if (Object.getOwnPropertyDescriptor(inner, "fallbackRequestHandler")?.get !== undefined) {
    throw wrong("the server is governed already");
  }
  const tellings: WeakMap<Session, Told> = new WeakMap();
  const fnOf = (name: string): unknown =>
    (server as { _registeredTools?: Record<string, Fields> })._registeredTools?.[name]?.["handler"];
  const list = async (request: object, context: Context): Promise<unknown> =>
    (there as Map<string, Handler> | undefined)?.get(LIST)?.(request, { ...context, [IS_ASIDE]: true });
  const serve = async (
    method: string,
    given: Fields | undefined,
    context: Context,
    run: Send<Context>,
  ): Promise<unknown> => {
    if (INERT.has(method) || IS_ASIDE in context) return await run(given, context);
    const { mcpReq, sessionId, authInfo = (context["http"] as Fields | undefined)?.["authInfo"] } = context;
    const callId = String(mcpReq?.id ?? context["requestId"] ?? "");
    let hasThrown = false;
    const attempt: Send<Context> = (params, own) =>
      new Promise((resolve) => resolve(run(params, own))).catch((error) => {
        hasThrown = true;
        throw error;
      });
    try {
      const session = typeof source === "function"
        ? source({ method, requestId: callId, sessionId, authInfo, context })
        : source;
      const told = tellings.get(session) ?? { tools: new Map(), fnOf };
      tellings.set(session, told);
      if (LISTS.has(method)) {
        return await listed(session, method, given, await attempt(given, context), told, mcpReq !== undefined);
      }
      if (method === CALL && told.tools.size === 0) {
        learn(
          told,
          undefined,
          await list({ method: LIST, params: {} }, context).catch(() => undefined),
        );
      }
      return await pass(
        session,
        method,
        given,
        { callId, signal: mcpReq?.signal ?? context.signal },
        told,
        (params, signal) =>
          attempt(
            params,
            mcpReq === undefined ? { ...context, signal } : { ...context, mcpReq: { ...mcpReq, signal } },
          ),
      );
    } catch (error) {
      // What the handler threw was judged, and is the server's to tell; any other failure is ours, and stays here.
      if (hasThrown && !isViolation(error)) throw error;
      const { reason, code } = isViolation(error)
        ? error
        : { reason: "The request could not be judged", code: "guard_error" };
      if (method === CALL) return toolError(reason);
      // In the range that JSON-RPC leaves to servers, and used by neither MCP nor its SDKs.
      throw Object.assign(new Error(reason), { code: -32050, data: { code } });
    }
  };
  const around = (method: string | undefined, handler: Handler): Handler => (request, context) =>
    serve(
      method ?? request.method ?? "",
      request.params,
      context,
      (params, own) => handler({ ...request, params }, own),
    );
  if (there instanceof Map) {
    for (const [method, handler] of [...(there as Map<string, Handler>)]) there.set(method, around(method, handler));
  } // Not kept as either major keeps them: what was set before could not be governed, so nothing may have been.
  else for (const method of [CALL, ...READS.keys(), ...LISTS.keys()]) assertFree.call(inner, method);
  const setRequestHandler = (first: unknown, ...rest: unknown[]): void => {
    const handler = rest.pop() as Handler & Send<Context>;
    // With schemas of its own, 2.x hands over the params alone.
    const bare = (params: Fields, context: Context): unknown => serve(first as string, params, context, handler);
    set.call(
      inner,
      first,
      ...rest,
      rest.length > 0 ? bare : around(typeof first === "string" ? first : undefined, handler),
    );
  };
  let fallback = inner.fallbackRequestHandler;
  const later = {
    get: () => fallback && around(undefined, fallback),
    set: (handler: Handler | undefined) => void (fallback = handler),
  };
  Object.defineProperties(inner, { setRequestHandler: { value: setRequestHandler }, fallbackRequestHandler: later });
  return server;
}

/** One act: what the gates let through is sent, and what they let through of the answer comes back. */
async function pass(
  session: Session,
  method: string,
  given: Fields | undefined,
  init: ActInit,
  told: Told,
  send: Send<AbortSignal>,
): Promise<unknown> {
  const { _meta, ...plain } = { ...given };
  const { name: tool, arguments: args, ...others } = plain;
  const isTool = method === CALL;
  if (others["task"] !== undefined) throw violation("ungoverned_method", "A task does not pass the gates");
  const name = isTool ? toolName(tool) : READS.has(method) ? method.replace("/", ":") : method;
  const metadata = { ...init.metadata, tool: isTool ? identity(told, name, told.tools.get(name)) : undefined };
  let beside = isTool ? (JSON.parse(JSON.stringify(others)) as Fields) : {};
  if (Object.keys(beside).length > 0) { // the answers to a server's questions
    const decision = await session.check({
      stage: "pre_tool_call",
      name,
      payload: beside,
      callId: init.callId,
      metadata,
    });
    if (!decision.allowed) throw violation(decision.code, decision.reason);
    if (decision.effect === "transform") beside = decision.payload as Fields;
  }
  let kept: object | undefined;
  const judged: unknown = await session.tool(
    { name, arguments: isTool ? (args ?? {}) : plain, ...init, metadata },
    async (safe: Fields, signal, changed) => {
      const sent = isTool
        ? { ...beside, name: tool, ...(args === undefined && !changed ? {} : { arguments: safe }) }
        : safe;
      const result = await send(_meta === undefined ? sent : { ...sent, _meta }, signal);
      if (typeof result !== "object" || result === null) return result;
      const fields = Reflect.ownKeys(result).map((key) =>
        [key, (result as Record<PropertyKey, unknown>)[key]] as const
      );
      kept = Object.fromEntries(fields.filter(isKept));
      return Object.fromEntries(fields.filter((field) => !isKept(field)));
    },
  );
  if (kept === undefined) return judged;
  if (typeof judged !== "object" || judged === null) {
    throw violation("guard_error", "A guard changed the result to something that is no result");
  }
  return { ...judged, ...kept };
}

/** A list without what may not be called. */
async function listed(
  session: Session,
  callId: string,
  params: Fields | undefined,
  result: unknown,
  told: Told,
  isCacheable = false,
): Promise<unknown> {
  const [key, id, act] = LISTS.get(callId) ?? ["", ""];
  const items = (result as Fields | null)?.[key];
  if (!Array.isArray(items)) return result;
  if (callId === LIST) learn(told, params?.["cursor"], result);
  const show = async (item: Fields): Promise<Fields | undefined> => {
    const name = act ?? toolName(item[id]);
    const payload = act === undefined ? {} : { [act === "prompts:get" ? "name" : "uri"]: item[id] };
    const tool = act === undefined ? identity(told, name, definitionOf(item)) : undefined;
    const before = await session.check({ stage: "pre_tool_call", name, payload, callId, metadata: { tool } });
    if (before.effect === "deny" && !NOT_OF_THE_NAME.test(before.code)) return undefined;
    const after = await session.check({ stage: "post_tool_call", name, payload: item, callId });
    if (after.effect !== "transform") return after.allowed ? item : undefined;
    return (after.payload as Fields | null)?.[id] === item[id] ? { ...(after.payload as Fields) } : undefined;
  };
  const shown = (await Promise.all(items.map(show))).filter((item) => item !== undefined);
  // Another caller's list is another one: it must not come out of a shared cache.
  return {
    ...(result as Fields),
    [key]: shown,
    ...(isCacheable && shown.length < items.length ? { cacheScope: "private" } : {}),
  };
}

/** Remembers a list of tools, in place of the one before, unless it continues that. */
function learn({ tools }: Told, cursor: unknown, list: unknown): void {
  if (cursor === undefined) tools.clear();
  for (const tool of (list as { tools?: Fields[] } | undefined)?.tools ?? []) {
    tools.set(tool["name"], definitionOf(tool));
  }
}

/** The public names of an object's methods (`true`) and accessors, inherited ones too, without calling any. */
function surfaceOf(object: object | null): ReadonlyMap<string, boolean> {
  if (object === null || object === Object.prototype) return new Map();
  const own = Object.entries(Object.getOwnPropertyDescriptors(object))
    .filter(([name, { value, get }]) =>
      !/^(?:_|constructor$|on[a-z]+$)/.test(name) && (typeof value === "function" || get !== undefined)
    );
  return new Map([
    ...surfaceOf(Object.getPrototypeOf(object) as object | null),
    ...own.map(([name, { get }]) => [name, get === undefined] as const),
  ]);
}

/** What a list says of a tool: a copy, since the list goes to somebody who may change it. */
const definitionOf = ({ description, inputSchema }: Fields): Fields =>
  JSON.parse(JSON.stringify({ description, inputSchema })) as Fields;
const identity = ({ fnOf }: Told, name: string, definition?: Fields): Fields | undefined =>
  definition && { ...definition, fn: fnOf?.(name) };
/** Not the server's words: what the SDK notes under symbols, and how long an answer may be cached. */
const isKept = ([key, value]: readonly [PropertyKey, unknown]): boolean =>
  typeof key === "symbol" || key === "_meta" || (key === "cacheScope" && (value === "public" || value === "private"));
// A server could name a tool like a read, to be called by whoever may read: it has no name that a gate lets through.
const toolName = (name: unknown): string => (READS.has(String(name).replace(":", "/")) ? "" : (name as string));
const isSchema = (value: unknown): boolean =>
  Object(value) === value && ["~standard", "_def", "_zod"].some((key) => key in (value as object));
const toolError = (reason: string): Fields => ({ isError: true, content: [{ type: "text", text: reason }] });
/** A `PolicyViolationError`, as another copy of the package would make it. */
const violation = (
  code: string,
  reason: string,
  decision: object = { effect: "deny", allowed: false, code, reason },
): Error =>
  Object.assign(new Error(reason), {
    name: "PolicyViolationError",
    "~brand": BRAND,
    code,
    reason,
    stage: "pre_tool_call",
    decision,
  });
const isViolation = (error: unknown): error is Error & { readonly reason: string; readonly code: string } =>
  Object(error) === error && (error as Fields)["~brand"] === BRAND;
