// What the package checks share: a counter, a way to run programs, and a fresh project that the tarball is installed into.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { decode } from "@jridgewell/sourcemap-codec";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const here = join(root, "test/package");
export const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
export const project = realpathSync(mkdtempSync(join(tmpdir(), "sallyport-package-")));
export const installed = join(project, "node_modules", manifest.name);
export const counts = { passed: 0, failed: 0 };

/** The subpaths that hold a module, as keys of the exports table. */
export const keys = Object.keys(manifest.exports).filter((key) => !key.endsWith(".json"));
export const specifierOf = (key) => manifest.name + key.slice(1);
export const sourceOf = (key) => manifest.exports[key].default.replace(/^\.\/dist\/(.+)\.js$/, "$1.ts");

/** The built files whose name ends so. */
export const built = (ending) =>
  readdirSync(join(installed, "dist"), { recursive: true }).filter((path) => path.endsWith(ending)).map((path) => join(installed, "dist", path));

/** The sources that some code comes from, by the map of that code in a folder. */
export function sourcesIn({ mappings, sources }, folder) {
  const used = new Set(decode(mappings).flat().flatMap(([, source]) => source ?? []));
  return [...used].map((at) => relative(installed, resolve(folder, sources[at])).replaceAll("\\", "/")).filter((path) => !path.startsWith(".."));
}

/** Runs a program; anything but status 0 is an error with what it printed. */
function finished(command, args, cwd) {
  const shell = process.platform === "win32";
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, encoding: "utf8", shell, stdio: ["ignore", "pipe", "pipe"], timeout: 240_000 });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status ?? error?.message}\n${stdout}${stderr}`);
  return { stdout, stderr };
}

/** Runs a program and answers what it printed. */
export const run = (command, args, cwd = project) => finished(command, args, cwd).stdout;

/** Runs a program and answers what it said besides: its progress. */
export const said = (command, args, cwd = project) => finished(command, args, cwd).stderr;

export async function check(name, body) {
  try {
    await body();
    counts.passed++;
    console.log(`ok      ${name}`);
  } catch (error) {
    counts.failed++;
    console.log(`FAILED  ${name}\n${error.message}`);
  }
}

export function assert(condition, message) {
  if (!condition) throw new Error(message);
}

/** Fails with both lists, where they differ in anything but order. */
export function assertSame(got, wanted, what) {
  const [a, b] = [[...got].sort(), [...wanted].sort()];
  assert(a.join() === b.join(), `${what}: ${a.join(", ") || "nothing"}\nwanted: ${b.join(", ") || "nothing"}`);
}

export const bin = (name) => join(root, "node_modules/.bin", name);
export const write = (path, content) => writeFileSync(join(project, path), typeof content === "string" ? content : JSON.stringify(content));
export const node = (...args) => run(process.execPath, args);
export const tsc = (config) => node(join(root, "node_modules/typescript/bin/tsc"), "-p", config);

/** What the compiler says about a project that it must refuse. */
export function refusal(config) {
  try {
    tsc(config);
  } catch (error) {
    return error.message;
  }
  throw new Error(`${config} compiles, and must not`);
}
