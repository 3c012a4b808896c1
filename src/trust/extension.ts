import { functionOf, ownOptions, wrong } from "../base/check.ts";
import { refuseOtherCopy } from "../base/copy.ts";
import { type Deny, denyHere, isThenable } from "../base/decision.ts";
import { memberOf, ownField } from "../base/own.ts";
import type { Plugin } from "../kernel/plugin.ts";
import type { ActRef, PluginHost, SessionHandle } from "../kernel/seam.ts";
import type { ActionGuard } from "./action-guard.ts";
import { isViolation } from "./learn.ts";
import { narrowProfile } from "./narrow-profile.ts";
import { Profile } from "./profile-object.ts";
import { type AgentProfile, agentProfile } from "./profile.ts";
import { meetBy, type TrustTracker } from "./tracker.ts";
import { trustGate } from "./trust-gate.ts";

/** Who may act, and how that changes. */
export interface TrustOptions {
  /** Gate 1, who may act: sessions then need an agent profile. */
  guard?: ActionGuard;
  /** Learns from what runs and tool calls came to: sessions then need an agent profile. */
  tracker?: TrustTracker;
}

const WHERE = "trust()";

/**
 * Gives sessions agent profiles, by the option `agent`: with a `guard` only those act that it lets, and with a `tracker`
 * their scores follow what they do. A child session of another agent has no right that its parent has not.
 *
 * Denies with the codes of `trustGate`; with `store_unavailable` where the tracker cannot tell the agent's score. A
 * kernel of `sallyport` has it, with the options `trust` and `trustTracker`; one of `sallyport/core` is given it.
 *
 * @throws {TypeError} If an option is unknown, or is no action guard or tracker.
 * @example Usage
 * ```ts
 * import { actionGuard, agentProfile, trust } from "@sallyport/sallyport";
 * import { createKernel } from "@sallyport/sallyport/core";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({ plugins: [trust({ guard: actionGuard({ sensitiveActions: { deploy: 900 } }) })] });
 * const agent = agentProfile({ did: "did:agentmesh:deployer", name: "Deployer", trustScore: 750 });
 * await assert.rejects(kernel.session({ agent }).tool({ name: "deploy", arguments: {} }, () => 1), {
 *   code: "trust_too_low",
 * });
 * ```
 */
export function trust(options: TrustOptions = {}): Plugin {
  const { guard, tracker } = ownOptions(WHERE, options, ["guard", "tracker"]);
  checkTrust(WHERE, { guard }, { tracker });
  return {
    name: "trust",
    setup(host): void {
      admitAgents(host, guard, tracker !== undefined);
      if (tracker !== undefined) learnOfAgents(host, tracker);
    },
  };
}

/** Throws unless the one that is given under its name is an action guard, and the other a tracker. */
export function checkTrust(where: string, guards: Record<string, unknown>, trackers: Record<string, unknown>): void {
  for (const [field, guard] of Object.entries(guards)) {
    refuseOtherCopy(where, field, guard);
    if (guard !== undefined && typeof memberOf(guard as ActionGuard, "check") !== "function") {
      throw wrong(where, field, "an action guard", guard);
    }
  }
  for (const [field, tracker] of Object.entries(trackers)) {
    if (tracker === undefined) continue;
    refuseOtherCopy(where, field, tracker);
    for (const method of ["recordSuccess", "recordFailure", "recordViolation"] as const) {
      functionOf(where, `${field}.${method}`, memberOf(tracker as TrustTracker, method));
    }
    const load: unknown = memberOf(tracker as TrustTracker, "load");
    if (load !== undefined) functionOf(where, `${field}.load`, load);
  }
}

/** Reads the option `agent`, and has the guard judge it. */
export function admitAgents(host: PluginHost, guard: ActionGuard | undefined, isTracked: boolean): void {
  if (guard !== undefined) host.guard(trustGate(guard), "who");
  const isNeeded = guard !== undefined || isTracked;
  host.opening({
    keys: ["agent"],
    open: ({ agent: given }, parts, parent) => {
      refuseOtherCopy("session()", "agent", given);
      const above = parent === undefined ? undefined : ownField(parent.context, "agent");
      parts.agent = agentOf(given, above);
      if (parts.agent === undefined && isNeeded) {
        throw wrong("session()", "agent", "a profile, because the kernel has a trust gate", undefined);
      }
    },
  });
}

/** Who acts in a session: whom it was given, or its parent's. */
function agentOf(given: AgentProfile | undefined, above: AgentProfile | undefined): AgentProfile | undefined {
  if (given === undefined) return above;
  // A profile made by hand could be changed by whoever holds it: it is checked and copied.
  const agent = Profile.is(given) ? given : agentProfile(given);
  // Handed to another agent, a run gains no right: what the parent may not do, its child may not either.
  if (above === undefined) return agent;
  return principalOf(above) === agent ? above : narrowProfile(above, agent);
}

/** The agent itself, whose trust the outcomes move; its session may show it narrowed by the parent's. */
function principalOf(agent: AgentProfile): AgentProfile {
  return Profile.is(agent) ? Profile.principal(agent) : agent;
}

/** Has a tracker tell the agent's score when a session opens, and learn what becomes of its acts. */
export function learnOfAgents(host: PluginHost, tracker: TrustTracker): void {
  const channel = host.channel("trust_changed");
  const record = { success: tracker.recordSuccess, failure: tracker.recordFailure, violation: tracker.recordViolation };
  const learn = (session: SessionHandle, outcome: keyof typeof record, { stage, name, callId }: ActRef): void => {
    const shown = ownField(session.context, "agent");
    if (shown === undefined || stage === "pre_model_call" || stage === "post_model_call") return;
    const agent = principalOf(shown);
    try {
      // A tracker counts each outcome once for a call id.
      const newScore = record[outcome].call(tracker, agent, name, `${session.context.sessionId}:${callId}`);
      channel.emit({ did: agent.did, outcome, newScore, timestamp: session.now() });
    } catch (error) {
      channel.failed(error);
    }
  };
  host.opening({
    ready: ({ context }) => {
      const agent = ownField(context, "agent");
      return agent === undefined ? undefined : met(tracker, principalOf(agent));
    },
  });
  host.observe({
    stages: ["output", "post_tool_call"],
    ended: (session, act) => {
      if (act.isAllowed) learn(session, act.isError ? "failure" : "success", act);
      return undefined;
    },
  });
  host.denied((session, act, { code }) => {
    if (isViolation(code)) learn(session, "violation", act);
  });
}

/** Asks the tracker about the agent by its DID, so that a new profile does not begin at its old score. */
function met(tracker: TrustTracker, agent: AgentProfile): undefined | Deny | Promise<Deny | undefined> {
  const unknown = (error: unknown): Deny =>
    denyHere("store_unavailable", "How far the agent is trusted could not be read", error);
  try {
    const answer = meetBy(tracker, agent);
    return isThenable(answer) ? Promise.resolve(answer).then(() => undefined, unknown) : undefined;
  } catch (error) {
    return unknown(error);
  }
}
