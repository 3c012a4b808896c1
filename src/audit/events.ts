import type { ApprovalRequest } from "../approval/request.ts";
import type { GateEvent } from "../base/events.ts";
import type { PluginHost } from "../kernel/seam.ts";
import type { DecisionRecord, OutcomeRecord } from "../kernel/records.ts";
import type { Body } from "./entry.ts";

/** Writes what a kernel tells beyond decisions and outcomes into the same log. */
export function listen(host: PluginHost, add: (body: Body, timestamp: number) => void): () => void {
  host.opening({
    opened: (_init, session) => {
      const { sessionId, agentKey } = session.context;
      const parentId = session.parent?.context.sessionId;
      const body: Body = { kind: "session", event: "opened", sessionId, agentKey };
      add(parentId === undefined ? body : { ...body, parentId }, session.now());
    },
  });
  const ends = [
    host.on("approval_requested", (event) => {
      add({ ...aboutApproval(event), event: "requested", codes: event.approval.codes }, event.timestamp);
    }),
    host.on("approval_resolved", (event) => {
      const { approved, by, grants } = event;
      add({
        ...aboutApproval(event),
        event: "resolved",
        approved,
        ...(by === undefined ? {} : { by }),
        grants,
      }, event.timestamp);
    }),
    host.on("agent_signal", ({ agent, signal, timestamp }) => add({ kind: "signal", signal, agent }, timestamp)),
    host.on("trust_changed", ({ did, outcome, newScore, timestamp }) => {
      add({ kind: "trust", agent: did, outcome, score: newScore }, timestamp);
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}

/** What the end of a session is told by: the record of the gate there. */
export function closedSession({ sessionId, agentKey }: DecisionRecord | OutcomeRecord): Body {
  return { kind: "session", event: "closed", sessionId, agentKey };
}

function aboutApproval(event: GateEvent & { readonly approval: ApprovalRequest }): {
  readonly kind: "approval";
  readonly id: string;
  readonly digest: string;
} & Pick<GateEvent, "agentKey" | "sessionId" | "stage" | "name" | "callId"> {
  const { agentKey, sessionId, stage, name, callId, approval: { id, digest } } = event;
  return { kind: "approval", id, digest, agentKey, sessionId, stage, name, callId };
}
