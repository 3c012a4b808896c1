import { isThenable } from "./decision.ts";
import type { Guard, Taking } from "./guard.ts";
import type { TokenUsage } from "./request.ts";

interface Entry {
  /** Who took, so that the second look after a transform can leave it out. */
  readonly guard: Guard | undefined;
  readonly giveBack: () => void;
  readonly settle: ((usage: TokenUsage | undefined) => void) | undefined;
}

/** What guards took in one pass: kept in order, and given back or settled exactly once. */
export class Takings implements Taking {
  readonly dry: boolean;
  /** On a second look after a transform: who took in the first, and is not asked again. */
  readonly skips: ReadonlySet<Guard> | undefined;
  /** Nobody is told what a shadowed guard would have decided. */
  readonly isSilent: boolean;
  /** The guards of which one is asked, and which: a place in a list is cheaper to note than the guard itself. */
  list: readonly Guard[] | undefined = undefined;
  at = 0;
  /** Where there is no list, the guard that is asked. What is taken is its, at the moment when it is taken. */
  asked: Guard | undefined = undefined;
  #entries: Entry[] | undefined;
  #over = false;

  constructor(dry: boolean, skips?: ReadonlySet<Guard>, isSilent = false) {
    this.dry = dry;
    this.skips = skips;
    this.isSilent = isSilent;
  }

  take(giveBack: () => void, settle?: (usage: TokenUsage | undefined) => void): void {
    if (typeof giveBack !== "function" || (settle !== undefined && typeof settle !== "function")) {
      throw new TypeError("take() needs a function that gives back what was taken; a second one, that settles it, may follow");
    }
    this.add({ guard: this.list === undefined ? this.asked : this.list[this.at], giveBack, settle });
  }

  protected add(entry: Entry): void {
    // A guard that takes in a dry run, or after the answer was given (a late promise), must not hold anything.
    if (this.dry || this.#over) quietly(entry.giveBack, undefined);
    else this.keep(entry);
  }

  protected keep(entry: Entry): void {
    (this.#entries ??= []).push(entry);
  }

  /** The taking of a second look: dry, and it passes over whoever took in the first. */
  again(): Takings {
    const skips = new Set(this.skips);
    for (const { guard } of this.#entries ?? NONE) if (guard !== undefined) skips.add(guard);
    return new Takings(true, skips, this.isSilent);
  }

  /** Gives everything back, newest first; with `final`, later takings too. */
  giveBack(final: boolean): void {
    this.#over ||= final;
    for (const entry of this.#empty().reverse()) quietly(entry.giveBack, undefined);
  }

  /** Settles everything with the real usage; what has no settling stays spent. The response gate may take anew. */
  settle(usage: TokenUsage | undefined): void {
    for (const { settle } of this.#empty()) if (settle !== undefined) quietly(settle, usage);
  }

  /** Hands everything on to the taking of the pass around this one. */
  handOn(to: Taking): void {
    this.#over = true;
    for (const entry of this.#empty()) {
      if (to instanceof Takings) to.add(entry);
      else to.take(entry.giveBack, entry.settle);
    }
  }

  #empty(): Entry[] {
    const entries = this.#entries ?? NONE;
    this.#entries = undefined;
    return entries;
  }
}

const NONE: Entry[] = [];

/** One that fails must not keep the others from being given back. What it held stays spent, which is the safe side. */
function quietly<T>(call: (value: T) => unknown, value: T): void {
  try {
    ignoreFailure(call(value));
  } catch {
    // Nobody is there to tell: the decision stands already.
  }
}

/** Nothing waits for an answer that should have been there at once; one that fails must not end the process. */
export function ignoreFailure(answer: unknown): void {
  if (isThenable(answer)) answer.then(undefined, () => undefined);
}

/** Hands everything on at once: gives a taking of somebody else's what composing needs. */
class Forwarded extends Takings {
  readonly #to: Taking;

  constructor(to: Taking) {
    super(to.dry);
    this.#to = to;
  }

  protected override add(entry: Entry): void {
    this.keep(entry);
    this.#to.take(entry.giveBack, entry.settle);
  }
}

/** The taking itself if it is one of ours, else one that hands on to it. */
export function tracked(taking: Taking): Takings {
  return taking instanceof Takings ? taking : new Forwarded(taking);
}

/** A taking for a part whose takings may not be kept. On a second look nothing is taken, and who took is still left out. */
export function branch(taking: Taking): Takings {
  return taking instanceof Takings && taking.skips !== undefined ? taking : new Takings(taking.dry, undefined, isSilent(taking));
}

/** Whether nobody is to be told: it is only explained what would be decided. */
export function isSilent(taking: Taking): boolean {
  return taking instanceof Takings && taking.isSilent;
}

/** Takes nothing, and tells nobody. Shared: nothing is kept in it. */
export const SILENT: Takings = new Takings(true, undefined, true);

/** Takes nothing. Shared: nothing is kept in it. */
export const DRY: Takings = new Takings(true);
