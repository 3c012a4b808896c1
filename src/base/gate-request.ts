import { shadowed } from "./own.ts";
import type { GovernedRequest, Stage, TokenUsage } from "./request.ts";

/** What is attached to an act where the caller attached nothing. */
export const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});
const UNREAD: unknown = Symbol("unread");
/** Shown is plain data, but not only of JSON's kinds. */
const RICH: unknown = Symbol("rich");
/** The same, and some of it can be changed though it is frozen. */
const SOFT: unknown = Symbol("soft");
/** The act goes on with the payload itself. */
const REFERRED: unknown = Symbol("referred");
/** What guards were shown, once more, where the act has no copy of its own or they could change theirs. */
const kept = new WeakMap<object, unknown>();

/**
 * A request on its way to a gate: its payload is the caller's until it was read, and then what the guards are shown.
 *
 * What was read is noted where no guard can reach: a request that is made from another, or written to, was not read.
 * All have one shape, so that guards see one hidden class; fields are declared and set in the constructor, since one
 * that is defined costs twice one that is set.
 */
export class GateRequest {
  declare readonly stage: Stage;
  declare readonly name: string;
  declare payload: unknown;
  declare readonly before: unknown;
  declare readonly isError: boolean | undefined;
  /** Empty as long as nobody looks at it. */
  declare callId: string;
  declare readonly metadata: Readonly<Record<string, unknown>>;
  /** At `post_model_call` known only once the response was read. */
  declare usage: TokenUsage | undefined;
  #shown: unknown = UNREAD;
  #copy: unknown = undefined;
  static {
    shadowed(this.prototype, ["stage", "name", "payload", "before", "isError", "callId", "metadata", "usage"]);
    // Whoever is given a request has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
  }
  /**
   * Lives as long as the class: engines forget the shape of objects of which none is left, and all code that they
   * compiled for it.
   */
  static readonly first: GateRequest = new GateRequest("input", "", undefined, "", undefined);

  constructor(
    stage: Stage,
    name: string,
    payload: unknown,
    callId: string,
    metadata: Readonly<Record<string, unknown>> | undefined,
    usage?: TokenUsage,
    before?: unknown,
    isError?: boolean,
  ) {
    this.stage = stage;
    this.name = name;
    this.payload = payload;
    this.before = before;
    this.isError = isError;
    this.callId = callId;
    this.metadata = metadata ?? NOTHING;
    this.usage = usage;
  }

  /**
   * Puts plain copies in place of the payload: `shown` for the guards, and `copy`, which may be the same, for the act.
   */
  static read(draft: GateRequest, copy: unknown, shown: unknown, met: "json" | "rich" | "soft"): void {
    draft.#copy = copy;
    draft.payload = shown;
    draft.#shown = met === "json" ? shown : met === "rich" ? RICH : SOFT;
  }

  /** Shows the guards a plain form of a payload that itself goes on. */
  static refer(draft: GateRequest, form: unknown, shown: unknown, met: "json" | "rich" | "soft"): void {
    GateRequest.read(draft, REFERRED, shown, met);
    GateRequest.keep(draft, form);
  }

  /** Keeps what guards were shown, as a copy that nobody else holds. */
  static keep(draft: GateRequest, copy: unknown): void {
    kept.set(draft, copy);
  }

  /** Whether what guards were shown can be changed by them. */
  static isSoft(draft: object): draft is GateRequest {
    return #shown in draft && draft.#shown === SOFT;
  }

  /** What guards were shown, as a copy that none of them holds. */
  static keptOf(draft: GateRequest): unknown {
    return kept.has(draft) ? kept.get(draft) : draft.#copy;
  }

  /** Whether plain copies were made of the payload. */
  static isCopied(draft: GateRequest): boolean {
    return draft.#shown !== UNREAD && draft.#copy !== REFERRED;
  }

  /** What the act may work on: the copy that was made for it; the payload where it was not read. */
  static copyOf(draft: GateRequest): unknown {
    return draft.#shown === UNREAD ? draft.payload : draft.#copy;
  }

  /**
   * Whether a request that a guard was given shows what nobody else can change, of JSON's kinds: a primitive, or the
   * plain copy that was made for it.
   */
  static isRead(request: GovernedRequest): boolean {
    const { payload } = request;
    // Only objects are compared: an engine that has seen other things compared asks what they are.
    return (typeof payload !== "object" && typeof payload !== "function") ||
      (#shown in request && request.#shown === payload);
  }
}
