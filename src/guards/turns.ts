import type { ExecutionContext } from "../context.ts";
import { allow, type Decision, type Deny, denyBy } from "../decision.ts";
import type { Taking } from "../guard.ts";
import { hasTaken, hold, type Owner, Taken } from "../taking.ts";

const ALLOW = allow();

interface Waiter {
  readonly taking: Taking;
  readonly answer: (decision: Decision) => void;
}

/** Places for acts of one kind in one session: some run, some wait their turn, the rest are refused. */
export class Turns implements Owner {
  readonly #atOnce: number;
  readonly #max: number;
  readonly #refuse: () => Deny;
  readonly #waiting: Set<Waiter> = new Set();
  readonly #stop: () => void;
  /** What those who wait listen to: once for all of them. */
  #signal: AbortSignal | undefined;
  #running = 0;
  #isPassing = false;

  /** Up to `atOnce` run, and those beyond wait until `max` are in. */
  constructor(atOnce: number, max: number, refuse: () => Deny) {
    this.#atOnce = atOnce;
    this.#max = max;
    this.#refuse = refuse;
    this.#stop = () => {
      for (const waiter of this.#waiting) waiter.answer(stopped());
      this.#waiting.clear();
      this.#listen(undefined);
    };
  }

  /** Gives a place, now or as soon as it is the act's turn. The signal is asked for only by who has to wait. */
  enter(taking: Taking, context: Pick<ExecutionContext, "signal">): Decision | Promise<Decision> {
    const running = this.#running;
    if (running + this.#waiting.size >= this.#max) return hasTaken(taking, this) ? ALLOW : this.#refuse();
    if (taking.dry) return ALLOW;
    if (running < this.#atOnce) {
      this.#take(taking);
      return ALLOW;
    }
    const own = context.signal;
    if (own.aborted) return stopped();
    this.#listen(own);
    return new Promise((answer) => this.#waiting.add({ taking, answer }));
  }

  /** A place is free again. */
  giveBack(): void {
    this.#running--;
    if (this.#waiting.size > 0) this.#next();
  }

  /** The same: an act that has ended needs its place no more. */
  settle(): void {
    this.giveBack();
  }

  #take(taking: Taking): void {
    this.#running++;
    hold(taking, new Taken(this, true, undefined));
  }

  #listen(signal: AbortSignal | undefined): void {
    if (signal === this.#signal) return;
    this.#signal?.removeEventListener("abort", this.#stop);
    this.#signal = signal;
    signal?.addEventListener("abort", this.#stop, { once: true });
  }

  /**
   * Those that have waited longest go. One whose act is over by then gives its place back from within: the loop passes
   * it on.
   */
  #next(): void {
    if (this.#isPassing) return;
    this.#isPassing = true;
    for (const waiter of this.#waiting) {
      if (this.#running >= this.#atOnce) break;
      this.#waiting.delete(waiter);
      waiter.answer(ALLOW);
      this.#take(waiter.taking);
    }
    this.#isPassing = false;
    if (this.#waiting.size === 0) this.#listen(undefined);
  }
}

function stopped(): Deny {
  return denyBy("maxConcurrent", "concurrency_limit", "The act was stopped while it waited for its turn");
}
