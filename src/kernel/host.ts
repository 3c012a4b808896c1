import { functionOf, wrong, wrongType } from "../base/check.ts";
import { checkStore } from "../base/check-store.ts";
import type { Emitter } from "../base/events.ts";
import { checkStages, type Guard, type Interceptor } from "../base/guard.ts";
import { memberOf } from "../base/own.ts";
import { flatten } from "../combine/all.ts";
import { checkGuard } from "../combine/guard-traits.ts";
import type { StateStore } from "../state/store.ts";
import type { LiveSessions } from "./live-sessions.ts";
import type { Plugin } from "./plugin.ts";
import type { AuditSink } from "./records.ts";
import { objectionOf } from "./report.ts";
import type { ReadObserver, ReadSink } from "./engine.ts";
import type {
  ActObserver,
  Approver,
  DenialListener,
  EventChannel,
  ExtensionEvent,
  GuardPlace,
  InputListener,
  PluginHost,
  SessionOpener,
} from "./seam.ts";

/** The events that extensions may emit. */
const CHANNELS: readonly ExtensionEvent[] = [
  "checkpoint_created",
  "drift_detected",
  "approval_requested",
  "approval_resolved",
  "trust_changed",
  "agent_signal",
];
const PLACES: readonly GuardPlace[] = ["who", "what", "own"];

/** What plugins find in a kernel. */
interface Ground {
  readonly clock: () => number;
  readonly mode: "enforce" | "shadow";
  readonly emitter: Emitter;
  readonly live: LiveSessions;
  /** Throws once the kernel has a session: what is added later would judge some sessions and not others. */
  readonly unsealed: (plugin: Plugin) => void;
}

/** What the plugins of a kernel have added to it. */
export class Extensions {
  readonly guards: Readonly<Record<GuardPlace, Guard[]>> = { who: [], what: [], own: [] };
  readonly interceptors: Interceptor[] = [];
  readonly openers: ReadOpener[] = [];
  readonly observers: ReadObserver[] = [];
  readonly inputs: InputListener[] = [];
  readonly denied: DenialListener[] = [];
  readonly sinks: ReadSink[] = [];
  approver: Approver | undefined;
  store: StateStore | undefined;
  readonly #ground: Ground;
  readonly #channels: Map<ExtensionEvent, string> = new Map();

  constructor(ground: Ground) {
    this.#ground = ground;
  }

  /** What a plugin's `setup` gets. */
  hostOf(plugin: Plugin): PluginHost {
    const { clock, mode, emitter, live, unsealed } = this.#ground;
    const where = `plugin "${plugin.name}"`;
    /** Adds to a list, as long as there is no session. */
    const add = <T>(list: T[], ...added: readonly T[]): void => {
      unsealed(plugin);
      list.push(...added);
    };
    return {
      clock: () => clock(),
      mode,
      guard: (guard, place = "own") => {
        unsealed(plugin);
        checkGuard(where, "guard", guard);
        if (!PLACES.includes(place)) throw wrong(where, "place", PLACES.join(", "), place);
        this.guards[place].push(...flatten([guard]));
      },
      intercept: (interceptor) => {
        unsealed(plugin);
        this.interceptors.push(functionOf(where, "interceptor", interceptor));
      },
      stop: (check) => {
        unsealed(plugin);
        return live.stopBy(functionOf(where, "stop", check));
      },
      opening: (opener) => add(this.openers, openerOf(where, opener)),
      approver: (approver) => {
        unsealed(plugin);
        for (const method of ["ask", "answer", "unanswered"] as const) {
          functionOf(where, `approver.${method}`, memberOf(approver, method));
        }
        if (this.approver !== undefined) {
          throw new TypeError(`Plugin "${plugin.name}" brings an approver, and the kernel already has one`);
        }
        this.approver = approver;
      },
      observe: (observer) => add(this.observers, observerOf(where, observer)),
      input: (listener) => add(this.inputs, functionOf(where, "input", listener)),
      denied: (listener) => add(this.denied, functionOf(where, "denied", listener)),
      channel: (type) => {
        unsealed(plugin);
        return this.#channel(plugin, type);
      },
      store: (store) => {
        unsealed(plugin);
        checkStore(where, "store", store);
        if (this.store !== undefined) {
          throw new TypeError(
            `Plugin "${plugin.name}" brings a store, and the kernel already has one: "${this.store.name}"`,
          );
        }
        this.store = store;
      },
      storeOf: () => this.store,
      sink: (sink) => add(this.sinks, sinkOf(where, sink)),
      on: (type, listener) => emitter.on(type, listener),
      sessions: (visit) => live.visit(visit),
    };
  }

  #channel<K extends ExtensionEvent>(plugin: Plugin, type: K): EventChannel<K> {
    if (!CHANNELS.includes(type)) throw wrong(`plugin "${plugin.name}"`, "channel", CHANNELS.join(", "), type);
    const owner = this.#channels.get(type);
    if (owner !== undefined) {
      throw new TypeError(`Plugin "${plugin.name}" cannot emit "${type}": plugin "${owner}" does`);
    }
    this.#channels.set(type, plugin.name);
    const { emitter } = this.#ground;
    return Object.freeze(
      {
        get isHeard(): boolean {
          return emitter.has(type);
        },
        emit: (event) => {
          const objection = emitter.emit(type, event);
          return objection === undefined ? undefined : objectionOf(objection);
        },
        failed: (error) => void emitter.emit("listener_error", { type, error }),
      } satisfies EventChannel<K>,
    );
  }
}

/** An opener as the kernel asks it: each part read once, and none that everything inherits. */
export interface ReadOpener {
  readonly keys: readonly string[];
  readonly open: SessionOpener["open"];
  readonly opened: SessionOpener["opened"];
  readonly ready: SessionOpener["ready"];
}

function openerOf(where: string, opener: SessionOpener): ReadOpener {
  if (typeof opener !== "object" || opener === null) throw wrongType(where, "opener", "an object", opener);
  const keys: unknown = memberOf(opener, "keys") ?? [];
  if (!(Array.isArray(keys) && keys.every((key) => typeof key === "string"))) {
    throw wrong(where, "opener.keys", "an array of strings", keys);
  }
  return {
    keys: [...keys],
    open: methodOf(where, "opener", opener, "open"),
    opened: methodOf(where, "opener", opener, "opened"),
    ready: methodOf(where, "opener", opener, "ready"),
  };
}

function observerOf(where: string, observer: ActObserver): ReadObserver {
  if (typeof observer !== "object" || observer === null) throw wrongType(where, "observer", "an object", observer);
  const ended = memberOf(observer, "ended") as ActObserver["ended"];
  functionOf(where, "observer.ended", ended);
  return {
    stages: checkStages(where, observer.stages),
    isNeeded: methodOf(where, "observer", observer, "isNeeded"),
    ended: ended.bind(observer),
  };
}

function sinkOf(where: string, sink: AuditSink): ReadSink {
  const write = memberOf(sink, "write") as AuditSink["write"];
  functionOf(where, "sink.write", write);
  const [name, payloads, durable] = [memberOf(sink, "name"), memberOf(sink, "payloads"), memberOf(sink, "durable")];
  if (payloads !== undefined && typeof payloads !== "boolean") {
    throw wrong(where, "sink.payloads", "true or false", payloads);
  }
  if (durable !== undefined && durable !== "act" && durable !== "result") {
    throw wrong(where, "sink.durable", '"act" or "result"', durable);
  }
  const stored = methodOf(where, "sink", sink, "stored");
  if (durable !== undefined && stored === undefined) {
    throw wrong(where, "sink.stored", "a function, where the sink is durable", stored);
  }
  return {
    name: typeof name === "string" ? name : where,
    payloads: payloads === true,
    durable,
    write: write.bind(sink),
    stored,
  };
}

/** A method of what a plugin brings, or `undefined` where it has none. */
function methodOf<T extends object, K extends keyof T & string>(
  where: string,
  what: string,
  brought: T,
  name: K,
): T[K] | undefined {
  const method = memberOf(brought, name as keyof NonNullable<T>) as T[K] | undefined;
  if (method === undefined) return undefined;
  return (functionOf(where, `${what}.${name}`, method) as () => unknown).bind(brought) as T[K];
}
