import { ownOptions, wrongType } from "../base/check.ts";
import type { Decision } from "../base/decision.ts";
import type { CoreKernel } from "../kernel/kernel.ts";
import { jsonText, ownField } from "../base/own.ts";
import type { TokenUsage } from "../base/request.ts";
import type { Session } from "../kernel/types.ts";
import type { AgentProfile } from "../trust/profile.ts";

/** A call as it was judged once, with what it brought: plain data, from wherever calls are kept. */
export interface RecordedCall {
  /** The gate before the act. */
  readonly stage: "input" | "pre_model_call" | "pre_tool_call";
  /** The run's action, the model's id or the tool's name. */
  readonly name: string;
  /** What was judged. */
  readonly payload: unknown;
  /** What was decided then. */
  readonly effect: Decision["effect"];
  /** Calls of one agent and session are replayed in one session. Default `replay`. */
  readonly agentId?: string;
  /** Who acted, for kernels with a trust gate. */
  readonly agent?: AgentProfile;
  /** Tells sessions of one agent apart. */
  readonly sessionId?: string;
  /** What the act brought; judged too, but only what was decided before the act is compared. */
  readonly result?: unknown;
  /** What a model call used. */
  readonly usage?: TokenUsage;
}

/** A call that another kernel decides differently. */
export interface ReplayChange {
  /** The place of the call in the list. */
  readonly index: number;
  /** The call. */
  readonly call: RecordedCall;
  /** What was decided then. */
  readonly before: Decision["effect"];
  /** What is decided now. */
  readonly after: Decision;
}

const FIELDS = [
  "stage",
  "name",
  "payload",
  "effect",
  "agentId",
  "agent",
  "sessionId",
  "result",
  "usage",
] as const;
const EFFECTS: readonly string[] = ["allow", "deny", "transform", "escalate"];

/**
 * Runs recorded calls through another kernel, in order, and lists those that it decides differently: for testing
 * policies.
 *
 * Nothing is executed and nobody is asked, but limits count, as if every allowed call had run. A transform differs from
 * an allowance, and an escalation from a denial.
 *
 * @throws {TypeError} If a call is malformed, naming its index.
 * @example Usage
 * ```ts
 * import { createKernel, replay } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const calls = [
 *   { stage: "pre_tool_call", name: "search", payload: { q: "tea" }, effect: "allow" },
 *   { stage: "pre_tool_call", name: "delete", payload: { id: 7 }, effect: "deny" },
 * ] as const;
 * const changes = await replay(calls, createKernel({ policy: { allowedTools: ["search", "delete"] } }));
 * assert.deepEqual(changes.map(({ index, before, after }) => [index, before, after.effect]), [[1, "deny", "allow"]]);
 * ```
 */
export async function replay(records: Iterable<RecordedCall>, kernel: CoreKernel): Promise<readonly ReplayChange[]> {
  const sessions = new Map<string, Session>();
  const changes: ReplayChange[] = [];
  let index = -1;
  for (const call of records) {
    const where = `replay() of call ${++index}`;
    const own = ownOptions(where, call, FIELDS);
    if (!EFFECTS.includes(own.effect)) throw wrongType(where, "effect", EFFECTS.join(", "), own.effect);
    const {
      stage,
      name,
      payload,
      agent,
      agentId = agent === undefined ? "replay" : undefined,
      sessionId,
      result = null,
      usage,
      effect,
    } = own;
    const did = agent === undefined ? undefined : ownField(agent, "did");
    const key = jsonText([did, agentId, sessionId]);
    let session = sessions.get(key);
    if (session === undefined) sessions.set(key, session = kernel.session({ agentId, agent, sessionId }));
    const act = await session.begin({ stage, name, payload, approval: "return" });
    const { decision } = act;
    if (decision.allowed) await act.end(result, usage);
    else act.cancel();
    if (decision.effect !== effect) changes.push(Object.freeze({ index, call, before: effect, after: decision }));
  }
  for (const session of sessions.values()) await session.close();
  return Object.freeze(changes);
}
