// Holds the documentation to what the registry scores, every entry point with a module comment, every exported symbol with a
// comment of its own, the README with an example, and to the repository: the commands and files that it names exist.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const deno = fileURLToPath(
  new URL(`../node_modules/.bin/deno${process.platform === "win32" ? ".cmd" : ""}`, import.meta.url),
);
const entries = Object.values(JSON.parse(readFileSync(`${root}/deno.json`, "utf8")).exports);
const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
const problems = [];
let all = 0;
let documented = 0;

for (const entry of entries) {
  const text = execFileSync(deno, ["doc", "-q", "--json", entry], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    shell: process.platform === "win32",
  });
  const [node] = Object.values(JSON.parse(text).nodes);
  if (!node.module_doc?.doc?.trim()) problems.push(`${entry} has no module comment`);
  if (node.symbols.length === 0) problems.push(`${entry} exports nothing`);
  for (const { name, declarations } of node.symbols) {
    for (const { jsDoc } of declarations) {
      all++;
      if (jsDoc?.doc?.trim()) documented++;
      else problems.push(`${entry}: ${name} has no comment`);
    }
  }
}

let commands = 0;
let files = 0;
for (const page of ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "plugins/README.md"]) {
  if (!existsSync(`${root}/${page}`)) {
    problems.push(`${page} is missing`);
    continue;
  }
  const text = readFileSync(`${root}/${page}`, "utf8");
  if (page === "README.md" && !/^```ts$/m.test(text)) problems.push("README.md has no example");
  for (const [, name] of text.matchAll(/\bnpm run (?:-s )?([\w:-]+)/g)) {
    commands++;
    if (!Object.hasOwn(scripts, name)) {
      problems.push(`${page} names "npm run ${name}", which package.json does not have`);
    }
  }
  const named = [
    ...text.matchAll(/`((?:src|plugins|test|bench|\.ci|\.github)\/[\w./-]*)`/g),
    ...text.matchAll(/\]\(((?!https?:|#)[^)]+)\)/g),
  ];
  for (const [, path] of named) {
    files++;
    if (!existsSync(`${root}/${path.split("#")[0]}`)) problems.push(`${page} names ${path}, which does not exist`);
  }
}
if (commands === 0 || files === 0) {
  problems.push("The pages name no command or no file: they are not read as they are written");
}

for (const problem of problems) console.error(problem);
const count =
  `${documented} of ${all} symbols documented in ${entries.length} entry points, ${commands} commands and ${files} files named`;
console.log(`${count}, ${problems.length} problems`);
process.exitCode = problems.length > 0 || all === 0 ? 1 : 0;
