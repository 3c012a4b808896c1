// Holds the packed tarball to what a user gets: installed offline into a fresh project, imported and required from every
// subpath, type-checked strictly, bundled and weighed, and looked at by publint and attw. Prints "N passed, N failed".
// With "--bytes" it only writes bytes.json anew.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { checkBytes, checkModules, checkShaking } from "./bundles.mjs";
import { assert, assertSame, bin, check, counts, installed, keys, manifest, node, project, root, run, specifierOf, write } from "./harness.mjs";
import { checkTypes } from "./types.mjs";

const BUILT = /^dist\/.+\.(?:js|d\.ts)(?:\.map)?$/;
const SOURCE = /^(?:mod\.ts|(?:src|plugins)\/.+\.ts|src\/policy\/policy\.schema\.json)$/;
const PAGE = /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
const update = process.argv.includes("--bytes");

let tarball;
await check("npm pack builds a tarball of built files and their sources only", () => {
  const [{ filename, files }] = JSON.parse(run("npm", ["pack", "--json", "--silent", "--pack-destination", project], root).replace(/^[^[]*/, ""));
  tarball = join(project, filename);
  const paths = files.map(({ path }) => path);
  assertSame(paths.filter((path) => ![BUILT, SOURCE, PAGE].some((kind) => kind.test(path))), [], "Not to be published");
  for (const path of ["package.json", "LICENSE", "README.md", "CHANGELOG.md", "dist/mod.js", "dist/mod.d.ts"]) assert(paths.includes(path), `${path} is missing`);
});

await check("the tarball installs offline and brings nothing else", () => {
  write("package.json", { name: "consumer", private: true, type: "module" });
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball]);
  const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  assert(Object.keys(packages).join() === `,node_modules/${manifest.name}`, `Installed: ${Object.keys(packages).join(", ")}`);
});

async function checkMaps() {
  await check("every map of code and of declarations names a source that is shipped", () => {
    const maps = readdirSync(join(installed, "dist"), { recursive: true }).filter((path) => path.endsWith(".map")).map((path) => join(installed, "dist", path));
    for (const ending of [".js.map", ".d.ts.map"]) assert(maps.some((path) => path.endsWith(ending)), `There is no ${ending}`);
    const lost = maps.filter((path) => {
      const { sources, sourceRoot = "" } = JSON.parse(readFileSync(path, "utf8"));
      return sources.length !== 1 || !existsSync(join(dirname(path), sourceRoot, sources[0]));
    });
    assertSame(lost, [], "Without a source");
  });
}

async function checkImports() {
  for (const specifier of keys.map(specifierOf)) {
    await check(`${specifier} is imported, required, and exports something`, () => {
      node("--input-type=module", "-e", `if (Object.keys(await import("${specifier}")).length === 0) throw new Error("no exports")`);
      const [major, minor] = process.versions.node.split(".").map(Number);
      // Older releases cannot require a module; that is theirs to say.
      if (major > 20 || minor >= 19) node("--no-warnings", "-e", `if (Object.keys(require("${specifier}")).length === 0) throw new Error("no exports")`);
    });
  }
  await check("nothing but the listed subpaths is reachable", () => {
    for (const hidden of ["dist/mod.js", "mod.ts", "src/base/decision.ts", "plugins/mcp.ts"].map((path) => `${manifest.name}/${path}`)) {
      const printed = node("--input-type=module", "-e", `await import("${hidden}").then(() => console.log("reached"), (error) => console.log(error.code))`);
      assert(printed.trim() === "ERR_PACKAGE_PATH_NOT_EXPORTED", `${hidden}: ${printed}`);
    }
  });
}

async function checkAsPublished() {
  await check("publint has nothing to say", () => run(bin("publint"), ["run", tarball, "--strict"], root));
  // Resolution of before exports tables ("node10") is held up too: the sources lie where it would look for a subpath.
  await check("attw finds every subpath resolved as ESM, and to its declarations", () => {
    run(bin("attw"), [tarball, "--profile", "esm-only"], root);
    const { analysis } = JSON.parse(run(bin("attw"), [tarball, "--profile", "esm-only", "--format", "json"], root));
    for (const key of keys) {
      for (const [kind, { resolution }] of Object.entries(analysis.entrypoints[key].resolutions)) {
        assert(resolution?.fileName.endsWith(manifest.exports[key].types.slice(1)), `${key} is ${resolution?.fileName} under ${kind}`);
      }
    }
  });
  // The registry asked is a closed port, so that the answer depends on nothing but the tarball.
  await check("npm would publish it", () => {
    const printed = run("npm", ["publish", tarball, "--dry-run", "--json", "--registry", "http://127.0.0.1:9/", "--fetch-retries", "0"]);
    assert(printed.includes(`"${manifest.name}@${manifest.version}"`), printed);
  });
}

if (update) await checkBytes({ update });
else if (counts.failed === 0) for (const group of [checkMaps, checkImports, checkTypes, checkModules, checkShaking, checkBytes, checkAsPublished]) await group();
else console.log("There is no package to look at");

rmSync(project, { recursive: true, force: true });
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
