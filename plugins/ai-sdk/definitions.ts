/**
 * What describes tools and answers to a model: written by a developer as a rule, or by the server of a tool.
 *
 * @module
 */
import { graft, shown } from "./plain.ts";
import { broken, type Params, type Part } from "./types.ts";

/** What is judged otherwise, is no data, or holds the developer's keys. */
const OTHERS: ReadonlySet<string> = new Set(["prompt", "abortSignal", "headers"]);

function fieldsOf(params: Params): readonly string[] {
  return Object.keys(params).filter((field) => !OTHERS.has(field));
}

/** What a request says beside its messages, as guards see it. */
export function readDefinitions(params: Params): Part {
  return shown(Object.fromEntries(fieldsOf(params).map((field) => [field, params[field]]))) as Part;
}

/** The request with the definitions that a guard changed. */
export function writeDefinitions(params: Params, before: Part, after: unknown): Params {
  if (typeof after !== "object" || after === null) throw broken("definitions that were taken away");
  const written: Record<string, unknown> = { ...params };
  for (const field of fieldsOf(params)) written[field] = graft(params[field], before[field], (after as Part)[field]);
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
