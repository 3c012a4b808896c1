// The engine: kernel, sessions, acts, gates, streams, plugins.

import { functionOf, ownOptions, show, wrong } from "../base/check.ts";
import { flatten } from "../combine/all.ts";
import { checkGuard, doubleLimit } from "../combine/guard-traits.ts";
import type { Core } from "./engine.ts";
import { createGates } from "./runtime.ts";
import { Emitter, type GovernanceEvents } from "../base/events.ts";
import { explain, type Explanation } from "./explain.ts";
import { type Guard, type Interceptor, nameOf } from "../base/guard.ts";
import { type Shown, shownAs } from "../base/inspect.ts";
import { compose } from "../combine/compose.ts";
import { openSession } from "./open-session.ts";
import { memberOf } from "../base/own.ts";
import { type AdapterPlugin, checkPlugin, type ClientPlugin, type Coverage, type Plugin } from "./plugin.ts";
import { compilePrices, type Prices } from "./prices.ts";
import type { PriceOf, Stage } from "../base/request.ts";
import type { ActInit, Session, SessionInit } from "./types.ts";
import { type GateCaps, type PayloadLimits, readLimits } from "../snapshot/caps.ts";
import { SessionImpl } from "./session.ts";
import { sessionKeys } from "./calls.ts";
import { Extensions } from "./host.ts";
import { LiveSessions } from "./live-sessions.ts";
import { ignoreFailure } from "../base/taking.ts";
import { coverageOf, isGoverned, markGoverned } from "./coverage.ts";

/** What a kernel of `sallyport/core` is made of. All of it is optional. */
export interface CoreKernelOptions {
  /** Guards, asked in this order after those of plugins. */
  guards?: readonly Guard[];
  /** Advice around every act; the first is outermost. */
  interceptors?: readonly Interceptor[];
  /** Extensions; `use` adds more until the first session. */
  plugins?: readonly Plugin[];
  /** `shadow`: decide, tell and record, but let everything pass. Default `enforce`. */
  mode?: "enforce" | "shadow";
  /**
   * What models cost, where the framework does not say: US dollars per million tokens by model id, whose `*` stands for
   * any run of characters, or a function that answers dollars, and is given every figure as a number. A usage's own
   * `costUsd` wins. Of several entries that fit, the model's own id counts, else the glob with the most characters.
   * Under a `costBudget` a model without a price is denied. A call whose price function throws or answers nonsense is
   * denied too: under a budget before it runs, else its answer is.
   */
  prices?: Prices;
  /** Milliseconds since the epoch. Default `Date.now`. */
  clock?: () => number;
  /**
   * How large a payload may be, for each kind of gate; what is absent keeps its default. Guards that search texts have
   * caps of their own beside these: 16 Mi characters, 100,000 values, 64 levels.
   */
  limits?: PayloadLimits;
}

/** Holds the guards and makes sessions. */
export interface CoreKernel {
  /** Begins one agent's passage. */
  session(init: SessionInit): Session;
  /**
   * Governs a framework's object: its acts pass the gates of a session. Throws a `TypeError` where the session is
   * another kernel's, or the object is governed already.
   */
  wrap<T extends object, C extends T>(target: C, plugin: ClientPlugin<T>, init: SessionInit | Session): C;
  /** The same, for a plugin that gives an object of its own shape. */
  wrap<T extends object, G extends object>(target: T, plugin: AdapterPlugin<T, G>, init: SessionInit | Session): G;
  /** The object that a governed one stands for. Only this kernel knows. */
  unwrap(governed: object): object;
  /** The session that a governed object acts in. */
  sessionOf(governed: object): Session | undefined;
  /** Which entry points of a governed object pass the gates. */
  coverage(governed: object): Coverage;
  /** Adds a plugin, before the first session. */
  use(plugin: Plugin): CoreKernel;
  /** Listens; the answer stops listening. */
  on<K extends keyof GovernanceEvents>(type: K, listener: (event: GovernanceEvents[K]) => void): () => void;
  /** Judges without acting: nothing is taken, told or recorded, and nobody is asked. */
  explain(
    request: { stage: Stage; name: string; payload: unknown } & ActInit,
    init: SessionInit | Session,
  ): Explanation | Promise<Explanation>;
  /** Ends everything: sessions, acts under way and plugins. */
  close(): Promise<void>;
}

const OPTIONS = ["guards", "interceptors", "plugins", "prices", "mode", "clock", "limits"] as const;
const WHERE = "createKernel()";

/**
 * Makes a kernel of guards, interceptors and plugins alone: no policy, no profiles, no approvals, no drift and no kill
 * switch, unless plugins bring them.
 *
 * Without them, an escalation is denied with `approval_required`, the option of `session()` that they would read is
 * unknown, and `context.policy` allows everything.
 *
 * @throws {TypeError | RangeError} If an option is unknown or wrong; the error says what was wanted and what came.
 * @example Usage
 * ```ts
 * import { allowTools, createKernel } from "@sallyport/sallyport/core";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({ guards: [allowTools(["search"])] });
 * const session = kernel.session({ agentId: "researcher" });
 * assert.equal(await session.tool({ name: "search", arguments: { q: "tides" } }, () => "high at noon"), "high at noon");
 * await assert.rejects(session.tool({ name: "delete", arguments: {} }, () => "never"), { code: "tool_not_allowed" });
 * ```
 */
export function createKernel(options: CoreKernelOptions = {}): CoreKernel {
  return Object.freeze(new KernelImpl(ownOptions(WHERE, options, OPTIONS)));
}

interface Wrapped {
  readonly target: object;
  readonly plugin: AdapterPlugin<object, object>;
  readonly session: Session;
}

/** The kernel that is handed out, once it was frozen. */
export class KernelImpl implements CoreKernel {
  readonly #emitter = new Emitter();
  readonly #live = new LiveSessions();
  readonly #extensions: Extensions;
  readonly #wrapped = new WeakMap<object, Wrapped>();
  readonly #options: CoreKernelOptions;
  readonly #clock: () => number;
  readonly #price: PriceOf | undefined;
  readonly #caps: GateCaps;
  readonly #own: readonly Guard[];
  readonly #interceptors: readonly Interceptor[];
  readonly #teardowns: (() => void | Promise<void>)[] = [];
  readonly #plugins: string[] = [];
  /** How many were opened, children left out. */
  #sessions = 0;
  #core: Core | undefined;

  static {
    // Whoever is given a kernel has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
  }

  /** `own` are plugins that are not shown, and come first. */
  constructor(options: CoreKernelOptions, own: readonly Plugin[] = []) {
    const { guards = [], interceptors = [], plugins = [], mode = "enforce", clock, prices } = options;
    if (!Array.isArray(guards)) throw wrong(WHERE, "guards", "an array of guards", guards);
    guards.forEach((guard: unknown, index) => checkGuard(WHERE, `guards[${index}]`, guard));
    if (!Array.isArray(interceptors)) throw wrong(WHERE, "interceptors", "an array of functions", interceptors);
    this.#interceptors = interceptors.map((interceptor: Interceptor, index) =>
      functionOf(WHERE, `interceptors[${index}]`, interceptor)
    );
    if (mode !== "enforce" && mode !== "shadow") throw wrong(WHERE, "mode", '"enforce" or "shadow"', mode);
    if (!Array.isArray(plugins)) throw wrong(WHERE, "plugins", "an array of plugins", plugins);
    this.#clock = clock === undefined ? Date.now : functionOf(WHERE, "clock", clock);
    this.#price = prices === undefined ? undefined : compilePrices(WHERE, prices);
    this.#caps = readLimits(WHERE, options.limits);
    this.#own = flatten([...guards]);
    this.#options = options;
    this.#extensions = new Extensions({
      clock: this.#clock,
      mode,
      emitter: this.#emitter,
      live: this.#live,
      unsealed: (plugin) => this.#unsealed(plugin),
    });
    for (const plugin of own) this.#extend(plugin);
    for (const plugin of plugins) this.use(plugin);
    this.#mustDiffer();
  }

  static {
    shownAs<KernelImpl>(this.prototype, () => "Kernel", KernelImpl.fields, true);
  }

  /** What a console shows of a kernel. */
  static fields(kernel: KernelImpl): Shown {
    // The prototype itself is no kernel.
    return #emitter in kernel ? kernel.#fields() : {};
  }

  #fields(): Shown {
    return {
      mode: this.#options.mode ?? "enforce",
      guards: this.#guards().map(nameOf),
      plugins: [...this.#plugins],
      sessions: this.#sessions,
      state: this.#live.closed === undefined ? "open" : "closed",
    };
  }

  use(plugin: Plugin): this {
    checkPlugin("use()", plugin);
    if (this.#live.closed !== undefined) {
      throw new TypeError(`Cannot use plugin "${plugin.name}": the kernel is closed`);
    }
    if (this.#core !== undefined) {
      throw new TypeError(`Cannot use plugin "${plugin.name}": the kernel already has a session`);
    }
    this.#plugins.push(plugin.name);
    this.#extend(plugin);
    return this;
  }

  #extend(plugin: Plugin): void {
    const teardown = memberOf(plugin, "setup")?.call(plugin, this.#extensions.hostOf(plugin));
    if (teardown !== undefined) {
      if (typeof teardown !== "function") ignoreFailure(teardown);
      this.#teardowns.push(functionOf(`plugin "${plugin.name}"`, "the answer of setup", teardown));
    }
  }

  /** What a plugin adds after the first session would judge some sessions and not others. */
  #unsealed(plugin: Plugin): void {
    if (this.#core !== undefined) {
      throw new TypeError(`Plugin "${plugin.name}" is too late: the kernel already has a session`);
    }
  }

  /** All guards, in the order in which they are asked. */
  #guards(): readonly Guard[] {
    const { guards } = this.#extensions;
    return [...guards.who, ...guards.what, ...guards.own, ...this.#own];
  }

  /** Throws where limits of the kernel's would take each other's counts for their own. */
  #mustDiffer(): void {
    const id = this.#extensions.store === undefined ? undefined : doubleLimit(this.#guards());
    if (id === undefined) return;
    throw new TypeError(
      `Cannot build ${WHERE}: two limits count in the kernel's store under the id ${
        show(id)
      }, and each would take the ` +
        'other\'s count for its own: give each an "id" of its own',
    );
  }

  #seal(): Core {
    if (this.#core !== undefined) return this.#core;
    const { openers, observers, approver, inputs, denied, sinks, store } = this.#extensions;
    const interceptors = [...this.#interceptors, ...this.#extensions.interceptors];
    this.#mustDiffer();
    return (this.#core = {
      guards: this.#guards(),
      interceptor: interceptors.length === 0 ? undefined : compose(...interceptors),
      emitter: this.#emitter,
      clock: this.#clock,
      isShadow: this.#options.mode === "shadow",
      price: this.#price,
      openers: {
        keys: sessionKeys(openers.flatMap(({ keys }) => keys)),
        open: openers.flatMap(({ open }) => open ?? []),
        opened: openers.flatMap(({ opened }) => opened ?? []),
        ready: openers.flatMap(({ ready }) => ready ?? []),
      },
      approver,
      observers: [...observers],
      inputs: [...inputs],
      denied: [...denied],
      sinks: [...sinks],
      durable: sinks.filter(({ durable }) => durable === "act"),
      durableResults: sinks.filter(({ durable }) => durable === "result"),
      limits: store,
      live: this.#live,
      gates: createGates(),
      caps: this.#caps,
    });
  }

  session(init: SessionInit): Session {
    const session = openSession(this.#seal(), init);
    this.#sessions++;
    return session;
  }

  wrap(target: object, plugin: AdapterPlugin<object, object>, init: SessionInit | Session): object {
    checkPlugin("wrap()", plugin);
    functionOf("wrap()", "plugin.wrap", memberOf(plugin, "wrap"));
    if ((typeof target !== "object" && typeof target !== "function") || target === null) {
      throw wrong("wrap()", "target", "an object", target);
    }
    if (isGoverned(target)) {
      throw new TypeError("Cannot build wrap(): the target is governed already, and every act would be judged twice");
    }
    const session = this.#sessionFor("wrap()", init);
    const governed = plugin.wrap(target, session);
    if ((typeof governed !== "object" && typeof governed !== "function") || governed === null || governed === target) {
      throw new TypeError(`Plugin "${plugin.name}" must answer a governed object, and not the target itself`);
    }
    if (isGoverned(governed)) {
      throw new TypeError(
        `Plugin "${plugin.name}" must answer a new object, and answered one that is governed already`,
      );
    }
    markGoverned(governed);
    this.#wrapped.set(governed, { target, plugin, session });
    return governed;
  }

  #known(governed: object): Wrapped {
    const found = this.#wrapped.get(governed);
    if (found === undefined) throw new TypeError("This object was not governed by this kernel");
    return found;
  }

  unwrap(governed: object): object {
    return this.#known(governed).target;
  }

  sessionOf(governed: object): Session | undefined {
    return this.#wrapped.get(governed)?.session;
  }

  coverage(governed: object): Coverage {
    const { target, plugin } = this.#known(governed);
    return memberOf(plugin, "coverage")?.call(plugin, target) ?? coverageOf(target, governed);
  }

  on<K extends keyof GovernanceEvents>(type: K, listener: (event: GovernanceEvents[K]) => void): () => void {
    return this.#emitter.on(type, listener);
  }

  explain(
    request: { stage: Stage; name: string; payload: unknown } & ActInit,
    init: SessionInit | Session,
  ): Explanation | Promise<Explanation> {
    return explain(this.#sessionFor("explain()", init), request);
  }

  /** The session that is given, or a new one. A session of another kernel would be judged by the other's guards. */
  #sessionFor(where: string, init: SessionInit | Session): Session {
    const scope = SessionImpl.scopeOf(init);
    if (scope === undefined) return this.session(init as SessionInit);
    if (scope.core !== this.#core) throw wrong(where, "init", "a session of this kernel, or what makes one", init);
    return init as Session;
  }

  async close(): Promise<void> {
    this.#live.close();
    const failures: unknown[] = [];
    for (const teardown of this.#teardowns.splice(0).reverse()) {
      await (async () => await teardown())().catch((error: unknown) => void failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
