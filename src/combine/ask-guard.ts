import type { ExecutionContext } from "../base/context.ts";
import { allow, type Decision, guardError, isThenable, readAnswer } from "../base/decision.ts";
import { type Guard, nameOf, type Taking } from "../base/guard.ts";
import type { GovernedRequest } from "../base/request.ts";
import { gifts, Reservations } from "../base/taking.ts";

/** A guard without its name: what guards compile to. */
export type Judge = (
  request: GovernedRequest,
  context: ExecutionContext,
  taking: Taking,
) => Decision | Promise<Decision>;

const ALLOW = allow();

/**
 * Asks a guard; what it throws, rejects with or answers in another shape is a `guard_error` denial. Never throws or
 * rejects.
 */
export function askSafely(
  guard: Guard,
  request: GovernedRequest,
  context: ExecutionContext,
  taking: Taking,
): Decision | Promise<Decision> {
  if (!Reservations.is(taking)) return answerOf(guard, request, context, taking);
  if (Reservations.passOf(taking).skips?.has(guard) === true) return ALLOW;
  const { count } = gifts;
  const answer = answerOf(guard, request, context, taking);
  if (gifts.count !== count) Reservations.tell(taking, count, () => guard);
  // One that answers later may take until then; nobody else is asked meanwhile.
  if (isThenable(answer)) Reservations.wait(taking, guard);
  return answer;
}

function answerOf(
  guard: Guard,
  request: GovernedRequest,
  context: ExecutionContext,
  taking: Taking,
): Decision | Promise<Decision> {
  try {
    return readAnswer(guard(request, context, taking), nameOf(guard));
  } catch (error) {
    return guardError(nameOf(guard), error);
  }
}

/**
 * Goes on with a decision now, or when it is there. Not named `then`: a module that exports that name is a thenable to
 * `import()`.
 */
export function goOn<T>(
  decision: Decision | Promise<Decision>,
  next: (decision: Decision) => T,
): T | Promise<Awaited<T>> {
  return isThenable(decision)
    ? (Promise.resolve(decision).then(next) as Promise<Awaited<T>>)
    : next(decision as Decision);
}
