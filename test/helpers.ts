import type { ExecutionContext } from "../src/base/context.ts";
import { allow, type Decision, deny } from "../src/base/decision.ts";
import type { Guard, Taking } from "../src/base/guard.ts";
import type { GovernancePolicy } from "../src/policy/policy.ts";
import type { GovernedRequest, TokenUsage } from "../src/base/request.ts";

/** A request made by hand: a call of the tool `search` with no arguments, unless said otherwise. */
export function request(fields: Partial<GovernedRequest> = {}): GovernedRequest {
  return { stage: "pre_tool_call", name: "search", payload: {}, callId: "#1", metadata: {}, ...fields };
}

/** A context made by hand, of a session without a kernel. Guards that keep counts keep them per context. */
export function context(fields: Partial<ExecutionContext> = {}): ExecutionContext {
  return {
    agentId: "tester",
    agentKey: "tester",
    sessionId: "session-1",
    policy: Object.freeze({ name: "by hand", version: "1.0.0" }) as unknown as GovernancePolicy,
    startTime: Date.now(),
    tainted: false,
    callCount: 0,
    toolCallCount: 0,
    modelCallCount: 0,
    totalTokens: 0,
    costUsd: 0,
    checkpoints: [],
    signal: new AbortController().signal,
    metadata: {},
    ...fields,
  };
}

/** A taking that shows what it holds, and plays the session: it gives everything back or settles it. */
export class RecordingTaking implements Taking {
  readonly dry: boolean;
  /** How often a guard took. */
  taken = 0;
  readonly #held: {
    readonly giveBack: () => void;
    readonly settle: ((usage: TokenUsage | undefined) => void) | undefined;
  }[] = [];

  constructor(dry = false) {
    this.dry = dry;
  }

  /** How many takings are held now. */
  get held(): number {
    return this.#held.length;
  }

  take(giveBack: () => void, settle?: (usage: TokenUsage | undefined) => void): void {
    this.taken++;
    this.#held.push({ giveBack, settle });
  }

  /** What a session does when the act is denied or cancelled. */
  giveBack(): void {
    for (const one of this.#held.splice(0).toReversed()) one.giveBack();
  }

  /** What a session does when the act has ended. */
  settle(usage?: TokenUsage): void {
    for (const one of this.#held.splice(0)) one.settle?.(usage);
  }
}

/** A fresh taking that shows what it holds. */
export function taking(dry = false): RecordingTaking {
  return new RecordingTaking(dry);
}

/** Asks a guard about a request made by hand. */
export function ask(
  guard: Guard,
  fields: Partial<GovernedRequest> = {},
  where: ExecutionContext = context(),
  take: Taking = taking(),
): Decision | Promise<Decision> {
  return guard(request(fields), where, take);
}

/** A guard that always gives the same answer, at once or later, and counts how often it was asked. */
export function answering(name: string, answer: unknown, later = false): Guard & { readonly asked: GovernedRequest[] } {
  const asked: GovernedRequest[] = [];
  const guard = (seen: GovernedRequest): Decision | Promise<Decision> => {
    asked.push(seen);
    return (later ? Promise.resolve(answer) : answer) as Decision;
  };
  return Object.assign(guard, { guardName: name, asked });
}

/** A guard with a limit, as the built-in ones are: takes in the same step in which it judges. */
export function limited(
  name: string,
  max: number,
  later = false,
): Guard & { readonly count: { held: number; settled: number } } {
  const count = { held: 0, settled: 0 };
  const judge = (take: Taking): Decision => {
    if (count.held >= max) return deny("limit", `${name} is used up`);
    if (!take.dry) {
      count.held++;
      take.take(() => void count.held--, () => void count.settled++);
    }
    return allow();
  };
  return Object.assign(
    ((_request, _context, take) => (later ? Promise.resolve().then(() => judge(take)) : judge(take))) as Guard,
    { guardName: name, count },
  );
}
