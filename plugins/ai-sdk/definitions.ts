/**
 * What describes tools and answers to a model: written by a developer as a rule, or by the server of a tool.
 *
 * @module
 */
import { graft, shown } from "./plain.ts";
import { broken, type Params, type Part } from "./types.ts";

const FIELDS = ["tools", "stopSequences", "responseFormat", "providerOptions"] as const;

/** What a request says beside its messages, as guards see it. */
export function readDefinitions(params: Params): Part {
  return shown(Object.fromEntries(FIELDS.map((field) => [field, params[field]]))) as Part;
}

/** The request with the definitions that a guard changed. */
export function writeDefinitions(params: Params, before: Part, after: unknown): Params {
  if (typeof after !== "object" || after === null) throw broken("definitions that were taken away");
  const written: Record<string, unknown> = { ...params };
  for (const field of FIELDS) written[field] = graft(params[field], before[field], (after as Part)[field]);
  return written as Params;
}

/** The sets of definitions that a session has let through, so that each is judged once. */
export class JudgedDefinitions {
  static readonly #most = 64;
  readonly #texts = new Set<string>();

  /** Names a set of definitions by all that it says. */
  static textOf(definitions: Part): string {
    return JSON.stringify(definitions);
  }

  has(text: string): boolean {
    return this.#texts.has(text);
  }

  add(text: string): void {
    if (this.#texts.size >= JudgedDefinitions.#most) this.#texts.clear();
    this.#texts.add(text);
  }
}
