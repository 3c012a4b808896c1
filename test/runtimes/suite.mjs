// Runs the project's own test suite inside another runtime, under the same test runner as in Node:
// node test/runtimes/suite.mjs deno|bun
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const bin = (name) => join(root, "node_modules/.bin", process.platform === "win32" ? `${name}.cmd` : name);

/** Tests of the repository itself, which start Node, and the one that asks its garbage collector. */
const NODE_ONLY = ["test/architecture.test.ts", "test/readme.test.ts", "test/memory.test.ts"];
/** Folders with runners of their own. */
const APART = ["test/frameworks", "test/package", "test/runtimes", "test/.out"];

function testsUnder(folder) {
  if (APART.includes(folder)) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return testsUnder(path);
    return path.endsWith(".test.ts") && !NODE_ONLY.includes(path) ? [path] : [];
  });
}

const files = testsUnder("test").sort();
if (files.length === 0) throw new Error("There is no test to run");
const commands = {
  deno: [bin("deno"), ["run", "-A", "node_modules/vitest/vitest.mjs", "run", "--typecheck.enabled=false", ...files]],
  bun: [bin("bun"), ["--bun", "node_modules/vitest/vitest.mjs", "run", "--typecheck.enabled=false", ...files]],
};
const [runtime = ""] = process.argv.slice(2);
if (!Object.hasOwn(commands, runtime)) throw new Error(`Unknown runtime "${runtime}": one of ${Object.keys(commands).join(", ")}`);
const { status, error } = spawnSync(...commands[runtime], { cwd: root, stdio: "inherit", env: { ...process.env, DENO_NO_UPDATE_CHECK: "1" } });
if (error) throw error;
process.exitCode = status ?? 1;
