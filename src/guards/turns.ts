import { allow, type Decision, deny, type Deny } from "../decision.ts";
import type { Taking } from "../guard.ts";

interface Waiter {
  readonly taking: Taking;
  readonly answer: (decision: Decision) => void;
  readonly leave: () => void;
}

/** Places for acts of one kind in one session: some run, some wait their turn, the rest are refused. */
export class Turns {
  readonly #atOnce: number;
  readonly #max: number;
  readonly #refuse: () => Deny;
  readonly #waiting: Set<Waiter> = new Set();
  readonly #release: () => void;
  #running = 0;
  #isPassing = false;

  /** Up to `atOnce` run, and those beyond wait until `max` are in. */
  constructor(atOnce: number, max: number, refuse: () => Deny) {
    this.#atOnce = atOnce;
    this.#max = max;
    this.#refuse = refuse;
    this.#release = () => {
      this.#running--;
      this.#next();
    };
  }

  /** Gives a place, now or as soon as it is the act's turn. `signal` is asked for only by who has to wait. */
  enter(taking: Taking, signal: () => AbortSignal): Decision | Promise<Decision> {
    if (this.#running + this.#waiting.size >= this.#max) return this.#refuse();
    if (taking.dry) return allow();
    if (this.#running < this.#atOnce) {
      this.#take(taking);
      return allow();
    }
    return this.#wait(taking, signal());
  }

  #take(taking: Taking): void {
    this.#running++;
    taking.take(this.#release, this.#release);
  }

  #wait(taking: Taking, signal: AbortSignal): Deny | Promise<Decision> {
    const stopped = (): Deny => deny("concurrency_limit", "The act was stopped while it waited for its turn");
    if (signal.aborted) return stopped();
    return new Promise((answer) => {
      const leave = (): void => {
        this.#waiting.delete(waiter);
        answer(stopped());
      };
      const waiter: Waiter = { taking, answer, leave: () => signal.removeEventListener("abort", leave) };
      this.#waiting.add(waiter);
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** Those that have waited longest go. One whose act is over by then gives its place back from within: the loop passes it on. */
  #next(): void {
    if (this.#isPassing) return;
    this.#isPassing = true;
    for (const waiter of this.#waiting) {
      if (this.#running >= this.#atOnce) break;
      this.#waiting.delete(waiter);
      waiter.leave();
      waiter.answer(allow());
      this.#take(waiter.taking);
    }
    this.#isPassing = false;
  }
}
