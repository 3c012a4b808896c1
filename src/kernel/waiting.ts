import { type Deny, denyHere } from "../base/decision.ts";

/** The denial of an act whose signal, or its session's, was aborted while it waited. */
export const ABORTED: Deny = denyHere("action_blocked", "The act was aborted while it waited");

/** What may have to end before there is an answer. */
export interface Waiting {
  /** Ends it, and says why. */
  stop(denial: Deny): void;
}

/** Where something waits: in a session. */
export interface WaitingRoom {
  enter(waiting: Waiting): void;
  leave(waiting: Waiting): void;
}

/**
 * A wait for a guard or a person: over as soon as there is an answer, the act's own signal aborts, or the session may
 * wait no longer. It leaves neither a listener nor a timer behind.
 */
export class Wait implements Waiting {
  /** Settles once the wait is over, whatever ended it. */
  readonly over: Promise<void>;
  readonly #room: WaitingRoom;
  readonly #own: AbortSignal | undefined;
  readonly #stopped: (denial: Deny) => void;
  readonly #onAbort: (() => void) | undefined;
  #end!: () => void;
  #isOver = false;

  constructor(room: WaitingRoom, own: AbortSignal | undefined, stopped: (denial: Deny) => void) {
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#room = room;
    this.#own = own;
    this.#stopped = stopped;
    this.#onAbort = own === undefined ? undefined : () => this.stop(ABORTED);
  }

  /** Waits for an answer, which is never a rejection. */
  start(answer: PromiseLike<unknown>): void {
    this.#room.enter(this);
    if (this.#onAbort !== undefined && !this.#isOver) {
      if (this.#own?.aborted === true) this.#onAbort();
      else this.#own?.addEventListener("abort", this.#onAbort);
    }
    answer.then(() => this.end());
  }

  stop(denial: Deny): void {
    if (this.#isOver) return;
    this.end();
    this.#stopped(denial);
  }

  /** Ends it: nothing stops it any more. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#room.leave(this);
    if (this.#onAbort !== undefined) this.#own?.removeEventListener("abort", this.#onAbort);
    this.#end();
  }
}

const LONGEST_TIMER = 2 ** 31 - 1;

/** All that wait in a session: stopped together. It listens, and has a timer, only as long as anybody waits. */
export class Waits implements WaitingRoom {
  readonly #all: Set<Waiting> = new Set();
  readonly #outer: AbortSignal | undefined;
  readonly #timeLeft: () => { readonly ms: number; readonly denial: Deny };
  readonly #onAbort: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `outer` is the signal that the session was given. */
  constructor(outer: AbortSignal | undefined, timeLeft: () => { readonly ms: number; readonly denial: Deny }) {
    this.#outer = outer;
    this.#timeLeft = timeLeft;
    this.#onAbort = () => this.stop(ABORTED);
  }

  enter(waiting: Waiting): void {
    this.#all.add(waiting);
    if (this.#all.size > 1) return;
    this.#outer?.addEventListener("abort", this.#onAbort);
    this.#start();
    if (this.#outer?.aborted === true) this.#onAbort();
  }

  leave(waiting: Waiting): void {
    if (!this.#all.delete(waiting) || this.#all.size > 0) return;
    this.#outer?.removeEventListener("abort", this.#onAbort);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  stop(denial: Deny): void {
    for (const waiting of [...this.#all]) waiting.stop(denial);
  }

  #start(): void {
    const { ms } = this.#timeLeft();
    // A session without a limit of its age; a clock that gives no number is denied by its guard.
    if (!Number.isFinite(ms)) return;
    this.#timer = setTimeout(
      () => {
        if (ms > LONGEST_TIMER) this.#start();
        else this.stop(this.#timeLeft().denial);
      },
      Math.min(Math.max(ms, 0), LONGEST_TIMER),
    );
  }
}

/** An answer, or what is made of the denial that ended the wait for it. */
export function untilStopped<T>(
  room: WaitingRoom,
  own: AbortSignal | undefined,
  answer: PromiseLike<T>,
  stopped: (denial: Deny) => T,
): Promise<T> {
  let result: T;
  let isStopped = false;
  const wait = new Wait(room, own, (denial) => {
    isStopped = true;
    result = stopped(denial);
  });
  wait.start(answer.then((late) => {
    if (!isStopped) result = late;
  }));
  return wait.over.then(() => result);
}
