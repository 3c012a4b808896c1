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
 * of theirs. Fields are declared and set in the constructor, since a field that is defined costs twice one that is set.
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

/**
 * How often guards have taken by functions of their own, whatever for: who did is told by when. All acts share it,
 * since it is read between guards, and a count tells nobody anything. From 1 on: 0 stands for none.
 */
export const gifts: { count: number } = { count: 1 };

/** The functions of the public contract, and whose they are. */
class Given implements Owner {
  guard: Guard | undefined;
  /** Which it is of all that were given. */
  readonly nth: number = ++gifts.count;
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

/** What kind of pass guards are asked in. Most are of one kind, and share it. */
class Pass {
  readonly dry: boolean;
  /** Nobody is told what a shadowed guard would have decided. */
  readonly isSilent: boolean;
  /** On a second look after a transform: guards that took in the first, and are not asked again ... */
  readonly skips: ReadonlySet<Guard> | undefined;
  /** ... and limits of ours that did, which are asked and allow. */
  readonly owners: ReadonlySet<Owner> | undefined;
  /** A taking of somebody else's, to which everything is handed on at once. */
  readonly to: Taking | undefined;

  constructor(
    dry: boolean,
    isSilent: boolean,
    skips?: ReadonlySet<Guard>,
    owners?: ReadonlySet<Owner>,
    to?: Taking,
  ) {
    this.dry = dry;
    this.isSilent = isSilent;
    this.skips = skips;
    this.owners = owners;
    this.to = to;
  }
}

const TAKES = new Pass(false, false);
const ONLY_LOOKS = new Pass(true, false);
const ONLY_EXPLAINS = new Pass(true, true);
/** Every limit of ours counts as one that was taken from, so that it allows, used up or not. */
const EVERY: ReadonlySet<Owner> = Object.assign(new Set<Owner>(), { has: () => true });
const PASSES_LIMITS = new Pass(true, false, undefined, EVERY);

/**
 * What guards took in one pass: kept in order, and given back or settled exactly once.
 *
 * Every guard is handed it, and finds `dry` and `take`: what the others took, and how it is given back, only the class
 * can reach.
 */
export class Reservations implements Taking {
  readonly #pass: Pass;
  #newest: Reservation | undefined = undefined;
  /**
   * The guard that is waited for: what is taken meanwhile is its. Of others it is said afterwards, which costs nothing
   * where nobody takes.
   */
  #awaited: Guard | undefined = undefined;
  #over = false;
  /** The act that takes, or the taking of the pass around this one. */
  readonly #of: Taker | Reservations | undefined;
  static {
    // A guard makes none by the constructor of the one that it was given.
    Reflect.deleteProperty(this.prototype, "constructor");
  }

  constructor(pass: Pass = TAKES, of?: Taker | Reservations) {
    this.#pass = pass;
    this.#of = of;
  }

  get dry(): boolean {
    return this.#pass.dry;
  }

  take(giveBack: () => void, settle?: (usage: TokenUsage | undefined) => void): void {
    if (typeof giveBack !== "function" || (settle !== undefined && typeof settle !== "function")) {
      throw new TypeError(
        "take() needs a function that gives back what was taken; a second one, that settles it, may follow",
      );
    }
    const taken = new Reservation(new Given(this.#awaited, giveBack, settle), settle !== undefined, undefined);
    Reservations.add(this, taken);
  }

  /** Whether a taking is one of ours. */
  static is(taking: Taking): taking is Reservations {
    return taking instanceof Reservations;
  }

  static passOf(own: Reservations): Pass {
    return own.#pass;
  }

  static isSecondLook(own: Reservations): boolean {
    return own.#pass.skips !== undefined;
  }

  /** The act that takes, where it is one of a session's. */
  static takerOf(taking: Taking): Taker | undefined {
    let at: Taking | Taker | undefined = taking;
    while (at !== undefined && #of in at) at = at.#of;
    return at === taking ? undefined : (at as Taker | undefined);
  }

  /** What was taken from one owner last, and passes a test: here, or in the passes around this one. */
  static find<T extends Reservation>(taking: Taking, owner: Owner, test: (taken: T) => boolean): T | undefined {
    for (let at: Taking | Taker | undefined = taking; at !== undefined && #of in at; at = at.#of) {
      for (let taken = at.#newest; taken !== undefined; taken = taken.next) {
        if (taken.owner === owner && test(taken as T)) return taken as T;
      }
    }
    return undefined;
  }

  /** Whether nothing can be taken any more: the act is over. */
  static isOver(own: Reservations): boolean {
    const of = own.#of;
    return own.#over || (of !== undefined && #of in of && Reservations.isOver(of));
  }

  /** Notes which guard is waited for, or that none is. A dry taking, which many share, holds nothing. */
  static wait(own: Reservations, guard: Guard | undefined): void {
    if (own.#pass.dry) return;
    if (guard === undefined) own.#awaited = undefined;
    else own.#awaited ??= guard;
  }

  /** Says whose is what was given after the first `count` gifts; what is known already stays. */
  static tell(own: Reservations, count: number, guardOf: (nth: number) => Guard | undefined): void {
    for (let taken = own.#newest; taken !== undefined; taken = taken.next) {
      const { owner } = taken;
      if (owner instanceof Given && owner.nth > count) owner.guard ??= guardOf(owner.nth);
    }
  }

  /** Registers what was taken. */
  static add(own: Reservations, taken: Reservation): void {
    const { dry, to } = own.#pass;
    // A guard that takes in a dry run, or after the answer was given (a late promise), must not hold anything.
    if (to === undefined && (dry || own.#over)) {
      giveBackQuietly(taken);
      return;
    }
    taken.next = own.#newest;
    own.#newest = taken;
    if (to !== undefined) giveTo(to, taken);
  }

  /** The taking of a second look: dry, and it passes over whoever took in the first. */
  static again(own: Reservations): Reservations {
    const { isSilent, skips: skipped, owners: passed } = own.#pass;
    if (passed === EVERY) return own;
    const skips = new Set(skipped);
    const owners = new Set(passed);
    for (let taken = own.#newest; taken !== undefined; taken = taken.next) {
      const { owner } = taken;
      if (!(owner instanceof Given)) owners.add(owner);
      else if (owner.guard !== undefined) skips.add(owner.guard);
    }
    return new Reservations(new Pass(true, isSilent, skips, owners), own);
  }

  /** Gives everything back, newest first; with `final`, later takings too. */
  static giveBack(own: Reservations, final: boolean): void {
    if (final) own.#over = true;
    let taken = own.#newest;
    own.#newest = undefined;
    while (taken !== undefined) {
      const { next } = taken;
      taken.next = undefined;
      giveBackQuietly(taken);
      taken = next;
    }
  }

  /** Settles everything with the real usage, oldest first. The response gate may take anew. */
  static settle(own: Reservations, usage: TokenUsage | undefined): void {
    let taken = own.#takeOut();
    while (taken !== undefined) {
      const { next } = taken;
      taken.next = undefined;
      if (taken.isSettled) settleQuietly(taken, usage);
      taken = next;
    }
  }

  /** Hands everything on to the taking of the pass around this one. */
  static handOn(own: Reservations, to: Taking): void {
    own.#over = true;
    let taken = own.#takeOut();
    while (taken !== undefined) {
      const { next } = taken;
      taken.next = undefined;
      hold(to, taken);
      taken = next;
    }
  }

  /** Takes everything out: a list of what was held, oldest first. */
  #takeOut(): Reservation | undefined {
    let oldest: Reservation | undefined;
    let taken = this.#newest;
    this.#newest = undefined;
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
  if (Reservations.is(taking)) Reservations.add(taking, taken);
  else giveTo(taking, taken);
}

/** Whether this is a second look at an act that has taken from a limit of ours. */
export function hasTaken(taking: Taking, owner: Owner): boolean {
  return Reservations.is(taking) && Reservations.passOf(taking).owners?.has(owner) === true;
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

/** Whether it is of a second look, on which those are left out that took in the first. */
export const isSecondLook: (own: Reservations) => boolean = Reservations.isSecondLook;

/** The taking itself if it is one of ours, else one that hands on to it and knows what composing needs. */
export function tracked(taking: Taking): Reservations {
  return Reservations.is(taking) ? taking : new Reservations(new Pass(taking.dry, false, undefined, undefined, taking));
}

/**
 * A taking for a part whose takings may not be kept. On a second look nothing is taken, and who took is still left out.
 */
export function branch(taking: Taking): Reservations {
  if (!Reservations.is(taking)) return new Reservations(taking.dry ? ONLY_LOOKS : TAKES);
  const pass = Reservations.passOf(taking);
  if (pass.skips !== undefined) return taking;
  if (pass.owners === EVERY) return new Reservations(pass, taking);
  return new Reservations(!pass.dry ? TAKES : pass.isSilent ? ONLY_EXPLAINS : ONLY_LOOKS, taking);
}

/** Whether the act is over for which guards are asked: nobody hears what others would say. */
export function isOver(taking: Taking): boolean {
  return Reservations.is(taking) && Reservations.isOver(taking);
}

/** Takes nothing, and tells nobody. Shared: nothing is kept in it. */
export const SILENT: Reservations = new Reservations(ONLY_EXPLAINS);

/** Takes nothing. Shared: nothing is kept in it. */
export const DRY: Reservations = new Reservations(ONLY_LOOKS);

/** Takes nothing, and no limit of ours is exceeded. Shared: nothing is kept in it. */
export const FREE: Reservations = new Reservations(PASSES_LIMITS);
