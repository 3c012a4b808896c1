/**
 * What guards are told of the tool that is about to run.
 *
 * @module
 */
import { memberOf } from "../shared/own.ts";
import { schemaOf } from "./schema.ts";
import type { Tool } from "./types.ts";

/** What else a model, a provider or a host sees of a tool. */
const SEEN = [
  "title",
  "inputExamples",
  "providerOptions",
  "annotations",
  "icons",
  "_meta",
  "metadata",
  "type",
  "id",
  "args",
  "strict",
  "isProviderExecuted",
  "supportsDeferredResults",
  "deferLoading",
  "toModelOutput",
  "needsApproval",
  "onInputStart",
  "onInputDelta",
  "onInputAvailable",
  "experimental_toolCaller",
] as const;
const SCHEMAS = ["inputSchema", "outputSchema", "contextSchema"] as const;

/** What the plugin's own functions stand in place of. */
const originals = new WeakMap<object, unknown>();

/** Notes what a function of the plugin's stands for, so that guards are told the tool's own. */
export function standsFor<T extends object>(own: T, original: unknown): T {
  originals.set(own, original);
  return own;
}

/** A tool as guards compare it, and what to wait for where a schema comes later. */
export function identityOf(
  tool: Tool,
  execute: Tool["execute"],
): { readonly identity: object; readonly late: Promise<unknown> | undefined } {
  const identity: Record<string, unknown> = { fn: execute, description: memberOf(tool, "description") };
  for (const key of SEEN) {
    if (tool[key] === undefined) continue;
    const part = memberOf(tool, key);
    if (part === undefined) continue;
    identity[key] = typeof part === "function" || typeof part === "object" ? original(part) : part;
  }
  const late: Promise<unknown>[] = [];
  for (const key of SCHEMAS) {
    const given = tool[key] === undefined ? undefined : memberOf(tool, key);
    if (given === undefined) continue;
    // The schema itself, where it has no JSON form, equals no pin.
    identity[key] = given;
    try {
      const schema = schemaOf(given);
      const isLater = typeof (schema as Partial<Promise<unknown>> | null | undefined)?.then === "function";
      if (isLater) late.push(Promise.resolve(schema).then((json) => void (identity[key] = json), () => undefined));
      else identity[key] = schema;
    } catch {
      continue;
    }
  }
  return { identity, late: late.length === 0 ? undefined : Promise.all(late) };
}

function original(part: object | null): unknown {
  return part !== null && originals.has(part) ? originals.get(part) : part;
}
