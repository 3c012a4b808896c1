import { memberOf, ownOf } from "../shared/own.ts";
import { grantIn, isViolation, protocolError, tell } from "./denials.ts";
import { exchange, mustBeActive } from "./judging.ts";
import type { KnownTools } from "./known-tools.ts";
import { governNotifications, type Judge } from "./notifications.ts";
import { actOf, OPENING } from "./methods.ts";
import type { Fields, Handler, McpClientOptions, Methods } from "./types.ts";
import { handlersOf, replace } from "./inside.ts";

/** One governed client, as what comes in from its server meets it. */
export interface Listener extends Judge {
  readonly known: KnownTools;
  readonly grantOf: McpClientOptions["grantOf"];
}

/**
 * What a server sends to a client by itself, for all governed clients of one SDK client: its requests and
 * notifications are judged in the session of each that is open. There is one for an SDK client, however often that is
 * wrapped, and it goes with the last of them.
 */
export class Inbound {
  static readonly #all: WeakMap<object, Inbound> = new WeakMap();
  readonly #client: Methods;
  // Whoever drops a governed client without closing it must not be kept by the client.
  readonly #listeners: Set<WeakRef<Listener>> = new Set();
  readonly #refs: WeakMap<Listener, WeakRef<Listener>> = new WeakMap();
  #restore: (() => void) | undefined;
  #pruneAt = 16;

  private constructor(client: Methods) {
    this.#client = client;
  }

  /** That of an SDK client. */
  static of(client: Methods): Inbound {
    const found = Inbound.#all.get(client) ?? new Inbound(client);
    Inbound.#all.set(client, found);
    return found;
  }

  /** Whether the client is one that it can see into. */
  static canSee(client: Methods): boolean {
    return handlersOf(client) !== undefined && typeof memberOf(client, "_onnotification") === "function";
  }

  add(listener: Listener): void {
    if (this.#refs.has(listener)) return;
    if (this.#listeners.size >= this.#pruneAt) {
      for (const one of this.#listeners) if (one.deref() === undefined) this.#listeners.delete(one);
      this.#pruneAt = Math.max(16, this.#listeners.size * 2);
    }
    const ref = new WeakRef(listener);
    this.#refs.set(listener, ref);
    this.#listeners.add(ref);
    this.#restore ??= this.#install();
  }

  remove(listener: Listener): void {
    const ref = this.#refs.get(listener);
    if (ref !== undefined) this.#listeners.delete(ref);
    this.#refs.delete(listener);
    if (this.#listeners.size > 0) return;
    this.#restore?.();
    this.#restore = undefined;
  }

  /** Those that judge: the open ones, and where none is, those whose sessions are over and let nothing in. */
  #judges(): readonly Listener[] {
    const all = [...this.#listeners].map((one) => one.deref()).filter((one) => one !== undefined);
    const open = all.filter(({ session }) => !session.context.signal.aborted);
    return open.length > 0 ? open : all;
  }

  #install(): () => void {
    const client = this.#client;
    const handlers = handlersOf(client);
    const undo: (() => void)[] = [];
    if (handlers !== undefined) {
      undo.push(replace(handlers, "get", (method: string) => {
        const handler = Map.prototype.get.call(handlers, method) ?? memberOf(client, "fallbackRequestHandler");
        return handler && this.#around(handler as Handler);
      }));
    }
    undo.push(governNotifications(client, (method) => {
      const judges = this.#judges();
      // The client may list again by itself, and tell its user what nobody sees here.
      if (method === "notifications/tools/list_changed") { for (const { known } of judges) known.forget(); }
      return judges;
    }));
    return () => undo.forEach((one) => one());
  }

  /** A request of the server's, past everybody who judges. */
  #around(handler: Handler): Handler {
    return async (request, context) => {
      const method = String(ownOf(request, "method"));
      const judges = this.#judges();
      const next = async (at: number, params: Fields | undefined): Promise<unknown> => {
        const judge = judges[at];
        if (judge === undefined) return await handler(params === undefined ? request : { ...request, params }, context);
        const name = actOf(method);
        if (OPENING.has(method)) {
          try {
            mustBeActive(judge.session);
          } catch (error) {
            throw tell(judge.session, name, error);
          }
          return await next(at + 1, params);
        }
        return await exchange(
          judge.session,
          name,
          params,
          (safe) => next(at + 1, safe),
          judge.untrusted,
          (asked) => grantIn(() => judge.grantOf?.({ method, name, params: asked })),
        );
      };
      try {
        return await next(0, ownOf(request, "params") as Fields | undefined);
      } catch (error) {
        throw isViolation(error) ? protocolError(error) : error;
      }
    };
  }
}
