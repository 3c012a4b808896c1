// The engine: kernel, sessions, acts, gates, streams, plugins.

import { approvalsOf } from "../approval/extension.ts";
import type { ApprovalAnswer, ApprovalRequest } from "../approval/request.ts";
import { functionOf, ownOptions, show, wrong } from "../base/check.ts";
import { flatten } from "../combine/all.ts";
import { checkGuard, doubleLimit } from "../combine/guard-traits.ts";
import { refuseOtherCopy } from "../base/copy.ts";
import type { Core } from "./engine.ts";
import { createGates } from "./runtime.ts";
import type { Similarity } from "../drift/drift-of.ts";
import { Emitter, type GovernanceEvents } from "../base/events.ts";
import { explain, type Explanation } from "./explain.ts";
import { type Guard, type Interceptor, nameOf } from "../base/guard.ts";
import { killSwitch } from "../control/extension.ts";
import { type Shown, shownAs } from "../base/inspect.ts";
import { compose } from "../combine/compose.ts";
import { openSession } from "./open-session.ts";
import { memberOf } from "../base/own.ts";
import { type AdapterPlugin, checkPlugin, type ClientPlugin, type Coverage, type Plugin } from "./plugin.ts";
import { definePolicy } from "../policy/define.ts";
import { policyRules } from "../policy/extension.ts";
import { admitAgents, checkTrust, learnOfAgents } from "../trust/extension.ts";
import type { GovernancePolicy, PolicyInit } from "../policy/policy.ts";
import { compilePrices, type Prices } from "./prices.ts";
import type { Stage } from "../base/request.ts";
import type { ActInit, Session, SessionInit } from "./types.ts";
import { type GateCaps, type PayloadLimits, readLimits } from "../snapshot/caps.ts";
import { SessionImpl } from "./session.ts";
import type { StateStore } from "../state/store.ts";
import { checkStore } from "../base/check-store.ts";
import { driftMonitor } from "../drift/extension.ts";
import { sessionKeys } from "./calls.ts";
import { Extensions } from "./host.ts";
import { LiveSessions } from "./live-sessions.ts";
import { ignoreFailure } from "../base/taking.ts";
import type { ActionGuard } from "../trust/action-guard.ts";
import type { TrustTracker } from "../trust/tracker.ts";
import type { PriceOf } from "../base/usage.ts";
import { coverageOf, isGoverned, markGoverned } from "./coverage.ts";

/** What a kernel is made of. All of it is optional. */
export interface KernelOptions {
  /** The rules; absent: the defaults of `definePolicy`. */
  policy?: PolicyInit | GovernancePolicy;
  /** Guards of your own: they run after the policy's. */
  guards?: readonly Guard[];
  /** Advice around every act; the first is outermost. */
  interceptors?: readonly Interceptor[];
  /** Gate 1, who may act: sessions then need an agent profile. */
  trust?: ActionGuard;
  /**
   * Learns from what runs and tool calls came to: success, failure, or a denial that a rule of the policy made; what a
   * success was worth it cannot see (`rewards`). It is asked for the agent's score when a session opens, by DID. Needs
   * profiles.
   */
  trustTracker?: TrustTracker;
  /**
   * Asks a person, who answers at once or later; only `true`, or valid grants, approve, and what throws denies with
   * `approval_denied`. Absent: escalations deny with `approval_required`.
   */
  approve?: (request: ApprovalRequest) => ApprovalAnswer | Promise<ApprovalAnswer>;
  /** Verifies grants: an HMAC key, or an Ed25519 public key. */
  approvalKey?: CryptoKey;
  /** How long a question may wait for its answer, in ms. Default 300000. */
  approvalTtlMs?: number;
  /** How many different people must sign, a whole number >= 1, default 1; above 1, `true` does not count. */
  approvalQuorum?: number;
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
  /** How alike two outputs are, 0 to 1, for drift. Default `wordSimilarity`. */
  similarity?: Similarity;
  /**
   * Where single use, stops and limits live, so that they hold in other processes that share it: limits of a guard that
   * count more than one session's acts (`per: "agent"`, `rateLimit` unless it is by session) and have no `store` of
   * their own. Two such limits of one kind need an `id` each. Where it fails, they deny with `store_unavailable`.
   * Whether an agent is stopped is read when a session opens. Absent: a plugin's, else this process's memory, which is
   * lost with it.
   */
  store?: StateStore;
  /**
   * How large a payload may be, for each kind of gate; what is absent keeps its default. Guards that search texts have
   * caps of their own beside these: 16 Mi characters, 100,000 values, 64 levels.
   */
  limits?: PayloadLimits;
}

/** Holds the guards and makes sessions. */
export interface Kernel {
  /** The policy of every session. */
  readonly policy: GovernancePolicy;
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
  use(plugin: Plugin): Kernel;
  /** Listens; the answer stops listening. */
  on<K extends keyof GovernanceEvents>(type: K, listener: (event: GovernanceEvents[K]) => void): () => void;
  /**
   * Stops an agent until `resume`: by its agentKey, every agent of that agentId, or with `"*"` all of the kernel. Acts
   * under way are aborted, and where the kernel was given a store, the next process still knows.
   */
  suspend(agent: string, reason?: string): void;
  /** Lets a suspended agent act again. */
  resume(agent: string): void;
  /** Stops an agent for good. */
  kill(agent: string, reason?: string): void;
  /** Judges without acting: nothing is taken, told or recorded, and nobody is asked. */
  explain(
    request: { stage: Stage; name: string; payload: unknown } & ActInit,
    init: SessionInit | Session,
  ): Explanation | Promise<Explanation>;
  /** Ends everything: sessions, acts under way and plugins. */
  close(): Promise<void>;
}

const OPTIONS = [
  "policy",
  "guards",
  "interceptors",
  "trust",
  "trustTracker",
  "approve",
  "approvalKey",
  "approvalTtlMs",
  "approvalQuorum",
  "plugins",
  "prices",
  "mode",
  "clock",
  "similarity",
  "store",
  "limits",
] as const;
const WHERE = "createKernel()";

/**
 * Makes a kernel: the policy's guards, then the plugins', then your own, compiled once into one function for each gate.
 *
 * @throws {TypeError | RangeError} If an option is unknown or wrong, or the policy is; the error says what was wanted
 *   and what came.
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({ policy: { allowedTools: ["search"], blockedPatterns: ["password"] } });
 * const session = kernel.session({ agentId: "researcher" });
 * const found = await session.tool({ name: "search", arguments: { q: "weather" } }, ({ q }) => `sunny (${q})`);
 * assert.equal(found, "sunny (weather)");
 * await assert.rejects(session.tool({ name: "delete", arguments: {} }, () => "never"), { code: "tool_not_allowed" });
 * ```
 */
export function createKernel(options: KernelOptions = {}): Kernel {
  return new KernelImpl(options);
}

interface Wrapped {
  readonly target: object;
  readonly plugin: AdapterPlugin<object, object>;
  readonly session: Session;
}

class KernelImpl implements Kernel {
  readonly policy: GovernancePolicy;
  readonly #emitter = new Emitter();
  readonly #live = new LiveSessions();
  readonly #extensions: Extensions;
  readonly #control = killSwitch();
  readonly #wrapped = new WeakMap<object, Wrapped>();
  readonly #options: KernelOptions;
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

  constructor(given: KernelOptions) {
    const options = ownOptions(WHERE, given, OPTIONS);
    const {
      policy,
      guards = [],
      interceptors = [],
      trust,
      trustTracker,
      plugins = [],
      mode = "enforce",
      clock,
      similarity,
    } = options;
    refuseOtherCopy(WHERE, "policy", policy);
    this.policy = definePolicy(policy);
    if (!Array.isArray(guards)) throw wrong(WHERE, "guards", "an array of guards", guards);
    guards.forEach((guard: unknown, index) => checkGuard(WHERE, `guards[${index}]`, guard));
    if (!Array.isArray(interceptors)) throw wrong(WHERE, "interceptors", "an array of functions", interceptors);
    this.#interceptors = interceptors.map((interceptor: Interceptor, index) =>
      functionOf(WHERE, `interceptors[${index}]`, interceptor)
    );
    const { approve, approvalKey, approvalTtlMs, approvalQuorum } = options;
    const asks = approvalsOf(WHERE, { approve, approvalKey, approvalTtlMs, approvalQuorum });
    checkTrust(WHERE, { trust }, { trustTracker });
    if (options.store !== undefined) checkStore(WHERE, "store", options.store);
    if (mode !== "enforce" && mode !== "shadow") throw wrong(WHERE, "mode", '"enforce" or "shadow"', mode);
    if (similarity !== undefined) functionOf(WHERE, "similarity", similarity);
    if (!Array.isArray(plugins)) throw wrong(WHERE, "plugins", "an array of plugins", plugins);
    this.#clock = clock === undefined ? Date.now : functionOf(WHERE, "clock", clock);
    const { prices } = options;
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
    this.#extensions.store = options.store;
    this.#extend(this.#control);
    this.#extend({ name: "agents", setup: (host) => admitAgents(host, trust, trustTracker !== undefined) });
    this.#extend(driftMonitor(similarity === undefined ? {} : { similarity }));
    if (trustTracker !== undefined) {
      this.#extend({ name: "trustTracker", setup: (host) => learnOfAgents(host, trustTracker) });
    }
    this.#extend(policyRules(this.policy));
    this.#extend(asks);
    for (const plugin of plugins) this.use(plugin);
    this.#mustDiffer();
    Object.freeze(this);
  }

  static {
    shownAs<KernelImpl>(this.prototype, () => "Kernel", (kernel) => #emitter in kernel ? kernel.#fields() : {}, true);
  }

  #fields(): Shown {
    const { policy } = this;
    return {
      policy: `${policy.name}@${policy.version}`,
      mode: this.#options.mode ?? "enforce",
      guards: this.#guards().map(nameOf),
      plugins: [...this.#plugins],
      sessions: this.#sessions,
      state: this.#live.closed === undefined ? "open" : "closed",
    };
  }

  use(plugin: Plugin): Kernel {
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
    const { openers, observers, approver, denied, sinks, store } = this.#extensions;
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
        keys: sessionKeys(openers.flatMap(({ keys = [] }) => keys)),
        open: openers.flatMap((opener) => opener.open?.bind(opener) ?? []),
        opened: openers.flatMap((opener) => opener.opened?.bind(opener) ?? []),
        ready: openers.flatMap((opener) => opener.ready?.bind(opener) ?? []),
      },
      approver,
      observers: [...observers],
      denied: [...denied],
      sinks,
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

  suspend(agent: string, reason?: string): void {
    this.#control.suspend(agent, reason);
  }

  kill(agent: string, reason?: string): void {
    this.#control.kill(agent, reason);
  }

  resume(agent: string): void {
    this.#control.resume(agent);
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
