import type { AgentProfile, AgentStatus } from "./profile.ts";

/** What a profile is made of, once everything was checked and copied. */
export type ProfileParts = { readonly [K in keyof AgentProfile]: AgentProfile[K] };

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
  #score: number;
  #at: number;
  #read: ((score: number, at: number) => number) | undefined;

  constructor(parts: ProfileParts) {
    this.did = parts.did;
    this.name = parts.name;
    this.capabilities = parts.capabilities;
    Object.defineProperty(this, "trustScore", Profile.#accessor);
    this.status = parts.status;
    this.metadata = parts.metadata;
    this.#score = parts.trustScore;
    this.#at = 0;
    this.#read = undefined;
    Object.freeze(this);
  }

  static readonly #accessor: PropertyDescriptor = {
    enumerable: true,
    get(this: Profile): number {
      return Profile.score(this);
    },
  };

  /** Whether `agentProfile()` made this; a proxy or an object that inherits from a profile is none. */
  static is(value: unknown): value is Profile {
    return typeof value === "object" && value !== null && #score in value;
  }

  /** The score as it is shown, without the way through the accessor. */
  static score(agent: Profile): number {
    return agent.#read === undefined ? agent.#score : agent.#read(agent.#score, agent.#at);
  }

  /**
   * Sets the score of a profile; with `read`, what is shown from now on is what `read` answers of this score and `at`
   * (a score that
   * decays), so that one function serves every profile. Who may do that: whoever can import this file, which `mod.ts`
   * does not export.
   */
  static move(agent: Profile, score: number, read?: (score: number, at: number) => number, at = 0): void {
    agent.#score = score;
    agent.#at = at;
    agent.#read = read;
  }
}
