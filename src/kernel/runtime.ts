import { isReadOnly } from "../combine/guard-traits.ts";
import { partsAt, sequence } from "../combine/compile.ts";
import { type Deny, denyHere, isThenable } from "../base/decision.ts";
import type { Guard } from "../base/guard.ts";
import { ownField } from "../base/own.ts";
import type { Stage } from "../base/request.ts";
import { capsOf } from "../snapshot/caps.ts";
import { ignoreFailure } from "../base/taking.ts";
import type { Core, Gate, Gates, ReadSink } from "./engine.ts";
import type { AuditRecord } from "./records.ts";

/** The gate after each gate. */
export const RESPONSE: Readonly<Record<"input" | "pre_model_call" | "pre_tool_call", Stage>> = {
  input: "output",
  pre_model_call: "post_model_call",
  pre_tool_call: "post_tool_call",
};

/** Gates that are all still to be compiled; of one shape, so that finding one is a look at a field. */
export function createGates(): Gates {
  const none = undefined as unknown as Gate;
  return {
    agent_startup: none,
    input: none,
    pre_model_call: none,
    post_model_call: none,
    pre_tool_call: none,
    post_tool_call: none,
    output: none,
    agent_shutdown: none,
  };
}

/**
 * The gate of a stage, if it was compiled. Looked up by cases: a field whose name differs from call to call is looked
 * up in a table.
 */
export function gateIn(gates: Gates, stage: Stage): Gate | undefined {
  switch (stage) {
    case "pre_tool_call":
      return gates.pre_tool_call;
    case "post_tool_call":
      return gates.post_tool_call;
    case "pre_model_call":
      return gates.pre_model_call;
    case "post_model_call":
      return gates.post_model_call;
    default:
      return gates[stage];
  }
}

/** Compiles the guards that judge at a stage; interceptors too are shown what was judged. */
export function createGate(
  guards: readonly Guard[],
  stage: Stage,
  { interceptor, caps, observers }: Pick<Core, "interceptor" | "caps" | "observers">,
): Gate {
  const parts = partsAt(guards, stage);
  // What the act was given is shown to the guards after it too, and must be what was judged, whatever the act does to
  // its own copy.
  const after = ownField(RESPONSE, stage as keyof typeof RESPONSE);
  const shown = after === undefined ? parts : [...parts, ...partsAt(guards, after)];
  return {
    guards: parts,
    judge: sequence(parts),
    caps: capsOf(stage, caps),
    observers: observers.filter(({ stages }) => stages.includes(stage)),
    needsTwin: interceptor !== undefined || !shown.every(isReadOnly),
  };
}

/**
 * Writes a record to every sink, with the payload where one asks for it; answers a denial if one could not take it.
 * `took` gets those that could.
 */
export function writeRecord(
  sinks: readonly ReadSink[],
  record: AuditRecord,
  payload?: unknown,
  took?: ReadSink[],
): Deny | undefined {
  let failed: Deny | undefined;
  for (const sink of sinks) {
    const { name, payloads, write } = sink;
    try {
      const answer: unknown = write(payloads && payload !== undefined ? { ...record, payload } : record);
      if (!isThenable(answer)) {
        took?.push(sink);
        continue;
      }
      ignoreFailure(answer);
      // It may still fail, and by then the act has run.
      failed ??= denyHere(
        "audit_unavailable",
        "The audit record was not written at once",
        new TypeError(`Sink "${name}" answered a promise`),
      );
    } catch (error) {
      failed ??= denyHere("audit_unavailable", "The audit record could not be written", error);
    }
  }
  return failed;
}

/** Waits until sinks have kept what was written to them; answers a denial if one could not. */
export async function untilStored(sinks: readonly ReadSink[]): Promise<Deny | undefined> {
  try {
    await Promise.all(sinks.map(({ stored }) => stored?.()));
    return undefined;
  } catch (error) {
    return denyHere("audit_unavailable", "The audit record could not be stored", error);
  }
}
