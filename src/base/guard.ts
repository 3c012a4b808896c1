import { functionOf, ownOptions, wrongType } from "./check.ts";
import type { ExecutionContext } from "./context.ts";
import { MADE_BY, THIS_COPY } from "./copy.ts";
import { allow, type Decision, isThenable, readDecision } from "./decision.ts";
import { shownAs } from "./inspect.ts";
import { bare, ownField } from "./own.ts";
import { type GovernedRequest, type Stage, STAGES, type TokenUsage } from "./request.ts";
import type { AbortSignalLike } from "./platform.ts";

/**
 * What a guard reserves from a limit for one act: released if the act is denied or cancelled, settled when it ends.
 */
export interface Taking {
  /** Judge, but reserve nothing: `check`, `explain` and the second look after a transform. */
  readonly dry: boolean;
  /**
   * Registers a reservation: `giveBack` releases it, `settle` replaces an estimate by the real usage; one of them runs,
   * once.
   */
  take(giveBack: () => void, settle?: (usage: TokenUsage | undefined) => void): void;
}

/** What a guard says about itself. */
export interface GuardMeta {
  /** Stands in decisions, events and explanations. */
  readonly guardName?: string;
  /** The gates it judges; absent: every one. */
  readonly stages?: readonly Stage[];
}

/**
 * Looks at a request and answers a decision, at once or later. A guard that throws, rejects or answers nonsense denies.
 */
export type Guard =
  & ((request: GovernedRequest, context: ExecutionContext, taking: Taking) => Decision | Promise<Decision>)
  & GuardMeta;

/** Runs around an act. It cannot change the payload, which is final after the gate. A second `next()` throws. */
export type Interceptor = (
  request: GovernedRequest,
  next: (signal?: AbortSignalLike) => Promise<unknown>,
  context: ExecutionContext,
) => unknown | Promise<unknown>;

/**
 * Makes a guard with a name.
 *
 * The name is stamped on its denials, transforms, escalations and warnings; what is not a decision becomes a
 * `guard_error` denial. Errors thrown by `check` are left to the combinator or kernel around it, which denies too.
 *
 * @throws {TypeError} If the name is empty, a stage is unknown or `check` is no function.
 * @example Usage
 * ```ts
 * import { allow, createKernel, defineGuard, deny } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const noFridays = defineGuard({
 *   name: "noFridays",
 *   stages: ["pre_tool_call"],
 *   check: ({ name }) => name === "deploy" ? deny("action_blocked", "No deploys on Fridays") : allow(),
 * });
 * const session = createKernel({ guards: [noFridays] }).session({ agentId: "ops" });
 * const decision = await session.check({ stage: "pre_tool_call", name: "deploy", payload: {} });
 * assert.equal(decision.allowed, false);
 * ```
 */
export function defineGuard(
  guard: {
    name: string;
    stages?: readonly Stage[];
    check: (request: GovernedRequest, context: ExecutionContext, taking: Taking) => Decision | Promise<Decision>;
  },
): Guard {
  if (typeof guard !== "object" || guard === null) throw wrongType("defineGuard()", "guard", "an object", guard);
  const { name, stages, check } = ownOptions("defineGuard()", guard, ["name", "stages", "check"]);
  if (typeof name !== "string" || name === "") {
    throw wrongType("defineGuard()", "name", "a string that is not empty", name);
  }
  functionOf("defineGuard()", "check", check);
  const stamp = (answer: unknown): Decision => readDecision(answer, name);
  const judge: Guard = (request, context, taking) => {
    const answer = check(request, context, taking);
    if (answer === PLAIN) return answer;
    return isThenable(answer) ? Promise.resolve(answer).then(stamp) : stamp(answer);
  };
  return named(judge, name, stages === undefined ? undefined : checkStages("defineGuard()", stages));
}

const PLAIN = allow();

/** Returns a copy of a list of stages, else throws with the index of the first that is none. */
export function checkStages(where: string, stages: readonly Stage[]): readonly Stage[] {
  if (!Array.isArray(stages) || stages.length === 0) {
    throw wrongType(where, "stages", "an array of at least one stage", stages);
  }
  const copy = Array.from(stages as readonly Stage[]);
  copy.forEach((stage, index) => {
    if (!STAGES.includes(stage)) throw wrongType(where, `stages[${index}]`, `one of ${STAGES.join(", ")}`, stage);
  });
  return Object.freeze(copy);
}

/** Gives a function its guard name and stages, for good. */
export function named<G extends Guard>(guard: G, name: string, stages: readonly Stage[] | undefined): G {
  Object.defineProperty(guard, "name", bare({ value: name }));
  Object.defineProperty(guard, "guardName", bare({ value: name, enumerable: true }));
  Object.defineProperty(guard, MADE_BY, bare({ value: THIS_COPY }));
  if (stages !== undefined) Object.defineProperty(guard, "stages", bare({ value: stages, enumerable: true }));
  shownAs(guard, () => `Guard ${name}`, () => ({ stages: stages ?? "every stage" }));
  return Object.freeze(guard);
}

/** The gates that a guard names itself; `undefined`: every one. */
export function stagesOf(guard: Guard): readonly Stage[] | undefined {
  return ownField(guard, "stages");
}

/** The name to show for a guard: its own, else its function's. */
export function nameOf(guard: Guard): string {
  const name: unknown = ownField(guard, "guardName") ?? ownField(guard as { readonly name?: unknown }, "name");
  return typeof name === "string" && name !== "" ? name : "anonymous";
}
