// For the commands of folders under test/ that have packages and a lock of their own, which the root's install leaves out.
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Runs a command at the root and ends with its status where that is not 0. */
export function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit", cwd: root, ...options });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Installs a folder's packages from its lock, where they are missing or older than it. */
export function install(folder) {
  const time = (path) => statSync(join(folder, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  // npm writes the second file last, so an install that was broken off counts as missing.
  if (time("node_modules/.package-lock.json") >= time("package-lock.json")) return;
  run("npm", ["ci", "--prefix", folder, "--loglevel=error"], { shell: process.platform === "win32" });
}
