// Builds the package: `node .ci/build.mjs [folder]`, into dist/ if no other is named. One ES module for each entry point of the
// manifest, with what several need in shared chunks, so that a program holds one copy of it whatever it imports; a declaration
// file for each source; and maps of both, to the sources, which are published too.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { markValues } from "./effects.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The modules that the manifest exports: what each is called in dist/, without its ending. */
export function entryPoints() {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return Object.values(exports).flatMap(({ default: path }) => /^\.\/dist\/(.+)\.js$/.exec(path)?.[1] ?? []);
}

/** Writes the modules and their maps; answers what they do besides making values, if anything. */
export async function buildModules(folder) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(entryPoints().map((name) => [name, `${name}.ts`])),
    outdir: folder,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    chunkNames: "chunks/[hash]",
    sourcemap: true,
    sourcesContent: false,
    write: false,
    logLevel: "error",
  });
  const written = new Map(outputFiles.map(({ path, text }) => [path, text]));
  const effects = [];
  for (const path of written.keys()) {
    if (!path.endsWith(".js")) continue;
    const marked = markValues(written.get(path), JSON.parse(written.get(`${path}.map`)));
    effects.push(...marked.effects.map((text) => `${relative(folder, path)}: ${text}`));
    mkdirSync(dirname(path), { recursive: true });
    // A chunk that is imported for nothing has nothing to do, and bundlers warn of it.
    writeFileSync(path, marked.code.replaceAll(/^import "\.[^"]+";$/gm, ""));
    writeFileSync(`${path}.map`, JSON.stringify(marked.map));
  }
  return effects;
}

/** Writes the declarations. Examples in the sources import the package by its name on JSR; here it has the one on npm. */
function buildTypes(folder) {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const args = [tsc, "-p", join(root, "tsconfig.build.json"), "--outDir", folder];
  const { status, error } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (status !== 0) throw new Error(`tsc ended with ${status ?? error?.message}`);
  const npm = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).name;
  const jsr = JSON.parse(readFileSync(join(root, "jsr.json"), "utf8")).name;
  for (const name of readdirSync(folder, { recursive: true })) {
    if (!name.endsWith(".d.ts")) continue;
    const path = join(folder, name);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(`"${jsr}`, `"${npm}`));
  }
}

export async function buildPackage(folder) {
  rmSync(folder, { recursive: true, force: true });
  buildTypes(folder);
  const effects = await buildModules(folder);
  if (effects.length === 0) return;
  throw new Error(
    `A module of the package may only make values, or no bundler can drop what is not used:\n${effects.join("\n")}`,
  );
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await buildPackage(resolve(process.argv[2] ?? join(root, "dist")));
}
