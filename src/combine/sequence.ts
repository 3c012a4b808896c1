import { allow, type Decision, guardError } from "../decision.ts";
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
 * unless a guard answers one. Whatever is not a plain allowance goes on in `fold`.
 */
export function sequence(guards: readonly Guard[]): Judge {
  if (guards.length === 0) return () => ALLOW;
  let first = end;
  for (let from = Math.floor((guards.length - 1) / SIZE) * SIZE; from >= 0; from -= SIZE) first = block(guards, from, first);
  return (request, context, taking) => {
    const own = tracked(taking);
    // On a second look some are left out, so it walks the list.
    return own.skips === undefined ? first(request, context, own) : foldAll(guards, request, context, own);
  };
}

/** Asks up to five guards from `from` on, then `rest`; if one does not simply allow, `fold` goes on to the very last guard. */
function block(guards: readonly Guard[], from: number, rest: Block): Block {
  const [a = nothing, b = nothing, c = nothing, d = nothing, e = nothing] = guards.slice(from, from + SIZE);
  const failed = (at: number, error: unknown): Decision => guardError(nameOf(guards[at] ?? nothing), error);
  // `at` is a local: a guard may judge something else meanwhile, with the same shared taking.
  switch (guards.length - from) {
    case 1:
      return (request, context, own) => {
        let answer: unknown;
        try {
          own.asked = a;
          if ((answer = a(request, context, own)) === ALLOW) return ALLOW;
        } catch (error) {
          answer = failed(from, error);
        }
        return fold(guards, from, answer, request, context, own);
      };
    case 2:
      return (request, context, own) => {
        let at = from;
        let answer: unknown;
        try {
          own.asked = a;
          if ((answer = a(request, context, own)) === ALLOW) {
            at++;
            own.asked = b;
            if ((answer = b(request, context, own)) === ALLOW) return ALLOW;
          }
        } catch (error) {
          answer = failed(at, error);
        }
        return fold(guards, at, answer, request, context, own);
      };
    case 3:
      return (request, context, own) => {
        let at = from;
        let answer: unknown;
        try {
          own.asked = a;
          if ((answer = a(request, context, own)) === ALLOW) {
            at++;
            own.asked = b;
            if ((answer = b(request, context, own)) === ALLOW) {
              at++;
              own.asked = c;
              if ((answer = c(request, context, own)) === ALLOW) return ALLOW;
            }
          }
        } catch (error) {
          answer = failed(at, error);
        }
        return fold(guards, at, answer, request, context, own);
      };
    default:
      return (request, context, own) => {
        let at = from;
        let answer: unknown;
        try {
          own.asked = a;
          if ((answer = a(request, context, own)) === ALLOW) {
            at++;
            own.asked = b;
            if ((answer = b(request, context, own)) === ALLOW) {
              at++;
              own.asked = c;
              if ((answer = c(request, context, own)) === ALLOW) {
                at++;
                own.asked = d;
                if ((answer = d(request, context, own)) === ALLOW) {
                  at++;
                  own.asked = e;
                  if ((answer = e(request, context, own)) === ALLOW) return rest(request, context, own);
                }
              }
            }
          }
        } catch (error) {
          answer = failed(at, error);
        }
        return fold(guards, at, answer, request, context, own);
      };
  }
}
