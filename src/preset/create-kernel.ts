// What turns the options of `createKernel` into extensions, and what uses the public face only, such as replay.

import { approvalsOf } from "../approval/extension.ts";
import type { ApprovalAnswer, ApprovalRequest } from "../approval/request.ts";
import { functionOf, ownOptions } from "../base/check.ts";
import { checkStore } from "../base/check-store.ts";
import { refuseOtherCopy } from "../base/copy.ts";
import type { Guard, Interceptor } from "../base/guard.ts";
import { shownAs } from "../base/inspect.ts";
import type { CryptoKeyLike } from "../base/platform.ts";
import { killSwitch, type KillSwitchPlugin } from "../control/extension.ts";
import type { Similarity } from "../drift/drift-of.ts";
import { driftMonitor } from "../drift/extension.ts";
import { type CoreKernel, type CoreKernelOptions, KernelImpl } from "../kernel/kernel.ts";
import type { Plugin } from "../kernel/plugin.ts";
import type { Prices } from "../kernel/prices.ts";
import { definePolicy } from "../policy/define.ts";
import { policyRules } from "../policy/extension.ts";
import type { GovernancePolicy, PolicyInit } from "../policy/policy.ts";
import type { PayloadLimits } from "../snapshot/caps.ts";
import type { StateStore } from "../state/store.ts";
import type { ActionGuard } from "../trust/action-guard.ts";
import { admitAgents, checkTrust, learnOfAgents } from "../trust/extension.ts";
import type { TrustTracker } from "../trust/tracker.ts";

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
  approvalKey?: CryptoKeyLike;
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
export interface Kernel extends CoreKernel {
  /** The policy of every session. */
  readonly policy: GovernancePolicy;
  /** Adds a plugin, before the first session. */
  use(plugin: Plugin): Kernel;
  /**
   * Stops an agent until `resume`: by its agentKey, every agent of that agentId, or with `"*"` all of the kernel. Acts
   * under way are aborted, and where the kernel was given a store, the next process still knows.
   */
  suspend(agent: string, reason?: string): void;
  /** Lets a suspended agent act again. */
  resume(agent: string): void;
  /** Stops an agent for good. */
  kill(agent: string, reason?: string): void;
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
  return Object.freeze(new Preset(options));
}

class Preset extends KernelImpl implements Kernel {
  readonly policy: GovernancePolicy;
  readonly #control: KillSwitchPlugin;

  static {
    // Whoever is given a kernel has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
    shownAs<Preset>(
      this.prototype,
      () => "Kernel",
      (kernel) => #control in kernel ? { policy: nameOf(kernel.policy), ...KernelImpl.fields(kernel) } : {},
      true,
    );
  }

  constructor(given: KernelOptions) {
    const options = ownOptions(WHERE, given, OPTIONS);
    const { trust, trustTracker, similarity, store, guards, interceptors, plugins, mode, clock, prices, limits } =
      options;
    refuseOtherCopy(WHERE, "policy", options.policy);
    const policy = definePolicy(options.policy);
    checkTrust(WHERE, { trust }, { trustTracker });
    if (store !== undefined) checkStore(WHERE, "store", store);
    if (similarity !== undefined) functionOf(WHERE, "similarity", similarity);
    const { approve, approvalKey, approvalTtlMs, approvalQuorum } = options;
    const approvals = approvalsOf(WHERE, { approve, approvalKey, approvalTtlMs, approvalQuorum });
    const control = killSwitch();
    // In this order they are asked, open sessions, and observe what acts came to.
    const own: Plugin[] = [
      { name: "store", setup: (host) => void (store === undefined || host.store(store)) },
      control,
      { name: "trust", setup: (host) => admitAgents(host, trust, trustTracker !== undefined) },
      driftMonitor(similarity === undefined ? {} : { similarity }),
      { name: "trustTracker", setup: (host) => void (trustTracker === undefined || learnOfAgents(host, trustTracker)) },
      policyRules(policy),
      approvals,
    ];
    super({ guards, interceptors, plugins, mode, clock, prices, limits } as CoreKernelOptions, own);
    this.policy = policy;
    this.#control = control;
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
}

function nameOf({ name, version }: GovernancePolicy): string {
  return `${name}@${version}`;
}
