/**
 * The core of sallyport: decisions, guards, sessions, acts and plugins, and nothing that they do not need. Everything
 * else of `sallyport` is a plugin of it, such as `policyRules` or `approvals`.
 *
 * It is the same core, whichever entry points a program imports: a guard, a plugin or a session of one is known to the
 * others.
 *
 * @example Usage
 * ```ts
 * import { allowTools, createKernel } from "@sallyport/sallyport/core";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [allowTools(["search"])] }).session({ agentId: "researcher" });
 * await assert.rejects(session.tool({ name: "shell", arguments: {} }, () => "never"), { code: "tool_not_allowed" });
 * ```
 *
 * @module
 */
export {
  type Allow,
  allow,
  type Decision,
  type DecisionCode,
  type Deny,
  deny,
  type Escalate,
  escalate,
  type Transform,
  transform,
  warn,
  type Warning,
} from "./base/decision.ts";
export { type GovernedRequest, type Stage, type TokenUsage } from "./base/request.ts";
export { defineGuard, type Guard, type GuardMeta, type Interceptor, type Taking } from "./base/guard.ts";
export type { ExecutionContext } from "./base/context.ts";
export type { AbortSignalLike } from "./base/platform.ts";
export { isPolicyViolation, PolicyViolationError } from "./base/errors.ts";
export type { DenialEvent, GateEvent, GovernanceEvents, PolicyCheckEvent, SessionEvent } from "./base/events.ts";
export type { ModelAnswer, ModelMessage, ModelRequest } from "./base/model.ts";

export { type CoreKernel, type CoreKernelOptions, createKernel } from "./kernel/kernel.ts";
export type { Explanation } from "./kernel/explain.ts";
export {
  type AdapterPlugin,
  type ClientPlugin,
  type Coverage,
  definePlugin,
  type Plugin,
  type SessionSource,
} from "./kernel/plugin.ts";
export type {
  ActObserver,
  ActRef,
  Approver,
  DenialListener,
  EndedAct,
  Escalation,
  EventChannel,
  ExtensionEvent,
  GuardPlace,
  InputListener,
  PendingAct,
  PluginHost,
  SessionHandle,
  SessionInput,
  SessionOpener,
  SessionParts,
  StopCheck,
} from "./kernel/seam.ts";
export type { ModelPrice, Prices } from "./kernel/prices.ts";
export type { AuditRecord, AuditSink, DecisionRecord, OutcomeRecord, RecordBase } from "./kernel/records.ts";
export type {
  Act,
  ActInit,
  CheckOptions,
  ReadableParts,
  Session,
  SessionInit,
  StreamOptions,
  View,
  Write,
} from "./kernel/types.ts";
export type { PayloadCaps, PayloadLimits } from "./snapshot/caps.ts";

export { all } from "./combine/all.ts";
export { any } from "./combine/any.ts";
export { compose } from "./combine/compose.ts";
export { failOpen } from "./combine/fail-open.ts";
export { not } from "./combine/not.ts";
export { onStage } from "./combine/on-stage.ts";
export { onTool } from "./combine/on-tool.ts";
export { shadow } from "./combine/shadow.ts";
export { type Predicate, unless, when } from "./combine/when.ts";
export { withTimeout } from "./combine/with-timeout.ts";

export { allowTools } from "./guards/allow-tools.ts";
export { denyTools } from "./guards/deny-tools.ts";
export { maxConcurrent, type MaxConcurrentOptions } from "./guards/max-concurrent.ts";
export { maxPayload } from "./guards/max-payload.ts";
export { minConfidence } from "./guards/min-confidence.ts";
export { noLoops, type NoLoopsOptions } from "./guards/no-loops.ts";
export { requireApproval } from "./guards/require-approval.ts";
export { timeLimit } from "./guards/time-limit.ts";
export {
  type StandardIssue,
  type StandardResult,
  type StandardSchemaV1,
  validateArguments,
  type ValidateArgumentsOptions,
} from "./guards/validate-arguments.ts";
export { deadline } from "./intercept/deadline.ts";
