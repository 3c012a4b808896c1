/**
 * What is governed, and what is not.
 *
 * @module
 */
import type { Coverage } from "../../mod.ts";
import { HOOKS } from "./hooks.ts";
import { isTool } from "./tools.ts";
import type { Part } from "./types.ts";

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
      ...hooks,
    ],
    passedThrough: [
      "headers",
      ...(definitions ? [] : DEFINITIONS),
      ...(strict ? [] : UNJUDGED),
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
  "toolChoice",
  "stopSequences",
  "responseFormat",
  "providerOptions of a call",
];

/** What a strict plugin refuses or leaves out. */
const UNJUDGED = [
  "request",
  "response.body",
  "response of a stream",
  "raw",
  "files by URL or reference",
];

/** What else of the SDK reaches models and providers; of a governed provider a strict plugin refuses it. */
const OTHER_WAYS = [
  "models that are not wrapped: of prepareStep, prepareCall, repair functions, fallbacks; named by a string",
  "embedding, image, speech, streaming speech, speech translation, transcription, reranking, video, " +
  "realtime, decision, evaluation and extraction models",
  "batches, uploads of files and skills",
];
