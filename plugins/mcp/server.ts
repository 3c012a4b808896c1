import type { Coverage } from "../../mod.ts";
import { fieldOf, memberOf, ownOf } from "../shared/own.ts";
import { Door, type ServerRules } from "./door.ts";
import { handlersOf, replace } from "./inside.ts";
import { CALL, LISTS, READS, UPKEEP } from "./methods.ts";
import { governNotifications } from "./notifications.ts";
import { Outgoing } from "./outgoing.ts";
import type { Context, Fields, Handler, McpServerLike, McpSource, Methods } from "./types.ts";
import { isFields } from "./values.ts";

/** What either major's entry serves before the server is asked, and what no message is. */
const UNSEEN = ["context.authInfo", "context.http", "context.requestInfo", "subscriptions/listen (list changes)"];

const coverages: WeakMap<object, () => Coverage> = new WeakMap();
/** Tells a governed server, also one of another copy of the package. */
const GOVERNED = Symbol.for("sallyport.mcp.governed");

/** Whether a low-level server is governed. */
export function isGoverned(inner: object): boolean {
  return GOVERNED in inner;
}

/** What is governed of a server; `undefined` where nothing is. */
export function coverageOf(server: object): Coverage | undefined {
  return coverages.get(server)?.();
}

/** The low-level server in an object, where there is one. */
export function innerOf(server: McpServerLike): Fields | undefined {
  if (typeof server !== "object" || server === null) return undefined;
  const inner = memberOf(server as Fields, "server") ?? server;
  if (typeof inner !== "object" || inner === null) return undefined;
  const isServer = ["setRequestHandler", "assertCanSetRequestHandler"].every((name) =>
    typeof memberOf(inner as Fields, name) === "function"
  );
  return isServer ? inner as Fields : undefined;
}

/** Governs a server in place. */
export function governServer(server: McpServerLike, inner: Fields, source: McpSource, rules: ServerRules): void {
  const door = new Door(server, inner, source, rules);
  const handlers = handlersOf(inner);
  if (handlers !== undefined) {
    // Looked up at each request: whoever sets a handler, and however, it is judged.
    replace(handlers, "get", (method: string) => {
      const handler = (Map.prototype.get.call(handlers, method) ?? memberOf(inner, "fallbackRequestHandler")) as
        | Handler
        | undefined;
      return handler && door.around(method, handler);
    });
  } else {
    if (rules.strict) {
      throw new TypeError("Cannot govern an MCP server strictly: its handlers cannot be seen");
    }
    governRegistration(inner, door);
  }
  hideSubscriptions(inner);
  governNotifications(inner as Methods, (_method, params) => {
    const session = door.sessionOf(fieldOf(params, "requestId"));
    return session === undefined ? [] : [{ session, untrusted: false }];
  });
  const outgoing = new Outgoing(inner as Methods, door, rules.strict);
  const coverage = (): Coverage => {
    const methods = handlers === undefined ? [CALL, ...READS, ...LISTS.keys()] : [...handlers.keys()];
    return {
      governed: [...methods.filter((method) => !UPKEEP.has(method)), ...outgoing.governed].sort(),
      passedThrough: methods.filter((method) => UPKEEP.has(method)).sort(),
      ungoverned: [...UNSEEN, ...outgoing.ungoverned(typeof source !== "function")].sort(),
    };
  };
  Object.defineProperty(inner, GOVERNED, { __proto__: null, value: true } as PropertyDescriptor);
  coverages.set(server, coverage);
  coverages.set(inner, coverage);
}

/**
 * Governs handlers as they are set, where they are kept as neither major keeps them: what was set before could not be
 * governed, so that nothing may have been.
 */
function governRegistration(inner: Fields, door: Door): void {
  const { setRequestHandler: set, assertCanSetRequestHandler: assertFree } = inner as unknown as Record<
    string,
    (...args: unknown[]) => void
  >;
  for (const method of [CALL, ...READS, ...LISTS.keys()]) assertFree?.call(inner, method);
  replace(inner, "setRequestHandler", (first: unknown, ...rest: unknown[]) => {
    const handler = rest.pop() as Handler;
    set?.call(
      inner,
      first,
      ...rest,
      (request: Fields, context: Context) =>
        door.around(typeof first === "string" ? first : String(request["method"]), handler)(request, context),
    );
  });
  let fallback = memberOf(inner, "fallbackRequestHandler") as Handler | undefined;
  const descriptor = {
    __proto__: null,
    configurable: true,
    get: () =>
      fallback &&
      ((request: Fields, context: Context) =>
        door.around(String(request["method"]), fallback as Handler)(request, context)),
    set: (handler: Handler | undefined) => {
      fallback = handler;
    },
  };
  Object.defineProperty(inner, "fallbackRequestHandler", descriptor as PropertyDescriptor);
}

/**
 * Since 2026-07-28 the SDK's entries serve subscriptions to resources before a server is asked: by what the server says
 * it can do. Nobody could judge which resources, so that it can't.
 */
function hideSubscriptions(inner: Fields): void {
  const getCapabilities = memberOf(inner as Methods, "getCapabilities");
  const version = memberOf(inner as Methods, "getNegotiatedProtocolVersion");
  if (typeof getCapabilities !== "function" || typeof version !== "function") return;
  replace(inner, "getCapabilities", () => {
    const capabilities = getCapabilities.call(inner) as Fields;
    const negotiated = version.call(inner);
    const resources = ownOf(capabilities, "resources");
    // Before 2026 a subscription is a request, which is judged.
    if (!isFields(resources) || (typeof negotiated === "string" && negotiated < "2026")) return capabilities;
    const { subscribe: _, ...others } = resources;
    return { ...capabilities, resources: others };
  });
}
