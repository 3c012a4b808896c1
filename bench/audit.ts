/**
 * What does an audit trail add to a tool call, what does sealing a record cost, and verifying one?
 *
 * `session.tool` with the three real guards around an asynchronous tool: nobody listening, a sink that keeps its
 * records, one that chains their
 * hashes one by one, a listener. Next to `executeWithGovernance` of another project, which judges the name only and
 * keeps a chain of hashes.
 */
import { createHash } from "node:crypto";
import process from "node:process";
import { createAuditKey, createAuditLog, memorySink, verifyAuditLog } from "../src/audit/mod.ts";
import {
  type AuditRecord,
  type AuditSink,
  createKernel,
  definePlugin,
  type Kernel,
  type Plugin,
  type PluginHost,
  rateLimit,
} from "../mod.ts";
import { ask, type Contestant } from "./harness/ask.ts";
import { record } from "./harness/record.ts";
import { isQuick, median, quantile } from "./harness/time.ts";
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

const key = await createAuditKey("example.com/bench");
/** A log in a memory that has an end. Its queue has room for all that a loop without a pause hands in. */
const sealing = () => createAuditLog({ signers: key, to: memorySink({ maxEntries: KEPT }), maxQueued: 1e7 });
const log = sealing();

const contestants: Record<string, Contestant<Call, boolean>> = {
  "await tool()": { run: ({ payload }) => tool(payload), read: (result) => typeof result === "number" },
  "session.tool, nobody listening": governed(kernelWith([])),
  "session.tool, a listener": governed(heard),
  "session.tool, records kept": governed(kernelWith([sinkOf("ring", keep)])),
  "session.tool, records hashed one by one": governed(kernelWith([sinkOf("chain", chain)])),
  "session.tool, an audit log": governed(kernelWith([log])),
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
  promises: [{ of: "session.tool, an audit log", against: "session.tool, nobody listening", most: 2.5 }],
});
await log.close();
if (written.count < 4 || written.hash === "") throw new Error("Records must be written");

/** As many records as a batch has. */
const BATCH = 1000;
const records: AuditRecord[] = [];
const recording = kernelWith([sinkOf("list", (one) => void records.push(one))]).session({ agentId: "bench" });
while (records.length < BATCH) await recording.tool({ name: "search", arguments: SMALL }, tool);
records.length = BATCH;

/** The sink that a log gives to its kernels. */
function sinkFrom(plugin: Plugin): AuditSink {
  let sink: AuditSink | undefined;
  const host: Partial<PluginHost> = {
    clock: Date.now,
    sink: (one) => void (sink = one),
    on: () => () => undefined,
    opening: () => undefined,
  };
  plugin.setup?.(host as PluginHost);
  if (sink === undefined) throw new Error("A log must give a sink");
  return sink;
}

const open = sealing();
const sink = sinkFrom(open);
const seal = async (): Promise<number> => {
  for (let at = 0; at < BATCH; at++) sink.write(records[at] as AuditRecord);
  if (await open.flush() === undefined) throw new Error("Everything must be stored");
  return BATCH;
};
const chainAll = (): number => {
  for (let at = 0; at < BATCH; at++) chain(records[at] as AuditRecord);
  return BATCH;
};
await ask<AuditRecord[], number>({
  title: "a thousand records, written until they are sealed, signed and stored",
  isAwaited: true,
  cases: [[records, BATCH]],
  against: "JSON.stringify and createHash, in a chain",
  contestants: {
    "JSON.stringify and createHash, in a chain": { run: chainAll },
    "an audit log": { run: seal },
  },
  promises: [{ of: "an audit log", against: "JSON.stringify and createHash, in a chain", most: 2 }],
});

const whole = memorySink({ maxEntries: 1e6 });
const verified = createAuditLog({ signers: key, to: whole });
const into = sinkFrom(verified);
for (let batch = 0; batch < 5; batch++) for (const one of records) into.write(one);
await verified.close();
const text = whole.text();

/** What verifying does of necessity: each line parsed, hashed as a leaf, and with another hash as a node. */
function parseAndHash(log: string): number {
  const node = new Uint8Array(65);
  node[0] = 1;
  let entries = 0;
  for (const line of log.split("\n")) {
    if (line === "" || (JSON.parse(line) as { seq?: number }).seq === undefined) continue;
    node.set(createHash("sha256").update("\0").update(line).digest(), 1);
    node.set(createHash("sha256").update(node).digest(), 33);
    entries++;
  }
  return entries;
}
const entries = 5 * BATCH + 2;
await ask<string, number>({
  title: "a log of five thousand records, verified",
  isAwaited: true,
  cases: [[text, entries]],
  against: "parsed and hashed by hand",
  contestants: {
    "parsed and hashed by hand": { run: parseAndHash },
    verifyAuditLog: {
      run: (log) => verifyAuditLog(log, { keys: [key.vkey] }),
      read: (answer) => {
        const found = answer as Awaited<ReturnType<typeof verifyAuditLog>>;
        return found.ok && found.signed ? found.entries : 0;
      },
    },
  },
  promises: [{ of: "verifyAuditLog", against: "parsed and hashed by hand", most: 2 }],
});

// Does the millionth record cost what the first ones did? Of the processor's time, which others do not add to.
const windows: number[] = [];
for (let window = 0; window < (isQuick ? 100 : 1000); window++) {
  const start = process.cpuUsage();
  await seal();
  const { user, system } = process.cpuUsage(start);
  windows.push(((user + system) * 1000) / BATCH);
}
const tenth = windows.length / 10;
// The first tenth is the compiler's.
const [early, late] = [windows.slice(tenth, 2 * tenth), windows.slice(-tenth)];
const figure = (name: string, list: readonly number[]) => ({
  name,
  median: median(list),
  low: quantile(list, 0.25),
  high: quantile(list, 0.75),
});
record({
  title: `a record, in windows of ${BATCH}, ${windows.length} of them in a memory of ${KEPT}`,
  unit: "ns",
  figures: [figure("early windows", early), figure("late windows", late)],
  promises: [{
    of: "late windows",
    against: "early windows",
    unit: "x",
    found: median(late) / median(early),
    most: 1.5,
  }],
});
await open.close();
