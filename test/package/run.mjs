// Holds the packed tarball to what a user gets: installed offline into a fresh project, imported and required from every
// subpath, type-checked strictly, bundled and weighed, and looked at by publint and attw. Prints "N passed, N failed".
// With names of groups, such as "types", it looks at those only; with "--bytes" it only writes bytes.json anew.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { checkBytes, checkModules, checkShaking } from "./bundles.mjs";
import { assert, assertSame, bin, built, check, counts, keys, manifest, node, project, root, run, said, specifierOf, write } from "./harness.mjs";
import { checkTypes } from "./types.mjs";

const BUILT = /^dist\/.+\.(?:js|d\.ts)(?:\.map)?$/;
const SOURCE = /^(?:mod\.ts|(?:src|plugins)\/.+\.ts|src\/policy\/policy\.schema\.json)$/;
const PAGE = /^(?:package\.json|LICENSE|(?:README|CHANGELOG|CONTRIBUTING|SECURITY|(?:bench|plugins)\/README)\.md|bench\/results\/chart\.svg)$/;
const update = process.argv.includes("--bytes");

let tarball;
let packed;
await check("npm pack builds a tarball of built files and their sources only", () => {
  const [{ filename, files, size, unpackedSize }] = JSON.parse(run("npm", ["pack", "--json", "--silent", "--pack-destination", project], root).replace(/^[^[]*/, ""));
  tarball = join(project, filename);
  console.log(`        ${files.length} files, ${size} bytes, unpacked ${unpackedSize}`);
  packed = files.map(({ path }) => path);
  assertSame(packed.filter((path) => ![BUILT, SOURCE, PAGE].some((kind) => kind.test(path))), [], "Not to be published");
  for (const path of ["package.json", "LICENSE", "README.md", "CHANGELOG.md", "dist/mod.js", "dist/mod.d.ts"]) assert(packed.includes(path), `${path} is missing`);
});

await check("the tarball installs offline and brings nothing else", () => {
  write("package.json", { name: "consumer", private: true, type: "module" });
  run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball]);
  const { packages } = JSON.parse(readFileSync(join(project, "package-lock.json"), "utf8"));
  assert(Object.keys(packages).join() === `,node_modules/${manifest.name}`, `Installed: ${Object.keys(packages).join(", ")}`);
});

async function checkMaps() {
  await check("every map of code and of declarations names sources that are shipped", () => {
    const lost = [".js", ".d.ts"].flatMap((ending) => {
      const files = built(ending);
      assert(files.length > 0, `There is no file that ends in ${ending}`);
      return files.flatMap((path) => {
        const { sources, sourceRoot = "" } = JSON.parse(readFileSync(`${path}.map`, "utf8"));
        return sources.map((source) => join(dirname(path), sourceRoot, source)).filter((source) => !existsSync(source));
      });
    });
    assertSame(lost, [], "Without a source");
  });
  await check("a stack trace leads to the source", () => {
    write("trace.mjs", `import { allowTools } from "${manifest.name}";\ntry { allowTools(1); } catch (error) { console.log(error.stack); }\n`);
    const frames = [...node("--enable-source-maps", "trace.mjs").matchAll(/at (\w+) \((.+\.ts):(\d+):(\d+)\)/g)];
    assert(frames.length > 1, "The trace names no sources");
    let called = "new TypeError";
    for (const [, name, file, line, column] of frames) {
      const text = readFileSync(file, "utf8").split("\n")[line - 1].slice(column - 1);
      assert(text.startsWith(`${called}(`), `${file}:${line}:${column} calls ${called}(), and is ${text}`);
      called = name;
    }
  });
}

async function checkImports() {
  for (const specifier of keys.map(specifierOf)) {
    await check(`${specifier} is imported, required, and exports something`, () => {
      node("--input-type=module", "-e", `if (Object.keys(await import("${specifier}")).length === 0) throw new Error("no exports")`);
      const [major, minor] = process.versions.node.split(".").map(Number);
      // Older releases cannot require a module, as the README says.
      const canRequire = major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
      if (canRequire) node("--no-warnings", "-e", `if (Object.keys(require("${specifier}")).length === 0) throw new Error("no exports")`);
    });
  }
  await check("nothing but the listed subpaths is reachable", () => {
    for (const hidden of ["dist/mod.js", "mod.ts", "src/base/decision.ts", "plugins/mcp.ts"].map((path) => `${manifest.name}/${path}`)) {
      const printed = node("--input-type=module", "-e", `await import("${hidden}").then(() => console.log("reached"), (error) => console.log(error.code))`);
      assert(printed.trim() === "ERR_PACKAGE_PATH_NOT_EXPORTED", `${hidden}: ${printed}`);
    }
  });
}

/** The files that JSR would be sent. */
function sentToJsr() {
  const text = said(bin("deno"), ["publish", "--dry-run", "--allow-dirty", "--no-check"], root).replaceAll(/\x1b\[\d*m/g, "");
  return Array.from(text.matchAll(/^ +(file:\S+) \(/gm), ([, url]) => relative(root, fileURLToPath(url)).replaceAll("\\", "/"));
}

async function checkFiles() {
  await check("what the README links to is in the packages of npm and JSR", () => {
    const links = Array.from(readFileSync(join(root, "README.md"), "utf8").matchAll(/\]\(((?!https?:|#)[^)#]+)/g), ([, path]) => path);
    assert(links.length > 0, "The README links to nothing");
    const sent = sentToJsr();
    assertSame(links.filter((path) => !packed.includes(path)), [], "Not on npm");
    assertSame(links.filter((path) => !sent.includes(path)), [], "Not on JSR");
  });
  await check("the policy's schema is an entry of its own, and in both packages", () => {
    const path = "src/policy/policy.schema.json";
    assert(packed.includes(path) && sentToJsr().includes(path), `${path} is missing`);
    const [wanted, imported, required] = node(
      "--no-warnings",
      "--input-type=module",
      "-e",
      `import { createRequire } from "node:module";
      import { policySchema } from "${manifest.name}";
      import schema from "${manifest.name}/policy.schema.json" with { type: "json" };
      const required = createRequire(process.cwd() + "/main.js")("${manifest.name}/policy.schema.json");
      for (const one of [policySchema, schema, required]) console.log(JSON.stringify(one));`,
    ).trim().split("\n");
    assert(wanted.length > 1000 && imported === wanted && required === wanted, "It is another one than policySchema");
  });
}

/** One program that imports every entry point; each that makes kernels is paired with each. */
const PAIRS = `
import assert from "node:assert/strict";
const entries = await Promise.all(process.argv.slice(1).map((name) => import(name)));
const makers = entries.filter(({ createKernel }) => createKernel !== undefined);
for (const one of makers) {
  for (const other of makers) {
    assert.equal(one.allow(), other.allow());
    const plugin = other.definePlugin({
      name: "pair",
      wrap: (agent, session) => ({ call: (name) => session.tool({ name, arguments: {} }, () => agent.call(name)) }),
    });
    const kernel = one.createKernel({ guards: [other.all(one.allowTools(["ask", "tell"]), other.denyTools(["tell"]))] });
    const session = kernel.session({ agentId: "pair" });
    const governed = kernel.wrap({ call: (name) => name }, plugin, session);
    assert.equal(await governed.call("ask"), "ask");
    const error = await governed.call("tell").catch((caught) => caught);
    assert.ok(error instanceof other.PolicyViolationError && other.isPolicyViolation(error));
    assert.equal(error.code, "tool_not_allowed");
    const guard = other.defineGuard({ name: "late", stages: ["pre_tool_call"], check: () => other.deny("late", "Too late") });
    const late = await one.createKernel({ guards: [guard] }).session({ agentId: "pair" }).check({ stage: "pre_tool_call", name: "ask", payload: {} });
    assert.equal(late.code, "late");
  }
}
console.log(makers.length);
`;

async function checkOneCopy() {
  await check("what one entry point makes is known to every other", () => {
    const printed = node("--input-type=module", "-e", PAIRS, ...keys.map(specifierOf));
    assert(Number(printed) > 0, `${printed} entry points make kernels`);
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

const GROUPS = { files: checkFiles, maps: checkMaps, imports: checkImports, copies: checkOneCopy, types: checkTypes, modules: checkModules, shaking: checkShaking, bytes: checkBytes, published: checkAsPublished };
const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
if (update) await checkBytes({ update });
else if (counts.failed === 0) for (const name of named.length > 0 ? named : Object.keys(GROUPS)) await GROUPS[name]();
else console.log("There is no package to look at");

rmSync(project, { recursive: true, force: true });
console.log(`${counts.passed} passed, ${counts.failed} failed`);
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1;
