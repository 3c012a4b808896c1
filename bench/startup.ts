/**
 * How much longer does a process take to start when it imports the package?
 *
 * Whole processes, from spawning to exit, in rounds that alternate; and the import alone, as the process itself saw it.
 */
import { writeFileSync } from "node:fs";
import { build } from "esbuild";
import { runFile } from "./harness/child.ts";
import { builtPackage, OUT } from "./harness/dist.ts";
import { record } from "./harness/record.ts";
import { isQuick, median, quantile } from "./harness/time.ts";

const entry = `${builtPackage()}mod.js`;
const bundle = `${OUT}startup-bundle.mjs`;
await build({ entryPoints: [entry], outfile: bundle, bundle: true, minify: true, format: "esm", logLevel: "warning" });
writeFileSync(`${OUT}startup-empty.mjs`, "export const createKernel = () => ({});\n");

const contestants: Readonly<Record<string, string>> = {
  "an empty module": "./startup-empty.mjs",
  "the package, a file for each module": "./dist/mod.js",
  "the package, bundled and minified": "./startup-bundle.mjs",
};
const files = Object.entries(contestants).map(([name, module], at) => {
  const file = `${OUT}startup-${at}.mjs`;
  writeFileSync(
    file,
    `const start = performance.now();\nconst { createKernel } = await import(${
      JSON.stringify(module)
    });\nconst took = performance.now() - start;\nif (typeof createKernel() !== "object") throw new Error("no kernel");\nconsole.log(took);\n`,
  );
  return { name, file, whole: [] as number[], inside: [] as number[] };
});
for (let round = -1; round < (isQuick ? 5 : 25); round++) {
  for (const { file, whole, inside } of round % 2 === 0 ? files : files.toReversed()) {
    const start = performance.now();
    const took = Number(runFile(file));
    if (!(took >= 0)) throw new Error(`${file} must print a time`);
    if (round < 0) continue;
    whole.push((performance.now() - start) * 1e6);
    inside.push(took * 1e6);
  }
}
for (
  const [title, of] of [["a process from start to end, by what it imports", "whole"], [
    "the import alone, as the process sees it",
    "inside",
  ]] as const
) {
  record({
    title,
    unit: "ns",
    against: "an empty module",
    figures: files.map((file) => ({
      name: file.name,
      median: median(file[of]),
      low: quantile(file[of], 0.25),
      high: quantile(file[of], 0.75),
      ratio: median(file[of].map((figure, round) => figure / ((files[0] as typeof file)[of][round] as number))),
    })),
    promises: [],
  });
}
