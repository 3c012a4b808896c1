import { ownOptions, show, wrong, wrongType } from "../base/check.ts";
import type { PriceOf, TokenUsage, UsageFigures } from "../base/request.ts";
import { ignoreFailure } from "../base/taking.ts";
import { figure, MOST_USD } from "../base/usage.ts";

/** What a model's tokens cost, in US dollars per million. */
export interface ModelPrice {
  /** Of the request. */
  readonly input: number;
  /** Of the answer. */
  readonly output: number;
  /** Of those of the request that came from a cache. Default: `input`. */
  readonly cachedInput?: number;
  /** Of those of the answer that were spent on reasoning. Default: `output`. */
  readonly reasoning?: number;
}

/**
 * What models cost: by their ids, of which `*` stands for any run of characters, or a function that answers US dollars,
 * and `undefined` for a model that has no price.
 */
export type Prices =
  | Readonly<Record<string, ModelPrice>>
  | ((model: string, usage: TokenUsage) => number | undefined);

const FIELDS = ["input", "output", "cachedInput", "reasoning"] as const;
const MOST_REMEMBERED = 256;

/**
 * Checks prices and compiles them into one function, which throws where a price function of the user's fails.
 *
 * Of several entries that fit a model its own id counts, else the glob with the most characters that are no star.
 */
export function compilePrices(where: string, prices: Prices): PriceOf {
  if (typeof prices === "function") {
    return (model, usage) => {
      const { otherTokens, ...figures } = usage;
      // Whoever multiplies sides must not miss what only the total says: it may all be of the dearer one.
      const usd: unknown = prices(model, { ...figures, outputTokens: usage.outputTokens + otherTokens });
      if (usd === undefined) return undefined;
      const checked = figure(usd);
      if (checked !== undefined && checked <= MOST_USD) return checked;
      ignoreFailure(usd);
      throw new TypeError(`The function of prices must answer US dollars or undefined, and answered ${show(usd)}`);
    };
  }
  const priceOf = tableOf(where, prices);
  return (model, usage) => {
    const price = priceOf(model);
    return price === undefined ? undefined : costOf(price, usage);
  };
}

function tableOf(where: string, prices: unknown): (model: string) => ModelPrice | undefined {
  const isPlain = typeof prices === "object" && prices !== null &&
    Object.prototype.toString.call(prices) === "[object Object]";
  // A Map would look empty, and leave every model without a price.
  if (!isPlain) throw wrongType(where, "prices", "a plain object of prices by model id, or a function", prices);
  const exact = new Map<string, ModelPrice>();
  const globs: { readonly glob: string; readonly price: ModelPrice; readonly weight: number }[] = [];
  for (const [model, value] of Object.entries(prices)) {
    const price = priceIn(where, `prices.${model}`, value);
    if (model.includes("*")) globs.push({ glob: model, price, weight: model.replaceAll("*", "").length });
    else exact.set(model, price);
  }
  globs.sort((one, other) => other.weight - one.weight);
  const remembered = new Map<string, ModelPrice | undefined>();
  return (model) => {
    if (remembered.has(model)) return remembered.get(model);
    const price = exact.get(model) ?? globs.find(({ glob }) => fits(glob, model))?.price;
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    remembered.set(model, price);
    return price;
  };
}

function priceIn(where: string, field: string, value: unknown): ModelPrice {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType(where, field, "{ input, output, cachedInput?, reasoning? }", value);
  }
  const own = ownOptions(`${where} ${field}`, value as Partial<ModelPrice>, FIELDS);
  const read = (name: keyof ModelPrice, fallback?: number): number => {
    // Left out, and not `null`: that is a figure that failed to load.
    const usd = own[name] === undefined ? fallback : own[name];
    const checked = figure(usd);
    if (checked !== undefined && checked <= MOST_USD) return checked;
    throw wrong(where, `${field}.${name}`, "US dollars for a million tokens, a number >= 0", usd);
  };
  const input = read("input");
  const output = read("output");
  return { input, output, cachedInput: read("cachedInput", input), reasoning: read("reasoning", output) };
}

function costOf(price: ModelPrice, usage: UsageFigures): number {
  const { input, output, cachedInput = input, reasoning = output } = price;
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens, otherTokens } = usage;
  // Providers count them in the others; where there are more of them than of the others, they come on top.
  const fresh = cachedInputTokens > inputTokens ? inputTokens : inputTokens - cachedInputTokens;
  const said = reasoningTokens > outputTokens ? outputTokens : outputTokens - reasoningTokens;
  const dollars = fresh * input + cachedInputTokens * cachedInput + said * output + reasoningTokens * reasoning +
    otherTokens * Math.max(input, output);
  return Math.min(dollars / 1e6, MOST_USD);
}

/** Whether a name fits a glob whose `*` stands for any run of characters. */
function fits(glob: string, name: string): boolean {
  const [head = "", ...rest] = glob.split("*");
  const tail = rest.pop() ?? "";
  if (!name.startsWith(head)) return false;
  let at = head.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.length - tail.length >= at && name.endsWith(tail);
}
