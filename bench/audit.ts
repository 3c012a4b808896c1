/**
 * What does an audit trail add to a tool call?
 *
 * `session.tool` with the three real guards around an asynchronous tool: nobody listening, a sink that keeps its
 * records, one that chains their
 * hashes one by one, a listener. Next to `executeWithGovernance` of another project, which judges the name only and
 * keeps a chain of hashes.
 */
import { createHash } from "node:crypto";
import { type AuditRecord, createKernel, definePlugin, type Kernel, type Plugin, rateLimit } from "../mod.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { peer } from "./harness/peers.ts";
import { type Call, PATTERNS, SMALL, TOOLS, UNLIMITED } from "./harness/scenario.ts";

interface AgentGovernance {
  AgentMeshClient: {
    create(
      id: string,
      options: object,
    ): {
      executeWithGovernance(action: string, params: object): Promise<{ decision: string }>;
      audit: { length: number };
    };
  };
}

let runs = 0;
const tool = async (payload: unknown): Promise<number> => {
  if (payload === undefined) throw new TypeError("The tool needs its arguments");
  return ++runs;
};

/** As many records as are kept: the oldest is written over. */
const KEPT = 10_000;
const written = { count: 0, ring: new Array<unknown>(KEPT), hash: "" };
const sinkOf = (name: string, write: (record: AuditRecord) => void): Plugin =>
  definePlugin({ name, setup: (host) => host.sink({ name, write }) });
const keep = (record: unknown): void => void (written.ring[written.count++ % KEPT] = record);
const chain = (record: AuditRecord): void => {
  const hash = createHash("sha256").update(`${written.hash}\n${JSON.stringify(record)}`).digest("hex");
  written.hash = hash;
  keep({ record, hash });
};

const kernelWith = (plugins: readonly Plugin[]): Kernel =>
  createKernel({
    policy: { ...UNLIMITED, allowedTools: TOOLS, blockedPatterns: PATTERNS },
    guards: [rateLimit({ max: 1e12, windowMs: 1000 })],
    plugins,
  });
const governed = (kernel: Kernel): Contestant<Call, boolean> => {
  const session = kernel.session({ agentId: "bench" });
  return {
    run: ({ name, payload }) => session.tool({ name, arguments: payload }, tool),
    read: (result) => typeof result === "number",
  };
};
const heard = kernelWith([]);
heard.on("policy_check", keep);

const contestants: Record<string, Contestant<Call, boolean>> = {
  "await tool()": { run: ({ payload }) => tool(payload), read: (result) => typeof result === "number" },
  "session.tool, nobody listening": governed(kernelWith([])),
  "session.tool, a listener": governed(heard),
  "session.tool, records kept": governed(kernelWith([sinkOf("ring", keep)])),
  "session.tool, records hashed one by one": governed(kernelWith([sinkOf("chain", chain)])),
};
const agt = await peer<AgentGovernance>("@microsoft/agent-governance-sdk");
if (agt !== undefined) {
  for (
    const [what, maxEntries, before] of [["a log of 100", 100, 0], ["its full log of 10 000", 10_000, 10_001]] as const
  ) {
    const client = agt.AgentMeshClient.create("bench", {
      policyRules: TOOLS.map((action) => ({ action, effect: "allow" })),
      audit: { maxEntries },
    });
    for (let at = 0; at < before; at++) await client.executeWithGovernance("search", {});
    contestants[`executeWithGovernance, ${what}`] = {
      run: async (
        { name, payload },
      ) => ((await client.executeWithGovernance(name, payload as object)).decision === "allow"
        ? await tool(payload)
        : "denied"),
      read: (result) => typeof result === "number",
    };
  }
}

await ask<Call, boolean>({
  title: "a tool call with three real guards, by who keeps what of it",
  isAwaited: true,
  cases: [[{ name: "search", payload: SMALL }, true]],
  against: "session.tool, nobody listening",
  contestants,
});
if (written.count < 4 || written.hash === "") throw new Error("Records must be written");
