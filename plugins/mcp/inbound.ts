import type { Session } from "../../mod.ts";
import { isViolation, protocolError } from "./denials.ts";
import { exchange, judgeNotification, mustBeActive, type Told } from "./judging.ts";
import type { KnownTools } from "./known-tools.ts";
import { actOf, OPENING } from "./methods.ts";
import type { Fields, Handler, Methods } from "./types.ts";
import { isFields } from "./values.ts";

/** One governed client, as what comes in from its server meets it. */
export interface Listener {
  readonly session: Session;
  readonly known: KnownTools;
  readonly untrusted: boolean;
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
  /** The last notification, as long as a guard thinks about it. */
  #waiting: Promise<void> | undefined;
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
    return handlersOf(client) !== undefined && typeof client["_onnotification"] === "function";
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
        const handler = Map.prototype.get.call(handlers, method) ?? client["fallbackRequestHandler"];
        return handler && this.#around(handler as Handler);
      }));
    }
    const notify = client["_onnotification"];
    if (notify !== undefined) {
      undo.push(replace(client, "_onnotification", (...args: unknown[]) => this.#hear(args, notify)));
    }
    return () => undo.forEach((one) => one());
  }

  /** A request of the server's, past everybody who judges. */
  #around(handler: Handler): Handler {
    return async (request, context) => {
      const method = String(request["method"]);
      const judges = this.#judges();
      const next = (at: number, params: Fields | undefined): unknown => {
        const judge = judges[at];
        if (judge === undefined) return handler(params === undefined ? request : { ...request, params }, context);
        if (OPENING.has(method)) {
          mustBeActive(judge.session);
          return next(at + 1, params);
        }
        return exchange(
          judge.session,
          actOf(method),
          params,
          (safe) => next(at + 1, safe),
          judge.untrusted,
        );
      };
      try {
        return await next(0, request["params"] as Fields | undefined);
      } catch (error) {
        throw isViolation(error) ? protocolError(error) : error;
      }
    };
  }

  /** A notification of the server's: handed on with what may be told, in the order in which they came. */
  #hear(args: readonly unknown[], notify: (...args: unknown[]) => unknown): void {
    const [raw, ...rest] = args;
    const { method, params } = (isFields(raw) ? raw : {}) as { method?: unknown; params?: unknown };
    const judges = this.#judges();
    if (method === "notifications/tools/list_changed") {
      // The client may list again by itself, and tell its user what nobody sees here.
      for (const { known } of judges) known.forget();
    }
    const tell = (told: unknown): unknown => notify.call(this.#client, told, ...rest);
    if (typeof method !== "string") return void tell(raw);
    const settle = (told: Told | undefined): void => {
      if (told !== undefined) tell(told.params === params ? raw : { ...(raw as Fields), params: told.params });
      // What ends a request must arrive; its reason need not.
      else if (method === "notifications/cancelled" && isFields(params)) {
        tell({ ...(raw as Fields), params: { requestId: params["requestId"] } });
      }
    };
    const judged = this.#waiting ?? judgedBy(judges, 0, method, { params });
    if (!(judged instanceof Promise)) return settle(judged);
    const later = this.#waiting === undefined
      ? judged as Promise<Told | undefined>
      : this.#waiting.then(() => judgedBy(judges, 0, method, { params }));
    const done = later.then(settle).catch((error: unknown) => {
      (this.#client["onerror"] as ((error: unknown) => void) | undefined)?.(error);
    }).then(() => {
      if (this.#waiting === done) this.#waiting = undefined;
    });
    this.#waiting = done;
  }
}

/** Asks one after the other; `undefined` as soon as one says no. */
function judgedBy(
  judges: readonly Listener[],
  from: number,
  method: string,
  given: Told,
): Told | undefined | Promise<Told | undefined> {
  let told = given;
  for (let at = from; at < judges.length; at++) {
    const { session, untrusted } = judges[at] as Listener;
    const judged = judgeNotification(session, method, told.params, untrusted);
    if (judged instanceof Promise) return judged.then((one) => one && judgedBy(judges, at + 1, method, one));
    if (judged === undefined) return undefined;
    told = judged;
  }
  return told;
}

/** Where either major keeps the handlers of requests. */
export function handlersOf(target: object): Map<string, Handler> | undefined {
  const { _requestHandlers: handlers } = target as { _requestHandlers?: unknown };
  return handlers instanceof Map ? handlers as Map<string, Handler> : undefined;
}

/** Gives an object a method of its own; the answer takes it away, unless somebody else has put one there since. */
export function replace(target: object, name: string, method: (...args: never[]) => unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, { value: method, writable: true, configurable: true, enumerable: false });
  return () => {
    if ((target as Fields)[name] !== method) return;
    if (before === undefined) delete (target as Fields)[name];
    else Object.defineProperty(target, name, before);
  };
}
