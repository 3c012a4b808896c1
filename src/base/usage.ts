import { isThenable } from "./decision.ts";
import { ownField, pickOwn } from "./own.ts";
import type { TokenUsage, UsageFigures } from "./request.ts";
import { ignoreFailure } from "./taking.ts";

const FIGURES = [
  "inputTokens",
  "outputTokens",
  "totalTokens",
  "cachedInputTokens",
  "reasoningTokens",
  "costUsd",
] as const;

/** The most dollars that are counted: beyond it millionths are no whole numbers any more. */
export const MOST_USD = 9_000_000_000;

/** A figure that can be true: a finite number that is not negative. */
export function figure(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/**
 * Reads a usage once into a copy of its figures; `undefined` where it says nothing that can be true, or can't be read.
 */
export function readUsage(usage: TokenUsage | undefined): TokenUsage | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  try {
    if (isThenable(usage)) {
      // Too late to settle anything: it says nothing, also where it fails.
      ignoreFailure(usage);
      return undefined;
    }
    const read = pickOwn(usage, FIGURES);
    for (const name of FIGURES) {
      if (figure(read[name]) !== undefined) continue;
      ignoreFailure(read[name]);
      delete read[name];
    }
    return Object.keys(read).length === 0 ? undefined : { ...read };
  } catch {
    return undefined;
  }
}

/** One side of a usage: its tokens, and those that a provider counts in them, or beside them where they are more. */
function side(tokens: unknown, part: unknown): number | undefined {
  const all = figure(tokens), some = figure(part);
  return some === undefined || some <= (all ?? 0) ? all : some + (all ?? 0);
}

/**
 * The tokens a usage stands for: its total, else input plus output; `undefined` where it says nothing that can be true.
 */
export function tokensOf(usage: TokenUsage | undefined): number | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  const { totalTokens, inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = pickOwn(usage, FIGURES);
  const total = figure(totalTokens);
  const input = side(inputTokens, cachedInputTokens);
  const output = side(outputTokens, reasoningTokens);
  const parts = input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0);
  // The larger of two contradicting figures: a total that is below its parts must not make a call cheap.
  const tokens = total === undefined ? parts : Math.max(total, parts ?? 0);
  return tokens === undefined ? undefined : Math.min(Math.ceil(tokens), Number.MAX_SAFE_INTEGER);
}

/**
 * The cost a usage stands for, in whole millionths of a US dollar, rounded up; `undefined` where it says nothing that
 * can be true.
 */
export function microUsdOf(usage: TokenUsage | undefined): number | undefined {
  const cost = typeof usage === "object" && usage !== null ? figure(ownField(usage, "costUsd")) : undefined;
  // Rounded at a thousandth first: 0.1 * 1e6 must not become 100001 by a float's last digit.
  if (cost === undefined) return undefined;
  return Math.min(Math.max(cost > 0 ? 1 : 0, Math.ceil(Math.round(cost * 1e9) / 1e3)), Number.MAX_SAFE_INTEGER);
}

/** A figure that can be summed and multiplied: none is 0, and one beyond all counting is the most. */
function counted(tokens: number | undefined): number {
  return Math.min(tokens ?? 0, Number.MAX_SAFE_INTEGER);
}

/** A usage with every figure that a price may ask for. */
export function figuresOf(usage: TokenUsage): UsageFigures {
  const own = pickOwn(usage, FIGURES);
  const inputTokens = counted(own.inputTokens), outputTokens = counted(own.outputTokens);
  const cachedInputTokens = counted(own.cachedInputTokens), reasoningTokens = counted(own.reasoningTokens);
  const totalTokens = counted(tokensOf(usage));
  const parts = (side(inputTokens, cachedInputTokens) ?? 0) + (side(outputTokens, reasoningTokens) ?? 0);
  const otherTokens = Math.max(0, totalTokens - Math.ceil(parts));
  return Object.freeze({ inputTokens, outputTokens, totalTokens, cachedInputTokens, reasoningTokens, otherTokens });
}

/** Whether a usage says how many tokens a call has used, and not only one side of it. */
export function isComplete(usage: TokenUsage | undefined): boolean {
  if (usage === undefined) return false;
  const { inputTokens = 0, outputTokens = 0, totalTokens = 0 } = pickOwn(usage, FIGURES);
  // A part of a token is no figure that can be true.
  return totalTokens >= 1 || (inputTokens >= 1 && outputTokens >= 1);
}

/**
 * What a call has used, where the provider says nothing, zeros or nonsense: by the length of what went and came, so
 * that budgets still fill. `sent` and `came` answer tokens, and are asked only where their side is missing.
 */
export function completeUsage(
  reported: TokenUsage | undefined,
  sent: () => number,
  came: () => number,
): TokenUsage | undefined {
  if (isComplete(reported)) return reported;
  const own = pickOwn(reported as TokenUsage, FIGURES);
  const { inputTokens = 0, outputTokens = 0 } = own;
  const input = inputTokens >= 1 ? inputTokens : Math.max(1, sent());
  const output = outputTokens >= 1 ? outputTokens : came();
  // An answer without text has no tokens, and then all of this is true.
  if (input === inputTokens && output === outputTokens) return reported;
  const { cachedInputTokens, reasoningTokens, costUsd } = own;
  // A cost of nothing for nothing is no report either.
  const isReport = costUsd !== undefined && (costUsd > 0 || inputTokens > 0 || outputTokens > 0);
  return {
    inputTokens: input,
    outputTokens: output,
    ...(cachedInputTokens === undefined ? {} : { cachedInputTokens }),
    ...(reasoningTokens === undefined ? {} : { reasoningTokens }),
    ...(isReport ? { costUsd } : {}),
    isEstimated: true,
  };
}
