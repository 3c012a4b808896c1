import type { DecisionCode } from "../base/decision.ts";

/** Only `active` agents may act. */
export type AgentStatus = "active" | "suspended" | "revoked";

/** Who acts. Made by {@linkcode agentProfile}; nobody can change one through an object they hold. */
export interface AgentProfile {
  /** Decentralized identifier, `did:agentmesh:…`. */
  readonly did: string;
  /** For people. */
  readonly name: string;
  /** What the agent may do, as `verb` or `verb:object`. */
  readonly capabilities: readonly string[];
  /** A whole number from 0 to 1000; only a {@linkcode TrustTracker} moves it. */
  readonly trustScore: number;
  /** Only `active` agents may act. */
  readonly status: AgentStatus;
  /** What the caller attached. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Whether an agent may take an action, and why not. */
export interface ActionResult {
  /** The answer. */
  readonly allowed: boolean;
  /** Who asked; empty when that was no DID. */
  readonly agentDid: string;
  /** What for; empty when that was no string. */
  readonly action: string;
  /** For people; empty when allowed. */
  readonly reason: string;
  /**
   * `action_blocked`, `identity_unverified`, `agent_not_active`, `trust_too_low`, `missing_capabilities`, or empty when
   * allowed.
   */
  readonly code: DecisionCode;
  /** The score that was judged; 0 when it was no score. */
  readonly trustScore: number;
  /** When, in ms since the epoch. */
  readonly timestamp: number;
  /** Plain data. */
  toJSON(): object;
}

/** The first of the two gates: who may act. */
export interface ActionGuard {
  /** Judges one action of one agent, synchronously. */
  check(agent: AgentProfile, action: string, requiredCapabilities?: readonly string[]): ActionResult;
}
