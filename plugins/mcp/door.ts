import type { Session } from "../../mod.ts";
import { fieldOf, ownOf } from "../shared/own.ts";
import { governCall, nameOf } from "./calls.ts";
import { besideOf, contextFor, isJudged } from "./contexts.ts";
import { GRANT, grantIn, isViolation, protocolError, tell, toolError, violation } from "./denials.ts";
import { handlersOf } from "./inside.ts";
import { greeting, judgeIntroduction } from "./introductions.ts";
import { judgeParams, mustBeActive } from "./judging.ts";
import { KnownTools, pagesOf, schemaCheckOf } from "./known-tools.ts";
import { governList, type ListRules } from "./lists.ts";
import { actOf, CALL, LIST, LISTS, OPENING, UPKEEP } from "./methods.ts";
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
} from "./types.ts";
import { isFields, saysAnything } from "./values.ts";

/** What a server's options come to. */
export interface ServerRules {
  readonly strict: boolean;
  readonly grantOf: McpServerOptions["grantOf"];
  readonly lists: ListRules;
}

/** Calls the server's handler with what may reach it. */
type Run = (params: Fields | undefined, context: Context) => Promise<unknown>;

/** A request that is being served. */
interface UnderWay {
  readonly session: Session;
  grant: McpGrant | undefined;
}

/** What a server's requests come through. */
export class Door {
  readonly #server: McpServerLike;
  readonly #inner: Fields;
  readonly #source: McpSource;
  readonly #rules: ServerRules;
  readonly #told: WeakMap<Session, KnownTools> = new WeakMap();
  readonly #asked: WeakSet<KnownTools> = new WeakSet();
  readonly #envelopes: WeakMap<Session, { readonly text: string; readonly value: unknown }> = new WeakMap();
  /** By the ids that the transport knows requests by. */
  readonly #under: Map<unknown, UnderWay> = new Map();

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
      const params = ownOf(request, "params");
      if (isJudged(ctx, method, params)) return await handler(request, ctx);
      let hasThrown = false;
      const run: Run = async (sent, own) => {
        try {
          return await handler(sent === undefined ? request : { ...request, params: sent }, own);
        } catch (error) {
          hasThrown = true;
          throw error;
        }
      };
      let session: Session | undefined;
      try {
        const info = infoOf(method, ctx);
        session = this.#sessionFor(info);
        // Nobody is known yet, and nothing is told that the server would not tell everybody.
        if (session === undefined) return await run(params as Fields | undefined, ctx);
        return await this.#serve(session, info, params, ctx, run);
      } catch (error) {
        // What the handler threw was judged, and is the server's to tell; any other failure is ours, and stays here.
        if (hasThrown && !isViolation(error)) throw error;
        const known = isViolation(error) ? error : violation("guard_error", "The request could not be judged");
        if (session !== undefined) tell(session, nameOf(method, params), known);
        if (method === CALL) return toolError(known);
        throw protocolError(known);
      }
    };
  }

  /** The session of a request; `undefined` where there is none, and the request opens a connection. */
  #sessionFor(info: McpRequestInfo): Session | undefined {
    try {
      const session: Session = typeof this.#source === "function" ? this.#source(info) : this.#source;
      // One that comes later is none: nobody waits for it, and one that fails must not end the process.
      if (session instanceof Promise) session.catch(() => undefined);
      void session.context.signal;
      return session;
    } catch (error) {
      if (OPENING.has(info.method)) return undefined;
      throw error;
    }
  }

  async #serve(
    session: Session,
    info: McpRequestInfo,
    params: unknown,
    context: Context,
    run: Run,
  ): Promise<unknown> {
    const { method, requestId } = info;
    const mcpReq = ownOf(context, "mcpReq");
    mustBeActive(session);
    const id = idOf(context);
    const signal = mcpReq?.signal ?? ownOf(context, "signal");
    const said = mcpReq && ownOf(mcpReq, "envelope");
    const envelope = isFields(said) ? await this.#envelopeOf(session, said) : undefined;
    const own = (sent: Fields | undefined, joined: AbortSignal, beside?: Fields): Context =>
      contextFor(method, sent ?? {}, context, joined, envelope === undefined ? beside : { ...beside, envelope });
    const underWay: UnderWay = { session, grant: undefined };
    if (id !== undefined) this.#under.set(id, underWay);
    try {
      if (UPKEEP.has(method)) {
        const safe = OPENING.has(method) && isFields(params) && saysAnything(params)
          ? await judgeIntroduction(session, params)
          : await judgeParams(session, actOf(method), params, false);
        const answer = await within([session.context.signal, signal], (joined) => run(safe, own(safe, joined)));
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
          (sent, joined) => run(sent, own(sent, joined)),
          known,
          rules,
          signal,
          () => grant,
        );
      }
      const name = method === CALL ? fieldOf(params, "name") : undefined;
      if (typeof name === "string" && this.#mustAsk(known, name)) {
        await this.#ask(known, context, [session.context.signal, signal]);
      }
      return await governCall(
        { session, method, params: rest, beside: besideOf(context), signal, grant, requestId, untrusted: false, known },
        (sent, joined, beside) => run(sent, own(sent, joined, beside)),
        until,
      );
    } finally {
      if (id !== undefined && this.#under.get(id) === underWay) this.#under.delete(id);
    }
  }

  /** What a client says of itself with each request since 2026-07-28, judged again where it says something else. */
  async #envelopeOf(session: Session, envelope: Fields): Promise<unknown> {
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
      const fnOf = (name: string): unknown => fieldOf(this.#registered(name), "handler");
      known = new KnownTools(this.#rules.lists.maxListEntries * 10, schemaCheckOf(this.#inner), fnOf);
      this.#told.set(session, known);
    }
    return known;
  }

  #registered(name: string): Fields | undefined {
    const tools = ownOf(this.#server as { _registeredTools?: Record<string, Fields> }, "_registeredTools");
    return tools !== undefined && Object.hasOwn(tools, name) ? tools[name] : undefined;
  }

  /** Whether no list has told a session of a tool: once, and for each tool that the server has. */
  #mustAsk(known: KnownTools, name: string): boolean {
    return !known.has(name) && (!this.#asked.has(known) || this.#registered(name) !== undefined);
  }

  /** Asks the server's own list what its tools are, unseen. */
  async #ask(known: KnownTools, context: Context, signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    this.#asked.add(known);
    const handlers = handlersOf(this.#inner);
    const handler = handlers && (Map.prototype.get.call(handlers, LIST) as Handler | undefined);
    if (handler === undefined) return;
    const pages = await within(
      signals,
      (joined) => pagesOf((request) => handler(request, contextFor(LIST, undefined, context, joined))).catch(() => []),
    );
    if (pages.length > 0) known.learn(undefined, pages);
  }

  /** The approval that a caller sends, which nobody else is shown. */
  #grantIn(params: unknown, info: McpRequestInfo): { grant: McpGrant | undefined; rest: unknown } {
    const meta = fieldOf(params, "_meta");
    const sent = fieldOf(meta, GRANT);
    let rest = params;
    if (sent !== undefined) {
      const { [GRANT]: _, ...others } = meta as Fields;
      rest = { ...(params as Fields), _meta: others };
    }
    const { grantOf } = this.#rules;
    if (sent === undefined && grantOf === undefined) return { grant: undefined, rest };
    return { grant: grantIn(() => grantOf === undefined ? sent : grantOf(info)), rest };
  }
}

/** The id that a transport knows a request by. */
function idOf(context: Context): unknown {
  return ownOf(context, "mcpReq")?.id ?? ownOf(context, "requestId");
}

/** What is known of a request when its session is looked up. */
function infoOf(method: string, context: Context): McpRequestInfo {
  const http = ownOf(context, "http") as Fields | undefined;
  return {
    method,
    requestId: String(idOf(context) ?? ""),
    sessionId: ownOf(context, "sessionId"),
    authInfo: ownOf(context, "authInfo") ?? (http && ownOf(http, "authInfo")),
    context,
  };
}
