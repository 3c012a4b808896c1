import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
// In a folder of node_modules, as `npm run demo` has it: the packages are found from there.
const bundle = join(root, "node_modules/.cache/sallyport/demo-test.mjs");

beforeAll(async () => {
  mkdirSync(join(root, "node_modules/.cache/sallyport"), { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: ["test/demo/main.ts"],
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    logLevel: "silent",
    outfile: bundle,
  });
});

function run(
  args: readonly string[],
  env: Record<string, string> = {},
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, ...args], {
    encoding: "utf8",
    timeout: 20_000,
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr };
}

describe("the demo", () => {
  test("shows its six cases in JSON lines and ends by itself, when run with --json", () => {
    const { status, stdout, stderr } = run(["--json"]);
    const lines = stdout.trim().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    const has = (fields: object): void => expect(lines).toContainEqual(expect.objectContaining(fields));
    expect([status, stderr]).toEqual([0, ""]);
    has({ type: "decision", stage: "pre_tool_call", name: "read_text_file", effect: "allow" });
    has({
      stage: "pre_tool_call",
      name: "write_file",
      effect: "deny",
      code: "blocked_pattern",
      reason: expect.stringMatching(/./),
    });
    has({ stage: "pre_tool_call", name: "write_file", effect: "transform" });
    has({ name: "pay", callId: "pay-1", effect: "escalate", code: "approval_required" });
    has({ name: "pay", callId: "pay-1", stage: "pre_tool_call", effect: "allow" });
    has({ name: "pay", callId: "pay-2", effect: "deny", code: "approval_denied" });
    has({ stage: "pre_tool_call", effect: "deny", code: "max_tool_calls_exceeded" });
    has({ type: "drift", code: "drift_detected" });
    const decisions = lines.filter(({ type }) => type === "decision");
    expect(decisions.every(({ us }) => Number.isInteger(us) && (us as number) >= 0)).toBe(true);
    expect(lines.at(-1)).toMatchObject({ type: "summary", decisions: decisions.length });
    const cases = lines.at(-1)?.["cases"] as Record<string, boolean>;
    expect([Object.keys(cases).length, ...Object.values(cases)]).toEqual([6, true, true, true, true, true, true]);
  });

  test("prints an aligned table without colour, when NO_COLOR is set", () => {
    const { status, stdout } = run([], { NO_COLOR: "1", FORCE_COLOR: "1" });
    const table = stdout.slice(0, stdout.indexOf("\n\n")).split("\n");
    const columns = ["stage", "name", "effect", "code"].map((heading) => table[0]?.indexOf(heading) as number);
    expect(status).toBe(0);
    expect(stdout).not.toContain("\x1b");
    expect(table.length).toBeGreaterThan(30);
    for (const row of table.slice(1)) {
      expect(columns.slice(1).map((column) => row[column - 1]), row).toEqual([" ", " ", " "]);
      expect(row.slice(columns[2]), row).toMatch(/^(?:allow|deny|transform|escalate|drift) +/);
      expect(row.slice(0, (table[0] as string).indexOf(" us") + 3), row).toMatch(/ \d+$/);
    }
    expect(stdout).toContain("\nshown   a read goes through\n");
    expect(stdout).not.toContain("MISSING");
  });
});
