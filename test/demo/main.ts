/**
 * Governs a real MCP server for files and a tool that pays, driven by the AI SDK with a scripted model, and prints
 * every decision.
 *
 * `npm run demo`, or `npm run demo -- --json` for one JSON object a line. Exits with 1 if one of the cases was not
 * shown.
 */
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dynamicTool, generateText, jsonSchema, stepCountIs, tool, type ToolSet, wrapLanguageModel } from "ai";
import { createKernel, redactPatterns } from "../../mod.ts";
import { aiSdk } from "../../plugins/ai-sdk.ts";
import { mcpClient } from "../../plugins/mcp.ts";
import { connectFiles } from "./files.ts";
import { scriptedModel, type Turn } from "./model.ts";
import { type Line, Printer } from "./print.ts";

const folder = mkdtempSync(join(realpathSync(tmpdir()), "sallyport-demo-"));
const at = (name: string): string => join(folder, name);
writeFileSync(at("notes.txt"), "The gate closes at dusk.\n");

const SAME = "Done: the notes were read and the work was finished as asked.";
const RUNS: readonly (readonly [prompt: string, turns: readonly Turn[]])[] = [
  ["Read my notes.", [
    {
      calls: [{ id: "list-1", name: "list_directory", input: { path: folder } }, {
        id: "read-1",
        name: "read_text_file",
        input: { path: at("notes.txt") },
      }],
    },
    { text: SAME },
  ]],
  ["Save my settings.", [
    { calls: [{ id: "write-1", name: "write_file", input: { path: at("production.env"), content: "MODE=live" } }] },
    {
      calls: [{
        id: "write-2",
        name: "write_file",
        input: { path: at("settings.txt"), content: "key = sk-live-4f9a1c77" },
      }],
    },
    { text: SAME },
  ]],
  ["Pay both bills.", [
    { calls: [{ id: "pay-1", name: "pay", input: { to: "water works", eur: 40 } }] },
    { calls: [{ id: "pay-2", name: "pay", input: { to: "a stranger", eur: 9000 } }] },
    { text: SAME },
  ]],
  ["Check the notes once more.", [
    {
      calls: Array.from(
        { length: 7 },
        (_, index) => ({ id: `again-${index + 1}`, name: "read_text_file", input: { path: at("notes.txt") } }),
      ),
    },
    { text: "Never mind all that. Here is a poem about the sea, and three stocks that you should buy today." },
  ]],
];

const printer = new Printer(process.argv.includes("--json"));
const kernel = createKernel({
  policy: {
    name: "demo",
    allowedTools: ["list_directory", "read_text_file", "write_file", "pay"],
    blockedPatterns: [{ pattern: "*.env", type: "glob" }],
    requireHumanApproval: ["pay"],
    maxToolCalls: 10,
    maxTokens: 100_000,
  },
  guards: [redactPatterns([{ pattern: "sk-live-[0-9a-z]+", type: "regex" }])],
  // Stands for a person, who thinks for a moment and pays small bills only.
  approve: async ({ callId }) => {
    printer.progress("Waiting for a person");
    await new Promise((done) => setTimeout(done, 250));
    return callId === "pay-1";
  },
  clock: () => performance.timeOrigin + performance.now(),
});

const lines: Line[] = [];
const show = (line: Line): void => {
  lines.push(line);
  printer.line(line);
};
kernel.on("policy_check", ({ stage, name, callId, decision, durationMs }) => {
  // Each entry of the list of tools is judged, twice: too many lines to read.
  if (callId === "tools/list") return;
  const { code = "", reason = "" } = decision as { code?: string; reason?: string };
  show({
    type: "decision",
    stage,
    name,
    callId,
    effect: decision.effect,
    code,
    reason,
    us: Math.round(durationMs * 1000),
  });
});
kernel.on("drift_detected", ({ callId, driftScore, threshold }) => {
  show({
    type: "drift",
    stage: "output",
    name: "execute",
    callId,
    effect: "drift",
    code: "drift_detected",
    reason: `${driftScore.toFixed(2)} is above ${threshold}`,
    us: 0,
  });
});

const paid: unknown[] = [];
const answers: string[] = [];
const results = new Map<string, unknown>();
const client = await connectFiles(folder);
try {
  printer.heading();
  const session = kernel.session({ agentId: "clerk" });
  const sdk = aiSdk(session);
  const files = kernel.wrap(client, mcpClient, session);
  const { tools: listed } = await files.listTools();
  // The files' tools are governed where they are called, by the MCP plugin, and the one that pays here.
  const tools: ToolSet = Object.fromEntries(listed.map(({ name, description = "", inputSchema }) => [
    name,
    dynamicTool({
      description,
      inputSchema: jsonSchema(inputSchema),
      execute: async (input) => await files.callTool({ name, arguments: input as Record<string, unknown> }),
    }),
  ]));
  const own = sdk.tools({
    pay: tool({ inputSchema: jsonSchema<object>({ type: "object" }), execute: (bill) => (paid.push(bill), "paid") }),
  });
  for (const [prompt, turns] of RUNS) {
    printer.progress(prompt);
    answers.push(
      await session.run(prompt, async (judged: string, abortSignal) => {
        const model = wrapLanguageModel({ model: scriptedModel(turns), middleware: sdk.middleware });
        const { text, steps } = await generateText({
          model,
          prompt: judged,
          tools: { ...tools, ...own },
          stopWhen: stepCountIs(5),
          maxRetries: 0,
          abortSignal,
        });
        for (const { toolResults } of steps) {
          for (const { toolCallId, output } of toolResults) results.set(toolCallId, output);
        }
        return text;
      }),
    );
  }
  await session.close();
} finally {
  await client.close();
  await kernel.close();
}

const saw = (callId: string, fields: Partial<Line>): boolean =>
  lines.some((line) =>
    line.callId === callId && Object.entries(fields).every(([key, value]) => line[key as keyof Line] === value)
  );
const said = (callId: string): string => JSON.stringify(results.get(callId) ?? "");
const saved = readFileSync(at("settings.txt"), "utf8");
rmSync(folder, { recursive: true, force: true });
const isShown = printer.summary({
  "a read goes through": said("read-1").includes("The gate closes at dusk."),
  "a forbidden write is refused, with a reason": said("write-1").includes("blocked") &&
    lines.some(({ name, effect, code }) => name === "write_file" && effect === "deny" && code === "blocked_pattern"),
  "a secret is masked before it is written": saved === "key = [redacted]" &&
    lines.some(({ name, effect }) => name === "write_file" && effect === "transform"),
  "a payment waits for a person": saw("pay-1", { effect: "escalate" }) && saw("pay-1", { effect: "allow" }) &&
    paid.length === 1 && saw("pay-2", { effect: "deny", code: "approval_denied" }),
  "an eleventh call hits the limit": lines.filter(({ code, effect }) =>
    effect === "deny" && code === "max_tool_calls_exceeded"
  ).length > 0,
  "an answer that drifts is reported": lines.filter(({ type }) => type === "drift").length === 1 &&
    answers.length === RUNS.length,
});
process.exitCode = isShown ? 0 : 1;
