// Installs this folder's packages from its own lock where they are missing or older than the lock, checks the types of the
// tests and runs them. Arguments go to the test runner.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");

function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", cwd: root, ...options });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

const time = (path) => statSync(join(here, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

// npm writes the second file last, so an install that was broken off counts as missing.
if (time("node_modules/.package-lock.json") < time("package-lock.json")) {
  run("npm", ["ci", "--prefix", here, "--loglevel=error"], { shell: process.platform === "win32" });
}
run(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", here]);
run(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", "--config", join(here, "vitest.config.ts"), ...process.argv.slice(2)]);
