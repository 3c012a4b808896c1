import type { Counting } from "../combine/guard-traits.ts";
import { functionOf, show, wholeNumber, wrong } from "../base/check.ts";
import { type ExecutionContext, SessionContext, type SessionState, stateOf } from "../base/context.ts";
import { allow, type Decision, type Deny, denyBy, isThenable } from "../base/decision.ts";
import type { Taking } from "../base/guard.ts";
import { bare, jsonText, memberOf, pickOwn } from "../base/own.ts";
import type { GovernedRequest, TokenUsage } from "../base/request.ts";
import { FULL, LimitTable } from "../state/limit-table.ts";
import { DEFAULT_MAX_KEYS } from "../state/memory-store.ts";
import type { Awaitable, StateStore, TakeRequest, TakeResult } from "../state/store.ts";
import { hold, type Owner } from "../base/taking.ts";
import { canonicalAgentKey } from "../crypto/did.ts";
import { isHeld, KeyedReservation } from "./keyed-reservation.ts";

/** Whose acts count together. */
export interface LimitOptions {
  /**
   * `"session"`, the default: a session's, and those of its children, since a child passes its parent's limits before
   * its own; `"tree"` says the same. `"agent"`: those of every session of one agentKey.
   */
  readonly per?: "session" | "agent" | "tree";
  /** How far back acts count, in ms, sliding: a whole number >= 1. Absent: for ever. */
  readonly windowMs?: number;
  /**
   * Where it is counted. Absent: per agent, in the kernel's `store`, where it has one; else in this process, at most
   * 1048576 keys at once.
   */
  readonly store?: StateStore;
  /** Tells limits of one kind apart that are kept in the same store. Default: the guard's name. */
  readonly id?: string;
}

/** The options that limits have in common. */
export const LIMIT_OPTIONS = ["per", "windowMs", "store", "id"] as const;

/**
 * Checks the options that limits have in common, which must be read by own keys already; `undefined` where the session's
 * own counter is all that it takes.
 */
export function limitOf(
  where: string,
  options: LimitOptions,
  parts: Pick<KeyedLimitParts, "id" | "max" | "refuse" | "settle">,
): ScopedLimit | undefined {
  const { per = "session", windowMs, store, id = parts.id } = options;
  if (per !== "session" && per !== "agent" && per !== "tree") {
    throw wrong(where, "per", '"session", "agent" or "tree"', per);
  }
  if (windowMs !== undefined) wholeNumber(where, "windowMs", windowMs, 1);
  if (per !== "agent" && windowMs === undefined && store === undefined) {
    if (options.id !== undefined) throw wrong(where, "id", "absent where there is no store", id);
    return undefined;
  }
  const isAgents = per === "agent";
  const limit = new KeyedLimit({
    ...parts,
    where,
    guard: parts.id,
    id,
    kind: isAgents ? "agent" : "session",
    windowMs,
    store,
    isShared: isAgents,
  });
  return {
    owner: limit,
    counting: limit.counting,
    judge(amount, request, context, taking): Decision | Promise<Decision> {
      const { agentKey, sessionId } = context;
      // Who is nobody has no counter of its own, and must not share one with others that are nobody.
      if (!isKey(agentKey) || (!isAgents && !isKey(sessionId))) return parts.refuse(amount ?? 1, undefined, undefined);
      const agent = canonicalAgentKey(agentKey);
      return limit.judge(isAgents ? agent : tuple(agent, sessionId), amount, request, context, taking);
    },
  };
}

/** A limit that finds its key itself. */
export interface ScopedLimit {
  readonly owner: Owner;
  /** The limit, where it may count in the kernel's store. */
  readonly counting: Counting | undefined;
  judge(
    amount: number | undefined,
    request: GovernedRequest,
    context: ExecutionContext,
    taking: Taking,
  ): Decision | Promise<Decision>;
}

/** Whether something can be a key: a text that is neither empty nor longer than 1024. */
export function isKey(key: unknown): key is string {
  return typeof key === "string" && key !== "" && key.length <= 1024;
}

/** What a limit is made of. */
export interface KeyedLimitParts {
  readonly where: string;
  /** The guard's name, for denials. */
  readonly guard: string;
  readonly id: string;
  /** What its keys are: two kinds of one limit never share one. */
  readonly kind: string;
  readonly max: number;
  readonly windowMs: number | undefined;
  readonly store: StateStore | undefined;
  /** Whether it counts in the kernel's store, where it has none of its own: what counts more than one session's acts. */
  readonly isShared?: boolean;
  /** How many keys fit, where there is no store. */
  readonly maxKeys?: number;
  /** The denial of what does not fit; `remaining` is `undefined` where nothing could be counted. */
  readonly refuse: (amount: number, remaining: number | undefined, retryAfterMs: number | undefined) => Deny;
  /** Absent: what was taken is what was used. */
  readonly settle?: Settle;
}

/** What a usage makes of an amount that was only estimated. */
export type Settle = (usage: TokenUsage | undefined, amount: number) => number;

const ALLOW = allow();

/** A limit that is counted under keys, in this process or in a store. */
export class KeyedLimit implements Owner {
  readonly #parts: KeyedLimitParts;
  readonly #table: LimitTable;
  readonly #prefix: string;
  /** What is counted in a window, and is what it was taken for, is settled by its expiring. */
  readonly #isSettled: boolean;
  /** What it is known by to a kernel, where it may count in the kernel's store. */
  readonly counting: Counting | undefined;

  constructor(given: KeyedLimitParts) {
    const parts = bare(given);
    const { where, store, id } = parts;
    if (store !== undefined) {
      if (typeof store !== "object" || store === null) throw wrong(where, "store", "a state store", store);
      functionOf(where, "store.take", memberOf(store, "take"));
      functionOf(where, "store.giveBack", memberOf(store, "giveBack"));
    }
    if (typeof id !== "string" || id === "") throw wrong(where, "id", "a string that is not empty", id);
    this.#parts = parts;
    this.#isSettled = parts.settle !== undefined || parts.windowMs === undefined;
    this.#table = new LimitTable(parts.windowMs ?? Infinity, { left: parts.maxKeys ?? DEFAULT_MAX_KEYS }, true);
    this.#prefix = jsonText([id, parts.kind, parts.windowMs ?? 0]);
    this.counting = parts.isShared === true && store === undefined ? { id, prefix: this.#prefix } : undefined;
  }

  /** Judges an act that wants `amount`, and takes it in the same step; `undefined`: all that is left, at least 1. */
  judge(
    key: string,
    amount: number | undefined,
    request: GovernedRequest,
    context: ExecutionContext,
    taking: Taking,
  ): Decision | Promise<Decision> {
    const own = SessionContext.stateOf(context);
    if (own !== undefined && isHeld(this, key, taking, context)) return ALLOW;
    const now = own === undefined ? stateOf(context).now : own.now;
    const { max } = this.#parts;
    const store = this.#storeOf(own);
    if (!Number.isFinite(now)) return this.#parts.refuse(amount ?? 1, undefined, undefined);
    if (store !== undefined) return this.#judgeIn(store, key, amount, now, request, context, taking);
    if (amount === undefined || amount === 0 || taking.dry) {
      return this.#look(key, amount, now, request, context, taking);
    }
    const table = this.#table, place = table.take(key, amount, max, now);
    if (place <= 0) return this.#refuse(key, amount, place === FULL ? FULL : table.room(key, max, now));
    const held = new KeyedReservation(this, this.#isSettled, amount, key, context, place, table.turnOf(place), "");
    hold(taking, held);
    return ALLOW;
  }

  /** Judges an act that takes nothing, or all that is left. */
  #look(
    key: string,
    amount: number | undefined,
    now: number,
    request: GovernedRequest,
    context: ExecutionContext,
    taking: Taking,
  ): Decision | Promise<Decision> {
    const room = this.#table.room(key, this.#parts.max, now);
    if (room < (amount ?? 1)) return this.#refuse(key, amount ?? 1, room);
    return taking.dry || amount === 0 ? ALLOW : this.judge(key, room, request, context, taking);
  }

  #refuse(key: string, amount: number, room: number): Deny {
    const { max, refuse } = this.#parts;
    return room === FULL
      ? denyBy(this.#parts.guard, "store_unavailable", "There is no room to count for another key")
      : refuse(amount, room, this.#table.retryAfterMs(key, amount, max));
  }

  giveBack(held: KeyedReservation): void {
    const { amount = 0 } = held;
    held.isOpen = false;
    held.amount = 0;
    if (amount > 0) this.#keep(held, amount, 0);
  }

  settle(held: KeyedReservation, usage: TokenUsage | undefined): void {
    const { amount = 0 } = held;
    const { settle } = this.#parts;
    held.amount = 0;
    if (amount > 0) this.#keep(held, amount, settle === undefined ? amount : settle(usage, amount));
  }

  /** Where it counts for a session: its own store, else the kernel's; `undefined`: here. */
  #storeOf(state: SessionState | undefined): StateStore | undefined {
    return this.#parts.store ?? (this.counting === undefined ? undefined : state?.store);
  }

  /** Puts `keep` in the place of what an act has taken. */
  #keep(held: KeyedReservation, amount: number, keep: number): void {
    const store = this.#storeOf(SessionContext.stateOf(held.context));
    if (store === undefined) this.#table.leave(held.key, held.place, held.turn, amount, keep);
    else quietly(() => store.giveBack(`${this.#prefix}${held.key}`, held.receipt, keep));
  }

  #judgeIn(
    store: StateStore,
    key: string,
    amount: number | undefined,
    now: number,
    request: GovernedRequest,
    context: ExecutionContext,
    taking: Taking,
  ): Decision | Promise<Decision> {
    const { max, windowMs, refuse } = this.#parts;
    const name = `${this.#prefix}${key}`;
    const isLook = taking.dry || amount === undefined;
    const wanted: TakeRequest = {
      amount: isLook ? 0 : amount,
      max,
      now,
      ...(windowMs === undefined ? {} : { windowMs }),
    };
    const judge = (answer: unknown): Decision | Promise<Decision> => {
      const result = readResult(answer);
      if (result === undefined) {
        return this.#unavailable(store, new TypeError(`The store "${store.name}" answered ${show(answer)} to take()`));
      }
      const least = amount ?? 1;
      if (isLook ? result.remaining < least : !result.taken) {
        return refuse(least, result.remaining, result.retryAfterMs);
      }
      if (taking.dry || amount === 0) return ALLOW;
      if (amount === undefined) return this.#judgeIn(store, key, result.remaining, now, request, context, taking);
      const held = new KeyedReservation(this, this.#isSettled, amount, key, context, 0, 0, result.receipt);
      hold(taking, held);
      return ALLOW;
    };
    try {
      const answer: unknown = store.take(name, wanted);
      return isThenable(answer)
        ? Promise.resolve(answer).then(judge).catch((error: unknown) => this.#unavailable(store, error))
        : judge(answer);
    } catch (error) {
      return this.#unavailable(store, error);
    }
  }

  #unavailable(store: StateStore, cause: unknown): Deny {
    return denyBy(
      this.#parts.guard,
      "store_unavailable",
      "The limit could not be looked up",
      new Error(`The store "${store.name}" failed`, { cause }),
    );
  }
}

/** Joins parts into a key that no other parts give. */
export function tuple(...parts: readonly string[]): string {
  return jsonText(parts);
}

const RESULT = ["taken", "receipt", "remaining", "retryAfterMs"] as const;

function readResult(answer: unknown): TakeResult | undefined {
  const { taken, receipt, remaining, retryAfterMs } = pickOwn(answer as Partial<TakeResult>, RESULT);
  if (
    typeof taken !== "boolean" || typeof receipt !== "string" || !Number.isSafeInteger(remaining) ||
    (remaining as number) < 0
  ) return undefined;
  return {
    taken,
    receipt,
    remaining: remaining as number,
    ...(typeof retryAfterMs === "number" && retryAfterMs >= 0 ? { retryAfterMs } : {}),
  };
}

/** What could not be given back stays taken: the limit stays closed, and there is nobody left to tell. */
function quietly(giveBack: () => Awaitable<void>): void {
  try {
    const answer: unknown = giveBack();
    if (isThenable(answer)) void Promise.resolve(answer).catch(() => undefined);
  } catch {
    // As above.
  }
}
