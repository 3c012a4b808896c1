import { spawnSync } from "node:child_process";
import process from "node:process";

/** What this runtime needs to run a file as it runs this one. */
export const RUN_FLAGS: readonly string[] = process.versions["deno"] !== undefined
  ? ["run", "-A", "--v8-flags=--expose-gc"]
  : process.versions["bun"] !== undefined
  ? []
  : ["--expose-gc"];

/** Runs a file on this runtime, and answers what it printed. */
export function runFile(
  file: string,
  env: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): string {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [...RUN_FLAGS, file, ...args], {
    encoding: "utf8",
    env: { ...process.env, BENCH_OUT: "", ...env },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${file} ended with code ${status}: ${stderr || stdout}`);
  return stdout;
}

/** Collects garbage now; throws if the runtime was not asked to let that be done. */
export function collect(): void {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(isNow: boolean): void } };
  if (Bun !== undefined) Bun.gc(true);
  else if (gc !== undefined) gc();
  else throw new Error("Run it with --expose-gc, as bench/run.mjs does");
}
