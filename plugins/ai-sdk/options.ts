/**
 * The options of the plugin.
 *
 * @module
 */
import type { AiSdkOptions } from "./types.ts";

const WHERE = "Cannot build aiSdk()";
const KNOWN: readonly string[] = ["definitions", "grantOf", "strict"];

/** What is left to no default. */
export interface ReadOptions {
  readonly grantOf: AiSdkOptions["grantOf"];
  readonly definitions: boolean;
  readonly strict: boolean;
}

/** @throws {TypeError} If an option is unknown or wrong. */
export function readOptions(options: AiSdkOptions): ReadOptions {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${WHERE}: "options" must be an object, and is ${kindOf(options)}`);
  }
  const unknown = Object.keys(options).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`${WHERE}: options must be of ${KNOWN.join(", ")}, and one is "${unknown.slice(0, 64)}"`);
  }
  const grantOf = own(options, "grantOf");
  if (grantOf !== undefined && typeof grantOf !== "function") {
    throw new TypeError(`${WHERE}: "grantOf" must be a function, and is ${kindOf(grantOf)}`);
  }
  return { grantOf, definitions: flag(options, "definitions"), strict: flag(options, "strict") };
}

/** Own options only: a polluted prototype sets none. */
function own<K extends keyof AiSdkOptions>(options: AiSdkOptions, key: K): AiSdkOptions[K] | undefined {
  return Object.hasOwn(options, key) ? options[key] : undefined;
}

function flag(options: AiSdkOptions, key: "definitions" | "strict"): boolean {
  const value: unknown = own(options, key) ?? false;
  if (typeof value !== "boolean") {
    throw new TypeError(`${WHERE}: "${key}" must be true or false, and is ${kindOf(value)}`);
  }
  return value;
}

function kindOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
}
