import { ownField } from "../base/own.ts";
import { compileGlobs, type GlobTest } from "../base/glob.ts";
import type { EndedAct, PluginHost, SessionHandle } from "../kernel/seam.ts";
import { knownTo } from "../rules/facts.ts";
import { asksForKnown } from "../rules/known-rules.ts";
import type { GovernancePolicy } from "./policy.ts";

/** What a policy makes of where values come from. */
interface Sources {
  readonly isTrusted: GlobTest;
  readonly isUntrusted: GlobTest;
  /** Whether a rule asks what is known: nothing is kept otherwise. */
  readonly isAsked: boolean;
}

const compiled = new WeakMap<GovernancePolicy, Sources>();

function sourcesOf(policy: GovernancePolicy): Sources {
  let sources = compiled.get(policy);
  if (sources === undefined) {
    sources = {
      isTrusted: compileGlobs(policy.trustedTools),
      isUntrusted: compileGlobs(policy.untrustedTools, true),
      isAsked: policy.rules.some(asksForKnown),
    };
    compiled.set(policy, sources);
  }
  return sources;
}

/**
 * Follows where values come from: what a session's user said and trusted tools answered is known to rules; what
 * untrusted tools answered, and runs marked as untrusted, taint the session.
 */
export function followSources(host: PluginHost): void {
  host.input((session, { content, metadata, isRun }) => {
    if (isRun && ownField(metadata, "untrusted") === true) session.taint();
    // The input of a child was written by a model.
    else if ((!isRun || session.parent === undefined) && sourcesOf(session.context.policy).isAsked) {
      knownTo(session.context).learn(content);
    }
  });
  host.observe({
    stages: ["post_tool_call"],
    isNeeded: ({ context: { policy } }) => policy.untrustedTools.length > 0 || policy.trustedTools.length > 0,
    ended: (session, act) => void heard(session, act),
  });
}

function heard(session: SessionHandle, { name, result, isError, isAllowed }: EndedAct): void {
  const { isTrusted, isUntrusted, isAsked } = sourcesOf(session.context.policy);
  if (!isTrusted(name)) {
    if (isUntrusted(name)) session.taint();
  } else if (isAsked && isAllowed && !isError) knownTo(session.context).learn(result);
}
