// What each entry point costs and pulls in, read from bundles of the packed files: bytes against the caps of bytes.json,
// sources against the project's layers, and what is left of the package when one guard is imported.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { assert, assertSame, built, check, counts, here, installed, keys, manifest, project, sourceOf, sourcesIn, specifierOf } from "./harness.mjs";

/** Bundles a program that imports the package, and answers its code and the sources that some of it comes from. */
async function bundle(contents) {
  const { outputFiles: [map, { contents: code }], metafile } = await build({
    stdin: { contents, resolveDir: project },
    absWorkingDir: project,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "neutral",
    external: ["node:*"],
    outdir: ".",
    sourcemap: "external",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const [{ imports }] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint !== undefined);
  return { code, sources: sourcesIn(JSON.parse(map.text), project), outside: imports.map(({ path }) => path) };
}

/** Has the bundler look at every statement, and not take the manifest's word that a module has no effects. */
const asIfWithEffects = {
  name: "as if with effects",
  setup: ({ onResolve }) => onResolve({ filter: /\.js$/ }, ({ path, resolveDir }) => ({ path: resolve(resolveDir, path), sideEffects: true })),
};

const all = (key) => `export * from "${specifierOf(key)}";`;
const some = (...names) => `export { ${names.join(", ")} } from "${manifest.name}";`;
const core = `export { allowTools, createKernel } from "${manifest.name}/core";`;

/** What is measured, and the goal for its size with gzip where there is one. */
const SUBJECTS = [
  ...keys.map((key) => ({ name: specifierOf(key), program: all(key) })),
  { name: "core: createKernel, allowTools", program: core, goal: 17_900 },
  { name: "core and policies", program: `${core}\n${some("definePolicy", "policyRules")}`, goal: 43_500 },
  { name: "createKernel, allowTools", program: some("createKernel", "allowTools") },
  { name: "allowTools", program: some("allowTools"), goal: 2000 },
  { name: "blockPatterns", program: some("blockPatterns") },
  { name: "rateLimit", program: some("rateLimit") },
  { name: "definePolicy", program: some("definePolicy") },
  { name: "verifyIdentity", program: some("verifyIdentity") },
];
const MEASURES = { minified: (code) => code.length, gzip: (code) => gzipSync(code, { level: 9 }).length, brotli: (code) => brotliCompressSync(code).length };
const HEADROOM = 1.02;
const SLACK = 0.9;

/** The caps: today's sizes and a little more, so that growth is a decision, and shrinking is kept. */
export async function checkBytes({ update = false } = {}) {
  const path = join(here, "bytes.json");
  const caps = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  const sizes = {};
  for (const { name, program } of SUBJECTS) {
    await check(`${name} can be bundled`, async () => {
      const { code } = await bundle(program);
      sizes[name] = Object.fromEntries(Object.entries(MEASURES).map(([measure, of]) => [measure, of(code)]));
    });
  }
  const column = (value, width = 10) => String(value).padStart(width);
  console.log(`        ${"bytes".padEnd(30)}${Object.keys(MEASURES).map((measure) => column(measure)).join("")}${column("gzip goal", 12)}`);
  for (const { name, goal } of SUBJECTS) {
    const cells = Object.values(sizes[name] ?? {}).map((size) => column(size)).join("");
    console.log(`        ${name.padEnd(30)}${cells}${column(goal ?? "", 12)}`);
  }
  if (update && counts.failed === 0) {
    const cap = (size) => Object.fromEntries(Object.entries(size).map(([measure, bytes]) => [measure, Math.ceil(bytes * HEADROOM)]));
    writeFileSync(path, `${JSON.stringify(Object.fromEntries(Object.entries(sizes).map(([name, size]) => [name, cap(size)])), null, 2)}\n`);
  }
  if (update) return;
  await check("bytes.json caps what is measured, and nothing else", () => assertSame(Object.keys(caps), Object.keys(sizes), "Capped"));
  for (const [name, size] of Object.entries(sizes)) {
    await check(`${name} keeps within its bytes`, () => {
      for (const [measure, bytes] of Object.entries(size)) {
        const cap = caps[name]?.[measure];
        assert(bytes <= cap, `${bytes} bytes ${measure}, and the cap is ${cap}: make it smaller, or say why and run "npm run bytes"`);
        assert(bytes >= cap * SLACK, `${bytes} bytes ${measure}, far below the cap of ${cap}: lower it with "npm run bytes"`);
      }
    });
  }
}

export async function checkModules() {
  for (const key of keys) {
    await check(`${specifierOf(key)} asks no runtime for a module`, async () => assertSame((await bundle(all(key))).outside, [], "Imported"));
    if (key.startsWith("./plugins/")) {
      await check(`${specifierOf(key)} is its own files`, async () => {
        const folder = sourceOf(key).replace(/(?:\/mod)?\.ts$/, "/");
        const { sources } = await bundle(all(key));
        const isOwn = (path) => path === sourceOf(key) || path.startsWith(folder) || path.startsWith("plugins/shared/");
        assertSame(sources.filter((path) => !isOwn(path)), [], "Sources");
        assert(sources.length > 0, "It is of no source");
      });
    } else {
      await check(`${specifierOf(key)} pulls in no other entry point`, async () => {
        const { sources } = await bundle(all(key));
        assertSame(sources.filter((path) => /^(?:plugins|src\/testing)\//.test(path) && !(key === "./testing" && path.startsWith("src/testing/"))), [], "Sources");
        assert(sources.length > 0, "It is of no source");
      });
    }
  }
  await check("there is one copy of each source, whatever a program imports", () => {
    const places = new Map();
    for (const path of built(".js")) {
      for (const source of sourcesIn(JSON.parse(readFileSync(`${path}.map`, "utf8")), join(path, ".."))) places.set(source, [...(places.get(source) ?? []), path]);
    }
    assert(places.size > 100, `There are ${places.size} sources`);
    assertSame([...places].filter(([, paths]) => paths.length > 1).map(([source]) => source), [], "In several modules");
  });
  await check("a bare import leaves nothing: the package has no side effects", async () => {
    const { code } = await bundle(keys.map((key) => `import "${specifierOf(key)}";`).join("\n"));
    assert(code.length === 0, `It leaves ${code.length} bytes`);
  });
  // What a bundler does not know to be free of effects stays in every program that uses anything of the same module.
  await check("a bundler can drop every value of every module", async () => {
    const { outputFiles: [{ text }] } = await build({
      stdin: { contents: built(".js").map((path) => `import ${JSON.stringify(path)};`).join("\n"), resolveDir: project },
      bundle: true,
      format: "esm",
      platform: "neutral",
      plugins: [asIfWithEffects],
      write: false,
      logLevel: "silent",
    });
    const left = text.split("\n").filter((line) => !/^(?:\/\/.*)?$/.test(line));
    assert(left.length === 0, `It keeps:\n${left.slice(0, 20).join("\n")}`);
  });
}

/** The public guards, combinators and interceptors that share a part of another's file, and that one's name. */
const COMPOSED = {
  failOpen: ["not"], // which codes say that a guard is broken
  onTool: ["onStage"], // the stages that two lists have in common
  redactPatterns: ["blockPatterns"], // the same patterns, compiled and found in the same way
};

/** Imports each public guard, combinator and interceptor alone: what else of them comes with it is said above. */
export async function checkShaking() {
  const lines = readFileSync(join(installed, "mod.ts"), "utf8").matchAll(/^export \{ ([^}]+) \} from "\.\/(src\/(?:(?:guards|combine|intercept)\/[^"]+|trust\/trust-gate\.ts|drift\/max-drift\.ts))";$/gm);
  const isValue = (name) => name !== "" && !name.startsWith("type ");
  const parts = Array.from(lines, ([, names, path]) => ({ names: names.split(",").map((name) => name.trim()).filter(isValue), path }));
  await check("the core exports guards, combinators and interceptors", () => assert(parts.length > 20, `It exports ${parts.length}`));
  for (const { names, path } of parts) {
    for (const name of names) {
      await check(`${name} alone brings no other guard`, async () => {
        const { sources } = await bundle(some(name));
        const others = parts.filter((part) => part.path !== path && sources.includes(part.path)).flatMap((part) => part.names);
        assertSame(others, COMPOSED[name] ?? [], "Brings");
        assert(sources.includes(path), `Sources: ${sources.join(", ")}`);
      });
    }
  }
}
