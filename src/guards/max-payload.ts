import { knownKeys, wholeNumber } from "../check.ts";
import { onlyReads } from "../combine/parts.ts";
import { faultDenial } from "../combine/fold.ts";
import { allow } from "../decision.ts";
import { defineGuard, type Guard } from "../guard.ts";
import { type Caps, capsOf, Fault, snapshot } from "../snapshot/snapshot.ts";

/**
 * Denies payloads beyond a size, at every gate. The gates' own caps stay: this can only be tighter.
 *
 * `bytes` counts the length of all strings, keys included, in UTF-16 code units; `depth` the levels of objects and
 * arrays;
 * `nodes` the values of any kind. What is absent is not limited here.
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
  options: { readonly bytes?: number; readonly depth?: number; readonly nodes?: number },
): Guard {
  knownKeys("maxPayload()", options, ["bytes", "depth", "nodes"]);
  const { bytes, depth, nodes } = options;
  if (bytes === undefined && depth === undefined && nodes === undefined) {
    throw new TypeError('Cannot build maxPayload(): one of "bytes", "depth" and "nodes" must be given');
  }
  // No gate lets more pass than a model gate, so nothing beyond its caps needs measuring: a payload that goes by
  // reference may be endless.
  const most = capsOf("pre_model_call");
  const read = (field: string, value: number | undefined, cap: number): number =>
    value === undefined ? cap : Math.min(cap, wholeNumber("maxPayload()", field, value, 0));
  const caps: Caps = {
    chars: read("bytes", bytes, most.chars),
    depth: read("depth", depth, most.depth),
    nodes: read("nodes", nodes, most.nodes),
  };
  return onlyReads(defineGuard({
    name: "maxPayload",
    check: ({ payload }) => {
      const copy = snapshot(payload, caps, false);
      // What is not plain has been let through by its gate, and cannot be measured.
      return copy instanceof Fault && copy.code === "payload_too_large" ? faultDenial(copy) : allow();
    },
  }));
}
