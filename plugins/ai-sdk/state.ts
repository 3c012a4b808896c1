/**
 * What the plugin keeps for each session, and how it finds one.
 *
 * @module
 */
import type { ApprovalGrant, PolicyViolationError, Session, SessionSource } from "../../mod.ts";
import { ownOf } from "../shared/own.ts";
import { JudgedDefinitions } from "./definitions.ts";
import { JudgedCalls } from "./history.ts";
import { offeredBy } from "./request.ts";
import type { AiSdkCall, AiSdkContext, AiSdkOptions, Part, ToolOptions } from "./types.ts";

/** What is kept for a session, as long as the session is. */
export interface SessionState {
  readonly calls: JudgedCalls;
  readonly definitions: JudgedDefinitions;
  readonly proposed: ProposedCalls;
  /** Whether a model may be offered the tool of this name. */
  readonly isOffered: (name: unknown) => boolean;
}

/** The calls that governed models have proposed and that have not run yet, by their id; the oldest are forgotten. */
export class ProposedCalls {
  static readonly #most = 1024;
  readonly #parts = new Map<unknown, Part>();

  add(part: Part): void {
    if (this.#parts.size >= ProposedCalls.#most) this.#parts.delete(this.#parts.keys().next().value);
    this.#parts.set(part["toolCallId"], part);
  }

  find(callId: unknown): Part | undefined {
    return this.#parts.get(callId);
  }

  delete(callId: unknown): void {
    this.#parts.delete(callId);
  }
}

/** Whether a value is a session, of this copy of the package or of another. */
export function isSession(value: unknown): value is Session {
  return typeof (value as Partial<Session> | null)?.model === "function";
}

/** One for all plugins: what one of them governs may meet what another does. */
const states = new WeakMap<Session, SessionState>();

/** Finds sessions, their state and their grants. */
export class Sessions {
  readonly #source: SessionSource<AiSdkContext>;
  readonly #grantOf: AiSdkOptions["grantOf"];
  /** Whether only calls run that a governed model proposed. */
  readonly isStrict: boolean;

  constructor(source: SessionSource<AiSdkContext>, grantOf: AiSdkOptions["grantOf"], isStrict: boolean) {
    this.#source = source;
    this.#grantOf = grantOf;
    this.isStrict = isStrict;
  }

  /** @throws {TypeError} If there is none. */
  find(context: AiSdkContext): Session {
    let session: unknown;
    // A model may read the error below, so what the function threw stays out of it.
    try {
      session = typeof this.#source === "function" ? this.#source(context) : this.#source;
    } catch {
      session = undefined;
    }
    if (isSession(session)) return session;
    throw new TypeError("No session was found to judge this call");
  }

  stateOf(session: Session): SessionState {
    let state = states.get(session);
    if (state === undefined) {
      state = {
        calls: new JudgedCalls(),
        definitions: new JudgedDefinitions(),
        proposed: new ProposedCalls(),
        isOffered: offeredBy(session.context.policy),
      };
      states.set(session, state);
    }
    return state;
  }

  /** @throws {TypeError} If the function that finds grants throws, or gives what is none. */
  grantOf(call: AiSdkCall): ApprovalGrant | readonly ApprovalGrant[] | undefined {
    let grant: unknown;
    try {
      grant = this.#grantOf?.(call);
    } catch {
      throw new TypeError("The grant of this call could not be found");
    }
    if (grant === undefined) return undefined;
    // A yes without a signature, or a promise of one, is no grant.
    if (typeof grant !== "object" || grant === null || "then" in grant) {
      throw new TypeError("The grant of this call is none");
    }
    return grant as ApprovalGrant | readonly ApprovalGrant[];
  }
}

/** The context that a caller gives a tool; `ai` 6 has another name for it. */
export function contextOf(options: ToolOptions): unknown {
  return ownOf(options, "context") ?? ownOf(options, "experimental_context");
}

/** Tells a refusal of the gates, also one of another copy of the package. */
export function isRefusal(error: unknown): error is PolicyViolationError {
  return typeof error === "object" && error !== null &&
    ownOf(error as Partial<PolicyViolationError>, "~brand") === "sallyport.PolicyViolationError";
}
