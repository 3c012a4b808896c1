import type { AbortSignalLike, ApprovalGrant, SessionSource } from "../../mod.ts";

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
  /** The JSON-RPC id, as text: guards see it as `metadata.requestId`. Transports count it, so it is no callId. */
  readonly requestId: string;
  /** The transport's session, where it has any: no proof of who is calling. */
  readonly sessionId: string | undefined;
  /** What the authorization layer found out about the caller: token, client, scopes. */
  readonly authInfo: unknown;
  /** The SDK's own context of the request: `extra` in 1.x, `ctx` in 2.x. */
  readonly context: unknown;
}

/** A call that a client is about to send, or what its server asks of it (`sampling:createMessage`, …). */
export interface McpCall {
  /** The JSON-RPC method. */
  readonly method: string;
  /** The tool's name, or that of the read as policies name it. */
  readonly name: string;
  /** The params, as they were given; of an answer to the server, what is answered. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** The answer to an approval request, given earlier; several, where the kernel wants several approvers. */
export type McpGrant = ApprovalGrant | readonly ApprovalGrant[];

/** What a client and a server have in common. */
export interface McpOptions {
  /**
   * How many entries a list may have, a whole number >= 1, default 10000: a longer one is denied with
   * `payload_too_large`.
   */
  readonly maxListEntries?: number;
  /**
   * `"free"`: a list costs no tool call, and only what it says is judged. `"calls"`: it is a tool call named
   * `tools:list`, `prompts:list`, `resources:list` or `resources:templates:list`, and counts as one. Default `"free"`.
   */
  readonly lists?: "free" | "calls";
  /** Whether to refuse what cannot be governed, where it is only named in the coverage otherwise. Default `false`. */
  readonly strict?: boolean;
}

/** How a governed client answers. */
export interface McpClientOptions extends McpOptions {
  /**
   * A denied tool call resolves to a tool error, which the model reads, or rejects. Default `"result"`. Reads always
   * reject.
   */
  readonly onDeny?: "result" | "throw";
  /** Whether what a server says marks the session tainted: servers are others' code. Default `true`. */
  readonly untrusted?: boolean;
  /**
   * Finds the approval of a call, where somebody has given one. What a server asks its client is approved in two parts:
   * the question, and then the answer.
   */
  readonly grantOf?: (call: McpCall) => McpGrant | undefined;
}

/** How a governed server answers. */
export interface McpServerOptions extends McpOptions {
  /** Finds the approval of a request; by default it is what the caller sends as `_meta["sallyport/grant"]`. */
  readonly grantOf?: (info: McpRequestInfo) => McpGrant | undefined;
}

/** How the session of a request is found. */
export type McpSource = SessionSource<McpRequestInfo>;

/** Anything with keys, of which nothing is known. */
export type Fields = Record<string, unknown>;
/** An SDK's object, by its methods. */
export type Methods = Record<string, (...args: unknown[]) => unknown>;
/** What an SDK hands to a handler beside the request. */
export type Context = Fields & {
  readonly signal?: AbortSignalLike;
  readonly sessionId?: string;
  readonly mcpReq?: Fields & { readonly id: unknown; readonly signal: AbortSignalLike };
};
/** What an SDK calls for a request. */
export type Handler = (request: Fields, context: Context) => unknown;
