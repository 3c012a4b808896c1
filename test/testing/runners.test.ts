import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";
import { testPlugin } from "../../src/testing/mod.ts";
import { miniFixture } from "./plugin-kit/mini-fixture.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const out = `${root}test/.out/runners`;
const bin = (name: string): string => `${root}node_modules/.bin/${name}${process.platform === "win32" ? ".cmd" : ""}`;

/** How each runner takes a test, how it is started, and where in what it prints the count of passed tests stands. */
const RUNNERS: Readonly<
  Record<string, readonly [take: string, start: (file: string) => readonly string[], count: RegExp]>
> = {
  "node:test": [
    'import { test } from "node:test";',
    (file) => [process.execPath, "--test", "--test-reporter=tap", file],
    /^# pass (\d+)$/m,
  ],
  "deno test": [
    "const test = Deno.test;",
    (file) => [bin("deno"), "test", "--no-config", "--no-lock", "-q", file],
    /(\d+) passed/,
  ],
  "bun test": ['import { test } from "bun:test";', (file) => [bin("bun"), "test", file], /^\s*(\d+) pass$/m],
};

/** Runs the kit on the small framework's plugin under a runner. */
async function runUnder(runner: string, fault: string): Promise<{ status: number | null; passed: number }> {
  const [take, start, count] = RUNNERS[runner] as (typeof RUNNERS)[string];
  const file = `${out}/${runner.replace(/\W/g, "-")}-${fault === "" ? "good" : "faulty"}.test.mjs`;
  mkdirSync(out, { recursive: true });
  writeFileSync(
    `${file}.ts`,
    `${take}
import { testPlugin } from "${root}src/testing/mod.ts";
import { miniFixture } from "${root}test/testing/plugin-kit/mini-fixture.ts";
for (const { title, run } of testPlugin(miniFixture(${fault === "" ? "" : JSON.stringify(fault)}))) test(title, run);
`,
  );
  const external = ["node:*", "bun:*"];
  await build({
    entryPoints: [`${file}.ts`],
    outfile: file,
    bundle: true,
    format: "esm",
    external,
    logLevel: "silent",
  });
  const [command, ...args] = start(file) as [string, ...string[]];
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: out,
    shell: process.platform === "win32",
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1", NODE_OPTIONS: "", NODE_TEST_CONTEXT: undefined },
  });
  return { status, passed: Number(count.exec(stdout + stderr)?.[1] ?? NaN) };
}

describe.each(Object.keys(RUNNERS))("testPlugin() under %s", (runner) => {
  const all = testPlugin(miniFixture()).length;

  test("passes a plugin that keeps everything", async () => {
    expect(await runUnder(runner, "")).toEqual({ status: 0, passed: all });
  });

  test("fails a plugin that does not, by the case", async () => {
    const { status, passed } = await runUnder(runner, "judges calls twice");
    expect(status).not.toBe(0);
    expect(passed).toBeGreaterThan(all / 2);
    expect(passed).toBeLessThan(all);
  });
});
