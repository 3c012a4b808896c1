import type { DecisionCode } from "../base/decision.ts";
import type { ActionGuard, AgentProfile } from "./agent.ts";
import { Profile } from "./profile-object.ts";
import { missing } from "./covers.ts";
import { type Facts, readFacts, strings } from "./read-profile.ts";
import { MAX_ACTION, type Plan } from "./compile-rules.ts";

/** An answer without the circumstances: an empty code allows. */
export interface Verdict {
  readonly code: DecisionCode;
  readonly reason: string;
}

/** The verdict that allows; one object, so that allowing allocates nothing. */
export const ALLOWED: Verdict = { code: "", reason: "" };

/** Judges an agent's action without making a result. */
export type Judge = (agent: AgentProfile, action: string) => Verdict;

const judges = new WeakMap<ActionGuard, Judge>();

/** Remembers the judge behind an action guard of ours. */
export function registerJudge(guard: ActionGuard, judge: Judge): void {
  judges.set(guard, judge);
}

/** The judge behind an action guard; `undefined` for one that is not ours. */
export function judgeOf(guard: ActionGuard): Judge | undefined {
  return judges.get(guard);
}

const PRINTABLE = /^[\w.:/ -]{1,128}$/;
const MISNAMED = "The action is blocked by policy: its name may hold letters, digits and _ . : / - only";
const STOPPED: readonly unknown[] = ["suspended", "revoked"];

function no(code: DecisionCode, reason: string): Verdict {
  return { code, reason };
}

function blocked(action: string): Verdict {
  // A name that could break a line of a log, or steer a terminal, is not repeated.
  return no(
    "action_blocked",
    PRINTABLE.test(action) ? `Action '${action}' is blocked by policy` : "The action is blocked by policy",
  );
}

/** The denial of an agent that is not `active`. */
export function notActive(status: unknown): Verdict {
  return no(
    "agent_not_active",
    STOPPED.includes(status) ? `Agent status is '${String(status)}'` : "Agent status is not 'active'",
  );
}

/** The denial of an agent whose score is not high enough, or no score. */
export function tooLow(score: number, threshold: number): Verdict {
  const what = Number.isNaN(score) ? "Trust score is no whole number from 0 to 1000, and so" : `Trust score ${score}`;
  return no("trust_too_low", `${what} below threshold ${threshold}`);
}

/** The denial of an agent that lacks some of what is wanted; names none of it, since reasons reach models and peers. */
export function lacking(count: number, of: number): Verdict {
  return no("missing_capabilities", `Missing capabilities: ${count} of ${of} required`);
}

/** The denial of an agent that names nobody, or of which nothing can be known. */
export function nobody(why = "The agent has no well-formed DID"): Verdict {
  return no("identity_unverified", why);
}

/** The order of the gate: blocked action, who it is, status, threshold, capabilities. */
export function judge(
  plan: Plan,
  agent: AgentProfile | Facts,
  score: number,
  action: string,
  also: unknown,
  hierarchical: boolean,
): Verdict {
  if (plan.blocked) return blocked(action);
  if (!plan.isNamed) return no("action_blocked", MISNAMED);
  if (agent.did === "") return nobody((agent as Facts).stranger);
  if (agent.status !== "active") return notActive(agent.status);
  // Written so that NaN, which is neither below nor above anything, does not pass.
  if (!(score >= plan.threshold)) return tooLow(score, plan.threshold);
  const held = agent.capabilities;
  if (held === undefined) {
    return no(
      "missing_capabilities",
      "Missing capabilities: what the agent holds is no list of strings that are not empty",
    );
  }
  const { required } = plan;
  let count = required.length === 0 ? 0 : missing(held, required, hierarchical);
  let total = required.length;
  if (also !== undefined && also !== null) {
    const wanted = strings(also);
    if (wanted === undefined) {
      return no("missing_capabilities", "Missing capabilities: what is required is no list of strings");
    }
    if (wanted.includes("")) return no("missing_capabilities", "Missing capabilities: one that is required is empty");
    count += missing(held, wanted, hierarchical);
    total += wanted.length;
  }
  return count === 0 ? ALLOWED : lacking(count, total);
}

/** What is judged of an agent: a profile of ours as it stands, else what could be read of it. */
export function factsOf(agent: AgentProfile): AgentProfile | Facts {
  return Profile.is(agent) ? agent : readFacts(agent);
}

/** The score in what {@linkcode factsOf} answered; read once, since it may fall with time. */
export function scoreOf(facts: AgentProfile | Facts): number {
  return Profile.is(facts) ? facts.trustScore : (facts as Facts).score;
}

/** The denial of something that is no action's name; `undefined` when it is one. */
export function misnamed(action: unknown): Verdict | undefined {
  if (typeof action === "string" && action.length >= 1 && action.length <= MAX_ACTION) return undefined;
  return no(
    "action_blocked",
    `The action is blocked by policy: its name is not a string of 1 to ${MAX_ACTION} characters`,
  );
}
