/**
 * The Model Context Protocol, both majors of its SDK (`@modelcontextprotocol/sdk` 1.x, `/client` and `/server` 2.x): governed
 * clients, and servers whose handlers pass the gates.
 *
 * Every call is an act at the tool gates. A tool goes by its own name, with its `arguments`; `resources/read`, `resources/subscribe`,
 * `prompts/get` and `completion/complete` are `resources:read`, `resources:subscribe`, `prompts:get` and `completion:complete`, with
 * their params; a server's own methods go by the method's name. `_meta` passes both ways, unjudged. Lists show what may be called:
 * each entry is judged once by name, with no arguments, and once as text from outside, with all of its definition, so that a poisoned
 * description is hidden. That opens nothing and takes nothing; its events and records have the method (`tools/list`) as their callId.
 *
 * @module
 */
import type { ClientPlugin, Coverage, Decision, DecisionCode, Session, SessionSource } from "../mod.ts";

/** What the plugin needs of a client: that of either major has it. */
export interface McpClientLike {
  /** Calls a tool. */
  callTool(params: { name: string; arguments?: Record<string, unknown> }, ...rest: never[]): Promise<unknown>;
  /** Sends any request. */
  request(request: { method: string; params?: Record<string, unknown> }, ...rest: never[]): Promise<unknown>;
}

/** What the plugin needs of a low-level server. */
export interface McpProtocolLike {
  /** Installs a request handler. */
  setRequestHandler(...args: never[]): void;
  /** Throws where there is a handler already. */
  assertCanSetRequestHandler(method: string): void;
}

/** What the plugin needs of a server: `McpServer` or the low-level `Server`. */
export type McpServerLike = McpProtocolLike | { readonly server: McpProtocolLike };

/** What is known of a request when its session is looked up. */
export interface McpRequestInfo {
  /** The JSON-RPC method. */
  readonly method: string;
  /** The JSON-RPC id, as text; the act's callId. */
  readonly requestId: string;
  /** The transport's session, where it has any. Chosen by the transport, and no proof of who is calling. */
  readonly sessionId: string | undefined;
  /** What the authorization layer found out about the caller: token, client, scopes. */
  readonly authInfo: unknown;
  /** The SDK's own context of the request: `extra` in 1.x, `ctx` in 2.x. */
  readonly context: unknown;
}

/** How a governed client answers. */
export interface McpClientOptions {
  /** A denied tool call resolves to a tool error that the model reads, or rejects. Default `"result"`. Reads always reject. */
  readonly onDeny?: "result" | "throw";
  /** Whether results mark the session tainted: servers are others' code. Default `true`. */
  readonly untrusted?: boolean;
}

type Fields = Record<string, unknown>;
type Method = (...args: unknown[]) => unknown;
type Handler = (request: { readonly params?: Fields | undefined; readonly method?: string }, context: Context) => unknown;
interface Context { readonly signal?: AbortSignal; readonly sessionId?: string; readonly authInfo?: unknown; readonly requestId?: string | number; readonly mcpReq?: { readonly id?: string | number; readonly signal?: AbortSignal }; readonly http?: { readonly authInfo?: unknown } }
interface Call { readonly name: string; readonly payload: unknown; readonly beside: Fields; put(payload: unknown, changed: boolean): Fields }

const CALL = "tools/call";
const READS: ReadonlyMap<string, string> = new Map([["resources/read", "resources:read"], ["resources/subscribe", "resources:subscribe"], ["prompts/get", "prompts:get"], ["completion/complete", "completion:complete"]]);
/** Of a list: where its entries are, the act that an entry is for, and the field that the act is called with. */
const LISTS: ReadonlyMap<string, readonly [items: string, act: string, id: string]> = new Map([
  ["tools/list", ["tools", "", "name"]],
  ["prompts/list", ["prompts", "prompts:get", "name"]],
  ["resources/list", ["resources", "resources:read", "uri"]],
  ["resources/templates/list", ["resourceTemplates", "resources:read", "uriTemplate"]],
]);
/** Methods that tell about the connection, and do nothing. */
const INERT: ReadonlySet<string> = new Set(["initialize", "ping", "server/discover", "logging/setLevel", "resources/unsubscribe", "subscriptions/listen"]);
/** A client's methods that send a request, and which. */
const SENDS: ReadonlyMap<string, string> = new Map([
  ["callTool", CALL], ["readResource", "resources/read"], ["subscribeResource", "resources/subscribe"], ["getPrompt", "prompts/get"], ["complete", "completion/complete"],
  ["listTools", "tools/list"], ["listPrompts", "prompts/list"], ["listResources", "resources/list"], ["listResourceTemplates", "resources/templates/list"],
]);
const PASSED: ReadonlySet<string> = new Set([
  ...["connect", "close", "ping", "discover", "setLoggingLevel", "unsubscribeResource", "sendRootsListChanged", "setNotificationHandler", "removeNotificationHandler"],
  ...["registerCapabilities", "setVersionNegotiation", "getServerCapabilities", "getServerVersion", "getInstructions", "getNegotiatedProtocolVersion", "getProtocolEra", "getDiscoverResult"],
]);
/** Denials that speak of the moment, or of arguments that a list does not have. */
const NOT_OF_THE_NAME: ReadonlySet<string> = new Set<DecisionCode>(["invalid_arguments", "max_tool_calls_exceeded", "token_budget_exceeded", "cost_budget_exceeded", "rate_limited", "concurrency_limit", "loop_detected", "low_confidence"]);
const BRAND = "sallyport.PolicyViolationError";
/** In the range that JSON-RPC leaves to servers, and used by neither MCP nor its SDKs. */
const DENIED = -32050;

/**
 * Govern a client with `kernel.wrap`: tool calls, reads and lists pass the gates, also those sent with `request`.
 *
 * The governed client has the type of the user's own, and is a frozen object of its own: `instanceof` is false, and fields such as
 * `transport` and `experimental` are not there. What sends and is not listed as governed (streams, tasks, notifications, request
 * handlers, `listen`) throws a `PolicyViolationError`; handlers belong on the client before it is wrapped. A denied call resolves to
 * `{ isError: true }` with the reason as its text, as does a withheld result; a denied read rejects.
 * Denies with `ungoverned_method`.
 *
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import { mcpClient } from "@sallyport/sallyport/plugins/mcp";
 * import assert from "node:assert/strict";
 *
 * // Stands for the SDK's `new Client(…)`.
 * const client = { callTool: async () => ({ content: [], isError: false }), request: async () => ({}), listTools: async () => ({ tools: [{ name: "search" }, { name: "rm" }] }) };
 * const governed = createKernel({ policy: { allowedTools: ["search"] } }).wrap(client, mcpClient, { agentId: "researcher" });
 * assert.deepEqual(await governed.listTools(), { tools: [{ name: "search" }] });
 * assert.deepEqual(await governed.request({ method: "tools/call", params: { name: "rm" } }), { isError: true, content: [{ type: "text", text: 'Tool "rm" is not allowed' }] });
 * ```
 */
export const mcpClient: ClientPlugin<McpClientLike> = createMcpClient();

/**
 * Make the client plugin with options; `mcpClient` is the one without.
 *
 * @throws {TypeError} If an option is wrong.
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import { createMcpClient } from "@sallyport/sallyport/plugins/mcp";
 * import assert from "node:assert/strict";
 *
 * const client = { callTool: async (_params: { name: string }) => ({ content: [] }), request: async () => ({}) };
 * const governed = createKernel({ policy: { allowedTools: [] } }).wrap(client, createMcpClient({ onDeny: "throw" }), { agentId: "a" });
 * await assert.rejects(governed.callTool({ name: "search" }), { code: "tool_not_allowed" });
 * ```
 */
export function createMcpClient(options: McpClientOptions = {}): ClientPlugin<McpClientLike> {
  const { onDeny = "result", untrusted = true } = options;
  if (onDeny !== "result" && onDeny !== "throw") throw new TypeError(`Cannot build createMcpClient(): "onDeny" must be "result" or "throw", and is ${String(onDeny)}`);
  if (typeof untrusted !== "boolean") throw new TypeError(`Cannot build createMcpClient(): "untrusted" must be a boolean, and is ${String(untrusted)}`);
  return {
    name: "mcp-client",
    wrap: <C extends McpClientLike>(client: C, session: Session): C => governClient(client, session, onDeny, untrusted) as C,
    coverage: (client: McpClientLike): Coverage => {
      const names = surfaceOf(client).map(([name]) => name);
      const governed = names.filter((name) => name === "request" || SENDS.has(name));
      const passedThrough = names.filter(isPassed);
      return { governed, passedThrough, ungoverned: names.filter((name) => !governed.includes(name) && !passedThrough.includes(name)) };
    },
  };
}

function governClient(client: McpClientLike, session: Session, onDeny: "result" | "throw", untrusted: boolean): object {
  const target = client as unknown as Record<string, Method>;
  const isSecond = typeof target["getProtocolEra"] === "function";
  /** `at`: where among what follows the params the options are. */
  const send = async (method: string, given: Fields, rest: readonly unknown[], at: number, go: (params: Fields | undefined, rest: readonly unknown[]) => unknown): Promise<unknown> => {
    if (LISTS.has(method)) return await listed(session, method, await go(given, rest));
    const options = { ...(rest[at] as Fields | undefined) };
    const params = { ...given };
    if (params["task"] !== undefined || options["task"] !== undefined) throw ungoverned("A task");
    try {
      return await pass(session, callOf(method, params), { signal: options["signal"] as AbortSignal | undefined, metadata: { untrusted } }, (sent, signal) => {
        const after = [...rest];
        after[at] = { ...options, signal };
        return go(sent, Array.from(after));
      });
    } catch (error) {
      if (method !== CALL || onDeny === "throw" || !isViolation(error)) throw error;
      return toolError(error.reason, isSecond && target["getProtocolEra"]?.() === "modern");
    }
  };
  const governed: Record<string, unknown> = {};
  for (const [name, isMethod] of surfaceOf(client)) {
    const method = SENDS.get(name);
    if (!isMethod) continue;
    // In 1.x the options of callTool come after a result schema.
    if (method !== undefined) governed[name] = (params: Fields, ...rest: unknown[]) => send(method, params, rest, name === "callTool" && !isSecond ? 1 : 0, (sent, after) => target[name]?.(sent, ...after));
    else if (isPassed(name)) governed[name] = (...args: unknown[]) => target[name]?.(...args);
    else governed[name] = () => { throw ungoverned(`${name}()`); };
  }
  governed["request"] = async (request: { method: string; params?: Fields }, ...rest: unknown[]): Promise<unknown> => {
    const { method, params = {}, ...others } = request;
    const go = (sent: Fields | undefined, after: readonly unknown[]): unknown => target["request"]?.({ ...others, method, params: sent }, ...after);
    if (INERT.has(method) && method !== "initialize") return await go(params, rest);
    if (method !== CALL && !READS.has(method) && !LISTS.has(method)) throw ungoverned(`The method ${JSON.stringify(method)}`);
    return await send(method, params, rest, isSecond && !isSchema(rest[0]) ? 0 : 1, go);
  };
  return Object.freeze(governed);
}

/**
 * Govern a server in place: every request that it handles passes the gates of the session that `source` finds, and the server is
 * given back.
 *
 * Handlers set before and after are judged alike, whichever way they were registered (`registerTool`, `tool`, `setRequestHandler`, a
 * fallback). Arguments are judged before the server's own validation, which sees what the gates let through; handlers get the act's
 * signal joined with the request's. A denied tool call is answered with `{ isError: true }` and the reason, anything else with a JSON-RPC
 * error (code -32050, and `data.code`). Where `source` throws, the request is denied. Task-augmented calls are denied. `initialize`, `ping`,
 * `server/discover`, `logging/setLevel`, `resources/unsubscribe` and `subscriptions/listen` pass; notifications are not looked at.
 * Denies with `ungoverned_method`, `guard_error`.
 *
 * @throws {TypeError} If this is no MCP server, it is governed already, or handlers were set that cannot be reached.
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import { governMcpServer } from "@sallyport/sallyport/plugins/mcp";
 * import assert from "node:assert/strict";
 *
 * // Stands for `new Server(…)` of the SDK; an `McpServer` is governed alike.
 * const handlers = new Map<string, (request: object, context: object) => unknown>();
 * const server = {
 *   setRequestHandler: (method: string, handler: (request: object, context: object) => unknown) => void handlers.set(method, handler),
 *   assertCanSetRequestHandler: (_method: string) => {},
 * };
 * const session = createKernel({ policy: { deniedTools: ["delete"] } }).session({ agentId: "files" });
 * governMcpServer(server, session).setRequestHandler("tools/call", () => ({ content: [{ type: "text", text: "done" }] }));
 * const answer = await handlers.get("tools/call")?.({ params: { name: "delete" } }, {});
 * assert.deepEqual(answer, { isError: true, content: [{ type: "text", text: 'Tool "delete" is not allowed' }] });
 * ```
 */
export function governMcpServer<S extends McpServerLike>(server: S, source: SessionSource<McpRequestInfo>): S {
  const where = "Cannot build governMcpServer()";
  const inner = ("server" in server ? server.server : server) as McpProtocolLike & { _requestHandlers?: unknown; fallbackRequestHandler?: Handler | undefined };
  if (typeof inner?.setRequestHandler !== "function" || typeof inner.assertCanSetRequestHandler !== "function") throw new TypeError(`${where}: "server" must be an MCP server`);
  if (typeof source !== "function" && typeof source?.tool !== "function") throw new TypeError(`${where}: "source" must be a session, or a function that finds one`);
  if (served.has(inner)) throw new TypeError(`${where}: the server is governed already`);
  const around = (method: string | undefined, handler: Handler): Handler => (request, context) => {
    const called = method ?? request.method ?? "";
    return serve(source, called, request.params, context, (params, own) => handler(params === request.params ? request : { ...request, params }, own));
  };
  const { _requestHandlers: there } = inner;
  if (there instanceof Map) for (const [method, handler] of [...(there as Map<string, Handler>)]) there.set(method, around(method, handler));
  // Not as either major keeps them: what was set before could not be governed, so nothing may have been.
  else for (const method of [CALL, ...READS.keys(), ...LISTS.keys()]) inner.assertCanSetRequestHandler(method);
  served.add(inner);
  const set = inner.setRequestHandler.bind(inner) as Method;
  const setRequestHandler = (first: unknown, ...rest: unknown[]): void => {
    const handler = rest.pop() as Handler;
    const method = typeof first === "string" ? first : undefined;
    // With schemas of its own, 2.x hands over the params alone.
    const own = rest.length === 0 ? around(method, handler) : (params: Fields, context: Context): unknown => serve(source, method ?? "", params, context, (sent, ctx) => handler(sent as object, ctx));
    set(first, ...rest, typeof handler === "function" ? own : handler);
  };
  let fallback = inner.fallbackRequestHandler;
  Object.defineProperties(inner, {
    setRequestHandler: { value: setRequestHandler, configurable: true },
    fallbackRequestHandler: { get: () => fallback && around(undefined, fallback), set: (handler: Handler | undefined) => { fallback = handler; }, configurable: true },
  });
  return server;
}

const served: WeakSet<object> = new WeakSet();

async function serve(source: SessionSource<McpRequestInfo>, method: string, given: Fields | undefined, context: Context, run: (params: Fields | undefined, context: Context) => unknown): Promise<unknown> {
  if (INERT.has(method)) return await run(given, context);
  const { mcpReq } = context;
  const id = mcpReq?.id ?? context.requestId;
  const callId = id === undefined ? "" : String(id);
  let thrown: { readonly error: unknown } | undefined;
  try {
    const authInfo = context.authInfo ?? context.http?.authInfo;
    const session = typeof source === "function" ? source({ method, requestId: callId, sessionId: context.sessionId, authInfo, context }) : source;
    const attempt = async (params: Fields | undefined, own: Context): Promise<unknown> => {
      try {
        return await run(params, own);
      } catch (error) {
        thrown = { error };
        throw error;
      }
    };
    if (LISTS.has(method)) return await listed(session, method, await attempt(given, context), mcpReq !== undefined);
    if (given?.["task"] !== undefined) throw ungoverned("A task");
    return await pass(session, callOf(method, { ...given }), { callId, signal: mcpReq?.signal ?? context.signal }, (params, signal) =>
      attempt(params, mcpReq === undefined ? { ...context, signal } : { ...context, mcpReq: { ...mcpReq, signal } }));
  } catch (error) {
    // What the handler threw was judged, and is the server's to tell; any other failure is ours, and stays here.
    if (thrown !== undefined && !isViolation(error)) throw error;
    const { reason, code } = isViolation(error) ? error : { reason: "The request could not be judged", code: "guard_error" };
    if (method === CALL && given?.["task"] === undefined) return toolError(reason, false);
    throw Object.assign(new Error(reason), { code: DENIED, data: { code } });
  }
}

/** What the gates are shown of a request, and how what they let through goes back into it. */
function callOf(method: string, params: Fields): Call {
  const { _meta, ...plain } = params;
  const meta = _meta === undefined ? {} : { _meta };
  if (method !== CALL) return { name: READS.get(method) ?? method, payload: plain, beside: {}, put: (payload) => ({ ...(payload as Fields), ...meta }) };
  const { name, arguments: args, ...beside } = plain;
  const put = (payload: unknown, changed: boolean): Fields => ({ ...beside, name, ...(args === undefined && !changed ? {} : { arguments: payload }), ...meta });
  // A server could name a tool like a read, to be called by whoever may read.
  return { name: [...READS.values()].includes(name as string) ? "" : (name as string), payload: args ?? {}, beside, put };
}

/** One act: what the gates let through is sent, and what they let through of the answer comes back. */
async function pass(session: Session, call: Call, init: { callId?: string; signal: AbortSignal | undefined; metadata?: Fields }, send: (params: Fields, signal: AbortSignal) => unknown): Promise<unknown> {
  const { name, payload, beside } = call;
  if (Object.keys(beside).length > 0) {
    // Answers to a server's questions travel beside the arguments.
    const decision = await session.check({ stage: "pre_tool_call", name, payload: beside, callId: init.callId });
    if (!decision.allowed) throw violation(decision);
  }
  let isObject = false;
  const unjudged: Fields = {};
  const judged: unknown = await session.tool({ name, arguments: payload, ...init }, async (args: unknown, signal, changed) => {
    const result = await send(call.put(args, changed), signal);
    if (typeof result !== "object" || result === null) return result;
    isObject = true;
    const shown: Fields = {};
    // Under symbols the SDK keeps its own notes.
    for (const key of Reflect.ownKeys(result)) (typeof key === "symbol" || key === "_meta" ? unjudged : shown)[key as string] = (result as Fields)[key as string];
    return shown;
  });
  if (!isObject) return judged;
  if (typeof judged !== "object" || judged === null) throw violation({ code: "guard_error", reason: "A guard changed the result to something that is no result" });
  return { ...judged, ...unjudged };
}

/** A list without what may not be called. */
async function listed(session: Session, method: string, result: unknown, mayBeCached = false): Promise<unknown> {
  const [key, act, id] = LISTS.get(method) ?? ["", "", ""];
  const items = (result as Fields | null)?.[key];
  if (!Array.isArray(items)) return result;
  const shown = (await Promise.all(items.map((item: Fields) => shownOf(session, method, act === "" ? (item[id] as string) : act, act === "" ? {} : { [id === "name" ? id : "uri"]: item[id] }, item, id)))).filter((item) => item !== undefined);
  // Another caller's list is another one: it must not be served from a shared cache.
  return { ...(result as Fields), [key]: shown, ...(mayBeCached && shown.length < items.length ? { cacheScope: "private" } : {}) };
}

async function shownOf(session: Session, callId: string, name: string, payload: unknown, item: Fields, id: string): Promise<Fields | undefined> {
  const before = await session.check({ stage: "pre_tool_call", name, payload, callId });
  if (before.effect === "deny" && !NOT_OF_THE_NAME.has(before.code)) return undefined;
  const after: Decision = await session.check({ stage: "post_tool_call", name, payload: item, callId });
  if (!after.allowed) return undefined;
  if (after.effect !== "transform") return item;
  return (after.payload as Fields | null)?.[id] === item[id] ? { ...(after.payload as Fields) } : undefined;
}

/** The public names of an object's methods and accessors, inherited ones too, without calling any. */
function surfaceOf(object: object): (readonly [name: string, isMethod: boolean])[] {
  const found = new Map<string, boolean>();
  for (let at: object | null = object; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at) as object | null) {
    for (const [name, { value, get }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (/^(?:_|constructor$|on[a-z]+$)/.test(name) || found.has(name)) continue;
      if (typeof value === "function" || get !== undefined) found.set(name, get === undefined);
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

function isPassed(name: string): boolean {
  return PASSED.has(name) || name.startsWith("assert");
}

function isSchema(value: unknown): boolean {
  return (typeof value === "object" || typeof value === "function") && value !== null && ("~standard" in value || "_def" in value || "_zod" in value);
}

function toolError(reason: string, isModern: boolean): Fields {
  return { isError: true, content: [{ type: "text", text: reason }], ...(isModern ? { resultType: "complete" } : {}) };
}

function ungoverned(what: string): Error {
  return violation({ code: "ungoverned_method", reason: `${what} does not pass the gates` });
}

/** A `PolicyViolationError`, as another copy of the package would make it. */
function violation(decision: { readonly code: string; readonly reason: string }): Error {
  const { code, reason } = decision;
  const whole = "effect" in decision ? decision : { effect: "deny", allowed: false, code, reason };
  return Object.assign(new Error(reason), { name: "PolicyViolationError", "~brand": BRAND, code, reason, stage: "pre_tool_call", decision: whole });
}

function isViolation(error: unknown): error is Error & { readonly reason: string; readonly code: string } {
  return typeof error === "object" && error !== null && (error as Fields)["~brand"] === BRAND;
}
