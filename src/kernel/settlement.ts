import type { Came, EngineAct, SessionScope } from "./engine.ts";
import { type Deny, denyHere } from "../base/decision.ts";
import type { GateRequest } from "../base/gate-request.ts";
import { ownField } from "../base/own.ts";
import type { TokenUsage } from "../base/request.ts";
import { Reservations } from "../base/taking.ts";
import { tokensIn } from "../snapshot/text-length.ts";
import { completeUsage, figuresOf, isComplete, microUsdOf, tokensOf } from "../base/usage.ts";

/**
 * Settles what a model call has used: what it reports, else the length of what went and came; and what that costs,
 * where the kernel has prices and the framework does not say. Limits and the session's counters are moved, and `told`,
 * the request of the response gate, says what events and records say.
 *
 * Answers the denial of a call whose price cannot be told.
 */
export function settleModel(
  act: EngineAct,
  response: unknown,
  stated: TokenUsage | undefined,
  told?: GateRequest,
): Deny | undefined {
  const { scope } = act;
  const { price } = scope.core;
  const came = response === undefined ? act.paired?.came : undefined;
  const reported = came === undefined ? stated : stated ?? came.usage;
  // What most providers report needs no closure.
  const full = isComplete(reported) && came === undefined ? reported : completeUsage(
    came === undefined ? reported : atLeast(reported, came),
    () => lengthOf(act.request?.payload),
    () => lengthOf(response),
  );
  let settled = full;
  let fault: Deny | undefined;
  if (price !== undefined && full !== undefined && ownField(full, "costUsd") === undefined) {
    try {
      const costUsd = price(act.name, figuresOf(full));
      if (costUsd !== undefined) settled = { ...full, costUsd };
    } catch (error) {
      fault = denyHere("guard_error", "What the model costs could not be told: its price function failed", error);
    }
  }
  Reservations.settle(act.takings, settled);
  const usage = price === undefined ? reported : settled;
  addUsage(scope, reported, usage);
  if (told !== undefined) told.usage = usage;
  return fault;
}

/** What a call whose stream broke off has used: what was told until then may be less than what had come. */
function atLeast(told: TokenUsage | undefined, { texts }: Came): TokenUsage | undefined {
  let tokens = 0;
  for (const text of texts.values()) tokens += text === "" ? 0 : lengthOf(text);
  const { outputTokens, totalTokens } = figuresOf(told ?? {});
  return tokens <= outputTokens || (outputTokens === 0 && tokens <= totalTokens)
    ? told
    : { ...told, outputTokens: tokens, isEstimated: true };
}

/** Settles a model call that was aborted, or may never end: it is taken to have used what went. */
export function settleUnended(act: EngineAct): void {
  if (act.stage === "pre_model_call") settleModel(act, undefined, undefined);
  else Reservations.settle(act.takings, undefined);
}

function lengthOf(payload: unknown): number {
  try {
    return tokensIn(payload);
  } catch {
    // A response that goes by reference may be anything, and have getters that throw.
    return 0;
  }
}

/** Counts the tokens that were reported, and the cost that was reported or that prices give. */
export function addUsage(scope: SessionScope, tokens: TokenUsage | undefined, cost: TokenUsage | undefined): void {
  if (tokens === undefined && cost === undefined) return;
  for (let at: SessionScope | undefined = scope; at !== undefined; at = at.parent) {
    at.state.totalTokens += tokensOf(tokens) ?? 0;
    at.state.microUsd += microUsdOf(cost) ?? 0;
  }
}
