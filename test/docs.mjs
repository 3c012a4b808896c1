// Holds the documentation to what the registry scores: every entry point has a module comment, every exported symbol a
// comment of its own, and the README an example.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const deno = fileURLToPath(new URL(`../node_modules/.bin/deno${process.platform === "win32" ? ".cmd" : ""}`, import.meta.url));
const entries = Object.values(JSON.parse(readFileSync(`${root}/deno.json`, "utf8")).exports);
const problems = [];
let all = 0;
let documented = 0;

for (const entry of entries) {
  const text = execFileSync(deno, ["doc", "-q", "--json", entry], { cwd: root, encoding: "utf8", maxBuffer: 2 ** 28 });
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

if (!existsSync(`${root}/README.md`)) problems.push("README.md is missing");
else if (!/^```ts$/m.test(readFileSync(`${root}/README.md`, "utf8"))) problems.push("README.md has no example");

for (const problem of problems) console.error(problem);
console.log(`${documented} of ${all} symbols documented in ${entries.length} entry points, ${problems.length} problems`);
process.exitCode = problems.length > 0 || all === 0 ? 1 : 0;
