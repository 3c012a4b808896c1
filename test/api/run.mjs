// Holds the public interface to the committed report: every symbol of every entry point with its signature and its members,
// one file an entry point beside this one. Comments are not part of it. `npm run api` writes the report anew; without
// "--update" a difference is printed and fails.
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const windows = process.platform === "win32";
const deno = join(root, "node_modules/.bin", windows ? "deno.cmd" : "deno");
const entries = Object.entries(JSON.parse(readFileSync(join(root, "deno.json"), "utf8")).exports);
/** "core" is the report of the whole, which came first; that of `sallyport/core` is "sallyport-core". */
const reportOf = (subpath) =>
  subpath === "." ? "core.txt" : subpath === "./core" ? "sallyport-core.txt" : `${subpath.slice(2).replaceAll("/", "-")}.txt`;

/** Writes the declarations without their comments, as `.ts` files: the specifiers in them end so. */
function declarations(folder) {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const flags = ["--emitDeclarationOnly", "--declarationMap", "false", "--removeComments", "--outDir", folder];
  const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json"), ...flags], { encoding: "utf8" });
  if (status !== 0) throw new Error(`The declarations cannot be built:\n${stdout}`);
  for (const path of readdirSync(folder, { recursive: true })) {
    if (path.endsWith(".d.ts")) renameSync(join(folder, path), join(folder, path.replace(/\.d\.ts$/, ".ts")));
  }
}

/** The text of a declaration: up to the `;` or the `}` that ends it, outside of brackets and strings. */
function declarationAt(text, start) {
  const pieces = /"(?:[^"\\]|\\.)*"|=>|[([{<]|[)\]}>]|;/g;
  pieces.lastIndex = start;
  const block = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|class|namespace|enum)\b/.test(text.slice(start));
  let depth = 0;
  for (let piece = pieces.exec(text); piece !== null; piece = pieces.exec(text)) {
    const [mark] = piece;
    if ("([{<".includes(mark)) depth++;
    else if (")]}>".includes(mark)) depth--;
    if (depth === 0 && (mark === ";" || (block && mark === "}"))) return text.slice(start, pieces.lastIndex);
  }
  throw new Error(`No end to ${text.slice(start, start + 80)}`);
}

/** The interface of one file: the declarations of its symbols by name, as the compiler writes them. */
async function report(file) {
  const options = { cwd: dirname(file), encoding: "utf8", maxBuffer: 2 ** 28, shell: windows, env: { ...process.env, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" } };
  const { stdout } = await promisify(execFile)(deno, ["doc", "-q", "--json", file], options);
  const [{ symbols }] = Object.values(JSON.parse(stdout).nodes);
  const blocks = symbols.flatMap(({ name, declarations }) => declarations.map(({ location: { filename, line } }) => {
    const text = readFileSync(fileURLToPath(filename), "utf8").replaceAll("\r\n", "\n");
    const start = text.split("\n").slice(0, line).reduce((sum, { length }) => sum + length + 1, 0); // lines count from 0
    const declaration = declarationAt(text, start).replace(/^export /, "").replace(/^declare /, "");
    const own = new RegExp(`^(?:abstract )?\\w+ ${name.replaceAll("$", "\\$")}\\b`).test(declaration);
    return { name, line, text: own ? declaration : `// as ${name}\n${declaration}` };
  }));
  const byName = (left, right) => (left.name === right.name ? left.line - right.line : left.name < right.name ? -1 : 1);
  return `${blocks.sort(byName).map(({ text }) => text).join("\n\n")}\n`;
}

/** What stands in one text and not in the other, symbol by symbol; of a symbol in both, the lines that differ. */
function difference(before, after) {
  const blocks = (text) => text.split("\n\n").map((block) => block.trim().split("\n")).filter(([head]) => head !== "");
  const [old, now] = [blocks(before), blocks(after)];
  const marked = (mark, lines) => lines.map((line) => `  ${mark} ${line}`);
  const same = (left, right) => left.join() === right.join();
  const left = old.filter((block) => !now.some((other) => same(block, other)));
  const right = now.filter((block) => !old.some((other) => same(block, other)));
  const print = (block, others, mark) => {
    const other = block.length > 1 ? others.find(([head]) => head === block[0]) : undefined;
    return other === undefined ? marked(mark, block) : [`    ${block[0]}`, ...marked(mark, block.filter((line) => !other.includes(line)))];
  };
  return [...left.flatMap((block) => print(block, right, "-")), ...right.flatMap((block) => print(block, left, "+"))].join("\n");
}

const update = process.argv.includes("--update");
const folder = mkdtempSync(join(tmpdir(), "sallyport-api-"));
let changed = 0;
try {
  declarations(folder);
  const reports = await Promise.all(entries.map(async ([subpath, path]) => [subpath, await report(join(folder, path))]));
  const committed = new Map(readdirSync(here).filter((name) => name.endsWith(".txt")).map((name) => [name, readFileSync(join(here, name), "utf8")]));
  for (const [subpath, now] of reports) {
    if (now.trim() === "") throw new Error(`${subpath} exports nothing`);
    const name = reportOf(subpath);
    const before = (committed.get(name) ?? "").replaceAll("\r\n", "\n");
    committed.delete(name);
    if (before === now) continue;
    changed++;
    console.log(`The interface of "${subpath}" changed:\n${difference(before, now) || "  the order of its symbols"}`);
    if (update) writeFileSync(join(here, name), now);
  }
  for (const name of committed.keys()) {
    changed++;
    console.log(`test/api/${name} is the report of no entry point`);
    if (update) rmSync(join(here, name));
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (changed > 0 && !update) console.log('If that is meant, run "npm run api", and name it in CHANGELOG.md');
console.log(`${entries.length} entry points, ${changed} ${update ? "reports written" : "changed"}`);
process.exitCode = changed > 0 && !update ? 1 : 0;
