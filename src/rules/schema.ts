import { STAGES } from "../base/request.ts";

const GLOB = { type: "string", pattern: "^[A-Za-z0-9_.:/*-]{1,128}$" } as const;
const GLOBS = { oneOf: [GLOB, { type: "array", minItems: 1, items: GLOB }] } as const;
const TEXT = { type: "string", minLength: 1 } as const;
const TEXTS = { oneOf: [TEXT, { type: "array", minItems: 1, items: TEXT }] } as const;
const SCALAR = { oneOf: [{ type: "string" }, { type: "number" }, { type: "boolean" }] } as const;
const NUMBER = { type: "number" } as const;
const CONDITION = { $ref: "#/$defs/condition" } as const;
const TEST = { $ref: "#/$defs/test" } as const;

/** The definitions that a rule refers to. */
export const RULE_DEFINITIONS: Readonly<Record<string, unknown>> = {
  condition: {
    type: "object",
    description:
      "What must hold at places, all together. A place is keys joined by dots: a number picks from a list, * is every " +
      "element, ** any depth, $ begins a fact.",
    minProperties: 1,
    properties: {
      allOf: { type: "array", minItems: 1, items: CONDITION, description: "All of these hold." },
      anyOf: { type: "array", minItems: 1, items: CONDITION, description: "One of these holds." },
      not: { ...CONDITION, description: "This does not hold." },
    },
    additionalProperties: TEST,
  },
  test: {
    type: "object",
    description: "What must hold for a value: all operators, of the same value.",
    minProperties: 1,
    additionalProperties: false,
    properties: {
      exists: { type: "boolean", description: "Something, or nothing, is there." },
      eq: { ...SCALAR, description: "The same type and value." },
      in: { type: "array", minItems: 1, items: SCALAR, description: "One of these." },
      same: { type: "string", pattern: "^\\$", description: "What a fact is, such as $metadata.user." },
      lt: { ...NUMBER, description: "Below." },
      lte: { ...NUMBER, description: "At most." },
      gt: { ...NUMBER, description: "Above." },
      gte: { ...NUMBER, description: "At least." },
      contains: { ...SCALAR, description: "The list has it." },
      glob: { ...TEXTS, description: "The whole text is as one of these; * is any run of characters." },
      matches: { ...TEXT, description: "The whole text is as this regular expression of the linear subset." },
      known: { const: true, description: "It stands in what the user, or a trusted tool, said." },
      within: { ...TEXTS, description: "The path is in one of these folders." },
      host: { ...TEXTS, description: "The URL's host is one of these: [scheme://]host[:port], with *." },
      email: { ...TEXTS, description: "The address's domain is one of these." },
      command: { ...TEXTS, description: "Each command of the shell line is as one of these; a last * is any more." },
      links: {
        oneOf: [TEXT, { type: "array", items: TEXT }],
        description: "Every link in the text has one of these hosts; []: there is none.",
      },
      anyOf: { type: "array", minItems: 1, items: TEST, description: "One of these tests holds for the value." },
    },
  },
};

/** A list of rules, as a JSON Schema. */
export const RULES_SCHEMA: Readonly<Record<string, unknown>> = {
  type: "array",
  default: [],
  description: "Which tools may be called with which arguments, and more: a set that can only take away.",
  items: {
    type: "object",
    additionalProperties: false,
    anyOf: ["require", "limit", "effect"].map((field) => ({ properties: { [field]: {} }, required: [field] })),
    properties: {
      id: { type: "string", minLength: 1, maxLength: 1000, description: "Stands in decisions and events." },
      tools: { ...GLOBS, description: "The tools that it is about, whatever their case. Absent: all." },
      agents: { ...GLOBS, description: "The agents that it is about, by agentId, whatever their case. Absent: all." },
      stages: {
        type: "array",
        minItems: 1,
        items: { enum: STAGES.filter((stage) => stage !== "agent_startup" && stage !== "agent_shutdown") },
        description: "The gates. Absent: pre_tool_call.",
      },
      when: { ...CONDITION, description: "Where it holds, or cannot be told, the rule speaks." },
      require: { ...CONDITION, description: "What must hold." },
      limit: {
        type: "object",
        additionalProperties: false,
        required: ["max"],
        properties: {
          max: { type: "number", minimum: 0, description: "The most." },
          of: { enum: ["calls", "tokens", "costUsd"], description: "What is counted. Absent: calls." },
          windowMs: { type: "integer", minimum: 1, description: "How far back, in milliseconds. Absent: for ever." },
          by: { type: "string", minLength: 1, description: "session, agent, or a fact such as $metadata.user." },
        },
        description: "How much the acts that it is about may use together.",
      },
      effect: { enum: ["deny", "escalate"], description: "What a broken rule does. Absent: deny." },
      reason: { type: "string", minLength: 1, maxLength: 1000, description: "For people." },
    },
  },
};
