import { show } from "../base/check.ts";
import { ownField } from "../base/own.ts";

const BRAND = "sallyport.PolicyError";
const MAX_LINES = 20;

/** One thing that is wrong with a policy. */
export interface PolicyMistake {
  /** Where: `maxTokens`, `allowedTools[2]`; empty for the policy as a whole. */
  readonly path: string;
  /** What was wanted there, in words. */
  readonly wanted: string;
  /** What came. */
  readonly got: unknown;
}

/** Adds a mistake to those found so far. */
export type Report = (mistake: PolicyMistake) => void;

/**
 * Everything that is wrong with a policy, as one error: what {@linkcode definePolicy} and {@linkcode parsePolicy}
 * throw.
 *
 * The message holds the first 20 mistakes, a line each where there are several; `mistakes` has all of them.
 *
 * @example Usage
 * ```ts
 * import { definePolicy, isPolicyError } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * assert.throws(
 *   () => definePolicy({ maxTokens: 0, timeoutMs: -1 }),
 *   (error) => isPolicyError(error) && error.mistakes.map(({ path }) => path).join() === "maxTokens,timeoutMs",
 * );
 * ```
 */
export class PolicyError extends TypeError {
  /** Always `PolicyError`. */
  override readonly name = "PolicyError";
  /** Tells the error across copies of the package; see {@linkcode isPolicyError}. */
  readonly "~brand": string = BRAND;
  /** Machine-readable. */
  readonly code = "invalid_policy";
  /** All that is wrong: unknown keys first, then fields in the order in which they were given. */
  readonly mistakes: readonly PolicyMistake[];

  /** Makes the error of what `where` builds. */
  constructor(where: string, mistakes: readonly PolicyMistake[]) {
    super(`Cannot build ${where}: ${told(mistakes)}`);
    this.mistakes = Object.freeze(mistakes.map(({ path, wanted, got }) => Object.freeze({ path, wanted, got })));
  }

  /** What may leave the process: what was wanted where, and not what came. */
  toJSON(): object {
    const { name, code, mistakes } = this;
    return { name, code, mistakes: mistakes.map(({ path, wanted }) => ({ path, wanted })) };
  }
}

function told(mistakes: readonly PolicyMistake[]): string {
  const lines = mistakes.slice(0, MAX_LINES).map(({ path, wanted, got }) =>
    `"${path === "" ? "policy" : shortened(path)}" must be ${wanted}, and is ${show(got)}`
  );
  if (mistakes.length > MAX_LINES) lines.push(`and ${mistakes.length - MAX_LINES} more`);
  return lines.length === 1 ? lines[0]! : `${mistakes.length} mistakes\n  ${lines.join("\n  ")}`;
}

/** A key that came with a policy may be of any length. */
function shortened(path: string): string {
  return path.length > 80 ? `${path.slice(0, 80)}…` : path;
}

/** Tells a {@linkcode PolicyError}, also one of another copy of the package. */
export function isPolicyError(error: unknown): error is PolicyError {
  return typeof error === "object" && error !== null && ownField(error as { "~brand"?: unknown }, "~brand") === BRAND;
}
