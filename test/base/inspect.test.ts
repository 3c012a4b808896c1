import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { allowTools, createKernel, defineGuard, deny, type Session } from "../../mod.ts";
import { buildSync } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Nothing of these is for a person to see: they are the engine's, or a secret. */
const INSIDE = /scope|takings|emitter|halts|gates|#[a-z]|private|approvalKey|hunter2|SECRET/i;

async function used(): Promise<{ kernel: ReturnType<typeof createKernel>; session: Session }> {
  const kernel = createKernel({
    policy: { name: "night", blockedPatterns: ["SECRET"] },
    guards: [allowTools(["t"])],
    plugins: [{ name: "metrics", setup: () => undefined }],
    clock: () => 5,
  });
  const session = kernel.session({ agentId: "ada", sessionId: "s1" });
  await session.tool({ name: "t", arguments: { password: "hunter2" } }, () => "done");
  return { kernel, session };
}

describe("a console shows what a person wants to know", () => {
  test("of a session, live", async () => {
    const { session } = await used();
    expect(inspect(session)).toMatch(/^Session \{/);
    for (
      const part of ["agentId: 'ada'", "sessionId: 's1'", "policy: 'night@1.0.0'", "toolCallCount: 1", "state: 'open'"]
    ) {
      expect(inspect(session)).toContain(part);
    }
    await session.tool({ name: "t", arguments: {} }, () => "done");
    expect(inspect(session)).toContain("toolCallCount: 2");
    await session.close();
    expect(inspect(session)).toContain("state: 'closed'");
    expect(JSON.parse(JSON.stringify(session))).toMatchObject({ agentId: "ada", toolCallCount: 2, state: "closed" });
  });

  test("of a kernel", async () => {
    const { kernel } = await used();
    const text = inspect(kernel);
    expect(text).toMatch(/^Kernel \{/);
    for (const part of ["night@1.0.0", "'allowTools'", "'metrics'", "sessions: 1", "state: 'open'"]) {
      expect(text).toContain(part);
    }
    await kernel.close();
    expect(inspect(kernel)).toContain("state: 'closed'");
  });

  test("of a context, an act and a guard", async () => {
    const { session } = await used();
    expect(inspect(session.context)).toMatch(/^ExecutionContext \{[^]*toolCallCount: 1/);
    const act = await session.begin({
      stage: "pre_tool_call",
      name: "t",
      payload: { password: "hunter2" },
      callId: "c7",
    });
    expect(inspect(act)).toMatch(/^Act \{ callId: 'c7', effect: 'allow', changed: false \}$/);
    const denied = await session.begin({ stage: "pre_tool_call", name: "other", payload: {} });
    expect(inspect(denied)).toContain("code: 'tool_not_allowed'");
    expect(inspect(allowTools(["hunter2"]))).toBe("Guard allowTools { stages: [ 'pre_tool_call' ] }");
    expect(inspect(defineGuard({ name: "mine", check: () => deny("x", "y") }))).toBe(
      "Guard mine { stages: 'every stage' }",
    );
  });

  test("and nothing of what is behind it, however deep it looks", async () => {
    const { kernel, session } = await used();
    const act = await session.begin({ stage: "pre_tool_call", name: "t", payload: { password: "hunter2" } });
    for (const one of [kernel, session, session.context, act, allowTools(["hunter2"])]) {
      expect(inspect(one, { depth: 20, showHidden: false })).not.toMatch(INSIDE);
      expect(inspect({ inside: one }, { depth: 20 })).not.toMatch(INSIDE);
    }
    expect(() => inspect(Object.getPrototypeOf(session))).not.toThrow();
    expect(() => inspect(Object.getPrototypeOf(kernel))).not.toThrow();
  });
});

describe.each([["deno", ["run", "-A", "--no-config"]], ["bun", ["run"]]] as const)("in %s", (runtime, args) => {
  const command = `${root}/node_modules/.bin/${runtime}`;

  test("a console shows the same", () => {
    const folder = `${root}/test/.out/inspect`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      `${folder}/show.ts`,
      `import { allowTools, createKernel } from "../../../mod.ts";
const kernel = createKernel({ policy: { name: "night" }, guards: [allowTools(["t"])] });
const session = kernel.session({ agentId: "ada", sessionId: "s1" });
await session.tool({ name: "t", arguments: { password: "hunter2" } }, () => "done");
const act = await session.begin({ stage: "pre_tool_call", name: "t", payload: { password: "hunter2" }, callId: "c7" });
console.log(kernel);
console.log(session);
console.log(session.context);
console.log(act);
console.log(allowTools(["hunter2"]));
`,
    );
    buildSync({
      entryPoints: [`${folder}/show.ts`],
      outfile: `${folder}/show.mjs`,
      bundle: true,
      format: "esm",
      target: "es2022",
    });
    const { FORCE_COLOR: _color, ...env } = process.env;
    const { stdout, stderr, status } = spawnSync(command, [...args, `${folder}/show.mjs`], {
      encoding: "utf8",
      env: { ...env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    });
    expect([status, stderr]).toEqual([0, ""]);
    for (const part of [/^Kernel \{/m, /^Session \{/m, /^ExecutionContext \{/m, /^Act \{/m, /^Guard allowTools \{/m]) {
      expect(stdout).toMatch(part);
    }
    expect(stdout).toMatch(/callId: ["']c7["']/);
    expect(stdout).toMatch(/toolCallCount: 1/);
    expect(stdout).not.toMatch(INSIDE);
  });
});
