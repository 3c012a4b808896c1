/** The gates an act can pass, in the words of the open Agent Hooks 0.1 contract. */
export type Stage =
  | "agent_startup"
  | "input"
  | "pre_model_call"
  | "post_model_call"
  | "pre_tool_call"
  | "post_tool_call"
  | "output"
  | "agent_shutdown";

/** Every stage, in the order a run passes them. */
export const STAGES: readonly Stage[] = Object.freeze(
  [
    "agent_startup",
    "input",
    "pre_model_call",
    "post_model_call",
    "pre_tool_call",
    "post_tool_call",
    "output",
    "agent_shutdown",
  ] as const,
);

/** What a model call used, as the provider reported it. Missing figures are unknown, not zero. */
export interface TokenUsage {
  /** Tokens of the request. */
  readonly inputTokens?: number | undefined;
  /** Tokens of the answer. */
  readonly outputTokens?: number | undefined;
  /** Their sum, where the provider gives it; else input plus output is used. */
  readonly totalTokens?: number | undefined;
  /** Of the request's tokens those that came from a cache. */
  readonly cachedInputTokens?: number | undefined;
  /** Of the answer's tokens those that were spent on reasoning. */
  readonly reasoningTokens?: number | undefined;
  /** Cost in US dollars. Absent: what the kernel's `prices` make of the tokens. */
  readonly costUsd?: number | undefined;
  /**
   * Set by the kernel: the provider reported no tokens, so they were estimated by the length of what went and came, a
   * token for every four characters.
   */
  readonly isEstimated?: boolean | undefined;
}

/** What a gate shows to its guards. */
export interface GovernedRequest<P = unknown> {
  /** The gate. */
  readonly stage: Stage;
  /** The run's action, the model's id or the tool's name. */
  readonly name: string;
  /**
   * Prompt, model request or response, tool arguments or result, or output: a copy. A result that cannot be copied is
   * shown in its JSON form.
   */
  readonly payload: P;
  /** At response gates and `output`: what the act was given. */
  readonly before?: unknown;
  /**
   * At response gates: the act threw, and the payload is `{ name, message }` and what else the error carries, with
   * causes and nested errors, in their JSON form.
   */
  readonly isError?: boolean;
  /** The framework's id of the call, or one made by the session; never empty, the same before and after. */
  readonly callId: string;
  /** What the caller attached to the act. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** What the model call used, where known. */
  readonly usage?: TokenUsage;
}

/** Names of tools: 1 to 128 letters, digits and `_ . : / -`. */
export const TOOL_NAME: RegExp = /^[A-Za-z0-9_.:/-]{1,128}$/;

/** Names of tools in which `*` stands for any run of characters. */
export const TOOL_GLOB: RegExp = /^[A-Za-z0-9_.:/*-]{1,128}$/;

/** What a price is asked for: every figure is there, so that a sum of products is a number. */
export interface UsageFigures extends TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly totalTokens: number;
  readonly cachedInputTokens: number;
  readonly reasoningTokens: number;
  /** Of the total, those of which nobody says whether they were sent or came. */
  readonly otherTokens: number;
}

/** What a call costs, in US dollars; `undefined`: the model has no price. Throws where that cannot be told. */
export type PriceOf = (model: string, usage: UsageFigures) => number | undefined;
