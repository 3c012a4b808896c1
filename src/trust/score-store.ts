import { jsonText, pickOwn } from "../base/own.ts";
import type { StateEntry, StateStore } from "../state/store.ts";
import type { Score } from "./profile-object.ts";
import { isScore, MAX_SCORE } from "./read-profile.ts";

/** A score and since when it stands, in ms since the epoch. */
export interface Kept {
  readonly score: number;
  readonly at: number;
}

/** An agent, as a tracker knows it. */
export interface Account {
  /** The one name of the agent. */
  readonly key: string;
  /** What all its profiles show. */
  readonly score: Score;
}

/** What outcomes do to a score that is not known yet: `x` becomes `min(high, max(low, x + shift))`. */
interface Change {
  readonly shift: number;
  readonly low: number;
  readonly high: number;
}

/** Outcomes that are not in the store yet. */
interface Waiting extends Change {
  /** The score before the first of them, where the store knows none. */
  readonly start: number;
  /** When the last of them was. */
  readonly at: number;
}

const apply = (change: Change, score: number): number =>
  Math.min(change.high, Math.max(change.low, score + change.shift));

/**
 * One change after the other, as one; adding and clamping compose to adding and clamping, so what waits never grows.
 */
function after(first: Waiting, then: Waiting): Waiting {
  return {
    start: first.start,
    at: then.at,
    shift: first.shift + then.shift,
    low: apply(then, first.low),
    high: apply(then, first.high),
  };
}

const TRIES = 16;
const KEPT_ERRORS = 16;

/** What a ledger needs of its tracker. */
export interface LedgerOptions {
  readonly store: StateStore;
  readonly now: () => number;
  /** What is left of a score that has stood for so long. */
  readonly decayed: (kept: Kept, now: number) => number;
  /** Shows a score on all profiles of the agent. */
  readonly show: (score: Score, kept: Kept) => void;
  readonly onError: ((error: Error) => void) | undefined;
}

/** Raised for an entry that cannot be a score: somebody else wrote it, or it was damaged. */
class CorruptEntry extends Error {}

/**
 * Keeps scores in a store: outcomes are added up and written one agent at a time, each only if nobody else wrote
 * meanwhile.
 */
export class Ledger {
  readonly #options: LedgerOptions;
  readonly #waiting = new Map<Account, Waiting>();
  readonly #errors: Error[] = [];
  #errorCount = 0;
  #tail: Promise<void> = Promise.resolve();
  #isScheduled = false;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  /** Has an outcome written, soon. */
  add(agent: Account, before: number, shift: number, at: number): void {
    this.#wait(agent, { start: before, at, shift, low: 0, high: MAX_SCORE });
    this.#schedule();
  }

  /** Reads the score of an agent and shows it; what cannot be read is 0. */
  load(agent: Account): Promise<void> {
    return this.#enqueue(async () => {
      const { show, now } = this.#options;
      try {
        const { kept } = await this.#read(agent);
        if (kept !== undefined) this.#show(agent, kept);
      } catch (error) {
        show(agent.score, { score: 0, at: now() });
        this.#report(agent, "read", error);
      }
    });
  }

  /** Waits until everything recorded before was written; rejects with what went wrong since the last time. */
  async flush(): Promise<void> {
    if (this.#waiting.size > 0) this.#schedule();
    await this.#tail;
    const count = this.#errorCount;
    if (count === 0) return;
    this.#errorCount = 0;
    throw new AggregateError(
      this.#errors.splice(0),
      `The trust store "${this.#options.store.name}" failed ${count} time${count === 1 ? "" : "s"}`,
    );
  }

  #enqueue(job: () => Promise<void>): Promise<void> {
    return (this.#tail = this.#tail.then(job));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    void this.#enqueue(async () => {
      this.#isScheduled = false;
      for (const [agent, waiting] of [...this.#waiting]) {
        this.#waiting.delete(agent);
        await this.#write(agent, waiting);
      }
    });
  }

  #wait(agent: Account, change: Waiting): void {
    const waiting = this.#waiting.get(agent);
    this.#waiting.set(agent, waiting === undefined ? change : after(waiting, change));
  }

  async #write(agent: Account, waiting: Waiting): Promise<void> {
    const { store, now, show } = this.#options;
    try {
      for (let tries = 0; tries < TRIES; tries++) {
        const { kept, version } = await this.#read(agent);
        const next = this.#applied(waiting, kept ?? { score: waiting.start, at: waiting.at });
        const value = jsonText({ score: next.score, at: next.at });
        const written: unknown = await store.put(keyOf(agent), value, { ifVersion: version, now: now() });
        if (written === true) {
          return this.#show(agent, next);
        }
        if (written !== false) throw new TypeError("put() must answer true or false");
      }
      throw new Error(`the entry changed ${TRIES} times while it was written`);
    } catch (error) {
      // What could not be written waits for the next try, in front of what came meanwhile.
      const later = this.#waiting.get(agent);
      this.#waiting.set(agent, later === undefined ? waiting : after(waiting, later));
      if (error instanceof CorruptEntry) show(agent.score, { score: 0, at: now() });
      this.#report(agent, "write", error);
    }
  }

  /** Shows what is kept; outcomes that were recorded while the store was asked come on top. */
  #show(agent: Account, kept: Kept): void {
    const waiting = this.#waiting.get(agent);
    this.#options.show(agent.score, waiting === undefined ? kept : this.#applied(waiting, kept));
  }

  #applied(waiting: Waiting, kept: Kept): Kept {
    const at = Math.max(kept.at, waiting.at);
    return { score: apply(waiting, this.#options.decayed(kept, at)), at };
  }

  async #read(agent: Account): Promise<{ kept: Kept | undefined; version: string | undefined }> {
    const entry: unknown = await this.#options.store.read(keyOf(agent));
    if (entry === undefined) return { kept: undefined, version: undefined };
    const { value, version } = pickOwn(entry as StateEntry, ["value", "version"]);
    if (typeof value !== "string" || typeof version !== "string") throw new CorruptEntry("the entry is none");
    return { kept: parse(value, this.#options.now()), version };
  }

  #report(agent: Account, verb: string, cause: unknown): void {
    const why = cause instanceof Error ? cause.message : "the store failed";
    const error = new Error(`Could not ${verb} the trust score of ${agent.key}: ${why}`, { cause });
    this.#errorCount++;
    if (this.#errors.length < KEPT_ERRORS) this.#errors.push(error);
    try {
      this.#options.onError?.(error);
    } catch {
      // The error itself waits for flush(); a listener must not stop the other agents' scores from being written.
    }
  }
}

function keyOf(agent: Account): string {
  return `trust:${agent.key}`;
}

function parse(text: string, now: number): Kept {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new CorruptEntry("the entry is not JSON");
  }
  const { score, at } = pickOwn(data as Record<string, unknown>, ["score", "at"]);
  if (!isScore(score) || typeof at !== "number" || !(at >= 0)) throw new CorruptEntry("the entry holds no score");
  // A time that is still to come would keep the score from ever falling.
  return { score, at: Math.min(at, now) };
}
