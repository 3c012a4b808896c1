import type { ActImpl } from "./act.ts";
import type { ApprovalGrant } from "../approval/request.ts";
import { type Decision, type Deny, guardOf } from "../base/decision.ts";
import { type Shown, shown, shownAs } from "../base/inspect.ts";
import { pickOwn } from "../base/own.ts";
import type { TokenUsage } from "../base/request.ts";

/** An act that somebody else runs: for frameworks with separate before and after hooks. */
export interface Act {
  /** The framework's id, or the session's. */
  readonly callId: string;
  /** What was decided before the act. */
  readonly decision: Decision;
  /** What the act must run on: private, ordinary, mutable data; `undefined` as long as, or because, it may not run. */
  // deno-lint-ignore no-explicit-any -- its shape is the framework's, and nobody but the caller knows it
  readonly payload: any;
  /** Whether a guard changed the payload. */
  readonly changed: boolean;
  /** Aborts when the act must stop; that of a denied act is aborted. Hand it on to what begins inside the act. */
  readonly signal: AbortSignal;
  /** The framework's own person answered an escalation. */
  resume(answer: boolean | ApprovalGrant | readonly ApprovalGrant[]): Decision | Promise<Decision>;
  /** It ran: response gate, counters, settling, events, audit. Works once; later calls answer the same. */
  end(result: unknown, usage?: TokenUsage): Decision | Promise<Decision>;
  /** It ran and threw. Works once, like `end`. */
  fail(error: unknown): Decision | Promise<Decision>;
  /** It never ran: everything is given back. */
  cancel(): void;
}

/** What `begin` hands out of an act: what its caller may know of it, and no way to what is behind it. */
class ActHandle implements Act {
  readonly #act: ActImpl;
  static {
    // Whoever is given an act has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
  }

  constructor(act: ActImpl) {
    this.#act = act;
    Object.freeze(this);
  }

  static actOf(handle: object): ActImpl | undefined {
    return #act in handle ? handle.#act : undefined;
  }

  get callId(): string {
    return this.#act.callId;
  }
  get decision(): Decision {
    return this.#act.decision;
  }
  get payload(): unknown {
    return this.#act.work;
  }
  get changed(): boolean {
    return this.#act.changed;
  }
  get signal(): AbortSignal {
    return this.#act.signal;
  }

  resume(answer: boolean | ApprovalGrant | readonly ApprovalGrant[]): Decision | Promise<Decision> {
    return this.#act.resume(answer);
  }

  end(result: unknown, usage?: TokenUsage): Decision | Promise<Decision> {
    return this.#act.end(result, usage);
  }

  fail(error: unknown): Decision | Promise<Decision> {
    return this.#act.fail(error);
  }

  cancel(): void {
    this.#act.cancel();
  }
}

/** What a console shows of an act: what was decided, and not what it works on. */
function actFields(handle: Act): Shown {
  // The prototype itself is no act.
  if (actOf(handle) === undefined) return {};
  const { callId, decision, changed } = handle;
  const { code, reason } = pickOwn(decision as Deny, ["code", "reason"]);
  return shown({ callId, effect: decision.effect, code, reason, guard: guardOf(decision), changed });
}

shownAs<Act>(ActHandle.prototype, () => "Act", actFields);

/** What is handed out of an act: always the same. */
export function handleOf(act: ActImpl): Act {
  const { paired } = act;
  return paired === undefined ? new ActHandle(act) : (paired.handle ??= new ActHandle(act));
}

/** The act behind what was handed out; `undefined` for anything else. */
export function actOf(handle: unknown): ActImpl | undefined {
  return typeof handle === "object" && handle !== null ? ActHandle.actOf(handle) : undefined;
}
