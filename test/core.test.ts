import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import * as whole from "../mod.ts";
import * as core from "../src/core.ts";

const asks = core.defineGuard({
  name: "asks",
  stages: ["pre_tool_call"],
  check: () => core.escalate("May it?"),
});

describe("sallyport/core", () => {
  test("is the same core as sallyport's: all that both export is one thing, but for createKernel", () => {
    const names = Object.keys(core) as (keyof typeof core)[];
    expect(names.length).toBeGreaterThan(30);
    expect(names.filter((name) => core[name] !== whole[name])).toEqual(["createKernel"]);
  });

  test("has a session whose policy allows everything, and methods that work", () => {
    const { policy } = core.createKernel().session({ agentId: "a" }).context;
    const other = whole.definePolicy({ maxToolCalls: 1 });
    expect(policy).toMatchObject({ name: "none", timeoutMs: Infinity, logAllCalls: true });
    expect(policy.merge(other)).toBe(other);
    expect(policy.isStricterThan(other)).toBe(false);
    expect(policy.conflicts()).toEqual([]);
    expect(policy.diff(policy)).toEqual({});
    expect(policy.diff(other)).toMatchObject({ maxToolCalls: [Infinity, 1], name: ["none", "default"] });
    expect(whole.definePolicy(policy.toJSON())).toMatchObject({ name: "none", maxToolCalls: Infinity });
  });

  test.each([{ agent: { did: "did:agentmesh:a", name: "A" } }, { policy: { maxToolCalls: 1 } }, { baseline: "x" }])(
    "refuses an option of session() that nobody reads: %o",
    (init) => {
      const [name = ""] = Object.keys(init);
      // An option that is absent may be named all the same.
      expect(() => core.createKernel().session({ agentId: "a", [name]: undefined })).not.toThrow();
      expect(() => core.createKernel().session({ agentId: "a", ...init } as core.SessionInit)).toThrow(
        `"${name}" must be one of the known options (agentId, parent, signal, sessionId, metadata)`,
      );
    },
  );

  test.each(["policy", "trust", "approve", "store", "similarity"])(
    "refuses the option %s of createKernel()",
    (name) => {
      expect(() => core.createKernel({ [name]: {} })).toThrow(`"${name}" must be one of the known options`);
    },
  );

  test("denies every escalation with approval_required, tells of it once and records it", async () => {
    const told: unknown[] = [];
    const records: core.AuditRecord[] = [];
    const sink: core.Plugin = {
      name: "keeps",
      setup: (host) => host.sink({ name: "keeps", write: (record) => void records.push(record) }),
    };
    const kernel = core.createKernel({ guards: [asks], plugins: [sink] });
    kernel.on("tool_call_blocked", ({ code }) => void told.push(code));
    const session = kernel.session({ agentId: "a" });
    await expect(session.tool({ name: "pay", arguments: {} }, () => 1)).rejects.toMatchObject({
      code: "approval_required",
      reason: "May it?",
    });
    expect(told).toEqual(["approval_required"]);
    expect(records).toMatchObject([{ kind: "decision", effect: "deny", code: "approval_required" }]);
    const act = await session.begin({ stage: "pre_tool_call", name: "pay", payload: {}, approval: "return" });
    expect(act.decision).toMatchObject({ effect: "deny", code: "approval_required" });
    expect(await act.resume(true)).toMatchObject({ code: "approval_required" });
    expect(act.payload).toBeUndefined();
  });

  test("denies with guard_error what a guard of sallyport cannot judge without its extension", async () => {
    const session = core.createKernel({ guards: [whole.maxDrift(0.5)] }).session({ agentId: "a" });
    await expect(session.run("hi", () => "hello")).rejects.toMatchObject({ code: "guard_error" });
    const trusted = core.createKernel({ guards: [whole.trustGate(whole.actionGuard())] }).session({ agentId: "a" });
    await expect(trusted.run("hi", () => "hello")).rejects.toMatchObject({ code: "identity_unverified" });
  });

  test("does what sallyport's createKernel does, with all extensions as plugins", async () => {
    const agents = whole.killSwitch();
    const kernel = core.createKernel({
      guards: [whole.maxDrift(0.9), whole.blockPatterns(["secret"])],
      plugins: [
        agents,
        whole.trust({ guard: whole.actionGuard(), tracker: whole.trustTracker({ reward: 10, penalty: 0 }) }),
        whole.driftMonitor(),
        whole.policyRules({ allowedTools: ["search", "pay"], requireHumanApproval: ["pay"], checkpointFrequency: 2 }),
        whole.approvals({ approve: () => true }),
      ],
    });
    const checkpoints: number[] = [];
    kernel.on("checkpoint_created", ({ callCount }) => void checkpoints.push(callCount));
    const agent = whole.agentProfile({ did: "did:agentmesh:ada", name: "Ada" });
    const session = kernel.session({ agent, baseline: "all is well", policy: { maxToolCalls: 2 } });
    expect(session.context).toMatchObject({ agentId: "ada", agentKey: "did:agentmesh:ada", agent });
    expect(await session.tool({ name: "pay", arguments: {} }, () => "paid")).toBe("paid");
    expect(await session.tool({ name: "search", arguments: {} }, () => "found")).toBe("found");
    expect(checkpoints).toEqual([2]);
    expect(agent.trustScore).toBe(520);
    await expect(session.tool({ name: "search", arguments: {} }, () => 1)).rejects.toMatchObject({
      code: "max_tool_calls_exceeded",
    });
    await expect(session.tool({ name: "rm", arguments: {} }, () => 1)).rejects.toMatchObject({
      code: "tool_not_allowed",
    });
    await expect(session.run("hi", () => "buy cheap watches")).rejects.toMatchObject({ code: "drift_exceeded" });
    agents.kill("ada");
    await expect(session.run("hi", () => "all is well")).rejects.toMatchObject({ code: "session_killed" });
    await kernel.close();
  });

  test("has sessions, errors and kernels that sallyport's functions know", async () => {
    const kernel = core.createKernel({ guards: [core.allowTools(["search"])] });
    const session = kernel.session({ agentId: "a" });
    const error: unknown = await session.tool({ name: "rm", arguments: {} }, () => 1).catch((one: unknown) => one);
    expect(whole.isPolicyViolation(error) && error.code).toBe("tool_not_allowed");
    expect(() => whole.createKernel().session({ agentId: "a", parent: session })).toThrow("a session of this kernel");
    const calls = [{ stage: "pre_tool_call", name: "rm", payload: {}, effect: "allow" }] as const;
    expect(await whole.replay(calls, kernel)).toMatchObject([{ index: 0, before: "allow" }]);
    const plugin = whole.definePlugin({
      name: "echo",
      wrap: (target: { run(text: string): string }, on: whole.Session) => ({
        run: (text: string) => on.run(text, (input) => target.run(input)),
      }),
    });
    const governed = kernel.wrap({ run: (text: string) => `${text}!` }, plugin, session);
    expect(await governed.run("hi")).toBe("hi!");
    expect(kernel.sessionOf(governed)).toBe(session);
  });

  test("is one copy also in a bundle of both entry points, and a session of one works with the other", async () => {
    const root = fileURLToPath(new URL("..", import.meta.url));
    const outdir = join(root, "test/.out/two-entries");
    rmSync(outdir, { recursive: true, force: true });
    mkdirSync(outdir, { recursive: true });
    await build({
      absWorkingDir: root,
      entryPoints: { whole: "mod.ts", core: "src/core.ts" },
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "neutral",
      outdir,
      outExtension: { ".js": ".mjs" },
      logLevel: "silent",
    });
    const urls = ["core", "whole"].map((name) => JSON.stringify(pathToFileURL(join(outdir, `${name}.mjs`)).href));
    const program = `
      const [core, whole] = await Promise.all([import(${urls[0]}), import(${urls[1]})]);
      const kernel = core.createKernel({ guards: [whole.allowTools(["search"])], plugins: [whole.policyRules()] });
      const session = kernel.session({ agentId: "a" });
      const error = await session.tool({ name: "rm", arguments: {} }, () => 1).catch((one) => one);
      console.log(JSON.stringify([
        error instanceof whole.PolicyViolationError,
        core.allowTools === whole.allowTools,
        (await whole.replay([], kernel)).length,
        await session.tool({ name: "search", arguments: {} }, () => "found"),
      ]));`;
    const out = execFileSync("node", ["--input-type=module", "-e", program], { encoding: "utf8" });
    expect(JSON.parse(out)).toEqual([true, true, 0, "found"]);
  });
});
