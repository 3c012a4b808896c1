import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";

/** Runs a program in a Node of its own, where a rejection that nobody awaits ends it; answers what it prints. */
export async function runHost(program: string, ...args: readonly string[]): Promise<string> {
  // Beside the program, so that it finds the packages that the program finds.
  const outfile = join(dirname(program), ".out", `${process.pid}.host.mjs`);
  try {
    await build({
      entryPoints: [program],
      bundle: true,
      format: "esm",
      platform: "node",
      packages: "external",
      outfile,
      logLevel: "silent",
    });
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--unhandled-rejections=strict", outfile, ...args],
      {
        timeout: 100_000,
      },
    );
    return stdout;
  } finally {
    rmSync(outfile, { force: true });
  }
}
