import type { Decision } from "./decision.ts";
import { type Shown, shown, shownAs } from "./inspect.ts";
import { define } from "./own.ts";
import type { GovernancePolicy } from "../policy/policy.ts";
import type { GovernedRequest, PriceOf } from "./request.ts";
import type { GateCaps } from "../snapshot/caps.ts";
import type { StateStore } from "../state/store.ts";
import type { AgentProfile } from "../trust/profile.ts";
import type { AbortSignalLike } from "./platform.ts";

/** What a guard may know about the session it judges in. Live: its counts are current. */
export interface ExecutionContext {
  /** Letters, digits, `_` and `-`; from a profile, the last segment of its DID. */
  readonly agentId: string;
  /** What limits are kept under: the whole DID, or the agentId where there is no profile. */
  readonly agentKey: string;
  /** Names the session. */
  readonly sessionId: string;
  /** Who acts, where a profile was given. */
  readonly agent?: AgentProfile;
  /** The policy, pinned when the session began. */
  readonly policy: GovernancePolicy;
  /** When the session began, in ms since the epoch. */
  readonly startTime: number;
  /**
   * Whether foreign content has come into the session, or into one around it: by an act marked `metadata.untrusted`, or a
   * tool that the policy calls untrusted.
   */
  readonly tainted: boolean;
  /** Completed runs and tool calls. */
  readonly callCount: number;
  /** Completed tool calls. */
  readonly toolCallCount: number;
  /** Completed model calls. */
  readonly modelCallCount: number;
  /** Tokens that model calls reported. */
  readonly totalTokens: number;
  /** Cost that model calls reported, or that the kernel's prices give, in US dollars. */
  readonly costUsd: number;
  /** Ids of the checkpoints made so far. */
  readonly checkpoints: readonly string[];
  /** Aborts when the session is closed, its agent killed, or the caller's own signal aborts. */
  readonly signal: AbortSignalLike;
  /** What the caller attached to the session. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The mutable state of a session. Holds no reference to the session, so that guards may keep it. */
export class SessionState {
  tainted = false;
  callCount = 0;
  toolCallCount = 0;
  modelCallCount = 0;
  totalTokens = 0;
  microUsd = 0;
  /** What models cost, where the kernel knows; set by the kernel. */
  price: PriceOf | undefined = undefined;
  /** Where limits of more than one session count, where the kernel was given a store; set by the kernel. */
  store: StateStore | undefined = undefined;
  /** How large a payload may be; set by the kernel. */
  caps: GateCaps | undefined = undefined;
  /** What guards and extensions keep about the session, each in its own place; most sessions need one. */
  readonly kept: (object | undefined)[] = [undefined];
  readonly #clock: () => number;
  readonly #parent: SessionState | undefined;
  #now: number;
  #latest: number;
  #isRead = true;

  constructor(now: number, clock: () => number = Date.now, parent?: SessionState) {
    this.#now = this.#latest = now;
    this.#clock = clock;
    this.#parent = parent;
  }

  /**
   * The session's time, in ms since the epoch: the clock is read once after each {@linkcode tick}, and only if somebody
   * asks. Never runs backwards; `NaN` where the clock gives no number, and then every limit denies.
   */
  get now(): number {
    if (!this.#isRead) {
      const time = this.#read();
      const isTime = Number.isFinite(time);
      if (isTime && time > this.#latest) this.#latest = time;
      this.#now = isTime ? this.#latest : NaN;
      this.#isRead = true;
    }
    return this.#now;
  }

  set now(time: number) {
    this.#now = time;
    this.#isRead = true;
  }

  /** The state of the session around it. */
  get around(): SessionState | undefined {
    return this.#parent;
  }

  /** Whether foreign content has come into the session, or into one around it. */
  get isTainted(): boolean {
    return this.tainted || (this.#parent !== undefined && this.#parent.isTainted);
  }

  /**
   * An act begins or ends: whoever asks for the time from here on gets a new one. A child's acts are judged in its
   * parents' contexts too, so theirs goes on with it.
   */
  tick(): void {
    this.#isRead = false;
    if (this.#parent !== undefined) this.#parent.tick();
  }

  #read(): number {
    // One reading for all: a child's time is its parent's.
    if (this.#parent !== undefined) return this.#parent.now;
    try {
      return this.#clock();
    } catch {
      return NaN;
    }
  }
}

/** What a session's context is made of. */
export interface ContextParts {
  readonly agentId: string;
  readonly agentKey: string;
  readonly sessionId: string;
  readonly agent: AgentProfile | undefined;
  readonly policy: GovernancePolicy;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly state: SessionState;
}

/** The session behind a context, as far as it is asked. */
export interface ContextOwner {
  readonly signal: AbortSignalLike;
  /** Is told what a shadowed guard would have decided. */
  report?(request: GovernedRequest, decision: Decision): void;
}

/** The context that sessions hand out: a read-only view of their state. */
export class SessionContext implements ExecutionContext {
  readonly agentId: string;
  readonly agentKey: string;
  readonly sessionId: string;
  declare readonly agent?: AgentProfile;
  readonly policy: GovernancePolicy;
  readonly startTime: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly #state: SessionState;
  readonly #owner: ContextOwner;
  static {
    // Whoever is given a context has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
    shownAs(this.prototype, () => "ExecutionContext", contextFields);
  }

  constructor(parts: ContextParts, owner: ContextOwner) {
    this.agentId = parts.agentId;
    this.agentKey = parts.agentKey;
    this.sessionId = parts.sessionId;
    if (parts.agent !== undefined) define(this, "agent", parts.agent);
    this.policy = parts.policy;
    this.startTime = parts.state.now;
    this.metadata = parts.metadata;
    this.#state = parts.state;
    this.#owner = owner;
    Object.freeze(this);
  }

  get tainted(): boolean {
    return this.#state.isTainted;
  }
  get callCount(): number {
    return this.#state.callCount;
  }
  get toolCallCount(): number {
    return this.#state.toolCallCount;
  }
  get modelCallCount(): number {
    return this.#state.modelCallCount;
  }
  get totalTokens(): number {
    return this.#state.totalTokens;
  }
  get costUsd(): number {
    return this.#state.microUsd / 1e6;
  }
  get checkpoints(): readonly string[] {
    const { checkpointFrequency } = this.policy;
    return Object.freeze(
      Array.from(
        { length: Math.floor(this.callCount / checkpointFrequency) },
        (_, i) => `${this.sessionId}:${(i + 1) * checkpointFrequency}`,
      ),
    );
  }
  get signal(): AbortSignalLike {
    return this.#owner.signal;
  }

  /** The state behind a context of ours; `undefined` for one that somebody made by hand. */
  static stateOf(context: ExecutionContext): SessionState | undefined {
    return #state in context ? context.#state : undefined;
  }

  /** Whom to tell of shadowed decisions; `undefined` for a context that somebody made by hand. */
  static ownerOf(context: ExecutionContext): ContextOwner | undefined {
    return #owner in context ? context.#owner : undefined;
  }
}

/** What a console shows of a session: who acts, under which policy, and the current counts. */
export function contextFields(context: ExecutionContext): Shown {
  const { agentId, agentKey, sessionId, policy, metadata } = context;
  const { tainted, callCount, toolCallCount, modelCallCount, totalTokens, costUsd } = context;
  return shown({
    agentId,
    agentKey: agentKey === agentId ? undefined : agentKey,
    sessionId,
    policy: `${policy.name}@${policy.version}`,
    tainted,
    callCount,
    toolCallCount,
    modelCallCount,
    totalTokens,
    costUsd,
    metadata: Object.keys(metadata).length === 0 ? undefined : metadata,
  });
}

/** Reports to a session what a shadowed guard would have decided; a context that was made by hand reports to nobody. */
export function reportShadow(context: ExecutionContext, request: GovernedRequest, decision: Decision): void {
  SessionContext.ownerOf(context)?.report?.(request, decision);
}

const foreign = new WeakMap<ExecutionContext, SessionState>();

/** The state behind a context: the session's, or one kept beside a context that was made by hand. */
export function stateOf(context: ExecutionContext): SessionState {
  return SessionContext.stateOf(context) ?? foreignStateOf(context);
}

function foreignStateOf(context: ExecutionContext): SessionState {
  let state = foreign.get(context);
  if (state === undefined) foreign.set(context, state = new SessionState(Date.now()));
  else state.now = Date.now();
  return state;
}

let guards = 0;

/**
 * Keeps something per session and guard, in a place of the guard's own in the session's state: it goes when the session
 * goes. `make` may ask for what is kept of the session around it.
 */
export function perSession<T extends object>(
  make: (around: () => T | undefined) => T,
): (context: ExecutionContext) => T {
  const place = guards++;
  const keptOf = (state: SessionState): T => {
    const { kept } = state;
    while (kept.length <= place) kept.push(undefined);
    return (kept[place] ??= make(() => state.around === undefined ? undefined : keptOf(state.around))) as T;
  };
  return (context) => keptOf(stateOf(context));
}
