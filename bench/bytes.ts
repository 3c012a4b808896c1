/**
 * How many bytes does an application carry for what it imports? Bundled and minified, as it is and as gzip packs it.
 */
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { builtPackage } from "./harness/dist.ts";
import { type Figure, record } from "./harness/record.ts";

const folder = builtPackage();
const imports: Readonly<Record<string, string>> = {
  "allowTools": 'export { allowTools } from "./mod.js";',
  "three guards and all": 'export { all, allowTools, blockPatterns, rateLimit } from "./mod.js";',
  "createKernel": 'export { createKernel } from "./mod.js";',
  "everything": 'export * from "./mod.js";',
};
const figures: Figure[] = [];
for (const [name, contents] of Object.entries(imports)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    logLevel: "warning",
  });
  const code = (outputFiles[0] as (typeof outputFiles)[0]).contents;
  for (
    const [how, size] of [["minified", code.length], ["minified, gzip", gzipSync(code, { level: 9 }).length]] as const
  ) figures.push({ name: `${name}, ${how}`, median: size, low: size, high: size });
}
record({ title: "what an application carries, by what it imports", unit: "B", figures, promises: [] });
