import type { TokenUsage } from "./request.ts";

function figure(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;
}

/**
 * Reads a usage once into a copy of its figures; `undefined` where it says nothing that can be true, or can't be read.
 */
export function readUsage(usage: TokenUsage | undefined): TokenUsage | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  try {
    const { inputTokens, outputTokens, totalTokens, costUsd } = usage;
    const read: Record<string, unknown> = {};
    for (const [name, value] of Object.entries({ inputTokens, outputTokens, totalTokens, costUsd })) {
      if (figure(value) !== undefined) read[name] = value;
    }
    return Object.keys(read).length === 0 ? undefined : read;
  } catch {
    return undefined;
  }
}

/**
 * The tokens a usage stands for: its total, else input plus output; `undefined` where it says nothing that can be true.
 */
export function tokensOf(usage: TokenUsage | undefined): number | undefined {
  if (typeof usage !== "object" || usage === null) return undefined;
  const total = figure(usage.totalTokens);
  const input = figure(usage.inputTokens);
  const output = figure(usage.outputTokens);
  const parts = input === undefined && output === undefined ? undefined : (input ?? 0) + (output ?? 0);
  // The larger of two contradicting figures: a total that is below its parts must not make a call cheap.
  const tokens = total === undefined ? parts : Math.max(total, parts ?? 0);
  return tokens === undefined ? undefined : Math.ceil(tokens);
}

/**
 * The cost a usage stands for, in whole millionths of a US dollar, rounded up; `undefined` where it says nothing that
 * can be true.
 */
export function microUsdOf(usage: TokenUsage | undefined): number | undefined {
  const cost = typeof usage === "object" && usage !== null ? figure(usage.costUsd) : undefined;
  // Rounded at a thousandth first: 0.1 * 1e6 must not become 100001 by a float's last digit.
  if (cost === undefined) return undefined;
  return Math.max(cost > 0 ? 1 : 0, Math.ceil(Math.round(cost * 1e9) / 1e3));
}
