// Runs the benchmarks named on the command line, or all that answer a question in seconds: `npm run bench -- check trust`.
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const out = fileURLToPath(new URL("../node_modules/.cache/sallyport/bench/", import.meta.url));
// The soak takes minutes, and runs only when it is named.
const all = readdirSync(here).filter((file) => file.endsWith(".ts") && file !== "compare.ts").map((file) => file.slice(0, -3));
const named = process.argv.slice(2);
const unknown = named.filter((name) => !all.includes(name));
if (unknown.length > 0) throw new Error(`No such benchmark: ${unknown.join(", ")}; there are ${all.join(", ")}`);
mkdirSync(out, { recursive: true });
for (const name of named.length > 0 ? named : all.filter((one) => one !== "soak")) {
  await build({ entryPoints: [`${here}${name}.ts`], outfile: `${out}${name}.mjs`, bundle: true, packages: "external", platform: "node", format: "esm", logLevel: "warning" });
  execFileSync(process.execPath, ["--expose-gc", `${out}${name}.mjs`], { stdio: "inherit" });
}
