import { bare, define } from "./own.ts";

/** What a console shows of an object: a few fields that a person wants to know, and none of what is behind it. */
export type Shown = Readonly<Record<string, unknown>>;

type Inspect = (value: unknown, options?: unknown) => string;

const NODE_AND_BUN = Symbol.for("nodejs.util.inspect.custom");
const DENO = Symbol.for("Deno.customInspect");

/**
 * Gives the objects of a class, or one function, their look in the consoles of Node, Deno and Bun, and with `isJson`
 * the same in JSON.
 */
export function shownAs<T extends object>(
  target: T,
  name: (value: T) => string,
  fieldsOf: (value: T) => Shown,
  isJson = false,
): void {
  function inspect(this: T, ...given: unknown[]): string {
    // Node and Bun give depth, options and what prints, Deno what prints and options.
    const print = given.find((one) => typeof one === "function") as Inspect | undefined;
    const options = given.find((one) => typeof one === "object" && one !== null);
    const fields = fieldsOf(this);
    return `${name(this)} ${print === undefined ? JSON.stringify(fields) : print(fields, options)}`;
  }
  for (const symbol of [NODE_AND_BUN, DENO]) {
    Object.defineProperty(target, symbol, bare({ value: inspect, configurable: true }));
  }
  if (!isJson) return;
  Object.defineProperty(
    target,
    "toJSON",
    bare({
      value: function toJSON(this: T): Shown {
        return fieldsOf(this);
      },
      configurable: true,
    }),
  );
}

/** Fields without those that are `undefined`. */
export function shown(fields: Shown): Shown {
  const out: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) if (value !== undefined) define(out, name, value);
  return out;
}
