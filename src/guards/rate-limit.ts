import { functionOf, ownOptions, show, wholeNumber, wrong } from "../base/check.ts";
import { counts } from "../combine/guard-traits.ts";
import { ofLibrary } from "../combine/library.ts";
import type { ExecutionContext } from "../base/context.ts";
import { allow, type Deny, denyBy } from "../base/decision.ts";
import { checkStages, type Guard, named } from "../base/guard.ts";
import type { GovernedRequest, Stage } from "../base/request.ts";
import type { StateStore } from "../state/store.ts";
import { hasTaken } from "../base/taking.ts";
import { canonicalAgentKey } from "../crypto/did.ts";
import { builtIn } from "./built-in.ts";
import { limitText } from "./limit-text.ts";
import { isKey, KeyedLimit, tuple } from "./keyed-limit.ts";
import type { RateLimitDetails } from "./limit-details.ts";

/** How many acts may begin in a window. */
export interface RateLimitOptions {
  /** The most that may begin in any window: a whole number >= 0; 0 denies every act. */
  readonly max: number;
  /** The window, in ms: a whole number >= 1. It slides: there is no boundary at which a second burst could begin. */
  readonly windowMs: number;
  /**
   * What is counted apart. `"agent"`, the default: each agentKey, over all its sessions. `"tool"`: each name (of the
   * tool, or of the model or run, where `stages` says so), whoever calls it. `"session"`: each session. A function:
   * each text that it answers, 1 to 1024 characters long; anything else denies.
   */
  readonly by?: "agent" | "tool" | "session" | ((request: GovernedRequest, context: ExecutionContext) => string);
  /** How much of `max` an act takes: a whole number >= 0, or a function that answers one. Default 1. */
  readonly weight?: number | ((request: GovernedRequest, context: ExecutionContext) => number);
  /** The gates at which acts are counted. Default: `pre_tool_call`. */
  readonly stages?: readonly Stage[];
  /**
   * Where it is counted. Absent: unless it is by session, in the kernel's `store`, where it has one; else in this
   * process, at most 1048576 keys at once.
   */
  readonly store?: StateStore;
  /** Tells limits apart that are kept in the same store with the same `by` and `windowMs`. Default `"rateLimit"`. */
  readonly id?: string;
}

const WHERE = "rateLimit()";

/**
 * Allows so many tool calls in any window of time: exactly, and not by an average.
 *
 * An act that is denied, by this guard or another, or cancelled gives its place back. Time is the kernel's clock: one
 * that stands still, or is set back, frees nothing, and one that gives no number denies. Without a `store` a key is
 * kept as long as it counts; where there is no room for another one, new keys are denied and none that counts is
 * forgotten.
 * Denies with `rate_limited` (`details.retryAfterMs`: when it would fit, where it ever does). Denies with
 * `store_unavailable`.
 *
 * @throws {RangeError | TypeError} If an option is unknown or wrong.
 * @example Usage
 * ```ts
 * import { createKernel, rateLimit } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * let now = 59_900;
 * const session = createKernel({ guards: [rateLimit({ max: 2, windowMs: 60_000 })], clock: () => now }).session({ agentId: "a" });
 * const search = () => session.tool({ name: "search", arguments: {} }, () => "found");
 * assert.deepEqual([await search(), await search()], ["found", "found"]);
 * now = 60_100;
 * await assert.rejects(search(), { code: "rate_limited" });
 * now = 119_900;
 * assert.equal(await search(), "found");
 * ```
 */
export function rateLimit(options: RateLimitOptions): Guard {
  const own = ownOptions(WHERE, options, ["max", "windowMs", "by", "weight", "stages", "store", "id"]);
  const { by = "agent", weight = 1, stages = ["pre_tool_call"], store, id = "rateLimit" } = own;
  const max = wholeNumber(WHERE, "max", own.max, 0);
  const windowMs = wholeNumber(WHERE, "windowMs", own.windowMs, 1);
  if (typeof weight !== "function") wholeNumber(WHERE, "weight", weight, 0);
  const reason = `Rate limit exceeded: ${limitText("rateLimit", `${max} in ${windowMs} ms`, undefined)}`;
  const detailsOf = (retryAfterMs: number | undefined): RateLimitDetails => ({
    max,
    windowMs,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
  const refuse = (_amount: number, _remaining: number | undefined, retryAfterMs: number | undefined): Deny =>
    denyBy("rateLimit", "rate_limited", reason, detailsOf(retryAfterMs));
  const limit = new KeyedLimit({
    where: WHERE,
    guard: "rateLimit",
    id,
    kind: typeof by === "string" ? by : "custom",
    max,
    windowMs,
    store,
    isShared: by !== "session",
    refuse,
  });
  const keyOf = keyFunction(by);
  const check: Guard = (request, context, taking) => {
    if (hasTaken(taking, limit)) return allow();
    const key: unknown = keyOf(request, context);
    if (!isKey(key)) {
      return denyBy("rateLimit", "rate_limited", "There is nothing to count this act under", detailsOf(undefined));
    }
    return limit.judge(
      key,
      typeof weight === "number" ? weight : weighed(weight(request, context)),
      request,
      context,
      taking,
    );
  };
  // A function of the user's might write to what it is shown.
  const guard = typeof by === "function" || typeof weight === "function"
    ? ofLibrary(named(check, "rateLimit", checkStages(WHERE, stages)))
    : builtIn("rateLimit", checkStages(WHERE, stages), check);
  return counts(guard, limit.counting);
}

function keyFunction(by: unknown): (request: GovernedRequest, context: ExecutionContext) => unknown {
  switch (by) {
    case "agent":
      return (_request, { agentKey }) => isKey(agentKey) ? canonicalAgentKey(agentKey) : undefined;
    case "tool":
      return (request) => request.name;
    case "session":
      // With the agent's key: an agent that knows another's session must not use it up.
      return (_request, { agentKey, sessionId }) =>
        isKey(agentKey) && isKey(sessionId) ? tuple(canonicalAgentKey(agentKey), sessionId) : undefined;
    default:
      if (typeof by === "string") throw wrong(WHERE, "by", '"agent", "tool", "session" or a function', by);
      return functionOf(WHERE, "by", by as (request: GovernedRequest, context: ExecutionContext) => unknown);
  }
}

function weighed(weight: unknown): number {
  if (Number.isSafeInteger(weight) && (weight as number) >= 0) return weight as number;
  throw new TypeError(
    `The weight function of rateLimit() must answer a whole number >= 0, and answered ${show(weight)}`,
  );
}
