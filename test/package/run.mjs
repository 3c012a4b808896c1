// Holds the packed tarball to what a user gets: installed offline into a fresh project, imported and required from every
// subpath, type-checked strictly, and looked at by publint and attw. Prints "N passed, N failed".
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../..", import.meta.url));
const here = join(root, "test/package");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const subpaths = Object.keys(manifest.exports).filter((key) => key !== "./package.json").map((key) => manifest.name + key.slice(1));
const project = mkdtempSync(join(tmpdir(), "sallyport-package-"));
const counts = { passed: 0, failed: 0 };

/** Runs a program and answers what it printed; anything but status 0 is an error with that. */
function run(command, args, cwd = project) {
  const shell = process.platform === "win32";
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", shell, stdio: ["ignore", "pipe", "pipe"], timeout: 240_000 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status ?? error?.message}\n${stdout}${stderr}`);
  return stdout;
}

async function check(name, body) {
  try {
    await body();
    counts.passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    counts.failed++;
    console.log(`FAILED  ${name}\n${error.message}`);
  }
}

function assert(condition, message) {
  if (!condition) throw new Error(message);
}

const bin = (name) => join(root, "node_modules/.bin", name);
const write = (path, content) => writeFileSync(join(project, path), typeof content === "string" ? content : JSON.stringify(content));
const node = (...args) => run(process.execPath, args);
const tsc = (config) => node(join(root, "node_modules/typescript/bin/tsc"), "-p", config);

let tarball;
await check("npm pack builds a tarball of built files only", () => {
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--silent", "--pack-destination", project], root).replace(/^[^[]*/, ""));
  tarball = join(project, filename);
  const paths = files.map(({ path }) => path);
  const strange = paths.filter((path) => !/^(?:dist\/.+\.(?:js|d\.ts)(?:\.map)?|package\.json|README\.md|LICENSE|CHANGELOG\.md|src\/policy\/policy\.schema\.json)$/.test(path));
  assert(strange.length === 0, `Not to be published: ${strange.join(", ")}`);
  for (const path of ["package.json", "LICENSE", "README.md", "CHANGELOG.md", "dist/mod.js", "dist/mod.d.ts"]) assert(paths.includes(path), `${path} is missing`);
});

await check("the tarball installs offline and brings nothing else", () => {
  write("package.json", { name: "consumer", private: true, type: "module" });
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball]);
  const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  assert(Object.keys(packages).join() === `,node_modules/${manifest.name}`, `Installed: ${Object.keys(packages).join(", ")}`);
});

for (const subpath of subpaths) {
  await check(`${subpath} is imported, required, and exports something`, () => {
    node("--input-type=module", "-e", `if (Object.keys(await import("${subpath}")).length === 0) throw new Error("no exports")`);
    const [major, minor] = process.versions.node.split(".").map(Number);
    // Older releases cannot require a module; that is theirs to say.
    if (major > 20 || minor >= 19) node("--no-warnings", "-e", `if (Object.keys(require("${subpath}")).length === 0) throw new Error("no exports")`);
  });
}

await check("nothing but the listed subpaths is reachable", () => {
  for (const hidden of [`${manifest.name}/dist/mod.js`, `${manifest.name}/src/decision.ts`]) {
    const printed = node("--input-type=module", "-e", `await import("${hidden}").then(() => console.log("reached"), (error) => console.log(error.code))`);
    assert(printed.trim() === "ERR_PACKAGE_PATH_NOT_EXPORTED", `${hidden}: ${printed}`);
  }
});

const compilerOptions = { target: "es2023", noEmit: true, strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, types: [] };
const kinds = { nodenext: { module: "nodenext" }, bundler: { module: "esnext", moduleResolution: "bundler" } };
for (const [kind, module] of Object.entries(kinds)) {
  await check(`the core's types need only ECMAScript and ambient.d.ts under ${kind}`, () => {
    cpSync(join(here, "ambient.d.ts"), join(project, "ambient.d.ts"));
    cpSync(join(here, "consumer.ts"), join(project, "consumer.ts"));
    write(`core-${kind}.json`, { compilerOptions: { ...compilerOptions, ...module, lib: ["esnext"] }, files: ["consumer.ts", "ambient.d.ts"] });
    tsc(`core-${kind}.json`);
  });
  await check(`every subpath's types are whole under ${kind}`, () => {
    write("all.ts", `${subpaths.map((subpath, index) => `import * as m${index} from "${subpath}";`).join("\n")}\nexport const all: object[] = [${subpaths.map((_, index) => `m${index}`)}];\n`);
    write(`all-${kind}.json`, { compilerOptions: { ...compilerOptions, ...module, lib: ["esnext", "dom", "dom.iterable", "dom.asynciterable"] }, files: ["all.ts"] });
    tsc(`all-${kind}.json`);
  });
}

await check("a wrong use is a type error for the consumer", () => {
  write("wrong.ts", `import { deny } from "${manifest.name}";\nexport const wrong: number = deny(1);\n`);
  write("wrong.json", { compilerOptions: { ...compilerOptions, module: "nodenext", lib: ["esnext"] }, files: ["wrong.ts", "ambient.d.ts"] });
  let failed = "";
  try {
    tsc("wrong.json");
  } catch (error) {
    failed = error.message;
  }
  assert(/wrong\.ts\(2,/.test(failed), `No type error: ${failed}`);
});

await check("every source map names a source that it carries", () => {
  const { sources, sourcesContent } = JSON.parse(readFileSync(join(project, "node_modules", manifest.name, "dist/mod.js.map"), "utf8"));
  assert(sources.length > 0 && sourcesContent?.length === sources.length, "dist/mod.js.map has no contents");
});

await check("an import of nothing costs nothing: the package has no side effects", async () => {
  const bundle = async (contents) => {
    const options = { stdin: { contents, resolveDir: project }, bundle: true, minify: true, format: "esm", platform: "neutral", write: false, logLevel: "silent" };
    return (await build(options)).outputFiles[0].contents;
  };
  const none = await bundle(`import "${manifest.name}";`);
  assert(none.length === 0, `A bare import leaves ${none.length} bytes`);
  const all = await bundle(`export * from "${manifest.name}";`);
  console.log(`        export *: ${all.length} bytes minified, ${gzipSync(all).length} with gzip`);
});

await check("publint has nothing to say", () => run(bin("publint"), ["run", tarball, "--strict"], root));
await check("attw finds every subpath resolved as ESM", () => run(bin("attw"), [tarball, "--profile", "esm-only"], root));

rmSync(project, { recursive: true, force: true });
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
