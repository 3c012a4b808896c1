import { sessionInit } from "./calls.ts";
import { show, wrong } from "../base/check.ts";
import { SessionState } from "../base/context.ts";
import { refuseOtherCopy } from "../base/copy.ts";
import { NO_POLICY } from "../base/no-policy.ts";
import type { Core } from "./engine.ts";
import { violation } from "../base/errors.ts";
import { Scope } from "./scope.ts";
import type { SessionParts } from "./seam.ts";
import { SessionImpl } from "./session.ts";
import type { Session, SessionInit } from "./types.ts";
import { type Caps, Fault, lastMet, snapshot, takeTwin } from "../snapshot/snapshot.ts";
import { randomText } from "../crypto/bytes.ts";

const WHERE = "session()";
const AGENT_ID = /^[a-zA-Z0-9_-]+$/;
const DEEPEST = 16;
const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});
const prefixes = new WeakMap<Core, { readonly prefix: string; count: number }>();

/** Checks what a session is made of, and makes it. */
export function openSession(core: Core, given: SessionInit): Session {
  if (core.live.closed !== undefined) throw violation("agent_startup", core.live.closed);
  // A session that is handed in where its making was expected.
  refuseOtherCopy(WHERE, "init", given);
  // Each field once, and its own alone.
  const init = sessionInit(given, core.openers.keys);
  const { signal, sessionId, metadata, parent: outer } = init;
  refuseOtherCopy(WHERE, "parent", outer);
  const parent = outer === undefined ? undefined : SessionImpl.scopeOf(outer);
  if (outer !== undefined && parent?.core !== core) throw wrong(WHERE, "parent", "a session of this kernel", outer);
  if (parent !== undefined && parent.depth >= DEEPEST) {
    throw new RangeError(`Cannot build ${WHERE}: sessions may be ${DEEPEST} deep`);
  }
  const parts: SessionParts = { agent: undefined, policy: parent?.context.policy ?? NO_POLICY, guards: [] };
  for (const open of core.openers.open) open(init, parts, parent?.handle);
  const { agent, policy } = parts;
  const agentId = init.agentId ?? (agent === undefined ? parent?.context.agentId : lastSegment(agent.did));
  if (typeof agentId !== "string" || !AGENT_ID.test(agentId)) {
    throw wrong(WHERE, "agentId", "letters, digits, _ and -", agentId);
  }
  if (agent !== undefined && agentId !== lastSegment(agent.did)) {
    throw wrong(
      WHERE,
      "agentId",
      `absent or ${show(lastSegment(agent.did))}, the last segment of the profile's DID`,
      agentId,
    );
  }
  if (sessionId !== undefined && (typeof sessionId !== "string" || sessionId === "")) {
    throw wrong(WHERE, "sessionId", "a string that is not empty", sessionId);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrong(WHERE, "signal", "an AbortSignal", signal);

  const time = core.clock();
  const state = new SessionState(time, core.clock, parent?.state);
  state.caps = core.caps;
  const scope = new Scope(core, parent, parts.guards, {
    agentId,
    agentKey: agent?.did ?? agentId,
    sessionId: sessionId ?? nextId(core),
    agent,
    policy,
    metadata: metadata === undefined ? parent?.context.metadata ?? NOTHING : plainMetadata(metadata, core.caps.run),
    state,
  }, signal);
  state.price = core.price;
  state.store = core.limits;
  for (const opened of core.openers.opened) opened(init, scope.handle);
  scope.begin();
  return new SessionImpl(scope, openSession);
}

function lastSegment(did: string): string {
  return did.slice(did.lastIndexOf(":") + 1);
}

/** Unique in the process and, by its random part, between processes. */
function nextId(core: Core): string {
  let ids = prefixes.get(core);
  if (ids === undefined) prefixes.set(core, ids = { prefix: randomText(12), count: 0 });
  return `${ids.prefix}-${++ids.count}`;
}

function plainMetadata(metadata: Readonly<Record<string, unknown>>, caps: Caps): Readonly<Record<string, unknown>> {
  const copy = snapshot(metadata, caps, true);
  const isSoft = lastMet() === "soft";
  const frozen = takeTwin();
  if (copy instanceof Fault) throw wrong(WHERE, "metadata", `plain data (${copy.path}: ${copy.what})`, metadata);
  if (typeof copy !== "object" || copy === null || Array.isArray(copy)) {
    throw wrong(WHERE, "metadata", "an object", metadata);
  }
  // Whoever sees it sees the same all along, and a date or a map could be changed.
  if (isSoft) throw wrong(WHERE, "metadata", "data that can be frozen, without dates, maps or bytes", metadata);
  return frozen as Readonly<Record<string, unknown>>;
}
