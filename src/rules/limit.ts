import type { ExecutionContext } from "../base/context.ts";
import { perSession } from "../base/context.ts";
import { allow, type Decision, type Deny, denyBy } from "../base/decision.ts";
import type { Taking } from "../base/guard.ts";
import { pickOwn } from "../base/own.ts";
import type { GovernedRequest, TokenUsage } from "../base/request.ts";
import { hasTaken, hold, type Owner, Reservation } from "../base/taking.ts";
import { microUsdOf } from "../base/usage.ts";
import type { Counting } from "../combine/guard-traits.ts";
import { canonicalAgentKey } from "../crypto/did.ts";
import { costEstimate } from "../guards/cost-budget.ts";
import { fingerprint } from "../guards/fingerprint.ts";
import { isKey, KeyedLimit, tuple } from "../guards/keyed-limit.ts";
import { tokenEstimate, tokensUsed } from "../guards/token-budget.ts";
import { factOf } from "./facts.ts";
import type { Asked } from "./asked.ts";
import { readPlace } from "./place.ts";
import type { RuleInit, RuleLimit } from "./rule.ts";

/** The limit of a rule: what an act takes from it. */
export interface CountLimit {
  /** Where it counts, where that may be the kernel's store. */
  readonly counting: Counting | undefined;
  /** What an act counts under; `undefined` where that is not known. */
  keyOf(asked: Asked): string | undefined;
  judge(key: string, asked: Asked, taking: Taking): Decision | Promise<Decision>;
}

/** How an act is counted: what it is taken to use before it has run, and what it has used. */
interface Unit {
  readonly scale: number;
  estimate(request: GovernedRequest, context: ExecutionContext, max: number): number | Deny | undefined;
  used(usage: TokenUsage | undefined, amount: number): number | undefined;
}

const UNITS: Readonly<Record<NonNullable<RuleLimit["of"]>, Unit>> = {
  calls: { scale: 1, estimate: () => 1, used: (_usage, amount) => amount },
  tokens: { scale: 1, estimate: (request) => Math.max(1, tokenEstimate(request)), used: tokensUsed },
  costUsd: {
    scale: 1e6,
    estimate: (request, context, max) => {
      const priced = costEstimate(request, context, max);
      return typeof priced === "object" ? priced : microUsdOf(request.usage) ?? priced;
    },
    used: microUsdOf,
  },
};

/** Compiles the limit of a rule that was checked. Rules that say the same, whatever they are called, are one limit. */
export function compileLimit(rule: RuleInit, name: string): CountLimit {
  const { max: given, of = "calls", windowMs, by = "session" } = pickOwn(rule.limit as RuleLimit, [
    "max",
    "of",
    "windowMs",
    "by",
  ]) as RuleLimit;
  const unit = UNITS[of];
  const max = Math.floor(given * unit.scale);
  const settle = (usage: TokenUsage | undefined, amount: number): number =>
    Math.min(unit.used(usage, amount) ?? amount, Number.MAX_SAFE_INTEGER);
  const reason = rule.reason ?? `Rule "${name}" has no ${of === "costUsd" ? "dollars" : of} left`;
  const refuse = (_amount: number, _left: number | undefined, retryAfterMs: number | undefined): Deny =>
    denyBy("rules", "rate_limited", reason, {
      rule: name,
      max: given,
      ...(windowMs === undefined ? {} : { windowMs }),
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  const amountOf = ({ request, context }: Asked): number | Deny | undefined => unit.estimate(request, context, max);
  if (by === "session" && windowMs === undefined) {
    return perSessionLimit(max, settle, amountOf, refuse);
  }
  const { id: _id, reason: _reason, ...said } = rule;
  const limit = new KeyedLimit({
    where: "rules()",
    guard: "rules",
    id: `rule ${fingerprint(said).toString(36)}`,
    kind: by,
    max,
    windowMs,
    store: undefined,
    isShared: by !== "session",
    refuse,
    ...(of === "calls" ? {} : { settle }),
  });
  return {
    counting: limit.counting,
    keyOf: keyFunction(by),
    judge: (key, asked, taking) => {
      if (hasTaken(taking, limit)) return allow();
      const amount = amountOf(asked);
      return typeof amount === "object" ? amount : limit.judge(key, amount, asked.request, asked.context, taking);
    },
  };
}

function keyFunction(by: NonNullable<RuleLimit["by"]>): (asked: Asked) => string | undefined {
  if (by === "agent") return ({ context: { agentKey } }) => isKey(agentKey) ? canonicalAgentKey(agentKey) : undefined;
  if (by === "session") {
    return ({ context: { agentKey, sessionId } }) =>
      isKey(agentKey) && isKey(sessionId) ? tuple(canonicalAgentKey(agentKey), sessionId) : undefined;
  }
  const place = readPlace(by);
  return (asked) => {
    const { values: [value], isUnknown } = factOf(place, asked);
    if (isUnknown) return undefined;
    return isKey(value) || Number.isFinite(value) ? tuple(typeof value, String(value)) : undefined;
  };
}

/** What one session has used, for as long as it lasts. */
class Used implements Owner {
  amount = 0;
  readonly #settle: (usage: TokenUsage | undefined, amount: number) => number;

  constructor(settle: (usage: TokenUsage | undefined, amount: number) => number) {
    this.#settle = settle;
  }

  giveBack({ amount = 0 }: Reservation): void {
    this.amount -= amount;
  }

  settle({ amount = 0 }: Reservation, usage: TokenUsage | undefined): void {
    const settle = this.#settle;
    this.amount += settle(usage, amount) - amount;
  }
}

function perSessionLimit(
  max: number,
  settle: (usage: TokenUsage | undefined, amount: number) => number,
  amountOf: (asked: Asked) => number | Deny | undefined,
  refuse: (amount: number, left: number | undefined, retryAfterMs: number | undefined) => Deny,
): CountLimit {
  const usedIn = perSession(() => new Used(settle));
  return {
    counting: undefined,
    keyOf: () => "",
    judge: (_key, asked, taking) => {
      const used = usedIn(asked.context);
      if (hasTaken(taking, used)) return allow();
      const estimate = amountOf(asked);
      if (typeof estimate === "object") return estimate;
      // A call that nobody can estimate takes all that is left.
      const amount = estimate ?? Math.max(1, max - used.amount);
      if (!(used.amount + amount <= max)) return refuse(amount, max - used.amount, undefined);
      if (!taking.dry) {
        used.amount += amount;
        hold(taking, new Reservation(used, true, amount));
      }
      return allow();
    },
  };
}
