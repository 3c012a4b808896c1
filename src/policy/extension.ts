import { refuseOtherCopy } from "../base/copy.ts";
import type { Deny } from "../base/decision.ts";
import { sessionEvent } from "../base/events.ts";
import type { Plugin } from "../kernel/plugin.ts";
import type { EndedAct, EventChannel, SessionHandle } from "../kernel/seam.ts";
import { compilePolicy } from "./compile.ts";
import { definePolicy } from "./define.ts";
import type { GovernancePolicy, PolicyInit } from "./policy.ts";
import { followSources } from "./provenance.ts";

/**
 * Makes a policy the rules of a kernel: its guards judge after those that judge who may act, and before all others. A
 * session is given a narrower one by its option `policy`, and then both must allow.
 * What a session's user said and what trusted tools answered is known to its rules, and untrusted tools taint it.
 *
 * It emits `checkpoint_created` every `checkpointFrequency`-th completed run or tool call. A kernel of `sallyport` has
 * it, with the option `policy`; one of `sallyport/core` is given it.
 *
 * @throws {PolicyError} If the policy is malformed.
 * @example Usage
 * ```ts
 * import { policyRules } from "@sallyport/sallyport";
 * import { createKernel } from "@sallyport/sallyport/core";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({ plugins: [policyRules({ allowedTools: ["search"] })] });
 * const session = kernel.session({ agentId: "a", policy: { maxToolCalls: 1 } });
 * assert.equal(await session.tool({ name: "search", arguments: {} }, () => 1), 1);
 * await assert.rejects(session.tool({ name: "search", arguments: {} }, () => 2), { code: "max_tool_calls_exceeded" });
 * ```
 */
export function policyRules(policy: PolicyInit | GovernancePolicy = {}): Plugin {
  const own = definePolicy(policy);
  return {
    name: "policy",
    setup(host): void {
      // In a shadow kernel nobody waits.
      const waits = host.mode !== "shadow";
      for (const guard of compilePolicy(own, waits)) host.guard(guard, "what");
      host.opening({
        keys: ["policy"],
        open: ({ policy: narrowing }, parts, parent) => {
          refuseOtherCopy("session()", "policy", narrowing);
          const base = parent === undefined ? own : parent.context.policy;
          parts.policy = narrowing === undefined ? base : base.merge(definePolicy(narrowing));
          // A narrower policy judges beside the kernel's: both must allow.
          if (narrowing !== undefined) parts.guards.push(...compilePolicy(parts.policy, waits));
        },
      });
      followSources(host);
      const channel = host.channel("checkpoint_created");
      host.observe({
        stages: ["output", "post_tool_call"],
        isNeeded: () => channel.isHeard,
        ended: (session, act) => checkpoint(channel, session, act),
      });
    },
  };
}

function checkpoint(
  channel: EventChannel<"checkpoint_created">,
  session: SessionHandle,
  { nth, objection }: EndedAct,
): Deny | undefined {
  const { context } = session;
  if (objection !== undefined || nth % context.policy.checkpointFrequency !== 0) return undefined;
  return channel.emit({
    ...sessionEvent(context, session.now()),
    checkpointId: `${context.sessionId}:${nth}`,
    callCount: nth,
  });
}
