// Functions that join guards, and the compiler that turns a list of guards into one function.
//
// Here code is written oddly for speed: guards are spelt out five at a time, by the same text twice. Engines inline a
// guard only where its call site has met no other, and a function only into others than itself. In `bench/compose.ts`,
// `all` of synchronous guards, a loop over the list takes 3.5x for 3 guards and 12x for 10; `five` without `fiveMore`
// takes 4.8x for 10; who took noted after each guard, and not by marks, 1.2x; `gifts` read without the parameter, 1.4x.
// Each of them breaks a promise that is made there.

import { allow, type Decision, guardError } from "../base/decision.ts";
import type { ExecutionContext } from "../base/context.ts";
import { type Guard, nameOf, stagesOf } from "../base/guard.ts";
import type { GovernedRequest, Stage } from "../base/request.ts";
import { gifts, isSecondLook, Reservations, tracked } from "../base/taking.ts";
import type { Judge } from "./ask-guard.ts";
import { fold, foldAll } from "./fold-decisions.ts";

export type { Judge } from "./ask-guard.ts";

/** Asks some of a list's guards, and goes on to the last of the list. */
type Ask = (request: GovernedRequest, context: ExecutionContext, own: Reservations) => Decision | Promise<Decision>;
/** Which of a list's guards, and what asks those after them. */
interface Block {
  readonly guards: readonly Guard[];
  readonly from: number;
  readonly rest: Ask;
}
/** How much had been given before a guard was asked; 0 as long as it was not asked. */
type Mark = number;
type Gifts = Readonly<typeof gifts>;

const ALLOW = allow();
const SIZE = 5;
const nothing: Guard = () => ALLOW;
const end: Ask = () => ALLOW;

/** The parts that judge at a stage. */
export function partsAt(guards: readonly Guard[], stage: Stage): readonly Guard[] {
  return guards.filter((guard) => stagesOf(guard)?.includes(stage) ?? true);
}

/**
 * Compiles guards into one function that asks them in order. As long as they simply allow, nothing is allocated, and no
 * promise is made; whatever else one answers goes on in `fold`.
 */
export function sequence(guards: readonly Guard[]): Judge {
  const first = blockOf(guards, 0);
  return (request, context, taking) => {
    const own = tracked(taking);
    // On a second look some are left out, so it walks the list.
    return !isSecondLook(own) ? first(request, context, own) : foldAll(guards, request, context, own);
  };
}

/** What asks the guards from `from` on: five at a time, by two functions in turn. */
function blockOf(guards: readonly Guard[], from: number): Ask {
  if (from >= guards.length) return end;
  const at = (place: number): Guard => (place < guards.length ? guards[place] as Guard : nothing);
  const [a, b, c, d, e] = [at(from), at(from + 1), at(from + 2), at(from + 3), at(from + 4)];
  const rest = blockOf(guards, from + SIZE);
  return (from % (2 * SIZE) === 0 ? five : fiveMore)(gifts, { guards, from, rest }, rest, a, b, c, d, e);
}

// Who took, or which guard threw, is found out afterwards.
function five(gifts: Gifts, block: Block, rest: Ask, a: Guard, b: Guard, c: Guard, d: Guard, e: Guard): Ask {
  return (request, context, own) => {
    const all = gifts;
    const t = all.count;
    let u: Mark = 0, v: Mark = 0, w: Mark = 0, x: Mark = 0;
    let answer: unknown;
    try {
      if (
        (answer = a(request, context, own)) === ALLOW &&
        (u = all.count, answer = b(request, context, own)) === ALLOW &&
        (v = all.count, answer = c(request, context, own)) === ALLOW &&
        (w = all.count, answer = d(request, context, own)) === ALLOW &&
        (x = all.count, answer = e(request, context, own)) === ALLOW &&
        all.count === t
      ) return rest(request, context, own);
    } catch (error) {
      answer = new Thrown(error);
    }
    return goOn(block, answer, request, context, own, t, u, v, w, x);
  };
}

// The same once more: ten guards in one function are too much code to be inlined.
function fiveMore(gifts: Gifts, block: Block, rest: Ask, a: Guard, b: Guard, c: Guard, d: Guard, e: Guard): Ask {
  return (request, context, own) => {
    const all = gifts;
    const t = all.count;
    let u: Mark = 0, v: Mark = 0, w: Mark = 0, x: Mark = 0;
    let answer: unknown;
    try {
      if (
        (answer = a(request, context, own)) === ALLOW &&
        (u = all.count, answer = b(request, context, own)) === ALLOW &&
        (v = all.count, answer = c(request, context, own)) === ALLOW &&
        (w = all.count, answer = d(request, context, own)) === ALLOW &&
        (x = all.count, answer = e(request, context, own)) === ALLOW &&
        all.count === t
      ) return rest(request, context, own);
    } catch (error) {
      answer = new Thrown(error);
    }
    return goOn(block, answer, request, context, own, t, u, v, w, x);
  };
}

/** What a guard threw. */
class Thrown {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Somebody took, or the guard that was asked last did not simply allow. */
function goOn(
  { guards, from, rest }: Block,
  answer: unknown,
  request: GovernedRequest,
  context: ExecutionContext,
  own: Reservations,
  t: number,
  u: Mark,
  v: Mark,
  w: Mark,
  x: Mark,
): Decision | Promise<Decision> {
  const last = x > 0 ? 4 : w > 0 ? 3 : v > 0 ? 2 : u > 0 ? 1 : 0;
  if (gifts.count !== t) {
    Reservations.tell(own, t, (nth) => {
      let by = last;
      while (by > 0 && nth <= (by === 1 ? u : by === 2 ? v : by === 3 ? w : x)) by--;
      return guards[from + by];
    });
  }
  if (answer === ALLOW) return rest(request, context, own);
  const at = from + last;
  return fold(
    guards,
    at,
    answer instanceof Thrown ? guardError(nameOf(guards[at] ?? nothing), answer.error) : answer,
    request,
    context,
    own,
  );
}
