import { counts, onlyReads } from "../combine/guard-traits.ts";
import { ofLibrary } from "../combine/library.ts";
import { type ExecutionContext, perSession } from "../base/context.ts";
import { allow, type Decision, type Deny } from "../base/decision.ts";
import { defineGuard, type Guard } from "../base/guard.ts";
import type { GovernedRequest, TokenUsage } from "../base/request.ts";
import { hasTaken, hold, type Owner, Reservation } from "../base/taking.ts";
import { limitOf, type LimitOptions, type Settle } from "./keyed-limit.ts";
import { type WindowDetails, windowDetails } from "./limit-details.ts";

const ALLOW = allow();

/** What a budget of model calls is made of; amounts are whole numbers of its unit. */
export interface BudgetParts {
  readonly where: string;
  readonly name: string;
  readonly max: number;
  readonly options: LimitOptions;
  /**
   * What a call is taken to use before it has run; `undefined`: nobody knows, so all that is left is reserved. A
   * denial: it could not be told afterwards either.
   */
  readonly estimateOf: (request: GovernedRequest, context: ExecutionContext) => number | undefined | Deny;
  /** What a call has used, where it was taken to use so much; `undefined`: it does not say. */
  readonly usedOf: (usage: TokenUsage | undefined, estimate: number) => number | undefined;
  readonly refuse: (spent: number | undefined, estimate: number, more: WindowDetails) => Deny;
  /** Whether the estimate is ours, and so known never to write to what it is shown. */
  readonly isOurs: boolean;
}

/** Makes a guard that reserves an estimate before a model call and settles it by the usage that the call reports. */
export function budgetGuard(parts: BudgetParts): Guard {
  const { where, name, max, estimateOf, usedOf, refuse } = parts;
  const windowMs = parts.options.windowMs;
  const settle = (usage: TokenUsage | undefined, estimate: number): number =>
    Math.min(usedOf(usage, estimate) ?? estimate, Number.MAX_SAFE_INTEGER);
  const shared = limitOf(where, parts.options, {
    id: name,
    max,
    settle,
    refuse: (amount, remaining, retryAfterMs) =>
      refuse(remaining === undefined ? undefined : max - remaining, amount, windowDetails(windowMs, retryAfterMs)),
  });
  const spentIn = perSession(() => new Spent(settle));
  const guard = defineGuard({
    name,
    stages: ["pre_model_call"],
    check: (request, context, taking): Decision | Promise<Decision> => {
      if (hasTaken(taking, shared?.owner ?? spentIn(context))) return ALLOW;
      const known = estimateOf(request, context);
      if (typeof known === "object") return known;
      // A call that is taken to use nothing would never be stopped, and not be settled.
      const stated = known === undefined ? undefined : Math.max(1, known);
      if (shared !== undefined) return shared.judge(stated, request, context, taking);
      const spent = spentIn(context);
      const estimate = stated ?? Math.max(1, max - spent.amount);
      if (!(spent.amount + estimate <= max)) return refuse(spent.amount, estimate, {});
      if (!taking.dry) {
        spent.amount += estimate;
        hold(taking, new Reservation(spent, true, estimate));
      }
      return ALLOW;
    },
  });
  if (parts.isOurs) onlyReads(guard);
  return counts(ofLibrary(guard), shared?.counting);
}

/** What one session has spent; the amount of a call is its estimate. */
class Spent implements Owner {
  amount = 0;
  readonly #settle: Settle;

  constructor(settle: Settle) {
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
