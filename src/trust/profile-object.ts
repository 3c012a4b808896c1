import { bare } from "../base/own.ts";
import { made } from "../base/copy.ts";
import type { AgentProfile, AgentStatus } from "./agent.ts";

/** What a profile is made of, once everything was checked and copied. */
export type ProfileParts = { readonly [K in keyof AgentProfile]: AgentProfile[K] };

/** A score that moves. All profiles of an agent that one tracker knows share one. */
export class Score {
  value: number;
  /** Since when it stands, in ms since the epoch. */
  at = 0;
  /** What is shown of it now, where that falls with time. */
  read: ((value: number, at: number) => number) | undefined = undefined;

  constructor(value: number) {
    this.value = value;
  }

  /** As it is shown. */
  get now(): number {
    return this.read === undefined ? this.value : this.read(this.value, this.at);
  }
}

/**
 * A profile with its score in a private cell. The accessor is the instance's own, so that spreading, printing and
 * `JSON.stringify` show the score, and shared, so that every profile has the same shape.
 */
export class Profile implements AgentProfile {
  readonly did: string;
  readonly name: string;
  readonly capabilities: readonly string[];
  declare readonly trustScore: number;
  readonly status: AgentStatus;
  readonly metadata: Readonly<Record<string, unknown>>;
  static {
    made(this.prototype);
  }
  #score: Score;
  #principal: Profile | undefined = undefined;

  constructor(parts: ProfileParts) {
    this.did = parts.did;
    this.name = parts.name;
    this.capabilities = parts.capabilities;
    Object.defineProperty(this, "trustScore", Profile.#accessor);
    this.status = parts.status;
    this.metadata = parts.metadata;
    this.#score = new Score(parts.trustScore);
    Object.freeze(this);
  }

  static readonly #accessor: PropertyDescriptor = bare({
    enumerable: true,
    get(this: Profile): number {
      return Profile.score(this);
    },
  });

  /** Whether `agentProfile()` made this; a proxy or an object that inherits from a profile is none. */
  static is(value: unknown): value is Profile {
    return typeof value === "object" && value !== null && #score in value;
  }

  /** The score as it is shown, without the way through the accessor. */
  static score(agent: Profile): number {
    return agent.#score.now;
  }

  /**
   * The cell of a profile's score, which may be moved. Who may do that: whoever can import this file, which `mod.ts`
   * does not export.
   */
  static cell(agent: Profile): Score {
    return agent.#score;
  }

  /** Has a profile show the score in this cell. */
  static share(agent: Profile, score: Score): void {
    agent.#score = score;
  }

  /** Makes a profile show the lower score of two; what is learnt of it is learnt of `principal`. */
  static narrow(agent: Profile, principal: AgentProfile, read: () => number): void {
    agent.#score.read = read;
    if (Profile.is(principal)) agent.#principal = Profile.principal(principal);
  }

  /** The profile whose score moves: a narrowed one shows it, and must not be raised by it. */
  static principal(agent: Profile): Profile {
    return agent.#principal ?? agent;
  }
}
