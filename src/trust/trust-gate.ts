import { functionOf, wrong } from "../base/check.ts";
import { refuseOtherCopy } from "../base/copy.ts";
import { allow, type Decision, deny, denyHere, guardError } from "../base/decision.ts";
import { defineGuard, type Guard } from "../base/guard.ts";
import { memberOf, ownField, pickOwn } from "../base/own.ts";
import type { ActionGuard } from "./action-guard.ts";
import { judgeOf } from "./judge.ts";
import type { AgentProfile } from "./profile.ts";

const WHERE = "trustGate()";
const NAME = "trustGate";

/**
 * Lets only agents act that an action guard lets: the first of the two gates, as a guard.
 *
 * Judges at `input` (the action is the run's), `pre_model_call` (the action is `model:` and the model's id) and
 * `pre_tool_call` (the action is the tool's name), each time anew, so that a score that fell or a tool that needs more
 * is seen. The agent is the session's profile; without one, nobody acts. A kernel with the `trust` option puts this
 * guard first.
 *
 * Denies with `identity_unverified` when the session has no profile.
 * Denies with `action_blocked`, `identity_unverified`, `agent_not_active`, `trust_too_low` or `missing_capabilities` as
 * the action guard does.
 * Denies with `guard_error` when an action guard of somebody else throws, answers later or answers anything but a
 * result.
 *
 * @throws {TypeError} If `actionGuard` has no `check`.
 * @example Usage
 * ```ts
 * import { actionGuard, agentProfile, createKernel, trustGate } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({ guards: [trustGate(actionGuard({ sensitiveActions: { deploy: 900 } }))] });
 * const agent = agentProfile({ did: "did:agentmesh:deployer", name: "Deployer", trustScore: 750 });
 * const decision = await kernel.session({ agent }).check({ stage: "pre_tool_call", name: "deploy", payload: {} });
 * assert.equal(decision.effect === "deny" && decision.code, "trust_too_low");
 * ```
 */
export function trustGate(actionGuard: ActionGuard): Guard {
  if (typeof actionGuard !== "object" || actionGuard === null) {
    throw wrong(WHERE, "actionGuard", "an action guard", actionGuard);
  }
  refuseOtherCopy(WHERE, "actionGuard", actionGuard);
  functionOf(WHERE, "actionGuard.check", memberOf(actionGuard, "check"));
  const judge = judgeOf(actionGuard);
  const plain = allow();
  return defineGuard({
    name: NAME,
    stages: ["input", "pre_model_call", "pre_tool_call"],
    check: ({ stage, name }, context) => {
      // One that is absent is nobody, whatever everything inherits.
      const agent = ownField(context, "agent");
      if (agent === undefined) return denyHere("identity_unverified", "Nobody acts here without an agent profile");
      const action = stage === "pre_model_call" ? `model:${name}` : name;
      if (judge === undefined) return ask(actionGuard, agent, action);
      const { code, reason } = judge(agent, action);
      return code === "" ? plain : deny(code, reason);
    },
  });
}

/** Reads the answer of an action guard that somebody else wrote, each field once. */
function ask(guard: ActionGuard, agent: AgentProfile, action: string): Decision {
  try {
    const { allowed, code, reason } = pickOwn(guard.check(agent, action), ["allowed", "code", "reason"]);
    // Exactly `true`: a promise, or `"false"`, is not leave to act.
    if (allowed === true) return allow();
    if (allowed === false && typeof code === "string" && typeof reason === "string") return deny(code, reason);
    throw new TypeError("An action guard must answer { allowed, code, reason }");
  } catch (error) {
    return guardError(NAME, error);
  }
}
