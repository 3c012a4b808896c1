/**
 * What is governed, and what is not.
 *
 * @module
 */
import type { Coverage } from "../../mod.ts";
import { isTool } from "./tools.ts";
import type { Part } from "./types.ts";

/** Functions of a tool that the SDK calls with its arguments, or with what becomes of them, beside `execute`. */
const HOOKS = ["needsApproval", "onInputStart", "onInputDelta", "onInputAvailable", "toModelOutput"];

/** What a plugin with these options governs of these tools. */
export function coverageOf(
  tools: object,
  { definitions, strict }: { readonly definitions: boolean; readonly strict: boolean },
): Coverage {
  const all = Object.entries(tools);
  const [here, elsewhere] = [all.filter(([, tool]) => isTool(tool)), all.filter(([, tool]) => !isTool(tool))];
  const hooks = here.flatMap(([name, tool]) =>
    HOOKS.filter((hook) => typeof (tool as Part)[hook] === "function").map((hook) => `tools.${name}.${hook}`)
  );
  return {
    governed: [
      "doGenerate",
      "doStream",
      ...(definitions ? ["definitions"] : []),
      ...here.map(([name]) => `tools.${name}`),
    ],
    passedThrough: [
      "headers",
      ...(definitions ? [] : DEFINITIONS),
      ...(strict ? [] : UNJUDGED),
      ...hooks,
    ],
    ungoverned: [
      ...elsewhere.map(([name]) => `tools.${name}`),
      ...OTHER_WAYS,
    ],
  };
}

/** What the developer or the server of a tool wrote. */
const DEFINITIONS = [
  "tools' descriptions, schemas, examples and arguments",
  "stopSequences",
  "responseFormat",
  "providerOptions of a call",
];

/** What a strict plugin refuses or leaves out. */
const UNJUDGED = [
  "request.body",
  "response.body",
  "response.headers of a stream",
  "raw",
  "files by URL or reference",
];

/** What else of the SDK calls models: other kinds, and models that are not wrapped. */
const OTHER_WAYS: readonly string[] = [];
