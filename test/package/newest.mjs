// Moves the exact versions of a folder's development dependencies to the newest of their range, with "--latest" to the newest
// there is, and its lock with them: what a scheduled run then tests. node test/package/newest.mjs [--latest] [folder]
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const latest = process.argv.includes("--latest");
const folder = resolve(process.argv.slice(2).find((argument) => !argument.startsWith("--")) ?? ".");
const path = join(folder, "package.json");
const manifest = JSON.parse(readFileSync(path, "utf8"));
const before = manifest.devDependencies;

/** Splits "1.2.3" or "npm:name@1.2.3" in the alias and the version. */
function split(spec) {
  const parts = /^((?:npm:.+@)?)(\d+\.\d+\.\d+(?:[-+][\w.+-]+)?)$/.exec(spec);
  if (parts === null) throw new Error(`${path}: "${spec}" is not an exact version`);
  return { alias: parts[1], version: parts[2] };
}

function npm(...args) {
  const { status, error } = spawnSync("npm", [...args, "--no-audit", "--no-fund"], { cwd: folder, stdio: "inherit", shell: process.platform === "win32" });
  if (status !== 0) throw error ?? new Error(`npm ${args.join(" ")} ended with ${status}`);
}

const save = (of) => {
  manifest.devDependencies = Object.fromEntries(Object.entries(before).map(([name, spec]) => [name, of(name, split(spec))]));
  writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
};

save((_, { alias, version }) => alias + (latest ? "latest" : `^${version}`));
for (const old of ["node_modules", "package-lock.json"]) rmSync(join(folder, old), { recursive: true, force: true });
npm("install");
save((name, { alias }) => alias + JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")).version);
npm("install", "--package-lock-only");
for (const [name, spec] of Object.entries(before)) {
  if (manifest.devDependencies[name] !== spec) console.log(`${name}: ${spec} -> ${manifest.devDependencies[name]}`);
}
