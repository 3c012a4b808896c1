// Refuses a release whose tag, manifests and changelog do not name one version: node test/package/release.mjs <tag> [folder]
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const [tag = "", folder = fileURLToPath(new URL("../..", import.meta.url))] = process.argv.slice(2);
const read = (path) => readFileSync(join(folder, path), "utf8");
const problems = [];

const version = /^v(\d+\.\d+\.\d+(?:-[\w.]+)?)$/.exec(tag)?.[1];
if (version === undefined) problems.push(`"${tag}" is not the tag of a version, as "v1.2.3" is`);
for (const path of ["package.json", "deno.json", "jsr.json"]) {
  const named = JSON.parse(read(path)).version;
  if (named !== version) problems.push(`${path} names the version ${named}`);
}
const [, top = "nothing", date = ""] = /^## (\S+)(?: \((.*)\))?$/m.exec(read("CHANGELOG.md")) ?? [];
if (top !== version) problems.push(`CHANGELOG.md begins with ${top}`);
if (!/^\d{4}-\d\d-\d\d$/.test(date)) problems.push(`CHANGELOG.md gives ${top} no date of release, but "${date}"`);

for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${tag} is what the manifests and the changelog name`);
process.exitCode = problems.length === 0 ? 0 : 1;
