// Bundles entry points of this folder with the built package (dist/) in the place of the sources.
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { entryPoints } from "../../.ci/build.mjs";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const here = join(root, "test/runtimes");
export const out = join(root, "test/.out/runtimes");

/** The path of a public source file in dist/; `undefined` for every other file. */
function builtOf(path) {
  const name = relative(root, path).replaceAll("\\", "/").replace(/\.ts$/, "");
  return entryPoints().includes(name) ? `dist/${name}.js` : undefined;
}

/** Bundles an entry point; answers the bundle's path. With `apart`, dist/ is not bundled but imported from /dist/. */
export async function bundle(entry, outfile, { apart = false, external = [], minify = false } = {}) {
  if (!existsSync(join(root, "dist/mod.js"))) throw new Error("dist/mod.js is missing: run `npm run build` first");
  mkdirSync(out, { recursive: true });
  const built = {
    name: "built",
    setup: (b) =>
      b.onResolve({ filter: /^\..*\.ts$/ }, ({ path, importer }) => {
        const target = builtOf(resolve(dirname(importer), path));
        if (target === undefined) return undefined;
        return apart ? { path: `/${target}`, external: true } : { path: join(root, target) };
      }),
  };
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(here, entry)],
    outfile: join(out, outfile),
    bundle: true,
    format: "esm",
    target: "es2023",
    platform: "neutral",
    external,
    minify,
    plugins: [built],
    metafile: true,
    logLevel: "error",
  });
  const sources = Object.keys(metafile.inputs).filter((path) => /^(?:mod\.ts|src\/|plugins\/)/.test(path));
  if (sources.length > 0) throw new Error(`The bundle took sources instead of dist/: ${sources.join(", ")}`);
  return join(out, outfile);
}
