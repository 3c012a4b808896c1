// The public contract as types: names, argument order and meaning stay for a whole major version; more may be added.
// test/contract.test-d.ts holds the package to it. What the project may shape freely is taken from the package itself.
import type { GovernanceEvents, StateStore } from "../mod.ts";
export type { GovernanceEvents, StateStore };

// ---- decisions -------------------------------------------------------------------------------------------------
export type Stage =
  | "agent_startup"
  | "input"
  | "pre_model_call"
  | "post_model_call"
  | "pre_tool_call"
  | "post_tool_call"
  | "output"
  | "agent_shutdown";

export interface Warning {
  readonly code: string;
  readonly reason: string;
  readonly guard?: string;
}
export interface Allow {
  readonly effect: "allow";
  readonly allowed: true;
  readonly warnings?: readonly Warning[];
}
export interface Transform {
  readonly effect: "transform";
  readonly allowed: true;
  readonly payload: unknown;
  readonly reason: string;
  readonly guard?: string;
  readonly warnings?: readonly Warning[];
}
export interface Deny {
  readonly effect: "deny";
  readonly allowed: false;
  readonly code: string;
  readonly reason: string;
  readonly guard?: string;
  readonly details?: unknown;
  readonly warnings?: readonly Warning[];
}
/** `payload` is there when a transform was folded in; `approval` is added by the session. */
export interface Escalate {
  readonly effect: "escalate";
  readonly allowed: false;
  readonly code: string;
  readonly reason: string;
  readonly guard?: string;
  readonly details?: unknown;
  readonly payload?: unknown;
  readonly approval?: ApprovalRequest;
  readonly warnings?: readonly Warning[];
}
export type Decision = Allow | Transform | Deny | Escalate;

export declare function allow(): Allow; // always the same frozen object
export declare function warn(code: string, reason: string): Allow; // goes on, and is recorded
export declare function deny(code: string, reason: string, details?: unknown): Deny;
export declare function transform(payload: unknown, reason: string): Transform;
export declare function escalate(reason: string, code?: string): Escalate; // code: "approval_required"

// ---- requests and guards ---------------------------------------------------------------------------------------
export interface TokenUsage {
  readonly inputTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  readonly totalTokens?: number | undefined;
  readonly costUsd?: number | undefined;
}
export interface GovernedRequest<P = unknown> {
  readonly stage: Stage;
  readonly name: string; // the run's action, the model's id or the tool's name
  readonly payload: P; // prompt, model request or response, tool arguments or result, output
  readonly before?: unknown; // at post gates and output: what the act was given
  readonly isError?: boolean; // at post gates: the act threw; payload is { name, message }
  readonly callId: string; // the framework's, or made by the session ("#1"): never empty, same before and after
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly usage?: TokenUsage;
}
/**
 * What a guard takes from a limit belongs to one act: given back if it is denied or cancelled, settled when it ends.
 */
export interface Taking {
  readonly dry: boolean; // explain: judge, take nothing
  take(giveBack: () => void, settle?: (usage: TokenUsage | undefined) => void): void;
}
export interface GuardMeta {
  readonly guardName?: string;
  readonly stages?: readonly Stage[];
} // no stages: every stage
export type Guard =
  & ((request: GovernedRequest, context: ExecutionContext, taking: Taking) => Decision | Promise<Decision>)
  & GuardMeta;
/** Advice around an act. It has no payload to change: nothing changes after the gate. A second `next()` throws. */
export type Interceptor = (
  request: GovernedRequest,
  next: (signal?: AbortSignal) => Promise<unknown>,
  context: ExecutionContext,
) => unknown | Promise<unknown>;

export declare function defineGuard(
  guard: {
    name: string;
    stages?: readonly Stage[];
    check: (request: GovernedRequest, context: ExecutionContext, taking: Taking) => Decision | Promise<Decision>;
  },
): Guard;
export declare function all(...guards: Guard[]): Guard;
export declare function any(...guards: Guard[]): Guard;
export declare function not(guard: Guard, reason: string): Guard;
export declare function when(
  predicate: (request: GovernedRequest, context: ExecutionContext) => boolean,
  guard: Guard,
): Guard;
export declare function unless(
  predicate: (request: GovernedRequest, context: ExecutionContext) => boolean,
  guard: Guard,
): Guard;
export declare function onTool(names: string | readonly string[] | ((name: string) => boolean), guard: Guard): Guard;
export declare function onStage(stages: readonly Stage[], guard: Guard): Guard;
export declare function shadow(guard: Guard): Guard;
export declare function withTimeout(guard: Guard, ms: number): Guard;
export declare function failOpen(guard: Guard): Guard;
export declare function compose(...interceptors: Interceptor[]): Interceptor;

// ---- kernel and session ----------------------------------------------------------------------------------------
export interface ExecutionContext {
  readonly agentId: string;
  readonly agentKey: string;
  readonly sessionId: string;
  readonly agent?: AgentProfile;
  readonly policy: GovernancePolicy;
  readonly startTime: number;
  readonly tainted: boolean;
  readonly callCount: number;
  readonly toolCallCount: number;
  readonly modelCallCount: number;
  readonly totalTokens: number;
  readonly costUsd: number;
  readonly checkpoints: readonly string[];
  readonly signal: AbortSignal;
  readonly metadata: Readonly<Record<string, unknown>>;
}
export interface ActInit {
  callId?: string | undefined;
  metadata?: Readonly<Record<string, unknown>> | undefined;
  signal?: AbortSignal | undefined;
  grant?: ApprovalGrant | undefined;
}
/** An act that somebody else runs: for frameworks with separate before and after hooks. */
export interface Act {
  readonly callId: string;
  readonly decision: Decision;
  readonly payload: any;
  readonly changed: boolean;
  readonly signal: AbortSignal;
  resume(answer: boolean | ApprovalGrant): Decision | Promise<Decision>; // the framework's own person answered an escalation
  end(result: unknown, usage?: TokenUsage): Decision | Promise<Decision>; // response gate, counters, settling, events, audit
  fail(error: unknown): Decision | Promise<Decision>; // it ran and threw
  cancel(): void; // it never ran: everything is given back
}
/** Shows the gates a plain form of a framework's value, and writes a changed form back. */
export interface View<T> {
  read(value: T): unknown;
  write(value: T, payload: any): T;
}
export interface StreamOptions<T> {
  stage: "post_model_call" | "post_tool_call" | "output";
  name: string;
  act?: Act | undefined;
  textOf(part: T): string | undefined;
  withText(part: T, text: string): T;
  channelOf?(part: T): string;
  usageOf?(part: T): TokenUsage | undefined;
  holdBack?: number;
}
export interface SessionInit {
  agentId?: string | undefined;
  agent?: AgentProfile | undefined;
  parent?: Session | undefined;
  signal?: AbortSignal | undefined;
  sessionId?: string | undefined;
  baseline?: string | undefined;
  metadata?: Readonly<Record<string, unknown>> | undefined;
}
export interface Session {
  readonly context: ExecutionContext;
  run<T>(
    input: unknown,
    act: (input: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
    options?: { action?: string | undefined; view?: View<T> | undefined } & ActInit,
  ): Promise<T>;
  model<T>(
    call: { model: string; request: unknown } & ActInit,
    act: (request: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
    usageOf?: (response: T) => TokenUsage | undefined,
    view?: View<T>,
  ): Promise<T>;
  tool<T>(
    call: { name: string; arguments: unknown } & ActInit,
    act: (args: any, signal: AbortSignal, changed: boolean) => T | Promise<T>,
    view?: View<T>,
  ): Promise<T>;
  begin(
    request: {
      stage: "input" | "pre_model_call" | "pre_tool_call";
      name: string;
      payload: unknown;
      approval?: "ask" | "return";
    } & ActInit,
  ): Act | Promise<Act>;
  act(callId: string): Act | undefined; // the open act of that id, for hooks in pairs
  stream<T>(parts: AsyncIterable<T>, options: StreamOptions<T>): AsyncIterable<T>;
  check(
    request: { stage: Stage; name: string; payload: unknown; usage?: TokenUsage } & ActInit,
  ): Decision | Promise<Decision>; // judges once, opens nothing
  preExecute(input: unknown): Decision | Promise<Decision>; // the tutorial's pair: check at input ...
  postExecute(output: unknown): Decision | Promise<Decision>; // ... and at output, with counters, drift and checkpoints
  inform(text: string): void;
  child(init?: SessionInit): Session;
  close(reason?: "completed" | "error" | "cancelled"): void | Promise<void>;
}
/** What every exported plugin takes: a session, or how to find the one of a run. */
export type SessionSource<C = unknown> = Session | ((frameworkContext: C) => Session);

export interface KernelOptions {
  policy?: PolicyInit | GovernancePolicy;
  guards?: readonly Guard[]; // run after the policy's own
  interceptors?: readonly Interceptor[];
  trust?: ActionGuard; // gate 1; sessions then need an agent profile
  approve?: (request: ApprovalRequest) => boolean | ApprovalGrant | Promise<boolean | ApprovalGrant>;
  approvalKey?: CryptoKey;
  approvalTtlMs?: number;
  plugins?: readonly Plugin[];
  mode?: "enforce" | "shadow";
  clock?: () => number; // ms since the epoch
}
export declare function createKernel(options?: KernelOptions): Kernel;
export interface Kernel {
  readonly policy: GovernancePolicy;
  session(init: SessionInit): Session;
  wrap<T extends object, C extends T>(target: C, plugin: ClientPlugin<T>, init: SessionInit | Session): C;
  wrap<T extends object, G extends object>(target: T, plugin: AdapterPlugin<T, G>, init: SessionInit | Session): G;
  unwrap(governed: object): object;
  sessionOf(governed: object): Session | undefined;
  coverage(governed: object): Coverage;
  use(plugin: Plugin): Kernel; // before the first session
  on<K extends keyof GovernanceEvents>(type: K, listener: (event: GovernanceEvents[K]) => void): () => void;
  suspend(agent: string, reason?: string): void;
  resume(agent: string): void;
  kill(agent: string, reason?: string): void;
  explain(
    request: { stage: Stage; name: string; payload: unknown } & ActInit,
    init: SessionInit | Session,
  ): Explanation | Promise<Explanation>;
  close(): Promise<void>;
}
export interface Explanation {
  readonly decision: Decision;
  readonly steps: readonly { readonly guard: string; readonly decision: Decision }[];
}
export declare class PolicyViolationError extends Error {
  readonly code: string;
  readonly reason: string;
  readonly guard?: string;
  readonly stage: Stage;
  readonly decision: Deny | Escalate;
  readonly approval?: ApprovalRequest;
  constructor(reason: string, options?: { code?: string; cause?: unknown });
}

// ---- approvals -------------------------------------------------------------------------------------------------
export interface ApprovalRequest {
  readonly id: string;
  readonly digest: string;
  readonly stage: Stage;
  readonly name: string;
  readonly callId: string;
  readonly agentKey: string;
  readonly sessionId: string;
  readonly policyDigest: string;
  readonly codes: readonly string[];
  readonly reasons: readonly string[];
  readonly text: string;
  readonly expiresAt: number;
}
export interface ApprovalGrant {
  readonly id: string;
  readonly digest: string;
  readonly approved: boolean;
  readonly by?: string;
  readonly expiresAt: number;
  readonly payload?: unknown;
  readonly signature: string;
}
export declare function grantApproval(
  request: ApprovalRequest,
  key: CryptoKey,
  answer: { approved: boolean; by?: string; payload?: unknown },
): Promise<ApprovalGrant>;

// ---- policy ----------------------------------------------------------------------------------------------------
export type BlockedPattern = string | { readonly pattern: string; readonly type: "substring" | "regex" | "glob" } | {
  readonly regexp: RegExp;
};
export type Scalar = string | number | boolean;
export interface Condition {
  readonly [place: string]: Test | Condition | readonly Condition[] | undefined;
  readonly allOf?: readonly Condition[];
  readonly anyOf?: readonly Condition[];
  readonly not?: Condition;
}
export interface Test {
  readonly anyOf?: readonly Test[];
  readonly known?: true;
  readonly links?: string | readonly string[];
  readonly exists?: boolean;
  readonly eq?: Scalar;
  readonly in?: readonly Scalar[];
  readonly same?: `$${string}`;
  readonly lt?: number;
  readonly lte?: number;
  readonly gt?: number;
  readonly gte?: number;
  readonly glob?: string | readonly string[];
  readonly matches?: string;
  readonly contains?: Scalar;
  readonly within?: string | readonly string[];
  readonly host?: string | readonly string[];
  readonly email?: string | readonly string[];
  readonly command?: string | readonly string[];
}
export interface RuleInit {
  id?: string;
  tools?: string | readonly string[];
  agents?: string | readonly string[];
  stages?: readonly Stage[];
  when?: Condition;
  require?: Condition;
  limit?: {
    max: number;
    of?: "calls" | "tokens" | "costUsd";
    windowMs?: number;
    by?: "session" | "agent" | `$metadata.${string}`;
  };
  effect?: "deny" | "escalate";
  reason?: string;
}
export declare function rules(list: readonly RuleInit[]): Guard;
export interface PolicyInit {
  rules?: readonly RuleInit[];
  untrustedTools?: readonly string[];
  trustedTools?: readonly string[];
  name?: string;
  version?: string;
  maxTokens?: number;
  maxToolCalls?: number;
  allowedTools?: readonly string[];
  deniedTools?: readonly string[]; // allowedTools absent: every tool; []: none
  blockedPatterns?: readonly BlockedPattern[];
  requireHumanApproval?: boolean | readonly string[];
  timeoutMs?: number;
  confidenceThreshold?: number;
  driftThreshold?: number;
  logAllCalls?: boolean;
  checkpointFrequency?: number;
  maxConcurrent?: number;
  backpressureThreshold?: number;
}
export interface GovernancePolicy extends Readonly<Required<Omit<PolicyInit, "allowedTools">>> {
  readonly allowedTools?: readonly string[];
  toJSON(): PolicyInit;
  diff(other: GovernancePolicy): Readonly<Record<string, readonly [unknown, unknown]>>;
  isStricterThan(other: GovernancePolicy): boolean;
  merge(other: GovernancePolicy): GovernancePolicy;
  conflicts(): readonly string[];
}
export declare function definePolicy(init?: PolicyInit): GovernancePolicy;
export declare function parsePolicy(json: unknown, options?: { dialect?: "sallyport" | "agent-os" }): GovernancePolicy;

// ---- trust -----------------------------------------------------------------------------------------------------
export type AgentStatus = "active" | "suspended" | "revoked";
export interface AgentProfile {
  readonly did: string;
  readonly name: string;
  readonly capabilities: readonly string[];
  readonly trustScore: number;
  readonly status: AgentStatus;
  readonly metadata: Readonly<Record<string, unknown>>;
}
export declare function agentProfile(
  init: {
    did: string;
    name: string;
    capabilities?: readonly string[];
    trustScore?: number;
    status?: AgentStatus;
    metadata?: Readonly<Record<string, unknown>>;
  },
): AgentProfile;
export declare function hasCapability(agent: AgentProfile, capability: string): boolean;
export declare function hasAllCapabilities(agent: AgentProfile, required: readonly string[]): boolean;
export declare function hasAnyCapability(agent: AgentProfile, required: readonly string[]): boolean;
export interface ActionResult {
  readonly allowed: boolean;
  readonly agentDid: string;
  readonly action: string;
  readonly reason: string;
  readonly code: string;
  readonly trustScore: number;
  readonly timestamp: number;
  toJSON(): object;
}
export interface ActionGuard {
  check(agent: AgentProfile, action: string, requiredCapabilities?: readonly string[]): ActionResult;
}
export declare function actionGuard(
  options?: {
    minTrustScore?: number;
    sensitiveActions?: Readonly<Record<string, number>>;
    blockedActions?: readonly string[];
    requiredCapabilities?: Readonly<Record<string, readonly string[]>>;
    capabilityMatching?: "exact" | "hierarchical";
  },
): ActionGuard;
export interface TrustRecord {
  readonly did: string;
  readonly action: string;
  readonly outcome: "success" | "failure";
  readonly newScore: number;
  readonly timestamp: number;
}
export interface TrustTracker {
  recordSuccess(agent: AgentProfile, action: string): number;
  recordFailure(agent: AgentProfile, action: string): number;
  history(did?: string): readonly TrustRecord[];
  load(agent: AgentProfile): Promise<number>;
}
export declare function trustTracker(
  options?: { reward?: number; penalty?: number; historyLimit?: number; decay?: object; store?: StateStore },
): TrustTracker;

// ---- similarity ------------------------------------------------------------------------------------------------
export declare function wordSimilarity(a: string, b: string): number; // 0..1
export declare function sequenceSimilarity(a: string, b: string): number; // 0..1

// ---- plugins ---------------------------------------------------------------------------------------------------
export interface Coverage {
  readonly governed: readonly string[];
  readonly passedThrough: readonly string[];
  readonly ungoverned: readonly string[];
}
export interface PluginHost {
  readonly clock: () => number;
  guard(guard: Guard): void;
  intercept(interceptor: Interceptor): void;
  store(store: StateStore): void;
  sink(sink: AuditSink): void;
  on: Kernel["on"];
}
export interface Plugin {
  readonly name: string;
  setup?(host: PluginHost): void | (() => void | Promise<void>);
}
/** Gives an object of its own shape. */
export interface AdapterPlugin<T extends object, G extends object = T> extends Plugin {
  wrap(target: T, session: Session): G;
  coverage?(target: T): Coverage;
}
/** Gives the user's own client type back. */
export interface ClientPlugin<T extends object> extends Plugin {
  wrap<C extends T>(client: C, session: Session): C;
  coverage?(client: T): Coverage;
}
export declare function definePlugin<T extends object>(plugin: ClientPlugin<T>): ClientPlugin<T>;
export declare function definePlugin<T extends object, G extends object>(
  plugin: AdapterPlugin<T, G>,
): AdapterPlugin<T, G>;
export declare function definePlugin(plugin: Plugin): Plugin;

// ---- the record: the seam is in `mod.ts`, the log in `sallyport/audit` ------------------------------------------
export interface RecordBase {
  readonly timestamp: number;
  readonly agentKey: string;
  readonly sessionId: string;
  readonly stage: Stage;
  readonly name: string;
  readonly callId: string;
  readonly policy: string;
}
export interface DecisionRecord extends RecordBase {
  readonly kind: "decision";
  readonly effect: "allow" | "deny" | "transform" | "escalate";
  readonly shadow: boolean;
  readonly code?: string;
  readonly reason?: string;
  readonly guard?: string;
  readonly isOurs?: boolean;
  readonly rule?: string;
  readonly approval?: string;
  readonly parentId?: string;
  readonly warnings?: readonly string[];
  readonly durationMs?: number;
  readonly payload?: unknown;
}
export interface OutcomeRecord extends RecordBase {
  readonly kind: "outcome";
  readonly outcome: "completed" | "failed" | "withheld" | "aborted";
  readonly code?: string;
  readonly usage?: TokenUsage;
  readonly durationMs?: number;
  readonly payload?: unknown;
}
export type AuditRecord = DecisionRecord | OutcomeRecord;
/** `write`: at once; a throw denies (`audit_unavailable`). `payloads`: records carry a payload, read before `write` returns. `durable`: the kernel awaits `stored()` before the act starts, or before its result goes on; a rejection denies. */
export interface AuditSink {
  readonly name: string;
  readonly payloads?: boolean;
  readonly durable?: "act" | "result";
  write(record: AuditRecord): void;
  stored?(): Promise<void>;
}
export interface AuditKey {
  readonly name: string;
  readonly vkey: string;
  readonly privateKey: CryptoKey;
} // Ed25519; vkey as in C2SP signed notes
export declare function createAuditKey(name: string, pair?: CryptoKeyPair): Promise<AuditKey>;
export interface AuditChunk {
  readonly text: string;
  readonly entries: number;
  readonly from: number;
  readonly checkpoint: string;
} // whole lines, the checkpoint's last
export interface AuditTarget {
  write(text: string, chunk: AuditChunk): void | Promise<void>;
}
export type AuditTo = AuditTarget | WritableStream<Uint8Array> | ((chunk: AuditChunk) => void | Promise<void>);
export declare function memorySink(
  options?: { maxEntries?: number },
): AuditTarget & { text(): string; entries(): readonly AuditEntry[] };
export interface AuditLogOptions {
  origin?: string;
  signers?: AuditKey | readonly AuditKey[];
  to?: AuditTo;
  batch?: { size?: number; ms?: number };
  durable?: "act" | "result";
  onFailure?: "deny" | "go-on";
  maxQueued?: number;
  timeoutMs?: number;
  reasons?: "ours" | "all" | "none";
  contents?: { key: CryptoKey } | { to: AuditTarget };
  onCheckpoint?: (checkpoint: string) => void;
  clock?: () => number;
  resume?: string;
}
export interface AuditLog extends Plugin {
  readonly origin: string;
  readonly size: number;
  readonly stats: {
    readonly submitted: number;
    readonly delivered: number;
    readonly failed: number;
    readonly dropped: number;
  };
  note(type: string, data?: Readonly<Record<string, unknown>>): void;
  flush(): Promise<string | undefined>;
  rotate(to: AuditTo): Promise<void>;
  close(): Promise<string | undefined>;
}
export declare function createAuditLog(options?: AuditLogOptions): AuditLog;
type About = {
  readonly agentKey: string;
  readonly sessionId: string;
  readonly stage: Stage;
  readonly name: string;
  readonly callId: string;
};
export type AuditEntry =
  & { readonly seq: number; readonly timestamp: number | null }
  & (
    | Omit<DecisionRecord, "timestamp" | "payload"> & { readonly input?: string }
    | Omit<OutcomeRecord, "timestamp" | "payload"> & { readonly output?: string }
    | About & {
      readonly kind: "approval";
      readonly event: "requested" | "resolved";
      readonly id: string;
      readonly digest: string;
      readonly codes?: readonly string[];
      readonly approved?: boolean;
      readonly by?: string;
      readonly grants?: readonly string[];
    }
    | { readonly kind: "signal"; readonly signal: "suspend" | "resume" | "kill"; readonly agent: string }
    | { readonly kind: "trust"; readonly agent: string; readonly outcome: string; readonly score: number }
    | {
      readonly kind: "session";
      readonly event: "opened" | "closed";
      readonly sessionId: string;
      readonly agentKey: string;
      readonly parentId?: string;
      readonly policyDigest?: string;
    }
    | { readonly kind: "note"; readonly type: string; readonly data: Readonly<Record<string, unknown>> }
    | {
      readonly kind: "log";
      readonly event: "opened" | "resumed" | "rotated" | "dropped" | "closed";
      readonly count?: number;
    }
  );
export type AuditSource = string | AsyncIterable<Uint8Array | string> | ReadableStream<Uint8Array>;
export interface AuditFinding {
  readonly kind:
    | "changed"
    | "missing"
    | "inserted"
    | "moved"
    | "rebuilt"
    | "forked"
    | "truncated"
    | "forged"
    | "unsealed"
    | "torn"
    | "unreadable"
    | "not_closed";
  readonly message: string;
  readonly seq?: number;
  readonly to?: number;
  readonly line?: number;
}
export interface AuditVerification {
  readonly ok: boolean;
  readonly size: number;
  readonly entries: number;
  readonly missing: number;
  readonly unsealed: number;
  readonly closed: boolean;
  readonly signed: boolean;
  readonly clockSteps: number;
  readonly checkpoint?: string;
  readonly findings: readonly AuditFinding[];
  readonly findingCount: number;
}
export declare function verifyAuditLog(
  log: AuditSource,
  options?: {
    keys?: readonly string[];
    origin?: string;
    checkpoints?: readonly string[];
    open?: boolean;
    part?: boolean;
    maxFindings?: number;
    onProgress?: (lines: number) => void;
  },
): Promise<AuditVerification>;
export declare function proveInclusion(
  log: AuditSource,
  seq: number,
): Promise<{ readonly entry: string; readonly proof: string }>; // C2SP tlog-proof
export declare function verifyInclusion(
  entry: string,
  proof: string,
  options: { keys: readonly string[]; origin?: string },
): Promise<
  {
    readonly ok: boolean;
    readonly seq?: number;
    readonly size?: number;
    readonly origin?: string;
    readonly reason?: string;
  }
>;
