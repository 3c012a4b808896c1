/**
 * How much longer does a process take to start when it imports the package?
 *
 * Whole processes, from spawning to exit, in rounds that alternate; and the import alone, as the process itself saw it.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";
import { runFile } from "./harness/child.ts";
import { builtPackage, OUT, ROOT } from "./harness/dist.ts";
import { record } from "./harness/record.ts";
import { isQuick, median, quantile } from "./harness/time.ts";

const EMPTY = "an empty module";
/**
 * What the import of an entry point may make a process longer by, as a share of a process that imports nothing. Of one
 * that takes 70 ms: 20 ms for the whole, and 8 ms for the core.
 */
const ENTRIES: readonly { readonly key: string; readonly name: string; readonly most: number }[] = [
  { key: ".", name: "the package", most: 1.29 },
  { key: "./core", name: "its core", most: 1.12 },
];

const { exports } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as {
  exports: Record<string, { default: string } | undefined>;
};
const entry = `${builtPackage()}mod.js`;
const bundle = `${OUT}startup-bundle.mjs`;
await build({ entryPoints: [entry], outfile: bundle, bundle: true, minify: true, format: "esm", logLevel: "warning" });
writeFileSync(`${OUT}startup-empty.mjs`, "export const createKernel = () => ({});\n");

const present = ENTRIES.filter(({ key }) => exports[key] !== undefined);
const contestants: Readonly<Record<string, string>> = {
  [EMPTY]: "./startup-empty.mjs",
  ...Object.fromEntries(present.map(({ key, name }) => [name, (exports[key] as { default: string }).default])),
  "the package, bundled into a program and minified": "./startup-bundle.mjs",
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
/** Of each round, what a contestant took next to the empty module. */
const ratios = (name: string, of: "whole" | "inside"): readonly number[] => {
  const [own, empty] = [name, EMPTY].map((one) => files.find((file) => file.name === one)?.[of] as number[]);
  return (own as number[]).map((figure, round) => figure / ((empty as number[])[round] as number));
};
for (
  const [title, of] of [["a process from start to end, by what it imports", "whole"], [
    "the import alone, as the process sees it",
    "inside",
  ]] as const
) {
  record({
    title,
    unit: "ns",
    against: EMPTY,
    figures: files.map((file) => ({
      name: file.name,
      median: median(file[of]),
      low: quantile(file[of], 0.25),
      high: quantile(file[of], 0.75),
      ratio: median(ratios(file.name, of)),
    })),
    promises: of === "inside" ? [] : present.map(({ name, most }) => ({
      of: name,
      against: EMPTY,
      most,
      unit: "x",
      found: median(ratios(name, of)),
      low: quantile(ratios(name, of), 0.25),
      high: quantile(ratios(name, of), 0.75),
    })),
  });
}
