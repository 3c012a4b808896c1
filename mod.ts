/**
 * Governance for AI agents: every prompt, model call and tool call is allowed, denied, transformed or escalated to a
 * person before anything happens.
 *
 * @example Usage
 * ```ts
 * import { createKernel } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const kernel = createKernel({ policy: { allowedTools: ["search"], maxToolCalls: 2 } });
 * const session = kernel.session({ agentId: "researcher" });
 * assert.equal(await session.tool({ name: "search", arguments: { q: "tides" } }, () => "high at noon"), "high at noon");
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
} from "./src/base/decision.ts";
export { type GovernedRequest, type Stage, type TokenUsage } from "./src/base/request.ts";
export { defineGuard, type Guard, type GuardMeta, type Interceptor, type Taking } from "./src/base/guard.ts";
export type { ExecutionContext } from "./src/base/context.ts";
export type { AbortSignalLike, Bytes, CryptoKeyLike } from "./src/base/platform.ts";
export { isPolicyViolation, PolicyViolationError } from "./src/base/errors.ts";
export type { DenialEvent, GateEvent, GovernanceEvents, PolicyCheckEvent, SessionEvent } from "./src/base/events.ts";
export {
  type AdapterPlugin,
  type ClientPlugin,
  type Coverage,
  definePlugin,
  type Plugin,
  type SessionSource,
} from "./src/kernel/plugin.ts";

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
} from "./src/kernel/seam.ts";
export type { Explanation } from "./src/kernel/explain.ts";
export type { CoreKernel, CoreKernelOptions } from "./src/kernel/kernel.ts";
export { createKernel, type Kernel, type KernelOptions } from "./src/preset/create-kernel.ts";
export { type ModelPrice, type Prices } from "./src/kernel/prices.ts";
export type { PayloadCaps, PayloadLimits } from "./src/snapshot/caps.ts";
export { type RecordedCall, replay, type ReplayChange } from "./src/preset/replay.ts";
export type { ModelAnswer, ModelMessage, ModelRequest } from "./src/base/model.ts";
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
} from "./src/kernel/types.ts";

export { all } from "./src/combine/all.ts";
export { any } from "./src/combine/any.ts";
export { failOpen } from "./src/combine/fail-open.ts";
export { not } from "./src/combine/not.ts";
export { onStage } from "./src/combine/on-stage.ts";
export { onTool } from "./src/combine/on-tool.ts";
export { shadow } from "./src/combine/shadow.ts";
export { type Predicate, unless, when } from "./src/combine/when.ts";
export { withTimeout } from "./src/combine/with-timeout.ts";

export { allowTools } from "./src/guards/allow-tools.ts";
export { blockPatterns } from "./src/guards/block-patterns.ts";
export { denyTools } from "./src/guards/deny-tools.ts";
export { contentHash, type ContentHashOptions, toolHash } from "./src/guards/content-hash.ts";
export { costBudget, type CostBudgetOptions } from "./src/guards/cost-budget.ts";
export { maxConcurrent, type MaxConcurrentOptions } from "./src/guards/max-concurrent.ts";
export { maxDrift } from "./src/drift/max-drift.ts";
export { maxPayload } from "./src/guards/max-payload.ts";
export { type LimitOptions, maxToolCalls } from "./src/guards/max-tool-calls.ts";
export { minConfidence } from "./src/guards/min-confidence.ts";
export { noLoops, type NoLoopsOptions } from "./src/guards/no-loops.ts";
export { pinTools, type PinToolsOptions, type ToolIdentity } from "./src/guards/pin-tools.ts";
export { rateLimit, type RateLimitOptions } from "./src/guards/rate-limit.ts";
export {
  type CostBudgetDetails,
  type LimitDetails,
  limitDetailsOf,
  type RateLimitDetails,
  type TokenBudgetDetails,
  type ToolCallDetails,
  type WindowDetails,
} from "./src/guards/limit-details.ts";
export { rules } from "./src/rules/rules.ts";
export type { Condition, RuleInit, RuleLimit, Scalar, Test } from "./src/rules/rule.ts";
export type { RuleDetails } from "./src/rules/compile-rule.ts";
export { redactPatterns } from "./src/guards/redact-patterns.ts";
export { requireApproval } from "./src/guards/require-approval.ts";
export { timeLimit } from "./src/guards/time-limit.ts";
export { tokenBudget, type TokenBudgetOptions } from "./src/guards/token-budget.ts";
export { trustGate } from "./src/trust/trust-gate.ts";
export {
  type StandardIssue,
  type StandardResult,
  type StandardSchemaV1,
  validateArguments,
  type ValidateArgumentsOptions,
} from "./src/guards/validate-arguments.ts";

export { compose } from "./src/combine/compose.ts";
export { deadline } from "./src/intercept/deadline.ts";

export { definePolicy, isPolicy } from "./src/policy/define.ts";
export { policyRules } from "./src/policy/extension.ts";
export { policyText } from "./src/policy/digest.ts";
export { isPolicyError, PolicyError, type PolicyMistake } from "./src/policy/error.ts";
export { parsePolicy, type ParsePolicyOptions } from "./src/policy/parse.ts";
export { policySchema } from "./src/policy/schema.ts";
export type { BlockedPattern, GovernancePolicy, PolicyInit } from "./src/policy/policy.ts";

export { type ApprovalOptions, approvals } from "./src/approval/extension.ts";
export { grantApproval } from "./src/approval/grant.ts";
export type { ApprovalAnswer, ApprovalEscalation, ApprovalGrant, ApprovalRequest } from "./src/approval/request.ts";
export type { AuditRecord, AuditSink, DecisionRecord, OutcomeRecord, RecordBase } from "./src/kernel/records.ts";
export { type MemoryStore, memoryStore, type MemoryStoreOptions } from "./src/state/memory-store.ts";
export type { Awaitable, PutOptions, StateEntry, StateStore, TakeRequest, TakeResult } from "./src/state/store.ts";

export { killSwitch, type KillSwitchPlugin } from "./src/control/extension.ts";
export { driftMonitor } from "./src/drift/extension.ts";
export type { Similarity } from "./src/drift/drift-of.ts";
export { sequenceSimilarity } from "./src/drift/sequence-similarity.ts";
export { wordSimilarity } from "./src/drift/word-similarity.ts";

export { type ActionGuard, actionGuard, type ActionResult } from "./src/trust/action-guard.ts";
export {
  capabilityCovers,
  type CapabilityMatching,
  commonCapabilities,
  hasAllCapabilities,
  hasAnyCapability,
  hasCapability,
} from "./src/trust/capability.ts";
export { trust, type TrustOptions } from "./src/trust/extension.ts";
export { checkHandoff, type HandoffResult } from "./src/trust/handoff.ts";
export { type AgentProfile, agentProfile, type AgentStatus } from "./src/trust/profile.ts";
export { type ProfileStore, profileStore } from "./src/trust/profile-store.ts";
export { selectAgents } from "./src/trust/select.ts";
export { type TrustTier, trustTier } from "./src/trust/tier.ts";
export {
  type TrustDecay,
  type TrustOutcome,
  type TrustRecord,
  type TrustTracker,
  trustTracker,
} from "./src/trust/tracker.ts";
export {
  type AgentCard,
  type CardInit,
  type CardVerdict,
  signCard,
  type SignedCard,
  verifyCard,
  type VerifyCardOptions,
} from "./src/trust/card.ts";
export {
  answerChallenge,
  type Challenge,
  type ChallengeIssue,
  type ChallengeResponse,
  type ChallengeVerdict,
  type ChallengeVerifier,
  challengeVerifier,
  type ChallengeVerifierOptions,
} from "./src/trust/challenge.ts";
export {
  delegate,
  type DelegateOptions,
  type DelegationChain,
  delegationId,
  type DelegationLink,
  type Grant,
} from "./src/trust/delegation.ts";
export { CLOCK_SKEW_MS } from "./src/trust/clock.ts";
export { canonicalAgentKey, type Did, parseDid } from "./src/crypto/did.ts";
export {
  createIdentity,
  type Identity,
  type IdentityOptions,
  importIdentity,
  type PrivateJwk,
  type PublicIdentity,
  type PublicJwk,
} from "./src/trust/identity.ts";
export { createVerificationCache, type VerificationCache } from "./src/trust/verification-cache.ts";
export {
  type DelegationRoot,
  type DelegationVerdict,
  verifyDelegation,
  type VerifyDelegationOptions,
} from "./src/trust/verify-delegation.ts";
export { type IdentityProof, type StandingOptions, verifyIdentity } from "./src/trust/verify-identity.ts";
