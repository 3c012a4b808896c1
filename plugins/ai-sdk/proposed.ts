/**
 * Whether a call of a tool is the one that a governed model proposed: other models, which nobody wraps, propose calls
 * as well.
 *
 * @module
 */
import { memberOf, ownOf } from "../shared/own.ts";
import { isSame, shown } from "./plain.ts";
import type { Part } from "./types.ts";

/** Whether the input is what the model proposed, as it is or as the tool's schema reads it. */
export function isAsProposed(
  proposed: Part | undefined,
  name: string,
  input: unknown,
  inputSchema: unknown,
): boolean | Promise<boolean> {
  if (proposed === undefined || proposed["toolName"] !== name) return false;
  let given: unknown;
  try {
    const text = String(proposed["input"]);
    given = text.trim() === "" ? {} : JSON.parse(text);
    if (isSameInput(given, input)) return true;
    const read = readBy(inputSchema, given);
    if (!isPromise(read)) return isSameInput(read, input);
    return Promise.resolve(read).then((late) => isSameInput(late, input), () => false);
  } catch {
    return false;
  }
}

interface Validates {
  readonly validate?: (value: unknown) => unknown;
}

type Schema = Validates & { readonly "~standard"?: Validates };

/** What a schema makes of an input; `undefined`, or a promise of it, where it takes it not. */
function readBy(given: unknown, input: unknown): unknown {
  const schema = (typeof given === "function" && !("~standard" in given) ? given() : given) as Schema | undefined;
  if (typeof schema !== "object" && typeof schema !== "function") return undefined;
  const isOfSdk = Symbol.for("vercel.ai.schema") in schema;
  const owner = isOfSdk ? schema : memberOf(schema, "~standard");
  if (owner === undefined) return undefined;
  const read = memberOf(owner, "validate")?.call(owner, input);
  return isPromise(read) ? Promise.resolve(read).then(valueOf) : valueOf(read);
}

function valueOf(read: unknown): unknown {
  return typeof read === "object" && read !== null ? ownOf(read as { readonly value?: unknown }, "value") : undefined;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | null | undefined)?.then === "function";
}

function isSameInput(a: unknown, b: unknown): boolean {
  return isSame(listed(shown(a)), listed(shown(b)));
}

/** Maps and sets as lists, of which two can be compared; of what else is no plain data no two are the same. */
function listed(value: unknown): unknown {
  if (value instanceof Map || value instanceof Set) return { list: [...value].map((item) => listed(shown(item))) };
  if (typeof value === "function" || typeof value === "symbol") return Symbol("unlike");
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(listed);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return Symbol("unlike");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, listed(item)]));
}
