import { fieldOf, ownOf } from "../shared/own.ts";
import { LIST } from "./methods.ts";
import type { Fields } from "./types.ts";
import { fieldsCopy, isFields, jsonCopy } from "./values.ts";

/** Makes a function that tells whether a value fits a JSON Schema, where the SDK's object has a validator. */
export type SchemaCheck = (schema: Fields, value: unknown) => boolean;

/** What a session was told of tools: by the latest list that it got. */
export class KnownTools {
  readonly #tools: Map<string, Fields> = new Map();
  readonly #max: number;
  readonly #fnOf: ((name: string) => unknown) | undefined;
  readonly #fits: SchemaCheck;

  constructor(max: number, fits: SchemaCheck, fnOf?: (name: string) => unknown) {
    this.#max = max;
    this.#fits = fits;
    this.#fnOf = fnOf;
  }

  has(name: string): boolean {
    return this.#tools.has(name);
  }

  forget(): void {
    this.#tools.clear();
  }

  /** Remembers a list of tools, in place of the one before, unless it continues that. */
  learn(cursor: unknown, tools: readonly unknown[]): void {
    if (cursor === undefined) this.#tools.clear();
    for (const tool of tools) {
      const name = fieldOf(tool, "name");
      if (!isFields(tool) || typeof name !== "string") continue;
      // What is not remembered is refused by those who ask for it.
      if (this.#tools.size >= this.#max && !this.#tools.has(name)) continue;
      this.#tools.set(name, fieldsCopy(tool) ?? {});
    }
  }

  /** What `metadata.tool` says of a tool: the latest list's words, or those of `definition`, and the server's handler. */
  identityOf(name: string, definition: Fields | undefined = this.#tools.get(name)): Fields | undefined {
    // A list of thousands is not copied for a function that is not there.
    return this.#fnOf === undefined ? definition : definition && { ...definition, fn: this.#fnOf(name) };
  }

  /** Whether a result is still one that the tool's output schema describes. */
  fits(name: string, result: Fields): boolean {
    const schema = fieldOf(this.#tools.get(name), "outputSchema");
    if (!isFields(schema) || ownOf(result, "isError") === true) return true;
    const structured = ownOf(result, "structuredContent");
    if (structured === undefined) return false;
    // Before 2026 a schema of another root is wrapped on the way out.
    return this.#isGood(schema, structured) ||
      (ownOf(schema, "type") !== "object" && isFields(structured) && this.#isGood(schema, ownOf(structured, "result")));
  }

  #isGood(schema: Fields, value: unknown): boolean {
    try {
      return this.#fits(schema, value);
    } catch {
      return false;
    }
  }
}

/** A check by the validator of an SDK's client or server. */
export function schemaCheckOf(target: object): SchemaCheck {
  return (schema, value) => {
    const validator = ownOf(
      target as { _jsonSchemaValidator?: { getValidator(schema: unknown): (value: unknown) => { valid: boolean } } },
      "_jsonSchemaValidator",
    );
    return validator !== undefined && validator.getValidator(jsonCopy(schema))(value).valid;
  };
}

/** Asks a handler for all pages of its list of tools. */
export async function pagesOf(ask: (request: Fields) => unknown): Promise<unknown[]> {
  const tools: unknown[] = [];
  let cursor: unknown;
  for (let page = 0; page < 100; page++) {
    const list = await ask({ method: LIST, params: cursor === undefined ? {} : { cursor } });
    const some = fieldOf(list, "tools");
    if (!Array.isArray(some)) return tools;
    for (const tool of some) tools.push(tool);
    cursor = fieldOf(list, "nextCursor");
    if (typeof cursor !== "string") return tools;
  }
  return tools;
}
