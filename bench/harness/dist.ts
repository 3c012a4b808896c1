import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** Where bundles and what is built for a run lie: beside the bundle that runs. */
export const OUT: string = fileURLToPath(new URL("./", import.meta.url));
/** The project. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a script on the runtime that runs this, and answers what it printed. */
function script(path: string, args: readonly string[]): string {
  const run = process.versions["deno"] !== undefined ? ["run", "-A"] : [];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...run, ROOT + path, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${path} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

/** Runs the project's TypeScript compiler, and answers what it printed. */
export function tsc(args: readonly string[]): string {
  return script("node_modules/typescript/bin/tsc", args);
}

/** Builds the package as it is published, once a run, and answers its folder: an old one would measure other code. */
export function builtPackage(): string {
  const folder = `${OUT}dist/`;
  const mark = `${folder}built-for`;
  const run = process.env["BENCH_RUN"];
  if (run !== undefined && existsSync(mark) && readFileSync(mark, "utf8") === run) return folder;
  script(".ci/build.mjs", [folder]);
  writeFileSync(`${folder}package.json`, JSON.stringify({ type: "module", sideEffects: false }));
  if (run !== undefined) writeFileSync(mark, run);
  return folder;
}
