/** A message of a {@linkcode ModelRequest}. */
export interface ModelMessage {
  /** Who speaks: `system`, `user`, `assistant`, `tool`. */
  readonly role: string;
  /** Its text: all its text parts, joined. */
  readonly content: string;
  /**
   * What it consists of, where that is more than one text: texts, files, reasoning, calls and their results. A guard
   * that changes a text changes it in both.
   */
  readonly parts?: readonly unknown[];
}

/**
 * What is shown at `pre_model_call`: by plugins, and by those who govern a model by hand.
 *
 * The call that an assistant's message repeats stands in its `parts`. A call that was refused must not go to the model
 * again with the arguments that were refused, since the gate would stop the whole request for them: send it with
 * arguments `{}`, and the refusal as its result.
 *
 * @example Usage
 * ```ts
 * import { createKernel, isPolicyViolation, type ModelAnswer, type ModelMessage, type ModelRequest } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ policy: { blockedPatterns: ["drop table"] } }).session({ agentId: "helper" });
 * const model = (request: ModelRequest): ModelAnswer =>
 *   request.messages.length === 1
 *     ? { content: "", toolCalls: [{ id: "1", name: "sql", arguments: { text: "DROP TABLE users" } }] }
 *     : { content: "I may not do that", toolCalls: [] };
 *
 * const messages: ModelMessage[] = [{ role: "user", content: "Tidy up" }];
 * let answer: ModelAnswer;
 * do {
 *   answer = await session.model({ model: "m", request: { messages } satisfies ModelRequest }, model);
 *   for (const { id, ...call } of answer.toolCalls) {
 *     const refusal = await session.tool({ ...call, callId: id }, () => "done").then(() => undefined, (error) => error);
 *     const result = isPolicyViolation(refusal) ? { denied: true, code: refusal.code, reason: refusal.reason } : "done";
 *     const asked = { type: "tool-call", id, ...call, arguments: isPolicyViolation(refusal) ? {} : call.arguments };
 *     messages.push({ role: "assistant", content: answer.content, parts: [asked] });
 *     messages.push({ role: "tool", content: "", parts: [{ type: "tool-result", id, result }] });
 *   }
 * } while (answer.toolCalls.length > 0);
 * assert.equal(answer.content, "I may not do that");
 * ```
 */
export interface ModelRequest {
  /** The conversation, oldest first. */
  readonly messages: readonly ModelMessage[];
  /** The tools that the model is offered. */
  readonly tools?: readonly { readonly name: string }[];
}

/**
 * What is shown at `post_model_call`: by plugins, and by those who govern a model by hand.
 *
 * The calls that the model proposes are not searched for blocked text here: each passes a gate of its own, whose
 * refusal the model can read. See {@linkcode ModelRequest} for a whole conversation.
 */
export interface ModelAnswer {
  /** Its text: all its text parts, joined. */
  readonly content: string;
  /** What it consists of, where that is more than one text. */
  readonly parts?: readonly unknown[];
  /** The tool calls that it proposes. */
  readonly toolCalls: readonly { readonly id: string; readonly name: string; readonly arguments: unknown }[];
  /** Why the model ended. */
  readonly finishReason?: string;
  /** How sure the model is, from 0 to 1, where it says so: see `minConfidence`. */
  readonly confidence?: number;
}
