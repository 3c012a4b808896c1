// Runs the benchmarks, on the runtime that runs this file: `npm run bench`, `npm run bench -- tool compose --quick`. See README.md.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

// `bun run bench` starts the script's `node`; what was asked for is Bun.
const { npm_config_user_agent: agent = "", npm_execpath: bun } = process.env;
if (agent.startsWith("bun/") && bun !== undefined && process.versions.bun === undefined) {
  process.exit(
    spawnSync(bun, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: "inherit" }).status ?? 1,
  );
}
const asked = process.argv.slice(2);
// One command shows everything: whoever asks for all of it gets the peers installed first.
const wantsAll = asked.every((argument, at) => argument.startsWith("--") || asked[at - 1] === "--node") &&
  !asked.includes("--no-peers");
if (wantsAll && !existsSync(new URL("node_modules", import.meta.url))) {
  console.error("installing the peers: npm ci --prefix bench");
  const { status } = spawnSync("npm", [
    "ci",
    "--prefix",
    fileURLToPath(new URL(".", import.meta.url)),
    "--no-audit",
    "--no-fund",
  ], { stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) process.exit(status ?? 1);
}
const outfile = fileURLToPath(new URL(".out/run.mjs", import.meta.url));
await build({
  entryPoints: [fileURLToPath(new URL("harness/run.ts", import.meta.url))],
  outfile,
  bundle: true,
  packages: "external",
  platform: "node",
  format: "esm",
  logLevel: "warning",
});
await import(pathToFileURL(outfile).href);
