/**
 * What the plugin reads of the AI SDK, and what it gives.
 *
 * @module
 */
import type { AbortSignalLike, ApprovalGrant, ApprovalRequest, Coverage } from "../../mod.ts";

/**
 * What a session source is told, so that one middleware can serve many sessions: a model and its id, or a tool and its
 * name.
 */
export interface AiSdkContext {
  /** Which of both. */
  readonly kind: "model" | "tool";
  /** Its id, or its name. */
  readonly name: string;
  /**
   * For a model: `providerOptions.sallyport` of the call, which no provider is sent. For a tool: its `context` (`ai` 7)
   * or `experimental_context` (`ai` 6).
   */
  readonly context: unknown;
}

/** A call that a grant may answer for. */
export interface AiSdkCall extends AiSdkContext {
  /** The SDK's id of a tool call; absent for a model, and for a tool that was called without one. */
  readonly callId: string | undefined;
}

/** How models and tools are governed. */
export interface AiSdkOptions {
  /**
   * Finds the answer to the approval request of a call, which was given earlier; several where the kernel wants several
   * approvers. Default: none. What it throws denies the call.
   */
  readonly grantOf?: (call: AiSdkCall) => ApprovalGrant | readonly ApprovalGrant[] | undefined;
  /**
   * Whether what describes tools and answers is judged too: descriptions, schemas, examples and arguments of tools,
   * stop sequences, the schema of the answer, and `providerOptions` of the call. Each set once, as long as nothing
   * changes it. Default `false`: a developer's own words would stop every call.
   */
  readonly definitions?: boolean;
  /**
   * Whether what cannot be judged is refused: tools without `execute`, tools and files that only the provider sees, tool
   * calls that no governed model proposed, models of a governed provider that are no language models; requests, response
   * bodies, what comes with a stream, and raw chunks are left out of answers. Default `false`:
   * `coverage` names them.
   */
  readonly strict?: boolean;
}

/** What a refused call of a tool answers, to the model and to the host. */
export interface DeniedCall {
  /** Always `true`. */
  readonly denied: true;
  /** For machines. */
  readonly code: string;
  /** For people, and for the model. */
  readonly reason: string;
  /** Where a person may approve the call: what `grantApproval` needs, and what the person should see. */
  readonly approval?: Omit<ApprovalRequest, "agentKey" | "sessionId" | "policyDigest" | "escalations">;
}

/**
 * The middleware, as `wrapLanguageModel` and `wrapProvider` of both majors take it: for `generateText` and all that
 * answers whole, and for `streamText`.
 */
export interface AiMiddleware {
  /** The form of middleware. */
  readonly specificationVersion: "v3";
  /** Governs a whole answer. */
  wrapGenerate<P extends object, R extends object>(
    call: { params: P; model: { readonly modelId: string; doGenerate(options: P): PromiseLike<R> } },
  ): Promise<R>;
  /** Governs a stream. */
  wrapStream<P extends object, R extends object>(
    call: { params: P; model: { readonly modelId: string; doStream(options: P): PromiseLike<R> } },
  ): Promise<R>;
}

/** What a governed `execute` answers: what the tool's own does, or a refusal. */
export type GovernedAnswer<R> = R extends AsyncIterable<infer Y> ? AsyncIterable<Y | DeniedCall>
  : Promise<Awaited<R> | DeniedCall>;

/** A tool as it was, but that its `execute` may answer a refusal. What has no `execute` is what it was. */
export type GovernedTool<T> = T extends { readonly execute?: infer E }
  ? E extends (...args: infer A) => infer R ? { execute(...args: A): GovernedAnswer<R> } & T : T
  : T;

/** Governs what the AI SDK calls. */
export interface AiSdk {
  /** Governs models. Of several middlewares it comes last, nearest to the model: there it sees what is really sent. */
  readonly middleware: AiMiddleware;
  /**
   * Copies a provider: each language model that it makes is governed, those that the SDK finds by a name too, where the
   * copy is `globalThis.AI_SDK_DEFAULT_PROVIDER`. In strict mode every other model, file and skill throws a `TypeError`.
   */
  provider<P extends object>(provider: P): P;
  /**
   * Copies tools, with every `execute` governed: a refused call answers a {@linkcode DeniedCall}, which the model reads.
   *
   * @throws {TypeError} If a tool is governed already, or in strict mode if it cannot be governed.
   */
  tools<T extends object>(tools: T): { [K in keyof T]: GovernedTool<T[K]> };
  /** Says what is governed, and what is not. */
  coverage(tools?: object): Coverage;
}

/** A part of a message, an answer or a stream. */
export type Part = Readonly<Record<string, unknown>>;

/** What a message or an answer says, as guards see it. */
export interface Said {
  readonly content?: unknown;
  readonly parts?: unknown;
}

/** A call that a model proposes, as guards see it. */
export interface ProposedCall {
  readonly id: unknown;
  readonly name: unknown;
  readonly arguments: unknown;
}

/** An answer, as guards see it. */
export interface Answer extends Said {
  readonly toolCalls?: readonly ProposedCall[];
  readonly finishReason?: string;
  /** The texts of a stream in the order in which they arrived, where that is not the order of its blocks. */
  readonly interleaved?: string;
  /** What the provider tells beside the answer: warnings, metadata, headers, usage. */
  readonly provider?: unknown;
}

/** A request, as guards see it. */
export interface Request {
  readonly messages?: readonly (Said & { readonly role: unknown; readonly providerOptions?: unknown })[];
  readonly tools?: readonly Part[];
  /** What describes tools and answers; there while it is judged. */
  readonly definitions?: Part;
}

/** What the SDK calls a model with. */
export interface Params extends Part {
  readonly prompt: readonly Part[];
  readonly tools?: readonly Part[];
  readonly toolChoice?: unknown;
  readonly abortSignal?: AbortSignalLike;
  readonly providerOptions?: Part;
}

/** What a model answers whole. */
export interface Generated extends Part {
  readonly content: readonly Part[];
  readonly finishReason: unknown;
  readonly usage: unknown;
  readonly response?: Part;
  readonly request?: Part;
}

/** The `ReadableStream` of a model's parts. */
export interface PartStream {
  getReader(): {
    read(): Promise<{ readonly done: false; readonly value: Part } | { readonly done: true; readonly value?: unknown }>;
    cancel(reason: unknown): Promise<void>;
  };
}

/** What a model answers in parts. */
export interface Streamed {
  readonly stream: PartStream;
  readonly request?: unknown;
  readonly response?: unknown;
}

/** What the SDK calls a tool with, beside its input. */
export interface ToolOptions {
  readonly toolCallId?: string;
  readonly abortSignal?: AbortSignalLike;
  readonly context?: unknown;
  readonly experimental_context?: unknown;
}

/** A tool that runs here. */
export interface Tool {
  readonly execute: (input: unknown, options: object) => unknown;
  readonly description?: unknown;
  readonly inputSchema?: unknown;
  readonly outputSchema?: unknown;
  readonly annotations?: unknown;
  readonly icons?: unknown;
  readonly _meta?: unknown;
  readonly title?: unknown;
  readonly inputExamples?: unknown;
  readonly providerOptions?: unknown;
  readonly toModelOutput?: unknown;
  readonly metadata?: unknown;
  readonly type?: unknown;
  readonly id?: unknown;
  readonly args?: unknown;
  readonly strict?: unknown;
  readonly isProviderExecuted?: unknown;
  readonly supportsDeferredResults?: unknown;
  readonly deferLoading?: unknown;
  readonly contextSchema?: unknown;
  readonly needsApproval?: unknown;
  readonly onInputStart?: unknown;
  readonly onInputDelta?: unknown;
  readonly onInputAvailable?: unknown;
  readonly experimental_toolCaller?: unknown;
}

/** A language model. */
export interface Model {
  readonly modelId: string;
  doGenerate(options: Params): PromiseLike<Generated>;
  doStream(options: Params): PromiseLike<Streamed>;
}

/** A refusal that the plugin itself has to utter: sessions deny with its code and its reason. */
export class Refusal extends TypeError {
  readonly code: string;
  readonly reason: string;

  constructor(code: string, reason: string) {
    super(reason);
    this.code = code;
    this.reason = reason;
  }
}

/** The mistake of a guard whose change the SDK cannot take. */
export function broken(what: string): Refusal {
  return new Refusal("guard_error", `The AI SDK cannot take what a guard changed: ${what}`);
}
