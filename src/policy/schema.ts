import { MAX_PATTERN } from "../match/program.ts";
import { RULE_DEFINITIONS, RULES_SCHEMA } from "../rules/schema.ts";
import { MAX_ITEMS } from "./fields.ts";

const TOOLS = {
  type: "array",
  maxItems: MAX_ITEMS,
  items: { type: "string", pattern: "^[A-Za-z0-9_.:/*-]{1,128}$" },
} as const;
const LARGEST = Number.MAX_SAFE_INTEGER;

const schema = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "urn:sallyport:policy",
  title: "sallyport policy",
  description: "What an agent may do. Every field is optional; unknown fields are mistakes.",
  type: "object",
  additionalProperties: false,
  properties: {
    $schema: { type: "string", description: "The address of this schema, for editors." },
    name: { type: "string", minLength: 1, default: "default", description: "For people." },
    version: {
      type: "string",
      minLength: 1,
      default: "1.0.0",
      description: "The version of this policy, in any form.",
    },
    maxTokens: {
      type: ["integer", "null"],
      minimum: 1,
      maximum: LARGEST,
      default: 4096,
      description: "Tokens of all model calls of a session. null: no limit.",
    },
    maxToolCalls: {
      type: ["integer", "null"],
      minimum: 0,
      maximum: LARGEST,
      default: 10,
      description: "Tool calls of a session. null: no limit.",
    },
    allowedTools: {
      ...TOOLS,
      description:
        "The only tools that may be called, by their exact names; * stands for any run of characters. Absent: every tool; []: none.",
    },
    deniedTools: {
      ...TOOLS,
      default: [],
      description:
        "Tools that may not be called, whatever the case of their names; * stands for any run of characters.",
    },
    blockedPatterns: {
      type: "array",
      maxItems: MAX_ITEMS,
      default: [],
      description: "Text that may not pass any gate, whatever its case. A string is a substring.",
      items: {
        oneOf: [
          { type: "string", minLength: 1, maxLength: MAX_PATTERN },
          {
            type: "object",
            additionalProperties: false,
            required: ["pattern", "type"],
            properties: {
              pattern: {
                type: "string",
                minLength: 1,
                maxLength: MAX_PATTERN,
                description:
                  "The text; a regex must be of the linear subset, a glob is matched against one whole string.",
              },
              type: { enum: ["substring", "regex", "glob"], description: "How the text is read." },
            },
          },
        ],
      },
    },
    requireHumanApproval: {
      oneOf: [{ type: "boolean" }, TOOLS],
      default: false,
      description: "Whether a person must approve every tool call, or calls of the named tools.",
    },
    rules: RULES_SCHEMA,
    untrustedTools: {
      ...TOOLS,
      default: [],
      description: "Tools whose results taint the session, whatever the case of their names; with *.",
    },
    trustedTools: {
      ...TOOLS,
      default: [],
      description: "Tools whose results are known and taint nothing, by their exact names; with *.",
    },
    timeoutMs: {
      type: ["integer", "null"],
      minimum: 1,
      maximum: LARGEST,
      default: 300_000,
      description: "How long a session may go on acting, in milliseconds. null: no limit.",
    },
    confidenceThreshold: {
      type: "number",
      minimum: 0,
      maximum: 1,
      default: 0.8,
      description: "The least confidence of a model's answer that states one.",
    },
    driftThreshold: {
      type: "number",
      minimum: 0,
      maximum: 1,
      default: 0.15,
      description: "The drift above which drift_detected is emitted.",
    },
    logAllCalls: {
      type: "boolean",
      default: true,
      description: "Whether allowed calls are recorded too, or only the others.",
    },
    checkpointFrequency: {
      type: "integer",
      minimum: 1,
      maximum: LARGEST,
      default: 5,
      description: "Every how many completed calls a checkpoint is made.",
    },
    maxConcurrent: {
      type: ["integer", "null"],
      minimum: 1,
      maximum: LARGEST,
      default: 10,
      description: "Acts of one kind that a session may have open at once. null: no limit.",
    },
    backpressureThreshold: {
      type: ["integer", "null"],
      minimum: 1,
      maximum: LARGEST,
      default: 8,
      description: "Open acts from which a new one waits its turn. null: no limit.",
    },
  },
  $defs: RULE_DEFINITIONS,
} as const;

function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}

/**
 * Describes the file form of a policy, as a JSON Schema (2020-12): every field with its meaning and default.
 *
 * A file that {@linkcode parsePolicy} takes is valid; beyond the schema, parsing asks that regular expressions and
 * globs be of the linear subset, and that a rule's places, operands and stages fit each other. Deeply frozen.
 *
 * @example Usage
 * ```ts
 * import { definePolicy, policySchema } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const { maxTokens } = policySchema["properties"] as Record<string, { default: unknown }>;
 * assert.equal(maxTokens?.default, definePolicy().maxTokens);
 * ```
 */
export const policySchema: Readonly<Record<string, unknown>> = frozen(schema);
