// Suspend, resume and kill.

import { wrong, wrongType } from "../base/check.ts";
import type { Plugin } from "../kernel/plugin.ts";
import type { EventChannel, PluginHost } from "../kernel/seam.ts";
import { canonicalAgentKey } from "../crypto/did.ts";
import { KillSwitch } from "./kill-switch.ts";

/** A plugin that stops agents. */
export interface KillSwitchPlugin extends Plugin {
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

const NAME = /^(?:\*|[a-zA-Z0-9_-]+|did:.+)$/s;

/** The kernel that a kill switch is in. */
interface Installed {
  readonly host: PluginHost;
  readonly agents: KillSwitch;
  readonly channel: EventChannel<"agent_signal">;
}

/**
 * Makes a switch that suspends, resumes and kills the agents of one kernel.
 *
 * Denies with `agent_suspended` or `session_killed`; with `store_unavailable` where the kernel has a store that cannot
 * say whether an agent was stopped. A kernel of `sallyport` has one, behind `kernel.suspend`, `resume` and `kill`; one
 * of `sallyport/core` is given it.
 *
 * @example Usage
 * ```ts
 * import { killSwitch } from "@sallyport/sallyport";
 * import { createKernel } from "@sallyport/sallyport/core";
 * import assert from "node:assert/strict";
 *
 * const agents = killSwitch();
 * const session = createKernel({ plugins: [agents] }).session({ agentId: "researcher" });
 * agents.suspend("researcher");
 * await assert.rejects(session.run("hi", () => "never"), { code: "agent_suspended" });
 * agents.resume("researcher");
 * assert.equal(await session.run("hi", () => "hello"), "hello");
 * ```
 */
export function killSwitch(): KillSwitchPlugin {
  let installed: Installed | undefined;
  const here = (verb: string): Installed => {
    if (installed === undefined) throw new TypeError(`Cannot ${verb} an agent: the kill switch is in no kernel`);
    return installed;
  };
  const stop = (agent: string, signal: "suspend" | "kill", reason: string): void => {
    const { host, agents, channel } = here(signal);
    if (typeof reason !== "string") throw wrongType(`${signal}()`, "reason", "a string", reason);
    agents.stop(agentOf(`${signal}()`, agent), signal, reason);
    channel.emit({ agent, signal, reason, timestamp: host.clock() });
  };
  return Object.freeze({
    name: "killSwitch",
    setup(host: PluginHost): void {
      if (installed !== undefined) throw new TypeError("A kill switch is for one kernel, and this one has its own");
      const channel = host.channel("agent_signal");
      const stopping = host.stop(({ context }) => agents.of(context.agentKey, context.agentId));
      const agents = new KillSwitch({
        store: host.storeOf,
        clock: host.clock,
        failed: channel.failed,
        stopping,
        sessions: host.sessions,
      });
      host.opening({ ready: ({ context }) => agents.load(context.agentKey, context.agentId) });
      installed = { host, agents, channel };
    },
    suspend: (agent: string, reason = "The agent is suspended") => stop(agent, "suspend", reason),
    kill: (agent: string, reason = "The agent was killed") => stop(agent, "kill", reason),
    resume(agent: string): void {
      const { host, agents, channel } = here("resume");
      if (agents.resume(agentOf("resume()", agent))) {
        channel.emit({ agent, signal: "resume", reason: "", timestamp: host.clock() });
      }
    },
  });
}

function agentOf(where: string, agent: unknown): string {
  // A name that no agent can have would stop nobody, in silence.
  if (typeof agent === "string" && NAME.test(canonicalAgentKey(agent))) return agent;
  throw wrong(where, "agent", 'an agentKey, an agentId or "*"', agent);
}
