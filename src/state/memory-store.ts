import { ownField, pickOwn } from "../base/own.ts";
import { ownOptions, show, wholeNumber, wrong } from "../base/check.ts";
import { type Deadline, Deadlines } from "./deadlines.ts";
import { type Capacity, FULL, LimitTable, REFUSED } from "./limit-table.ts";
import type { PutOptions, StateEntry, StateStore, TakeRequest, TakeResult } from "./store.ts";

/** A store in this process: every answer is there at once. */
export interface MemoryStore extends StateStore {
  /** How many keys are kept: entries, and keys under which something counts. */
  readonly size: number;
  /** As in {@linkcode StateStore}, at once. */
  read(key: string, now?: number): StateEntry | undefined;
  /** As in {@linkcode StateStore}, at once. */
  put(key: string, value: string, options: PutOptions): boolean;
  /** As in {@linkcode StateStore}, at once. */
  take(key: string, request: TakeRequest): TakeResult;
  /** As in {@linkcode StateStore}, at once. */
  giveBack(key: string, receipt: string, keep?: number): void;
}

/** What a memory store is made of. */
export interface MemoryStoreOptions {
  /** Stands in errors. Default `"memory"`. */
  readonly name?: string;
  /** How many keys it keeps: a whole number from 1 to 16777216, by default 1048576. */
  readonly maxKeys?: number;
}

/** How many keys fit in this process, unless said otherwise. */
export const DEFAULT_MAX_KEYS: number = 2 ** 20;
const WHERE = "memoryStore()";

/**
 * Makes a store that keeps everything in this process, and loses it with the process.
 *
 * Every method answers at once, so that guards over it do too. Its only clock is the `now` of its callers: it uses the
 * latest it has seen, so that a clock that was set back neither frees a limit nor revives an entry. It keeps at most
 * `maxKeys` keys: those that have expired are dropped, a few with every call and all of them when room is needed; where
 * every key still counts, a new one is refused by an `Error`, and whoever asked denies with `store_unavailable`. A key
 * that counts is never dropped, so nobody can flood it with new keys to have an old one forgotten.
 *
 * @throws {TypeError | RangeError} If an option is wrong.
 * @example Usage
 * ```ts
 * import { memoryStore } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const store = memoryStore({ maxKeys: 1000 });
 * const request = { amount: 1, max: 1, windowMs: 60_000, now: 0 };
 * const first = store.take("searches", request);
 * assert.deepEqual([first.taken, store.take("searches", request).taken], [true, false]);
 * store.giveBack("searches", first.receipt);
 * assert.equal(store.take("searches", request).taken, true);
 * ```
 */
export function memoryStore(options: MemoryStoreOptions = {}): MemoryStore {
  const { name = "memory", maxKeys = DEFAULT_MAX_KEYS } = ownOptions(WHERE, options, ["name", "maxKeys"]);
  if (typeof name !== "string" || name === "") throw wrong(WHERE, "name", "a string that is not empty", name);
  return Object.freeze(new Memory(name, wholeNumber(WHERE, "maxKeys", maxKeys, 1, 2 ** 24)));
}

interface Kept extends StateEntry, Deadline {}

class Memory implements MemoryStore {
  readonly name: string;
  readonly #maxKeys: number;
  readonly #capacity: Capacity;
  readonly #tables = new Map<number, LimitTable>();
  readonly #entries = new Map<string, Kept>();
  readonly #deadlines: Deadlines<Kept>;
  #latest = -Infinity;
  #version = 0;

  constructor(name: string, maxKeys: number) {
    this.name = name;
    this.#maxKeys = maxKeys;
    this.#capacity = { left: maxKeys };
    this.#deadlines = new Deadlines((entry) => this.#entries.get(entry.key) === entry);
  }

  get size(): number {
    return this.#maxKeys - this.#capacity.left;
  }

  read(key: string, now?: number): StateEntry | undefined {
    keyOf(key);
    if (now !== undefined) this.#tick(now);
    const entry = this.#entries.get(key);
    return entry === undefined || entry.expiresAt <= this.#latest
      ? undefined
      : { value: entry.value, version: entry.version };
  }

  put(key: string, value: string, options: PutOptions): boolean {
    keyOf(key);
    if (typeof value !== "string") throw new TypeError(`A store keeps strings, and was given ${show(value)}`);
    const { now } = options;
    const { ifVersion, ttlMs = Infinity } = pickOwn(options, ["ifVersion", "ttlMs"]);
    if (!(ttlMs >= 0)) throw new RangeError(`A time to live must be a number >= 0, and is ${show(ttlMs)}`);
    this.#tick(now);
    this.#dropExpired(2);
    const old = this.#entries.get(key);
    const isLive = old !== undefined && old.expiresAt > this.#latest;
    if ((isLive ? old.version : undefined) !== ifVersion) return false;
    if (old === undefined) {
      this.#makeRoom();
      this.#capacity.left--;
    }
    const entry: Kept = { key, value, version: String(++this.#version), expiresAt: this.#latest + ttlMs };
    this.#entries.set(key, entry);
    if (ttlMs !== Infinity) this.#deadlines.add(entry, this.#entries.size);
    return true;
  }

  take(key: string, request: TakeRequest): TakeResult {
    keyOf(key);
    const { amount, max, now } = request;
    const windowMs = ownField(request, "windowMs") ?? Infinity;
    wholeOf("amount", amount);
    wholeOf("max", max);
    if (!(windowMs > 0)) throw new RangeError(`"windowMs" must be a number above 0, and is ${show(windowMs)}`);
    this.#tick(now);
    const table = this.#tableOf(windowMs);
    const place = amount === 0 ? REFUSED : this.#take(table, key, amount, max);
    // Before room is looked for, which may drop what has expired and reuse its place.
    const receipt = place === REFUSED ? "" : `${windowMs}/${table.receiptOf(place)}`;
    const remaining = this.#roomIn(table, key, max);
    if (place !== REFUSED || amount === 0) return { taken: true, receipt, remaining };
    const retryAfterMs = table.retryAfterMs(key, amount, max);
    return retryAfterMs === undefined
      ? { taken: false, receipt, remaining }
      : { taken: false, receipt, remaining, retryAfterMs };
  }

  giveBack(key: string, receipt: string, keep = 0): void {
    wholeOf("keep", keep);
    const [windowMs, number] = String(receipt).split("/");
    this.#tables.get(Number(windowMs))?.giveBack(key, Number(number), keep);
  }

  #tick(now: number): void {
    // A time that is none must not pass for "nothing has expired yet", nor for "everything has".
    if (!Number.isFinite(now)) throw new RangeError(`The time must be a finite number, and is ${show(now)}`);
    if (now > this.#latest) this.#latest = now;
  }

  #tableOf(windowMs: number): LimitTable {
    let table = this.#tables.get(windowMs);
    if (table === undefined) this.#tables.set(windowMs, table = new LimitTable(windowMs, this.#capacity));
    return table;
  }

  #take(table: LimitTable, key: string, amount: number, max: number): number {
    const receipt = table.take(key, amount, max, this.#latest);
    if (receipt !== FULL) return receipt;
    this.#makeRoom();
    return table.take(key, amount, max, this.#latest);
  }

  #roomIn(table: LimitTable, key: string, max: number): number {
    const room = table.room(key, max, this.#latest);
    if (room !== FULL) return room;
    this.#makeRoom();
    return max;
  }

  #makeRoom(): void {
    if (this.#capacity.left > 0) return;
    this.#dropExpired(Infinity);
    for (const table of this.#tables.values()) table.sweep(this.#latest);
    if (this.#capacity.left <= 0) {
      throw new Error(
        `The store "${this.name}" has no room for another key: it keeps ${this.#maxKeys}, and all of them count`,
      );
    }
  }

  #dropExpired(most: number): void {
    for (let left = most; left > 0; left--) {
      const entry = this.#deadlines.takeExpired(this.#latest);
      if (entry === undefined) return;
      this.#entries.delete(entry.key);
      this.#capacity.left++;
    }
  }
}

function keyOf(key: unknown): void {
  if (typeof key !== "string") throw new TypeError(`A key must be a string, and is ${show(key)}`);
}

function wholeOf(field: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw new RangeError(`"${field}" must be a whole number >= 0, and is ${show(value)}`);
  }
}
