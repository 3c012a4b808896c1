// Counters with time windows, slots, and the contract for stores; knows no governance.

/** A value, or the promise of one: synchronous stores keep the whole path synchronous. */
export type Awaitable<T> = T | Promise<T>;

/** What a store keeps under a key. */
export interface StateEntry {
  /** JSON text or any other string; stores do not look inside. */
  readonly value: string;
  /** Changes with every write; compared, never ordered. */
  readonly version: string;
}

/** How {@linkcode StateStore.put} writes. */
export interface PutOptions {
  /** The version that was read; `undefined` where there was no entry. */
  readonly ifVersion: string | undefined;
  /** The caller's clock, in ms since the epoch. */
  readonly now: number;
  /** How long after `now` the entry is gone, in ms; absent: never. */
  readonly ttlMs?: number;
}

/** What {@linkcode StateStore.take} wants. */
export interface TakeRequest {
  /** How much to take: a whole number >= 0. 0 only looks: it is always taken, and `remaining` says what is left. */
  readonly amount: number;
  /** The most that may be taken in the window, this included: a whole number >= 0. */
  readonly max: number;
  /**
   * How far back takings count, in ms, sliding: a taking counts until exactly `windowMs` have passed. Absent: for ever,
   * until given back. Reservations of one key with different windows are counted apart.
   */
  readonly windowMs?: number;
  /**
   * The caller's clock, in ms since the epoch. A store never lets time run backwards: it uses the latest it has seen.
   */
  readonly now: number;
}

/** What {@linkcode StateStore.take} answers. */
export interface TakeResult {
  /** Whether `amount` was taken; if not, nothing was. */
  readonly taken: boolean;
  /** Names this taking for {@linkcode StateStore.giveBack}; empty where nothing was taken. */
  readonly receipt: string;
  /** What is left under `max` after the call, never below 0. */
  readonly remaining: number;
  /** In how many ms the refused amount would fit, if nobody else takes; absent: unknown, or never. */
  readonly retryAfterMs?: number;
}

/**
 * Where limits, grants, kill switches and scores live between acts.
 *
 * Every method is atomic, and answers at once or later. A method that throws, rejects or answers nonsense makes whoever
 * asked deny with `store_unavailable`; a store that has no room for another key throws, and never forgets one that
 * counts. Every string is a key like any other. `storeKit` of `sallyport/testing` tests a store against all of this.
 */
export interface StateStore {
  /** Stands in errors. */
  readonly name: string;
  /** Reads an entry; `undefined` when there is none or it has expired, by `now` where it is given. */
  read(key: string, now?: number): Awaitable<StateEntry | undefined>;
  /** Writes if nothing changed since `ifVersion` was read; answers whether it wrote. */
  put(key: string, value: string, options: PutOptions): Awaitable<boolean>;
  /** Takes from a limit if it allows. */
  take(key: string, request: TakeRequest): Awaitable<TakeResult>;
  /**
   * Replaces a taking by `keep` for good (default 0; may be more than was taken). Afterwards the receipt is unknown,
   * and unknown receipts are ignored: twice is once.
   */
  giveBack(key: string, receipt: string, keep?: number): Awaitable<void>;
}
