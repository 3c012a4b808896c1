import { show } from "../base/check.ts";
import { ownField, pickOwn } from "../base/own.ts";
import { canonicalJson } from "../crypto/canonical.ts";

/**
 * What a tool is, as whoever calls it is about to use it.
 *
 * Plugins put it on the act, as `metadata.tool`, from the very tool that they will call: nothing in it comes from the
 * model.
 */
export interface ToolIdentity {
  /** The function that runs. Compared by reference: the text of a function says nothing about what it closes over. */
  readonly fn?: unknown;
  /** What the model is told about the tool. */
  readonly description?: string | undefined;
  /** The JSON Schema of its arguments, as plain data. */
  readonly inputSchema?: unknown;
  /** Its name for people. */
  readonly title?: unknown;
  /** The JSON Schema of its result, as plain data. */
  readonly outputSchema?: unknown;
  /** What a server says of its effects, as plain data. */
  readonly annotations?: unknown;
  /** Its pictures, as plain data. */
  readonly icons?: unknown;
  /** How a server runs it, as plain data. */
  readonly execution?: unknown;
  /** What a server adds, as plain data. */
  readonly _meta?: unknown;
  /** Examples of its arguments, which a model is shown, as plain data. */
  readonly inputExamples?: unknown;
  /** What a provider is told of it, as plain data. */
  readonly providerOptions?: unknown;
  /** The function that makes of its result what a model reads. Compared by reference. */
  readonly toModelOutput?: unknown;
}

/** Reads what a plugin says about the tool that it will call; `undefined` where it says nothing. */
export function liveTool(metadata: Readonly<Record<string, unknown>>): ToolIdentity | undefined {
  const tool = ownField(metadata, "tool");
  return typeof tool === "object" && tool !== null ? tool : undefined;
}

/**
 * What a model sees of a tool, as canonical JSON: equal texts are equal definitions, whatever the order of their keys.
 *
 * @throws {TypeError} If the description is no string, or the schema is not plain JSON data.
 */
export function definitionText(name: string, tool: ToolIdentity): string {
  const { description, inputSchema } = pickOwn(tool, ["description", "inputSchema"]);
  if (description !== undefined && typeof description !== "string") {
    throw new TypeError(`A tool's description must be a string, and is ${show(description)}`);
  }
  return `${partText(name)}\n${partText(description)}\n${partText(inputSchema)}`;
}

/** A part of the definition, as canonical JSON; absent is not the same as `null` or empty. */
export function partText(part: unknown): string {
  return part === undefined ? "" : canonicalJson(part);
}
