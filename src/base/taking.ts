import { isThenable } from "./decision.ts";
import type { Guard, Taking } from "./guard.ts";
import { shadowed } from "./own.ts";
import type { TokenUsage } from "./request.ts";

/** Who gives back what was taken, and settles it. */
export interface Owner {
  /** Undoes a taking. */
  giveBack(taken: Reservation): unknown;
  /** Replaces an estimate by the real usage. */
  settle?(taken: Reservation, usage: TokenUsage | undefined): unknown;
}

/**
 * What one guard took for one act.
 *
 * One shape for nearly all, whoever owns them: with a class for each kind of limit, engines would look up every field
 * of theirs. Fields are
 * declared and set in the constructor, since a field that is defined costs twice one that is set.
 */
export class Reservation {
  declare readonly owner: Owner;
  /** Whether it is settled; what is not stays spent. */
  declare readonly isSettled: boolean;
  /** How much, where that differs from act to act. */
  declare amount: number | undefined;
  /** The next in the one list that holds it: an array would cost every act more than what is in it. */
  declare next: Reservation | undefined;
  static {
    shadowed(this.prototype, ["owner", "isSettled", "amount", "next"]);
  }

  constructor(owner: Owner, isSettled: boolean, amount: number | undefined) {
    this.owner = owner;
    this.isSettled = isSettled;
    // Not only a number at first: a field of numbers alone makes an object of each one that is not small.
    this.amount = undefined;
    this.amount = amount;
    this.next = undefined;
  }
}

/** The functions of the public contract, and whose they are. */
class Given implements Owner {
  guard: Guard | undefined;
  readonly #giveBack: () => unknown;
  readonly #settle: ((usage: TokenUsage | undefined) => unknown) | undefined;

  constructor(
    guard: Guard | undefined,
    giveBack: () => unknown,
    settle: ((usage: TokenUsage | undefined) => unknown) | undefined,
  ) {
    this.guard = guard;
    this.#giveBack = giveBack;
    this.#settle = settle;
  }

  giveBack(): unknown {
    const giveBack = this.#giveBack;
    return giveBack();
  }

  settle(_taken: Reservation, usage: TokenUsage | undefined): unknown {
    const settle = this.#settle;
    return settle?.(usage);
  }
}

/** An act that takes, as far as those that it may have to wait for must know it. */
export interface Taker {
  /** Whether it runs a function of the caller's, in which other acts may begin. */
  readonly isFunction: boolean;
  /** What was taken for it. */
  readonly takings: Reservations;
  /** The acts that it is known to be inside of, and then those that it may be, as long as `test` says no. */
  findAround(test: (around: Taker, isKnown: boolean) => boolean): boolean;
}

/** What guards took in one pass: kept in order, and given back or settled exactly once. */
export class Reservations implements Taking {
  declare readonly dry: boolean;
  /** On a second look after a transform: guards that took in the first, and are not asked again ... */
  declare readonly skips: ReadonlySet<Guard> | undefined;
  /** ... and limits of ours that did, which are asked and allow. */
  declare readonly owners: ReadonlySet<Owner> | undefined;
  /** Nobody is told what a shadowed guard would have decided. */
  declare readonly isSilent: boolean;
  /**
   * The guard that is waited for: what is taken meanwhile is its. Of others it is said afterwards, which costs nothing
   * where nobody takes.
   */
  declare awaited: Guard | undefined;
  /** What was taken last by functions of somebody else's. */
  declare given: Reservation | undefined;
  static {
    shadowed(this.prototype, ["dry", "skips", "owners", "isSilent", "awaited", "given"]);
  }
  #newest: Reservation | undefined = undefined;
  #over = false;
  /** The act that takes, or the taking of the pass around this one. */
  readonly #of: Taker | Reservations | undefined;

  constructor(
    dry: boolean,
    isSilent = false,
    skips?: ReadonlySet<Guard>,
    owners?: ReadonlySet<Owner>,
    of?: Taker | Reservations,
  ) {
    this.dry = dry;
    this.skips = skips;
    this.owners = owners;
    this.isSilent = isSilent;
    this.awaited = undefined;
    this.given = undefined;
    this.#of = of;
  }

  /** The act that takes, where it is one of a session's. */
  static takerOf(taking: Taking): Taker | undefined {
    let at: Taking | Taker | undefined = taking;
    while (at instanceof Reservations) at = at.#of;
    return at === taking ? undefined : (at as Taker | undefined);
  }

  /** What was taken from one owner last, and passes a test: here, or in the passes around this one. */
  static find<T extends Reservation>(taking: Taking, owner: Owner, test: (taken: T) => boolean): T | undefined {
    for (let at: Taking | Taker | undefined = taking; at instanceof Reservations; at = at.#of) {
      for (let taken = at.#newest; taken !== undefined; taken = taken.next) {
        if (taken.owner === owner && test(taken as T)) return taken as T;
      }
    }
    return undefined;
  }

  /** Whether nothing can be taken any more: the act is over. */
  get isOver(): boolean {
    return this.#over || (this.#of instanceof Reservations && this.#of.isOver);
  }

  take(giveBack: () => void, settle?: (usage: TokenUsage | undefined) => void): void {
    if (typeof giveBack !== "function" || (settle !== undefined && typeof settle !== "function")) {
      throw new TypeError(
        "take() needs a function that gives back what was taken; a second one, that settles it, may follow",
      );
    }
    const taken = new Reservation(new Given(this.awaited, giveBack, settle), settle !== undefined, undefined);
    if (this.add(taken)) this.given = taken;
  }

  /** Says whose is what was given since `before`, newest first; what is known already stays. */
  tell(before: Reservation | undefined, guardOf: (taken: Reservation) => Guard | undefined): void {
    for (let taken = this.#newest; taken !== undefined && taken !== before; taken = taken.next) {
      const { owner } = taken;
      if (!(owner instanceof Given)) continue;
      const guard = guardOf(taken);
      owner.guard ??= guard;
    }
  }

  /** Registers what was taken; answers whether it is held. */
  add(taken: Reservation): boolean {
    // A guard that takes in a dry run, or after the answer was given (a late promise), must not hold anything.
    const isHeld = !this.dry && !this.#over;
    if (isHeld) this.keep(taken);
    else giveBackQuietly(taken);
    return isHeld;
  }

  protected keep(taken: Reservation): void {
    taken.next = this.#newest;
    this.#newest = taken;
  }

  /** The taking of a second look: dry, and it passes over whoever took in the first. */
  again(): Reservations {
    const skips = new Set(this.skips);
    const owners = new Set(this.owners);
    for (let taken = this.#newest; taken !== undefined; taken = taken.next) {
      const { owner } = taken;
      if (!(owner instanceof Given)) owners.add(owner);
      else if (owner.guard !== undefined) skips.add(owner.guard);
    }
    return new Reservations(true, this.isSilent, skips, owners, this);
  }

  /** The taking of a part whose takings may not be kept. On a second look nothing is taken, whoever asks. */
  branch(): Reservations {
    return this.skips !== undefined ? this : new Reservations(this.dry, this.isSilent, undefined, undefined, this);
  }

  /** Gives everything back, newest first; with `final`, later takings too. */
  giveBack(final: boolean): void {
    if (final) this.#over = true;
    let taken = this.#newest;
    this.#newest = this.given = undefined;
    while (taken !== undefined) {
      const { next } = taken;
      taken.next = undefined;
      giveBackQuietly(taken);
      taken = next;
    }
  }

  /** Settles everything with the real usage, oldest first. The response gate may take anew. */
  settle(usage: TokenUsage | undefined): void {
    let taken = this.#takeOut();
    while (taken !== undefined) {
      const { next } = taken;
      taken.next = undefined;
      if (taken.isSettled) settleQuietly(taken, usage);
      taken = next;
    }
  }

  /** Hands everything on to the taking of the pass around this one. */
  handOn(to: Taking): void {
    this.#over = true;
    const { given } = this;
    let taken = this.#takeOut();
    while (taken !== undefined) {
      const { next } = taken;
      taken.next = undefined;
      hold(to, taken);
      taken = next;
    }
    if (given !== undefined && to instanceof Reservations) to.given = given;
  }

  /** Takes everything out: a list of what was held, oldest first. */
  #takeOut(): Reservation | undefined {
    let oldest: Reservation | undefined;
    let taken = this.#newest;
    this.#newest = this.given = undefined;
    while (taken !== undefined) {
      const { next } = taken;
      taken.next = oldest;
      oldest = taken;
      taken = next;
    }
    return oldest;
  }
}

/** Registers what a limit of ours took: only a taking of somebody else's needs functions for it. */
export function hold(taking: Taking, taken: Reservation): void {
  if (taking instanceof Reservations) taking.add(taken);
  else giveTo(taking, taken);
}

/** Whether this is a second look at an act that has taken from a limit of ours. */
export function hasTaken(taking: Taking, owner: Owner): boolean {
  return taking instanceof Reservations && taking.owners?.has(owner) === true;
}

function giveTo(to: Taking, taken: Reservation): void {
  const { owner } = taken;
  to.take(() => owner.giveBack(taken), taken.isSettled ? (usage) => owner.settle?.(taken, usage) : undefined);
}

/** One that fails must not keep the others from being given back. What it held stays spent, which is the safe side. */
function giveBackQuietly(taken: Reservation): void {
  try {
    ignoreFailure(taken.owner.giveBack(taken));
  } catch {
    // Nobody is there to tell: the decision stands already.
  }
}

function settleQuietly(taken: Reservation, usage: TokenUsage | undefined): void {
  try {
    ignoreFailure(taken.owner.settle?.(taken, usage));
  } catch {
    // As above.
  }
}

/** Nothing waits for an answer that should have been there at once; one that fails must not end the process. */
export function ignoreFailure(answer: unknown): void {
  if (isThenable(answer)) answer.then(undefined, () => undefined);
}

/** Hands everything on at once: gives a taking of somebody else's what composing needs. */
class Forwarded extends Reservations {
  readonly #to: Taking;

  constructor(to: Taking) {
    super(to.dry);
    this.#to = to;
  }

  override add(taken: Reservation): boolean {
    this.keep(taken);
    giveTo(this.#to, taken);
    return true;
  }
}

/** The taking itself if it is one of ours, else one that hands on to it. */
export function tracked(taking: Taking): Reservations {
  return taking instanceof Reservations ? taking : new Forwarded(taking);
}

/**
 * A taking for a part whose takings may not be kept. On a second look nothing is taken, and who took is still left out.
 */
export function branch(taking: Taking): Reservations {
  return taking instanceof Reservations ? taking.branch() : new Reservations(taking.dry);
}

/** Whether the act is over for which guards are asked: nobody hears what others would say. */
export function isOver(taking: Taking): boolean {
  return taking instanceof Reservations && taking.isOver;
}

/** Takes nothing, and tells nobody. Shared: nothing is kept in it. */
export const SILENT: Reservations = new Reservations(true, true);

/** Takes nothing. Shared: nothing is kept in it. */
export const DRY: Reservations = new Reservations(true);

/** Every limit of ours counts as one that was taken from, so that it allows, used up or not. */
class Free extends Reservations {
  constructor(isSilent: boolean, of?: Reservations) {
    const every: ReadonlySet<Owner> = Object.assign(new Set<Owner>(), { has: () => true });
    super(true, isSilent, undefined, every, of);
  }

  override again(): Reservations {
    return this;
  }

  override branch(): Reservations {
    return new Free(this.isSilent, this);
  }
}

/** Takes nothing, and no limit of ours is exceeded. Shared: nothing is kept in it. */
export const FREE: Reservations = new Free(false);
