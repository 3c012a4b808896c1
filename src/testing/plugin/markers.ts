import type { Stage } from "../../../mod.ts";
import type { PluginGate, Turn } from "../plugin-fixture.ts";

/** Texts that the kit plants, and then looks for in what models and callers read. */
export const PROMPT = "kit-prompt-4711";
/** What the model answers in the end; two words, so that a stream can be cut between them. */
export const ANSWER = "kit-answer-4711 kit-ending-4711";
/** What the tool answers. */
export const RESULT = "kit-result-4711";
/** What another tool answers. */
export const OTHER_RESULT = "kit-other-4711";
/** What the tool is asked. */
export const QUERY = "kit-query-4711";
/** What a guard puts in place of another text. */
export const MASK = "kit-mask-4711";
/** Why something is denied: may be told, and must be. */
export const REASON = "kit-reason-4711";
/** What only the host may know. */
export const INTERNAL = "kit-internal-4711";
/** What a tool and a provider fail with. */
export const FAILURE = "kit-failure-4711";

/** The tool, and another one beside it. */
export const TOOL = "lookup";
/** The other one. */
export const OTHER_TOOL = "note";
/** The agent that the first one calls. */
export const INNER_AGENT = "assistant";
/** The tool of that agent. */
export const INNER_TOOL = "inspect";
/** Who acts. */
export const AGENT = "kit";

/** The stages before and after the acts of a gate. */
export const STAGES: Readonly<Record<PluginGate, readonly [before: Stage, after: Stage]>> = {
  run: ["input", "output"],
  model: ["pre_model_call", "post_model_call"],
  tool: ["pre_tool_call", "post_tool_call"],
};

const USAGE = { inputTokens: 10, outputTokens: 5 };

/** A turn in which the model calls tools. */
export function calling(...calls: readonly (readonly [name: string, args: unknown])[]): Turn {
  return {
    calls: calls.map(([name, args], index) => ({ id: `kit-call-${index + 1}`, name, arguments: args })),
    usage: USAGE,
  };
}

/** A turn in which the model answers. */
export function saying(text: string = ANSWER): Turn {
  return { text, usage: USAGE };
}

/** A turn in which the provider fails. */
export const FAILING: Turn = { usage: USAGE, fails: true };

/** What the model does where nothing else is said: it calls the tool, and then it answers. */
export function usualTurns(gates: readonly PluginGate[]): readonly Turn[] {
  return gates.includes("tool") ? [calling([TOOL, { q: QUERY }]), saying()] : [saying()];
}
