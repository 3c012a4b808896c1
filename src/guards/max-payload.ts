import { ownOptions, wholeNumber } from "../base/check.ts";
import { onlyReads } from "../combine/guard-traits.ts";
import { faultDenial } from "../combine/fold-decisions.ts";
import { stateOf } from "../base/context.ts";
import { allow } from "../base/decision.ts";
import { defineGuard, type Guard } from "../base/guard.ts";
import { type Caps, capsOf } from "../snapshot/caps.ts";
import { Fault, snapshot } from "../snapshot/snapshot.ts";

/**
 * Denies payloads beyond a size, at every gate. The gates' own caps stay: this can only be tighter.
 *
 * `bytes` counts the length of all strings, keys included, in UTF-16 code units; `depth` the levels of objects and
 * arrays; `nodes` the values of any kind. What is absent is not limited here.
 * Denies with `payload_too_large`.
 *
 * @throws {RangeError | TypeError} If nothing is given, something unknown is, or a limit is not a whole number >= 0.
 * @example Usage
 * ```ts
 * import { createKernel, maxPayload } from "@sallyport/sallyport";
 * import assert from "node:assert/strict";
 *
 * const session = createKernel({ guards: [maxPayload({ bytes: 10 })] }).session({ agentId: "a" });
 * const decision = await session.check({ stage: "input", name: "execute", payload: "a text that is too long" });
 * assert.equal(decision.effect === "deny" && decision.code, "payload_too_large");
 * ```
 */
export function maxPayload(
  options: {
    readonly bytes?: number;
    readonly depth?: number;
    readonly nodes?: number;
  },
): Guard {
  const { bytes, depth, nodes } = ownOptions("maxPayload()", options, FIELDS);
  if (bytes === undefined && depth === undefined && nodes === undefined) {
    throw new TypeError('Cannot build maxPayload(): one of "bytes", "depth" and "nodes" must be given');
  }
  const read = (field: string, value: number | undefined): number =>
    value === undefined ? Infinity : wholeNumber("maxPayload()", field, value, 0);
  const own: Caps = {
    chars: read("bytes", bytes),
    depth: read("depth", depth),
    nodes: read("nodes", nodes),
    binaryBytes: Infinity,
    option: "maxPayload",
  };
  return onlyReads(defineGuard({
    name: "maxPayload",
    check: ({ stage, payload }, context) => {
      // Nothing beyond its gate's caps was let through, so what is not limited here is within those.
      const gate = capsOf(stage, stateOf(context).caps);
      const copy = snapshot(payload, narrowed(own, gate), false);
      // What is not plain cannot be measured, and no gate lets it come here.
      return copy instanceof Fault && copy.code === "payload_too_large" ? faultDenial(copy, stage) : allow();
    },
  }));
}

const FIELDS = ["bytes", "depth", "nodes"] as const;

function narrowed(own: Caps, gate: Caps): Caps {
  return {
    chars: Math.min(own.chars, gate.chars),
    depth: Math.min(own.depth, gate.depth),
    nodes: Math.min(own.nodes, gate.nodes),
    binaryBytes: Math.min(own.binaryBytes, gate.binaryBytes),
    option: own.option,
  };
}
