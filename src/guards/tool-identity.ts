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
  /** What the model is told about the tool: a text, or the function that makes one, which is compared by reference. */
  readonly description?: string | ((...args: never[]) => unknown) | undefined;
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
  /** What it says of itself to hosts, as plain data. */
  readonly metadata?: unknown;
  /** Its kind, as the framework calls it. */
  readonly type?: unknown;
  /** The provider's id of it. */
  readonly id?: unknown;
  /** What a provider is told to configure it with, as plain data. */
  readonly args?: unknown;
  /** Whether a provider holds a model to the schema. */
  readonly strict?: unknown;
  /** Whether the provider runs it. */
  readonly isProviderExecuted?: unknown;
  /** Whether its results may come in a later turn. */
  readonly supportsDeferredResults?: unknown;
  /** Whether a model is told of it only once it was searched for. */
  readonly deferLoading?: unknown;
  /** The JSON Schema of the context that the host gives it, as plain data. */
  readonly contextSchema?: unknown;
  /** Whether a person has to approve; a function is compared by reference. */
  readonly needsApproval?: unknown;
  /** The function that hears of a new input. Compared by reference. */
  readonly onInputStart?: unknown;
  /** The function that hears of an input's pieces. Compared by reference. */
  readonly onInputDelta?: unknown;
  /** The function that is given an input before the tool runs. Compared by reference. */
  readonly onInputAvailable?: unknown;
  /** What lets it call other tools. Compared by reference. */
  readonly experimental_toolCaller?: unknown;
}

/** Fields that are functions, or hold some: compared by reference. */
export const REFERENCES: readonly (keyof ToolIdentity)[] = [
  "fn",
  "toModelOutput",
  "onInputStart",
  "onInputDelta",
  "onInputAvailable",
  "experimental_toolCaller",
];

/** Fields that are compared by what they say; a function among them is compared by reference. */
export const WORDS: readonly (keyof ToolIdentity)[] = [
  "description",
  "inputSchema",
  "title",
  "outputSchema",
  "annotations",
  "icons",
  "execution",
  "_meta",
  "inputExamples",
  "providerOptions",
  "metadata",
  "type",
  "id",
  "args",
  "strict",
  "isProviderExecuted",
  "supportsDeferredResults",
  "deferLoading",
  "contextSchema",
  "needsApproval",
];

/** Fields that may be a text or data, and a function as well. */
export const EITHER: readonly (keyof ToolIdentity)[] = ["description", "needsApproval"];

/** Reads what a plugin says about the tool that it will call; `undefined` where it says nothing. */
export function liveTool(metadata: Readonly<Record<string, unknown>>): ToolIdentity | undefined {
  const tool = ownField(metadata, "tool");
  return typeof tool === "object" && tool !== null ? tool : undefined;
}

/**
 * A tool's name, description and input schema as canonical JSON: equal texts are equal definitions, whatever the order
 * of their keys.
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

/**
 * All that a tool says of itself, as canonical JSON; `undefined` where that is its description and input schema alone.
 * Functions say nothing.
 *
 * @throws {TypeError} If a part is not plain JSON data.
 */
export function wholeText(name: string, tool: ToolIdentity): string | undefined {
  const parts = WORDS.slice(2).flatMap((key): readonly string[] => {
    const part = ownField(tool, key);
    return part === undefined || typeof part === "function" ? [] : [`\n${key}:${partText(part)}`];
  });
  return parts.length === 0 ? undefined : definitionText(name, tool) + parts.join("");
}
