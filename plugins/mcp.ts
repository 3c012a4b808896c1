/**
 * The Model Context Protocol in both majors of its SDK (`@modelcontextprotocol/sdk` 1.x, `/client` and `/server` 2.x):
 * governed clients, governed servers.
 *
 * Every call passes the tool gates: a tool by its own name, with its `arguments`; `resources/read`,
 * `resources/subscribe`, `prompts/get` and `completion/complete` by their method with a colon (`resources:read`), with
 * their params; a server's own methods as `method:` and their name. No tool is called by such a name.
 *
 * Everything else that carries words is judged as text, at the gate for results, where guards read and none counts:
 * lists (each entry also by name, so that what may not be called is hidden, and the rest of them), `_meta`, what stands
 * beside the arguments, notifications (`notifications:message`, …), what either side says of itself
 * (`server:instructions`, …), errors of lists. What a server asks its client in the midst of a call
 * (`sampling:createMessage`, `elicitation:create`, `roots:list`) passes both gates under that name, and costs no call.
 *
 * Pictures, sounds and blobs are shown to guards as bytes: valid UTF-8 is text, whatever its sender calls it, and other
 * bytes count only for the kernel's `binaryBytes`. What is no result, list or params of the protocol is denied. What a
 * killed, suspended or closed session governs sends and answers nothing.
 *
 * Where a limit stopped a call, `_meta["sallyport/limit"]` or the error's `data.limit` say which, and when to come
 * again: {@linkcode mcpLimitOf} reads it.
 *
 * Guards are shown `metadata.tool`, what the session's latest list said of a tool and the handler (`fn`) that an
 * `McpServer` has for it, and on servers `metadata.requestId`.
 *
 * @module
 */
import type { ClientPlugin, Coverage, LimitDetails } from "../mod.ts";
import { clientCoverage, governClient } from "./mcp/client.ts";
import { limitIn } from "./mcp/denials.ts";
import { checkOptions, own, SHARED } from "./mcp/options.ts";
import { coverageOf, governServer, innerOf, isGoverned } from "./mcp/server.ts";
import type {
  McpClientLike,
  McpClientOptions,
  McpServerLike,
  McpServerOptions,
  McpSource,
  Methods,
} from "./mcp/types.ts";

export type {
  McpCall,
  McpClientLike,
  McpClientOptions,
  McpGrant,
  McpOptions,
  McpRequestInfo,
  McpServerLike,
  McpServerOptions,
  McpSource,
} from "./mcp/types.ts";

const MAX_LIST_ENTRIES = 10_000;

/** Governs clients as {@linkcode createMcpClient} does without options. */
export const mcpClient: ClientPlugin<McpClientLike> = createMcpClient();

/**
 * Make a plugin that governs a client with `kernel.wrap`: tool calls, reads and lists pass the gates, also those sent
 * with `request`.
 *
 * The governed client has the user's own type, and is a frozen object of its own: `instanceof` is false, fields such as
 * `transport` and `experimental` are not there. What acts and is not governed (streams, tasks, notifications, request
 * handlers, `listen`) throws a `PolicyViolationError`; set handlers before wrapping. What the server sends by itself,
 * requests and notifications, is judged in the session of every governed client that is open; `coverage` names
 * `listChanged` where the client lists again by itself, past the governed one.
 *
 * A denied call and a withheld result resolve to `{ isError: true }` with the reason as text; a denied read rejects.
 * Where a person must approve, `_meta["sallyport/approval"]` and the error's `approval` have the question; its signed
 * answer comes in by `grantOf`. A result that a guard changed, and that no longer fits the tool's output schema, is a
 * tool error.
 * Denies with `ungoverned_method`, `invalid_arguments`, `payload_too_large`, `payload_not_plain`, `guard_error`.
 *
 * @throws {TypeError} If an option is unknown or wrong.
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
export function createMcpClient(options: McpClientOptions = {}): ClientPlugin<McpClientLike> {
  checkOptions("createMcpClient()", options, {
    onDeny: ['"result" or "throw"', (value) => value === "result" || value === "throw"],
    untrusted: ["a boolean", (value) => typeof value === "boolean"],
    ...SHARED,
  });
  const untrusted = own(options, "untrusted", true);
  const rules = {
    onDeny: own(options, "onDeny", "result"),
    untrusted,
    strict: own(options, "strict", false),
    grantOf: own(options, "grantOf", undefined),
    lists: {
      maxListEntries: own(options, "maxListEntries", MAX_LIST_ENTRIES),
      lists: own(options, "lists", "free"),
      untrusted,
      isCacheable: false,
    },
  };
  return {
    name: "mcp-client",
    wrap: <C extends McpClientLike>(client: C, session: Parameters<ClientPlugin<McpClientLike>["wrap"]>[1]): C =>
      governClient(client as unknown as Methods, session, rules) as C,
    coverage: (client: McpClientLike): Coverage => clientCoverage(client as unknown as Methods),
  };
}

/**
 * Govern a server in place: every request that it handles passes the gates of the session that `source` finds, and the
 * server is given back.
 *
 * Handlers set before and after are judged alike, however they were registered. Arguments are judged before the
 * server's own validation, which sees what the gates let through; handlers get a signal that aborts with the act's and
 * the request's. A denied call is answered with `{ isError: true }` and the reason, anything else with a JSON-RPC error
 * (code -32050, and `data.code`). Where `source` throws, the request is denied, and so is a task; only `initialize`,
 * `server/discover` and `ping`, which come before anybody is known, pass. To call before a list asks the server's own
 * for one, unseen.
 *
 * What the server sends (logs, progress, `sampling/createMessage`, …) is judged in the session of the request that it
 * belongs to, else in `source`, where that is a session. Subscriptions of the 2.x entries are told of lists that
 * changed, and of no resource: nobody could judge which. {@linkcode mcpServerCoverage} names what is not judged.
 *
 * Where a person must approve, `data.approval` or `_meta["sallyport/approval"]` has the question; the caller sends the
 * signed answer as `_meta["sallyport/grant"]`, or `grantOf` finds it.
 * Denies with `ungoverned_method`, `invalid_arguments`, `payload_too_large`, `payload_not_plain`, `guard_error`.
 *
 * @throws {TypeError} If an option is unknown or wrong, this is no MCP server, or it is governed already.
 * @throws {Error} If handlers were set before that cannot be reached.
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
export function governMcpServer<S extends McpServerLike>(
  server: S,
  source: McpSource,
  options: McpServerOptions = {},
): S {
  const where = "governMcpServer()";
  checkOptions(where, options, SHARED);
  const inner = innerOf(server);
  if (inner === undefined) throw new TypeError(`Cannot build ${where}: "server" must be an MCP server`);
  if (typeof source !== "function" && typeof source?.tool !== "function") {
    throw new TypeError(`Cannot build ${where}: "source" must be a session, or a function that finds one`);
  }
  if (isGoverned(inner)) throw new TypeError(`Cannot build ${where}: the server is governed already`);
  governServer(server, inner, source, {
    strict: own(options, "strict", false),
    grantOf: own(options, "grantOf", undefined),
    lists: {
      maxListEntries: own(options, "maxListEntries", MAX_LIST_ENTRIES),
      lists: own(options, "lists", "free"),
      untrusted: false,
      isCacheable: false,
    },
  });
  return server;
}

/**
 * Tell what passes the gates of a server that {@linkcode governMcpServer} governs.
 *
 * `governed`: methods that it handles now, and what it sends; `passedThrough`: what keeps the connection, answered only
 * while the session is open; `ungoverned`: what nobody judges.
 *
 * @throws {TypeError} If the server is not governed.
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import { governMcpServer, mcpServerCoverage } from "@sallyport/sallyport/plugins/mcp";
 * import assert from "node:assert/strict";
 *
 * // Stands for the SDK's `new McpServer(…)`.
 * const server = { assertCanSetRequestHandler: (_name: string) => {}, setRequestHandler: (_name: string) => {} };
 * governMcpServer(server, createKernel().session({ agentId: "files" }));
 * assert(mcpServerCoverage(server).governed.includes("tools/call"));
 * ```
 */
export function mcpServerCoverage(server: McpServerLike): Coverage {
  const coverage = coverageOf(server);
  if (coverage === undefined) {
    throw new TypeError("mcpServerCoverage() needs a server that is governed, and this is not");
  }
  return coverage;
}

/**
 * Read which limit stopped a call, from what it came to: the result of a tool, or the error of anything else, whether a
 * governed client refused it or a governed server did; `undefined` where it was no limit.
 *
 * For hosts that wait, or answer 429 with `Retry-After`. What a server sent is what it says: only numbers are taken
 * from it. Never throws, whatever it is given.
 *
 * @example Usage
 * ```ts
 * import { createKernel, rateLimit } from "@sallyport/sallyport";
 * import { mcpClient, mcpLimitOf } from "@sallyport/sallyport/plugins/mcp";
 * import assert from "node:assert/strict";
 *
 * // Stands for the SDK's `new Client(…)`.
 * const client = { callTool: async (_call: { name: string }) => ({ content: [] }), request: async () => ({}) };
 * const kernel = createKernel({ guards: [rateLimit({ max: 1, windowMs: 60_000 })], clock: () => 0 });
 * const governed = kernel.wrap(client, mcpClient, { agentId: "researcher" });
 * await governed.callTool({ name: "search" });
 * const limit = mcpLimitOf(await governed.callTool({ name: "search" }));
 * assert.deepEqual(limit, { code: "rate_limited", limit: 1, windowMs: 60_000, retryAfterMs: 60_000 });
 * ```
 */
export function mcpLimitOf(refused: unknown): LimitDetails | undefined {
  return limitIn(refused);
}
