import { allow, type Decision, guardError, isThenable } from "../decision.ts";
import type { ExecutionContext } from "../context.ts";
import { type Guard, nameOf } from "../guard.ts";
import type { GovernedRequest, Stage } from "../request.ts";
import { type Takings, tracked } from "../taking.ts";
import type { Judge } from "./ask.ts";
import { fold, foldAll } from "./fold.ts";

export type { Judge } from "./ask.ts";

/** Asks some of a list's guards, and goes on to the last of the list. */
type Block = (request: GovernedRequest, context: ExecutionContext, own: Takings) => Decision | Promise<Decision>;

const ALLOW = allow();
const SIZE = 5;
const nothing: Guard = () => ALLOW;
const end: Block = () => ALLOW;

/** The parts that judge at a stage. */
export function partsAt(guards: readonly Guard[], stage: Stage): readonly Guard[] {
  return guards.filter((guard) => guard.stages === undefined || guard.stages.includes(stage));
}

/**
 * Compiles guards into one function that asks them in order.
 *
 * On the allow path every guard has a call site of its own: no list is walked, nothing is allocated, and no promise is made
 * unless a guard answers one. Nothing that the functions close over is ever assigned, and none calls one of its own text:
 * only then engines put the guards in the place of their calls. Whatever is not a plain allowance goes on in `fold`.
 */
export function sequence(guards: readonly Guard[]): Judge {
  const first = guards.length === 0 ? end : block(guards, 0);
  return (request, context, taking) => {
    const own = tracked(taking);
    // On a second look some are left out, so it walks the list.
    if (own.skips !== undefined) return foldAll(guards, request, context, own);
    const { at, list } = own;
    own.list = guards;
    const answer = first(request, context, own);
    if (answer !== ALLOW && isThenable(answer)) return answer;
    // Whoever asked this one may take as well.
    own.list = list;
    own.at = at;
    return answer;
  };
}

/** Asks the guards from `from` on; if one does not simply allow, `fold` goes on to the very last. */
function block(guards: readonly Guard[], from: number): Block {
  switch (guards.length - from) {
    case 1:
      return one(guards, from);
    case 2:
      return two(guards, from);
    default:
      return five(guards, from, guards.length - from > SIZE ? fiveMore(guards, from + SIZE) : end);
  }
}

function failure(guards: readonly Guard[], at: number, error: unknown): Decision {
  return guardError(nameOf(guards[at] ?? nothing), error);
}

function one(guards: readonly Guard[], from: number): Block {
  const a = guards[from] as Guard;
  return (request, context, own) => {
    let answer: unknown;
    try {
      own.at = from;
      if ((answer = a(request, context, own)) === ALLOW) return ALLOW;
    } catch (error) {
      answer = failure(guards, from, error);
    }
    return fold(guards, from, answer, request, context, own);
  };
}

function two(guards: readonly Guard[], from: number): Block {
  const a = guards[from] as Guard, b = guards[from + 1] as Guard;
  return (request, context, own) => {
    // A local: a guard may judge something else meanwhile, with the same shared taking.
    let at = from;
    let answer: unknown;
    try {
      if (
        (own.at = at, (answer = a(request, context, own)) === ALLOW) &&
        (own.at = at = from + 1, (answer = b(request, context, own)) === ALLOW)
      ) return ALLOW;
    } catch (error) {
      answer = failure(guards, at, error);
    }
    return fold(guards, at, answer, request, context, own);
  };
}

function five(guards: readonly Guard[], from: number, rest: Block): Block {
  const [a = nothing, b = nothing, c = nothing, d = nothing, e = nothing] = guards.slice(from, from + SIZE);
  return (request, context, own) => {
    let at = from;
    let answer: unknown;
    try {
      if (
        (own.at = at, (answer = a(request, context, own)) === ALLOW) &&
        (own.at = at = from + 1, (answer = b(request, context, own)) === ALLOW) &&
        (own.at = at = from + 2, (answer = c(request, context, own)) === ALLOW) &&
        (own.at = at = from + 3, (answer = d(request, context, own)) === ALLOW) &&
        (own.at = at = from + 4, (answer = e(request, context, own)) === ALLOW)
      ) return rest(request, context, own);
    } catch (error) {
      answer = failure(guards, at, error);
    }
    return fold(guards, at, answer, request, context, own);
  };
}

/** The same once more: a function that called one of its own text would not be put in its place, and ten guards in one text are too long for it. */
function fiveMore(guards: readonly Guard[], from: number): Block {
  const [a = nothing, b = nothing, c = nothing, d = nothing, e = nothing] = guards.slice(from, from + SIZE);
  const rest = guards.length - from > SIZE ? block(guards, from + SIZE) : end;
  return (request, context, own) => {
    let at = from;
    let answer: unknown;
    try {
      if (
        (own.at = at, (answer = a(request, context, own)) === ALLOW) &&
        (own.at = at = from + 1, (answer = b(request, context, own)) === ALLOW) &&
        (own.at = at = from + 2, (answer = c(request, context, own)) === ALLOW) &&
        (own.at = at = from + 3, (answer = d(request, context, own)) === ALLOW) &&
        (own.at = at = from + 4, (answer = e(request, context, own)) === ALLOW)
      ) return rest(request, context, own);
    } catch (error) {
      answer = failure(guards, at, error);
    }
    return fold(guards, at, answer, request, context, own);
  };
}
