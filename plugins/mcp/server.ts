import type { Coverage, Session } from "../../mod.ts";
import { memberOf, ownOf } from "../shared/own.ts";
import { governCall, nameOf } from "./calls.ts";
import { GRANT, grantIn, isViolation, protocolError, tell, toolError, violation } from "./denials.ts";
import { handlersOf, replace } from "./inside.ts";
import { judgeIntroduction } from "./introductions.ts";
import { judgeParams, judgeText, mustBeActive } from "./judging.ts";
import { KnownTools, pagesOf, schemaCheckOf } from "./known-tools.ts";
import { governList, type ListRules } from "./lists.ts";
import { actOf, CALL, LIST, LISTS, OPENING, READS, UPKEEP } from "./methods.ts";
import { governNotifications } from "./notifications.ts";
import { Outgoing } from "./outgoing.ts";
import { until, within } from "./signals.ts";
import type {
  Context,
  Fields,
  Handler,
  McpGrant,
  McpRequestInfo,
  McpServerLike,
  McpServerOptions,
  McpSource,
  Methods,
} from "./types.ts";
import { isFields, saysAnything } from "./values.ts";

/** What a server's options come to. */
export interface ServerRules {
  readonly strict: boolean;
  readonly grantOf: McpServerOptions["grantOf"];
  readonly lists: ListRules;
}

/** Marks the context of a request that was judged: whoever hands it on to another handler is not judged twice. */
const JUDGED = Symbol("judged");
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
  const inner: unknown = typeof server === "object" && server !== null && "server" in server ? server.server : server;
  if (typeof inner !== "object" || inner === null) return undefined;
  const { setRequestHandler, assertCanSetRequestHandler } = inner as Fields;
  const isServer = typeof setRequestHandler === "function" && typeof assertCanSetRequestHandler === "function";
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
    const session = door.sessionOf(isFields(params) ? params["requestId"] : undefined);
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
  Object.defineProperty(inner, GOVERNED, { value: true });
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
  let fallback = inner["fallbackRequestHandler"] as Handler | undefined;
  Object.defineProperty(inner, "fallbackRequestHandler", {
    configurable: true,
    get: () =>
      fallback &&
      ((request: Fields, context: Context) =>
        door.around(String(request["method"]), fallback as Handler)(request, context)),
    set: (handler: Handler | undefined) => {
      fallback = handler;
    },
  });
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
    const { resources } = capabilities;
    // Before 2026 a subscription is a request, which is judged.
    if (!isFields(resources) || (typeof negotiated === "string" && negotiated < "2026")) return capabilities;
    const { subscribe: _, ...others } = resources;
    return { ...capabilities, resources: others };
  });
}

/** What a server's requests come through. */
class Door {
  readonly #server: McpServerLike;
  readonly #inner: Fields;
  readonly #source: McpSource;
  readonly #rules: ServerRules;
  readonly #told: WeakMap<Session, KnownTools> = new WeakMap();
  readonly #asked: WeakSet<KnownTools> = new WeakSet();
  readonly #envelopes: WeakMap<Session, { readonly text: string; readonly value: unknown }> = new WeakMap();
  /** The sessions of requests under way, by the ids that the transport knows them by. */
  readonly #under: Map<unknown, { readonly session: Session; grant: McpGrant | undefined }> = new Map();

  constructor(server: McpServerLike, inner: Fields, source: McpSource, rules: ServerRules) {
    this.#server = server;
    this.#inner = inner;
    this.#source = source;
    this.#rules = rules;
  }

  /** The session in which a request under way is served; without a request that of the server, where it has one. */
  sessionOf(id: unknown): Session | undefined {
    return this.#under.get(id)?.session ?? (typeof this.#source === "function" ? undefined : this.#source);
  }

  /** The approvals that came with a request under way: also for what the server asks its client meanwhile. */
  grantOf(id: unknown): McpGrant | undefined {
    return this.#under.get(id)?.grant;
  }

  /** A handler behind the gates. */
  around(method: string, handler: Handler): Handler {
    return async (request, context) => {
      // Some fakes hand over no context.
      const ctx: Context = context ?? {};
      if ((ctx as Record<symbol, unknown>)[JUDGED] === method) return await handler(request, ctx);
      const id = ownOf(ctx, "mcpReq")?.id ?? ownOf(ctx, "requestId");
      let hasThrown = false;
      const run = async (params: Fields | undefined, own: Context): Promise<unknown> => {
        try {
          return await handler({ ...request, ...(params === undefined ? {} : { params }) }, own);
        } catch (error) {
          hasThrown = true;
          throw error;
        }
      };
      try {
        return await this.#serve(method, request["params"], ctx, id, run);
      } catch (error) {
        // What the handler threw was judged, and is the server's to tell; any other failure is ours, and stays here.
        if (hasThrown && !isViolation(error)) throw error;
        const known = isViolation(error) ? error : violation("guard_error", "The request could not be judged");
        if (method === CALL) return toolError(known);
        throw protocolError(known);
      }
    };
  }

  async #serve(
    method: string,
    params: unknown,
    context: Context,
    id: unknown,
    run: (params: Fields | undefined, context: Context) => Promise<unknown>,
  ): Promise<unknown> {
    const requestId = String(id ?? "");
    const sessionId = ownOf(context, "sessionId");
    const http = ownOf(context, "http") as Fields | undefined;
    const authInfo = ownOf(context, "authInfo") ?? (http && ownOf(http, "authInfo"));
    const info: McpRequestInfo = { method, requestId, sessionId, authInfo, context };
    let session: Session;
    try {
      session = typeof this.#source === "function" ? this.#source(info) : this.#source;
      // One that comes later is none: nobody waits for it, and one that fails must not end the process.
      if (session instanceof Promise) session.catch(() => undefined);
      void session.context.signal;
    } catch (error) {
      // Nobody is known yet, and nothing is told that the server would not tell everybody.
      if (OPENING.has(method)) return await run(params as Fields | undefined, context);
      throw error;
    }
    try {
      return await this.#serveIn(session, info, params, id, run);
    } catch (error) {
      throw tell(session, nameOf(method, params), error);
    }
  }

  async #serveIn(
    session: Session,
    info: McpRequestInfo,
    params: unknown,
    id: unknown,
    run: (params: Fields | undefined, context: Context) => Promise<unknown>,
  ): Promise<unknown> {
    const { method, requestId } = info;
    const context = info.context as Context;
    const mcpReq = ownOf(context, "mcpReq");
    mustBeActive(session);
    const signal = mcpReq?.signal ?? ownOf(context, "signal");
    const envelope = await this.#envelopeOf(session, mcpReq && ownOf(mcpReq, "envelope"));
    const own = (joined: AbortSignal, beside?: Fields): Context =>
      contextFor(method, context, joined, envelope === undefined ? beside : { ...beside, envelope });
    const underWay: { readonly session: Session; grant: McpGrant | undefined } = { session, grant: undefined };
    if (id !== undefined) this.#under.set(id, underWay);
    try {
      if (UPKEEP.has(method)) {
        const safe = OPENING.has(method) && isFields(params) && saysAnything(params)
          ? await judgeIntroduction(session, params)
          : await judgeParams(session, actOf(method), params, false);
        const answer = await within([session.context.signal, signal], (joined) => run(safe, own(joined)));
        return OPENING.has(method) ? await greeting(session, answer) : answer;
      }
      const known = this.#knownOf(session);
      const { grant, rest } = this.#grantIn(params, info);
      underWay.grant = grant;
      if (LISTS.has(method)) {
        const rules = { ...this.#rules.lists, isCacheable: mcpReq !== undefined };
        return await governList(
          session,
          method,
          rest,
          (sent, joined) => run(sent, own(joined)),
          known,
          rules,
          signal,
          () => grant,
        );
      }
      if (method === CALL) await this.#ask(known, params, context, [session.context.signal, signal]);
      return await governCall(
        { session, method, params: rest, beside: besideOf(context), signal, grant, requestId, untrusted: false, known },
        (sent, joined, beside) => run(sent, own(joined, beside)),
        until,
      );
    } finally {
      if (id !== undefined && this.#under.get(id) === underWay) this.#under.delete(id);
    }
  }

  /** What a client says of itself with each request since 2026-07-28, judged again where it says something else. */
  async #envelopeOf(session: Session, envelope: unknown): Promise<unknown> {
    if (!isFields(envelope)) return undefined;
    const text = JSON.stringify(envelope);
    let last = this.#envelopes.get(session);
    if (last?.text !== text) {
      last = { text, value: await judgeIntroduction(session, envelope) };
      this.#envelopes.set(session, last);
    }
    return last.value;
  }

  #knownOf(session: Session): KnownTools {
    let known = this.#told.get(session);
    if (known === undefined) {
      const fnOf = (name: string): unknown => this.#registered(name)?.["handler"];
      known = new KnownTools(this.#rules.lists.maxListEntries * 10, schemaCheckOf(this.#inner), fnOf);
      this.#told.set(session, known);
    }
    return known;
  }

  #registered(name: string): Fields | undefined {
    const tools = ownOf(this.#server as { _registeredTools?: Record<string, Fields> }, "_registeredTools");
    return tools !== undefined && Object.hasOwn(tools, name) ? tools[name] : undefined;
  }

  /** Asks the server's own list what a tool is that no list has told this session of, unseen. */
  async #ask(
    known: KnownTools,
    params: unknown,
    context: Context,
    signals: readonly (AbortSignal | undefined)[],
  ): Promise<void> {
    const name = isFields(params) ? params["name"] : undefined;
    if (typeof name !== "string" || known.has(name)) return;
    if (this.#asked.has(known) && this.#registered(name) === undefined) return;
    this.#asked.add(known);
    const handlers = handlersOf(this.#inner);
    const handler = handlers && (Map.prototype.get.call(handlers, LIST) as Handler | undefined);
    if (handler === undefined) return;
    const pages = await within(
      signals,
      (joined) => pagesOf((request) => handler(request, contextFor(LIST, context, joined))).catch(() => []),
    );
    if (pages.length > 0) known.learn(undefined, pages);
  }

  /** The approval that a caller sends, which nobody else is shown. */
  #grantIn(params: unknown, info: McpRequestInfo): { grant: McpGrant | undefined; rest: unknown } {
    const meta = isFields(params) ? params["_meta"] : undefined;
    const sent = isFields(meta) ? meta[GRANT] : undefined;
    let rest = params;
    if (sent !== undefined) {
      const { [GRANT]: _, ...others } = meta as Fields;
      rest = { ...(params as Fields), _meta: others };
    }
    const { grantOf } = this.#rules;
    return { grant: grantIn(() => grantOf === undefined ? sent : grantOf(info)), rest };
  }
}

/** What a handler gets: the request's own context, with the act's signal and what was judged of a caller's answers. */
function contextFor(method: string, context: Context, signal: AbortSignal, beside?: Fields): Context {
  const mcpReq = ownOf(context, "mcpReq");
  if (mcpReq === undefined) return { ...context, signal, [JUDGED]: method } as Context;
  const { elicitInput, requestSampling, id } = mcpReq as Methods & { id: unknown };
  // Both forget which request they belong to, and with it the session.
  const related = (send: unknown): unknown =>
    typeof send === "function"
      ? (params: unknown, options?: Fields) => send(params, { ...options, relatedRequestId: id })
      : send;
  const { requestState, ...others } = beside ?? {};
  return {
    ...context,
    [JUDGED]: method,
    mcpReq: {
      ...mcpReq,
      signal,
      ...("elicitInput" in mcpReq ? { elicitInput: related(elicitInput) } : {}),
      ...("requestSampling" in mcpReq ? { requestSampling: related(requestSampling) } : {}),
      ...others,
      ...(requestState === undefined ? {} : { requestState: () => requestState }),
    },
  } as Context;
}

/** What a caller sends beside the params, which 2.x takes out of them: its answers to the server's questions. */
function besideOf(context: Context): Fields | undefined {
  const mcpReq = ownOf(context, "mcpReq");
  if (mcpReq === undefined) return undefined;
  const inputResponses = ownOf(mcpReq, "inputResponses"), requestState = memberOf(mcpReq, "requestState");
  const droppedInputResponseKeys = ownOf(mcpReq, "droppedInputResponseKeys");
  const state: unknown = typeof requestState === "function" ? requestState() : undefined;
  return {
    ...(inputResponses === undefined ? {} : { inputResponses }),
    ...(droppedInputResponseKeys === undefined ? {} : { droppedInputResponseKeys }),
    ...(state === undefined ? {} : { requestState: state }),
  };
}

/** What a server says of itself: its instructions are left out where they may not be told. */
async function greeting(session: Session, answer: unknown): Promise<unknown> {
  if (!isFields(answer) || ownOf(answer, "instructions") === undefined) return answer;
  const { instructions, ...others } = answer;
  try {
    const judged = await judgeText(session, "server:instructions", { text: instructions }, false);
    return { ...others, instructions: (judged as Fields)["text"] };
  } catch {
    return others;
  }
}
