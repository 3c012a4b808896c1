import type { ActImpl } from "./act.ts";
import type { Act } from "./types.ts";
import type { ApprovalGrant } from "../approval/request.ts";
import { type Decision, type Deny, guardOf } from "../base/decision.ts";
import { type Shown, shown, shownAs } from "../base/inspect.ts";
import { pickOwn } from "../base/own.ts";
import type { TokenUsage } from "../base/request.ts";

/** What `begin` hands out of an act: what its caller may know of it, and no way to what is behind it. */
class ActHandle implements Act {
  readonly #act: ActImpl;
  static {
    // Whoever is given an act has no way to what only the class may read.
    Reflect.deleteProperty(this.prototype, "constructor");
    shownAs<Act>(this.prototype, () => "Act", actFields);
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

/** What is handed out of an act: always the same. */
export function handleOf(act: ActImpl): Act {
  const { paired } = act;
  return paired === undefined ? new ActHandle(act) : (paired.handle ??= new ActHandle(act));
}

/** The act behind what was handed out; `undefined` for anything else. */
export function actOf(handle: unknown): ActImpl | undefined {
  return typeof handle === "object" && handle !== null ? ActHandle.actOf(handle) : undefined;
}
